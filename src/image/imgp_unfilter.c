
/*
 * Rows of a PNG from their differences.  Called by imgp_png_rows.c, any
 * thread; all memory is the caller's.
 *
 * Three of the filters go from pixel to pixel, so there is a pixel in a
 * vector: 3, 4, 6 or 8 bytes, each in 16 bits for Paeth's predictor.  Other
 * sizes of a pixel, and machines without SSE4.1, have the plain form, which
 * is the reference as well.  The filter "up" has nothing to wait for, and the
 * compiler makes vectors of it.
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
static u_char imgp_unfilter_paeth(u_char a, u_char b, u_char c);


#if (__x86_64__)

#define IMGP_UNFILTER_TARGET  __attribute__((target("sse4.1")))
#define IMGP_UNFILTER_PART    96      /* bytes: whole pixels of every size */


static void imgp_unfilter_parts(imgp_unfilter_pt unfilter, uint32_t step,
    const u_char *line, const u_char *above, u_char *row, size_t len);
static imgp_uint_t imgp_unfilter_blank(const u_char *line,
    const u_char *above);


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


static inline __attribute__((always_inline, target("sse4.1"))) void
imgp_unfilter_paeth_n(const u_char *line, const u_char *above, u_char *row,
    size_t from, size_t to, uint32_t n)
{
    size_t   i;
    __m128i  a, b, c, x, pa, pb, pc, least;

    a = _mm_setzero_si128();
    c = a;

    if (from > 0) {
        a = _mm_cvtepu8_epi16(imgp_unfilter_load(row + from - n, n));
        c = _mm_cvtepu8_epi16(imgp_unfilter_load(above + from - n, n));
    }

    for (i = from; i < to; i += n) {
        b = _mm_cvtepu8_epi16(imgp_unfilter_load(above + i, n));
        x = _mm_cvtepu8_epi16(imgp_unfilter_load(line + i, n));

        pa = _mm_sub_epi16(b, c);
        pb = _mm_sub_epi16(a, c);
        pc = _mm_abs_epi16(_mm_add_epi16(pa, pb));
        pa = _mm_abs_epi16(pa);
        pb = _mm_abs_epi16(pb);
        least = _mm_min_epi16(pc, _mm_min_epi16(pa, pb));

        /* a before b before c */

        c = _mm_blendv_epi8(c, b, _mm_cmpeq_epi16(least, pb));
        c = _mm_blendv_epi8(c, a, _mm_cmpeq_epi16(least, pa));

        a = _mm_and_si128(_mm_add_epi16(c, x), _mm_set1_epi16(255));
        imgp_unfilter_store(row + i, _mm_packus_epi16(a, a), n);

        c = b;
    }
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
        imgp_unfilter_parts(imgp_unfilter_table[step][type], step, line,
                            above, row, len);
        return IMGP_OK;
    }

#endif

    imgp_unfilter_plain(type, step, line, above, row, len);

    return IMGP_OK;
}


#if (__x86_64__)

/* where all is zero, as around a cut-out, there is nothing to compute */

static void
imgp_unfilter_parts(imgp_unfilter_pt unfilter, uint32_t step,
    const u_char *line, const u_char *above, u_char *row, size_t len)
{
    size_t  i, from;

    from = 0;
    i = 0;

    while (i + IMGP_UNFILTER_PART <= len) {

        if (!imgp_unfilter_blank(line + i, above + i)) {
            i += IMGP_UNFILTER_PART;
            continue;
        }

        if (from < i) {
            unfilter(line, above, row, from, i);
            from = i;
        }

        if (i > 0 && memcmp(row + i - step, imgp_unfilter_zeros, step) != 0) {
            i += IMGP_UNFILTER_PART;
            continue;
        }

        memset(row + i, 0, IMGP_UNFILTER_PART);

        i += IMGP_UNFILTER_PART;
        from = i;
    }

    if (from < len) {
        unfilter(line, above, row, from, len);
    }
}


static imgp_uint_t
imgp_unfilter_blank(const u_char *line, const u_char *above)
{
    uint32_t  i;
    __m128i   any;

    any = _mm_setzero_si128();

    for (i = 0; i < IMGP_UNFILTER_PART; i += 16) {
        any = _mm_or_si128(any, _mm_or_si128(
                         _mm_loadu_si128((const __m128i *) (line + i)),
                         _mm_loadu_si128((const __m128i *) (above + i))));
    }

    return _mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128()))
           == 0xffff;
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
            : imgp_unfilter_paeth(a, b, c);

        row[i] = line[i] + p;
    }
}


static u_char
imgp_unfilter_paeth(u_char a, u_char b, u_char c)
{
    int  p, pa, pb, pc;

    p = a + b - c;
    pa = (p > a) ? p - a : a - p;
    pb = (p > b) ? p - b : b - p;
    pc = (p > c) ? p - c : c - p;

    return (pa <= pb && pa <= pc) ? a : (pb <= pc) ? b : c;
}
