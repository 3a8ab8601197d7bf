
/*
 * A pipeline described for clients: what it takes, its params with their
 * values, its stages and what they read, what it gives.
 *
 * Called for "GET /clothes/" (event loop).  The text is malloc'ed and belongs
 * to the caller.  What an operation does in detail stays inside: a stage
 * shows the first word of its text alone, since the rest may hold addresses.
 */


#include "imgp_doc_part.h"


static json_t *imgp_doc_plan_accept(const imgp_plan_t *plan);
static json_t *imgp_doc_plan_params(const imgp_plan_t *plan);
static json_t *imgp_doc_plan_values(const imgp_str_t *allowed);
static json_t *imgp_doc_plan_stages(const imgp_plan_t *plan);
static json_t *imgp_doc_plan_operation(const imgp_stage_t *st);
static json_t *imgp_doc_plan_when(const imgp_plan_t *plan,
    const imgp_stage_t *st);
static json_t *imgp_doc_plan_names(const imgp_str_t *names, imgp_uint_t n);


char *
imgp_doc_plan(const imgp_plan_t *plan, const imgp_doc_ctx_t *ctx,
    size_t *len)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_json_set(&doc, "pipeline", imgp_json_str(&plan->name));
    imgp_json_set(&doc, "accept", imgp_doc_plan_accept(plan));
    imgp_json_set_int(&doc, "max_pixels", plan->max_pixels);
    imgp_json_set_int(&doc, "concurrency", plan->concurrency);
    imgp_json_set_int(&doc, "queue", plan->queue);
    imgp_json_set_int(&doc, "cache_s", plan->cache / 1000);
    imgp_json_set_int(&doc, "keep_s", plan->keep / 1000);
    imgp_json_set(&doc, "params", imgp_doc_plan_params(plan));
    imgp_json_set(&doc, "stages", imgp_doc_plan_stages(plan));
    imgp_json_set(&doc, "outputs",
                  imgp_doc_plan_names(plan->output_names, plan->noutputs));

    return imgp_json_dump(&doc, len);
}


static json_t *
imgp_doc_plan_accept(const imgp_plan_t *plan)
{
    imgp_str_t  any = imgp_string("*/*");

    return plan->naccept ? imgp_doc_plan_names(plan->accept, plan->naccept)
                         : imgp_doc_plan_names(&any, 1);
}


static json_t *
imgp_doc_plan_params(const imgp_plan_t *plan)
{
    imgp_str_t           pattern;
    imgp_uint_t          i;
    imgp_json_t          one, doc = imgp_json_array();
    const imgp_param_t  *param;

    for (i = 0; i < plan->nparams; i++) {
        param = &plan->params[i];

        one.json = json_object();
        imgp_json_set(&one, "name", imgp_json_str(&param->name));
        imgp_json_set(&one, "default", imgp_json_str(&param->value));

        if (param->regex != NULL) {
            pattern.len = param->allowed.len - 1;
            pattern.data = param->allowed.data + 1;
            imgp_json_set(&one, "pattern", imgp_json_str(&pattern));

        } else {
            imgp_json_set(&one, "values",
                          imgp_doc_plan_values(&param->allowed));
        }

        imgp_json_add(&doc, one.json);
    }

    return doc.json;
}


static json_t *
imgp_doc_plan_values(const imgp_str_t *allowed)
{
    imgp_str_t     value;
    imgp_json_t    doc = imgp_json_array();
    const u_char  *last;

    value.data = allowed->data;
    last = allowed->data + allowed->len;

    for ( ;; ) {
        value.len = 0;

        while (value.data + value.len < last && value.data[value.len] != '|') {
            value.len++;
        }

        imgp_json_add(&doc, imgp_json_str(&value));

        if (value.data + value.len == last) {
            return doc.json;
        }

        value.data += value.len + 1;
    }
}


static json_t *
imgp_doc_plan_stages(const imgp_plan_t *plan)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_array();

    for (i = 0; i < plan->nstages; i++) {
        imgp_json_add(&doc, imgp_doc_plan_stage(plan, &plan->stages[i]));
    }

    return doc.json;
}


json_t *
imgp_doc_plan_stage(const imgp_plan_t *plan, const imgp_stage_t *st)
{
    imgp_json_t  doc = imgp_json_object();

    imgp_json_set(&doc, "name", imgp_json_str(&st->name));
    imgp_json_set(&doc, "operation", imgp_doc_plan_operation(st));
    imgp_json_set(&doc, "from", imgp_doc_plan_names(st->from_names,
                                                    st->nfrom));
    imgp_json_set_bool(&doc, "each", st->each);
    imgp_json_set(&doc, "when", imgp_doc_plan_when(plan, st));
    imgp_json_set_bool(&doc, "optional", st->optional);
    imgp_json_set_int(&doc, "weight", st->weight);
    imgp_json_set_int(&doc, "timeout_ms", st->timeout);
    imgp_json_set_int(&doc, "retries", st->retries);

    return doc.json;
}


/* "resize/2 1200 ..." is "resize" */

static json_t *
imgp_doc_plan_operation(const imgp_stage_t *st)
{
    u_char       ch;
    imgp_str_t   word;
    imgp_uint_t  letter;

    word = st->text;

    for (word.len = 0; word.len < st->text.len; word.len++) {
        ch = word.data[word.len];
        letter = ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');

        if (!letter && ch != '_' && !(ch >= '0' && ch <= '9')) {
            break;
        }
    }

    return imgp_json_str(&word);
}


static json_t *
imgp_doc_plan_when(const imgp_plan_t *plan, const imgp_stage_t *st)
{
    const imgp_str_t  *name;

    if (st->when == IMGP_NO_PARAM) {
        return json_null();
    }

    name = &plan->params[st->when].name;

    return imgp_json_printf("%s$param_%.*s", st->when_not ? "!" : "",
                            (int) name->len, (char *) name->data);
}


static json_t *
imgp_doc_plan_names(const imgp_str_t *names, imgp_uint_t n)
{
    imgp_uint_t  i;
    imgp_json_t  doc = imgp_json_array();

    for (i = 0; i < n; i++) {
        imgp_json_add(&doc, imgp_json_str(&names[i]));
    }

    return doc.json;
}
