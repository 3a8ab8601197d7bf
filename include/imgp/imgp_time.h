
/*
 * RFC 3339 times in UTC with milliseconds: "2026-01-13T14:03:39.120Z".
 */


#ifndef _IMGP_TIME_H_INCLUDED_
#define _IMGP_TIME_H_INCLUDED_


#include <imgp/imgp_types.h>


#define IMGP_TIME_LEN  24


void imgp_time_text(imgp_msec_t ms, char *out);       /* 24 + NUL */


#endif /* _IMGP_TIME_H_INCLUDED_ */
