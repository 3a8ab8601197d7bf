#!/usr/bin/env python3

# What strangers try: other people's jobs, paths, headers, pages in pictures,
# forms and pictures that are bombs.  S1 to S6, S11 to S13 and S15 of the
# threat table.

import json
import os
import re
import socket
import struct
import time
import urllib.parse
import zlib

from imgp import (BOUNDARY, Model, Nginx, SLOW, multipart, parallel, sample,
                  tap, wait_for)
from pictures import chunk, png, png_of, segments, unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline own {
        param text none ~.*;
        stage a { resize 30; }
        stage b { post http://%%MODEL%%/delay/200/status/400; }
        outputs a;
    }

    image_pipeline pictures {
        max_pixels 64m;
        accept image/*;
        stage a { resize 500; }
        stage b { encode auto; }
        outputs a b;
    }

    image_pipeline send {
        param text none ~(?s).*;
        stage a { post http://%%MODEL%%/echo; header X-Text "a $param_text"; }
    }

    image_pipeline form {
        param text none ~(?s).*;
        stage a { post http://%%MODEL%%/echo;
                  send multipart file text=$param_text; }
    }

    image_pipeline any {
        accept */*;
        stage a { post http://%%MODEL%%/echo; send multipart file; }
    }
"""

SERVER = """
    location /own/ {
        image_pipeline_pass own;
        image_pipeline_owner $http_x_user;
    }

    location /pictures/ { image_pipeline_pass pictures; }
    location /send/ { image_pipeline_pass send; }
    location /form/ { image_pipeline_pass form; }
    location /any/ { image_pipeline_pass any; }
"""

SCRIPT = b'<script>alert("imgp")</script>'


def answers_of(user, job):
    """Status of the verbs that touch a job; the one that ends it last."""

    headers = {} if user is None else {'X-User': user}

    return [nginx.request(method, '/own/' + job + more, None, headers)
            for method, more in (('GET', ''), ('GET', '/a'), ('GET', '/a/0'),
                                 ('GET', '?wait=1&since=999'),
                                 ('POST', '/retry'), ('DELETE', ''))]


def owners():
    answer = nginx.post('/own/', unique_png(1, 64, 64), x_user='me')
    job = answer.json['id']
    wait_for(lambda: nginx.get('/own/%s' % job, x_user='me')
             .json['status'] == 'failed')

    for user in 'you', None, '', 'ME', 'me ' * 40, 'me\0'[:2] + '1':
        answers = answers_of(user, job)
        tap.is_({a.status for a in answers}, {404},
                'six verbs of %r, who is not the owner' % user)
        never = answers_of(user, '0' * 26)
        tap.is_([a.body for a in answers], [a.body for a in never],
                '... as if there were no such job')

    tap.is_([a.status for a in answers_of('me', job)],
            [200, 200, 200, 200, 202, 200], 'and the owner')

    nobody = nginx.post('/own/', unique_png(2, 64, 64)).json['id']
    tap.is_(nginx.get('/own/' + nobody).status, 200, 'a job of nobody')
    tap.is_(nginx.get('/own/' + nobody, x_user='me').status, 404,
            '... is nobody else\'s')

    one = nginx.post('/own/', unique_png(3, 64, 64), x_user='me')
    two = nginx.post('/own/', unique_png(3, 64, 64), x_user='you')
    tap.ok(one.json['id'] != two.json['id'], 'two owners of one picture')
    tap.is_(nginx.get('/own/' + two.json['id'], x_user='me').status, 404,
            '... each sees his own')


def ids():
    answers = parallel(lambda n: nginx.post('/pictures/', unique_png(7)),
                       range(300), 8)
    found = [a.json['id'] for a in answers]
    tap.is_(len(set(found)), 300, '300 ids differ')
    tap.is_([i for i in found if not re.fullmatch('[0-9a-v]{26}', i)], [],
            '... 26 characters of 0-9a-v')

    # 128 bits in 130: of every one both values must be common

    bits = [format(int(i, 32), '0130b') for i in found]
    counts = [sum(b[n] == '1' for b in bits) for n in range(130)]
    free = [c for c in counts if 90 < c < 210]
    tap.is_((len(free), sorted(c for c in counts if c not in free)),
            (128, [0, 0]), '... of 128 bits that are random')


def paths():
    job = nginx.post('/pictures/', unique_png(20, 60, 60)).json['id']
    nginx.finish('/pictures/' + job)
    marker = os.path.join(nginx.dir, 'marker')

    with open(marker, 'w') as out:
        out.write('imgp-marker')

    tried = []

    for name in ('../../marker', '..%2f..%2fmarker', '%2e%2e/%2e%2e/marker',
                 '..', '.', 'a/../../marker', 'a%00', 'a%00/0', 'a%2f0',
                 '%61/../a/..%2f0', 'a/0/..', '/etc/passwd', '%2fetc%2fpasswd',
                 'a/0%2f..', '....//marker', '..%5c..%5cmarker',
                 '..;/marker', 'a%0d%0aX-Evil:%201', 'a/0%0aX-Evil:1',
                 'a' * 3000, '%c0%ae%c0%ae/marker', 'upload', 'upload/0',
                 'a/+0', 'a/0x0', 'a/%30%00', '*', '?', '~', '%', '%zz'):
        got = nginx.raw(b'GET /pictures/%s/%s HTTP/1.1\r\nHost: x\r\n'
                        b'Connection: close\r\n\r\n'
                        % (job.encode(), name.encode()))
        head, _, body = got.partition(b'\r\n\r\n')
        status = int(head[9:12] or 0)
        tried.append((name[:40], status))

        if b'imgp-marker' in body or b'X-Evil' in head or b'root:' in body \
                or status >= 500:
            tap.ok(False, 'path %r: %r' % (name, got[:200]))

    # nginx decodes before anybody sees it: these are /a/0, the description
    # and a job

    fine = {name for name, status in tried if status == 200}
    tap.is_(fine - {'a%2f0', '..', '?'}, set(),
            'of %d paths none leads elsewhere' % len(tried))

    before = entries()

    for name in ('../../../x.png', '/etc/cron.d/x', '..\\..\\x', 'x\0.png',
                 'x"; filename*="y', 'a\r\nX-Evil: 1', 'C:\\x', '.htaccess',
                 'x' * 900, '%2e%2e%2fx', "'; rm -rf /", '<svg/onload=1>',
                 '\u202e.png', '|id', '`id`', '$(id)'):
        body, headers = multipart(unique_png(21 + len(before)), 'image/png')
        body = body.replace(b'filename="f"', b'filename="%s"'
                            % name.encode('utf-8', 'surrogateescape'))
        answer = nginx.request('POST', '/pictures/', body, headers)

        if answer.status not in (200, 202, 400):
            tap.ok(False, 'file name %r: %r' % (name, answer))

    odd = [e for e in entries() - before
           if not re.fullmatch(r'(blobs|results|jobs|done|idem|tmp)'
                               r'(/[0-9a-v]{1,2})?(/[0-9a-v]+)?', e)]
    tap.is_(odd, [], 'names of files make no names of ours')
    tap.is_([e for e in os.listdir(nginx.dir) if e in ('x.png', 'x')], [],
            '... nor any outside of the store')


def entries():
    return {os.path.relpath(os.path.join(where, name), nginx.store)
            for where, dirs, names in os.walk(nginx.store)
            for name in dirs + names}


EVIL = ('a\r\nX-Evil: 1', 'a\nX-Evil: 1', 'a\rX-Evil: 1', 'a\0b', '\x7f',
        '\u560a\u560dX-Evil: 1', '"}],"x":[{"', '</script>', '\\', '\x1b[31m',
        '%0d%0aX-Evil: 1', '${jndi:x}', '\x85X-Evil: 1', '\u2028', '\ud83d'
        .encode('utf-16', 'surrogatepass').decode('utf-16', 'replace'))


def injected_params():
    for text in EVIL:
        query = urllib.parse.quote(text.encode('utf-8', 'surrogatepass'),
                                   safe='')
        got = nginx.raw(b'POST /own/?text=%s HTTP/1.1\r\nHost: x\r\n'
                        b'Connection: close\r\nContent-Length: %d\r\n\r\n%s'
                        % (query.encode(), len(png(9, 9)), png(9, 9)))
        head, _, body = got.partition(b'\r\n\r\n')

        if b'\r\nX-Evil' in head or b'\nX-Evil' in head \
                or not re.match(rb'HTTP/1.1 (202|200|422) ', head):
            tap.ok(False, 'param %r: %r' % (text, got[:300]))
            continue

        if b'"params"' in body and text.isprintable():
            document = json.loads(body)
            tap.is_(document['params']['text'], text,
                    'param %r comes back as JSON' % text)
        else:
            json.loads(body)

    tap.ok(True, '%d params break no header and no JSON' % len(EVIL))

    for text in EVIL[:5]:
        model.forget()
        query = urllib.parse.quote(text)
        answer = nginx.post('/send/?text=' + query, unique_png(len(text)))

        if answer.status == 202:
            document = nginx.finish(answer.headers['Location'])
            tap.is_((document['status'], document['error']['type']),
                    ('failed', 'urn:image-pipeline:bad-param'),
                    'a param %r is not put into a header' % text)
        else:
            tap.is_(answer.status, 422, 'a param %r is refused' % text)

        tap.is_(model.peak()['total'], 0, '... no call is made')

        answer = nginx.post('/form/?text=' + query, unique_png(len(text)))

        if answer.status == 202:
            nginx.finish(answer.headers['Location'])
            last = model.last()
            tap.is_((list(last['fields']), 'x-evil' in last['headers']),
                    (['file', 'text'], False), '... in a form it is a value')


def injected_headers():
    body = png(9, 9)

    for name in ('Idempotency-Key', 'Repr-Digest', 'Prefer', 'Accept',
                 'If-None-Match', 'Content-Type', 'X-Request-Id'):
        for value in ('a\r X-Evil: 1', '\x01\x02', '"' * 500, '\xff\xfe',
                      'x' * 6000, '=?;,:' * 200, ''):
            got = nginx.raw(b'POST /pictures/ HTTP/1.1\r\nHost: x\r\n'
                            b'%s: %s\r\nConnection: close\r\n'
                            b'Content-Length: %d\r\n\r\n%s'
                            % (name.encode(), value.encode('latin-1'),
                               len(body), body))

            if not re.match(rb'HTTP/1.1 (200|202|400|415|422) ', got) \
                    or b'X-Evil' in got.partition(b'\r\n\r\n')[0]:
                tap.ok(False, 'header %s %r: %r' % (name, value[:20],
                                                    got[:200]))

    tap.ok(True, '49 header fields harm nothing')
    tap.is_(len(nginx.workers()), nginx.nworkers, 'all workers live')


def polyglots():
    jpeg = sample()
    comment = b'\xff\xfe' + struct.pack('>H', len(SCRIPT) + 2) + SCRIPT
    kinds = {
        'a comment of a JPEG': jpeg[:2] + comment + jpeg[2:],
        'an APP1 of a JPEG': jpeg[:2] + b'\xff\xe1'
        + struct.pack('>H', len(SCRIPT) + 8) + b'Exif\0\0' + SCRIPT
        + jpeg[2:],
        'behind a JPEG': jpeg + SCRIPT,
        'a text of a PNG': png(50, 50, extra=chunk(b'tEXt',
                                                   b'Comment\0' + SCRIPT)),
        'a chunk of a PNG': png(50, 50, extra=chunk(b'ruSt', SCRIPT)),
        'behind a PNG': png(50, 50) + SCRIPT,
        'a profile of a PNG': png(50, 50, extra=chunk(
            b'iCCP', b'x\0\0' + zlib.compress(SCRIPT))),
    }

    for name, data in kinds.items():
        answer = nginx.post('/pictures/', data, prefer='wait=20')
        document = answer.json
        tap.is_(document['status'], 'succeeded', 'a script in ' + name)

        for stage in 'a', 'b':
            for item in document['outputs'].get(stage, []):
                got = nginx.get(item['url'])
                tap.ok(b'<script' not in got.body
                       and got.headers['Content-Type'] in ('image/png',
                                                           'image/jpeg')
                       and got.headers['X-Content-Type-Options'] == 'nosniff',
                       '... is not in output ' + stage)

    for data, kind in ((b'<html>' + SCRIPT + b'</html>', 'text/html'),
                       (b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT
                        + b'</svg>', 'image/svg+xml'),
                       (b'%PDF-1.4\n', 'application/pdf'),
                       (b'GIF89a/*' + SCRIPT, 'image/gif')):
        answer = nginx.post('/pictures/', data, kind)
        tap.ok(answer.status in (415, 422) and SCRIPT not in answer.body,
               'no picture, ' + kind)

        answer = nginx.post('/any/', data, kind, prefer='wait=20')
        item = answer.status == 200 and answer.json['outputs'].get('a')

        if item:
            got = nginx.get(item[0]['url'])
            tap.is_((got.headers['X-Content-Type-Options'],
                     got.headers['Content-Security-Policy']),
                    ('nosniff', "default-src 'none'; sandbox"),
                    'where it is taken and given back, it does not run')


def metadata():
    exif = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0' \
        b'\0\0\0\0\0\0' + b'GPS-imgp-secret'
    jpeg = sample()
    data = jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif \
        + b'\xff\xed\x00\x12Photoshop-imgp!' + b'\0' \
        + b'\xff\xfe\0\x0eimgp-secret!' + jpeg[2:]
    answer = nginx.post('/pictures/', data, prefer='wait=20')
    tap.is_(answer.json['status'], 'succeeded', 'a JPEG with EXIF')

    for stage in 'a', 'b':
        item = answer.json['outputs'][stage][0]
        got = nginx.get(item['url']).body
        names = {name for name, _ in segments(got)}
        tap.is_((names & {'E1', 'ED', 'FE', 'eXIf', 'tEXt', 'zTXt', 'iTXt'},
                 b'imgp-secret' in got), (set(), False),
                'no metadata in output ' + stage)
        tap.is_((item['width'], item['height']), (281, 500),
                '... but the orientation is that of the EXIF')

    data = png(60, 40, extra=chunk(b'eXIf', exif[6:])
               + chunk(b'iTXt', b'a\0\0\0\0\0imgp-secret')
               + chunk(b'tIME', bytes(7)))
    answer = nginx.post('/pictures/', data, prefer='wait=20')

    for stage in 'a', 'b':
        item = answer.json['outputs'][stage][0]
        got = nginx.get(item['url']).body
        tap.is_({name for name, _ in segments(got)}
                & {'eXIf', 'iTXt', 'tIME', 'tEXt'}, set(),
                'nor of a PNG, output ' + stage)


def form_limits():
    boundary = BOUNDARY.encode()
    part = b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    file = b'--%s\r\nContent-Disposition: form-data; name="file"; ' \
        b'filename="f"\r\n\r\n%s\r\n--%s--\r\n' % (boundary, png(9, 9),
                                                   boundary)
    kind = {'Content-Type': 'multipart/form-data; boundary=' + BOUNDARY}

    for name, body, codes in (
            ('10000 fields', b''.join(part % (boundary, b'f%d' % n, b'x')
                                      for n in range(10000)) + file,
             {400, 413, 422}),
            ('a name of 1 MB', part % (boundary, b'n' * (1 << 20), b'x')
             + file, {400, 413, 422}),
            ('a param of 1 MB', part % (boundary, b'text', b'v' * (1 << 20))
             + file, {400, 413, 422}),
            ('a header of 1 MB', b'--%s\r\nX-A: %s\r\n' %
             (boundary, b'h' * (1 << 20)) + file[len(boundary) + 4:],
             {400, 413, 422}),
            ('1000 header lines', b'--%s\r\n%s' %
             (boundary, b'X-A: b\r\n' * 1000) + file[len(boundary) + 4:],
             {400, 413, 422}),
            ('no part', b'--%s--\r\n' % boundary, {400}),
            ('a preamble of 4 MB', bytes(4 << 20) + b'\r\n' + file,
             {400, 413, 422}),
            ('boundaries alone', (b'--%s\r\n' % boundary) * 5000,
             {400, 413, 422})):
        answer = nginx.request('POST', '/form/', body, kind)
        tap.ok(answer.status in codes, 'a form with %s: %d' % (name,
                                                               answer.status))

    for boundary in 'x' * 71, 'x' * 6000, '', '"', 'a b\t', '\x7f':
        answer = nginx.request('POST', '/form/', file, {
            'Content-Type': 'multipart/form-data; boundary="%s"' % boundary})
        tap.is_(answer.status, 400, 'boundary %r' % boundary[:20])


def bombs():
    """Refused from the header, or failed, fast and without the memory."""

    workers = nginx.workers()
    base = max(peak_of(pid) for pid in workers)
    wide = png_of(60000, 60000, zlib.compress(bytes(1 << 20)), 6)
    answer, took = timed(nginx.post, '/pictures/', wide)
    tap.is_((answer.status, took < 10 * SLOW), (422, True),
            'a PNG of 60000x60000 in %d bytes' % len(wide))

    # as many pixels as are allowed, without the bytes for them

    few = zlib.compress(bytes(100))
    answer, took = timed(nginx.post, '/pictures/', png_of(8000, 8000, few, 2),
                         prefer='wait=30')
    tap.is_(answer.json['status'], 'failed', 'a PNG that ends too early')
    tap.ok(took < 20 * SLOW, '... in %.2f s' % took)

    # a profile and a text that are small until they are unpacked

    squeezed = zlib.compress(bytes(200 << 20), 9)
    data = png(50, 50, extra=chunk(b'iCCP', b'x\0\0' + squeezed)
               + chunk(b'zTXt', b'x\0\0' + squeezed))
    answer, took = timed(nginx.post, '/pictures/', data, prefer='wait=30')
    tap.ok(answer.status == 200 and took < 20 * SLOW,
           'a PNG with 200 MB of zeros beside its pixels: %s, %.2f s'
           % (answer.json['status'], took))

    # more rows than the header tells

    long_ = zlib.compress(bytes(100 << 20), 9)
    answer, took = timed(nginx.post, '/pictures/', png_of(50, 50, long_),
                         prefer='wait=30')
    tap.ok(answer.status == 200 and took < 20 * SLOW,
           'a PNG with 100 MB too many: %s, %.2f s' % (answer.json['status'],
                                                       took))

    # the same scan, again and again

    jpeg = sample()
    scans = progressive_bomb(4000)
    answer, took = timed(nginx.post, '/pictures/', scans, prefer='wait=30')
    tap.ok(answer.status in (200, 422) and took < 20 * SLOW,
           'a progressive JPEG of 4000 scans: %.2f s' % took)

    if answer.status == 200:
        tap.is_(answer.json['status'], 'failed', '... is given up')

    grown = max(peak_of(pid) for pid in workers) - base
    tap.ok(grown < (160 << 20) * SLOW,
           'all of it grew a worker by %d MB at most' % (grown >> 20))
    tap.is_(nginx.post('/pictures/', jpeg, prefer='wait=30').json['status'],
            'succeeded', 'and others go on')
    tap.is_(nginx.workers(), workers, '... by the same workers')


def progressive_bomb(scans):
    """2000x2000, one component, scans that tell nothing new."""

    quant = b'\xff\xdb\0\x43\0' + bytes([1] * 64)
    frame = b'\xff\xc2\0\x0b\x08' + struct.pack('>HH', 2000, 2000) \
        + b'\x01\x01\x11\0'
    # a code of one bit for category 0
    huffman = b'\xff\xc4\0\x14\0\x01' + bytes(15) + b'\0'
    huffman += b'\xff\xc4\0\x14\x10\x01' + bytes(15) + b'\0'
    first = b'\xff\xda\0\x08\x01\x01\0\0\0\0' + bytes(250 * 250 // 8 + 1)
    more = b'\xff\xda\0\x08\x01\x01\0\x01\x3f\0' + bytes(250 * 250 // 8 + 1)
    return b'\xff\xd8' + quant + frame + huffman + first + more * scans \
        + b'\xff\xd9'


def peak_of(pid):
    """The most memory that it ever had."""

    with open('/proc/%d/status' % pid) as file:
        return 1024 * int(re.search(r'VmHWM:\s+(\d+)', file.read()).group(1))


def timed(function, *arguments, **named):
    began = time.monotonic()
    answer = function(*arguments, **named)
    return answer, time.monotonic() - began


def slow_headers():
    """Clients that dawdle hold nothing but their connection."""

    held = []

    for n in range(100):
        one = socket.create_connection(('127.0.0.1', nginx.port))
        one.sendall(b'POST /pictures/ HTTP/1.1\r\nHost: x\r\n'
                    b'Content-Length: 100000\r\n\r\n' + png(9, 9)[:20])
        held.append(one)

    began = time.monotonic()
    answer = nginx.post('/pictures/', sample(), prefer='wait=20')
    tap.is_((answer.status, answer.json['status']), (200, 'succeeded'),
            'an upload while 100 dawdle')
    tap.ok(time.monotonic() - began < 15 * SLOW, '... as fast as ever')

    for one in held:
        one.close()


model = Model()
nginx = Nginx(SERVER, workers=2, http=HTTP, MODEL=model.address)
nginx.start()

owners()
ids()
paths()
injected_params()
injected_headers()
polyglots()
metadata()
form_limits()
slow_headers()
bombs()

tap.is_(nginx.logged('imgp-secret|imgp-marker'), [], 'nothing of it is logged')
tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
