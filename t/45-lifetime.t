#!/usr/bin/env python3

# Requests that end otherwise than expected: a client that reads slowly what it
# waited for, one that is gone before its answer, a body nobody reads, a
# subrequest that has to wait for a thread.

import glob
import os
import random
import shutil
import socket
import struct
import subprocess
import time
import zlib

from imgp import Nginx, SLOW, parallel, tap
from pictures import png, png_of

SIDE = 1400


def noise(side):
    """A PNG that stays large however it is encoded."""

    rows = (b'\0' + random.randbytes(side * 3) for _ in range(side))
    return png_of(side, side, zlib.compress(b''.join(rows), 1))


def connect(rcvbuf=None):
    s = socket.socket()

    if rcvbuf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)

    s.settimeout(20 * SLOW)
    s.connect(('127.0.0.1', nginx.port))
    return s


def read_all(s, pause=0.0):
    data = b''

    try:
        while piece := s.recv(65536):
            data += piece
            time.sleep(pause)
    except (socket.timeout, ConnectionError):
        pass

    return data


def slowly(request):
    """Sends it, lets the answer fill all buffers, then reads it."""

    with connect(4096) as s:
        s.sendall(request)
        time.sleep(2 * SLOW)
        return read_all(s)


def whole(answer):
    """The body of an answer that is as long as it says."""

    head, _, body = answer.partition(b'\r\n\r\n')
    lengths = [int(line.split(b':')[1]) for line in head.split(b'\r\n')
               if line.lower().startswith(b'content-length:')]
    return lengths == [len(body)] and len(body) > SIDE * SIDE


random.seed(2)

nginx = Nginx("""
    location /p/ { image_pipeline_pass p; sendfile off; }
    location /bad/ { image_pipeline_pass bad; }
    location /pages/ { alias %%DIR%%/; ssi on; ssi_types *; }
    """, workers=1, main='thread_pool image threads=2;', http="""
    image_pipeline_path %%STORE%% zone=jobs:1m;
    image_pipeline_threads image;
    image_pipeline p {
        param size small ~[a-z]+;
        stage big { encode png; }
    }
    image_pipeline bad {
        stage call { post http://127.0.0.1:1/; }
    }
    """)
nginx.start()

picture = noise(SIDE)

# the wait is over while the job runs

answer = slowly(b'POST /p/?wait=30 HTTP/1.1\r\nHost: localhost\r\n'
                b'Connection: close\r\nPrefer: wait=30\r\n'
                b'Accept: image/png\r\nContent-Type: image/png\r\n'
                b'Content-Length: %d\r\n\r\n' % len(picture) + picture)

tap.ok(answer.startswith(b'HTTP/1.1 200 '), 'a picture was waited for')
tap.ok(whole(answer), 'a slow client gets all of what it waited for')

job = nginx.post('/p/', noise(SIDE), 'image/png').headers['Location']
answer = slowly(b'GET %s/big?wait=30 HTTP/1.1\r\nHost: localhost\r\n'
                b'Connection: close\r\n\r\n' % job.encode())
tap.ok(whole(answer), 'a slow client gets all of an output it waited for')

# a refused body that nobody reads is no request

inner = b'GET /p/inner HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n'

for name, uri, field in [
        ('a bad param', b'/p/?size=NO', b''),
        ('a malformed key', b'/p/', b'Idempotency-Key: \r\n'),
        ('a malformed digest', b'/p/', b'Repr-Digest: sha-256=:?:\r\n'),
        ('a bad number', b'/p/?wait=x', b'')]:

    with connect() as s:
        s.sendall(b'POST %s HTTP/1.1\r\nHost: localhost\r\n%s'
                  b'Content-Length: %d\r\n\r\n' % (uri, field, len(inner))
                  + inner)
        answers = s.recv(65536)
        s.settimeout(0.7 * SLOW)
        answers += read_all(s)

    tap.is_(answers.count(b'HTTP/1.1 '), 1, name + ': one answer')

# gone before the answer

for n in range(20):
    with connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))
        s.sendall(b'POST /p/ HTTP/1.1\r\nHost: localhost\r\n'
                  b'Content-Length: 12\r\n\r\nGIF89a......')

tap.is_(nginx.get('/p/').status, 200, 'clients that are gone do no harm')

# a subrequest waits for a thread

with open(nginx.dir + '/page', 'w') as file:
    file.write('<!--# include virtual="/p/%s" -->' % ('0' * 26) * 3)

for n in range(3):
    answer = nginx.get('/pages/page')
    tap.is_(answer.body.count(b'there is no such job'), 3,
            'subrequests wait for a thread')

# of those who retry a job at once one does

job = nginx.post('/bad/', png(9, 9), 'image/png').headers['Location']
begun = []
others = set()

for n in range(10):
    nginx.finish(job)

    for answer in parallel(lambda n: nginx.post(job + '/retry', b''),
                           range(8), 8):
        if answer.status == 202:
            begun.append(answer.json['revision'])
        else:
            others.add(answer.status)

tap.ok(len(begun) >= 10 and others == {409}, 'a job is retried again and again')
tap.is_(len(set(begun)), len(begun), 'by one at a time')
tap.is_(nginx.finish(job)['status'], 'failed', 'and ends as before')

# a key outlives its job, which is then made anew

key = {'Content-Type': 'image/png', 'Idempotency-Key': 'one'}
job = nginx.request('POST', '/p/', png(7, 9), key).headers['Location']
nginx.finish(job)
nginx.stop()
nginx.process = None
shutil.rmtree(nginx.store + '/done')

redis = os.environ.get('IMGP_REDIS')

if redis:
    subprocess.run(['redis-cli', '-s', redis.partition(':')[2], 'DEL',
                    '%s:{jobs}:job:%s' % (os.path.basename(nginx.dir),
                                          job.rpartition('/')[2])],
                   stdout=subprocess.DEVNULL, check=True)

for path in glob.glob(nginx.store + '/idem/*/*'):
    os.utime(path, (time.time() - 100, time.time() - 100))

nginx.start()
answer = nginx.request('POST', '/p/', png(7, 9), key)
tap.ok(answer.status == 200 and answer.headers['Content-Location'] != job,
       'the key of a job that is no longer kept is free')
tap.is_(nginx.request('POST', '/p/', png(9, 7), key).status, 422,
        'and stands for the new one')

tap.is_(nginx.alerts(), [], 'nothing to be alarmed at')
tap.done()
