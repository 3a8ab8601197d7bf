#!/usr/bin/env python3

# Uploads for which one request and one answer are not enough: answers that
# must come before the body does, HTTP/2, Idempotency-Key, a full queue, a full
# zone, clients that go away, the access log.

import hashlib
import os
import re
import socket
import subprocess
import time

from imgp import (Model, Nginx, SLOW, free_port, multipart, parallel, sample,
                  tap, wait_for)
from pictures import padded, png, png_of, unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:2m sync=off;
    image_pipeline_threads image;
    log_format jobs '$status [$image_pipeline_job] [$image_pipeline_status] '
                    '[$image_pipeline_cache] [$image_pipeline_digest]';

    image_pipeline p {
        accept image/jpeg image/png;
        max_pixels 8m;
        param size small small|large;
        stage small { resize 64; }
    }

    image_pipeline any {
        accept */*;
        stage same { when $param_never; resize 64; }
        param never off off;
    }

    image_pipeline slow {
        concurrency 1;
        queue 2;
        stage hang { post http://%%MODEL%%/hang; timeout 60s; }
    }

    image_pipeline many {
        concurrency 1;
        queue 100000;
        stage hang { post http://%%MODEL%%/hang; timeout 60s; }
    }

    server {
        listen 127.0.0.1:%%H2%% http2;
        client_max_body_size 20m;
        location /p/ { image_pipeline_pass p; }
    }
"""

SERVER = """
    location /p/ {
        client_max_body_size 20m;
        image_pipeline_pass p;
        access_log %%DIR%%/jobs.log jobs;
    }

    location /any/ { image_pipeline_pass any; }

    location /own/ {
        image_pipeline_pass p;
        image_pipeline_owner $http_x_owner;
    }

    location /slow/ { image_pipeline_pass slow; }
    location /many/ { image_pipeline_pass many; }
"""

GIF = b'GIF89a\x01\0\x01\0\x80\0\0'


def problem(answer, status, name, text):
    """One answer of application/problem+json."""

    found = answer.headers.get('Content-Type') == 'application/problem+json' \
        and answer.json

    return tap.is_((answer.status, found and found.get('type')),
                   (status, 'urn:image-pipeline:' + name), text)


class Connection:
    """A request written piece by piece, and what comes meanwhile."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(('127.0.0.1', port),
                                               timeout * SLOW)

    def send(self, data):
        self.socket.sendall(data)

    def head(self, uri, *headers):
        self.send('\r\n'.join(['POST %s HTTP/1.1' % uri, 'Host: localhost',
                               *headers, '', '']).encode())

    def answer(self):
        """What is there up to the end of one answer, or None in time."""

        got = b''

        try:
            while piece := self.socket.recv(65536):
                got += piece
                head, found, body = got.partition(b'\r\n\r\n')
                length = re.search(rb'Content-Length: (\d+)', head)

                if found and length and len(body) >= int(length[1]):
                    break
        except (socket.timeout, ConnectionError):
            return got or None

        return got

    def rest(self):
        """All that comes until it closes, or nothing comes any more."""

        got = b''
        self.socket.settimeout(1)

        try:
            while piece := self.socket.recv(65536):
                got += piece
        except (socket.timeout, ConnectionError):
            pass

        return got

    def close(self):
        self.socket.close()


def early(name, status, headers, start, uri='/p/'):
    """The answer comes though most of the body never did."""

    connection = Connection(nginx.port)
    connection.head(uri, *headers)
    connection.send(start)
    began = time.monotonic()
    got = connection.answer()
    tap.is_((got or b'')[:12], b'HTTP/1.1 %d' % status,
            name + ' is told before the body is sent')
    tap.ok(time.monotonic() - began < 15 * SLOW, '... and at once')
    connection.close()


def early_answers():
    length = 'Content-Length: 10000000'
    form, headers = multipart(b'', 'image/jpeg')
    head = form.partition(b'\r\n--')[0]
    kind = 'Content-Type: ' + headers['Content-Type']
    large = png_of(4000, 3000, b'x' * 1000)[:800]

    early('a wrong type', 415, [length], GIF + bytes(200))
    early('a wrong type in a form', 415, [length, kind],
          head + GIF + bytes(200))
    early('too many pixels', 422, [length], large)
    early('too many pixels in a form', 422, [length, kind], head + large)
    early('too many pixels, chunked,', 422, ['Transfer-Encoding: chunked'],
          b'320\r\n' + large[:800] + b'\r\n')
    early('too many bytes', 413, ['Content-Length: 20971521'], b'')
    early('a bad param of the query', 422, [length], b'', '/p/?size=no')
    early('a bad param of a form', 422, [length, kind],
          multipart(b'', size='no')[0].partition(b'filename=')[0])
    early('a malformed Repr-Digest', 400, [length, 'Repr-Digest: sha-256=:?:'],
          b'')


def nothing_smuggled():
    """The rest of a refused body is no request, nor is one not read at all."""

    body = GIF + bytes(200) + b'\r\n\r\nGET /p/ HTTP/1.1\r\nHost: x\r\n' \
        b'\r\n' + bytes(20000)
    inner = body[body.index(b'GET'):]

    for uri, status, sent, data in (
            ('/p/', 415, 100, body), ('/p/', 415, 0, body),
            ('/p/?size=no', 422, 0, inner), ('/p/?size=no', 422, 40, inner),
            ('/p/' + '0' * 26, 405, 0, inner),
            ('/p/' + '0' * 26 + '/retry', 404, 0, inner)):
        connection = Connection(nginx.port)
        head = b'POST %s HTTP/1.1\r\nHost: localhost\r\n' \
            b'Content-Length: %d\r\n\r\n' % (uri.encode(), len(data))
        first = b''

        if sent:
            connection.send(head + data[:sent])
            first = connection.answer()
            connection.send(data[sent:])
        else:
            connection.send(head + data)

        got = first + connection.rest()
        connection.close()
        tap.is_((got[9:12], got.count(b'HTTP/1.1 ')),
                (b'%d' % status, 1), 'a body that is refused, %d bytes early: '
                'one answer' % sent)


def slow_pieces():
    """A client that sends byte by byte does not stop another."""

    data = sample()
    slow = Connection(nginx.port)
    slow.head('/p/', 'Content-Length: %d' % len(data))

    for i in range(20):
        slow.send(data[i:i + 1])

    tap.is_(nginx.post('/p/', png(9, 8)).status, 202,
            'another upload while one is slow')

    for i in range(20, 60):
        slow.send(data[i:i + 1])

    slow.send(data[60:])
    tap.ok(b' 202 ' in slow.answer()[:20], 'the slow one is taken at its end')
    slow.close()


def large():
    for size in (1 << 20) + 1, 9 * 1000 * 1000, 20 << 20:
        data = padded(unique_png(size), size)
        answer = nginx.post('/p/', data, 'image/png')
        document = answer.json
        tap.is_((answer.status, document['input']['bytes'],
                 document['input']['digest']),
                (202, size, 'sha-256:' + hashlib.sha256(data).hexdigest()),
                '%d bytes' % size)
        tap.is_(nginx.finish(answer.headers['Location'])['status'],
                'succeeded', '... and their job')

    body, headers = multipart(padded(png(7, 7), 5 << 20), 'image/png',
                              size='large')
    answer = nginx.request('POST', '/p/', body, headers)
    tap.is_((answer.status, answer.json['input']['bytes']), (202, 5 << 20),
            '5 MB in a form')

    answer = nginx.post('/p/', bytes((20 << 20) + 1))
    problem(answer, 413, 'too-large', 'one byte more than 20 MB')

    chunked = Connection(nginx.port)
    chunked.head('/p/', 'Transfer-Encoding: chunked', 'Connection: close')
    piece = padded(png(5, 5), 1 << 20)
    sent = 0

    try:
        for n in range(64):
            chunked.send(b'100000\r\n' + (bytes(1 << 20) if n else piece)
                         + b'\r\n')
            sent += 1
    except OSError:
        pass

    got = chunked.rest()
    chunked.close()
    tap.ok(sent < 64 or b' 413 ' in got[:20],
           'chunks without end are stopped')
    wait_for(lambda: not left_over())
    tap.is_(left_over(), [], 'nothing is left of those refused')


def left_over():
    """Files of the store that are being written, and nginx's own."""

    return [path for path in files() if path.startswith(nginx.store + '/tmp/')
            ] + nginx.temp_files()


def files():
    return [os.path.join(where, name)
            for where, _, names in os.walk(nginx.store) for name in names]


def gone():
    """Clients that leave in the middle: before, while and after writing."""

    base = nginx.descriptors()

    for sent in 0, 10, 3000, 300 * 1000, 4000 * 1000:
        data = padded(png(6, 6), 5000 * 1000)
        client = Connection(nginx.port)
        client.head('/p/', 'Content-Length: %d' % len(data))
        client.send(data[:sent])
        client.close()

    wait_for(lambda: not left_over() and nginx.descriptors() <= base)
    tap.is_(left_over(), [], 'clients that left leave no files')
    tap.ok(nginx.descriptors() <= base, 'and no descriptors')


def curl(*more, body=None):
    """(status, body) over HTTP/2."""

    done = subprocess.run(['curl', '-sS', '--http2-prior-knowledge',
                           '--max-time', '20', '-w', r'\n%{http_code} '
                           '%{http_version}', *more],
                          input=body, stdout=subprocess.PIPE)
    text, _, status = done.stdout.rpartition(b'\n')
    return status.decode(), text


def http2():
    url = 'http://127.0.0.1:%d/p/' % nginx.values['H2']
    version = subprocess.run(['curl', '-V'], stdout=subprocess.PIPE)

    if b'HTTP2' not in version.stdout:
        tap.skip('HTTP/2', 'this curl does not speak it')
        return

    status, text = curl('--data-binary', '@-', '-H', 'Prefer: wait=10', url,
                        body=sample())
    tap.is_(status, '200 2', 'HTTP/2: an upload and its end')
    tap.ok(b'"status":"succeeded"' in text, '... the job succeeded')

    status, text = curl('-T', '-', '-X', 'POST', url, body=png(11, 11))
    tap.is_(status, '202 2', 'HTTP/2: a body without a length')

    status, text = curl('--data-binary', '@-', url,
                        body=padded(unique_png(1), 9 << 20))
    tap.is_(status, '202 2', 'HTTP/2: 9 MB, more than any window')
    tap.ok(b'"bytes":%d' % (9 << 20) in text, '... all of them')

    path = os.path.join(nginx.dir, 'picture')

    with open(path, 'wb') as out:
        out.write(padded(unique_png(2), 3 << 20))

    status, text = curl('-F', 'size=large', '-F', 'file=@' + path, url)
    tap.is_(status, '202 2', 'HTTP/2: a form')
    tap.ok(b'"size":"large"' in text, '... with its param')

    status, text = curl('--data-binary', '@-', url, body=b'')
    tap.is_(status, '400 2', 'HTTP/2: an empty body')

    status, text = curl('-X', 'POST', url)
    tap.is_(status, '400 2', 'HTTP/2: no body')

    status, text = curl('--data-binary', '@-', url, body=GIF + bytes(99))
    tap.is_(status, '415 2', 'HTTP/2: a wrong type')

    big = GIF + bytes(15 << 20)
    began = time.monotonic()
    status, text = curl('--data-binary', '@-', url, body=big)

    # the stream is reset behind the answer, and curl may be too late for it

    tap.ok(status[:3] in ('415', '000')
           and time.monotonic() - began < 15 * SLOW,
           'HTTP/2: a wrong type of 15 MB is refused at once')


def idempotency():
    def post(uri, body, key, **more):
        return nginx.post(uri, body, idempotency_key=key, **more)

    first = post('/p/', unique_png(100), '"k-1"')
    again = post('/p/', unique_png(100), '"k-1"')
    tap.is_(first.status, 202, 'a first Idempotency-Key')
    tap.is_(again.json['id'], first.json['id'], 'again: the same job')
    tap.ok(again.status in (200, 202)
           and again.headers.get('Location',
                                 again.headers.get('Content-Location'))
           == '/p/' + first.json['id'], '... which the answer names')

    nginx.finish(first.headers['Location'])
    again = post('/p/', unique_png(100), '"k-1"')
    tap.is_((again.status, again.json['status'], again.json['id']),
            (200, 'succeeded', first.json['id']), 'again, when it has ended')

    problem(post('/p/', unique_png(101), '"k-1"'), 422, 'idempotency-conflict',
            'the same key with another body')
    problem(post('/p/?size=large', unique_png(100), '"k-1"'), 422,
            'idempotency-conflict', 'the same key with other params')

    body, headers = multipart(unique_png(100), 'image/png')
    again = nginx.request('POST', '/p/', body,
                          {**headers, 'Idempotency-Key': '"k-1"'})
    tap.is_(again.json.get('id'), first.json['id'],
            'the same content in a form is the same')

    other = post('/p/', unique_png(100), '"k-2"')
    tap.ok(other.json['id'] != first.json['id'], 'another key, another job')

    other = post('/any/', unique_png(100), '"k-1"')
    tap.ok(other.status in (200, 202)
           and other.json['id'] != first.json['id'],
           'the same key in another pipeline, another job')

    mine = post('/own/', unique_png(103), '"k-3"', x_owner='me')
    yours = post('/own/', unique_png(104), '"k-3"', x_owner='you')
    tap.is_((mine.status, yours.status), (202, 202),
            'the same key of two owners')
    tap.ok(mine.json['id'] != yours.json['id'], '... two jobs')

    answers = parallel(lambda n: post('/p/', unique_png(105), '"k-5"'),
                       range(16), 16)
    taken = {a.json['id'] for a in answers if a.status in (200, 202)}
    tap.is_(len(taken), 1, 'the same key 16 times at once is one job')
    tap.is_({a.status for a in answers} - {200, 202, 503}, set(),
            '... or said to be busy with it')


def access_log():
    path = os.path.join(nginx.dir, 'jobs.log')
    open(path, 'w').close()
    body = unique_png(200)
    answer = nginx.post('/p/', body, prefer='wait=10')
    nginx.post('/p/', body)
    nginx.post('/p/?size=no', body)
    nginx.get('/p/' + answer.json['id'])
    nginx.get('/p/')

    def lines():
        with open(path) as log:
            return log.read().splitlines()

    job, digest = answer.json['id'], answer.json['input']['digest'][8:]

    # a worker may log what it answered after the next one did

    for text, line in (
            ('an upload', r'200 \[%s\] \[succeeded\] \[MISS\] \[%s\]'
             % (job, digest)),
            ('the same again', r'200 \[[0-9a-v]{26}\] \[succeeded\] \[HIT\]'
             r' \[%s\]' % digest),
            ('one refused', r'422 \[[0-9a-v-]+\] \[-\] \[-\] \[-\]'),
            ('a look', r'200 \[%s\] \[succeeded\] \[-\] \[-\]' % job),
            ('a description', r'200 \[-\] \[-\] \[-\] \[-\]')):
        tap.ok(wait_for(lambda: any(re.fullmatch(line, got)
                                    for got in lines())),
               'the log of ' + text) or tap.diag(lines())


def queue_full():
    def post(n):
        return nginx.post('/slow/', unique_png(300 + n))

    first = post(0)
    wait_for(lambda: nginx.get(first.headers['Location'])
             .json['status'] == 'running')
    more = [post(1), post(2)]
    tap.is_([a.status for a in more], [202, 202], 'two wait behind one')
    tap.is_([nginx.get(a.headers['Location']).json['queue_position']
             for a in more], [1, 2], '... and know their place')

    refused = post(3)
    problem(refused, 503, 'queue-full', 'a third does not fit')
    tap.ok(int(refused.headers.get('Retry-After', 0)) > 0,
           '... and is told when to come again')

    connection = Connection(nginx.port)
    connection.head('/slow/', 'Content-Length: 10000000',
                    'Expect: 100-continue')
    got = connection.answer()
    tap.ok(got.startswith(b'HTTP/1.1 503'), 'without a byte of its body')
    tap.ok(b'\r\nConnection: close\r\n' in got,
           '... whose place nothing else takes')
    connection.close()

    answers = parallel(lambda n: post(10 + n), range(12), 12)
    tap.is_({a.status for a in answers}, {503}, 'nor do 12 at once')

    tap.is_(nginx.delete(more[0].headers['Location']).status, 200,
            'one is canceled')
    answers = parallel(lambda n: post(30 + n), range(12), 12)
    tap.is_(sorted(a.status for a in answers), [202] + 11 * [503],
            'of 12 at once one gets its place')

    taken = [first, more[1]] + [a for a in answers if a.status == 202]

    for answer in taken:
        nginx.delete(answer.headers['Location'])

    tap.ok(wait_for(lambda: model.peak()['now'] == 0),
           'all canceled, no call goes on')


def zone_full():
    """The last test: it leaves a zone full of jobs that wait."""

    answers = []

    def fill(n):
        return nginx.post('/many/', unique_png(1000 + n))

    for start in range(0, 8000, 64):
        answers += parallel(fill, range(start, start + 64), 8)

        if any(a.status != 202 for a in answers[-64:]):
            break

    taken = [a for a in answers if a.status == 202]
    refused = [a for a in answers if a.status != 202]
    tap.note('%d jobs fit into 2 MB' % len(taken))
    tap.ok(len(taken) > 500 and refused, 'a zone gets full')
    tap.is_({a.status for a in refused}, {507}, 'and that is 507')
    problem(refused[0], 507, 'store-full', '... as a problem document')

    def known(answer):
        got = nginx.get(answer.headers['Location'])
        return got.status == 200 and got.json['status']

    states = parallel(known, taken, 8)
    tap.is_(set(states) - {'queued', 'running'}, set(),
            'none of those taken is lost')

    for answer in taken[:40]:
        nginx.delete(answer.headers['Location'])

    tap.is_(nginx.post('/many/', unique_png(1)).status, 202,
            'jobs that end make room')
    tap.is_(nginx.get(taken[0].headers['Location']).json['status'],
            'canceled', 'and can be read all the same')


model = Model()
nginx = Nginx(SERVER, http=HTTP, MODEL=model.address, H2=free_port())
nginx.start()

early_answers()
nothing_smuggled()
slow_pieces()
large()
gone()
http2()
idempotency()
access_log()
queue_full()
zone_full()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
