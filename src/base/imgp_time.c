
/*
 * RFC 3339 times of job documents, always in UTC with milliseconds.
 *
 * Called from any thread; gmtime() is not used because it needs a static
 * buffer or the time zone's lock, and a document has five such times.
 *
 * The calendar: Howard Hinnant's "chrono-compatible low-level date
 * algorithms", civil_from_days: years are counted from March, so that the
 * leap day is the last one, in eras of 400 years.
 */


#include <imgp/imgp_time.h>


#define IMGP_TIME_DAY    86400000u
#define IMGP_TIME_EPOCH  719468       /* days from 0000-03-01 to 1970-01-01 */
#define IMGP_TIME_ERA    146097       /* days in 400 years */

/* 9999-12-31T23:59:59.999Z: RFC 3339 has four digits for a year */
#define IMGP_TIME_MAX    253402300799999ull


typedef struct {
    uint32_t       year;
    uint32_t       month;             /* 1..12 */
    uint32_t       day;               /* 1..31 */
} imgp_time_date_t;


static void imgp_time_date(uint32_t days, imgp_time_date_t *date);
static char *imgp_time_digits(char *p, uint32_t n, imgp_uint_t width,
    char next);


void
imgp_time_text(imgp_msec_t ms, char *out)
{
    uint32_t          rest;
    imgp_time_date_t  date;

    ms = imgp_min(ms, IMGP_TIME_MAX);
    rest = (uint32_t) (ms % IMGP_TIME_DAY);

    imgp_time_date((uint32_t) (ms / IMGP_TIME_DAY), &date);

    out = imgp_time_digits(out, date.year, 4, '-');
    out = imgp_time_digits(out, date.month, 2, '-');
    out = imgp_time_digits(out, date.day, 2, 'T');
    out = imgp_time_digits(out, rest / 3600000, 2, ':');
    out = imgp_time_digits(out, rest / 60000 % 60, 2, ':');
    out = imgp_time_digits(out, rest / 1000 % 60, 2, '.');
    out = imgp_time_digits(out, rest % 1000, 3, 'Z');

    *out = '\0';
}


static void
imgp_time_date(uint32_t days, imgp_time_date_t *date)
{
    uint32_t  era, doe, yoe, doy, mp;

    days += IMGP_TIME_EPOCH;

    era = days / IMGP_TIME_ERA;
    doe = days % IMGP_TIME_ERA;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;

    date->day = doy - (153 * mp + 2) / 5 + 1;
    date->month = (mp < 10) ? mp + 3 : mp - 9;
    date->year = era * 400 + yoe + (date->month <= 2);
}


static char *
imgp_time_digits(char *p, uint32_t n, imgp_uint_t width, char next)
{
    imgp_uint_t  i;

    for (i = width; i > 0; i--) {
        p[i - 1] = (char) ('0' + n % 10);
        n /= 10;
    }

    p[width] = next;

    return p + width + 1;
}
