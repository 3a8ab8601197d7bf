
/*
 * A URL out of a service's answer as a service, under the rules against
 * server-side request forgery (ngx_http_imgp_link.c).
 */


#ifndef _NGX_HTTP_IMGP_LINK_H_INCLUDED_
#define _NGX_HTTP_IMGP_LINK_H_INCLUDED_


#include "ngx_http_imgp.h"


/*
 * "text" ends with a NUL; relative ones are of the origin's URL.  With "id" a
 * text that is no URL at all is an id below that URL.  The service lies in the
 * pool; NULL: err tells why.
 */

ngx_http_imgp_service_t *ngx_http_imgp_link(ngx_http_imgp_service_t *origin,
    imgp_str_t *text, ngx_uint_t id, imgp_pool_t *pool, imgp_error_t *err);


#endif /* _NGX_HTTP_IMGP_LINK_H_INCLUDED_ */
