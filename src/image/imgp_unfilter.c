
/*
 * Rows of a PNG from their differences.  Called by imgp_png_rows.c, any
 * thread; all memory is the caller's.
 *
 * Three of the filters go from pixel to pixel, so there is a pixel in a
 * vector: 3, 4, 6 or 8 bytes, each in 16 bits for Paeth's predictor, where
 * it may be one of each of two rows.  Other sizes of a pixel, and machines
 * without SSE4.1, have the plain form, which is the reference as well.  The
 * filter "up" has nothing to wait for, and the compiler makes vectors of it.
 *
 * ISO/IEC 15948, 9.2.
 */


#include <imgp/imgp_unfilter.h>
#include <imgp/imgp_filter.h>

#if (__x86_64__)
#include <smmintrin.h>
#endif


/* the bytes from..to of a row, whose pixel before them is there already */

typedef void (*imgp_unfilter_pt)(const u_char *line, const u_char *above,
    u_char *row, size_t from, size_t to);


static void imgp_unfilter_up(const u_char *line, const u_char *above,
    u_char *row, size_t len);
static void imgp_unfilter_plain(uint32_t type, uint32_t step,
    const u_char *line, const u_char *above, u_char *row, size_t len);


#if (__x86_64__)

#define IMGP_UNFILTER_TARGET  __attribute__((target("sse4.1")))
#define IMGP_UNFILTER_PART    96      /* bytes: whole pixels of every size */


/* the same of two rows */

typedef void (*imgp_unfilter_pair_pt)(const u_char *line, const u_char *next,
    const u_char *above, u_char *row, u_char *below, size_t from, size_t to);

typedef struct {
    imgp_unfilter_pt        one;
    imgp_unfilter_pair_pt   two;      /* or NULL */
    uint32_t                step;
    const u_char           *line;
    const u_char           *next;     /* of two rows */
    const u_char           *above;
    u_char                 *row;
    u_char                 *below;    /* of two rows */
} imgp_unfilter_t;


static void imgp_unfilter_parts(const imgp_unfilter_t *u, size_t len);
static void imgp_unfilter_some(const imgp_unfilter_t *u, size_t from,
    size_t to);
static imgp_uint_t imgp_unfilter_blank(const imgp_unfilter_t *u, size_t i);
static imgp_uint_t imgp_unfilter_ended(const imgp_unfilter_t *u, size_t i);


static const u_char  imgp_unfilter_zeros[8];


/*
 * n is a constant in each use, so that these are single moves; of 3 and 6
 * bytes a few more are touched, those of the next pixel or of the pad
 */

static inline __attribute__((always_inline, target("sse4.1"))) __m128i
imgp_unfilter_load(const u_char *p, uint32_t n)
{
    uint32_t  v;

    if (n <= 4) {
        memcpy(&v, p, 4);
        return _mm_cvtsi32_si128(v);
    }

    return _mm_loadl_epi64((const __m128i *) p);
}


static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_store(u_char *p, __m128i x, uint32_t n)
{
    uint32_t  v;

    if (n <= 4) {
        v = _mm_cvtsi128_si32(x);
        memcpy(p, &v, 4);

    } else {
        _mm_storel_epi64((__m128i *) p, x);
    }
}


static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_sub_n(const u_char *line, u_char *row, size_t from, size_t to,
    uint32_t n)
{
    size_t   i;
    __m128i  a;

    a = from ? imgp_unfilter_load(row + from - n, n) : _mm_setzero_si128();

    for (i = from; i < to; i += n) {
        a = _mm_add_epi8(a, imgp_unfilter_load(line + i, n));
        imgp_unfilter_store(row + i, a, n);
    }
}


static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_average_n(const u_char *line, const u_char *above, u_char *row,
    size_t from, size_t to, uint32_t n)
{
    size_t   i;
    __m128i  a, b, mean, one;

    a = from ? imgp_unfilter_load(row + from - n, n) : _mm_setzero_si128();
    one = _mm_set1_epi8(1);

    for (i = from; i < to; i += n) {
        b = imgp_unfilter_load(above + i, n);

        /* the instruction rounds up, PNG down */

        mean = _mm_sub_epi8(_mm_avg_epu8(a, b),
                            _mm_and_si128(_mm_xor_si128(a, b), one));
        a = _mm_add_epi8(mean, imgp_unfilter_load(line + i, n));
        imgp_unfilter_store(row + i, a, n);
    }
}


/*
 * Paeth's choice with as little as possible that waits for a: with d = 3c - b
 * - a it is the greater of a and b if d is not above the lesser, the lesser if
 * d is not below the greater, else c (F. Giesen's form of it)
 */

static inline __attribute__((always_inline, target("sse4.1"))) __m128i
imgp_unfilter_choose(__m128i a, __m128i b, __m128i c)
{
    __m128i  d, low, high;

    d = _mm_sub_epi16(_mm_add_epi16(c, _mm_add_epi16(c, c)), b);
    d = _mm_sub_epi16(d, a);
    low = _mm_min_epi16(a, b);
    high = _mm_max_epi16(a, b);

    a = _mm_blendv_epi8(low, c, _mm_cmpgt_epi16(high, d));

    return _mm_blendv_epi8(high, a, _mm_cmpgt_epi16(d, low));
}


