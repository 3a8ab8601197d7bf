
/*
 * What a block of deflated data holds: literals and copies.  Called by
 * imgp_inflate.c; any thread, all memory is its.
 *
 * While there is input and room enough for any symbol, symbols are taken
 * without asking for each bit (imgp_inflate_loop): 56 bits at least are loaded
 * at once, literals come in pairs, and the next entry of the table is looked
 * up before bits are loaded, so that neither waits for the other.  Elsewhere a
 * symbol is taken when all of its bits are there.
 *
 * RFC 1951, 3.2.3.
 */


#include <endian.h>
#include "imgp_inflate_state.h"
#include <imgp/imgp_simd.h>


#define IMGP_INFLATE_IN    16         /* two loads, the first one moves by 7 */
#define IMGP_INFLATE_OUT   320        /* a copy of 258, 6 literals, 2 words */
#define IMGP_INFLATE_WORD  16
#define IMGP_INFLATE_FAR   (28 + IMGP_INFLATE_LITERAL_BITS)
                                      /* bits of a distance, and what is next */


static imgp_int_t imgp_inflate_symbol(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);
static uint32_t imgp_inflate_entry(const uint32_t *table, uint32_t index,
    uint64_t bits, uint32_t *n);
static imgp_int_t imgp_inflate_pair(imgp_inflate_t *z, uint32_t e, uint32_t n,
    imgp_str_t *out);
static imgp_int_t imgp_inflate_plain(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);

#if (__x86_64__)

static imgp_int_t imgp_inflate_bmi2(imgp_inflate_t *z, imgp_str_t *in,
    imgp_str_t *out);

#endif


imgp_inflate_pt
imgp_inflate_fast(uint32_t simd)
{
#if (__x86_64__)

    if (imgp_simd_choose(simd) == IMGP_SIMD_AVX2
        && __builtin_cpu_supports("bmi2"))
    {
        return imgp_inflate_bmi2;
    }

#endif

    return imgp_inflate_plain;
}


imgp_int_t
imgp_inflate_data(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    imgp_int_t  rc;

    do {

        if (in->len >= IMGP_INFLATE_IN && out->len >= IMGP_INFLATE_OUT) {
            rc = z->fast(z, in, out);

        } else {
            rc = imgp_inflate_symbol(z, in, out);
        }

    } while (rc == IMGP_OK && z->state == IMGP_INFLATE_DATA);

    return rc;
}


/* nothing is taken of a symbol that is not there with all of its bits */

static imgp_int_t
imgp_inflate_symbol(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    uint32_t  e, n;

    if (out->len == 0) {
        return IMGP_DECLINED;
    }

    (void) imgp_inflate_has(z, in, 0);

    e = imgp_inflate_entry(z->literals, IMGP_INFLATE_LITERAL_BITS, z->bits,
                           &n);

    if (z->nbits < n) {
        return IMGP_AGAIN;
    }

    if (e & IMGP_INFLATE_LITERAL) {
        (void) imgp_inflate_take(z, n);

        *out->data++ = imgp_inflate_value(e);
        out->len--;

        return IMGP_OK;
    }

    if (e & IMGP_INFLATE_BAD) {
        (void) imgp_inflate_take(z, n);
        z->state = IMGP_INFLATE_BLOCK;

        return (e & IMGP_INFLATE_MORE) ? IMGP_ERROR : IMGP_OK;
    }

    return imgp_inflate_pair(z, e, n, out);
}


/* the bits of the code alone, and of a literal that is first in a pair */

static uint32_t
imgp_inflate_entry(const uint32_t *table, uint32_t index, uint64_t bits,
    uint32_t *n)
{
    uint32_t  e;

    e = table[bits & ((1 << index) - 1)];
    *n = imgp_inflate_own(e);

    if ((e & IMGP_INFLATE_BAD) == IMGP_INFLATE_MORE) {
        e = table[imgp_inflate_value(e)
                  + (bits >> index & ((1 << imgp_inflate_own(e)) - 1))];
        *n = index + imgp_inflate_own(e);
    }

    return e;
}


/* a length, and its distance: they are taken together */

static imgp_int_t
imgp_inflate_pair(imgp_inflate_t *z, uint32_t e, uint32_t n, imgp_str_t *out)
{
    uint32_t  d, extra, length, distance;

    extra = imgp_inflate_all(e) - imgp_inflate_own(e);
    length = imgp_inflate_value(e) + (z->bits >> n & ((1 << extra) - 1));
    n += extra;

    d = imgp_inflate_entry(z->distances, IMGP_INFLATE_DISTANCE_BITS,
                           z->bits >> n, &extra);
    n += extra;

    if (z->nbits < n) {
        return IMGP_AGAIN;
    }

    if (d & IMGP_INFLATE_BAD) {
        return IMGP_ERROR;
    }

    extra = imgp_inflate_all(d) - imgp_inflate_own(d);
    distance = imgp_inflate_value(d) + (z->bits >> n & ((1 << extra) - 1));
    n += extra;

    if (z->nbits < n) {
        return IMGP_AGAIN;
    }

    (void) imgp_inflate_take(z, n);

    z->left = length;
    z->distance = distance;
    z->state = IMGP_INFLATE_COPY;

    return (distance <= z->before + (out->data - z->from)) ? IMGP_OK
                                                           : IMGP_ERROR;
}


imgp_int_t
imgp_inflate_copy(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    while (z->left > 0) {

        if (out->len == 0) {
            return IMGP_DECLINED;
        }

        *out->data = *(out->data - z->distance);
        out->data++;
        out->len--;
        z->left--;
    }

    z->state = IMGP_INFLATE_DATA;

    return IMGP_OK;
}


