
/*
 * The colour profile of a JPEG, which is cut into APP2 segments.
 */


#ifndef _IMGP_ICC_H_INCLUDED_
#define _IMGP_ICC_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


#define IMGP_ICC_MAX    (4 * 1024 * 1024)     /* a larger one is ignored */
#define IMGP_ICC_PARTS  255           /* a part's number is one byte */


typedef struct {
    uint32_t           n;             /* of parts, as each of them says */
    imgp_str_t         parts[IMGP_ICC_PARTS + 1];     /* 1..n, borrowed */
} imgp_icc_t;                         /* to be zeroed */


/* the payload of any APP2 segment; what is no part of a profile is ignored */

void imgp_icc_add(imgp_icc_t *icc, const u_char *p, size_t len);

/* IMGP_OK with an empty profile where none is whole; imgp_work_free() it */

imgp_int_t imgp_icc_join(const imgp_icc_t *icc, imgp_work_t *work,
    imgp_str_t *profile);


#endif /* _IMGP_ICC_H_INCLUDED_ */
