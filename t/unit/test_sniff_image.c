
/*
 * Sizes of PNG, GIF, WebP and JPEG: well-formed, malformed, cut short; and of
 * the corpus' real pictures.
 */


#include "test_sniff.h"


#define lit(s)  s, sizeof(s) - 1

#define PNG   "\x89PNG\r\n\x1a\n" "\0\0\0\x0dIHDR"
#define WEBP  "RIFF\x40\0\0\0WEBP"
#define SOI   "\xff\xd8"
#define APP0  "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define SIZE  "\x02\x58\x03\x20"      /* 600 lines of 800 */
#define SOF(m)  "\xff" m "\0\x11\x08" SIZE "\3\1\x22\0\2\x11\1\3\x11\1"

#define CORPUS_HEAD  (1 << 20)


typedef struct {
    const char  *data;
    size_t       len;
    const char  *want;
    const char  *what;
} test_case_t;


static void
run_cases(const test_case_t *c, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        test_sniff(c[i].data, c[i].len, c[i].want, c[i].what);
    }
}


static void
test_png(void)
{
    int          color, depth;
    char         head[29], want[64], what[64];
    imgp_uint_t  i;

    static const char  *valid[] = { "0:1", "0:2", "0:4", "0:8", "0:16",
                                    "2:8", "2:16", "3:1", "3:2", "3:4",
                                    "3:8", "4:8", "4:16", "6:8", "6:16" };

    static const test_case_t  cases[] = {
        { lit(PNG "\0\0\2\x80\0\0\1\xe0\x08\6\0\0\0"),
          "image/png 640x480", "PNG" },
        { lit(PNG "\0\0\2\x80\0\0\1\xe0\x08\6\0\0\1" "crc."),
          "image/png 640x480", "PNG, interlaced" },
        { lit(PNG "\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\6\0\0\0"),
          "image/png 2147483647x2147483647", "PNG, a bomb's size is told" },
        { lit(PNG "\x80\0\0\0\0\0\0\1\x08\6\0\0\0"),
          "error: PNG header is not valid (byte 29)", "PNG, 32 bits wide" },
        { lit(PNG "\0\0\0\0\0\0\1\xe0\x08\6\0\0\0"),
          "error: image has no pixels (byte 29)", "PNG, no width" },
        { lit(PNG "\0\0\0\1\0\0\0\0\x08\6\0\0\0"),
          "error: image has no pixels (byte 29)", "PNG, no height" },
        { lit(PNG "\0\0\0\1\0\0\0\1\x08\6\1\0\0"),
          "error: PNG header is not valid (byte 29)", "PNG, compression" },
        { lit(PNG "\0\0\0\1\0\0\0\1\x08\6\0\1\0"),
          "error: PNG header is not valid (byte 29)", "PNG, filter" },
        { lit(PNG "\0\0\0\1\0\0\0\1\x08\6\0\0\2"),
          "error: PNG header is not valid (byte 29)", "PNG, interlace" },
        { lit("\x89PNG\r\n\x1a\n" "\0\0\0\4CgBI\x50\0\x20\2"
              "\x2b\xd5\xb3\x7f\0\0\0\x0dI"),
          "error: PNG does not begin with IHDR (byte 29)", "PNG of iOS" },
        { lit("\x89PNG\r\n\x1a\n\0\0\0\x0eIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"),
          "error: PNG does not begin with IHDR (byte 29)", "PNG, length" },
        { lit("\x89PNG\n\x1a\n\0\0\0\x0dIHDR"),
          "error: PNG signature is damaged (byte 5)", "PNG sent as text" },
        { lit("\x89PNG\r\n\x1a\r\n\0\0\0\x0dIHDR"),
          "error: PNG signature is damaged (byte 8)", "PNG, LF to CRLF" },
        { lit("\x89PN"), "declined", "PNG, three bytes" },
        { lit("\x89PNG"), "error: image is truncated (byte 4)",
          "PNG, four bytes" },
        { lit(PNG "\0\0\0\1\0\0\0\1\x08\6\0\0"),
          "error: image is truncated (byte 28)", "PNG, cut in IHDR" }
    };

    run_cases(cases, imgp_nelts(cases));

    for (color = 0; color < 8; color++) {
        for (depth = 0; depth <= 32; depth += (depth < 17) ? 1 : 15) {
            memcpy(head, PNG "\0\0\0\1\0\0\0\2....", 29);
            head[24] = (char) depth;
            head[25] = (char) color;
            memset(head + 26, 0, 3);

            snprintf(what, sizeof(what), "%d:%d", color, depth);
            strcpy(want, "error: PNG header is not valid (byte 29)");

            for (i = 0; i < imgp_nelts(valid); i++) {
                if (strcmp(valid[i], what) == 0) {
                    strcpy(want, "image/png 1x2");
                }
            }

            test_sniff(head, 29, want, what);
        }
    }
}


