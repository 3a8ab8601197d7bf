#!/usr/bin/env python3

# "put s3://": objects as a server stores them that checks each signature.

import hashlib
import os
import subprocess
import sys
import tempfile
import urllib.request

from imgp import Client, Nginx, Process, ROOT, free_port, tap, wait_for
from pictures import padded, png, unique_png

KEYS = 'region=eu-test-1 access_key=@%%DIR%%/access secret_key=@%%DIR%%/secret'
E = 'endpoint=http://127.0.0.1:%%S3%% ' + KEYS
NPM = 'endpoint=http://127.0.0.1:%%NPM%% region=us-east-1 ' \
      'access_key=@%%DIR%%/npm-access secret_key=@%%DIR%%/npm-secret'

NODE = os.path.join(ROOT, 'build/npm-s3')
S3RVER = '@20minutes/s3rver@4.0.4'

STAGES = {
    'folder': 'put s3://pictures/of/ ' + E + '; retry 2 20ms;',
    'bucket': 'put s3://pictures ' + E + ';',
    'named': 'put s3://pictures/a~b/x-$param_size.png ' + E + ';'
             'header x-amz-acl public-read; header Cache-Control max-age=60;',
    'host': 'put s3://mine/ style=host endpoint=http://s3.test:%%S3%% '
            + KEYS + ';',
    'wrong': 'put s3://pictures/ ' + E.replace('/secret', '/other') + ';',
    'large': 'put s3://pictures/large/x-$param_size.png ' + E + ';'
             'header x-amz-acl private; header x-amz-request-payer requester;'
             'retry 1 20ms;',
    'npm': 'put s3://pictures/of/ ' + NPM + ';',
    'npmwrong': 'put s3://pictures/of/ '
                + NPM.replace('npm-secret', 'other') + ';',
    'away': 'put s3://pictures/ ' + E.replace('%%S3%%', '%%DEAD%%') + ';',
}

