
/*
 * What the resampler's sums are alike in for every SIMD unit: included at the
 * end of imgp_taps_avx2.c, imgp_taps_sse41.c and imgp_taps_neon.c, each of
 * which defines before
 *
 *     IMGP_TAPS_(name)       the names of its functions
 *     IMGP_TAPS_TARGET       their attribute
 *     IMGP_TAPS_COLUMNS      of bytes, in a block; of fixed point it is half
 *     IMGP_TAPS_NARROW       the form for what is narrower than that
 *     IMGP_TAPS_TABLE        its own
 *
 * and the functions block_8(), block_16(), pixel(), put_8(), put_16(),
 * line_1_8() and premultiply_4().
 */


/* the last columns: one more block, which overlaps the one before it */

IMGP_TAPS_TARGET
static void
IMGP_TAPS_(columns_8)(const u_char *const *rows, const int16_t *coef,
    uint32_t taps, size_t n, int16_t *out)
{
    size_t  x;

    if (n < IMGP_TAPS_COLUMNS) {
        IMGP_TAPS_NARROW.columns_8(rows, coef, taps, n, out);
        return;
    }

    for (x = 0; x + IMGP_TAPS_COLUMNS <= n; x += IMGP_TAPS_COLUMNS) {
        IMGP_TAPS_(block_8)(rows, coef, taps, x, out);
    }

    if (x < n) {
        IMGP_TAPS_(block_8)(rows, coef, taps, n - IMGP_TAPS_COLUMNS, out);
    }
}


IMGP_TAPS_TARGET
static void
IMGP_TAPS_(columns_16)(const int16_t *const *rows, const int16_t *coef,
    uint32_t taps, size_t n, int16_t *out)
{
    size_t  x;

    if (n < IMGP_TAPS_COLUMNS / 2) {
        IMGP_TAPS_NARROW.columns_16(rows, coef, taps, n, out);
        return;
    }

    for (x = 0; x + IMGP_TAPS_COLUMNS / 2 <= n; x += IMGP_TAPS_COLUMNS / 2) {
        IMGP_TAPS_(block_16)(rows, coef, taps, x, out);
    }

    if (x < n) {
        IMGP_TAPS_(block_16)(rows, coef, taps, n - IMGP_TAPS_COLUMNS / 2,
                             out);
    }
}


/*
 * Four samples are written at a time: the next pixel overwrites those that are
 * none of this one, and what would go past the last one is copied
 */

IMGP_TAPS_TARGET
static void
IMGP_TAPS_(line_n_8)(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, u_char *out)
{
    u_char   bytes[4], *end;
    size_t   i;

    end = out + (size_t) line->n * nc;

    for (i = 0; i < line->n; i++, out += nc) {
        IMGP_TAPS_(put_8)(IMGP_TAPS_(pixel)(in + (size_t) line->first[i] * nc,
                                            nc, line->coef + i * line->stride,
                                            line->taps),
                          (end - out >= 4) ? out : bytes);

        if (end - out < 4) {
            memcpy(out, bytes, nc);
        }
    }
}


IMGP_TAPS_TARGET
static void
IMGP_TAPS_(line_n_16)(const int16_t *in, uint32_t nc,
    const imgp_taps_line_t *line, int16_t *out)
{
    size_t   i;
    int16_t  samples[4], *end;

    end = out + (size_t) line->n * nc;

    for (i = 0; i < line->n; i++, out += nc) {
        IMGP_TAPS_(put_16)(IMGP_TAPS_(pixel)(in + (size_t) line->first[i] * nc,
                                             nc, line->coef + i * line->stride,
                                             line->taps),
                           (end - out >= 4) ? out : samples);

        if (end - out < 4) {
            memcpy(out, samples, nc * sizeof(int16_t));
        }
    }
}


const imgp_taps_t  IMGP_TAPS_TABLE = {
    IMGP_TAPS_(columns_8),
    IMGP_TAPS_(columns_16),
    IMGP_TAPS_(line_1_8),
    IMGP_TAPS_(line_n_8),
    IMGP_TAPS_(line_n_16),
    IMGP_TAPS_(premultiply_4)
};
