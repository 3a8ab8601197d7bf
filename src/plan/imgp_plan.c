
/*
 * A pipeline of the configuration as data: its names, the graph with its
 * order, and the digest by which a job knows that its pipeline has changed
 * under it.
 *
 * Built by the reader of the configuration in nginx's master; from
 * imgp_plan_finish() on it is immutable, and any thread may read it.  All
 * memory is the pool's.
 *
 * The order is Kahn's: again and again the first stage whose inputs are all
 * placed.  With 32 stages the square of it costs nothing.
 */


#include <stdio.h>
#include <imgp/imgp_plan.h>
#include <imgp/imgp_param.h>
#include <imgp/imgp_key.h>
#include <imgp/imgp_chain.h>
#include <imgp/imgp_media.h>


typedef struct {
    const char        *what;
    const char        *name;
} imgp_plan_reserved_t;


static imgp_int_t imgp_plan_resolve(imgp_plan_t *plan, imgp_uint_t i,
    imgp_error_t *err);
static imgp_int_t imgp_plan_resolve_from(imgp_plan_t *plan, imgp_uint_t i,
    imgp_error_t *err);
static imgp_int_t imgp_plan_resolve_when(imgp_plan_t *plan, imgp_uint_t i,
    imgp_error_t *err);
static imgp_int_t imgp_plan_sort(imgp_plan_t *plan, imgp_int_t *stage,
    imgp_error_t *err);
static imgp_uint_t imgp_plan_unplaced(const imgp_plan_t *plan, imgp_uint_t i,
    uint32_t placed);
static imgp_int_t imgp_plan_cycle(const imgp_plan_t *plan, uint32_t placed,
    imgp_int_t *stage, imgp_error_t *err);
static imgp_int_t imgp_plan_choose_outputs(imgp_plan_t *plan,
    imgp_error_t *err);
static void imgp_plan_unread_outputs(imgp_plan_t *plan);


static const imgp_plan_reserved_t  imgp_plan_reserved[] = {
    { "stage", "events" },
    { "stage", "retry" },
    { "stage", "upload" },
    { "param", "file" }               /* the upload's own form field */
};


imgp_plan_t *
imgp_plan_create(imgp_pool_t *pool, const imgp_str_t *name)
{
    imgp_plan_t  *plan;

    plan = imgp_pcalloc(pool, sizeof(imgp_plan_t));
    if (plan == NULL) {
        return NULL;
    }

    plan->name.data = imgp_pstrdup(pool, name);
    if (plan->name.data == NULL) {
        return NULL;
    }

    plan->name.len = name->len;
    plan->max_pixels = IMGP_PLAN_MAX_PIXELS;
    plan->concurrency = IMGP_PLAN_CONCURRENCY;
    plan->queue = IMGP_PLAN_QUEUE;
    plan->cache = IMGP_PLAN_CACHE;
    plan->keep = IMGP_PLAN_KEEP;

    return plan;
}


imgp_int_t
imgp_plan_check_name(const imgp_str_t *name, const char *what,
    imgp_error_t *err)
{
    u_char                       ch;
    imgp_uint_t                  i, letter;
    const imgp_plan_reserved_t  *r;

    if (name->len == 0 || name->len >= IMGP_NAME_LEN) {
        goto invalid;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];
        letter = ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');

        if (!letter && i == 0) {
            goto invalid;
        }

        if (!letter && !(ch >= '0' && ch <= '9') && ch != '_' && ch != '-') {
            goto invalid;
        }
    }

    for (i = 0; i < imgp_nelts(imgp_plan_reserved); i++) {
        r = &imgp_plan_reserved[i];

        if (strcmp(what, r->what) == 0
            && name->len == strlen(r->name)
            && memcmp(name->data, r->name, name->len) == 0)
        {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "%s name \"%s\" is reserved, choose another",
                                  what, r->name);
        }
    }

    return IMGP_OK;

