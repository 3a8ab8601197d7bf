
/*
 * DCT coefficients packed and unpacked, for the time between two scans of a
 * JPEG.  Called by imgp_jpeg_store.c; any thread, all memory is the caller's.
 *
 * Two sets of a block's eight rows (a byte each), for every block; then the
 * rows: none where all is 0, eight bytes, or sixteen where a coefficient does
 * not fit into one.  The sets: rows that are there; those of them that are
 * wide.  DC, which seldom fits, is not part of it.
 *
 * As a rule no row is wide, and AVX2 moves half a block at once: no branch
 * depends on which rows there are, which no processor foresees.
 */


#include <imgp/imgp_jpeg_coefs.h>

#if (__x86_64__)
#include <immintrin.h>
#endif


#define IMGP_JPEG_COEFS_HEAD  2
#define IMGP_JPEG_COEFS_ROWS  8
#define IMGP_JPEG_COEFS_ROW   8       /* coefficients */
#define IMGP_JPEG_COEFS_HALF  (IMGP_JPEG_COEFS_BLOCK / 2)


static u_char *imgp_jpeg_coefs_put(const int16_t *block, u_char *head,
    u_char *p);
static const u_char *imgp_jpeg_coefs_get(const u_char *head, const u_char *p,
    int16_t *block);

#if (__x86_64__)

#define IMGP_JPEG_COEFS_AVX2  __attribute__((target("avx2,popcnt")))

IMGP_JPEG_COEFS_AVX2
static size_t imgp_jpeg_coefs_pack_avx2(const int16_t *blocks, uint32_t n,
    u_char *out);
IMGP_JPEG_COEFS_AVX2
static void imgp_jpeg_coefs_unpack_avx2(const u_char *in, uint32_t n,
    int16_t *blocks);

#endif


static inline void
imgp_jpeg_coefs_widen(const u_char *p, int16_t *row)
{
    int8_t    narrow[IMGP_JPEG_COEFS_ROW];
    uint32_t  i;

    memcpy(narrow, p, sizeof(narrow));

    for (i = 0; i < IMGP_JPEG_COEFS_ROW; i++) {
        row[i] = narrow[i];
    }
}


size_t
imgp_jpeg_coefs_pack(uint32_t simd, const int16_t *blocks, uint32_t n,
    u_char *out)
{
    u_char  *p, *head;

#if (__x86_64__)

    if (simd == IMGP_SIMD_AVX2) {
        return imgp_jpeg_coefs_pack_avx2(blocks, n, out);
    }

#endif

    head = out;

    for (p = out + n * IMGP_JPEG_COEFS_HEAD; n > 0; n--) {
        p = imgp_jpeg_coefs_put(blocks, head, p);
        blocks += IMGP_JPEG_COEFS_BLOCK;
        head += IMGP_JPEG_COEFS_HEAD;
    }

    return p - out;
}


static u_char *
imgp_jpeg_coefs_put(const int16_t *block, u_char *head, u_char *p)
{
    int8_t      narrow[IMGP_JPEG_COEFS_ROW];
    int16_t     row[IMGP_JPEG_COEFS_ROW];
    uint32_t    i, k, any, wide;

    head[0] = 0;
    head[1] = 0;

    for (i = 0; i < IMGP_JPEG_COEFS_ROWS; i++) {
        memcpy(row, block + i * IMGP_JPEG_COEFS_ROW, sizeof(row));

        if (i == 0) {
            row[0] = 0;
        }

        for (k = 0, any = 0, wide = 0; k < IMGP_JPEG_COEFS_ROW; k++) {
            narrow[k] = row[k];
            any |= (row[k] != 0);
            wide |= (narrow[k] != row[k]);
        }

        if (any) {
            memcpy(p, wide ? (void *) row : narrow,
                   wide ? sizeof(row) : sizeof(narrow));
            p += wide ? sizeof(row) : sizeof(narrow);
        }

        head[0] |= any << i;
        head[1] |= wide << i;
    }

    return p;
}