static void
test_gif(void)
{
    static const test_case_t  cases[] = {
        { lit("GIF89a\x11\1\5\0\0\0\0"), "image/gif 273x5", "GIF89a" },
        { lit("GIF87a\xff\xff\xff\xff"), "image/gif 65535x65535", "GIF87a" },
        { lit("GIF88a\1\0\1\0"), "error: GIF version is unknown (byte 5)",
          "GIF88a" },
        { lit("GIF89b\1\0\1\0"), "error: GIF version is unknown (byte 6)",
          "GIF89b" },
        { lit("GIF89a\0\0\1\0"), "error: image has no pixels (byte 10)",
          "GIF, no width" },
        { lit("GIF89a\1\0\0\0"), "error: image has no pixels (byte 10)",
          "GIF, no height" },
        { lit("GIF89a\1\0\1"), "error: image is truncated (byte 9)",
          "GIF, cut short" }
    };

    run_cases(cases, imgp_nelts(cases));
}


static void
test_webp(void)
{
    static const test_case_t  cases[] = {
        { lit(WEBP "VP8 \x20\0\0\0\x10\0\0\x9d\x01\x2a\x40\x41\xf0\x80"),
          "image/webp 320x240", "WebP, lossy, with scaling bits" },
        { lit(WEBP "VP8 \x20\0\0\0\x11\0\0\x9d\x01\x2a\x40\1\xf0\0"),
          "error: WebP does not begin with a key frame (byte 30)",
          "WebP, no key frame" },
        { lit(WEBP "VP8 \x20\0\0\0\x10\0\0\x9d\x01\x2b\x40\1\xf0\0"),
          "error: WebP does not begin with a key frame (byte 30)",
          "WebP, no start code" },
        { lit(WEBP "VP8 \x20\0\0\0\x10\0\0\x9d\x01\x2a\0\x40\xf0\0"),
          "error: image has no pixels (byte 30)", "WebP, no width" },
        { lit(WEBP "VP8 \x09\0\0\0\x10\0\0\x9d\x01\x2a\x40\1\xf0\0"),
          "error: WebP header is not valid (byte 30)", "WebP, short chunk" },
        { lit(WEBP "VP8L\x20\0\0\0\x2f\x3f\xc1\x3b\0........"),
          "image/webp 320x240", "WebP, lossless" },
        { lit(WEBP "VP8L\x20\0\0\0\x2f\xff\xff\xff\x1f........"),
          "image/webp 16384x16384", "WebP, lossless, the largest" },
        { lit(WEBP "VP8L\x20\0\0\0\x2e\x3f\xc1\x3b\0........"),
          "error: WebP header is not valid (byte 30)", "WebP, signature" },
        { lit(WEBP "VP8L\x20\0\0\0\x2f\x3f\xc1\x3b\x20........"),
          "error: WebP header is not valid (byte 30)", "WebP, version" },
        { lit(WEBP "VP8L\x04\0\0\0\x2f\x3f\xc1\x3b\0........"),
          "error: WebP header is not valid (byte 30)", "WebP, tiny chunk" },
        { lit(WEBP "VP8X\x0a\0\0\0\x10\0\0\0\x9f\x86\1\x09\0\0"),
          "image/webp 100000x10", "WebP, extended" },
        { lit(WEBP "VP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff"),
          "image/webp 16777216x16777216", "WebP, extended, the largest" },
        { lit(WEBP "VP8X\x09\0\0\0\x10\0\0\0\x9f\x86\1\x09\0\0"),
          "error: WebP header is not valid (byte 30)", "WebP, short VP8X" },
        { lit(WEBP "ALPH\x0a\0\0\0\x10\0\0\0\x9f\x86\1\x09\0\0"),
          "error: WebP header is not valid (byte 30)", "WebP, other chunk" },
        { lit(WEBP), "error: image is truncated (byte 12)",
          "WebP, cut short" }
    };

    run_cases(cases, imgp_nelts(cases));
}


