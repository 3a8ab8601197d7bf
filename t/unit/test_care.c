
/*
 * Rate and breaker, with a clock of our own: how many calls there are in
 * a while, late timers, outages, states that are garbage.
 */


#include "imgp_test.h"
#include <imgp/imgp_care.h>


/* calls of many who want to, within "ms", each up to "late" ms late */

static imgp_uint_t
calls(imgp_care_t *care, imgp_care_state_t *state, imgp_msec_t from,
    imgp_msec_t ms, imgp_msec_t late)
{
    imgp_uint_t  n;
    imgp_msec_t  now, wait;

    for (n = 0, now = from; now < from + ms; /* void */) {
        wait = imgp_care_wait(care, state, now);

        if (wait) {
            now += wait + (n % (late + 1));
            continue;
        }

        imgp_care_begin(care, state, now);
        n++;
    }

    return n;
}


static void
rates(void)
{
    imgp_uint_t        n;
    imgp_care_t        care;
    imgp_care_state_t  state;

    memset(&care, 0, sizeof(care));
    memset(&state, 0, sizeof(state));

    is_int(imgp_care_wait(&care, &state, 5), 0, "no care, no wait");

    care.interval = 2000000;
    is_int(calls(&care, &state, 1000, 60000, 0), 30, "30 a minute");
    is_int(imgp_care_wait(&care, &state, 61000 + 3600000), 0, "later: at once");

    memset(&state, 0, sizeof(state));
    care.interval = 1000000 / 300;
    n = calls(&care, &state, 1000, 10000, 0);
    ok(n >= 3000 && n <= 3010, "300 a second: %lu in 10 s",
       (unsigned long) n);

    memset(&state, 0, sizeof(state));
    n = calls(&care, &state, 1000, 10000, 5);
    ok(n >= 2990 && n <= 3010, "... with late timers: %lu",
       (unsigned long) n);

    /* no burst after a pause but that of the slack */

    imgp_care_begin(&care, &state, 100000);
    n = calls(&care, &state, 100000, 1, 0);
    ok(n <= 7, "no burst after a pause: %lu", (unsigned long) n);

    state.next = UINT64_MAX;
    is_int(imgp_care_wait(&care, &state, 100000), 4,
           "garbage is no wait for ever");

    memset(&state, 0, sizeof(state));
    imgp_care_begin(&care, &state, 0);
    ok(state.next < 1000000, "a clock at its beginning");
}


static void
breaker(void)
{
    imgp_uint_t        n;
    imgp_msec_t        now;
    imgp_care_t        care;
    imgp_care_state_t  state;

    memset(&care, 0, sizeof(care));
    memset(&state, 0, sizeof(state));

    care.max_fails = 3;
    care.fail_timeout = 1000;

    is_int(imgp_care_end(&care, &state, 5000, 1), 0, "one failure");
    is_int(imgp_care_end(&care, &state, 5100, 1), 0, "two");
    is_int(imgp_care_wait(&care, &state, 5100), 0, "... calls go on");
    is_int(imgp_care_end(&care, &state, 5200, 1), 1, "three: it opens");
    is_int(imgp_care_wait(&care, &state, 5200), 1000, "... for a second");
    is_int(imgp_care_end(&care, &state, 5300, 1), 0, "those under way");

    /* 20 seconds without the service: a probe a second */

    for (n = 0, now = 5300; now < 25300; /* void */) {

        if (imgp_care_wait(&care, &state, now)) {
            now += imgp_care_wait(&care, &state, now);
            continue;
        }

        imgp_care_begin(&care, &state, now);
        n++;
        is_int(imgp_care_wait(&care, &state, now), 1000, "... one alone");
        (void) imgp_care_end(&care, &state, now, 1);
    }

    ok(n >= 18 && n <= 20, "%lu probes in 20 s", (unsigned long) n);

    imgp_care_begin(&care, &state, now);
    is_int(imgp_care_end(&care, &state, now, 0), 1, "a success closes it");
    is_int(imgp_care_wait(&care, &state, now), 0, "... for all");

    is_int(imgp_care_end(&care, &state, now, 0), 0, "nothing changes");
    (void) imgp_care_end(&care, &state, now, 1);
    (void) imgp_care_end(&care, &state, now, 1);
    is_int(imgp_care_end(&care, &state, now + 1001, 1), 0,
           "old failures do not count");
    (void) imgp_care_end(&care, &state, now + 1002, 0);
    is_int(imgp_care_end(&care, &state, now + 1003, 1), 0,
           "a success forgets them");

    state.probe = UINT64_MAX;
    is_int(imgp_care_wait(&care, &state, now), 1000,
           "garbage is no wait for ever");
}


int
main(void)
{
    rates();
    breaker();

    return done();
}
