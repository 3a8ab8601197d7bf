#!/usr/bin/env python3

# Workers are killed with SIGKILL, twenty times, one a second or faster, while
# uploads arrive and jobs of four stages run.  What was answered with 202 ends
# "succeeded"; what a stage has stored is not made again; nothing is left open
# or lies about, and the zone is as large as before.

import random
import time

from imgp import tap
from trial import KILLED, LONG, Load, Trial, pictures

KILLS = 100 if LONG else 20
JOBS = 18 * KILLS
CONCURRENCY = 8

random.seed(1)

trial = Trial(ms=150, workers=2, concurrency=CONCURRENCY, zone='1m', held=True)
nginx = trial.nginx
nginx.allow_log(*KILLED)

trial.warm()
before = trial.held()
trial.model.forget()

load = Load(nginx, '/p/', pictures(JOBS), rate=JOBS / (KILLS * 0.9),
            timeout=300)
killed = []

while len(killed) < KILLS:
    started = time.monotonic()
    killed.append(nginx.kill_worker())
    time.sleep(max(0, 0.9 - (time.monotonic() - started)))

seconds = time.monotonic() - load.started
tap.ok(load.running or load.sent == JOBS, 'there was load all the time')
load.join()

tap.note('%d jobs, %d kills in %.0f s, %d uploads without an answer'
         % (JOBS, KILLS, seconds, load.broken))

trial.check(load, *KILLED, timeout=120)
tap.note('%.1f s until all had ended' % (time.monotonic() - load.started))

# an upload without an answer may have become a job all the same: its content
# is sent again, so it has the same keys, and costs no call of its own

trial.check_calls(JOBS, KILLS * CONCURRENCY)
trial.check_left(before, KILLS)
trial.check_zone()
tap.note('%d times a zone was rebuilt' % len(nginx.logged('rebuilding')))
tap.done()
