#!/usr/bin/env python3

# "concurrency" and "rate" of a service over three machines on one Redis: never
# more calls than that, nobody starves, a call is not a question, a killed
# machine's places come back; without Redis each machine has its own.

import time

from imgp import parallel, tap, wait_for
from redis import Cluster, Redis
from trial import kill_all, picture

MORE = """
    image_pipeline few { concurrency 50;
        stage call { post %%MODEL%%/delay/60/echo?few; concurrency 3; } }
    image_pipeline one { concurrency 50;
        stage call { post %%MODEL%%/delay/20/echo?one; concurrency 1; } }
    image_pipeline rate { concurrency 50;
        stage call { post %%MODEL%%/echo?rate; rate 10r/s; } }
    image_pipeline fast { concurrency 50;
        stage call { post %%MODEL%%/echo?fast; rate 100r/s; } }
    image_pipeline door { concurrency 50;
        stage call { post %%MODEL%%/gate/door/echo; concurrency 2;
                     timeout 1h; } }
"""

LOCATIONS = ''.join('location /%s/ { image_pipeline_pass %s; }\n' % (name, name)
                    for name in ('few', 'one', 'rate', 'fast', 'door'))

INTERVAL = {'rate': 0.1, 'fast': 0.01}
SLACK = 0.1         # of calls that are late, and do not make others late

count = 0


def pictures(n):
    global count
    count += n
    return range(count - n, count)


def post(name, n, nodes):
    """n jobs, in turn at these machines: (machine, location) of each."""

    def one(i):
        node = nodes[i % len(nodes)]
        return node, node.post('/%s/' % name, picture(i),
                               'image/png').headers['Location']

    return parallel(one, pictures(n), 12)


def finish(jobs, what):
    wrong = [d['status'] for d in
             parallel(lambda job: job[0].finish(job[1]), jobs, 12)
             if d['status'] != 'succeeded']
    tap.is_(wrong, [], what)


def called(node, name):
    """Calls that a machine has made, as it counts them."""

    start = 'image_pipeline_service_requests_total{pipeline="%s"' % name
    return sum(int(line.rpartition(' ')[2])
               for line in node.get('/metrics').body.decode().splitlines()
               if line.startswith(start))


def up(nodes):
    return all(b'image_pipeline_redis_up 1\n' in n.get('/metrics').body
               for n in nodes)


def places():
    cluster.model.forget()
    finish(post('few', 60, nodes), '60 calls of three machines')
    tap.is_(cluster.model.peak()['peak'], 3, 'three at once, not more')
    tap.ok(all(called(node, 'few') for node in nodes), 'by each of them') \
        or tap.diag([called(node, 'few') for node in nodes])

    cluster.model.forget()
    finish(post('one', 30, nodes), '30 calls, one at a time')
    tap.is_(cluster.model.peak()['peak'], 1, 'never two')
    tap.ok(wait_for(lambda: not redis.ask('KEYS', 'ip:{*}:places')),
           'nobody has places when nobody calls')


def rate(name, n):
    """The last of n calls comes as late as it has to: what is measured begins
    before the first one."""

    started = time.monotonic()
    finish(post(name, n, nodes), '%d calls of a rate' % n)
    took = time.monotonic() - started
    tap.ok(took >= (n - 1) * INTERVAL[name] - SLACK,
           'not faster than that: %.2f s' % took)


def cheap():
    """Questions are fewer than calls; how many fewer is a matter of how calls
    come, so one of a few times will do."""

    asked = {}

    def round():
        with redis.monitor() as lines:
            for name in ('few', 'fast'):
                for node, location in post(name, 40, nodes[:1]):
                    node.finish(location)

        for what in ('few/call}:places', ':rate'):
            asked[what] = len([x for x in lines
                               if ' lua]' not in x and what in x])

        return all(0 < n < 40 for n in asked.values())

    tap.ok(any(round() for _ in range(5)), '40 calls of one machine, and 40 '
           'of a high rate, are fewer questions')
    tap.note(asked)


def killed():
    a, b, c = nodes
    model = cluster.model
    model.forget()
    first = post('door', 2, [c])
    tap.ok(wait_for(lambda: model.peak()['now'] == 2),
           'a machine has both places')
    rest = post('door', 6, [a, b])
    kill_all(c)
    tap.ok(wait_for(lambda: model.peak()['now'] == 0), 'it is killed')
    tap.ok(wait_for(lambda: model.peak()['now'] == 2), 'others have its places')
    model.control('open/door', 'POST', b'')
    finish([(a, location) for _, location in first] + rest,
           'all jobs end, its own, too')
    tap.is_(model.peak()['peak'], 2, 'never more than two at once')


def away():
    a, b, _ = nodes
    redis.kill()
    jobs = post('few', 12, [a]) + post('few', 12, [b])
    finish(jobs, 'without Redis each machine goes on')
    tap.ok(cluster.model.peak()['peak'] <= 6, 'by its own limit')

    redis.start()
    tap.ok(wait_for(lambda: up((a, b))), 'Redis is back')
    cluster.model.forget()
    finish(post('few', 30, [a, b]), '30 calls of two machines')
    tap.is_(cluster.model.peak()['peak'], 3, 'three at once again')


redis = Redis()
cluster = Cluster(redis, 3, more=MORE, options='timeout=500ms',
                  locations=LOCATIONS
                  + 'location = /metrics { image_pipeline_metrics; }')
nodes = cluster.nodes

# a machine that has not found Redis yet has its own limits

wait_for(lambda: redis.ask('PUBSUB', 'NUMSUB', 'ip:wake')[1] == 6
         and up(nodes), 40)

places()
rate('rate', 25)
rate('fast', 100)
cheap()
killed()
away()
tap.is_(cluster.alerts(r'exited on signal 9'), [], 'no alert')
tap.done()