/* the macros of the loop; "p" moves by the whole bytes that found room */

#define imgp_inflate_load()                                                   \
    memcpy(&word, p, sizeof(word));                                           \
    bits |= le64toh(word) << nbits;                                           \
    p += (63 - nbits) >> 3;                                                   \
    nbits |= 56

#define imgp_inflate_drop(n)                                                  \
    bits >>= (n);                                                             \
    nbits -= (n)

#define imgp_inflate_next()                                                   \
    literals[bits & ((1 << IMGP_INFLATE_LITERAL_BITS) - 1)]

#define imgp_inflate_put()                                                    \
    q[0] = e >> 16;                                                           \
    q[1] = e >> 24;                                                           \
    q += 1 + (e >> 9 & 1);                                                    \
    imgp_inflate_drop(imgp_inflate_all(e));                                   \
    e = imgp_inflate_next()

#define imgp_inflate_more(table, index)                                       \
    imgp_inflate_drop(index);                                                 \
    e = (table)[imgp_inflate_value(e)                                         \
                + (bits & ((1 << imgp_inflate_own(e)) - 1))]

#define imgp_inflate_extra(v)                                                 \
    v = imgp_inflate_value(e)                                                 \
        + ((bits & ((1ull << imgp_inflate_all(e)) - 1))                       \
           >> imgp_inflate_own(e));                                           \
    imgp_inflate_drop(imgp_inflate_all(e))


/* there is room for two words more */

static inline __attribute__((always_inline)) void
imgp_inflate_repeat(u_char *q, uint32_t distance, uint32_t n)
{
    u_char        *end;
    const u_char  *p;

    end = q + n;
    p = q - distance;

    if (distance >= IMGP_INFLATE_WORD) {

        do {
            memcpy(q, p, IMGP_INFLATE_WORD);
            q += IMGP_INFLATE_WORD;
            p += IMGP_INFLATE_WORD;
        } while (q < end);

        return;
    }

    if (distance == 1) {
        memset(q, *p, n);
        return;
    }

    /* what is there once is there twice then */

    while (distance < 8) {
        memmove(q, p, 8);
        q += distance;
        distance *= 2;
    }

    while (q < end) {
        memcpy(q, p, 8);
        q += 8;
        p += 8;
    }
}


/* at its end "e" is an entry that was looked up in vain */

static inline __attribute__((always_inline)) imgp_int_t
imgp_inflate_loop(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    u_char          *q, *room;
    uint32_t         e, length, distance;
    uint64_t         bits, nbits, word;
    imgp_int_t       rc;
    const u_char    *p, *end;
    const uint32_t  *literals;

    p = in->data;
    end = p + in->len - IMGP_INFLATE_IN;
    q = out->data;
    room = q + out->len - IMGP_INFLATE_OUT;
    bits = z->bits;
    nbits = z->nbits;
    literals = z->literals;
    rc = IMGP_OK;

    imgp_inflate_load();
    e = imgp_inflate_next();

    while (p <= end && q <= room) {
        imgp_inflate_load();

        if (e & IMGP_INFLATE_LITERAL) {
            imgp_inflate_put();

            if (e & IMGP_INFLATE_LITERAL) {
                imgp_inflate_put();

                if (e & IMGP_INFLATE_LITERAL) {
                    imgp_inflate_put();
                    continue;
                }
            }
        }

        if ((e & IMGP_INFLATE_BAD) == IMGP_INFLATE_MORE) {
            imgp_inflate_more(literals, IMGP_INFLATE_LITERAL_BITS);

            if (e & IMGP_INFLATE_LITERAL) {
                imgp_inflate_put();
                continue;
            }
        }

        if (e & IMGP_INFLATE_BAD) {
            imgp_inflate_drop(imgp_inflate_all(e));
            z->state = IMGP_INFLATE_BLOCK;
            rc = (e & IMGP_INFLATE_MORE) ? IMGP_ERROR : IMGP_OK;
            break;
        }

        imgp_inflate_extra(length);

        if (nbits < IMGP_INFLATE_FAR) {
            imgp_inflate_load();
        }

        e = z->distances[bits & ((1 << IMGP_INFLATE_DISTANCE_BITS) - 1)];

        if ((e & IMGP_INFLATE_BAD) == IMGP_INFLATE_MORE) {
            imgp_inflate_more(z->distances, IMGP_INFLATE_DISTANCE_BITS);
        }

        imgp_inflate_extra(distance);

        if ((e & IMGP_INFLATE_BAD)
            || distance > z->before + (q - z->from))
        {
            rc = IMGP_ERROR;
            break;
        }

        e = imgp_inflate_next();

        imgp_inflate_repeat(q, distance, length);
        q += length;
    }

    z->bits = bits & ((1ull << nbits) - 1);
    z->nbits = nbits;

    in->len -= p - in->data;
    in->data = (u_char *) p;
    out->len -= q - out->data;
    out->data = q;

    return rc;
}


static imgp_int_t
imgp_inflate_plain(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    return imgp_inflate_loop(z, in, out);
}


#if (__x86_64__)

/* shifts by a variable number of bits are one instruction there */

__attribute__((target("bmi2")))
static imgp_int_t
imgp_inflate_bmi2(imgp_inflate_t *z, imgp_str_t *in, imgp_str_t *out)
{
    return imgp_inflate_loop(z, in, out);
}

#endif
