
/*
 * The coefficients of one axis of a Lanczos-3 reduction.  Integers from end
 * to end, so that every machine gets the same ones.
 */


#ifndef _IMGP_LANCZOS_H_INCLUDED_
#define _IMGP_LANCZOS_H_INCLUDED_


#include <imgp/imgp_types.h>
#include <imgp/imgp_work.h>


#define IMGP_LANCZOS_BITS  14         /* the coefficients' sum is 1 << 14 */


/*
 * The axis: "length" pixels, of which every sample averages "pitch" (the last
 * one what is left); of these pixels [start, start + span) become
 * "out" new ones.  pitch * out <= span: no enlarging.
 */

typedef struct {
    uint32_t           length;
    uint32_t           pitch;
    uint32_t           start;
    uint32_t           span;
    uint32_t           out;
} imgp_axis_t;


typedef struct {
    uint32_t           samples;       /* of the source: length / pitch, up */
    uint32_t           out;
    uint32_t           taps;          /* of every output */
    uint32_t          *first;         /* [out] the first sample */
    int16_t           *coef;          /* [out][taps] */
} imgp_lanczos_t;


imgp_int_t imgp_lanczos_create(imgp_work_t *work, const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos);
void imgp_lanczos_free(imgp_work_t *work, imgp_lanczos_t *lanczos);


/* the kernel at i / IMGP_LANCZOS_STEPS, i = 0..3 * STEPS, times 1 << 24 */

#define IMGP_LANCZOS_STEPS  512

extern const int32_t  imgp_lanczos_table[3 * IMGP_LANCZOS_STEPS + 2];


#endif /* _IMGP_LANCZOS_H_INCLUDED_ */
