
/*
 * What a service answered becomes the outputs of a unit: taken as "take" says,
 * looked at like an upload, stored.  In threads; called by post.c and follow.c.
 * The answer is malloc'ed by curl's side, items and links lie in the arena.
 */


#include "ngx_http_imgp_run.h"
#include <imgp/imgp_handout.h>


static imgp_int_t ngx_http_imgp_output_taken(void *data,
    const imgp_str_t *content, const imgp_str_t *type, imgp_error_t *err);
static imgp_int_t ngx_http_imgp_output_link(ngx_http_imgp_unit_t *unit,
    const imgp_str_t *url);
static imgp_int_t ngx_http_imgp_output_sniff(ngx_http_imgp_unit_t *unit,
    const imgp_str_t *content, const imgp_str_t *type, imgp_item_t *item,
    imgp_error_t *err);
static imgp_int_t ngx_http_imgp_output_expected(ngx_http_imgp_unit_t *unit,
    imgp_item_t *item, imgp_error_t *err);


void
ngx_http_imgp_output_store(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_int_t                rc;
    imgp_str_t               *type;
    imgp_error_t              err;
    ngx_http_imgp_service_t  *service;

    service = ngx_http_imgp_unit_service(unit);

    unit->nlinks = 0;
    unit->nitems = 0;
    unit->items = imgp_pcalloc(unit->arena,
                               IMGP_ITEMS_MAX * sizeof(imgp_item_t));

    if (unit->items == NULL) {
        imgp_error_set(&unit->error.error, IMGP_E_INTERNAL, "out of memory");
        return;
    }

    ngx_memzero(&err, sizeof(imgp_error_t));

    if (service->list.len
        && imgp_handout_failed(&unit->document, &err) != IMGP_OK)
    {
        ngx_http_imgp_output_failed(unit, &err);
        return;
    }

    /* of a batch it has been taken out already */

    type = ngx_http_imgp_str(&unit->call.type);

    rc = unit->whole
         ? ngx_http_imgp_output_add(unit, &unit->document, type, &err)
         : imgp_take(&service->take, &unit->document, type,
                     ngx_http_imgp_output_taken, unit, &err);

    if (rc != IMGP_OK) {
        ngx_http_imgp_output_failed(unit, &err);
        return;
    }

    if (unit->nlinks == 0) {
        (void) imgp_result_put(&unit->run->worker->conf->store, unit->key,
                               unit->now, unit->items, unit->nitems,
                               &unit->error);
    }
}


/* of one link that was fetched; the last one makes the result */

void
ngx_http_imgp_output_fetched(void *data, ngx_log_t *log)
{
    ngx_http_imgp_unit_t  *unit = data;

    imgp_str_t    content;
    imgp_error_t  err;

    content.data = unit->call.body;
    content.len = unit->call.body_len;

    ngx_memzero(&err, sizeof(imgp_error_t));

    if (ngx_http_imgp_output_add(unit, &content,
                                 ngx_http_imgp_str(&unit->call.type), &err)
        != IMGP_OK)
    {
        ngx_http_imgp_output_failed(unit, &err);
        return;
    }

    if (unit->nitems == unit->nlinks) {
        (void) imgp_result_put(&unit->run->worker->conf->store, unit->key,
                               unit->now, unit->items, unit->nitems,
                               &unit->error);
    }
}


/* of the store the error is set already; of the service it names that one */

void
ngx_http_imgp_output_failed(ngx_http_imgp_unit_t *unit, imgp_error_t *err)
{
    ngx_str_t  *host;

    if (unit->error.error.code) {
        return;
    }

    host = &ngx_http_imgp_unit_service(unit)->host;

    (void) imgp_error_set(&unit->error.error, err->code,
                          "service \"%.*s\": %s",
                          (int) ngx_min(host->len, NGX_HTTP_IMGP_HOST_SHOWN),
                          host->data, err->detail);

    unit->error.error.service_status = unit->call.status;
}


