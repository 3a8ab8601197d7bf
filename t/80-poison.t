#!/usr/bin/env python3

# A job that crashes its worker each time is given up at the third crash, and
# takes no other with it.  A worker that stands still for longer than its lease
# (30 s) loses its jobs, and changes nothing any more when it wakes up.

import contextlib
import http.client
import os
import signal
import threading
import time

from imgp import SLOW, Model, tap, wait_for
from trial import KILLED, Load, Trial, caller, picture, pictures

PIPELINE = """
    image_pipeline %%NAME%% {
        concurrency 8;
        stage s { post %%URL%%; timeout 5m; }
        stage t { resize 8; }
    }
"""


def pipeline(name, url):
    return PIPELINE.replace('%%NAME%%', name).replace('%%URL%%', url)


def location(name):
    return 'location /%s/ { image_pipeline_pass %s; }' % (name, name)


def poll(nginx, uri):
    """A document, without ever hanging on a worker that is stopped."""

    with contextlib.suppress(OSError, http.client.HTTPException):
        answer = nginx.request('GET', uri, timeout=1)

        if answer.status == 200:
            return answer.json

    return None


# the zombie first: it takes its time

sleeper = Model()
zombie = Trial(workers=2, more=pipeline('z', sleeper.url + '/delay/3000/echo'),
               locations=location('z'))
jobs = [zombie.nginx.post('/z/', picture(n), 'image/png').headers['Location']
        for n in range(4)]
stopped = wait_for(lambda: caller(zombie.nginx, sleeper.port)).pop()
os.kill(stopped, signal.SIGSTOP)
stopped_at = time.monotonic()
seen = {job: [] for job in jobs}
over = threading.Event()


def watch():
    while not over.is_set():
        for job in jobs:
            document = poll(zombie.nginx, job)

            if document:
                seen[job].append((document['revision'], document['status']))

        time.sleep(0.1)


watcher = threading.Thread(target=watch, daemon=True)
watcher.start()

# the poison

poison = Model()
trial = Trial(ms=100, workers=2, more=pipeline('bad', poison.url + '/hang'),
              locations=location('bad'))
nginx = trial.nginx
nginx.allow_log(*KILLED)
trial.warm()
before = trial.held()

load = Load(nginx, '/p/', pictures(100), rate=15)
bad = nginx.post('/bad/', picture(7777), 'image/png').headers['Location']
crashes = 0

while crashes < 10:
    callers = wait_for(lambda: caller(nginx, poison.port)
                       or poll(nginx, bad)['status'] == 'failed', 20)

    if callers is True or not callers:
        break

    # SIGABRT: what a crash looks like that no sanitizer reports

    nginx.kill_worker(signal.SIGABRT, callers.pop())
    crashes += 1

tap.is_(crashes, 3, 'given up after three crashes')
document = nginx.finish(bad)
tap.is_((document['status'], (document['error'] or {}).get('type')),
        ('failed', 'urn:image-pipeline:worker-lost'), 'which the job tells')
load.join()
trial.check(load, *KILLED)
tap.is_(len(nginx.logged('exited on signal')), 3, 'no other crash')

answer = nginx.request('POST', bad + '/retry')
tap.is_(answer.status, 202, 'it can be tried again')
tap.ok(wait_for(lambda: caller(nginx, poison.port)), 'and runs')
tap.is_(nginx.delete(bad).json['status'], 'canceled', 'until it is canceled')
tap.ok(wait_for(lambda: poison.peak()['now'] == 0), 'which ends the call')
trial.check_left(before, 3)

# back to the zombie

ended = wait_for(lambda: all(seen[job] and seen[job][-1][1] == 'succeeded'
                             for job in jobs), 60 / SLOW)
waited = time.monotonic() - stopped_at
tap.ok(ended, 'another worker has done the jobs of the one that is stopped')
tap.note('after %.0f s' % waited)
lost = len(zombie.nginx.logged('worker of job .* is lost'))
tap.ok(lost > 0, '%d jobs were taken over' % lost)
calls = sum(sleeper.calls().values())
tap.is_(calls, len(jobs) + lost, 'each of them was called once more')

documents = [poll(zombie.nginx, job) for job in jobs]
os.kill(stopped, signal.SIGCONT)
tap.ok(wait_for(lambda: len(zombie.nginx.logged('in other hands')) == lost),
       'the one that wakes up learns that they are not its own')
time.sleep(1)
over.set()
watcher.join()
tap.is_([poll(zombie.nginx, job) for job in jobs], documents,
        'and has changed nothing')
tap.ok(all(history == sorted(history, key=lambda entry: entry[0])
           for history in seen.values()), 'no revision was ever taken back')
tap.ok(stopped in zombie.nginx.workers(), 'it is alive')

more = Load(zombie.nginx, '/p/', pictures(40, first=500)).join()
zombie.check_jobs(more.accepted + jobs)
zombie.check_log()
tap.done()