void
imgp_jpeg_coefs_unpack(uint32_t simd, const u_char *in, uint32_t n,
    int16_t *blocks)
{
    const u_char  *head;

#if (__x86_64__)

    if (simd == IMGP_SIMD_AVX2) {
        imgp_jpeg_coefs_unpack_avx2(in, n, blocks);
        return;
    }

#endif

    head = in;
    in += n * IMGP_JPEG_COEFS_HEAD;

    for ( /* void */ ; n > 0; n--) {
        in = imgp_jpeg_coefs_get(head, in, blocks);
        blocks += IMGP_JPEG_COEFS_BLOCK;
        head += IMGP_JPEG_COEFS_HEAD;
    }
}


static const u_char *
imgp_jpeg_coefs_get(const u_char *head, const u_char *p, int16_t *block)
{
    uint32_t  i;

    memset(block, 0, IMGP_JPEG_COEFS_BLOCK * sizeof(int16_t));

    for (i = 0; i < IMGP_JPEG_COEFS_ROWS; i++) {

        if (head[1] >> i & 1) {
            memcpy(block, p, IMGP_JPEG_COEFS_ROW * sizeof(int16_t));
            p += IMGP_JPEG_COEFS_ROW * sizeof(int16_t);

        } else if (head[0] >> i & 1) {
            imgp_jpeg_coefs_widen(p, block);
            p += IMGP_JPEG_COEFS_ROW;
        }

        block += IMGP_JPEG_COEFS_ROW;
    }

    return p;
}


#if (__x86_64__)

/* of four rows, as eight halves: those of a set to the front, and back */

static const u_char  imgp_jpeg_coefs_front[16][8] = {
    { 0, 1, 2, 3, 4, 5, 6, 7 },
    { 0, 1, 2, 3, 4, 5, 6, 7 },
    { 2, 3, 0, 1, 4, 5, 6, 7 },
    { 0, 1, 2, 3, 4, 5, 6, 7 },
    { 4, 5, 0, 1, 2, 3, 6, 7 },
    { 0, 1, 4, 5, 2, 3, 6, 7 },
    { 2, 3, 4, 5, 0, 1, 6, 7 },
    { 0, 1, 2, 3, 4, 5, 6, 7 },
    { 6, 7, 0, 1, 2, 3, 4, 5 },
    { 0, 1, 6, 7, 2, 3, 4, 5 },
    { 2, 3, 6, 7, 0, 1, 4, 5 },
    { 0, 1, 2, 3, 6, 7, 4, 5 },
    { 4, 5, 6, 7, 0, 1, 2, 3 },
    { 0, 1, 4, 5, 6, 7, 2, 3 },
    { 2, 3, 4, 5, 6, 7, 0, 1 },
    { 0, 1, 2, 3, 4, 5, 6, 7 }
};

static const u_char  imgp_jpeg_coefs_back[16][8] = {
    { 0, 0, 0, 0, 0, 0, 0, 0 },
    { 0, 1, 0, 0, 0, 0, 0, 0 },
    { 0, 0, 0, 1, 0, 0, 0, 0 },
    { 0, 1, 2, 3, 0, 0, 0, 0 },
    { 0, 0, 0, 0, 0, 1, 0, 0 },
    { 0, 1, 0, 0, 2, 3, 0, 0 },
    { 0, 0, 0, 1, 2, 3, 0, 0 },
    { 0, 1, 2, 3, 4, 5, 0, 0 },
    { 0, 0, 0, 0, 0, 0, 0, 1 },
    { 0, 1, 0, 0, 0, 0, 2, 3 },
    { 0, 0, 0, 1, 0, 0, 2, 3 },
    { 0, 1, 2, 3, 0, 0, 4, 5 },
    { 0, 0, 0, 0, 0, 1, 2, 3 },
    { 0, 1, 0, 0, 2, 3, 4, 5 },
    { 0, 0, 0, 1, 2, 3, 4, 5 },
    { 0, 1, 2, 3, 4, 5, 6, 7 }
};


static inline IMGP_JPEG_COEFS_AVX2 __m256i
imgp_jpeg_coefs_order(const u_char *order)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *) order));
}


/* half a block; "keep" is without DC.  What was packed, NULL: a row is wide */