static inline __attribute__((always_inline, target("sse4.1"))) __m128i
imgp_unfilter_load_16(const u_char *p, uint32_t n)
{
    return _mm_cvtepu8_epi16(imgp_unfilter_load(p, n));
}


static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_paeth_n(const u_char *line, const u_char *above, u_char *row,
    size_t from, size_t to, uint32_t n)
{
    size_t   i;
    __m128i  a, b, c;

    a = _mm_setzero_si128();
    c = a;

    if (from > 0) {
        a = imgp_unfilter_load_16(row + from - n, n);
        c = imgp_unfilter_load_16(above + from - n, n);
    }

    for (i = from; i < to; i += n) {
        b = imgp_unfilter_load_16(above + i, n);
        a = imgp_unfilter_choose(a, b, c);
        a = _mm_add_epi8(a, imgp_unfilter_load_16(line + i, n));

        imgp_unfilter_store(row + i, _mm_packus_epi16(a, a), n);

        c = b;
    }
}


/*
 * Two rows in the halves of a register, the lower one a pixel behind: what it
 * needs of the upper one was made just before, and both wait for their last
 * pixel at the same time
 */

static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_pair_n(const u_char *line, const u_char *next,
    const u_char *above, u_char *row, u_char *below, size_t from, size_t to,
    uint32_t n)
{
    size_t   i;
    __m128i  a, b, c, x, left;

    imgp_unfilter_paeth_n(line, above, row, from, from + n, n);

    left = _mm_setzero_si128();
    a = left;

    if (from > 0) {
        a = imgp_unfilter_load_16(row + from - n, n);
        left = imgp_unfilter_load_16(below + from - n, n);
    }

    c = _mm_unpacklo_epi64(imgp_unfilter_load_16(above + from, n), a);
    a = _mm_unpacklo_epi64(imgp_unfilter_load_16(row + from, n), left);

    for (i = from + n; i < to; i += n) {
        b = _mm_unpacklo_epi64(imgp_unfilter_load_16(above + i, n), a);
        x = _mm_unpacklo_epi64(imgp_unfilter_load_16(line + i, n),
                               imgp_unfilter_load_16(next + i - n, n));

        a = _mm_add_epi8(imgp_unfilter_choose(a, b, c), x);
        c = b;

        x = _mm_packus_epi16(a, a);
        imgp_unfilter_store(row + i, x, n);
        imgp_unfilter_store(below + i - n, _mm_srli_epi64(x, 32), n);
    }

    imgp_unfilter_paeth_n(next, row, below, to - n, to, n);
}


#define imgp_unfilter_forms(n)                                                \
                                                                              \
IMGP_UNFILTER_TARGET                                                          \
static void                                                                   \
imgp_unfilter_sub_##n(const u_char *line, const u_char *above, u_char *row,   \
    size_t from, size_t to)                                                   \
{                                                                             \
    imgp_unfilter_sub_n(line, row, from, to, n);                              \
}                                                                             \
                                                                              \
                                                                              \
IMGP_UNFILTER_TARGET                                                          \
static void                                                                   \
imgp_unfilter_average_##n(const u_char *line, const u_char *above,            \
    u_char *row, size_t from, size_t to)                                      \
{                                                                             \
    imgp_unfilter_average_n(line, above, row, from, to, n);                   \
}                                                                             \
                                                                              \
                                                                              \
IMGP_UNFILTER_TARGET                                                          \
static void                                                                   \
imgp_unfilter_paeth_##n(const u_char *line, const u_char *above, u_char *row, \
    size_t from, size_t to)                                                   \
{                                                                             \
    imgp_unfilter_paeth_n(line, above, row, from, to, n);                     \
}

imgp_unfilter_forms(3)
imgp_unfilter_forms(4)
imgp_unfilter_forms(6)
imgp_unfilter_forms(8)


#define imgp_unfilter_pair_form(n)                                            \
                                                                              \
IMGP_UNFILTER_TARGET                                                          \
static void                                                                   \
imgp_unfilter_pair_##n(const u_char *line, const u_char *next,                \
    const u_char *above, u_char *row, u_char *below, size_t from, size_t to)  \
{                                                                             \
    imgp_unfilter_pair_n(line, next, above, row, below, from, to, n);         \
}

imgp_unfilter_pair_form(3)
imgp_unfilter_pair_form(4)


