
/*
 * ICC profiles in JPEG: parts of up to 65519 bytes, each with its number and
 * the number of all.  Parts are pointers into the file until they are joined
 * into a block of the run's.  Called by imgp_jpeg_read.c.
 *
 * ICC.1:2010, B.4.
 */


#include <imgp/imgp_icc.h>


#define IMGP_ICC_HEAD  14             /* "ICC_PROFILE", 0, number, count */


void
imgp_icc_add(imgp_icc_t *icc, const u_char *p, size_t len)
{
    imgp_str_t  *part;

    if (len < IMGP_ICC_HEAD || memcmp(p, "ICC_PROFILE", 12) != 0
        || p[12] == 0 || p[12] > p[13]
        || (icc->n != 0 && icc->n != p[13]))
    {
        return;
    }

    icc->n = p[13];
    part = &icc->parts[p[12]];

    if (part->data == NULL) {
        part->data = (u_char *) p + IMGP_ICC_HEAD;
        part->len = len - IMGP_ICC_HEAD;
    }
}


/* joined only if all parts are there: half a profile is worse than none */

imgp_int_t
imgp_icc_join(const imgp_icc_t *icc, imgp_work_t *work, imgp_str_t *profile)
{
    size_t     len;
    u_char    *p;
    uint32_t   i;

    profile->data = NULL;
    profile->len = 0;

    len = 0;

    for (i = 1; i <= icc->n; i++) {

        if (icc->parts[i].data == NULL) {
            return IMGP_OK;
        }

        len += icc->parts[i].len;
    }

    if (len == 0 || len > IMGP_ICC_MAX) {
        return IMGP_OK;
    }

    p = imgp_work_alloc(work, len);
    if (p == NULL) {
        return IMGP_ERROR;
    }

    profile->data = p;
    profile->len = len;

    for (i = 1; i <= icc->n; i++) {
        memcpy(p, icc->parts[i].data, icc->parts[i].len);
        p += icc->parts[i].len;
    }

    return IMGP_OK;
}
