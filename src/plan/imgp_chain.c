
/*
 * Which stages run as one.  A stage is done inside its reader when it is a
 * local operation on one picture, whole; when it always runs and must succeed;
 * when nobody can see its result: it is no output, and has one reader, which
 * reads nothing else.  Such a stage has no key, no result and no items; it goes
 * through its states together with its reader, and a failure is that of the
 * first, who reads what came from outside.
 *
 * Called while the configuration is read, and by whoever runs a stage.  Pure:
 * but for imgp_chain_find() the plan is only looked at.
 */


#include <imgp/imgp_chain.h>


static imgp_uint_t imgp_chain_fits(const imgp_stage_t *st);
static imgp_int_t imgp_chain_reader(const imgp_plan_t *plan,
    imgp_uint_t stage);


void
imgp_chain_find(imgp_plan_t *plan)
{
    uint8_t        links[IMGP_CHAIN_MAX];
    imgp_int_t     reader;
    imgp_uint_t    i, stage;
    imgp_stage_t  *st;

    /* inputs come before their readers, so chains grow from their heads */

    for (i = 0; i < plan->nstages; i++) {
        stage = plan->order[i];
        st = &plan->stages[stage];

        reader = imgp_chain_reader(plan, stage);

        st->inside = !st->output
                     && reader != IMGP_DECLINED
                     && imgp_chain_fits(st)
                     && imgp_chain_fits(&plan->stages[reader])
                     && imgp_chain_links(plan, stage, links)
                        < IMGP_CHAIN_MAX;
    }
}


static imgp_uint_t
imgp_chain_fits(const imgp_stage_t *st)
{
    return st->kind == IMGP_STAGE_LOCAL
           && !st->alone
           && st->nfrom == 1
           && !st->each
           && !st->optional
           && st->when == IMGP_NO_PARAM;
}


/* the only one; IMGP_DECLINED: none, or several */

static imgp_int_t
imgp_chain_reader(const imgp_plan_t *plan, imgp_uint_t stage)
{
    imgp_int_t   reader;
    imgp_uint_t  i, n;

    reader = IMGP_DECLINED;

    for (i = 0; i < plan->nstages; i++) {
        for (n = 0; n < plan->stages[i].nfrom; n++) {

            if (plan->stages[i].from[n] != stage) {
                continue;
            }

            if (reader != IMGP_DECLINED) {
                return IMGP_DECLINED;
            }

            reader = i;
        }
    }

    return reader;
}


imgp_uint_t
imgp_chain_links(const imgp_plan_t *plan, imgp_uint_t stage,
    uint8_t links[IMGP_CHAIN_MAX])
{
    uint8_t      back[IMGP_CHAIN_MAX];
    imgp_uint_t  i, n, from;

    back[0] = stage;
    n = 1;

    for (from = plan->stages[stage].from[0];
         from != IMGP_UPLOAD && plan->stages[from].inside;
         from = plan->stages[from].from[0])
    {
        back[n++] = from;
    }

    for (i = 0; i < n; i++) {
        links[i] = back[n - 1 - i];
    }

    return n;
}
