
/*
 * What a piece of content is, by its first bytes alone: type, width, height.
 * Incremental: bytes are fed as they arrive, nothing is kept but the state,
 * nothing is allocated.  A JPEG's size may stand behind megabytes of
 * application segments, which are skipped by their lengths.
 *
 * Sources: ITU-T T.81 (JPEG), ISO/IEC 15948 (PNG), RFC 9649 (WebP),
 * GIF89a, ISO/IEC 14496-12 (ftyp of HEIF and AVIF).
 */


#ifndef _IMGP_SNIFF_H_INCLUDED_
#define _IMGP_SNIFF_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_error.h>
#include <imgp/imgp_media.h>


typedef struct {
    /* results */
    const char        *type;          /* static string; NULL while unknown */
    uint32_t           width;         /* as stored: orientation not applied */
    uint32_t           height;
    imgp_error_t       error;

    /* private */
    u_char             head[64];
    uint32_t           nhead;
    uint32_t           state;
    uint64_t           skip;
    uint64_t           seen;
} imgp_sniff_t;


void imgp_sniff_init(imgp_sniff_t *s);

/*
 * IMGP_AGAIN: wants more.  IMGP_OK: type is known, and for JPEG, PNG, WebP
 * and GIF the size too.  IMGP_DECLINED: no format of the list (type NULL).
 * IMGP_ERROR: it begins as an image of the list but is malformed (s->error).
 * After any other answer than AGAIN more feeding changes nothing.
 */

imgp_int_t imgp_sniff_feed(imgp_sniff_t *s, const u_char *p, size_t len);

/* the content has ended: AGAIN becomes DECLINED or ERROR ("truncated") */

imgp_int_t imgp_sniff_end(imgp_sniff_t *s);


#endif /* _IMGP_SNIFF_H_INCLUDED_ */
