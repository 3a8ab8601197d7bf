
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
 * one what is left); of these pixels [start, start + span) become "out" new
 * ones, of which every output averages "cover" (0 is 1; the last one what is
 * left).  So a plane of halved chroma has a pitch or a cover of 2.  "flip":
 * the outputs run against the samples.  out <= span; where outputs are more
 * than samples, as with chroma that is made whole, they are interpolated.
 */

typedef struct {
    uint32_t           length;
    uint32_t           pitch;
    uint32_t           start;
    uint32_t           span;
    uint32_t           out;
    uint32_t           cover;
    uint32_t           flip;
} imgp_axis_t;


#define imgp_axis_cover(axis)    ((axis)->cover ? (axis)->cover : 1)

/* the numbers of samples and of outputs */

#define imgp_axis_samples(axis)                                               \
    (((axis)->length - 1) / (axis)->pitch + 1)
#define imgp_axis_outputs(axis)                                               \
    (((axis)->out - 1) / imgp_axis_cover(axis) + 1)


/* coefficients of one output are followed by 0 up to a multiple of this */

#define IMGP_LANCZOS_PAD   16


typedef struct {
    uint32_t           samples;       /* of the source */
    uint32_t           out;           /* number of outputs */
    uint32_t           taps;          /* of every output */
    uint32_t           stride;        /* taps, padded */
    uint32_t          *first;         /* [out] the first sample */
    int16_t           *coef;          /* [out][stride] */
} imgp_lanczos_t;


/* does every output show just one sample, in order or against it? */

imgp_uint_t imgp_lanczos_identical(const imgp_axis_t *axis);

imgp_int_t imgp_lanczos_create(imgp_work_t *work, const imgp_axis_t *axis,
    imgp_lanczos_t *lanczos);
void imgp_lanczos_free(imgp_work_t *work, imgp_lanczos_t *lanczos);


/* the kernel at i / IMGP_LANCZOS_STEPS, i = 0..3 * STEPS, times 1 << 24 */

#define IMGP_LANCZOS_STEPS  512

extern const int32_t  imgp_lanczos_table[3 * IMGP_LANCZOS_STEPS + 2];


#endif /* _IMGP_LANCZOS_H_INCLUDED_ */
