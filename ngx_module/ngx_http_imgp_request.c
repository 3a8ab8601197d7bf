
/*
 * The request body of "send json": which of a unit's inputs belong to which
 * stage (event loop), then the template filled with them (thread).  Called by
 * post.c; all of it lies in the unit's arena and refers to its mapped inputs.
 */


#include "ngx_http_imgp_run.h"


ngx_int_t
ngx_http_imgp_request_inputs(ngx_http_imgp_unit_t *unit)
{
    ngx_uint_t              i;
    imgp_stage_t           *stage;
    imgp_template_input_t  *input;

    stage = ngx_http_imgp_unit_stage(unit);

    unit->wanted = NULL;
    unit->request = NULL;

    if (ngx_http_imgp_unit_service(unit)->template == NULL) {
        return NGX_OK;
    }

    input = imgp_pcalloc(unit->arena,
                         stage->nfrom * sizeof(imgp_template_input_t));
    if (input == NULL) {
        return imgp_error_set(&unit->error.error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    for (i = 0; i < stage->nfrom; i++) {
        input[i].n = unit->counts[i];
    }

    unit->wanted = input;

    return NGX_OK;
}


/* in a thread; the items of an input follow one another */

imgp_int_t
ngx_http_imgp_request_fill(ngx_http_imgp_unit_t *unit)
{
    char                     id[IMGP_ID_LEN + 1];
    ngx_uint_t               i, n;
    imgp_stage_t            *stage;
    ngx_http_imgp_run_t     *run;
    imgp_template_values_t   values;

    if (unit->wanted == NULL) {
        return IMGP_OK;
    }

    run = unit->run;
    stage = ngx_http_imgp_unit_stage(unit);

    for (i = 0, n = 0; i < stage->nfrom; i++) {

        if (unit->wanted[i].n) {
            unit->wanted[i].data = unit->maps[n];
            unit->wanted[i].type = unit->inputs[n].type;
        }

        n += unit->wanted[i].n;
    }

    imgp_id_text(run->job->id, id);

    values.inputs = unit->wanted;
    values.params = run->job->params;
    values.job.data = (u_char *) id;
    values.job.len = IMGP_ID_LEN;

    unit->request = imgp_template_fill(
                                    ngx_http_imgp_unit_service(unit)->template,
                                    unit->arena, &values, &unit->error.error);

    return unit->request ? IMGP_OK : IMGP_ERROR;
}
