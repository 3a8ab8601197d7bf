#!/usr/bin/env python3

# Clients that go away in the middle of an upload (F25 of the table in
# notes/style-reliability.md) or of a poll (F26), and those that are slow (F27):
# nothing of them is left, and the others do not feel them.

import contextlib
import random
import socket
import struct
import threading
import time

from imgp import SLOW, multipart, parallel, tap, wait_for
from trial import LONG, Load, Trial, picture, pictures

ABORTS = 2000 if LONG else 500
ENOUGH = 8 << 20
POLLS = 20000 if LONG else 4000

random.seed(5)

trial = Trial(ms=40, workers=2, concurrency=16,
              locations='location /slow/ { client_body_timeout 1s;'
                        ' image_pipeline_pass p; }')
nginx = trial.nginx
trial.warm()
before = trial.held()


def connect():
    return socket.create_connection(('127.0.0.1', nginx.port), 30 * SLOW)


def reset(s):
    """Closes with RST, or with FIN."""

    if random.random() < 0.5:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack('ii', 1, 0))

    s.close()


def head(uri, length, kind):
    return ('POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n'
            'Content-Length: %d\r\n\r\n' % (uri, kind, length)).encode()


def uploads():
    """Pictures of 2 KB to 1 MB, raw and as forms, with their header."""

    for side in (24, 100, 300, 600):
        file = picture(side, side)
        body, headers = multipart(file, 'image/png')

        yield head('/p/', len(file), 'image/png') + file
        yield head('/p/', len(body), headers['Content-Type']) + body


bodies = list(uploads())


def abort_upload(n):
    data = bodies[n % len(bodies)]
    cut = random.randrange(1, len(data))

    with contextlib.suppress(ConnectionError):
        s = connect()
        s.sendall(data[:cut])

        if random.random() < 0.5:
            time.sleep(random.random() / 100)

        reset(s)


def check_memory(grown):
    if SLOW > 1:
        tap.skip('no memory is lost', 'a sanitizer keeps what is freed')
    else:
        # what was freed stays for the next run: imgp_work_keep()
        tap.ok(max(grown) < ENOUGH, 'no memory is lost: %s bytes' % grown)


def settled():
    return trial.held() == before and not trial.store('tmp')


jobs, blobs = len(trial.store('done')), len(trial.store('blobs'))
parallel(abort_upload, range(ABORTS), 16)
wait_for(settled)

# malloc() keeps some of what was freed, now more and now less; what is lost
# is lost in every round

for _ in range(4):
    memory = [nginx.memory(pid) for pid in nginx.workers()]
    parallel(abort_upload, range(ABORTS), 16)
    wait_for(settled)
    grown = [nginx.memory(pid) - was
             for pid, was in zip(nginx.workers(), memory)]

    if max(grown) < ENOUGH:
        break

tap.is_((len(trial.store('done')), len(trial.store('blobs'))), (jobs, blobs),
        '%d uploads that broke off made no job' % ABORTS)
trial.check_left(before)
check_memory(grown)

# polls that break off while jobs end

load = Load(nginx, '/p/', pictures(240, first=1000), rate=60)
wait_for(lambda: load.accepted)


def abort_poll(n):
    location = random.choice(load.accepted)
    what = random.choice((
        '%s?wait=20&since=%d', '%s?wait=20&since=%d', '%s/result?wait=5&x=%d'))

    with contextlib.suppress(ConnectionError):
        s = connect()
        s.sendall(('GET ' + what % (location, random.randrange(1, 9))
                   + ' HTTP/1.1\r\nHost: localhost\r\n\r\n').encode())

        if random.random() < 0.7:
            time.sleep(random.random() / 20)

        reset(s)


parallel(abort_poll, range(POLLS), 16)
load.join()
trial.check(load)
trial.check_left(before)
memory = [nginx.memory(pid) for pid in nginx.workers()]
load = Load(nginx, '/p/', pictures(60, first=3000), rate=60)
wait_for(lambda: load.accepted)
parallel(abort_poll, range(POLLS // 4), 16)
trial.check(load.join())
wait_for(settled)
grown = [nginx.memory(pid) - was
         for pid, was in zip(nginx.workers(), memory)]
check_memory(grown)

# slow ones: half send a byte now and then and stop, half stop in the header


def times():
    """Of twenty uploads, one after the other."""

    taken = []

    for n in range(20):
        started = time.monotonic()
        status = nginx.post('/p/', picture(random.getrandbits(60)),
                            'image/png').status
        taken.append(time.monotonic() - started)

        if status != 202:
            raise RuntimeError(status)

    return sorted(taken)[10]


alone = times()
slow = []

for n in range(200):
    s = connect()
    data = bodies[n % len(bodies)].replace(b'/p/', b'/slow/', 1)
    s.sendall(data[:random.randrange(len(data) // 2, len(data))]
              if n % 2 else data[:data.index(b'\r\n\r\n') + 5])
    slow.append(s)

opened = time.monotonic()
beside = times()
tap.ok(beside < 2 * alone + 0.4 * SLOW, 'beside 200 slow uploads one takes '
       '%.1f ms, alone %.1f' % (beside * 1000, alone * 1000))
answers = []

for s in slow:
    with contextlib.suppress(ConnectionError):
        answers.append(s.recv(4096)[9:12])

    s.close()

cut = time.monotonic() - opened
tap.ok(len(answers) == 200 and set(answers) <= {b'408', b''},
       'they are cut off: %r' % set(answers))
tap.ok(cut < 25 * SLOW, 'by client_body_timeout, in %.1f s' % cut)
wait_for(lambda: not trial.store('jobs'))
trial.check_left(before)
trial.check_log()
tap.done()