#define imgp_unfilter_form(n)                                                 \
    { NULL, imgp_unfilter_sub_##n, NULL, imgp_unfilter_average_##n,           \
      imgp_unfilter_paeth_##n }

static const imgp_unfilter_pt  imgp_unfilter_table[9][IMGP_FILTER_MAX] = {
    [3] = imgp_unfilter_form(3),
    [4] = imgp_unfilter_form(4),
    [6] = imgp_unfilter_form(6),
    [8] = imgp_unfilter_form(8)
};

#endif


imgp_int_t
imgp_unfilter_row(uint32_t simd, uint32_t type, uint32_t step,
    const u_char *line, const u_char *above, u_char *row, size_t len)
{
    if (type == IMGP_FILTER_NONE) {
        memcpy(row, line, len);
        return IMGP_OK;
    }

    if (type >= IMGP_FILTER_MAX) {
        return IMGP_ERROR;
    }

    if (type == IMGP_FILTER_UP) {
        imgp_unfilter_up(line, above, row, len);
        return IMGP_OK;
    }

#if (__x86_64__)

    if (simd != IMGP_SIMD_NONE && imgp_unfilter_table[step][type] != NULL) {
        imgp_unfilter_t  u = { imgp_unfilter_table[step][type], NULL, step,
                               line, NULL, above, row, NULL };

        imgp_unfilter_parts(&u, len);
        return IMGP_OK;
    }

#endif

    imgp_unfilter_plain(type, step, line, above, row, len);

    return IMGP_OK;
}


imgp_uint_t
imgp_unfilter_pair(uint32_t simd, uint32_t step, const u_char *lines,
    const u_char *above, u_char *row, u_char *below, size_t len)
{
#if (__x86_64__)

    imgp_unfilter_t  u = { NULL, NULL, step, lines, lines + len + 1, above,
                           row, below };

    if (simd != IMGP_SIMD_NONE && (step == 3 || step == 4)) {
        u.two = (step == 3) ? imgp_unfilter_pair_3 : imgp_unfilter_pair_4;

        imgp_unfilter_parts(&u, len);
        return 1;
    }

#endif

    return 0;
}


#if (__x86_64__)

/* where all is zero, as around a cut-out, there is nothing to compute */

static void
imgp_unfilter_parts(const imgp_unfilter_t *u, size_t len)
{
    size_t  i, from;

    from = 0;

    for (i = 0; i + IMGP_UNFILTER_PART <= len; i += IMGP_UNFILTER_PART) {

        if (!imgp_unfilter_blank(u, i)) {
            continue;
        }

        if (from < i) {
            imgp_unfilter_some(u, from, i);
            from = i;
        }

        if (!imgp_unfilter_ended(u, i)) {
            continue;
        }

        memset(u->row + i, 0, IMGP_UNFILTER_PART);

        if (u->two != NULL) {
            memset(u->below + i, 0, IMGP_UNFILTER_PART);
        }

        from = i + IMGP_UNFILTER_PART;
    }

    if (from < len) {
        imgp_unfilter_some(u, from, len);
    }
}


static void
imgp_unfilter_some(const imgp_unfilter_t *u, size_t from, size_t to)
{
    if (u->two != NULL) {
        u->two(u->line, u->next, u->above, u->row, u->below, from, to);

    } else {
        u->one(u->line, u->above, u->row, from, to);
    }
}


static imgp_uint_t
imgp_unfilter_blank(const imgp_unfilter_t *u, size_t i)
{
    size_t   end;
    __m128i  any;

    any = _mm_setzero_si128();

    for (end = i + IMGP_UNFILTER_PART; i < end; i += 16) {
        any = _mm_or_si128(any, _mm_or_si128(
                         _mm_loadu_si128((const __m128i *) (u->line + i)),
                         _mm_loadu_si128((const __m128i *) (u->above + i))));

        if (u->two != NULL) {
            any = _mm_or_si128(any, _mm_loadu_si128((const __m128i *)
                                                    (u->next + i)));
        }
    }

    return _mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128()))
           == 0xffff;
}


/* is the pixel before all zeros, too? */

static imgp_uint_t
imgp_unfilter_ended(const imgp_unfilter_t *u, size_t i)
{
    return i == 0
           || (memcmp(u->row + i - u->step, imgp_unfilter_zeros, u->step) == 0
               && (u->two == NULL
                   || memcmp(u->below + i - u->step, imgp_unfilter_zeros,
                             u->step) == 0));
}

#endif


static void
imgp_unfilter_up(const u_char *line, const u_char *above, u_char *row,
    size_t len)
{
    size_t  i;

    typedef u_char  v_t __attribute__((vector_size(16)));

    v_t  x, b;

    for (i = 0; i + sizeof(v_t) <= len; i += sizeof(v_t)) {
        memcpy(&x, line + i, sizeof(v_t));
        memcpy(&b, above + i, sizeof(v_t));
        x += b;
        memcpy(row + i, &x, sizeof(v_t));
    }

    for ( /* void */ ; i < len; i++) {
        row[i] = line[i] + above[i];
    }
}


static void
imgp_unfilter_plain(uint32_t type, uint32_t step, const u_char *line,
    const u_char *above, u_char *row, size_t len)
{
    size_t  i;
    u_char  a, b, c, p;

    for (i = 0; i < len; i++) {
        a = (i < step) ? 0 : row[i - step];
        b = above[i];
        c = (i < step) ? 0 : above[i - step];

        p = (type == IMGP_FILTER_SUB) ? a
            : (type == IMGP_FILTER_AVERAGE) ? (a + b) / 2
            : imgp_filter_paeth(a, b, c);

        row[i] = line[i] + p;
    }
}
