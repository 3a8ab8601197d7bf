
/*
 * Base64 (RFC 4648): the whole of a content, any part of it, and back.
 *
 * Called by the request bodies of services (event loop, piece by piece), and
 * by whatever takes base64 out of their answers (threads).  No state, no
 * memory of its own.
 *
 * Three bytes become four characters, so the characters at any place follow
 * from the place alone: a body can be read from its middle without state.
 */


#include <imgp/imgp_base64.h>


#define IMGP_BASE64_SPACE  64
#define IMGP_BASE64_PAD    65
#define IMGP_BASE64_NONE   66


static void imgp_base64_table(uint8_t table[256]);
static imgp_int_t imgp_base64_tail(uint32_t bits, imgp_uint_t n,
    u_char **out);


static const u_char  imgp_base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


size_t
imgp_base64_encode(const u_char *p, size_t len, u_char *out)
{
    u_char        *begin;
    uint32_t       n;
    const u_char  *last;

    begin = out;

    for (last = p + len / 3 * 3; p < last; p += 3) {
        n = (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];

        *out++ = imgp_base64_chars[n >> 18];
        *out++ = imgp_base64_chars[n >> 12 & 63];
        *out++ = imgp_base64_chars[n >> 6 & 63];
        *out++ = imgp_base64_chars[n & 63];
    }

    if (len % 3) {
        n = (uint32_t) p[0] << 16;
        n |= (len % 3 == 2) ? (uint32_t) p[1] << 8 : 0;

        *out++ = imgp_base64_chars[n >> 18];
        *out++ = imgp_base64_chars[n >> 12 & 63];
        *out++ = (len % 3 == 2) ? imgp_base64_chars[n >> 6 & 63] : '=';
        *out++ = '=';
    }

    return out - begin;
}


size_t
imgp_base64_part(const imgp_str_t *content, uint64_t pos, u_char *out,
    size_t size)
{
    u_char    group[4];
    size_t    n, len, done;
    uint64_t  from, left;

    done = 0;

    while (done < size && pos < imgp_base64_size((uint64_t) content->len)) {

        from = pos / 4 * 3;
        left = content->len - from;

        if (pos % 4 == 0 && size - done >= 4) {
            n = imgp_base64_encode(content->data + from,
                          imgp_min(left, (uint64_t) (size - done) / 4 * 3),
                          out + done);

        } else {
            len = imgp_base64_encode(content->data + from,
                                     imgp_min(left, 3), group);
            n = imgp_min(len - pos % 4, size - done);

            memcpy(out + done, group + pos % 4, n);
        }

        done += n;
        pos += n;
    }

    return done;
}


imgp_int_t
imgp_base64_decode(const u_char *p, size_t len, u_char *out)
{
    u_char        *begin;
    uint8_t        v, table[256];
    uint32_t       bits;
    imgp_uint_t    n, pads;
    const u_char  *last;

    imgp_base64_table(table);

    begin = out;
    bits = 0;
    n = 0;
    pads = 0;

    for (last = p + len; p < last; p++) {
        v = table[*p];

        if (v < 64 && pads == 0) {
            bits = bits << 6 | v;

            if (++n == 4) {
                *out++ = (u_char) (bits >> 16);
                *out++ = (u_char) (bits >> 8);
                *out++ = (u_char) bits;
                n = 0;
            }

        } else if (v == IMGP_BASE64_PAD && ++pads <= 2) {
            continue;

        } else if (v != IMGP_BASE64_SPACE) {
            return IMGP_ERROR;
        }
    }

    /* padding fills a group, if there is any */

    if (pads && (n == 0 || n + pads != 4)) {
        return IMGP_ERROR;
    }

    if (imgp_base64_tail(bits, n, &out) != IMGP_OK) {
        return IMGP_ERROR;
    }

    return out - begin;
}


/* two or three characters of a last group */

static imgp_int_t
imgp_base64_tail(uint32_t bits, imgp_uint_t n, u_char **out)
{
    switch (n) {

    case 0:
        return IMGP_OK;

    case 2:
        *(*out)++ = (u_char) (bits >> 4);
        return IMGP_OK;

    case 3:
        *(*out)++ = (u_char) (bits >> 10);
        *(*out)++ = (u_char) (bits >> 2);
        return IMGP_OK;

    default:
        return IMGP_ERROR;
    }
}


static void
imgp_base64_table(uint8_t table[256])
{
    uint8_t  i;

    memset(table, IMGP_BASE64_NONE, 256);

    for (i = 0; i < 64; i++) {
        table[imgp_base64_chars[i]] = i;
    }

    table['-'] = 62;
    table['_'] = 63;
    table['='] = IMGP_BASE64_PAD;
    table[' '] = IMGP_BASE64_SPACE;
    table['\t'] = IMGP_BASE64_SPACE;
    table['\r'] = IMGP_BASE64_SPACE;
    table['\n'] = IMGP_BASE64_SPACE;
}