static inline IMGP_JPEG_COEFS_AVX2 u_char *
imgp_jpeg_coefs_half(const int16_t *p, __m256i keep, u_char *out,
    uint32_t *rows)
{
    __m256i  a, b, bias, all;

    a = _mm256_and_si256(_mm256_loadu_si256((const __m256i *) p), keep);
    b = _mm256_loadu_si256((const __m256i *) (p + 16));

    bias = _mm256_set1_epi16(128);
    all = _mm256_or_si256(_mm256_add_epi16(a, bias),
                          _mm256_add_epi16(b, bias));

    if (!_mm256_testz_si256(all, _mm256_set1_epi16((int16_t) 0xff00))) {
        return NULL;
    }

    a = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
    b = _mm256_cmpeq_epi64(a, _mm256_setzero_si256());

    *rows = ~_mm256_movemask_pd(_mm256_castsi256_pd(b)) & 15;

    a = _mm256_permutevar8x32_epi32(a, imgp_jpeg_coefs_order(
                                           imgp_jpeg_coefs_front[*rows]));
    _mm256_storeu_si256((__m256i *) out, a);

    return out + __builtin_popcount(*rows) * IMGP_JPEG_COEFS_ROW;
}


static inline IMGP_JPEG_COEFS_AVX2 imgp_uint_t
imgp_jpeg_coefs_blank(const int16_t *p)
{
    __m256i  all;

    all = _mm256_or_si256(_mm256_loadu_si256((const __m256i *) p),
                          _mm256_loadu_si256((const __m256i *) (p + 16)));

    return _mm256_testz_si256(all, all);
}


IMGP_JPEG_COEFS_AVX2
static size_t
imgp_jpeg_coefs_pack_avx2(const int16_t *blocks, uint32_t n, u_char *out)
{
    u_char    *p, *end, *head;
    __m256i    ac, all;
    uint32_t   upper, lower;

    all = _mm256_set1_epi16(-1);
    ac = _mm256_insert_epi16(all, 0, 0);

    head = out;

    for (p = out + n * IMGP_JPEG_COEFS_HEAD; n > 0; n--, p = end) {
        lower = 0;
        end = imgp_jpeg_coefs_half(blocks, ac, p, &upper);

        if (end != NULL
            && !imgp_jpeg_coefs_blank(blocks + IMGP_JPEG_COEFS_HALF))
        {
            end = imgp_jpeg_coefs_half(blocks + IMGP_JPEG_COEFS_HALF, all,
                                       end, &lower);
        }

        if (end != NULL) {
            head[0] = upper | lower << 4;
            head[1] = 0;

        } else {
            end = imgp_jpeg_coefs_put(blocks, head, p);
        }

        head += IMGP_JPEG_COEFS_HEAD;
        blocks += IMGP_JPEG_COEFS_BLOCK;
    }

    return p - out;
}


static inline IMGP_JPEG_COEFS_AVX2 const u_char *
imgp_jpeg_coefs_half_back(const u_char *p, uint32_t rows, int16_t *out)
{
    __m256i  v, bits;

    bits = _mm256_setr_epi64x(1, 2, 4, 8);

    v = _mm256_permutevar8x32_epi32(
            _mm256_loadu_si256((const __m256i *) p),
            imgp_jpeg_coefs_order(imgp_jpeg_coefs_back[rows]));
    v = _mm256_and_si256(v, _mm256_cmpeq_epi64(
                                _mm256_and_si256(_mm256_set1_epi64x(rows),
                                                 bits),
                                bits));

    _mm256_storeu_si256((__m256i *) out,
                        _mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)));
    _mm256_storeu_si256((__m256i *) (out + 16),
                        _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1)));

    return p + __builtin_popcount(rows) * IMGP_JPEG_COEFS_ROW;
}


IMGP_JPEG_COEFS_AVX2
static void
imgp_jpeg_coefs_unpack_avx2(const u_char *in, uint32_t n, int16_t *blocks)
{
    const u_char  *head;

    head = in;
    in += n * IMGP_JPEG_COEFS_HEAD;

    for ( /* void */ ; n > 0; n--) {

        if (head[1] == 0) {
            in = imgp_jpeg_coefs_half_back(in, head[0] & 15, blocks);
            in = imgp_jpeg_coefs_half_back(in, head[0] >> 4,
                                           blocks + IMGP_JPEG_COEFS_HALF);

        } else {
            in = imgp_jpeg_coefs_get(head, in, blocks);
        }

        head += IMGP_JPEG_COEFS_HEAD;
        blocks += IMGP_JPEG_COEFS_BLOCK;
    }
}

#endif
