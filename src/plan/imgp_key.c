
/*
 * Stage keys and the plan's digest.  Everything goes into SHA-256 as integers
 * of 8 little-endian bytes and as strings preceded by their length, so two
 * different inputs never look the same.
 *
 * Called by the runner (event loop) and while the configuration is read.  No
 * state, no memory but the digest's own.  Whatever changes here makes every
 * stored result unknown: raise the version in the first string then.
 */


#include <imgp/imgp_key.h>
#include <imgp/imgp_graph.h>
#include <imgp/imgp_chain.h>
#include <imgp/imgp_digest.h>


#define IMGP_KEY_STAGE  "imgp-key-1"
#define IMGP_KEY_PLAN   "imgp-plan-2"


static void imgp_key_inputs(imgp_digest_t *d, const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage);
static void imgp_key_params(imgp_digest_t *d, const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage);
static void imgp_key_stage(imgp_digest_t *d, const imgp_stage_t *st);
static void imgp_key_int(imgp_digest_t *d, uint64_t n);
static void imgp_key_bytes(imgp_digest_t *d, const void *p, size_t len);
static void imgp_key_str(imgp_digest_t *d, const imgp_str_t *s);


imgp_int_t
imgp_key(const imgp_plan_t *plan, imgp_uint_t stage, const imgp_job_t *job,
    const imgp_item_t *items, imgp_uint_t nitems, const imgp_str_t *salt,
    u_char key[IMGP_DIGEST_LEN])
{
    uint8_t              links[IMGP_CHAIN_MAX];
    imgp_uint_t          i, n;
    imgp_digest_t       *d;
    const imgp_stage_t  *st;

    d = imgp_digest_create();
    if (d == NULL) {
        return IMGP_ERROR;
    }

    imgp_key_bytes(d, IMGP_KEY_STAGE, sizeof(IMGP_KEY_STAGE) - 1);

    n = imgp_chain_links(plan, stage, links);

    for (i = 0; i < n; i++) {
        st = &plan->stages[links[i]];

        imgp_key_int(d, st->kind);
        imgp_key_str(d, &st->text);
    }

    imgp_key_inputs(d, plan, job, stage);
    imgp_key_int(d, nitems);

    for (i = 0; i < nitems; i++) {
        imgp_key_bytes(d, items[i].digest, IMGP_DIGEST_LEN);
        imgp_key_bytes(d, items[i].type, strlen(items[i].type));
    }

    imgp_key_params(d, plan, job, stage);
    imgp_key_int(d, salt != NULL);

    if (salt != NULL) {
        imgp_key_str(d, salt);
    }

    imgp_digest_final(d, key);
    imgp_digest_destroy(d);

    return IMGP_OK;
}


static void
imgp_key_inputs(imgp_digest_t *d, const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage)
{
    imgp_uint_t          i, n;
    const imgp_stage_t  *st;

    st = &plan->stages[stage];

    imgp_key_int(d, st->nfrom);

    for (i = 0; i < st->nfrom; i++) {
        imgp_graph_input(plan, job, stage, i, &n);
        imgp_key_int(d, (st->each && i == 0) ? 1 : n);

        if (st->kind == IMGP_STAGE_POST) {
            imgp_key_str(d, &st->from_names[i]);
        }
    }
}


static void
imgp_key_params(imgp_digest_t *d, const imgp_plan_t *plan,
    const imgp_job_t *job, imgp_uint_t stage)
{
    uint32_t     read;
    imgp_uint_t  i;

    read = plan->stages[stage].params_read;

    for (i = 0; i < plan->nparams; i++) {
        if (read & 1u << i) {
            imgp_key_str(d, &plan->params[i].name);
            imgp_key_str(d, &job->params[i]);
        }
    }

    imgp_key_int(d, 0);
}


imgp_int_t
imgp_key_plan(const imgp_plan_t *plan, u_char digest[IMGP_DIGEST_LEN])
{
    imgp_uint_t          i;
    imgp_digest_t       *d;
    const imgp_param_t  *param;

    d = imgp_digest_create();
    if (d == NULL) {
        return IMGP_ERROR;
    }

    imgp_key_bytes(d, IMGP_KEY_PLAN, sizeof(IMGP_KEY_PLAN) - 1);
    imgp_key_str(d, &plan->name);
    imgp_key_int(d, plan->nparams);

    for (i = 0; i < plan->nparams; i++) {
        param = &plan->params[i];

        imgp_key_str(d, &param->name);
        imgp_key_str(d, &param->value);
        imgp_key_str(d, &param->allowed);
    }

    imgp_key_int(d, plan->nstages);

    for (i = 0; i < plan->nstages; i++) {
        imgp_key_stage(d, &plan->stages[i]);
    }

    imgp_key_int(d, plan->noutputs);
    imgp_key_bytes(d, plan->outputs, plan->noutputs);

    imgp_digest_final(d, digest);
    imgp_digest_destroy(d);

    return IMGP_OK;
}


static void
imgp_key_stage(imgp_digest_t *d, const imgp_stage_t *st)
{
    imgp_key_str(d, &st->name);
    imgp_key_int(d, st->kind);
    imgp_key_str(d, &st->text);
    imgp_key_bytes(d, st->from, st->nfrom);
    imgp_key_int(d, st->each != 0);
    imgp_key_int(d, st->when);
    imgp_key_int(d, st->when_not != 0);
    imgp_key_int(d, st->params_read);
    imgp_key_int(d, st->optional != 0);
}


static void
imgp_key_int(imgp_digest_t *d, uint64_t n)
{
    u_char       buf[8];
    imgp_uint_t  i;

    for (i = 0; i < sizeof(buf); i++) {
        buf[i] = (u_char) (n >> 8 * i);
    }

    imgp_digest_update(d, buf, sizeof(buf));
}


static void
imgp_key_bytes(imgp_digest_t *d, const void *p, size_t len)
{
    imgp_key_int(d, len);
    imgp_digest_update(d, p, len);
}


static void
imgp_key_str(imgp_digest_t *d, const imgp_str_t *s)
{
    imgp_key_bytes(d, s->data, s->len);
}
