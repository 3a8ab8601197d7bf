
/*
 * Ids: known texts, round trips, one text for one id, no two alike.
 */


#include "imgp_test.h"
#include <imgp/imgp_id.h>


#define IDS  100000


static void
test_known(void)
{
    char         text[IMGP_ID_LEN + 1];
    imgp_uint_t  i;

    static const struct {
        u_char       id[IMGP_ID_BYTES];
        const char  *text;
    } cases[] = {
        { { 0 }, "00000000000000000000000000" },
        { { 255, 255, 255, 255, 255, 255, 255, 255,
            255, 255, 255, 255, 255, 255, 255, 255 },
          "vvvvvvvvvvvvvvvvvvvvvvvvvs" },

        /* RFC 4648, 10: "foobar" is CPNMUOJ1E8 */
        { { 'f', 'o', 'o', 'b', 'a', 'r' }, "cpnmuoj1e80000000000000000" },
        { { [15] = 1 }, "00000000000000000000000004" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        imgp_id_text(cases[i].id, text);
        is_str(text, cases[i].text, "known id %d", (int) i);
    }
}


static void
test_canonical(void)
{
    int          ch;
    char         text[IMGP_ID_LEN + 2], again[IMGP_ID_LEN + 1];
    u_char       id[IMGP_ID_BYTES];
    imgp_uint_t  i, good, wrong;

    memset(text, '7', sizeof(text));

    for (ch = 0, good = 0, wrong = 0; ch < 256; ch++) {
        text[25] = (char) ch;

        if (imgp_id_parse((u_char *) text, IMGP_ID_LEN, id) == IMGP_OK) {
            good++;
            imgp_id_text(id, again);
            wrong += (memcmp(text, again, IMGP_ID_LEN) != 0);
        }
    }

    is_int(good, 8, "eight last characters are canonical");
    is_int(wrong, 0, "and come back as they were");

    for (i = 0, wrong = 0; i < 25; i++) {
        for (ch = 0, good = 0; ch < 256; ch++) {
            memset(text, '4', sizeof(text));
            text[i] = (char) ch;
            good += (imgp_id_parse((u_char *) text, IMGP_ID_LEN, id)
                     == IMGP_OK);
        }

        wrong += (good != 32);
    }

    is_int(wrong, 0, "elsewhere 32 are, in lower case alone");

    memset(text, '0', sizeof(text));
    is_int(imgp_id_parse((u_char *) text, 25, id), IMGP_DECLINED, "short");
    is_int(imgp_id_parse((u_char *) text, 27, id), IMGP_DECLINED, "long");
    is_int(imgp_id_parse((u_char *) text, 0, id), IMGP_DECLINED, "empty");
}


static int
compare(const void *a, const void *b)
{
    return memcmp(a, b, IMGP_ID_BYTES);
}


static void
test_random(void)
{
    char         text[IMGP_ID_LEN + 1];
    u_char      *ids, back[IMGP_ID_BYTES], *p;
    size_t       i, failed, wrong, same, bits[128];
    imgp_uint_t  j;

    ids = malloc(IDS * IMGP_ID_BYTES);
    memset(bits, 0, sizeof(bits));

    for (i = 0, failed = 0, wrong = 0; i < IDS; i++) {
        p = ids + i * IMGP_ID_BYTES;

        failed += (imgp_id_random(p) != IMGP_OK);

        imgp_id_text(p, text);
        wrong += (strlen(text) != IMGP_ID_LEN
                  || imgp_id_parse((u_char *) text, IMGP_ID_LEN, back)
                     != IMGP_OK
                  || memcmp(p, back, IMGP_ID_BYTES) != 0);

        for (j = 0; j < 128; j++) {
            bits[j] += p[j / 8] >> (j % 8) & 1;
        }
    }

    is_int(failed, 0, "the system gives random bits");
    is_int(wrong, 0, "all come back from their texts");

    /* half of 100,000, and ten standard deviations of 158 */

    for (j = 0, wrong = 0; j < 128; j++) {
        wrong += (bits[j] < IDS / 2 - 1600 || bits[j] > IDS / 2 + 1600);
    }

    is_int(wrong, 0, "every bit is random");

    qsort(ids, IDS, IMGP_ID_BYTES, compare);

    for (i = 1, same = 0; i < IDS; i++) {
        same += (compare(ids + (i - 1) * IMGP_ID_BYTES,
                         ids + i * IMGP_ID_BYTES) == 0);
    }

    is_int(same, 0, "no two are alike");

    free(ids);
}


int
main(void)
{
    test_known();
    test_canonical();
    test_random();

    return done();
}
