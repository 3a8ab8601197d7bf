
/*
 * join NAME[=POINTER] ...
 *
 * Puts lists together that belong to each other, item by item: the first name
 * is for the first stage that is read, the second for the second, and so on.
 * The output is a JSON array with an object for each item:
 *
 *     from lines translated; join box=/text_region text;
 *
 *     [{"box":[...],"text":"Hola"}, {"box":[...],"text":"mundo"}]
 *
 * An item is a JSON document, of which POINTER (RFC 6901) may select a value,
 * or text.  What is not there is null.  Of a stage with one item the pointer
 * may select several values, which are its list; a list of one is lent to all
 * objects, the others are of one length.  Runs on a pool thread.
 */


#include <imgp/imgp_op_type.h>
#include <imgp/imgp_pointer.h>
#include <imgp/imgp_utf8.h>


#define IMGP_OP_JOIN_VERSION  1


typedef struct {
    const char        *name;
    imgp_pointer_t    *pointer;       /* NULL: all of it */
} imgp_op_join_member_t;


typedef struct {
    imgp_op_join_member_t  members[IMGP_OP_FROM_MAX];
    imgp_uint_t            n;
} imgp_op_join_t;


static void *imgp_op_join_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err);
static imgp_int_t imgp_op_join_member(imgp_pool_t *pool,
    const imgp_str_t *arg, imgp_op_join_t *join, imgp_str_t *text,
    imgp_error_t *err);
static imgp_uint_t imgp_op_join_is_name(const imgp_op_join_t *join,
    const char *name);
static imgp_int_t imgp_op_join_run(const void *conf, imgp_work_t *work);
static json_t *imgp_op_join_lists(const imgp_op_join_t *join,
    imgp_work_t *work);
static imgp_int_t imgp_op_join_item(imgp_work_t *work,
    const imgp_op_join_member_t *member, imgp_uint_t count, json_t *list);
static imgp_int_t imgp_op_join_select(const imgp_pointer_t *pointer,
    json_t *root, imgp_uint_t count, json_t *list);
static imgp_int_t imgp_op_join_add(void *data, json_t *value);
static json_t *imgp_op_join_load(imgp_work_t *work);
static imgp_int_t imgp_op_join_length(imgp_work_t *work, json_t *lists,
    size_t *length);
static json_t *imgp_op_join_zip(const imgp_op_join_t *join, json_t *lists,
    size_t length);


const imgp_op_type_t  imgp_op_join = {
    .name = imgp_string("join"),
    .parse = imgp_op_join_parse,
    .run = imgp_op_join_run
};


static void *
imgp_op_join_parse(imgp_pool_t *pool, const imgp_str_t *args,
    imgp_uint_t nargs, imgp_str_t *text, imgp_error_t *err)
{
    imgp_uint_t      i;
    imgp_op_join_t  *join;

    if (nargs == 0 || nargs > IMGP_OP_FROM_MAX) {
        imgp_error_set(err, IMGP_E_BAD_PARAM,
                       "join needs 1 to %d names, one for each stage that is "
                       "read, such as \"join box=/text_region text\"",
                       IMGP_OP_FROM_MAX);
        return NULL;
    }

    join = imgp_pcalloc(pool, sizeof(imgp_op_join_t));
    if (join == NULL) {
        return imgp_op_no_memory(err);
    }

    if (imgp_op_print(pool, text, err, "v=%d", IMGP_OP_JOIN_VERSION)
        != IMGP_OK)
    {
        return NULL;
    }

    for (i = 0; i < nargs; i++) {
        if (imgp_op_join_member(pool, &args[i], join, text, err) != IMGP_OK) {
            return NULL;
        }
    }

    return join;
}


