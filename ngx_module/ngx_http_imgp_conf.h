
/*
 * What the files that read the configuration share; nothing at run time
 * includes this.
 *
 * "image_pipeline NAME { }" and "stage NAME { }" are blocks whose directives
 * belong to a module of a type of their own, as nginx's mail and stream have
 * it: so nginx itself finds them, counts their arguments, says where which
 * may stand, and "include" works.  What nginx does not check is told by an
 * ngx_http_imgp_option_t, one per directive.
 */


#ifndef _NGX_HTTP_IMGP_CONF_H_INCLUDED_
#define _NGX_HTTP_IMGP_CONF_H_INCLUDED_


#include "ngx_http_imgp.h"


#define NGX_HTTP_IMGP_MODULE          0x50474d49      /* "IMGP" */

#define NGX_HTTP_IMGP_PIPELINE_CONF   0x02000000
#define NGX_HTTP_IMGP_STAGE_CONF      0x04000000
#define NGX_HTTP_IMGP_PROVIDER_CONF   0x08000000

#define NGX_HTTP_IMGP_ZONE_MIN        (512 * 1024)
#define NGX_HTTP_IMGP_PIXELS_MAX      4000000000ull   /* fits 32 bits */
#define NGX_HTTP_IMGP_JOBS_MAX        1000000
#define NGX_HTTP_IMGP_TIME_MAX        (10ull * 365 * 24 * 3600 * 1000)
#define NGX_HTTP_IMGP_WEIGHT_MAX      10000
#define NGX_HTTP_IMGP_RETRIES_MAX     100
#define NGX_HTTP_IMGP_CALLS_MAX       10000
#define NGX_HTTP_IMGP_MESSAGE_MAX     200             /* bytes */
#define NGX_HTTP_IMGP_SECRET_MAX      8192
#define NGX_HTTP_IMGP_URL_MAX         2048
#define NGX_HTTP_IMGP_FIELDS_MAX      32              /* headers, or parts */
#define NGX_HTTP_IMGP_PROVIDERS_MAX   8               /* of a stage */
#define NGX_HTTP_IMGP_LIST_MAX        512             /* bytes of its name */


/* where a directive stands */

typedef struct {
    u_char                        *file;
    ngx_uint_t                     line;
} ngx_http_imgp_place_t;


typedef struct ngx_http_imgp_option_s  ngx_http_imgp_option_t;
typedef struct ngx_http_imgp_block_s   ngx_http_imgp_block_t;


#define NGX_HTTP_IMGP_MANY     0x01    /* may be given more than once */
#define NGX_HTTP_IMGP_SERVICE  0x02    /* means something to "post" alone */


/* ngx_command_t.post of a directive in a block */

struct ngx_http_imgp_option_s {
    char                        *(*set)(ngx_conf_t *cf,
                                     const ngx_http_imgp_option_t *option,
                                     ngx_http_imgp_block_t *block);
    ngx_uint_t                     flags;

    /* of the slots: where in block->target, and what is allowed there */

    size_t                         offset;
    uint64_t                       min;
    uint64_t                       max;
};


/* a directive that was read */

typedef struct {
    ngx_str_t                      name;
    ngx_uint_t                     flags;
    ngx_http_imgp_place_t          place;
} ngx_http_imgp_seen_t;


/* cf->ctx inside a block: "confs" is where nginx looks for a module's
   configuration, and there is none */

struct ngx_http_imgp_block_s {
    void                         **confs;
    void                          *target;   /* the plan, or the stage */
    ngx_array_t                    seen;     /* ngx_http_imgp_seen_t */
    ngx_http_imgp_place_t          place;
};


/* a "$param_NAME": params may stand below the stages that use them */

typedef struct {
    ngx_uint_t                    *param;    /* gets its number */
    ngx_str_t                      name;
    ngx_str_t                      directive;
    ngx_uint_t                     stage;
    ngx_http_imgp_place_t          place;
} ngx_http_imgp_ref_t;


/* "image_pipeline NAME { }" while it is read */

typedef struct {
    ngx_http_imgp_block_t          block;
    ngx_http_imgp_main_conf_t     *main;
    ngx_http_imgp_pipeline_t      *pipeline;
    imgp_plan_t                   *plan;
    ngx_array_t                    refs;     /* ngx_http_imgp_ref_t */
    ngx_http_imgp_place_t          stages[IMGP_STAGES_MAX];
} ngx_http_imgp_pipeline_conf_t;


/* "stage NAME { }", or a "provider NAME { }" in it, while it is read */

typedef struct ngx_http_imgp_stage_conf_s  ngx_http_imgp_stage_conf_t;

