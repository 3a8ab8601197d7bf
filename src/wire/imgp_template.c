
/*
 * The text of a "send json" template, or the fields of "send form", become
 * literals and slots.
 *
 * Called while the configuration is read; a parsed template lives in the
 * caller's pool, is immutable from then on, and serves all threads.  What is
 * made of it for a request is imgp_template_body.c's.
 *
 * Slots are told from JSON by "{{", which JSON itself never has outside of
 * strings.  That the rest is JSON (RFC 8259) is checked by jansson with every
 * slot replaced by as many bytes of a value, so that its lines and columns
 * are those of the file.
 */


#include "imgp_template_type.h"
#include <jansson.h>


#define IMGP_TEMPLATE_PERCENT  3      /* bytes at most for one of a form */


typedef struct {
    imgp_template_t   *template;
    imgp_pool_t       *pool;
    u_char            *mask;          /* the text with slots filled */
    size_t             len;           /* of it */
    u_char            *begin;         /* of the literal */
    u_char            *last;
    imgp_uint_t        quoted;
    imgp_uint_t        line;
    imgp_error_t      *err;
} imgp_template_parse_t;


typedef struct {
    imgp_str_t            word;
    imgp_template_kind_e  kind;
} imgp_template_word_t;


static imgp_int_t imgp_template_scan(imgp_template_parse_t *parse,
    u_char *text);
static u_char *imgp_template_slot(imgp_template_parse_t *parse,
    u_char *text, u_char *p);
static imgp_int_t imgp_template_words(imgp_template_parse_t *parse,
    const imgp_str_t *text, imgp_template_slot_t *slot);
static imgp_int_t imgp_template_input(imgp_template_parse_t *parse,
    const imgp_str_t *text, const imgp_str_t *word,
    imgp_template_slot_t *slot);
static imgp_int_t imgp_template_pointer(imgp_template_parse_t *parse,
    imgp_str_t *word, imgp_template_slot_t *slot);
static imgp_uint_t imgp_template_prefix(imgp_str_t *text, const char *prefix);
static u_char *imgp_template_field(u_char *p, const imgp_str_t *field);
static void imgp_template_mask(u_char *p, size_t len, imgp_uint_t quoted);
static imgp_int_t imgp_template_check(imgp_template_parse_t *parse);
static imgp_int_t imgp_template_no_memory(imgp_error_t *err);


static const imgp_template_word_t  imgp_template_kinds[] = {
    { imgp_string("base64"), IMGP_TEMPLATE_BASE64 },
    { imgp_string("type"), IMGP_TEMPLATE_TYPE },
    { imgp_string("json"), IMGP_TEMPLATE_JSON },
    { imgp_string("text"), IMGP_TEMPLATE_TEXT }
};


imgp_template_t *
imgp_template_parse(imgp_pool_t *pool, const imgp_str_t *text,
    imgp_uint_t *line, imgp_error_t *err)
{
    u_char                 *copy;
    imgp_template_t        *t;
    imgp_template_parse_t   parse;

    *line = 1;

    if (text->len > IMGP_TEMPLATE_MAX) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "template is larger than %d bytes", IMGP_TEMPLATE_MAX);
        return NULL;
    }

    t = imgp_pcalloc(pool, sizeof(imgp_template_t));
    copy = imgp_pstrdup(pool, text);

    parse.template = t;
    parse.pool = pool;
    parse.mask = imgp_pstrdup(pool, text);
    parse.len = text->len;
    parse.begin = copy;
    parse.last = copy + text->len;
    parse.quoted = 0;
    parse.line = 1;
    parse.err = err;

    if (t == NULL || copy == NULL || parse.mask == NULL) {
        imgp_template_no_memory(err);
        return NULL;
    }

    /* RFC 8259, 8.1: a byte order mark must not be sent */

    if (text->len >= 3 && memcmp(copy, "\xef\xbb\xbf", 3) == 0) {
        memset(parse.mask, ' ', 3);
        parse.begin += 3;
    }

    if (imgp_template_scan(&parse, copy) != IMGP_OK
        || imgp_template_check(&parse) != IMGP_OK)
    {
        *line = parse.line;
        return NULL;
    }

    return t;
}


imgp_template_t *
imgp_template_form(imgp_pool_t *pool, const imgp_str_t *fields, imgp_uint_t n,
    imgp_error_t *err)
{
    size_t                  len;
    u_char                 *p;
    imgp_uint_t             i;
    imgp_template_t        *t;
    imgp_template_parse_t   parse;

    for (len = 0, i = 0; i < n; i++) {
        len += fields[i].len * IMGP_TEMPLATE_PERCENT + sizeof("&") - 1;
    }

    memset(&parse, 0, sizeof(imgp_template_parse_t));

    t = imgp_pcalloc(pool, sizeof(imgp_template_t));
    p = imgp_palloc(pool, len + 1);
    parse.mask = imgp_palloc(pool, len + 1);

    if (t == NULL || p == NULL || parse.mask == NULL) {
        imgp_template_no_memory(err);
        return NULL;
    }

    t->form = 1;

    parse.template = t;
    parse.pool = pool;
    parse.begin = p;
    parse.quoted = 1;
    parse.line = 1;
    parse.err = err;

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = '&';
        }

        p = imgp_template_field(p, &fields[i]);
    }

    parse.last = p;

    return (imgp_template_scan(&parse, parse.begin) == IMGP_OK) ? t : NULL;
}


