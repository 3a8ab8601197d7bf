#!/usr/bin/env python3

# Metrics: every name of the contract, in the format of Prometheus, counted
# over all workers and kept over a reload; and the health document.

import datetime
import os
import re
import socket
import subprocess

from imgp import Model, Nginx, ROOT, tap, wait_for
from pictures import unique_png
from shim import HOLD, Faults

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline p {
        stage a { resize 30; }
        stage b { post http://%%MODEL%%/delay/150/echo; cost 0.25; }
    }

    image_pipeline fails {
        stage b { provider one { post http://%%MODEL%%/status/503 max_fails=2
                                      fail_timeout=60s; }
                  retry 1 10ms; }
    }

    image_pipeline hang {
        concurrency 1;
        stage b { post http://%%MODEL%%/hang; timeout 10m; }
        stage a { from upload; resize 9; weight 1000; }   # all of the progress
    }
"""

SERVER = """
    image_pipeline_owner $http_x_owner;
    location /p/ { image_pipeline_pass p; }
    location /fails/ { image_pipeline_pass fails; }
    location /hang/ { image_pipeline_pass hang; }
    location = /metrics { image_pipeline_metrics; }
    location = /health { image_pipeline_health; }
"""

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)$')
counter = iter(range(1, 1 << 20))


def upload(uri, **headers):
    return nginx.post(uri, unique_png(next(counter), 64, 64), 'image/png',
                      **headers)


def scrape():
    """{(name, labels): value}, and {name: type}."""

    found, types = {}, {}

    for line in nginx.get('/metrics').body.decode().splitlines():
        if line.startswith('# TYPE '):
            types[line.split()[2]] = line.split()[3]
        elif not line.startswith('#'):
            name, labels, value = SAMPLE.match(line).groups()
            key = frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"',
                                       labels or ''))
            if (name, key) in found:
                tap.ok(False, 'twice: ' + line)
            found[name, key] = float(value)

    return found, types


def value(found, name, **labels):
    return found.get(('image_pipeline_' + name, frozenset(labels.items())))


def lasted(document):
    """In seconds."""

    began, ended = [datetime.datetime.fromisoformat(document[name].rstrip('Z'))
                    for name in ('created_at', 'finished_at')]
    return (ended - began).total_seconds()


def families():
    answer = nginx.get('/metrics')
    tap.is_((answer.status, answer.headers['Content-Type']),
            (200, 'text/plain; version=0.0.4; charset=utf-8'), 'the format')
    tap.is_(nginx.request('HEAD', '/metrics').body, b'', 'HEAD')
    tap.is_(nginx.post('/metrics', b'').status, 405, 'POST')
    types = scrape()[1]

    with open(os.path.join(ROOT, 'README.md')) as file:
        told = dict(re.findall(r'^\| `(image_pipeline_\w+)(?:\{[^`]*)?` '
                               r'\| (\w+) \|', file.read(), re.M))

    tap.is_(types, told, 'the README lists these, with their types')

    try:
        done = subprocess.run(['promtool', 'check', 'metrics'],
                              input=answer.body, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        tap.is_((done.returncode, done.stdout), (0, b''),
                'promtool finds nothing to complain of')
    except OSError:
        tap.skip('promtool', 'prometheus is not installed')


def jobs():
    one = unique_png(next(counter), 64, 64)
    answers = [nginx.post('/p/', one, 'image/png', prefer='wait=50'),
               nginx.post('/p/', one, 'image/png', prefer='wait=50'),
               upload('/p/', prefer='wait=50')]
    took = [lasted(answer.json) for answer in answers]
    found = scrape()[0]
    tap.is_([value(found, 'jobs_total', pipeline='p', status=s)
             for s in ('succeeded', 'failed', 'canceled')], [3, 0, 0],
            'jobs that succeeded')
    tap.is_([value(found, 'cache_requests_total', pipeline='p', result=r)
             for r in ('hit', 'miss', 'joined', 'bypass')], [1, 2, 0, 0],
            '... of which one was known')
    name = 'job_duration_seconds'
    tap.is_((value(found, name + '_count', pipeline='p'),
             value(found, name + '_bucket', pipeline='p', le='+Inf')),
            (3, 3), '... each with its time')
    tap.is_([value(found, name + '_bucket', pipeline='p', le=str(le))
             for le in (0.1, 0.5)],
            [sum(t <= le for t in took) for le in (0.1, 0.5)],
            '... in its bucket')
    tap.is_(value(found, name + '_sum', pipeline='p'), round(sum(took), 3),
            '... and their sum')
    buckets = [v for (n, k), v in found.items()
               if n == 'image_pipeline_%s_bucket' % name
               and ('pipeline', 'p') in k]
    tap.is_(buckets, sorted(buckets), '... which add up')
    tap.is_(value(found, 'stage_duration_seconds_count', pipeline='p',
                  stage='b'), 2, 'a stage that is known runs not')
    tap.is_(value(found, 'service_requests_total', pipeline='p', stage='b',
                  provider='', code='200'), 2, 'calls by their answer')
    tap.is_(value(found, 'cost_total', pipeline='p', stage='b', provider=''),
            0.5, '... and what they cost')
    tap.is_(value(found, 'service_requests_total', pipeline='p', stage='b',
                  provider='', code='500'), None, '... none of others')


def failing():
    place = upload('/fails/').headers['Location']
    nginx.finish(place)
    found = scrape()[0]
    who = {'pipeline': 'fails', 'stage': 'b', 'provider': 'one'}
    tap.is_(value(found, 'jobs_total', pipeline='fails', status='failed'), 1,
            'a job that failed')
    tap.is_(value(found, 'retries_total', **who), 1, '... was tried again')
    tap.is_(value(found, 'breaker_open', **who), 1, '... its breaker is open')
    answer = nginx.get('/health')
    tap.is_((answer.status, answer.json['status'],
             answer.json['breakers_open']), (200, 'degraded', 1),
            '... which is told by the health, too')


def settled(place):
    """The revision of a job of which nothing more is to be told."""

    last = [None]

    def same():
        last.append(nginx.get(place, x_owner='ann').json['revision'])
        return last[-1] == last[-2]

    wait_for(same, step=0.3)
    return last[-1]


def waiting():
    places = [upload('/hang/', x_owner='ann').headers['Location']
              for n in range(3)]
    held = []

    for uri, more in ((places[0] + '/events', ''), (places[1] + '/events', ''),
                      ('/hang/', 'Accept: text/event-stream\r\n'),
                      (places[0] + '?wait=50&since=%d', '')):
        if '%d' in uri:
            wait_for(lambda: [s['status'] for s in
                              nginx.get(places[0], x_owner='ann')
                              .json['stages']] == ['running', 'succeeded'])
            wait_for(lambda: model.peak('/hang')['now'] == 1)
            uri %= settled(places[0])
        one = socket.create_connection(('127.0.0.1', nginx.port))
        one.sendall(('GET %s HTTP/1.1\r\nHost: x\r\nX-Owner: ann\r\n%s\r\n'
                     % (uri, more)).encode())
        held.append(one)

    def kinds():
        found = scrape()[0]
        return [value(found, 'waiters', kind=k)
                for k in ('poll', 'events', 'owner')]

    wait_for(lambda: kinds() == [1, 2, 1])
    tap.is_(kinds(), [1, 2, 1], 'clients that are held')
    found = scrape()[0]
    tap.is_([value(found, 'jobs', pipeline='hang', state=s)
             for s in ('queued', 'running')], [2, 1], 'jobs by state')
    tap.ok(wait_for(lambda: value(scrape()[0], 'queue_oldest_age_seconds',
                                  pipeline='hang') > 0), 'the oldest waits')
    tap.ok(wait_for(lambda: value(scrape()[0], 'service_inflight',
                                  pipeline='hang', stage='b') == 1),
           'a call is out')
    nginx.reload()

    for one in held:
        one.close()

    tap.ok(wait_for(lambda: kinds() == [0, 0, 0]), 'they are freed')
    found = scrape()[0]
    tap.is_((value(found, 'jobs_total', pipeline='p', status='succeeded'),
             value(found, 'stage_duration_seconds_count', pipeline='p',
                   stage='a')), (3, 2), 'a reload keeps what was counted')

    for place in places:
        nginx.delete(place, x_owner='ann')

    found = scrape()[0]
    tap.is_(value(found, 'jobs_total', pipeline='hang', status='canceled'), 3,
            'jobs that were canceled')
    size, used = (value(found, 'zone_bytes', kind=k)
                  for k in ('size', 'used'))
    tap.ok(0 < used < size < 8 << 20, 'the zone: %d of %d' % (used, size))


def health():
    answer = nginx.get('/health')
    tap.is_((answer.status, answer.json['store'], answer.json['zone'],
             answer.json['redis']), (200, 'ok', 'ok', answer.json['redis']),
            'healthy')
    tap.is_(answer.headers['Cache-Control'], 'no-store', '... just now')
    tmp = os.path.join(nginx.store, 'tmp')
    os.rename(tmp, tmp + '-away')
    open(tmp, 'w').close()
    answer = nginx.get('/health')
    tap.is_((answer.status, answer.json['status'], answer.json['store']),
            (503, 'away', 'away'), 'a store that cannot be written')
    os.unlink(tmp)
    os.rename(tmp + '-away', tmp)
    tap.is_(nginx.get('/health').status, 200, '... and can again')
    tap.is_(nginx.post('/health', b'').status, 405, 'POST')


def stuck():
    """A store whose disk does not answer, for as long as we like."""

    other = Nginx(SERVER, workers=1, http=HTTP, MODEL=model.address)
    other.allow_log('the store hangs')
    faults = Faults(other)
    other.start()
    tap.is_(other.get('/health').status, 200, 'another nginx')
    faults.arm('write', HOLD)

    for text in ('a store that hangs is told', '... to the next one, too'):
        answer = other.get('/health')
        tap.is_((answer.status, answer.json['status'], answer.json['store']),
                (503, 'away', 'stuck'), text)

    tap.is_(len(other.logged('the store hangs')), 1, '... which holds no thread')
    faults.disarm()
    tap.ok(wait_for(lambda: other.get('/health').status == 200),
           '... until it is back')
    other.stop()


model = Model()
nginx = Nginx(SERVER, workers=3, http=HTTP, MODEL=model.address)
nginx.start()

families()
jobs()
health()
stuck()
failing()
waiting()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
