
/*
 * Times: known ones, and every day up to the year 9999 against the C
 * library's gmtime_r().
 */


#include <time.h>
#include "imgp_test.h"
#include <imgp/imgp_time.h>


static void
test_known(void)
{
    char         text[IMGP_TIME_LEN + 1];
    imgp_uint_t  i;

    static const struct {
        imgp_msec_t  ms;
        const char  *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.001Z" },
        { 999, "1970-01-01T00:00:00.999Z" },
        { 86399999, "1970-01-01T23:59:59.999Z" },
        { 86400000, "1970-01-02T00:00:00.000Z" },
        { 951782399999, "2000-02-28T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 951868800000, "2000-03-01T00:00:00.000Z" },
        { 1768313019120, "2026-01-13T14:03:39.120Z" },
        { 2147483647999, "2038-01-19T03:14:07.999Z" },
        { 2147483648000, "2038-01-19T03:14:08.000Z" },
        { 4107542399999, "2100-02-28T23:59:59.999Z" },
        { 4107542400000, "2100-03-01T00:00:00.000Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { 253402300800000, "9999-12-31T23:59:59.999Z" },
        { UINT64_MAX, "9999-12-31T23:59:59.999Z" }
    };

    for (i = 0; i < imgp_nelts(cases); i++) {
        memset(text, 'x', sizeof(text));
        imgp_time_text(cases[i].ms, text);
        is_str(text, cases[i].text, "%llu ms",
               (unsigned long long) cases[i].ms);
    }
}


static void
test_days(void)
{
    char       text[IMGP_TIME_LEN + 1], want[IMGP_TIME_LEN + 1];
    time_t     t;
    size_t     n, wrong;
    struct tm  tm;

    for (t = 0, n = 0, wrong = 0; t < 253402300800; t += 86400 + 61, n++) {
        gmtime_r(&t, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000Z", &tm);

        imgp_time_text((imgp_msec_t) t * 1000, text);
        wrong += (strcmp(text, want) != 0);
    }

    ok(n > 2900000, "some three million days were looked at");
    is_int(wrong, 0, "all as the C library has them");
}


int
main(void)
{
    test_known();
    test_days();

    return done();
}