/* "name=value", encoded but for the first "=" and the slots */

static u_char *
imgp_template_field(u_char *p, const imgp_str_t *field)
{
    u_char      *q, *last, *end;
    imgp_str_t   part;

    q = field->data;
    last = q + field->len;

    for (part.data = q; q < last; q++) {

        if (*q == '=' && part.data == field->data) {
            part.len = q - part.data;
            p = imgp_template_percent(p, &part);
            *p++ = '=';
            part.data = q + 1;
            continue;
        }

        if (*q != '{' || last - q < 2 || q[1] != '{') {
            continue;
        }

        part.len = q - part.data;
        p = imgp_template_percent(p, &part);

        for (end = q; end < last; end++) {
            if (last - end > 1 && end[0] == '}' && end[1] == '}') {
                end += 2;
                break;
            }
        }

        memcpy(p, q, end - q);
        p += end - q;

        part.data = end;
        q = end - 1;
    }

    part.len = last - part.data;

    return imgp_template_percent(p, &part);
}


imgp_template_slot_t *
imgp_template_slots(imgp_template_t *t, imgp_uint_t *n)
{
    *n = t->nslots;
    return t->slots;
}


static imgp_int_t
imgp_template_scan(imgp_template_parse_t *parse, u_char *text)
{
    u_char           *p;
    imgp_str_t       *literal;
    imgp_template_t  *t;

    t = parse->template;
    p = parse->begin;

    while (p < parse->last) {

        if (*p == '{' && parse->last - p > 1 && p[1] == '{') {
            p = imgp_template_slot(parse, text, p);

            if (p == NULL) {
                return IMGP_ERROR;
            }

            continue;
        }

        if (*p == '\n') {
            parse->line++;

        } else if (*p == '"') {
            parse->quoted = !parse->quoted;

        } else if (*p == '\\' && parse->quoted && parse->last - p > 1) {
            p++;
        }

        p++;
    }

    literal = &t->literals[t->nslots];
    literal->data = parse->begin;
    literal->len = parse->last - parse->begin;

    return IMGP_OK;
}


/* "p" is at its "{{"; returns what follows the "}}" */

static u_char *
imgp_template_slot(imgp_template_parse_t *parse, u_char *text, u_char *p)
{
    u_char                *q, *end;
    imgp_str_t             inner;
    imgp_template_t       *t;
    imgp_template_slot_t  *slot;

    t = parse->template;
    end = parse->last;

    if (end - p > IMGP_TEMPLATE_SLOT_MAX) {
        end = p + IMGP_TEMPLATE_SLOT_MAX;
    }

    for (q = p + 2; end - q > 1 && *q != '\n'; q++) {
        if (q[0] == '}' && q[1] == '}') {
            break;
        }
    }

    if (end - q < 2 || *q == '\n') {
        imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                       "\"{{\" without its \"}}\": write \"{\\u007b\" for "
                       "two braces in a text");
        return NULL;
    }

    if (t->nslots == IMGP_TEMPLATE_SLOTS_MAX) {
        imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                       "more than %d slots", IMGP_TEMPLATE_SLOTS_MAX);
        return NULL;
    }

    t->literals[t->nslots].data = parse->begin;
    t->literals[t->nslots].len = p - parse->begin;

    inner.data = p + 2;
    inner.len = q - inner.data;

    while (inner.len && *inner.data == ' ') {
        inner.data++;
        inner.len--;
    }

    while (inner.len && inner.data[inner.len - 1] == ' ') {
        inner.len--;
    }

    slot = &t->slots[t->nslots];
    slot->quoted = parse->quoted;
    slot->line = parse->line;

    if (imgp_template_words(parse, &inner, slot) != IMGP_OK) {
        return NULL;
    }

    t->nslots++;
    parse->begin = q + 2;

    imgp_template_mask(parse->mask + (p - text), q + 2 - p, slot->quoted);

    return q + 2;
}