invalid:

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "invalid %s name \"%.*s\", it must be 1 to %d "
                          "characters of a-z A-Z 0-9 _ - and begin with "
                          "a letter", what,
                          (int) imgp_min(name->len, IMGP_NAME_LEN),
                          (char *) name->data, IMGP_NAME_LEN - 1);
}


imgp_int_t
imgp_plan_add_param(imgp_plan_t *plan, imgp_pool_t *pool,
    const imgp_str_t *name, const imgp_str_t *value,
    const imgp_str_t *allowed, imgp_error_t *err)
{
    imgp_param_t  *param;

    if (imgp_plan_check_name(name, "param", err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (imgp_plan_find_param(plan, name) != IMGP_DECLINED) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "duplicate param \"%.*s\"",
                              (int) name->len, (char *) name->data);
    }

    if (plan->nparams == IMGP_PARAMS_MAX) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "more than %d params", IMGP_PARAMS_MAX);
    }

    param = &plan->params[plan->nparams];
    memset(param, 0, sizeof(imgp_param_t));

    param->name.len = name->len;
    param->name.data = imgp_pstrdup(pool, name);
    param->value.len = value->len;
    param->value.data = imgp_pstrdup(pool, value);
    param->allowed.len = allowed->len;
    param->allowed.data = imgp_pstrdup(pool, allowed);

    if (param->name.data == NULL || param->value.data == NULL
        || param->allowed.data == NULL)
    {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    if (imgp_param_compile(param, pool, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (!imgp_plan_allows(param, value)) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "the default \"%.*s\" of param \"%.*s\" is "
                              "not one of its values \"%.*s\"",
                              (int) imgp_min(value->len, IMGP_NAME_LEN),
                              (char *) value->data,
                              (int) name->len, (char *) name->data,
                              (int) imgp_min(allowed->len, IMGP_VALUE_MAX),
                              (char *) allowed->data);
    }

    plan->nparams++;

    return IMGP_OK;
}


imgp_int_t
imgp_plan_find_param(const imgp_plan_t *plan, const imgp_str_t *name)
{
    imgp_uint_t  i;

    for (i = 0; i < plan->nparams; i++) {
        if (imgp_str_eq(&plan->params[i].name, name)) {
            return i;
        }
    }

    return IMGP_DECLINED;
}


imgp_int_t
imgp_plan_find_stage(const imgp_plan_t *plan, const imgp_str_t *name)
{
    imgp_uint_t  i;

    for (i = 0; i < plan->nstages; i++) {
        if (imgp_str_eq(&plan->stages[i].name, name)) {
            return i;
        }
    }

    return IMGP_DECLINED;
}


imgp_uint_t
imgp_plan_allows(const imgp_param_t *param, const imgp_str_t *value)
{
    return imgp_param_allows(param, value);
}


