#!/usr/bin/env python3

# nginx ends in mid-job, gracefully, at once, or as in a loss of power, and is
# started again: what was answered with 202 ends "succeeded".

import os
import time

from imgp import tap, wait_for
from trial import KILLED, Load, Trial, kill_all, pictures

JOBS = 80
CONCURRENCY = 8
WAYS = ('QUIT', 'TERM', 'KILL', 'KILL while it starts')

trial = Trial(ms=200, workers=2, concurrency=CONCURRENCY, sync='on',
              path='max_size=100m inactive=1h')
nginx = trial.nginx
nginx.allow_log(*KILLED)
trial.warm()
before = trial.held()

for n, way in enumerate(WAYS):
    tap.note(way)
    trial.model.forget()
    load = Load(nginx, '/p/', pictures(JOBS, first=1000 * n), rate=60)
    wait_for(lambda: len(load.accepted) > JOBS * 2 / 3)
    tap.ok(trial.counts()['second'] > 0 and trial.store('jobs'),
           'jobs are in all states')

    if way == 'QUIT':
        tap.is_(nginx.stop(), 0, 'it ends well')
    elif way == 'TERM':
        tap.is_(nginx.stop(graceful=False), 0, 'it ends well')
    else:
        kill_all(nginx)

    tap.ok(trial.store('jobs'), '%d jobs wait in the journal'
           % len(trial.store('jobs')))

    if way == 'KILL while it starts':

        # three times more, while the journal is read

        for pause in (0, 0.02, 0.1):
            nginx.start()
            time.sleep(pause)
            kill_all(nginx)

    nginx.start()
    started = time.monotonic()
    load.join()
    trial.check(load, *KILLED)
    tap.note('%.1f s after the start all had ended'
             % (time.monotonic() - started))
    trial.check_calls(JOBS, CONCURRENCY * (1 if way != WAYS[3] else 4))
    trial.check_left(before, 2 if way.startswith('KILL') else 0)

# what a killed one left in tmp/ goes with the first sweep after an hour

stray = os.path.join(nginx.store, 'tmp/0123456789abcdefghijklmnop')
open(stray, 'w').close()

for path in trial.store('tmp'):
    os.utime(path, (time.time() - 7200, time.time() - 7200))

nginx.stop()
nginx.start()
tap.ok(wait_for(lambda: not trial.store('tmp')), 'tmp/ is swept at the start')
tap.done()
