#!/usr/bin/env python3

# The shared zone.  Workers are killed while they hold its lock: whoever takes
# the lock next rebuilds all lists, and no job is lost.  Then a zone that is
# full: new work is refused, what was accepted goes on to its end.

import contextlib
import http.client
import os
import random
import signal
import struct
import threading
import time

from imgp import SLOW, Client, parallel, tap, wait_for
from trial import KILLED, LONG, Load, Trial, picture, pictures

KILLS = 100 if LONG else 8
SIZE = 1 << 20

random.seed(3)

THUMBS = """
    image_pipeline thumbs {
        concurrency 32; queue 100000;
        stage small { resize 8; }
    }
"""


def lock_of(pid):
    """Where the zone begins in a process: nginx puts the lock first."""

    with open('/proc/%d/maps' % pid) as file:
        for line in file:
            first, last = (int(part, 16)
                           for part in line.split()[0].split('-'))

            if last - first == SIZE and '/dev/zero' in line:
                return first

    raise RuntimeError('no zone of %d bytes' % SIZE)


def kill_in_lock(nginx, pid, seconds=3):
    """Stops the worker again and again, until it stands with the lock; one that
    has nothing to do never does."""

    deadline = time.monotonic() + seconds * SLOW
    place = lock_of(pid)

    with open('/proc/%d/mem' % pid, 'rb', 0) as memory:
        while time.monotonic() < deadline:
            time.sleep(random.random() / 1000)
            os.kill(pid, signal.SIGSTOP)
            memory.seek(place)
            owner, = struct.unpack('Q', memory.read(8))

            if owner == pid:
                os.kill(pid, signal.SIGKILL)
                return True

            os.kill(pid, signal.SIGCONT)

    return False


def ask(nginx, over):
    """Lists failed jobs, of which there are none: all slots are looked at
    under the lock, so that it is held often enough to be met."""

    while not over.is_set():
        with contextlib.suppress(OSError, http.client.HTTPException), \
                Client(nginx.port) as client:
            while not over.is_set():
                client.get('/console/api/jobs?status=failed')


trial = Trial(ms=20, workers=3, zone='1m', held=True, more=THUMBS,
              locations="""
    location /t/ { image_pipeline_pass thumbs; }
    location /console/ { image_pipeline_console; allow 127.0.0.1; deny all; }
              """)
nginx = trial.nginx
nginx.allow_log(*KILLED)
trial.warm()
before = trial.held()

load = Load(nginx, '/t/', pictures(100000, 12), rate=250, threads=6)
killed = 0
over = threading.Event()

for n in range(3):
    threading.Thread(target=ask, args=(nginx, over), daemon=True).start()

end = time.monotonic() + 90 * SLOW

while killed < KILLS and time.monotonic() < end:
    worker = random.choice(nginx.workers())

    with contextlib.suppress(OSError):
        if kill_in_lock(nginx, worker):
            killed += 1
            wait_for(lambda: worker not in nginx.workers()
                     and len(nginx.workers()) == nginx.nworkers)

over.set()
load.source = iter(())
load.join()
tap.ok(killed >= KILLS / 2, '%d workers were killed while they held the lock'
       % killed)
rebuilt = len(nginx.logged('rebuilding'))
tap.ok(rebuilt >= killed / 2, 'the zone was rebuilt %d times' % rebuilt)
tap.note('%d jobs, %d uploads without an answer' % (len(load.accepted),
                                                    load.broken))
trial.check(load, *KILLED)
trial.check_left(before, KILLS)
trial.check_zone()

# a full zone

small = Trial(ms=400, workers=2, zone='512k', held=True, concurrency=4)
nginx = small.nginx
small.warm()
before = small.held()
load = Load(nginx, '/p/', pictures(24, first=10000), threads=8).join()
held = []
answers = []


def upload(_):
    answer = nginx.post('/fat/', picture(5), 'image/png')
    answers.append(answer)

    if answer.status == 202:
        held.append(answer.headers['Location'])

    return answer.status


for n in range(1000):
    if 507 in parallel(upload, range(4), 4):
        break

tap.is_({answer.status for answer in answers}, {202, 507},
        'jobs that never end fill the zone: %d of them' % len(held))
full = [answer for answer in answers if answer.status == 507][0]
tap.is_(full.json['type'], 'urn:image-pipeline:store-full', 'so it is told')
tap.is_(small.store('tmp'), [], 'nothing is left of what was refused')
tap.is_(len(small.store('jobs')),
        len(held) + sum(nginx.get(job).json['status'] in ('queued', 'running')
                        for job in load.accepted), 'nor in the journal')
small.check(load)
tap.is_(nginx.get(held[0]).status, 200, 'those that fill it can be seen')
parallel(nginx.delete, held, 8)
tap.ok(wait_for(lambda: not small.store('jobs')), 'until they are deleted')
small.check(Load(nginx, '/p/', pictures(20, first=20000)).join())
small.check_left(before)
tap.done()
