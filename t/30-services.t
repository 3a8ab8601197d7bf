#!/usr/bin/env python3

# Model services: what they are sent, and whatever they may do in return.  Each
# case is a pipeline of its own, made of the tables, each of which an nginx has.

import os
import re
import socket
import subprocess
import sys
import threading
import time

from imgp import (Model, Nginx, Process, ROOT, SLOW, free_port, parallel,
                  sample, tap, wait_for)
from pictures import padded, png, png_of, size, unique_png

M = 'post http://%%MODEL%%'

STAGES = {
    'raw': M + '/echo?raw; send raw;',
    'default': M + '/echo?default;',
    'form': M + '/echo; send multipart image model=u2net '
                'size=$param_size "note=a \\"b\\" $param_size";',
    'headers': M + '/echo?headers; header X-Plain plain;'
                   'header X-Size "size ${param_size}px";'
                   'header Authorization @%%DIR%%/secret;'
                   'header User-Agent tester; header Accept image/png;',

    'hang': M + '/hang; timeout 1s;',
    'drip': M + '/drip/200; timeout 1s;',
    'dripped': M + '/drip/20; timeout 30s;',
    'driphead': M + '/driphead/100; timeout 1s;',
    'silent': 'post http://127.0.0.1:%%SILENT%%/; timeout 1s;',
    'dead': 'post http://127.0.0.1:%%DEAD%%/; timeout 5s; retry 2 20ms;',

    's500': M + '/status/500; retry 2 20ms;',
    'once': M + '/status/503?times=1&once&per=key; retry 2 20ms;',
    'later': M + '/status/429?times=1&retry_after=1&per=key; retry 1 10ms;',
    'busy': M + '/status/503?times=1&retry_after=1&busy; retry 1 10ms;',
    'date': M + '/status/503?retry_after=Wed,%2001%20Jan%202098%2000:00:00'
                '%20GMT; retry 1 10ms;',
    'none': M + '/status/500?none;',

    'three': M + '/gate/three/delay/120/echo?three;'
             'concurrency 3; timeout 60s;',
    'place': M + '/status/500?times=1&place; retry 1 4s; concurrency 1;',

    'peers': 'post http://peers/echo?peers; timeout 5s;',
    'nopeers': 'post http://nopeers/echo; timeout 5s;',
    'unix': 'post http://unix:%%SOCKET%%:/echo?unix;',
    'nounix': 'post http://unix:%%DIR%%/none:/echo;',
    'tls': 'post https://127.0.0.1:%%PORT%%/echo; timeout 5s;',
}

BODIES = {
    'garbage': M + '/garbage; retry 1 20ms;',
    'half': M + '/half; retry 1 20ms;',
    'cut': M + '/cut;',
    'empty': M + '/empty; retry 1 20ms;',
    'wrong': M + '/wrongtype;',
    'reset': M + '/reset; retry 1 20ms;',
    'close': M + '/close; retry 1 20ms;',
    'nothttp': M + '/nothttp; retry 1 20ms;',
    'redirect': M + '/redirect; retry 1 20ms;',
    'huge': M + '/huge/90000000;',
    'hugelen': M + '/huge/90000000?length=1;',
    'pixels': M + '/canned/pixels;',
    'liar': M + '/canned/liar;',
}

for code in 400, 401, 404, 405, 410, 413, 422, 301, 304, 408, 425, 429, 502:
    BODIES['c%d' % code] = M + '/status/%d; retry 1 10ms;' % code

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;
    upstream peers { server 127.0.0.1:%%DEAD%%; server %%MODEL%%;
                     server 127.0.0.1:%%DEAD%%; }
    upstream nopeers { server 127.0.0.1:%%DEAD%%; server 127.0.0.1:%%DEAD%%; }

    image_pipeline join {
        stage a { from upload; resize 20; }
        stage b { from upload a; post http://%%MODEL%%/canned/green;
                  send multipart file; }
    }