imgp_int_t
imgp_plan_finish(imgp_plan_t *plan, imgp_int_t *stage, imgp_error_t *err)
{
    imgp_uint_t  i;

    *stage = -1;

    if (imgp_plan_check_name(&plan->name, "pipeline", err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (plan->nstages == 0) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "pipeline \"%.*s\" has no \"stage\"",
                              (int) plan->name.len,
                              (char *) plan->name.data);
    }

    for (i = 0; i < plan->nstages; i++) {
        if (imgp_plan_resolve(plan, i, err) != IMGP_OK) {
            *stage = i;
            return IMGP_ERROR;
        }
    }

    if (imgp_plan_sort(plan, stage, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (imgp_plan_choose_outputs(plan, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    imgp_chain_find(plan);

    if (imgp_key_plan(plan, plan->digest) != IMGP_OK) {
        return imgp_error_set(err, IMGP_E_INTERNAL, "out of memory");
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_plan_resolve(imgp_plan_t *plan, imgp_uint_t i, imgp_error_t *err)
{
    imgp_stage_t  *st;

    st = &plan->stages[i];

    if (imgp_plan_check_name(&st->name, "stage", err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    if (imgp_plan_find_stage(plan, &st->name) != (imgp_int_t) i) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "duplicate stage \"%.*s\"",
                              (int) st->name.len, (char *) st->name.data);
    }

    if (st->kind == IMGP_STAGE_POST) {
        if (st->timeout == 0) {
            st->timeout = IMGP_PLAN_TIMEOUT;
        }

        if (st->retry_delay == 0) {
            st->retry_delay = IMGP_PLAN_RETRY_DELAY;
        }
    }

    if (imgp_plan_resolve_from(plan, i, err) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return imgp_plan_resolve_when(plan, i, err);
}


static imgp_int_t
imgp_plan_resolve_from(imgp_plan_t *plan, imgp_uint_t i, imgp_error_t *err)
{
    imgp_int_t     n;
    imgp_str_t    *name;
    imgp_uint_t    k;
    imgp_stage_t  *st;

    st = &plan->stages[i];

    if (st->nfrom > IMGP_FROM_MAX) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "more than %d inputs", IMGP_FROM_MAX);
    }

    if (st->nfrom == 0) {
        st->nfrom = 1;

        if (i == 0) {
            imgp_str_set(&st->from_names[0], "upload");

        } else {
            st->from_names[0] = plan->stages[i - 1].name;
        }
    }

    for (k = 0; k < st->nfrom; k++) {
        name = &st->from_names[k];

        if (imgp_str_is(name, "upload")) {
            st->from[k] = IMGP_UPLOAD;
            continue;
        }

        n = imgp_plan_find_stage(plan, name);

        if (n == IMGP_DECLINED) {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "unknown stage \"%.*s\" in \"%s\", it must "
                                  "be \"upload\" or a stage of this pipeline",
                                  (int) imgp_min(name->len, IMGP_NAME_LEN),
                                  (char *) name->data,
                                  (st->each && k == 0) ? "each" : "from");
        }

        if (n == (imgp_int_t) i) {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "stage \"%.*s\" cannot read itself",
                                  (int) name->len, (char *) name->data);
        }

        st->from[k] = n;
    }

    return IMGP_OK;
}


static imgp_int_t
imgp_plan_resolve_when(imgp_plan_t *plan, imgp_uint_t i, imgp_error_t *err)
{
    imgp_int_t     n;
    imgp_stage_t  *st;

    st = &plan->stages[i];
    st->when = IMGP_NO_PARAM;

    if (st->params_read >> plan->nparams) {
        return imgp_error_set(err, IMGP_E_INTERNAL,
                              "stage reads a param that is not there");
    }

    if (st->when_name.len == 0) {
        return IMGP_OK;
    }

    n = imgp_plan_find_param(plan, &st->when_name);

    if (n == IMGP_DECLINED) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "unknown param \"%.*s\" in \"when\", declare "
                              "it with \"param\"",
                              (int) imgp_min(st->when_name.len, IMGP_NAME_LEN),
                              (char *) st->when_name.data);
    }

    st->when = n;

    return IMGP_OK;
}


static imgp_int_t
imgp_plan_sort(imgp_plan_t *plan, imgp_int_t *stage, imgp_error_t *err)
{
    uint32_t     placed;
    imgp_uint_t  i, n;

    placed = 0;

    for (n = 0; n < plan->nstages; n++) {

        for (i = 0; i < plan->nstages; i++) {
            if (!(placed & 1u << i)
                && imgp_plan_unplaced(plan, i, placed) == IMGP_UPLOAD)
            {
                break;
            }
        }

        if (i == plan->nstages) {
            return imgp_plan_cycle(plan, placed, stage, err);
        }

        plan->order[n] = i;
        placed |= 1u << i;
    }

    return IMGP_OK;
}


/* an input that has no place in the order yet; IMGP_UPLOAD: none */

static imgp_uint_t
imgp_plan_unplaced(const imgp_plan_t *plan, imgp_uint_t i, uint32_t placed)
{
    imgp_uint_t          k;
    const imgp_stage_t  *st;

    st = &plan->stages[i];

    for (k = 0; k < st->nfrom; k++) {
        if (st->from[k] != IMGP_UPLOAD && !(placed & 1u << st->from[k])) {
            return st->from[k];
        }
    }

    return IMGP_UPLOAD;
}


/*
 * Every stage without a place has an input without one, so to follow these
 * leads into a cycle; after as many steps as there are stages it is reached.
 * It is told from the stage that was declared first.
 */

static imgp_int_t
imgp_plan_cycle(const imgp_plan_t *plan, uint32_t placed, imgp_int_t *stage,
    imgp_error_t *err)
{
    char               path[IMGP_ERROR_DETAIL_LEN], *p, *last;
    imgp_uint_t        i, n, first;
    const imgp_str_t  *name;

    for (i = 0; placed & 1u << i; i++) { /* void */ }

    for (n = 0; n < plan->nstages; n++) {
        i = imgp_plan_unplaced(plan, i, placed);
    }

    first = i;

    for (n = 0; n < plan->nstages; n++) {
        i = imgp_plan_unplaced(plan, i, placed);
        first = imgp_min(first, i);
    }

    i = first;
    p = path;
    last = path + sizeof(path);

    do {
        name = &plan->stages[i].name;
        p += snprintf(p, last - p, "%.*s reads ",
                      (int) name->len, (char *) name->data);

        i = imgp_plan_unplaced(plan, i, placed);

    } while (i != first && p < last);

    *stage = first;
    name = &plan->stages[first].name;

    return imgp_error_set(err, IMGP_E_BAD_PARAM,
                          "stages form a cycle: %s%.*s", path,
                          (int) name->len, (char *) name->data);
}


static imgp_int_t
imgp_plan_choose_outputs(imgp_plan_t *plan, imgp_error_t *err)
{
    imgp_int_t         n;
    imgp_uint_t        i;
    const imgp_str_t  *name;

    if (plan->noutputs == 0) {
        imgp_plan_unread_outputs(plan);
        return IMGP_OK;
    }

    if (plan->noutputs > IMGP_STAGES_MAX) {
        return imgp_error_set(err, IMGP_E_BAD_PARAM,
                              "more than %d outputs", IMGP_STAGES_MAX);
    }

    for (i = 0; i < plan->noutputs; i++) {
        name = &plan->output_names[i];
        n = imgp_plan_find_stage(plan, name);

        if (n == IMGP_DECLINED) {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "unknown stage \"%.*s\" in \"outputs\"",
                                  (int) imgp_min(name->len, IMGP_NAME_LEN),
                                  (char *) name->data);
        }

        if (plan->stages[n].output) {
            return imgp_error_set(err, IMGP_E_BAD_PARAM,
                                  "duplicate stage \"%.*s\" in \"outputs\"",
                                  (int) name->len, (char *) name->data);
        }

        plan->stages[n].output = 1;
        plan->outputs[i] = n;
    }

    return IMGP_OK;
}


static void
imgp_plan_unread_outputs(imgp_plan_t *plan)
{
    uint32_t       read;
    imgp_uint_t    i, k;
    imgp_stage_t  *st;

    read = 0;

    for (i = 0; i < plan->nstages; i++) {
        st = &plan->stages[i];

        for (k = 0; k < st->nfrom; k++) {
            if (st->from[k] != IMGP_UPLOAD) {
                read |= 1u << st->from[k];
            }
        }
    }

    for (i = 0; i < plan->nstages; i++) {
        if (!(read & 1u << i)) {
            plan->stages[i].output = 1;
            plan->output_names[plan->noutputs] = plan->stages[i].name;
            plan->outputs[plan->noutputs++] = i;
        }
    }
}


imgp_uint_t
imgp_plan_accepts(const imgp_plan_t *plan, const char *type)
{
    imgp_uint_t  i;

    if (plan->naccept == 0) {
        return 1;
    }

    for (i = 0; i < plan->naccept; i++) {
        if (imgp_media_match(&plan->accept[i], type)) {
            return 1;
        }
    }

    return 0;
}