struct ngx_http_imgp_stage_conf_s {
    ngx_http_imgp_block_t          block;
    ngx_http_imgp_pipeline_conf_t *pipeline;
    imgp_stage_t                  *stage;
    ngx_str_t                      operation;   /* its name; "": none yet */
    ngx_str_t                      each;

    ngx_http_imgp_service_t       *service;
    ngx_array_t                    send;     /* u_char: of stage->text */
    ngx_array_t                    headers;  /* u_char: of stage->text */
    ngx_array_t                    take;     /* u_char: of stage->text */

    ngx_str_t                      provider; /* its name; "": of the stage */
    ngx_http_imgp_stage_conf_t    *next;     /* provider */
    ngx_uint_t                     nproviders;
};


/* "image_pipeline_pass NAME", whose pipeline may stand below it */

typedef struct {
    ngx_str_t                      name;
    ngx_http_imgp_loc_conf_t      *conf;
    ngx_http_imgp_place_t          place;
} ngx_http_imgp_pass_t;


#define ngx_http_imgp_place(cf, p)                                            \
    (p)->file = (cf)->conf_file->file.name.data;                              \
    (p)->line = (cf)->conf_file->line

/* ---- ngx_http_imgp_conf.c: http {} and location ---- */

char *ngx_http_imgp_conf_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_imgp_conf_threads(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_imgp_conf_pass(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_imgp_conf_priority(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* ngx_http_imgp_operator_conf.c */

char *ngx_http_imgp_conf_metrics(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_imgp_conf_health(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_imgp_conf_console(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_imgp_conf_operator(ngx_conf_t *cf,
    ngx_http_imgp_loc_conf_t *conf);

/* ngx_http_imgp_redis_conf.c */

char *ngx_http_imgp_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *data);
char *ngx_http_imgp_conf_redis_alone(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf);

/* nginx refuses a body by its length before any handler: that 413 is sent to
   the handler, to be a problem document as every other error */

char *ngx_http_imgp_conf_error_page(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf);

/* all of http {} was read: names become pointers */

char *ngx_http_imgp_conf_init_main_conf(ngx_conf_t *cf, void *conf);


/* ---- ngx_http_imgp_block_conf.c: what both blocks have in common ---- */

/* reads a block's directives into block->target, up to its "}" */

char *ngx_http_imgp_conf_block(ngx_conf_t *cf, ngx_http_imgp_block_t *block,
    ngx_uint_t cmd_type);
ngx_http_imgp_seen_t *ngx_http_imgp_conf_seen(ngx_http_imgp_block_t *block,
    const char *name);

/* ngx_conf_log_error() for a place that was passed already; returns
   NGX_CONF_ERROR */

char *ngx_http_imgp_conf_error(ngx_conf_t *cf, ngx_http_imgp_place_t *place,
    const char *fmt, ...);

/* a number, or a time in ms; NGX_ERROR: the log was told why */

ngx_int_t ngx_http_imgp_conf_number(ngx_conf_t *cf, ngx_str_t *value,
    uint64_t min, uint64_t max, uint64_t *number);
ngx_int_t ngx_http_imgp_conf_time(ngx_conf_t *cf, ngx_str_t *value,
    uint64_t min, imgp_msec_t *msec);


/* ---- ngx_http_imgp_pipeline_conf.c ---- */

char *ngx_http_imgp_conf_pipeline(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

char *ngx_http_imgp_conf_accept(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
/* "64m" of decimal millions */

char *ngx_http_imgp_conf_pixels(ngx_conf_t *cf, ngx_str_t *value,
    uint64_t *pixels);
char *ngx_http_imgp_conf_max_pixels(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_queue(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_cache(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_param(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_outputs(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);


/* ---- ngx_http_imgp_notify_conf.c ---- */

char *ngx_http_imgp_conf_notify(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_notify_init(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_http_imgp_pipeline_t *pipeline);

/* the name of a list of Redis */

char *ngx_http_imgp_conf_list(ngx_conf_t *cf, ngx_str_t *list);


/* ---- ngx_http_imgp_stage_conf.c ---- */

char *ngx_http_imgp_conf_stage(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* notes what the stage does; NGX_CONF_ERROR: it does something already */

char *ngx_http_imgp_conf_operation(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

char *ngx_http_imgp_conf_local(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_from(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_each(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_when(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_optional(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_message(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);


/* ---- ngx_http_imgp_service_conf.c: a stage that calls a service ---- */

char *ngx_http_imgp_conf_post(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* of a service: what of it is known while its directive is read */

char *ngx_http_imgp_conf_url(ngx_conf_t *cf, ngx_http_imgp_service_t *service,
    ngx_str_t *url);

char *ngx_http_imgp_conf_retry(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* the stage's "}": checks what goes together, writes stage->text */

char *ngx_http_imgp_conf_service_end(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

char *ngx_http_imgp_conf_service_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
ngx_http_imgp_place_t *ngx_http_imgp_conf_place(ngx_http_imgp_stage_conf_t *sc,
    const char *name);
ngx_int_t ngx_http_imgp_conf_service_text(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

/* all of http {} was read: an upstream {}, addresses, or the resolver */

char *ngx_http_imgp_conf_service_resolve(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_str_t *stage,
    ngx_http_imgp_service_t *service);


/* ---- ngx_http_imgp_send_conf.c: what is sent to a service ---- */

/* the service of a stage, made by the first of its directives */

ngx_http_imgp_service_t *ngx_http_imgp_conf_service(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

char *ngx_http_imgp_conf_send(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* may it be the name of a form's field? */

ngx_uint_t ngx_http_imgp_is_field(ngx_str_t *name);

/* what a file holds, "size" bytes at most; NGX_ERROR: ngx_errno tells why */

ssize_t ngx_http_imgp_conf_read_file(ngx_str_t *name, u_char *buf,
    size_t size);

/* cuts "text$param_NAME" into ngx_http_imgp_piece_t; fills *pieces */

char *ngx_http_imgp_conf_pieces(ngx_conf_t *cf, ngx_http_imgp_stage_conf_t *sc,
    ngx_array_t *pieces, ngx_str_t *value);

/* appends " what LENGTH:value": no two lists of values give the same text */

ngx_int_t ngx_http_imgp_conf_text_add(ngx_array_t *text, const char *what,
    ngx_str_t *value);

/* the name in "$param_NAME" or "${param_NAME}" at the begin of "p", and what
   follows it; NULL: it is something else */

u_char *ngx_http_imgp_conf_param_name(u_char *p, u_char *last, ngx_str_t *name);


/* ---- ngx_http_imgp_header_conf.c ---- */

char *ngx_http_imgp_conf_header(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* the value "@FILE" becomes the line of text in that file, a secret that is
   called "what" */

char *ngx_http_imgp_conf_secret(ngx_conf_t *cf, const char *what,
    ngx_str_t *name, ngx_str_t *value);


/* ---- ngx_http_imgp_take_conf.c: what is made of an answer ---- */

char *ngx_http_imgp_conf_take(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_poll(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);


/* ---- ngx_http_imgp_care_conf.c: care for a service ---- */

char *ngx_http_imgp_conf_rate(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_warm(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_cost(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_batch(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_batch_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
char *ngx_http_imgp_conf_warm_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

/* "max_fails=" and "fail_timeout=" of "post" */

char *ngx_http_imgp_conf_breaker(ngx_conf_t *cf,
    ngx_http_imgp_service_t *service, ngx_uint_t from);


/* ---- ngx_http_imgp_lane_conf.c: classes of inputs ---- */

char *ngx_http_imgp_conf_lane(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);

/* the stage's "}" */

char *ngx_http_imgp_conf_lanes_end(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);


/* ---- ngx_http_imgp_provider_conf.c: services that take its place ---- */

char *ngx_http_imgp_conf_provider(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
/* the stage's "}": its providers are its services */

char *ngx_http_imgp_conf_providers_end(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

/* by what the zone knows it */

void ngx_http_imgp_conf_service_id(ngx_http_imgp_stage_conf_t *sc,
    ngx_http_imgp_service_t *service);


/* ---- ngx_http_imgp_put_conf.c ---- */

char *ngx_http_imgp_conf_put(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_put_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);


/* ---- ngx_http_imgp_queue_conf.c ---- */

char *ngx_http_imgp_conf_queue_list(ngx_conf_t *cf,
    const ngx_http_imgp_option_t *option, ngx_http_imgp_block_t *block);
char *ngx_http_imgp_conf_queue_check(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);
char *ngx_http_imgp_conf_queue_redis(ngx_conf_t *cf,
    ngx_http_imgp_main_conf_t *imcf, ngx_http_imgp_service_t *service);


/* ---- ngx_http_imgp_template_conf.c ---- */

char *ngx_http_imgp_conf_template(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

char *ngx_http_imgp_conf_form(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);

/* the stage's "}": all its inputs are known */

char *ngx_http_imgp_conf_template_inputs(ngx_conf_t *cf,
    ngx_http_imgp_stage_conf_t *sc);


#endif /* _NGX_HTTP_IMGP_CONF_H_INCLUDED_ */