"""

PIPELINE = """
    image_pipeline %s {
        accept image/*;
        max_pixels 1m;
        param size 5 ~[0-9]+;
        stage call { %s }
        stage last { resize 20; }
        outputs call last;
    }
"""

SECRET = 'Bearer s3cret-of-the-test'
counter = iter(range(1, 1 << 20))


def server(stages, workers):
    return Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                         % (name, name) for name in [*stages, 'join']),
                 workers=workers,
                 http=HTTP + ''.join(PIPELINE % item
                                     for item in stages.items()),
                 MODEL=model.address, DEAD=free_port(),
                 SILENT=keep[0].getsockname()[1],
                 SOCKET='/tmp/imgp-test-%d.sock' % os.getpid())


def of(name):
    """The nginx that has it."""

    return strange if name in BODIES else nginx


def run(name, image=None, query=''):
    """The last document of a job of a picture that is new."""

    image = image or unique_png(next(counter), 16, 16)
    answer = of(name).post('/%s/%s' % (name, query), image)
    return of(name).finish(answer.headers['Location']) \
        if answer.status == 202 else answer.json


def call(document):
    return document['stages'][0]


def fails(name, kind, text, status=None, attempts=1, image=None):
    document = run(name, image)
    error = document['error'] or {}
    tap.is_((document['status'], error.get('type'), error.get('stage'),
             error.get('service_status'), call(document)['attempts']),
            ('failed', 'urn:image-pipeline:service-' + kind, 'call', status,
             attempts), text)
    tap.is_(document['timing']['unaccounted_ms'], 0, '... all time accounted')
    return document


def near(ms, want, text):
    """Not before, and not much later: what is not cut off takes a minute."""

    tap.ok(want * 0.8 <= ms <= want + 15000 * SLOW,
           '%s: %d ms of %d' % (text, ms, want))


def shapes():
    image = png(40, 30)
    model.forget()
    document = run('raw', image)
    last = model.last()
    headers = last['headers']
    tap.is_((document['status'], last['method'], last['target']),
            ('succeeded', 'POST', '/echo?raw'), 'a raw call')
    tap.is_((last['file_sha256'], last['length']),
            (document['input']['digest'][8:], len(image)), '... the bytes')
    tap.is_((headers.get('content-type'), headers.get('content-length')),
            ('image/png', str(len(image))), '... their type and length')
    tap.is_(headers.get('host'), model.address, '... the host')
    tap.ok(not {'expect', 'transfer-encoding', 'cookie', 'authorization'}
           & set(headers), '... and no header that nobody asked for')
    tap.ok(re.fullmatch('"[0-9a-f]{64}"', headers.get('idempotency-key', '')),
           'Idempotency-Key is the key of the stage')
    tap.ok(re.fullmatch('00-[0-9a-f]{32}-[0-9a-f]{16}-01',
                        headers.get('traceparent', '')), 'traceparent')

    run('raw', png(40, 31))
    other = model.last()['headers']
    tap.ok(other['idempotency-key'] != headers['idempotency-key']
           and other['traceparent'] != headers['traceparent'],
           'both are others for another picture')

    run('default', image)
    tap.is_(model.last()['headers'].get('content-type'), 'image/png',
            'raw is what is sent by default')

    run('form', sample(), '?size=12')
    last = model.last()
    tap.is_(last['fields'],
            {'image': '(file of %d bytes)' % len(sample()), 'model': 'u2net',
             'size': '12', 'note': 'a "b" 12'}, 'a form: file and fields')
    tap.is_((last['file_type'], last['file_length']),
            ('image/jpeg', len(sample())), '... the type of the file')
    tap.ok(last['headers']['content-type'].startswith('multipart/form-data')
           and last['headers']['content-length'] == str(last['length']),
           '... its own type and length')

    run('join', png(50, 50))
    last = model.last()
    tap.is_(list(last['fields']), ['file'], 'two inputs: all are files')
    tap.ok(last['length'] > last['file_length'] + 300, '... both are sent')

    image = padded(png(10, 10), 8 << 20)
    document = run('form', image)
    tap.is_((document['status'], model.last()['file_length']),
            ('succeeded', 8 << 20), '8 MB in a form')
    tap.ok('expect' not in model.last()['headers'],
           '... without waiting for 100')


def headers():
    run('headers', None, '?size=77')
    last = model.last()['headers']
    tap.is_([last.get(name) for name in ('x-plain', 'x-size', 'user-agent',
                                         'accept', 'authorization')],
            ['plain', 'size 77px', 'tester', 'image/png', SECRET],
            'headers: plain, with a param, replaced, a secret of a file')

    image = unique_png(next(counter))
    run('headers', image)
    calls = model.peak()['total']
    secret('Bearer another')
    nginx.reload()
    answer = nginx.post('/headers/', image)
    tap.is_((answer.status, model.peak()['total']), (200, calls),
            'another secret spoils no result')
    run('headers')
    tap.is_(model.last()['headers']['authorization'], 'Bearer another',
            '... but is sent from then on')
    tap.ok('s3cret' not in nginx.get('/headers/').body.decode()
           + str(nginx.finish(answer.headers['Content-Location'])),
           'no answer tells it')


def deadlines():
    document = fails('hang', 'timeout', 'a service that never answers')
    near(call(document)['run_ms'], 1000, 'timeout')
    tap.is_(document['error']['status'], 504, '... 504')

    document = fails('drip', 'timeout', 'one that answers too slowly',
                     status=200)
    near(call(document)['run_ms'], 1000, 'timeout of the whole')

    document = fails('driphead', 'timeout', 'one whose header is slow')
    near(call(document)['run_ms'], 1000, 'timeout of the header')

    document = fails('silent', 'timeout', 'one that takes no connection')
    near(call(document)['run_ms'], 1000, 'timeout of the connect')

    tap.is_(run('dripped')['status'], 'succeeded', 'slow, but in time')
    tap.ok(wait_for(lambda: model.peak()['now'] == 0), 'no call is left')


def statuses():
    document = fails('s500', 'busy', '500 is tried again', 500, 3)
    tap.is_((document['error']['status'], model.calls('/status/500')), (502, 3),
            '... as often as told')
    fails('none', 'busy', 'not without "retry"', 500, 1)

    document = run('once')
    tap.is_((document['status'], call(document)['attempts'],
             document['error'], document['degraded']),
            ('succeeded', 2, None, False), '503, then an answer')

    document = run('later')
    tap.is_((document['status'], call(document)['attempts']),
            ('succeeded', 2), '429 with Retry-After')
    wait = document['timing']['wait_ms']
    tap.ok(1000 <= wait <= 15000 * SLOW, '... is a lower bound: %d ms' % wait)

    place = nginx.post('/date/', unique_png(next(counter))).headers['Location']
    tap.ok(wait_for(lambda: call(nginx.get(place).json)['status']
                    == 'retrying'), 'Retry-After with a date')
    document = nginx.get(place).json
    tap.is_((document['status'], call(document)['attempts']), ('running', 1),
            '... far away: it waits')
    tap.is_(nginx.delete(place).json['status'], 'canceled',
            '... and can be canceled meanwhile')

    for code in 400, 401, 404, 405, 410, 413, 422, 301, 304:
        fails('c%d' % code, 'refused', '%d is final' % code, code)

    for code in 408, 425, 429, 502:
        fails('c%d' % code, 'busy', '%d is tried again' % code, code, 2)


def bodies():
    fails('garbage', 'reply', 'what calls itself a JPEG', 200, 2)
    fails('half', 'reply', 'an answer that ends in its middle', 200, 2,
          image=padded(unique_png(next(counter)), 300000))
    fails('empty', 'reply', 'an empty answer', 200, 2)
    fails('nothttp', 'reply', 'what is no HTTP', None, 2)
    fails('reset', 'unreachable', 'a reset', None, 2)
    fails('close', 'unreachable', 'a connection that is closed', None, 2)

    model.forget()
    fails('redirect', 'refused', 'a redirect', 302)
    tap.is_(model.calls('/echo'), 0, '... is not followed')

    image = sample()
    document = run('cut', image)
    tap.is_((document['status'], document['error']['stage'],
             document['error']['status']), ('failed', 'last', 422),
            'half a picture: the next stage cannot read it')

    document = run('wrong')
    tap.is_(document['status'], 'failed', 'a page in place of a picture')
    item = document['outputs'].get('call', [None])[0]

    if item:
        answer = strange.get(item['url'])
        tap.is_((answer.headers['X-Content-Type-Options'],
                 'sandbox' in answer.headers['Content-Security-Policy']),
                ('nosniff', True), '... is no page of ours')

    document = run('pixels')
    tap.is_((document['status'], document['error']['type'],
             document['error']['stage']),
            ('failed', 'urn:image-pipeline:too-many-pixels', 'call'),
            'too many pixels')

    document = run('liar')
    tap.is_((document['status'],
             document['outputs']['call'][0]['type']),
            ('succeeded', 'image/png'), 'the bytes tell the type')


def huge():
    model.forget()
    workers = strange.workers()
    base = max(strange.memory(pid) for pid in workers)

    for name in 'huge', 'hugelen':
        began = time.monotonic()
        fails(name, 'reply', 'an answer without end: ' + name, 200,
              image=png(10, 10))
        tap.note('%d ms' % ((time.monotonic() - began) * 1000))

    tap.ok(wait_for(lambda: model.peak()['now'] == 0), '... is broken off')
    # the C library keeps half of what imgp_work_keep() lets it, a sanitizer
    # all for a while

    more = 40 << 20 if SLOW == 1 else 512 << 20
    tap.ok(wait_for(lambda: max(strange.memory(pid) for pid in workers)
                    < base + more), '... the memory is free')


def places():
    model.forget()
    opens = threading.Thread(target=open_when_full)
    opens.start()
    documents = parallel(lambda n: run('three'), range(24), 24)
    opens.join()
    tap.is_({d['status'] for d in documents}, {'succeeded'},
            '24 jobs, a service for 3')
    tap.is_(model.peak()['peak'], 3, '3 at once in all workers, no more')
    tap.is_(model.peak()['total'], 24, '... one call each')

    model.forget()
    place = nginx.post('/place/', unique_png(next(counter))).headers['Location']
    wait_for(lambda: call(nginx.get(place).json)['status'] == 'retrying')
    document = run('place')
    tap.is_((document['status'], call(nginx.get(place).json)['status']),
            ('succeeded', 'retrying'),
            'who waits for another try leaves its place to others')
    tap.is_(nginx.finish(place)['status'], 'succeeded', '... and gets it back')


def open_when_full(pause=0):
    """Three calls are out: the gate that holds them is opened."""

    wait_for(lambda: model.peak('/gate/three/delay/120/echo')['now'] == 3)
    time.sleep(pause)                       # of those behind them
    model.open('three')


def wait_behind():
    """Time that is spent waiting for a place is none of the service."""

    model.shut('three')
    opens = threading.Thread(target=open_when_full, args=(1.5,))
    opens.start()
    documents = parallel(lambda n: run('three'), range(9), 9)
    opens.join()
    longest = max(documents, key=lambda d: call(d)['queue_ms'])
    ran, waited = call(longest)['run_ms'], call(longest)['queue_ms']
    tap.ok(100 <= ran < waited and waited >= 800,
           'run_ms of who waited: %d, queue_ms: %d' % (ran, waited))


def peers():
    nginx.post('/peers/', unique_png(next(counter)))
    documents = parallel(lambda n: run('peers'), range(8), 4)
    tap.is_({(d['status'], call(d)['attempts']) for d in documents},
            {('succeeded', 1)}, 'upstream {} with dead peers')
    fails('nopeers', 'unreachable', 'upstream {} with dead peers only')
    fails('dead', 'unreachable', 'nobody listens', None, 3)

    last = model.last
    run('peers')
    tap.is_(last()['headers']['host'], 'peers', 'the host is the name')


def connections():
    for n in range(3):
        run('raw')

    before = model.peak()['connections']
    control = 2                              # ours: before and after

    for n in range(12):
        run('raw')

    tap.ok(model.peak()['connections'] - before <= control + nginx.nworkers,
           'connections are kept')
    port = model.port
    model.end()
    fails('raw', 'unreachable', 'a service that is away')
    model.start(port)
    can()
    documents = [run('raw') for n in range(6)]
    tap.is_({(d['status'], call(d)['attempts']) for d in documents},
            {('succeeded', 1)}, 'and is back: kept connections do not matter')


def sockets():
    local = Process()
    local.spawn([sys.executable, os.path.join(ROOT, 't/fakes/model.py'),
                 '--unix', nginx.values['SOCKET']], stdout=subprocess.PIPE)
    local.process.stdout.readline()
    document = run('unix')
    tap.is_(document['status'], 'succeeded', 'a unix domain socket')
    fails('nounix', 'unreachable', 'a socket that is not there')


def secret(text):
    with open(os.path.join(nginx.dir, 'secret'), 'w') as out:
        out.write(text + '\n')


def can():
    model.can('green', png(9, 9, (0, 250, 0)), 'image/png')
    model.can('pixels', png_of(30000, 30000, b'x'), 'image/png')
    model.can('liar', png(9, 9), 'image/jpeg')


def silent():
    """A port that lets nobody connect: its queue is full."""

    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(0)
    waiting = []

    for n in range(3):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())

    return listener, waiting


model = Model()
can()
keep = silent()
nginx = server(STAGES, 4)
strange = server(BODIES, 2)
secret(SECRET)
nginx.start()
strange.start()

shapes()
headers()
deadlines()
statuses()
bodies()
huge()
places()
wait_behind()
peers()
connections()
sockets()
fails('tls', 'unreachable', 'TLS with whom it is not known')
os.unlink(nginx.values['SOCKET'])

tap.is_(nginx.logged('s3cret'), [], 'no secret is logged')
tap.is_(nginx.alerts() + strange.alerts(), [], 'nothing alarming is logged')
tap.done()
