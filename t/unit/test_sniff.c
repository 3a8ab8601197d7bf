
/*
 * Formats by their magic; what is none of them; that verdicts are final.
 */


#include "test_sniff.h"


#define lit(s)  s, sizeof(s) - 1

#define FTYP(size, brands)  lit("\0\0\0" size "ftyp" brands)


static void
test_types(void)
{
    imgp_uint_t  i;

    static const struct {
        const char  *data;
        size_t       len;
        const char  *want;
        const char  *what;
    } cases[] = {
        { lit("%PDF-1.7\n"), "application/pdf", "PDF" },
        { lit("%PDF"), "declined", "PDF cut short" },
        { lit("%PDX-1.7\n"), "declined", "no PDF" },
        { lit("OggS\0\2"), "audio/ogg", "Ogg" },
        { lit("fLaC\0"), "audio/flac", "FLAC" },
        { lit("ID3\4\0"), "audio/mpeg", "MP3 with a tag" },
        { lit("\xff\xfb\x90\x44"), "declined", "a frame's header alone" },
        { lit("\xff\xfb\xf0\x44"), "declined", "a wrong bit rate" },
        { lit("\xff\xfb\x00\x44"), "declined", "a free bit rate" },
        { lit("\xff\xfb\x9c\x44"), "declined", "a wrong sampling rate" },
        { lit("\xff\xeb\x90\x44"), "declined", "a wrong version" },
        { lit("\xff\xf1\x90\x44"), "declined", "AAC, not MP3" },
        { lit("\xff\xfe" "h\0i\0"), "declined", "UTF-16 text" },
        { lit("\xff\x01\x90\x44"), "declined", "no sync" },
        { lit("\xff\xfb"), "declined", "a sync cut short" },
        { lit("RIFF\x10\0\0\0WAVEfmt "), "audio/wav", "WAVE" },
        { lit("RIFF\x10\0\0\0AVI LIST"), "declined", "AVI" },
        { lit("RIFF\x10\0\0\0WAV"), "declined", "RIFF cut short" },
        { lit("{\"a\":1}"), "application/json", "JSON, an object" },
        { lit("[1]"), "application/json", "JSON, an array" },
        { lit(" \r\n\t {"), "application/json", "JSON after white space" },
        { lit("\xef\xbb\xbf\n["), "application/json", "JSON after a BOM" },
        { lit(" \xff\xd8\xff\xe0"), "declined", "JPEG after a space" },
        { lit("\xef\xbb\xbf\x89PNG\r\n\x1a\n"), "declined", "PNG after a BOM" },
        { lit("\xef\xbb"), "declined", "half a BOM" },
        { lit("   "), "declined", "white space alone" },
        { lit("\v{"), "declined", "no white space of JSON's" },
        { lit("\"text\""), "declined", "a JSON string is no hint" },
        { lit("<svg xmlns="), "declined", "SVG" },
        { lit("<!DOCTYPE html>"), "declined", "HTML" },
        { lit("BM\x46\0\0\0"), "declined", "BMP" },
        { lit("II*\0\x08"), "declined", "TIFF" },
        { lit("PK\3\4"), "declined", "ZIP" },
        { lit("\x7f" "ELF\2"), "declined", "ELF" },
        { lit("push graphic-context"), "declined", "MVG" },
        { lit("GIFT of text"), "declined", "text like GIF" },
        { lit("hello"), "declined", "text" },
        { lit("\0"), "declined", "a zero byte" },
        { lit("\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "declined", "zero bytes" },
        { lit("\0\0\1\0\1\0\x10\x10\0\0\1\0"), "declined", "an icon" },
        { NULL, 0, "declined", "nothing" },

        { FTYP("\x1c", "avif\0\0\0\0mif1miafMA1B"), "image/avif", "AVIF" },
        { FTYP("\x18", "avis\0\0\0\0msf1miaf"), "image/avif", "moving AVIF" },
        { FTYP("\x18", "heic\0\0\0\0mif1heic"), "image/heic", "HEIC" },
        { FTYP("\x18", "hevc\0\0\0\0msf1heic"), "image/heic-sequence",
          "HEIC, a sequence" },
        { FTYP("\x18", "mif1\0\0\0\0miafavif"), "image/avif",
          "AVIF by a compatible brand" },
        { FTYP("\x18", "mif1\0\0\0\0heicavif"), "image/heic",
          "HEIC by a compatible brand" },
        { FTYP("\x18", "mif1\0\0\0\0miafMiHB"), "image/heif", "HEIF" },
        { FTYP("\x14", "msf1\0\0\0\0miaf"), "image/heif-sequence",
          "HEIF, a sequence" },
        { FTYP("\x18", "mif1\0\0\0\0msf1miaf"), "image/heif",
          "the major brand comes first" },
        { FTYP("\x10", "mif1avif"), "image/heif",
          "the version is no brand" },
        { FTYP("\x14", "mif1\0\0\0\0miafavif"), "image/heif",
          "what follows the box is no brand" },
        { FTYP("\x18", "mif1\0\0\0\0miafav"),
          "error: image is truncated (byte 22)", "HEIF cut short" },
        { FTYP("\x18", "isom\0\0\2\0iso2mp41"), "video/mp4", "MP4" },
        { FTYP("\x10", "M4A \0\0\0\0"), "audio/mp4", "M4A" },
        { FTYP("\x14", "qt  \0\0\0\0qt  "), "video/quicktime", "QuickTime" },
        { FTYP("\x18", "XXXX\0\0\0\0YYYYmp42"), "video/mp4",
          "MP4 by a compatible brand" },
        { FTYP("\x14", "crx \0\0\0\0isoX"), "declined", "brands unknown" },
        { FTYP("\x0b", "avif\0\0\0\0"), "declined", "a box too small" },
        { FTYP("\x14", "XXXX\0\0\0\0is"), "declined", "brands cut short" },
        { lit("\0\0\0\x14moov\0\0\0\0\0\0\0\0"), "declined", "no ftyp" },
        { lit("\0\0\x02\0ftypmif1\0\0\0\0"
              "aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkllllavif"),
          "image/heif", "brands past the head are not read" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        test_sniff(cases[i].data, cases[i].len, cases[i].want,
                   cases[i].what);
    }
}


/* frames as encoders make them: the lengths are ISO/IEC 11172-3's and 13818-3's
   formula, by hand */

static void
test_mpeg(void)
{
    u_char       data[4096];
    imgp_uint_t  i;

    static const struct {
        const char  *first;
        size_t       len;             /* of the first frame */
        const char  *next;
        size_t       total;
        const char  *want;
        const char  *what;
    } cases[] = {
        { "\xff\xfb\x90", 417, "\xff\xfb\x90", 900, "audio/mpeg",
          "MPEG 1, layer III, 128 kbit/s, 44.1 kHz" },
        { "\xff\xfb\x92", 418, "\xff\xfb\xa0", 900, "audio/mpeg",
          "... padded, then another bit rate" },
        { "\xff\xfa\xe4", 960, "\xff\xfa\xe4", 2000, "audio/mpeg",
          "... 320 kbit/s, 48 kHz, with a CRC" },
        { "\xff\xf3\x40", 104, "\xff\xf3\x40", 300, "audio/mpeg",
          "MPEG 2, layer III, 32 kbit/s, 22.05 kHz" },
        { "\xff\xe3\x48", 288, "\xff\xe3\x48", 600, "audio/mpeg",
          "MPEG 2.5, layer III, 32 kbit/s, 8 kHz" },
        { "\xff\xfd\xa8", 864, "\xff\xfd\xa8", 1800, "audio/mpeg",
          "MPEG 1, layer II, 192 kbit/s, 32 kHz" },
        { "\xff\xf5\x84", 384, "\xff\xf5\x84", 800, "audio/mpeg",
          "MPEG 2, layer II, 64 kbit/s, 24 kHz" },
        { "\xff\xfb\x90", 417, "TAG", 545, "audio/mpeg",
          "one frame, and an ID3v1 tag" },
        { "\xff\xfb\x90", 417, "", 417, "audio/mpeg", "one frame" },
        { "\xff\xfb\x90", 417, "", 416, "declined", "a frame cut short" },
        { "\xff\xfb\x90", 417, "\xff\xfb", 419, "declined",
          "a second header cut short" },
        { "\xff\xfb\x90", 416, "\xff\xfb\x90", 900, "declined",
          "a frame too short" },
        { "\xff\xfb\x90", 418, "\xff\xfb\x90", 900, "declined",
          "a frame too long" },
        { "\xff\xfb\x90", 417, "\xff\xfb\x94", 900, "declined",
          "another sampling rate" },
        { "\xff\xfb\x90", 417, "\xff\xf3\x90", 900, "declined",
          "another version" },
        { "\xff\xfb\x90", 417, "\xff\xfb\xf0", 900, "declined",
          "a wrong bit rate in the second" },
        { "\xff\xfb\x90", 417, "xyz", 900, "declined", "no second frame" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        memset(data, 0x55, sizeof(data));
        memcpy(data, cases[i].first, 3);
        memcpy(data + cases[i].len, cases[i].next, strlen(cases[i].next));

        test_sniff((char *) data, cases[i].total, cases[i].want,
                   cases[i].what);
    }
}


static void
test_final(void)
{
    imgp_sniff_t  s;

    imgp_sniff_init(&s);
    is_int(imgp_sniff_feed(&s, NULL, 0), IMGP_AGAIN, "nothing: more");
    is_int(imgp_sniff_feed(&s, (u_char *) "%PD", 3), IMGP_AGAIN, "more");
    ok(s.type == NULL, "no type yet");
    is_int(imgp_sniff_feed(&s, (u_char *) "F-{", 3), IMGP_OK, "known");
    is_int(imgp_sniff_feed(&s, (u_char *) "\x89PNG", 4), IMGP_OK, "still");
    is_str(s.type, "application/pdf", "the type stays");
    is_int(imgp_sniff_end(&s), IMGP_OK, "at the end too");

    imgp_sniff_init(&s);
    is_int(imgp_sniff_feed(&s, (u_char *) "x", 1), IMGP_DECLINED, "declined");
    is_int(imgp_sniff_feed(&s, (u_char *) "{", 1), IMGP_DECLINED, "still");

    imgp_sniff_init(&s);
    is_int(imgp_sniff_feed(&s, (u_char *) "GIF80a", 6), IMGP_ERROR, "error");
    is_int(imgp_sniff_feed(&s, (u_char *) "{", 1), IMGP_ERROR, "still");
    is_int(imgp_sniff_end(&s), IMGP_ERROR, "at the end too");

    imgp_sniff_init(&s);
    is_int(imgp_sniff_end(&s), IMGP_DECLINED, "an end without a beginning");
    is_int(imgp_sniff_feed(&s, (u_char *) "%PDF-", 5), IMGP_DECLINED,
           "is final");
}


int
main(void)
{
    test_types();
    test_mpeg();
    test_final();

    return done();
}