static imgp_int_t
imgp_op_join_member(imgp_pool_t *pool, const imgp_str_t *arg,
    imgp_op_join_t *join, imgp_str_t *text, imgp_error_t *err)
{
    u_char                 *eq, *copy;
    imgp_str_t              name, pointer;
    imgp_op_join_member_t  *member;

    member = &join->members[join->n];
    eq = memchr(arg->data, '=', arg->len);

    name.data = arg->data;
    name.len = eq ? (size_t) (eq - arg->data) : arg->len;

    copy = imgp_palloc(pool, name.len + 1);
    if (copy == NULL) {
        imgp_op_no_memory(err);
        return IMGP_ERROR;
    }

    memcpy(copy, name.data, name.len);
    copy[name.len] = '\0';
    member->name = (char *) copy;

    if (!imgp_op_join_is_name(join, member->name)) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "invalid name \"%.*s\": it must be text that no "
                              "other name is",
                              (int) imgp_min(name.len, IMGP_NAME_LEN),
                              (char *) name.data);
    }

    if (eq != NULL) {
        pointer.data = eq + 1;
        pointer.len = arg->len - name.len - 1;
        member->pointer = imgp_pointer_parse(pool, &pointer, err);

        if (member->pointer == NULL) {
            return IMGP_ERROR;
        }
    }

    join->n++;

    return imgp_op_print(pool, text, err, "%.*s %.*s", (int) text->len,
                         (char *) text->data, (int) arg->len,
                         (char *) arg->data);
}


static imgp_uint_t
imgp_op_join_is_name(const imgp_op_join_t *join, const char *name)
{
    size_t         n;
    imgp_uint_t    i;
    const u_char  *p, *last;

    p = (const u_char *) name;
    last = p + strlen(name);

    if (p == last) {
        return 0;
    }

    for ( /* void */ ; p < last; p += n) {
        n = imgp_utf8_printable(p, last);

        if (n == 0) {
            return 0;
        }
    }

    for (i = 0; i < join->n; i++) {
        if (strcmp(join->members[i].name, name) == 0) {
            return 0;
        }
    }

    return 1;
}


static imgp_int_t
imgp_op_join_run(const void *conf, imgp_work_t *work)
{
    const imgp_op_join_t *join = conf;

    size_t       length;
    json_t      *lists, *joined;
    imgp_int_t   rc;

    if (work->task->nfrom != join->n) {
        return imgp_work_error(work, IMGP_E_BAD_PARAM,
                               "join has %u names for %u stages",
                               (unsigned) join->n,
                               (unsigned) work->task->nfrom);
    }

    lists = imgp_op_join_lists(join, work);

    if (lists == NULL) {
        return IMGP_ERROR;
    }

    rc = imgp_op_join_length(work, lists, &length);

    if (rc == IMGP_OK) {
        joined = imgp_op_join_zip(join, lists, length);
        rc = imgp_op_json(work, joined);
        json_decref(joined);
    }

    json_decref(lists);

    return rc;
}


/* an array with the list of each member; NULL: the error is set */

static json_t *
imgp_op_join_lists(const imgp_op_join_t *join, imgp_work_t *work)
{
    json_t       *lists, *list;
    imgp_uint_t   i, k, count;

    lists = json_array();
    work->input = 0;

    for (i = 0; i < join->n; i++) {
        count = work->task->counts[i];
        list = json_array();

        if (json_array_append_new(lists, list) != 0) {
            imgp_work_error(work, IMGP_E_INTERNAL, "out of memory");
            goto failed;
        }

        for (k = 0; k < count; k++, work->input++) {
            if (imgp_op_join_item(work, &join->members[i], count, list)
                != IMGP_OK)
            {
                goto failed;
            }
        }
    }

    return lists;

failed:

    json_decref(lists);

    return NULL;
}


