#!/usr/bin/env python3

# Too much at once: a burst that the queue cannot take (F19 of the table in
# notes/style-reliability.md), the same picture two hundred times (F37), no
# descriptors (F40), few connections, and wake-ups that must not be lost (F34).

import datetime
import os
import random
import resource
import threading
import time

from imgp import SLOW, parallel, tap, wait_for
from trial import LONG, Load, Trial, ended, picture, pictures

random.seed(4)


def cpu(pids):
    """Ticks of processor time used by these processes."""

    used = 0

    for pid in pids:
        with open('/proc/%d/stat' % pid) as file:
            used += sum(map(int, file.read().rpartition(')')[2].split()[11:13]))

    return used


# a burst

BURST = 2000
trial = Trial(ms=40, workers=2, queue=100, concurrency=4, held=True,
              zone='2m', main='thread_pool image threads=2 max_queue=8;')
nginx = trial.nginx
trial.warm()
before = trial.held()
load = Load(nginx, '/p/', list(pictures(BURST)), threads=48,
            give_up=(503,), again=()).join()
refused = sum(load.refused.values())
tap.is_(len(load.accepted) + refused, BURST, 'each of %d uploads has its answer'
        % BURST)
tap.ok(refused > 100, '%d were refused' % refused)
tap.is_(set(load.refused), {(503, 'urn:image-pipeline:queue-full')},
        'all because the queue was full')
trial.check(load)
tap.is_(nginx.logged('queue overflow|thread pool'), [], 'no queue of threads '
        'did overflow')
trial.check_left(before)

# a refusal says when to come again, and costs no upload

more = Load(nginx, '/p/', pictures(130, first=50000), threads=48,
            give_up=(503,), again=())
answers = []
wait_for(lambda: answers.append(nginx.post('/p/', picture(1), 'image/png'))
         or answers[-1].status == 503, 5)
tap.ok(answers[-1].status != 503 or answers[-1].headers['Retry-After'],
       'with the time to wait')
more.join()
trial.check(more)

# the same picture

trial = Trial(ms=300, workers=4, concurrency=300)
nginx = trial.nginx
trial.warm()
before = trial.held()
trial.model.forget()
barrier = threading.Barrier(50)
same = picture(123456)


def upload(_):
    barrier.wait()
    return nginx.post('/p/', same, 'image/png')


answers = parallel(upload, range(200), 50)
tap.is_({answer.status for answer in answers} - {200, 202}, set(),
        'the same picture, 200 times at once')
jobs = [answer.headers['Location'] for answer in answers]
docs = trial.check_jobs(jobs)
tap.is_((trial.counts()['first'], trial.counts()['second']), (1, 1),
        'each service was called once')
tap.ok(any('collapsed' in answer.headers['Cache-Status']
           for answer in answers), 'and others were told that they joined')
tap.is_(len({document['outputs']['result'][0]['digest']
             for document in docs}), 1, 'with one result')
trial.check_log()
trial.check_left(before)

# no wake-up is lost: the end is heard of at once, not by the next look

ROUNDS = 10000 if LONG else 1200
quick = Trial(ms=5, workers=4, concurrency=64, locations='''
    location /w/ { image_pipeline_pass p; add_header X-Job $image_pipeline_job; }
''')
nginx = quick.nginx
quick.warm()


def round_of(n):
    client = nginx.client()
    answer = client.request('POST', '/p/', picture(n + 200000),
                            {'Content-Type': 'image/png'})
    location = answer.headers['Location']
    revision = answer.json['revision']
    client.close()
    time.sleep(random.random() * 0.02)

    while True:
        with nginx.client() as client:
            answer = client.get('%s?wait=30&since=%d' % (location, revision))

        heard = time.time()

        if answer.status == 204:
            expired.append(location)
            return

        revision = answer.json['revision']

        if answer.json['finished_at']:
            break

    end = datetime.datetime.fromisoformat(
        answer.json['finished_at'].replace('Z', '+00:00')).timestamp()
    late.append(heard - end)