static imgp_int_t
imgp_template_words(imgp_template_parse_t *parse, const imgp_str_t *text,
    imgp_template_slot_t *slot)
{
    u_char      *dot;
    imgp_str_t   rest, word;

    rest = *text;

    if (imgp_str_is(text, "job.id")) {
        slot->kind = IMGP_TEMPLATE_JOB;

    } else if (imgp_template_prefix(&rest, "param.")) {
        slot->kind = IMGP_TEMPLATE_PARAM;
        slot->name = rest;
        return IMGP_OK;

    } else if (imgp_template_prefix(&rest, "input.")) {
        return imgp_template_input(parse, text, &rest, slot);

    } else if (imgp_template_prefix(&rest, "inputs.")) {
        dot = memchr(rest.data, '.', rest.len);

        if (dot == NULL || dot == rest.data) {
            goto unknown;
        }

        slot->name.data = rest.data;
        slot->name.len = dot - rest.data;

        word.data = dot + 1;
        word.len = rest.len - slot->name.len - 1;

        return imgp_template_input(parse, text, &word, slot);

    } else {
        goto unknown;
    }

    if (!slot->quoted) {
        return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                              "\"{{%.*s}}\" must stand within quotes",
                              (int) text->len, (char *) text->data);
    }

    return IMGP_OK;

unknown:

    return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                          "unknown \"{{%.*s}}\": it must be input.base64, "
                          "input.type, input.json, input.text, "
                          "inputs.NAME.base64, param.NAME or job.id",
                          (int) imgp_min(text->len, IMGP_NAME_LEN),
                          (char *) text->data);
}


static imgp_int_t
imgp_template_input(imgp_template_parse_t *parse, const imgp_str_t *text,
    const imgp_str_t *word, imgp_template_slot_t *slot)
{
    imgp_str_t   kind;
    imgp_uint_t  i;

    kind = *word;

    if (imgp_template_pointer(parse, &kind, slot) != IMGP_OK) {
        return IMGP_ERROR;
    }

    for (i = 0; i < imgp_nelts(imgp_template_kinds); i++) {
        if (imgp_str_eq(&kind, &imgp_template_kinds[i].word)) {
            break;
        }
    }

    if (i == imgp_nelts(imgp_template_kinds)) {
        return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                              "unknown \"%.*s\" in \"{{%.*s}}\": it must be "
                              "base64, type, json, json/POINTER or text",
                              (int) imgp_min(word->len, 32),
                              (char *) word->data,
                              (int) imgp_min(text->len, IMGP_NAME_LEN),
                              (char *) text->data);
    }

    slot->kind = imgp_template_kinds[i].kind;

    if (parse->template->form && slot->kind == IMGP_TEMPLATE_BASE64) {
        return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                              "\"{{%.*s}}\" does not go into a form: use "
                              "\"send multipart\" or \"send json\"",
                              (int) imgp_min(text->len, IMGP_NAME_LEN),
                              (char *) text->data);
    }

    if (!slot->quoted && slot->kind != IMGP_TEMPLATE_JSON) {
        return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                              "\"{{%.*s}}\" must stand within quotes",
                              (int) imgp_min(text->len, IMGP_NAME_LEN),
                              (char *) text->data);
    }

    return IMGP_OK;
}


/* "json/a/0": cuts the pointer off */

static imgp_int_t
imgp_template_pointer(imgp_template_parse_t *parse, imgp_str_t *word,
    imgp_template_slot_t *slot)
{
    u_char      *copy;
    imgp_str_t   rest;

    rest = *word;

    if (!imgp_template_prefix(&rest, "json/")) {
        return IMGP_OK;
    }

    slot->text.data = rest.data - 1;
    slot->text.len = rest.len + 1;
    word->len = sizeof("json") - 1;

    copy = imgp_pstrdup(parse->pool, &slot->text);
    if (copy == NULL) {
        return imgp_template_no_memory(parse->err);
    }

    slot->text.data = copy;
    slot->pointer = imgp_pointer_parse(parse->pool, &slot->text, parse->err);

    return slot->pointer ? IMGP_OK : IMGP_ERROR;
}


static imgp_uint_t
imgp_template_prefix(imgp_str_t *text, const char *prefix)
{
    size_t  len;

    len = strlen(prefix);

    if (text->len <= len || memcmp(text->data, prefix, len) != 0) {
        return 0;
    }

    text->data += len;
    text->len -= len;

    return 1;
}


/* a part of a string, or the number 0 with blanks around it, so that it does
   not become one with a neighbour */

static void
imgp_template_mask(u_char *p, size_t len, imgp_uint_t quoted)
{
    memset(p, quoted ? 'x' : ' ', len);

    if (!quoted) {
        p[1] = '0';
    }
}


static imgp_int_t
imgp_template_check(imgp_template_parse_t *parse)
{
    size_t         flags;
    json_t        *root;
    json_error_t   je;

    flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;

    root = json_loadb((char *) parse->mask, parse->len, flags, &je);

    if (root == NULL && json_error_code(&je) == json_error_numeric_overflow) {
        root = json_loadb((char *) parse->mask, parse->len,
                          flags | JSON_DECODE_INT_AS_REAL, &je);
    }

    if (root == NULL) {
        parse->line = je.line > 0 ? je.line : 1;

        return imgp_error_set(parse->err, IMGP_E_BAD_PARAM,
                              "template is no JSON: %s", je.text);
    }

    json_decref(root);

    return IMGP_OK;
}


static imgp_int_t
imgp_template_no_memory(imgp_error_t *err)
{
    return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
}
