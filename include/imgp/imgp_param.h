
/*
 * The values that a param of a pipeline may have.
 */


#ifndef _IMGP_PARAM_H_INCLUDED_
#define _IMGP_PARAM_H_INCLUDED_


#include <imgp/imgp_plan.h>


/* param->allowed, when it begins with "~", to param->regex; called once */

imgp_int_t imgp_param_compile(imgp_param_t *param, imgp_pool_t *pool,
    imgp_error_t *err);

/* printable UTF-8 of at most IMGP_VALUE_MAX bytes, or nothing at all: what
   is not so is never allowed, whatever the expression says */

imgp_uint_t imgp_param_is_value(const imgp_str_t *value);

/* thread-safe */

imgp_uint_t imgp_param_allows(const imgp_param_t *param,
    const imgp_str_t *value);


#endif /* _IMGP_PARAM_H_INCLUDED_ */