static void
test_jpeg(void)
{
    static const test_case_t  cases[] = {
        { lit(SOI APP0 SOF("\xc0")), "image/jpeg 800x600", "JPEG" },
        { lit(SOI SOF("\xc0")), "image/jpeg 800x600", "JPEG, no JFIF" },
        { lit(SOI SOF("\xc1")), "image/jpeg 800x600", "SOF1, extended" },
        { lit(SOI SOF("\xc2")), "image/jpeg 800x600", "SOF2, progressive" },
        { lit(SOI SOF("\xc3")), "image/jpeg 800x600", "SOF3, lossless" },
        { lit(SOI SOF("\xc5")), "image/jpeg 800x600", "SOF5" },
        { lit(SOI SOF("\xc9")), "image/jpeg 800x600", "SOF9, arithmetic" },
        { lit(SOI SOF("\xca")), "image/jpeg 800x600", "SOF10" },
        { lit(SOI SOF("\xcd")), "image/jpeg 800x600", "SOF13" },
        { lit(SOI SOF("\xcf")), "image/jpeg 800x600", "SOF15" },
        { lit(SOI "\xff\xc4\0\x04" "ab" SOF("\xc0")),
          "image/jpeg 800x600", "DHT is no frame" },
        { lit(SOI "\xff\xc8\0\x04" "ab" SOF("\xc0")),
          "image/jpeg 800x600", "JPG is no frame" },
        { lit(SOI "\xff\xcc\0\x04" "ab" SOF("\xc0")),
          "image/jpeg 800x600", "DAC is no frame" },
        { lit(SOI "\xff\xff\xff\xff\xe0\0\2\xff\xff" "\xff\xc0\0\x0b\x08" SIZE
              "\1\1\x11\0"), "image/jpeg 800x600", "fill bytes" },
        { lit(SOI "\xff\xe1\0\x15" SOF("\xc2") SOF("\xc0")),
          "image/jpeg 800x600", "a frame header within a segment" },
        { lit(SOI "\xff\xe1\0\x06\xff\xd9\xff\xda" SOF("\xc0")),
          "image/jpeg 800x600", "EOI and SOS within a segment" },
        { lit(SOI "\xff\x01\xff\xd0" SOF("\xc0")),
          "image/jpeg 800x600", "markers without a segment" },
        { lit(SOI "\xff\xc0\0\x0b\x0c" SIZE "\1\1\x11\0"),
          "image/jpeg 800x600", "12 bits" },
        { lit(SOI "\xff\xc0\0\x0b\x08\xff\xff\xff\xff\1\1\x11\0"),
          "image/jpeg 65535x65535", "the largest" },
        { lit(SOI "\xff\xc0\0\x0b\x08" SIZE "\1"),
          "image/jpeg 800x600", "no more than is needed is read" },

        { lit(SOI "\xff\xc0\0\x0b\x08\0\0\0\1\1\1\x11\0"),
          "error: image has no pixels (byte 12)", "no height (DNL)" },
        { lit(SOI "\xff\xc0\0\x0b\x08\0\1\0\0\1\1\x11\0"),
          "error: image has no pixels (byte 12)", "no width" },
        { lit(SOI "\xff\xc0\0\x08\x08" SIZE "\0"),
          "error: JPEG frame header is not valid (byte 12)",
          "no components" },
        { lit(SOI "\xff\xc0\0\x0b\x08" SIZE "\3"),
          "error: JPEG frame header is not valid (byte 12)",
          "a length for one component" },
        { lit(SOI "\xff\xc0\0\x0b\1" SIZE "\1"),
          "error: JPEG frame header is not valid (byte 12)", "1 bit" },
        { lit(SOI "\xff\xc0\0\x0b\x11" SIZE "\1"),
          "error: JPEG frame header is not valid (byte 12)", "17 bits" },
        { lit(SOI APP0 "\xff\xda\0\x0c"),
          "error: JPEG has no frame header (byte 22)", "SOS first" },
        { lit(SOI "\xff\xd9"), "error: JPEG has no frame header (byte 4)",
          "EOI first" },
        { lit(SOI "\xff\xd8\xff\xe0"),
          "error: JPEG has a wrong marker (byte 4)", "SOI twice" },
        { lit(SOI "\xff\0"), "error: JPEG has a wrong marker (byte 4)",
          "a stuffed byte" },
        { lit(SOI "\xff\x02"), "error: JPEG has a wrong marker (byte 4)",
          "a reserved marker" },
        { lit(SOI "\xff\xe0\0\1"),
          "error: JPEG segment's length is not valid (byte 6)",
          "a length of one" },
        { lit(SOI "\xff\xe0\0\0"),
          "error: JPEG segment's length is not valid (byte 6)",
          "a length of zero" },
        { lit(SOI "\xff\xe0\0\4abc" SOF("\xc0")),
          "error: JPEG has no marker where one must be (byte 9)",
          "a length too small" },
        { lit(SOI "xx"),
          "error: JPEG has no marker where one must be (byte 3)",
          "no marker" },
        { lit(SOI), "error: image is truncated (byte 2)", "SOI alone" },
        { lit(SOI "\xff\xff\xff"), "error: image is truncated (byte 5)",
          "fill bytes alone" },
        { lit(SOI "\xff\xe1\xff\xff" "Exif"),
          "error: image is truncated (byte 10)", "cut in a segment" },
        { lit(SOI "\xff\xe1\0\4ab"), "error: image is truncated (byte 8)",
          "cut after a segment" },
        { lit(SOI "\xff\xc0\0\x0b\x08" "\x02\x58\x03\x20"),
          "error: image is truncated (byte 11)", "cut in the frame header" }
    };

    run_cases(cases, imgp_nelts(cases));
}


