#!/usr/bin/env python3

# The disk: full, out of order, or telling lies (F16, F17 and F18 of the table
# in notes/style-reliability.md).  What is accepted while it lasts is refused
# plainly; what was accepted before waits, and ends well when it is over.

import contextlib
import os
import shutil
import subprocess
import time

from imgp import SLOW, parallel, tap, wait_for
from trial import Load, Trial, ended, picture, pictures, small_disk

DISK = r'failed.* \((28: No space|20: Not a dir|5: Input/output)'
FULL = 'urn:image-pipeline:store-full'
AWAY = 'urn:image-pipeline:store-unavailable'

HOLD = '0/gate/hold'


def running(trial, count, first):
    """That many jobs, all of which wait for their service, which waits to be
    let go on."""

    trial.model.forget()
    trial.model.shut('hold')
    load = Load(trial.nginx, '/p/', pictures(count, first=first)).join()
    wait_for(lambda: trial.model.peak()['now'] == count)
    return load


def refusals(trial, count, first, side=24):
    """{(status, type)} of uploads now."""

    answers = parallel(lambda image: trial.nginx.post('/p/', image,
                                                      'image/png'),
                       pictures(count, side, first), 8)
    return {(answer.status, answer.json.get('type')) for answer in answers}


def inventory(trial):
    return sorted(path for folder in ('blobs', 'jobs', 'done', 'idem', 'tmp')
                  for path in trial.store(folder))


def flip(path):
    with open(path, 'r+b') as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))


def blob(trial, digest):
    digest = digest.removeprefix('sha-256:')
    return os.path.join(trial.nginx.store, 'blobs', digest[:2], digest)


# full

trial = Trial(ms=HOLD, workers=2, start=False, concurrency=16, sync='on')
nginx = trial.nginx
disk = small_disk(nginx.store, '8m')

if disk:
    nginx.allow_log(DISK)
    nginx.start()
    trial.model.open('hold')
    trial.warm(8)
    before = trial.held()
    load = running(trial, 8, 1000)
    ballast = os.path.join(nginx.store, 'ballast')

    with open(ballast, 'wb', 0) as file, contextlib.suppress(OSError):
        while file.write(b'x' * 65536):
            pass

    with open(ballast, 'ab', 0) as file, contextlib.suppress(OSError):
        while file.write(b'x'):
            pass

    files = inventory(trial)
    tap.is_(refusals(trial, 30, 2000), {(507, FULL)}, 'the full disk is told')
    tap.is_(refusals(trial, 4, 2100, 400), {(507, FULL)}, 'in mid-upload, too')
    tap.is_(inventory(trial), files, 'nothing is left of what was refused')
    answer = nginx.post('/p/', picture(2200), 'image/png',
                        idempotency_key='"full"')
    tap.is_(answer.status, 507, 'nor with a key')
    trial.model.open('hold')
    wait_for(lambda: trial.model.peak()['now'] == 0)
    time.sleep(1)
    tap.is_({nginx.get(job).json['status'] for job in load.accepted},
            {'running'}, 'jobs whose results do not fit wait')

    # room for a little: between a blob and a journal it ends at any place

    with open(ballast, 'r+b') as file:
        file.truncate(os.path.getsize(ballast) - 65536)

    seen = refusals(trial, 60, 3000)
    tap.ok((507, FULL) in seen and seen <= {(202, None), (507, FULL)},
           'a little room takes a few: %r' % seen)
    tap.is_(trial.store('tmp'), [], 'and nothing half')
    os.unlink(ballast)
    tap.is_(nginx.post('/p/', picture(2200), 'image/png',
                       idempotency_key='"full"').status, 202,
            'the key is as good as new')
    trial.check(load, DISK)
    wait_for(lambda: not trial.store('jobs'), 60)
    trial.check_left(before)
    nginx.stop()
else:
    tap.skip('a full disk', 'tmpfs cannot be mounted')

# out of order: what cannot be written is written later

trial = Trial(ms=HOLD, workers=2, concurrency=16)
trial.model.open('hold')
nginx = trial.nginx
nginx.allow_log(DISK)
trial.warm(8)
before = trial.held()
load = running(trial, 8, 4000)
tmp = os.path.join(nginx.store, 'tmp')
os.rename(tmp, tmp + '.away')
open(tmp, 'w').close()
files = sorted(trial.store('blobs') + trial.store('jobs'))
tap.is_(refusals(trial, 20, 5000), {(503, AWAY)}, 'a disk that is out of order '
        'is told')
