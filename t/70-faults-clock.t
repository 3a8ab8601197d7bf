#!/usr/bin/env python3

# The wall clock jumps by hours, forth and back, while jobs run (F35 of the
# table in notes/style-reliability.md).  What holds a job together goes by the
# monotonic clock: no job is lost, run twice or forgotten before its time, no
# time is negative, and a killed worker's jobs are taken over as ever.  What
# ends by the wall clock is a "keep", here of a day.

import datetime
import time

from imgp import SLOW, parallel, tap, wait_for
from shim import Clock
from trial import KILLED, Load, Trial, ended, pictures, picture

HOUR = 3600
JOBS = 40
DAY = """
    image_pipeline day {
        keep 1d;
        stage a { resize 10; }
    }
"""

trial = Trial(ms=400, workers=2, start=False, sync='on', more=DAY,
              locations='location /day/ { image_pipeline_pass day; }',
              path='max_size=1g inactive=7d')
nginx = trial.nginx
nginx.allow_log(*KILLED)
trial.rewrite(lambda http, server: (http.replace('keep 1h', 'keep 1d'), server))
clock = Clock(nginx)
nginx.start()
trial.warm(8)
before = trial.held()
kept = []


def told():
    """How far the clock of nginx is off, by its own header."""

    date = nginx.get('/static').headers['Date']
    then = datetime.datetime.strptime(date, '%a, %d %b %Y %H:%M:%S %Z')
    return then.replace(tzinfo=datetime.timezone.utc).timestamp() - time.time()


def negative(document):
    """What in it is less than nothing."""

    found = [(name, value) for name, value in document['timing'].items()
             if value < 0 or name == 'unaccounted_ms' and value]

    for stage in document['stages']:
        found += [(stage['name'], name, stage[name]) for name in
                  ('queue_ms', 'run_ms', 'eta_ms') if (stage.get(name) or 0) < 0]

    if not 0 <= document['progress'] <= 100 or (document['eta_ms'] or 0) < 0:
        found.append(document)

    return found


def age_of(location):
    return nginx.get(location).status


for n, hours in enumerate((5, -5, 0)):
    trial.model.forget()
    load = Load(nginx, '/p/', pictures(JOBS, first=1000 * n), rate=40)
    kept += [nginx.post('/day/', picture(500 + n), 'image/png',
                        idempotency_key='"%d"' % n).headers['Location']]
    nginx.finish(kept[-1])
    wait_for(lambda: trial.counts()['first'] > 8)
    running = [doc for doc in (nginx.get(job).json for job in
                               load.accepted[:4]) if not doc['finished_at']]

    # one waits for a job that is not there yet, over the jump

    held = load.accepted[-1]
    begun = time.monotonic()
    clock.set(hours * HOUR)
    tap.ok(wait_for(lambda: abs(told() - hours * HOUR) < 60),
           'the clock is %+d hours off, %d jobs run' % (hours, len(running)))
    answer = nginx.get(held + '?wait=2&since=%d'
                       % nginx.get(held).json['revision'])
    tap.ok(answer.status in (200, 204) and time.monotonic() - begun < 40 * SLOW,
           'who waits, waits no longer than ever')
    progress = [nginx.get(doc['id'].join(('/p/', ''))).json for doc in running]
    tap.is_([found for doc in progress for found in negative(doc)], [],
            'no time is negative on the way')
    nginx.kill_worker()
    killed = time.monotonic()
    load.join()
    docs = trial.check(load, *KILLED)
    tap.ok(time.monotonic() - killed < 60 * SLOW, 'a killed worker\'s jobs were '
           'taken over, all had ended after %.1f s' % (time.monotonic()
                                                       - killed))
    tap.is_([found for doc in docs for found in negative(doc)], [],
            'nor at the end')
    trial.check_calls(JOBS, 16)
    tap.is_({age_of(location) for location in load.accepted + kept}, {200},
            'nothing is forgotten before its time')
    again = nginx.post('/day/', picture(500 + n), 'image/png',
                       idempotency_key='"%d"' % n)
    tap.is_(again.headers['Location'], kept[-1], 'nor a key')
    tap.is_(nginx.post('/day/', picture(500 + n), 'image/png').json['cached'],
            True, 'nor what is known')

# with the clock behind, what waits in the journal is taken up all the same

clock.set(-8 * HOUR)
load = Load(nginx, '/p/', pictures(20, first=9000)).join()
wait_for(lambda: trial.counts()['first'] > 4)
nginx.stop(graceful=False)
clock.set(3 * HOUR)
nginx.start()
trial.check(load, *KILLED)
tap.is_({age_of(location) for location in kept}, {200}, 'nothing is lost by a '
        'restart at another time')
wait_for(lambda: not trial.store('jobs'), 40)
parallel(lambda job: ended(nginx, job), load.accepted)
trial.check_left(before, 4)
tap.done()
