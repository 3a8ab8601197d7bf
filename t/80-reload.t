#!/usr/bin/env python3

# Twenty reloads, one a second, while uploads arrive, jobs run and clients wait
# for them: no connection is dropped, no work is done twice, the old workers go
# as soon as their jobs have ended.  Then worker_shutdown_timeout: jobs that
# would outlast it go back into the queue, for the new workers.

import threading
import time

from imgp import SLOW, tap, wait_for
from trial import LONG, Load, Trial, pictures

RELOADS = 60 if LONG else 20
JOBS = 15 * RELOADS

trial = Trial(ms=150, workers=2, held=True, zone='1m')
nginx = trial.nginx
trial.warm()
before = trial.held()
trial.model.forget()

load = Load(nginx, '/p/', pictures(JOBS), rate=JOBS / (RELOADS * 0.95),
            timeout=120)
trouble = []
polls = [0]


def watch(n):
    """Waits for one job after the other, as a browser does."""

    done = n

    while load.running or done < len(load.accepted):
        if done >= len(load.accepted):
            time.sleep(0.02)
            continue

        revision = 0
        location = load.accepted[done]
        done += 8

        while True:
            try:
                answer = nginx.get('%s?wait=20&since=%d' % (location, revision))
            except Exception as error:
                trouble.append(repr(error))
                continue

            polls[0] += 1

            if answer.status == 204:
                continue

            if answer.status != 200 or answer.json['revision'] < revision:
                trouble.append(repr(answer))
                break

            revision = answer.json['revision']

            if answer.json['status'] not in ('queued', 'running'):
                break


watchers = [threading.Thread(target=watch, args=(n,), daemon=True)
            for n in range(8)]

for watcher in watchers:
    watcher.start()

slowest = 0

for n in range(RELOADS):
    started = time.monotonic()
    nginx.reload()
    slowest = max(slowest, time.monotonic() - started)
    time.sleep(max(0, 0.95 - (time.monotonic() - started)))

ended = time.monotonic()
wait_for(lambda: not nginx.exiting(), 40)
gone = time.monotonic() - ended
load.join()

for watcher in watchers:
    watcher.join()

tap.is_(load.broken, 0, 'no upload was dropped by %d reloads' % RELOADS)
tap.is_(trouble[:3], [], 'none of %d polls was dropped or surprised'
        % polls[0])
tap.ok(gone < 30 * SLOW, 'the last old workers were gone after %.1f s' % gone)
tap.note('slowest reload %.1f s' % slowest)
trial.check(load)
trial.check_calls(JOBS, 0)
trial.check_left(before)
trial.check_zone()

# worker_shutdown_timeout

late = Trial(ms='0/gate/late', workers=2, concurrency=8,
             main='thread_pool image threads=2; worker_shutdown_timeout 1s;')
late.model.open('late')
late.warm(4)
late.model.shut('late')
before = late.held()
late.model.forget()
load = Load(late.nginx, '/p/', pictures(12), threads=12).join()
tap.ok(wait_for(lambda: late.counts()['first'] == 8), 'eight jobs run')
held = threading.Thread(target=late.nginx.get,
                        args=(load.accepted[0] + '?wait=20&since=2',))
held.start()
late.nginx.reload()
tap.ok(wait_for(lambda: not late.nginx.exiting()),
       'the old workers end, whose calls do not')
late.model.open('late')
held.join()
late.check(load)
late.check_calls(12, 8)
tap.is_(late.nginx.logged('is lost'), [], 'no job had to be rescued')
late.check_left(before)
tap.done()