tap.is_(sorted(trial.store('blobs') + trial.store('jobs')), files,
        'nothing is left of what was refused')
trial.model.open('hold')
wait_for(lambda: trial.model.peak()['now'] == 0)
time.sleep(1)
tap.is_({nginx.get(job).json['status'] for job in load.accepted}, {'running'},
        'jobs wait')
os.unlink(tmp)
os.rename(tmp + '.away', tmp)
trial.check(load, DISK)
trial.check_left(before)

# an fsync that fails: the file is not believed

strace = shutil.which('strace')
trial = Trial(ms=20, workers=1, concurrency=16, sync='on')
nginx = trial.nginx
nginx.allow_log(DISK)
trial.warm()
tracer = strace and subprocess.Popen(
    [strace, '-f', '-qq', '-o', os.path.join(nginx.dir, 'strace'),
     '-p', str(nginx.workers()[0]), '-e', 'trace=fsync', '-e',
     'inject=fsync:error=EIO:when=2+5'], stderr=subprocess.DEVNULL)

if tracer and wait_for(lambda: tracer.poll() is not None
                       or 'TracerPid:\t%d' % tracer.pid in
                       open('/proc/%d/status' % nginx.workers()[0]).read(), 3) \
   and tracer.poll() is None:
    load = Load(nginx, '/p/', pictures(80, first=6000), timeout=30).join()
    failures = sum('INJECTED' in line for line in
                   open(os.path.join(nginx.dir, 'strace')))
    tracer.terminate()
    tracer.wait()
    tap.ok(failures > 20, 'fsync() failed %d times' % failures)
    tap.ok(load.refused[503, AWAY] > 0, '%d uploads were refused for it'
           % load.refused[503, AWAY])
    trial.check(load, DISK)
    wait_for(lambda: not trial.store('jobs') and not trial.store('tmp'), 40)
    tap.is_(trial.store('jobs') + trial.store('tmp'), [], 'nothing is left')
else:
    tap.skip('fsync() fails', 'strace is not there, or may not')

# telling lies: a bit of an upload flips while its job waits

MORE = """
    image_pipeline line {
        concurrency 1;
        stage first { post %%MODEL%%/delay/1000/echo/line; }
    }
    image_pipeline other {
        stage first { post %%MODEL%%/delay/%%MS%%/echo/first; timeout 60s; }
        stage small { resize 16; }
        stage third { post %%MODEL%%/echo/third; }
    }
"""

trial = Trial(ms=20, more=MORE,
              locations='location /line/ { image_pipeline_pass line; }'
                        'location /other/ { image_pipeline_pass other; }')
nginx = trial.nginx
nginx.post('/line/', picture(1), 'image/png')
wait_for(lambda: trial.counts()['line'] == 1)
bad = [nginx.post('/line/', picture(n), 'image/png') for n in range(2, 6)]

for answer in bad:
    flip(blob(trial, answer.json['input']['digest']))

docs = [nginx.finish(answer.headers['Location']) for answer in bad]
tap.is_([(doc['status'], (doc['error'] or {}).get('type')) for doc in docs],
        [('failed', 'urn:image-pipeline:content-lost')] * 4,
        'an upload that has changed on the disk fails its job')
tap.is_(trial.counts()['line'], 1, 'and never reached the service')
again = [nginx.post('/line/', picture(n), 'image/png') for n in range(2, 4)]
trial.check_jobs([answer.headers['Location'] for answer in again])

# a stored output of a stage that another pipeline would use

document, _ = ended(nginx, nginx.post('/p/', picture(50),
                                      'image/png').headers['Location'])
flip(blob(trial, document['outputs']['small'][0]['digest']))
trial.model.forget()
first = nginx.post('/other/', picture(50), 'image/png')
document = nginx.finish(first.headers['Location'])
last = trial.model.last()
tap.ok(document['status'] == 'succeeded'
       or document['error']['type'] == 'urn:image-pipeline:content-lost',
       'a spoilt output is made anew, or told: %s' % document['status'])
tap.ok(last is None or document['status'] == 'succeeded',
       'it was not sent to the next stage')

if document['status'] == 'failed':
    location = first.headers['Location']
    tap.is_(nginx.post(location + '/retry', b'').status, 202, 'tried again')
    trial.check_jobs([location])

answer = nginx.post('/other/', picture(50), 'image/png')
trial.check_jobs([answer.headers['Location']])
trial.check_log()
tap.done()
