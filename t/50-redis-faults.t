#!/usr/bin/env python3

# Redis freezes, dies, forgets, is full, or says no: nothing that was accepted
# is lost, nobody waits for it, and all is shared again afterwards (rows F4 to
# F9, F36 of the table of faults).

import os
import signal
import statistics
import threading
import time

from imgp import SLOW, parallel, tap, wait_for
from redis import Cluster, Redis
from trial import Load, ended, picture, pictures


class Static:
    """What everybody else feels meanwhile: the slowest of many answers."""

    def __init__(self, nginx):
        self.times = []
        self.nginx = nginx
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        with self.nginx.client() as client:
            while not self.stop.wait(0.005):
                started = time.monotonic()
                client.get('/static')
                self.times.append(time.monotonic() - started)

    def p90(self):
        self.stop.set()
        self.thread.join()
        return statistics.quantiles(self.times, n=10)[-1] * 1000


def quick(times, what):
    """None has waited for Redis, whose timeout is 300 ms: a quarter of them
    were faster, however loaded the machine is."""

    times = sorted(times)
    middle = times[len(times) // 2]
    tap.ok(times[len(times) // 4] < 300 * SLOW, what)
    tap.note('%.1f ms, p95 %.1f ms' % (middle, times[len(times) * 19 // 20]))


def timed(nginx, n):
    started = time.monotonic()
    answer = nginx.post('/p/', picture(n), 'image/png')
    return answer, (time.monotonic() - started) * 1000


def finish(nginx, load, what):
    wrong = []

    def one(location):
        document, bad = ended(nginx, location, 60)

        if document['status'] != 'succeeded' or bad:
            wrong.append((location, document['status'], document['error'],
                          bad))

    parallel(one, load.accepted, 8)
    tap.is_((load.odd, wrong[:3]), ([], []), '%s: all %d jobs succeed'
            % (what, len(load.accepted)))


def shared(redis, load, what):
    """Redis knows the end of all of them."""

    def known():
        return all(redis.ask('HGET', 'ip:{jobs}:job:' + l.rpartition('/')[2],
                             's') == b'2' for l in load.accepted)

    tap.ok(wait_for(known, 60, 0.2), what + ': Redis knows all ends')
    tap.ok(wait_for(lambda: redis.ask('ZCARD', 'ip:{jobs}:leases') == 0),
           '... and no lease')


def frozen(redis, a, b):
    """F4, F5"""

    static = Static(a)
    load = Load(a, '/p/', pictures(60, first=1000), rate=15)
    wait_for(lambda: len(load.accepted) > 15)
    redis.freeze()
    answer, first = timed(a, 1)
    tap.is_((answer.status, answer.json['degraded']), (202, True),
            'frozen: the first upload is accepted here, and says so')
    tap.ok(first < 15000 * SLOW, '... after %.0f ms' % first)
    wait_for(lambda: len(a.logged('is away')) >= a.nworkers)
    quick([timed(a, 10 + n)[1] for n in range(20)], 'then at once')
    degraded = a.post('/p/', picture(2), 'image/png')
    tap.is_(a.finish(degraded.headers['Location'])['status'], 'succeeded',
            'jobs run here')
    redis.thaw()
    tap.ok(wait_for(lambda: len(a.logged('is back')) >= a.nworkers, 60),
           'it is back soon')
    load.join()
    finish(a, load, 'frozen')
    shared(redis, load, 'frozen')
    tap.ok(wait_for(lambda: b.get(degraded.headers['Location']).status == 200),
           'what was degraded is shared now')
    p90 = static.p90()
    tap.ok(p90 < 250 * SLOW, 'others felt nothing: p90 %.1f ms' % p90)


def forgets(redis, a, b, model):
    """F6, F7"""

    load = Load(a, '/p/', pictures(90, first=2000), rate=30)
    wait_for(lambda: len(load.accepted) > 20)
    redis.ask('SCRIPT', 'FLUSH')
    wait_for(lambda: len(load.accepted) > 40)
    redis.ask('FLUSHALL')
    load.join()
    tap.is_(dict(load.refused), {}, 'FLUSHALL, SCRIPT FLUSH: nobody is refused')
    shared(redis, load, 'FLUSHALL')
    finish(b, load, 'FLUSHALL')

    load = Load(a, '/p/', pictures(90, first=3000), rate=30)
    wait_for(lambda: len(load.accepted) > 30)
    redis.kill()
    redis.start()
    load.join()
    shared(redis, load, 'killed, empty again')
    finish(a, load, 'killed')


def full(redis, a, b):
    """F9: who runs waits to tell; who comes is taken by the machine alone."""

    load = Load(a, '/p/', pictures(30, first=4000), rate=60)
    wait_for(lambda: len(load.accepted) > 15)
    redis.ask('CONFIG', 'SET', 'maxmemory', '1')
    answer, _ = timed(a, 3)
    tap.is_((answer.status, answer.json['degraded']), (202, True),
            'memory used up: an upload is accepted here')
    load.join()
    time.sleep(1)
    redis.ask('CONFIG', 'SET', 'maxmemory', '0')
    started = time.monotonic()
    finish(a, load, 'memory used up')
    took = time.monotonic() - started
    tap.ok(took < 40 * SLOW, '... %.1f s after there is some' % took)
    shared(redis, load, 'memory used up')
    tap.is_(a.logged('is away'), a.logged('is away')[:len(a.logged('away'))],
            'which is not the same as being away')


def zombie(redis, a, b, model):
    """F36: a machine that was paused for longer than its leases."""

    answers = [a.post('/p/', picture(5000 + n), 'image/png')
               for n in range(6)]
    locations = [answer.headers['Location'] for answer in answers]
    pids = a.workers()

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)

    documents = parallel(lambda l: b.finish(l, 30), locations, 6)
    tap.is_([d['status'] for d in documents], 6 * ['succeeded'],
            'a machine is paused: another one ends its jobs')

    for pid in pids:
        os.kill(pid, signal.SIGCONT)

    tap.is_([a.finish(l)['status'] for l in locations], 6 * ['succeeded'],
            'it comes back')
    time.sleep(1)
    again = [b.get(l).json for l in locations]
    tap.is_(again, documents, 'nothing was written over')


def refuses():
    """fallback=off"""

    # it forgets nothing: of an empty one the other jobs would be told again

    redis = Redis('--appendonly', 'yes', '--appendfsync', 'always')
    cluster = Cluster(redis, 1, options='timeout=300ms fallback=off')
    a = cluster.nodes[0]
    location = a.post('/p/', picture(1), 'image/png').headers['Location']
    redis.kill()
    wait_for(lambda: len(a.logged('is away')) >= a.nworkers)
    answers = [timed(a, 10 + n) for n in range(20)]
    tap.is_({x.status for x, _ in answers}, {503}, 'fallback=off: refused')
    tap.ok(int(answers[0][0].headers.get('Retry-After', 0)) > 0,
           '... for a while')
    quick([t for _, t in answers], '... at once')
    unknown = a.get('/p/' + 26 * '0')
    tap.is_((unknown.status, unknown.json['type']),
            (503, 'urn:image-pipeline:store-unavailable'),
            'a job that nobody here knows: perhaps it is elsewhere')
    tap.ok('Retry-After' in unknown.headers, '... it can be asked for later')
    redis.start()
    tap.is_(a.finish(location, 30)['status'], 'succeeded',
            'what was accepted before ends when it is back')
    tap.ok(wait_for(lambda: a.get('/p/' + 26 * '0').status == 404, 40),
           'and the other one there is not')
    got = []

    def accepted():
        got.append(timed(a, 50)[0].status)
        return got[-1] in (200, 202)

    tap.ok(wait_for(accepted, 5), 'and uploads are accepted') \
        or tap.diag(got[-20:])
    tap.is_(cluster.alerts(), [], 'no alert')


redis = Redis()
cluster = Cluster(redis, 2, options='timeout=300ms')
a, b = cluster.nodes
ended(a, a.post('/p/', picture(0), 'image/png').headers['Location'])

frozen(redis, a, b)
forgets(redis, a, b, cluster.model)
full(redis, a, b)
zombie(redis, a, b, cluster.model)
tap.is_(cluster.alerts(), [], 'no alert')
refuses()
tap.done()