static imgp_int_t
ngx_http_imgp_output_taken(void *data, const imgp_str_t *content,
    const imgp_str_t *type, imgp_error_t *err)
{
    ngx_http_imgp_unit_t  *unit = data;

    if (ngx_http_imgp_unit_service(unit)->take.kind == IMGP_TAKE_URL) {
        return ngx_http_imgp_output_link(unit, content);
    }

    return ngx_http_imgp_output_add(unit, content, type, err);
}


static imgp_int_t
ngx_http_imgp_output_link(ngx_http_imgp_unit_t *unit, const imgp_str_t *url)
{
    imgp_str_t  *link;

    if (unit->nlinks == 0) {
        unit->links = imgp_palloc(unit->arena,
                                  IMGP_ITEMS_MAX * sizeof(imgp_str_t));
    }

    link = unit->links ? &unit->links[unit->nlinks++] : NULL;

    if (link != NULL) {
        link->len = url->len;
        link->data = imgp_pstrdup(unit->arena, url);
    }

    if (link == NULL || link->data == NULL) {
        return imgp_error_set(&unit->error.error, IMGP_E_INTERNAL,
                              "out of memory");
    }

    return IMGP_OK;
}


imgp_int_t
ngx_http_imgp_output_add(ngx_http_imgp_unit_t *unit,
    const imgp_str_t *content, const imgp_str_t *type, imgp_error_t *err)
{
    uint64_t      added;
    imgp_item_t  *item;

    if (content->len == 0) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY, "answer is empty");
    }

    item = &unit->items[unit->nitems];
    item->bytes = content->len;

    if (ngx_http_imgp_output_sniff(unit, content, type, item, err) != IMGP_OK
        || ngx_http_imgp_output_expected(unit, item, err) != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    if (imgp_blob_put(&unit->run->worker->conf->store, content->data,
                      content->len, item->digest, &added, &unit->error)
        != IMGP_OK)
    {
        return IMGP_ERROR;
    }

    unit->added += added;
    unit->old |= (added == 0);
    unit->nitems++;

    return IMGP_OK;
}


/* the bytes decide; what calls itself an image and is none is unusable */

static imgp_int_t
ngx_http_imgp_output_sniff(ngx_http_imgp_unit_t *unit,
    const imgp_str_t *content, const imgp_str_t *type, imgp_item_t *item,
    imgp_error_t *err)
{
    imgp_int_t    rc;
    imgp_sniff_t  sniff;

    imgp_sniff_init(&sniff);

    rc = imgp_sniff_feed(&sniff, content->data, content->len);

    if (rc == IMGP_AGAIN) {
        rc = imgp_sniff_end(&sniff);
    }

    if (rc == IMGP_ERROR) {
        return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                              "answer is no whole image: %s",
                              sniff.error.detail);
    }

    if (rc == IMGP_DECLINED) {
        imgp_media_declared(type, item->type);

        if (ngx_strncmp(item->type, "image/", 6) == 0) {
            return imgp_error_set(err, IMGP_E_SERVICE_REPLY,
                                  "answer calls itself %s but is not",
                                  item->type);
        }

        return IMGP_OK;
    }

    if ((uint64_t) sniff.width * sniff.height
        > unit->run->pipeline->plan->max_pixels)
    {
        return imgp_error_set(err, IMGP_E_PIXELS, "answer has %ux%u pixels",
                              sniff.width, sniff.height);
    }

    item->width = sniff.width;
    item->height = sniff.height;
    ngx_cpystrn((u_char *) item->type, (u_char *) sniff.type, IMGP_TYPE_LEN);

    return IMGP_OK;
}


static imgp_int_t
ngx_http_imgp_output_expected(ngx_http_imgp_unit_t *unit, imgp_item_t *item,
    imgp_error_t *err)
{
    imgp_str_t  *type;

    type = &ngx_http_imgp_unit_service(unit)->type;

    if (type->len == 0 || imgp_media_match(type, item->type)) {
        return IMGP_OK;
    }

    return imgp_error_set(err, IMGP_E_SERVICE_REPLY, "answer is %s, not %.*s",
                          item->type, (int) type->len, (char *) type->data);
}