/* the frame header of a picture with megabytes of segments before it */

static void
test_jpeg_long(void)
{
    char           out[TEST_VERDICT_LEN];
    size_t         len, i, step, wrong;
    u_char        *data;

    data = malloc(200 * 65537 + 64);
    memcpy(data, SOI, 2);
    len = 2;

    for (i = 0; i < 200; i++) {
        data[len] = 0xff;
        data[len + 1] = (u_char) (0xe0 + i % 16);
        memset(data + len + 2, 0xff, 65535);
        len += 65537;
    }

    memcpy(data + len, lit(SOF("\xc0")));
    len += sizeof(SOF("\xc0")) - 1;

    for (step = 1000, wrong = 0; step < 200000; step = step * 3 + 1) {
        test_sniff_cut(data, len, len, step, out);
        wrong += (strcmp(out, "image/jpeg 800x600") != 0);
    }

    is_int(wrong, 0, "13 MB of segments before the frame header");

    free(data);
}


static void
test_corpus(void)
{
    char          path[1024], want[64];
    FILE         *in;
    size_t        len;
    u_char       *data;
    imgp_uint_t   i;
    const char   *dir;
    char          out[TEST_VERDICT_LEN], bytes[TEST_VERDICT_LEN];

    static const struct {
        const char  *name;
        const char  *size;
    } files[] = {
        { "03_p16_prog.jpg", "5312x2988" },
        { "04_p12_exif6.jpg", "4032x3024" },
        { "06_m6_422.jpg", "3088x2056" },
        { "07_m8_420.jpg", "3840x2160" },
        { "08_m3_420.jpg", "2048x1365" },
        { "09_s_900.jpg", "900x506" },
        { "10_shot_rgb.png", "2880x1800" },
        { "12_cut4_rgba.png", "2572x1740" },
        { "13_cut10_rgba.png", "3840x2560" },
        { "16_m10_gray.jpg", "3840x2560" },
        { "17_m8_cmyk.jpg", "3840x2160" },
        { "18_pal.png", "2880x1800" },
        { "19_pal_trns.png", "2572x1740" },
        { "21_m10_dense.jpg", "3840x2560" }
    };

    dir = getenv("IMGP_CORPUS");
    dir = (dir == NULL) ? "../shared/corpus" : dir;

    data = malloc(CORPUS_HEAD);

    for (i = 0; i < imgp_nelts(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);

        in = fopen(path, "rb");
        if (in == NULL) {
            skip("%s is absent", path);
            continue;
        }

        len = fread(data, 1, CORPUS_HEAD, in);
        fclose(in);

        snprintf(want, sizeof(want), "image/%s %s",
                 strstr(files[i].name, ".png") ? "png" : "jpeg",
                 files[i].size);

        test_sniff_cut(data, len, len, len, out);
        test_sniff_cut(data, len, imgp_min(len, 100000), 1, bytes);

        is_str(out, want, "%s", files[i].name);
        is_str(bytes, want, "%s byte by byte", files[i].name);
    }

    free(data);
}


int
main(void)
{
    test_png();
    test_gif();
    test_webp();
    test_jpeg();
    test_jpeg_long();
    test_corpus();

    return done();
}
