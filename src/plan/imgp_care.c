
/*
 * Rate and breaker of one service.
 *
 * Called in the event loop of workers, under the lock of the zone in which
 * the state lies.  A worker may die at any instruction: each field alone is
 * believed only as far as it can be true.
 *
 * The rate is the generic cell rate algorithm (ITU-T I.371): calls are an
 * interval apart, and one that comes late by less than the slack does not
 * make the next ones late, too.
 *
 * The breaker opens with the last of max_fails failures within fail_timeout.
 * Then one call a fail_timeout is a probe; its success closes it.  There is no
 * state "half open": a probe that is lost with its worker is followed by
 * the next one all the same.
 */


#include <imgp/imgp_care.h>


static uint64_t imgp_care_next(const imgp_care_t *care,
    const imgp_care_state_t *state, uint64_t now);


imgp_msec_t
imgp_care_wait(const imgp_care_t *care, const imgp_care_state_t *state,
    imgp_msec_t now)
{
    uint64_t     next;
    imgp_msec_t  wait;

    wait = 0;

    if (care->interval) {
        next = imgp_care_next(care, state, now * 1000);

        if (next > now * 1000) {
            wait = (next - now * 1000 + 999) / 1000;
        }
    }

    if (care->max_fails && state->probe > now) {
        wait = imgp_max(wait, imgp_min(state->probe - now,
                                       care->fail_timeout));
    }

    return wait;
}


/* one that is further ahead than a call can have put it is none of ours, or
   of another rate before a reload */

static uint64_t
imgp_care_next(const imgp_care_t *care, const imgp_care_state_t *state,
    uint64_t now)
{
    return imgp_min(state->next, now + care->interval);
}


void
imgp_care_begin(const imgp_care_t *care, imgp_care_state_t *state,
    imgp_msec_t now)
{
    uint64_t  next, us;

    us = now * 1000;

    if (care->interval) {
        next = imgp_care_next(care, state, us);

        if (next + (uint64_t) IMGP_CARE_SLACK * 1000 < us) {
            next = us;
        }

        state->next = next + care->interval;
    }

    if (state->probe) {
        state->probe = now + care->fail_timeout;
    }
}


imgp_uint_t
imgp_care_end(const imgp_care_t *care, imgp_care_state_t *state,
    imgp_msec_t now, imgp_uint_t failed)
{
    imgp_uint_t  open;

    open = (state->probe != 0);

    if (care->max_fails == 0 || !failed) {
        state->fails = 0;
        state->probe = 0;
        return open;
    }

    if (open) {
        state->probe = now + care->fail_timeout;
        return 0;
    }

    if (state->fails == 0 || now - state->window > care->fail_timeout) {
        state->fails = 0;
        state->window = now;
    }

    if (++state->fails < care->max_fails) {
        return 0;
    }

    state->fails = 0;
    state->probe = now + care->fail_timeout;

    return 1;
}