PIPELINE = """
    image_pipeline %s { param size 1 ~.*; stage call { %s }
                        outputs call; }
"""

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;
    resolver 127.0.0.1:%%DNS%% ipv6=off;

    image_pipeline many {
        stage cut { resize 5; }
        stage call { each cut; put s3://pictures/ """ + E + """; }
    }
"""


LARGE = padded(png(30, 30), (64 << 20) + 4711)


def run(name, image, query=''):
    answer = nginx.post('/%s/%s' % (name, query), image)
    return nginx.finish(answer.headers['Location']) \
        if answer.status == 202 else answer.json


def url(document):
    answer = nginx.get(document['outputs']['call'][0]['url'])
    return answer.body.decode()


def objects():
    with Client(port) as client:
        return client.get('/_objects').json


def stored():
    image = png(20, 10)
    name = hashlib.sha256(image).hexdigest() + '.png'
    document = run('folder', image)
    tap.is_((document['status'], document['error']), ('succeeded', None),
            'an object is stored')
    tap.is_((url(document), document['outputs']['call'][0]['type']),
            ('http://127.0.0.1:%d/pictures/of/%s' % (port, name),
             'text/plain'), '... its URL is the output')

    with urllib.request.urlopen(url(document)) as answer:
        tap.is_((answer.read() == image, answer.headers['Content-Type']),
                (True, 'image/png'), '... and leads to it')

    tap.is_(url(run('bucket', image)),
            'http://127.0.0.1:%d/pictures/%s' % (port, name),
            'a bucket without a folder')
    document = run('named', image, '?size=a%20%C3%A4%2Bb')
    tap.is_(document['status'], 'succeeded', 'a key with a param')
    kind, length, headers = objects()['pictures/a~b/x-a \u00e4+b.png']
    tap.is_((kind, length, headers.get('x-amz-acl'),
             headers.get('cache-control')),
            ('image/png', len(image), 'public-read', 'max-age=60'),
            '... with headers')

    document = run('host', image)
    tap.is_((document['status'], list(objects()).count('mine/' + name)),
            ('succeeded', 1), 'the bucket in the host\'s name')

    tap.is_(run('many', png(9, 9))['status'], 'succeeded', 'of a list')

    image = padded(png(10, 10), 9 << 20)
    document = run('folder', image)
    tap.is_((document['status'], objects()['pictures/of/%s.png'
             % hashlib.sha256(image).hexdigest()][1]),
            ('succeeded', len(image)), '9 MB')


def failed():
    with Client(port) as client:
        client.request('PUT', '/_fail/2', b'')

    document = run('folder', unique_png(1))
    tap.is_((document['status'], document['stages'][0]['attempts']),
            ('succeeded', 3), 'a server that is busy is asked again')

    document = run('wrong', png(7, 7))
    tap.is_((document['status'], document['error']['type'],
             document['error']['service_status']),
            ('failed', 'urn:image-pipeline:service-refused', 403),
            'a wrong key')
    tap.ok(nginx.logged('SignatureDoesNotMatch'), '... the log tells why')

    tap.is_(run('away', png(7, 7))['error']['type'],
            'urn:image-pipeline:service-unreachable', 'a server that is away')

    for value in '..', '.', 'a/../b', '%00':
        document = run('named', unique_png(2), '?size='
                       + value.replace('/', '%2F'))
        tap.ok(document.get('status') in ('failed', 400, 422)
               and not [key for key in objects()
                        if not key.startswith(('pictures/', 'mine/'))],
               'a param is no way out: ' + value)


def script(*words):
    with Client(port) as client:
        client.request('PUT', '/_script/' + ','.join(words), b'')


def asked():
    """(method, what of the query) of each request since the script."""

    with Client(port) as client:
        return [tuple(request) for request in client.get('/_asked').json]


def uploads():
    with Client(port) as client:
        return client.get('/_uploads').json


BEGIN, COMPLETE = ('POST', 'uploads'), ('POST', 'uploadId')
ABORT = ('DELETE', 'uploadId')


def part(n):
    return 'PUT', 'partNumber=%d' % n, 'uploadId'


def large(size, *words):
    script(*words)
    return run('large', LARGE, '?size=%d' % size)


def in_parts():
    document = large(1)
    key = 'pictures/large/x-1.png'
    tap.is_((document['status'], document['error']), ('succeeded', None),
            'more than 64 MB')
    tap.is_(asked(), [BEGIN, *(part(n) for n in range(1, 6)), COMPLETE],
            '... in five parts')
    kind, length, headers = objects()[key]
    tap.is_((kind, length, headers.get('x-amz-acl')),
            ('image/png', len(LARGE), 'private'), '... are one object')
    tap.is_(url(document), 'http://127.0.0.1:%d/%s' % (port, key),
            '... its URL is the output')

    with urllib.request.urlopen(url(document)) as answer:
        tap.ok(hashlib.sha256(answer.read()).digest()
               == hashlib.sha256(LARGE).digest(), '... and leads to it')

    document = large(2, 'ok', 'ok', '503', 'ok', 'reset', 'ok', 'ok', 'ok',
                     'error', 'ok')
    tap.is_((document['status'], document['stages'][0]['attempts']),
            ('succeeded', 4), 'each part has its own retries')
    tap.is_(asked(), [BEGIN, part(1), part(2), part(2), part(3), part(3),
                      part(4), part(5), COMPLETE, COMPLETE],
            '... and what is stored is not sent again')
    tap.ok(nginx.logged('"InternalError"'), 'an error is one, for all its 200')

    document = large(3, 'ok', 'ok', '404')
    tap.is_((document['status'], asked()[:5]),
            ('succeeded', [BEGIN, part(1), part(2), BEGIN, part(1)]),
            'an upload that the store has forgotten begins anew')
    document = large(4, 'ok', '404', 'ok', '404')
    wait_for(lambda: asked()[-1] == ABORT)     # nobody waits for its answer
    tap.is_((document['status'], asked()),
            ('failed', [BEGIN, part(1), BEGIN, part(1), ABORT]),
            '... once')


def without_parts():
    """What ends without an object leaves no parts."""

    for n, words, error, detail, requests in (
            (11, ['ok', '503', '503'], 'service-busy', 'answered 503',
             [BEGIN, part(1), part(1), ABORT]),
            (12, ['noid', 'noid'], 'service-reply', 'has no UploadId',
             [BEGIN, BEGIN]),
            (13, ['ok', 'noetag', 'noetag'], 'service-reply', 'usable ETag',
             [BEGIN, part(1), part(1), ABORT]),
            (14, ['ok'] * 6 + ['late'], 'service-refused', '"InvalidPart"',
             [BEGIN, *(part(n) for n in range(1, 6)), COMPLETE, ABORT])):
        document = large(n, *words)
        tap.is_((document['status'], document['error']['type'],
                 document['error']['stage']),
                ('failed', 'urn:image-pipeline:' + error, 'call'),
                'fails with ' + error)
        tap.ok(detail in document['error']['detail'], '... ' + detail)
        tap.ok(wait_for(lambda: asked() == requests), '... and it is told')
        tap.note(asked())

    script('ok', 'ok', 'hang')
    answer = nginx.post('/large/?size=20', LARGE)
    wait_for(lambda: len(asked()) == 3)
    tap.is_(nginx.delete(answer.headers['Location']).json['status'],
            'canceled', 'a job is canceled while a part is sent')
    tap.ok(wait_for(lambda: asked()[3:] == [ABORT]), '... and so is the upload')
    tap.is_(len(uploads()), 2, 'no upload is left, but what had no id')


def of_npm():
    """A server that is nobody's of us: it checks signatures, puts parts
    together, and keeps objects as files."""

    if npm is None:
        tap.skip('s3rver', 'npm does not give it')
        return

    for name, image in ('small', png(20, 10)), ('in parts', LARGE):
        document = run('npm', image)
        tap.is_((document['status'], document['error']), ('succeeded', None),
                's3rver: stored, ' + name)

        with urllib.request.urlopen(url(document)) as answer:
            tap.is_((hashlib.sha256(answer.read()).hexdigest(),
                     answer.headers['Content-Type']),
                    (hashlib.sha256(image).hexdigest(), 'image/png'),
                    '... and read')

    for name, image in ('small', png(21, 10)), \
            ('in parts', LARGE + b'another'):
        error = run('npmwrong', image)['error']
        tap.is_((error['type'], error['stage'], error['service_status']),
                ('urn:image-pipeline:service-refused', 'call', 403),
                'a wrong secret, %s: refused, of this stage' % name)
        tap.is_(error['detail'], 'service answered 403', '... said')

    tap.is_(len(nginx.logged('"127.0.0.1:%d" explained: .*<Code>'
                             'SignatureDoesNotMatch' % npm)), 2,
            '... by this service, the log says')


def s3rver():
    """The port of one; None: npm, or Node.js 20, is missing."""

    module = os.path.join(NODE, 'node_modules/@20minutes/s3rver')
    folder = tempfile.mkdtemp(prefix='s3rver-')
    server = Process()
    Process.folders.append(folder)

    try:
        if not os.path.exists(module):
            subprocess.run(['npm', 'install', '--no-audit', '--no-fund',
                            '--silent', '--prefix', NODE, S3RVER],
                           stdin=subprocess.DEVNULL, timeout=120, check=True)

        server.spawn(['node', os.path.join(ROOT, 't/fakes/s3rver.js'), module,
                      folder, 'pictures'], stdout=subprocess.PIPE, text=True)
        return int(server.process.stdout.readline())
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        tap.diag(error)
        return None


def fake(name, *arguments):
    process = Process()
    process.spawn([sys.executable, os.path.join(ROOT, 't/fakes', name),
                   *arguments], stdout=subprocess.PIPE, text=True)
    return int(process.process.stdout.readline())


port = fake('s3.py', 'AKEXAMPLE', 'the/secret+key', 'eu-test-1')
dns = fake('dns.py', 'mine.s3.test=127.0.0.1')

npm = s3rver()
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s;'
                      ' client_max_body_size 80m; }\n'
                      % (name, name) for name in [*STAGES, 'many']),
              workers=2, http=HTTP + ''.join(PIPELINE % item
                                             for item in STAGES.items()),
              S3=port, DEAD=free_port(), DNS=dns,
              NPM=npm or 1)

for name, text in ('access', 'AKEXAMPLE'), ('secret', 'the/secret+key'), \
        ('other', 'another'), ('npm-access', 'S3RVER'), \
        ('npm-secret', 'S3RVER'):
    with open(os.path.join(nginx.dir, name), 'w') as out:
        out.write(text + '\n')

nginx.start()

stored()
failed()
in_parts()
without_parts()
of_npm()

tap.is_(nginx.logged('the/secret|AKEXAMPLE'), [], 'no key is logged')
tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
