#!/usr/bin/env python3

# Uploads to two machines on one Redis, while workers are killed and Redis is
# killed and comes back empty: every 202 ends once, with its outputs, and its
# services were not called much more often than needed.  By default some
# hundred jobs; IMGP_LONG=1 makes them 10,000.

import collections
import random
import time

from imgp import parallel, tap, wait_for
from redis import Cluster, Redis
from trial import KILLED, LONG, Load, ended, pictures

JOBS = 10000 if LONG else 240
RATE = 60 if LONG else 40
PAUSE = 1.0 if LONG else 0.6     # between two kills of a worker
EMPTY = 20 if LONG else 5        # every so many kills Redis is killed, too

random.seed(7)
redis = Redis()
cluster = Cluster(redis, 2, ms=50, retry=9,
                  options='timeout=500ms')

for node in cluster.nodes:
    node.allow_log(*KILLED)

loads = [Load(node, '/p/', pictures(JOBS // 2, first=n * JOBS), rate=RATE / 2,
              threads=4, timeout=JOBS / RATE * 6 + 60)
         for n, node in enumerate(cluster.nodes)]
kills = restarts = 0

while any(load.running for load in loads):
    started = time.monotonic()
    random.choice(cluster.nodes).kill_worker()
    kills += 1

    if kills % EMPTY == 0:
        redis.kill()
        redis.start()
        restarts += 1

    time.sleep(max(0, PAUSE - (time.monotonic() - started)))

for load in loads:
    load.join()

tap.note('%d workers and %d times Redis were killed in %.0f s' % (
    kills, restarts, time.monotonic() - loads[0].started))
locations = [l for load in loads for l in load.accepted]
tap.is_([load.odd for load in loads], [[], []], 'no odd answer')
tap.is_((len(locations), len(set(locations))), (JOBS, JOBS),
        'all %d were accepted, each as a job of its own' % JOBS)

# each is looked at where it was not uploaded

states = collections.Counter()
wrong = []


def one(item):
    n, location = item

    try:
        document, bad = ended(cluster.nodes[1 - n], location, 120)
        states[document['status']] += 1

        if bad or document['status'] != 'succeeded':
            wrong.append((location, document['status'], document['error'],
                          bad))
    except Exception as error:
        wrong.append((location, repr(error)))


started = time.monotonic()
parallel(one, [(n, l) for n, load in enumerate(loads)
               for l in load.accepted], 8)
tap.note('%.1f s until all were seen to end' % (time.monotonic() - started))
tap.is_(wrong[:3], [], 'all succeed, and have their outputs: %s'
        % dict(states))


def other():
    """Of a sample of them, what the two do not say the same of."""

    both = ([cluster.nodes[n].get(l).json for n in range(2)]
            for l in locations[::max(1, JOBS // 50)])
    return [pair for pair in both if pair[0] != pair[1]]


tap.ok(wait_for(lambda: not other(), 30, 0.5),
       'both machines say the same') or tap.diag(other()[:1])
tap.ok(wait_for(lambda: redis.ask('ZCARD', 'ip:{jobs}:leases') == 0, 30),
       'no lease is left')
tap.is_(redis.ask('KEYS', 'ip:{jobs}:queue:*'), [], 'nobody waits')

calls = sum(cluster.model.calls().values())
tap.note('%d calls of services for %d jobs of two' % (calls, JOBS))
tap.ok(2 * JOBS <= calls <= 2 * JOBS + (kills + restarts) * 40,
       'not many more calls than needed')
tap.is_(cluster.alerts(*KILLED), [], 'no alert')
tap.done()