static imgp_int_t
imgp_op_join_item(imgp_work_t *work, const imgp_op_join_member_t *member,
    imgp_uint_t count, json_t *list)
{
    json_t      *root;
    imgp_int_t   rc;

    root = imgp_op_join_load(work);

    if (root == NULL) {
        return IMGP_ERROR;
    }

    rc = (member->pointer != NULL)
         ? imgp_op_join_select(member->pointer, root, count, list)
         : json_array_append(list, root);

    json_decref(root);

    if (rc != 0) {
        return imgp_work_error(work, IMGP_E_INTERNAL, "out of memory");
    }

    return imgp_work_poll(work);
}


/* all values of the only item; of several, one each */

static imgp_int_t
imgp_op_join_select(const imgp_pointer_t *pointer, json_t *root,
    imgp_uint_t count, json_t *list)
{
    json_t      *found;
    imgp_int_t   rc;

    if (count == 1) {
        rc = imgp_pointer_each(pointer, root, imgp_op_join_add, list);
        return (rc < 0) ? IMGP_ERROR : IMGP_OK;
    }

    found = json_array();
    rc = imgp_pointer_each(pointer, root, imgp_op_join_add, found);

    if (rc >= 0) {
        rc = (json_array_size(found) == 0)
             ? json_array_append_new(list, json_null())
             : json_array_append(list, json_array_get(found, 0));
    }

    json_decref(found);

    return (rc < 0) ? IMGP_ERROR : IMGP_OK;
}


static imgp_int_t
imgp_op_join_add(void *data, json_t *value)
{
    json_t *list = data;

    return json_array_append(list, value) == 0 ? IMGP_OK : IMGP_ERROR;
}


/* the input that is at work, as JSON; NULL: the error is set */

static json_t *
imgp_op_join_load(imgp_work_t *work)
{
    json_t                 *root;
    const char             *type;
    imgp_error_t            err;
    const imgp_op_input_t  *input;

    input = &work->task->inputs[work->input];
    type = input->type ? input->type : "";

    if (strncmp(type, "text/", 5) == 0) {
        root = json_stringn((char *) input->data.data, input->data.len);
        imgp_error_set(&err, IMGP_E_BAD_PARAM, "text is no UTF-8");

    } else if (strcmp(type, "application/json") == 0) {
        root = imgp_json_load(&input->data, &err);

    } else {
        imgp_work_error(work, IMGP_E_TYPE,
                        "join takes JSON and texts, but input %u is \"%s\"",
                        (unsigned) work->input, type);
        return NULL;
    }

    if (root == NULL) {
        imgp_work_error(work, IMGP_E_BAD_PARAM,
                        "join takes JSON and texts, but of input %u the %s",
                        (unsigned) work->input, err.detail);
    }

    return root;
}


/* of the lists that are not of one item */

static imgp_int_t
imgp_op_join_length(imgp_work_t *work, json_t *lists, size_t *length)
{
    size_t  i, n;

    *length = 1;

    for (i = 0; i < json_array_size(lists); i++) {
        n = json_array_size(json_array_get(lists, i));

        if (n == 1 || n == *length) {
            continue;
        }

        if (*length != 1) {
            return imgp_work_error(work, IMGP_E_BAD_PARAM,
                                   "join has lists of %zu and %zu items",
                                   *length, n);
        }

        *length = n;
    }

    return IMGP_OK;
}


/* NULL: memory is out */

static json_t *
imgp_op_join_zip(const imgp_op_join_t *join, json_t *lists, size_t length)
{
    size_t       i;
    json_t      *joined, *object, *list;
    imgp_uint_t  k;

    joined = json_array();

    for (i = 0; i < length; i++) {
        object = json_object();

        if (json_array_append_new(joined, object) != 0) {
            goto failed;
        }

        for (k = 0; k < join->n; k++) {
            list = json_array_get(lists, k);

            if (json_object_set(object, join->members[k].name,
                                json_array_get(list,
                                       json_array_size(list) > 1 ? i : 0))
                != 0)
            {
                goto failed;
            }
        }
    }

    return joined;

failed:

    json_decref(joined);

    return NULL;
}
