
/*
 * The loop over a row, for one width of vectors: included by imgp_filter.c
 * with IMGP_FILTER_LOOP (the function's name), IMGP_FILTER_TARGET and
 * IMGP_FILTER_WIDTH.  Written in the compiler's own vectors, so that one text
 * serves every processor.
 *
 * Paeth's predictor without wider numbers: with p = a + b - c the distances
 * are pa = |b - c|, pb = |a - c| and pc = |(b - c) + (a - c)|.  If both
 * differences have one sign, pc is not less than either and never chosen;
 * else it is |pa - pb|.
 */


IMGP_FILTER_TARGET
static size_t
IMGP_FILTER_LOOP(const imgp_filter_t *f, const u_char *row,
    const u_char *above, uint32_t *sums)
{
    typedef u_char    v_t __attribute__((vector_size(IMGP_FILTER_WIDTH)));
    typedef int8_t    s_t __attribute__((vector_size(IMGP_FILTER_WIDTH)));
    typedef uint16_t  w_t __attribute__((vector_size(IMGP_FILTER_WIDTH)));

    v_t       x, a, b, c, pa, pb, pc, sa, sb, over, out[IMGP_FILTER_MAX];
    w_t       abs, sum[IMGP_FILTER_MAX];
    size_t    i, end;
    uint32_t  k, t;
    u_char   *line;

    line = f->lines + 1;
    i = f->step;

    while (i + IMGP_FILTER_WIDTH <= f->len) {

        /* no sum of 16 bits overflows within so many */

        end = imgp_min(f->len - IMGP_FILTER_WIDTH + 1,
                       i + 255 * IMGP_FILTER_WIDTH);

        memset(sum, 0, sizeof(sum));

        for ( /* void */ ; i < end; i += IMGP_FILTER_WIDTH) {
            memcpy(&x, row + i, sizeof(v_t));
            memcpy(&a, row + i - f->step, sizeof(v_t));
            memcpy(&b, above + i, sizeof(v_t));
            memcpy(&c, above + i - f->step, sizeof(v_t));

            sb = (v_t) (b > c);
            sa = (v_t) (a > c);
            pa = ((b - c) ^ ~sb) - ~sb;
            pb = ((a - c) ^ ~sa) - ~sa;
            over = (v_t) (pa > pb);
            pc = (((pa - pb) ^ ~over) - ~over) | ~(sa ^ sb);

            /* sa: not a; sb: not b */

            sa = over | (v_t) (pa > pc);
            sb = (v_t) (pb > pc);

            out[IMGP_FILTER_NONE] = x;
            out[IMGP_FILTER_SUB] = x - a;
            out[IMGP_FILTER_UP] = x - b;
            out[IMGP_FILTER_AVERAGE] = x - ((a & b) + ((a ^ b) >> 1));
            out[IMGP_FILTER_PAETH] = x - ((a & ~sa) | (sa & ((b & ~sb)
                                                             | (c & sb))));

            for (t = 0; t < IMGP_FILTER_MAX; t++) {
                v_t  o = out[t], minus = (v_t) ((s_t) o < 0);

                abs = (w_t) ((o ^ minus) - minus);
                sum[t] += (abs & 0xff) + (abs >> 8);

                memcpy(line + t * (f->len + 1) + i, &o, sizeof(v_t));
            }
        }

        for (t = 0; t < IMGP_FILTER_MAX; t++) {
            for (k = 0; k < IMGP_FILTER_WIDTH / 2; k++) {
                sums[t] += sum[t][k];
            }
        }
    }

    return i;
}


#undef IMGP_FILTER_LOOP
#undef IMGP_FILTER_TARGET
#undef IMGP_FILTER_WIDTH
