
/*
 * A template filled for one request: a list of pieces, each a range of bytes
 * somewhere or the base64 of one.
 *
 * Filled by a thread, since JSON inputs are read whole and checked there;
 * read by curl in the event loop, some kilobytes at a time, from the mapped
 * inputs.  So the memory of a body is that of its pieces, however large the
 * inputs are.  It lies in the caller's pool.
 */


#include <stdlib.h>
#include "imgp_template_type.h"
#include <jansson.h>
#include <imgp/imgp_base64.h>
#include <imgp/imgp_pointer.h>
#include <imgp/imgp_utf8.h>


#define IMGP_TEMPLATE_PIECES  (2 * IMGP_TEMPLATE_SLOTS_MAX + 1)
#define IMGP_TEMPLATE_ESCAPE  6       /* bytes at most for one of a string */


typedef struct {
    imgp_str_t      data;
    imgp_uint_t     base64;
    uint64_t        begin;            /* its place in the body */
} imgp_template_piece_t;


struct imgp_template_body_s {
    imgp_template_piece_t  pieces[IMGP_TEMPLATE_PIECES];
    imgp_uint_t            npieces;
    imgp_uint_t            form;
    uint64_t               length;

    imgp_uint_t            current;
    uint64_t               pos;       /* in the body */
};


static imgp_int_t imgp_template_value(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_template_slot_t *slot,
    const imgp_template_values_t *values, imgp_error_t *err);
static imgp_int_t imgp_template_document(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_template_slot_t *slot,
    const imgp_str_t *data, imgp_error_t *err);
static imgp_int_t imgp_template_selected(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_template_slot_t *slot, json_t *root,
    imgp_error_t *err);
static imgp_int_t imgp_template_one(void *data, json_t *value);
static imgp_int_t imgp_template_text(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_template_input_t *input, imgp_error_t *err);
static imgp_int_t imgp_template_string(imgp_template_body_t *body,
    imgp_pool_t *pool, json_t *value, imgp_error_t *err);