# a machine that has much to do is late at times, but not each time

for attempt in range(5):
    late, expired = [], []
    parallel(round_of, range(attempt * ROUNDS, (attempt + 1) * ROUNDS), 6)
    late.sort()

    if expired or late[int(len(late) * 0.999)] < 0.4 * SLOW:
        break

    tap.note('late: %s' % late[-5:])

tap.is_(expired, [], '%d rounds: no poll timed out although its job had ended'
        % ROUNDS)
tap.note('heard of the end after %.1f ms (median), %.1f ms (99 %%), %.1f ms '
         '(last)' % tuple(1000 * late[int(len(late) * part)]
                          for part in (0.5, 0.99, 0.9999)))
tap.ok(late[int(len(late) * 0.999)] < 0.4 * SLOW, 'and none waited for the '
       'second look')
quick.check_log()

# nor is an upload held that waits for its own end, by a document or by the
# bytes: once one was, when a filter of nginx said "again" of what it had sent

HELD_AT_ONCE = 64
begun = time.monotonic()
held, odd = [], []


def wait_of(n):
    headers = {'Content-Type': 'image/png', 'Prefer': 'wait=30'}

    if n % 2:
        headers['Accept'] = 'image/*'

    with nginx.client() as client:
        answer = client.request('POST', '/w/', picture(n + 400000), headers)

    heard = time.time()

    if answer.status != 200:
        odd.append(answer)
        return

    document = nginx.get('/w/' + answer.headers['X-Job']).json
    held.append(heard - datetime.datetime.fromisoformat(
        document['finished_at'].replace('Z', '+00:00')).timestamp())


parallel(wait_of, range(10 * HELD_AT_ONCE), HELD_AT_ONCE)
tap.is_(odd[:5], [], '%d uploads, %d at once, each waits for its own end'
        % (10 * HELD_AT_ONCE, HELD_AT_ONCE))
tap.note('%.1f s; heard of it after %.1f ms (median), %.1f ms (last)'
         % (time.monotonic() - begun, 1000 * sorted(held)[len(held) // 2],
            1000 * max(held)))
tap.ok(max(held) < 15 * SLOW, 'none is held longer than that takes')
quick.check_log()

# no descriptors: refused, nobody spins, all is well again as soon as possible

nginx.allow_log('24: Too many open files', 'accept4', 'more than allowed')
limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE)
          for pid in nginx.workers()}
before = quick.held()
load = Load(nginx, '/p/', pictures(300, first=700000), rate=100, threads=32,
            timeout=60)
wait_for(lambda: len(load.accepted) > 40)

for pid, (_, hard) in limits.items():
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (16, hard))

started, ticks = time.monotonic(), cpu(nginx.workers())
time.sleep(2)
share = (cpu(nginx.workers()) - ticks) / os.sysconf('SC_CLK_TCK') \
    / (time.monotonic() - started)

for pid, limit in limits.items():
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)

tap.ok(nginx.logged('Too many open files'), 'there were too few descriptors')
tap.ok(share < 0.8, 'which cost %.0f %% of a processor' % (100 * share))
answer = wait_for(lambda: nginx.get('/static').status == 200)
tap.ok(answer, 'after that it serves again')
load.join()
quick.check(load, '24: Too many open files')
quick.check_left(before)

# few connections: uploads wait or are closed, jobs end

few = Trial(ms=100, workers=1, start=False, concurrency=16)
nginx = few.nginx
with open(nginx.config) as file:
    text = file.read()
with open(nginx.config, 'w') as file:
    file.write(text.replace('worker_connections 4096', 'worker_connections 32'))
nginx.allow_log('worker_connections are not enough')
nginx.start()
few.warm(4)
before = few.held()
load = Load(nginx, '/p/', pictures(150, first=800000), threads=40,
            again=(500, 503), timeout=60).join()
few.check(load, 'worker_connections are not enough')
few.check_left(before)
tap.done()