static imgp_int_t imgp_template_quote(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_template_copy(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_template_param(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_template_slot_t *slot,
    const imgp_str_t *value, imgp_error_t *err);
static imgp_int_t imgp_template_escape(imgp_template_body_t *body,
    imgp_pool_t *pool, const imgp_str_t *text, imgp_uint_t quotes,
    imgp_error_t *err);
static u_char *imgp_template_escape_char(u_char *p, u_char ch);
static imgp_uint_t imgp_template_literal(const imgp_str_t *value);
static void imgp_template_add(imgp_template_body_t *body,
    const imgp_str_t *data, imgp_uint_t base64);
static imgp_int_t imgp_template_count(const imgp_template_slot_t *slot,
    const imgp_template_input_t *input, imgp_error_t *err);
static uint64_t imgp_template_piece_end(const imgp_template_body_t *body,
    imgp_uint_t i);


imgp_template_body_t *
imgp_template_fill(const imgp_template_t *t, imgp_pool_t *pool,
    const imgp_template_values_t *values, imgp_error_t *err)
{
    imgp_uint_t            i;
    imgp_template_body_t  *body;

    body = imgp_pcalloc(pool, sizeof(imgp_template_body_t));
    if (body == NULL) {
        imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
        return NULL;
    }

    body->form = t->form;

    for (i = 0; i < t->nslots; i++) {
        imgp_template_add(body, &t->literals[i], 0);

        if (imgp_template_value(body, pool, &t->slots[i], values, err)
            != IMGP_OK)
        {
            return NULL;
        }
    }

    imgp_template_add(body, &t->literals[i], 0);

    return body;
}


static imgp_int_t
imgp_template_value(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_template_slot_t *slot, const imgp_template_values_t *values,
    imgp_error_t *err)
{
    imgp_str_t                    text;
    const imgp_template_input_t  *input;

    switch (slot->kind) {

    case IMGP_TEMPLATE_PARAM:
        return imgp_template_param(body, pool, slot,
                                   &values->params[slot->index], err);

    case IMGP_TEMPLATE_JOB:
        return imgp_template_escape(body, pool, &values->job, 0, err);

    default:
        break;
    }

    input = &values->inputs[slot->index];

    if (imgp_template_count(slot, input, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    switch (slot->kind) {

    case IMGP_TEMPLATE_BASE64:
        imgp_template_add(body, &input->data, 1);
        return IMGP_OK;

    case IMGP_TEMPLATE_TYPE:
        text.data = (u_char *) input->type;
        text.len = strlen(input->type);
        return imgp_template_escape(body, pool, &text, 0, err);

    case IMGP_TEMPLATE_TEXT:
        return imgp_template_text(body, pool, input, err);

    default: /* IMGP_TEMPLATE_JSON */
        return imgp_template_document(body, pool, slot, &input->data, err);
    }
}


static imgp_int_t
imgp_template_count(const imgp_template_slot_t *slot,
    const imgp_template_input_t *input, imgp_error_t *err)
{
    if (input->n == 1) {
        return IMGP_OK;
    }

    return imgp_error_set(err, IMGP_E_LIMIT,
                          "the template takes one input of \"%.*s\", there "
                          "are %lu: use \"each\" or another stage",
                          slot->name.len ? (int) slot->name.len : 5,
                          slot->name.len ? (char *) slot->name.data : "input",
                          (unsigned long) input->n);
}


/* it is sent as it came, but never as something that is no JSON */

static imgp_int_t
imgp_template_document(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_template_slot_t *slot, const imgp_str_t *data,
    imgp_error_t *err)
{
    json_t        *root;
    imgp_int_t     rc;
    imgp_str_t     text;
    imgp_error_t   why;

    root = imgp_json_load(data, &why);

    if (root == NULL) {
        return imgp_error_set(err, IMGP_E_TYPE,
                              "the template wants JSON, but of its input the "
                              "%s", why.detail);
    }

    if (slot->pointer) {
        rc = imgp_template_selected(body, pool, slot, root, err);
        json_decref(root);
        return rc;
    }

    json_decref(root);

    text = *data;

    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text.data += 3;
        text.len -= 3;
    }

    if (!slot->quoted) {
        imgp_template_add(body, &text, 0);
        return IMGP_OK;
    }

    return imgp_template_quote(body, pool, &text, err);
}


static imgp_int_t
imgp_template_selected(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_template_slot_t *slot, json_t *root, imgp_error_t *err)
{
    char        *dump;
    json_t      *value;
    imgp_int_t   rc;
    imgp_str_t   text;

    value = NULL;

    if (imgp_pointer_each(slot->pointer, root, imgp_template_one, &value)
        != 1)
    {
        return imgp_error_set(err, IMGP_E_TYPE,
                              "the template wants one value at \"%.*s\" of "
                              "its input, which has %s",
                              (int) slot->text.len, (char *) slot->text.data,
                              value ? "several" : "none");
    }

    if (slot->quoted && json_is_string(value)) {
        return imgp_template_string(body, pool, value, err);
    }

    dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    if (dump == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    text.data = (u_char *) dump;
    text.len = strlen(dump);

    rc = slot->quoted ? imgp_template_quote(body, pool, &text, err)
                      : imgp_template_copy(body, pool, &text, err);
    free(dump);

    return rc;
}


static imgp_int_t
imgp_template_one(void *data, json_t *value)
{
    json_t  **found = data;

    *found = value;

    return IMGP_OK;
}


/* a list that was split has JSON strings: what they say is wanted */

static imgp_int_t
imgp_template_text(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_template_input_t *input, imgp_error_t *err)
{
    json_t        *root;
    imgp_int_t     rc;
    imgp_error_t   why;

    if (strcmp(input->type, "application/json") != 0) {
        return imgp_template_quote(body, pool, &input->data, err);
    }

    root = imgp_json_load(&input->data, &why);

    if (json_is_string(root)) {
        rc = imgp_template_string(body, pool, root, err);

    } else {
        rc = imgp_template_quote(body, pool, &input->data, err);
    }

    json_decref(root);

    return rc;
}


static imgp_int_t
imgp_template_string(imgp_template_body_t *body, imgp_pool_t *pool,
    json_t *value, imgp_error_t *err)
{
    imgp_str_t  text;

    text.data = (u_char *) json_string_value(value);
    text.len = json_string_length(value);

    return imgp_template_quote(body, pool, &text, err);
}


static imgp_int_t
imgp_template_quote(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_str_t *text, imgp_error_t *err)
{
    if (text->len > IMGP_TEMPLATE_QUOTED_MAX) {
        return imgp_error_set(err, IMGP_E_LIMIT,
                              "an input within a string has %d MB at most",
                              IMGP_TEMPLATE_QUOTED_MAX / 1024 / 1024);
    }

    return imgp_template_escape(body, pool, text, 0, err);
}


static imgp_int_t
imgp_template_copy(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_str_t *text, imgp_error_t *err)
{
    imgp_str_t  copy;

    copy.len = text->len;
    copy.data = imgp_pstrdup(pool, text);

    if (copy.data == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    imgp_template_add(body, &copy, 0);

    return IMGP_OK;
}


static imgp_int_t
imgp_template_param(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_template_slot_t *slot, const imgp_str_t *value,
    imgp_error_t *err)
{
    if (!slot->quoted && imgp_template_literal(value)) {
        imgp_template_add(body, value, 0);
        return IMGP_OK;
    }

    return imgp_template_escape(body, pool, value, !slot->quoted, err);
}


/* a number of JSON, true, false or null? */

static imgp_uint_t
imgp_template_literal(const imgp_str_t *value)
{
    json_t       *root;
    imgp_uint_t   literal;

    if (value->len == 0) {
        return 0;
    }

    root = json_loadb((char *) value->data, value->len, JSON_DECODE_ANY,
                      NULL);

    literal = json_is_number(root) || json_is_boolean(root)
              || json_is_null(root);

    json_decref(root);

    return literal;
}


/* RFC 8259, 7; bytes that are not UTF-8 become "?" */

static imgp_int_t
imgp_template_escape(imgp_template_body_t *body, imgp_pool_t *pool,
    const imgp_str_t *text, imgp_uint_t quotes, imgp_error_t *err)
{
    size_t         n;
    u_char        *p;
    imgp_str_t     out;
    const u_char  *q, *last;

    out.data = imgp_palloc(pool, text->len * IMGP_TEMPLATE_ESCAPE + 2);
    if (out.data == NULL) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    if (body->form) {
        out.len = imgp_template_percent(out.data, text) - out.data;
        imgp_template_add(body, &out, 0);

        return IMGP_OK;
    }

    p = out.data;
    last = text->data + text->len;

    if (quotes) {
        *p++ = '"';
    }

    for (q = text->data; q < last; q += n) {

        n = imgp_utf8_printable(q, last);

        if (n > 1) {
            memcpy(p, q, n);
            p += n;

        } else {
            n = 1;
            p = imgp_template_escape_char(p, *q);
        }
    }

    if (quotes) {
        *p++ = '"';
    }

    out.len = p - out.data;
    imgp_template_add(body, &out, 0);

    return IMGP_OK;
}


static u_char *
imgp_template_escape_char(u_char *p, u_char ch)
{
    static const u_char  hex[] = "0123456789abcdef";

    if (ch == '"' || ch == '\\') {
        *p++ = '\\';
        *p++ = ch;

    } else if (ch < 0x20 || ch == 0x7f) {
        memcpy(p, "\\u00", 4);
        p += 4;
        *p++ = hex[ch >> 4];
        *p++ = hex[ch & 15];

    } else {
        *p++ = (ch < 0x80) ? ch : '?';
    }

    return p;
}


u_char *
imgp_template_percent(u_char *p, const imgp_str_t *text)
{
    u_char  ch;
    size_t  i;

    static const u_char  hex[] = "0123456789ABCDEF";

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9')
            || ch == '-' || ch == '.' || ch == '_' || ch == '~')
        {
            *p++ = ch;
            continue;
        }

        *p++ = '%';
        *p++ = hex[ch >> 4];
        *p++ = hex[ch & 15];
    }

    return p;
}


static void
imgp_template_add(imgp_template_body_t *body, const imgp_str_t *data,
    imgp_uint_t base64)
{
    imgp_template_piece_t  *piece;

    if (data->len == 0) {
        return;
    }

    piece = &body->pieces[body->npieces++];

    piece->data = *data;
    piece->base64 = base64;
    piece->begin = body->length;

    body->length += base64 ? imgp_base64_size((uint64_t) data->len)
                           : data->len;
}


uint64_t
imgp_template_length(const imgp_template_body_t *body)
{
    return body->length;
}


size_t
imgp_template_read(imgp_template_body_t *body, u_char *buf, size_t size)
{
    size_t                  n, done;
    uint64_t                end;
    imgp_template_piece_t  *piece;

    done = 0;

    while (done < size && body->pos < body->length) {

        piece = &body->pieces[body->current];
        end = imgp_template_piece_end(body, body->current);

        if (body->pos == end) {
            body->current++;
            continue;
        }

        if (piece->base64) {
            n = imgp_base64_part(&piece->data, body->pos - piece->begin,
                                 buf + done, size - done);

        } else {
            n = imgp_min((uint64_t) (size - done), end - body->pos);
            memcpy(buf + done, piece->data.data + (body->pos - piece->begin),
                   n);
        }

        done += n;
        body->pos += n;
    }

    return done;
}


imgp_int_t
imgp_template_seek(imgp_template_body_t *body, uint64_t offset)
{
    if (offset > body->length) {
        return IMGP_ERROR;
    }

    body->pos = offset;
    body->current = 0;

    while (body->current + 1 < body->npieces
           && imgp_template_piece_end(body, body->current) <= offset)
    {
        body->current++;
    }

    return IMGP_OK;
}


static uint64_t
imgp_template_piece_end(const imgp_template_body_t *body, imgp_uint_t i)
{
    return (i + 1 < body->npieces) ? body->pieces[i + 1].begin : body->length;
}
