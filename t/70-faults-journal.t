#!/usr/bin/env python3

# What lies in the store at a start, and what may leave it: records that are
# spoilt cost their own job alone; eviction by size and by age takes nothing
# that a live job, or a finished one that is still kept, needs.

import binascii
import contextlib
import os
import struct
import time

from imgp import SLOW, tap, wait_for
from trial import KILLED, Load, Trial, ended, kill_all, picture, pictures

LINE = """
    image_pipeline line {
        concurrency 1;
        stage a { post %%MODEL%%/delay/%%MS%%/echo/line; }
        stage b { resize 12; }
    }
"""
LOCATION = 'location /line/ { image_pipeline_pass line; }'
OLD = 7200


def age(trial, *folders):
    """Nobody has used them for two hours."""

    then = time.time() - OLD

    for folder in folders:
        for path in trial.store(folder):
            os.utime(path, (then, then))


def size_of(trial, folder):
    size = 0

    for path in trial.store(folder):
        with contextlib.suppress(FileNotFoundError):
            size += os.path.getsize(path)

    return size


def name(location):
    return location.rpartition('/')[2]


def of_version(record, version):
    """As another version of the module would have written it."""

    record = record[:4] + struct.pack('<I', version) + record[8:-4]
    return record + struct.pack('<I', binascii.crc32(record))


# spoilt records, and one of another version, which is left for that one

trial = Trial(ms=250, workers=2, more=LINE, locations=LOCATION)
nginx = trial.nginx
nginx.allow_log(*KILLED, 'spoilt records')
jobs = [nginx.post('/line/', picture(n), 'image/png').headers['Location']
        for n in range(24)]
wait_for(lambda: trial.counts()['line'] == 2)
kill_all(nginx)
waiting = sorted(os.path.basename(path) for path in trial.store('jobs'))
tap.ok(len(waiting) > 15, '%d jobs wait in the journal' % len(waiting))
spoilt, foreign = waiting[:5], waiting[7]


def damage(n, change):
    path = os.path.join(nginx.store, 'jobs', spoilt[n][0], spoilt[n])

    with open(path, 'rb') as file:
        record = file.read()

    with open(path, 'wb') as file:
        file.write(change(record))


damage(0, lambda record: record[:len(record) // 2])
damage(1, lambda record: record[:100] + bytes([record[100] ^ 4]) + record[101:])
damage(2, lambda record: b'')
damage(3, lambda record: os.urandom(len(record)))
damage(4, lambda record: open(os.path.join(
    nginx.store, 'jobs', waiting[6][0], waiting[6]), 'rb').read())

path = os.path.join(nginx.store, 'jobs', foreign[0], foreign)

with open(path, 'rb') as file:
    record = of_version(file.read(), 99)

with open(path, 'wb') as file:
    file.write(record)

with open(os.path.join(nginx.store, 'jobs', 'README'), 'w') as file:
    file.write('a guest')

os.makedirs(os.path.join(nginx.store, 'jobs/0', '0' * 26))
nginx.start()
good = [job for job in jobs if name(job) not in spoilt + [foreign]]
trial.check_jobs(good)
tap.is_({nginx.get(job).status for job in jobs if name(job) in spoilt}, {404},
        'a spoilt record is no job any more')
tap.is_(len([path for path in trial.store('tmp') if 'spoilt-' in path]), 5,
        'but lies in tmp/ for who wants to look')
tap.ok(nginx.logged('6 spoilt records'), 'and the log tells')
tap.is_({os.path.basename(path) for path in trial.store('jobs')},
        {'README', foreign}, 'what was never one is left alone')
time.sleep(5)
tap.is_(len(nginx.logged('1 records of another version')), 1,
        'and that of another version, which is told once')
trial.check_log(*KILLED, 'spoilt records')
nginx.stop()

# eviction by size: two hundred results of the past, a few live jobs

QUICK = """
    image_pipeline q {
        concurrency 8; keep 10s;
        stage a { resize 40; }
        stage b { encode png; }
    }
"""

trial = Trial(ms=2500, workers=2, concurrency=16, more=QUICK,
              locations='location /quick/ { image_pipeline_pass q; }',
              path='max_size=1m inactive=30d')
nginx = trial.nginx
nginx.allow_log(*KILLED)
old = Load(nginx, '/quick/', pictures(200, 48)).join()
trial.check_jobs(old.accepted)
kept = Load(nginx, '/p/', pictures(10, first=4000)).join()
trial.check_jobs(kept.accepted)
live = Load(nginx, '/p/', pictures(12, first=5000)).join()
wait_for(lambda: trial.counts()['second'] >= 4)
time.sleep(1)
kill_all(nginx)
age(trial, 'blobs', 'results', 'done')
size = size_of(trial, 'blobs')
tap.ok(size > 2 << 20, '%d KB of blobs' % (size >> 10))
nginx.start()
wait_for(lambda: size_of(trial, 'blobs') < 1 << 20)
size = size_of(trial, 'blobs')
tap.ok(size < 1 << 20, 'are %d KB after the sweep, max_size is 1 MB'
       % (size >> 10))
trial.check(live, *KILLED)

# those that had ended before the restart are kept for an hour all the same

trial.check_jobs(kept.accepted)

# between two sweeps the size is known as well: past max_size there is one soon

wait_for(lambda: size_of(trial, 'blobs') < 1 << 20)
more = Load(nginx, '/quick/', pictures(300, 48, first=20000)).join()
trial.check_jobs(more.accepted)
age(trial, 'blobs', 'results')
before = size_of(trial, 'blobs')
tap.ok(before > 1 << 20, 'there are %d KB again' % (before >> 10))
tap.ok(wait_for(lambda: size_of(trial, 'blobs') < before, 28 / SLOW),
       'and soon they are less')

gone = wait_for(lambda: {nginx.get(job).status for job in old.accepted}
                <= {404, 410}, 15)
tap.ok(gone, 'the jobs whose time is over are gone')
nginx.stop()

# by age

trial = Trial(ms=1500, workers=2, concurrency=16, path='inactive=1h',
              more=QUICK,
              locations='location /quick/ { image_pipeline_pass q; }')
nginx = trial.nginx
done = Load(nginx, '/quick/', pictures(8)).join()
old = trial.check_jobs(done.accepted)
tap.ok(wait_for(lambda: {nginx.get(job).status for job in done.accepted}
                == {410}, 20), 'the time of some jobs is over')
kept = Load(nginx, '/p/', pictures(4, first=4000)).join()
trial.check_jobs(kept.accepted)
live = Load(nginx, '/p/', pictures(12, first=5000)).join()
wait_for(lambda: trial.counts()['second'] >= 10)
kill_all(nginx)
nginx.allow_log(*KILLED)
age(trial, 'blobs', 'results')
nginx.start()
gone = {document['input']['digest'].removeprefix('sha-256:') for document in old}
tap.ok(wait_for(lambda: not gone & {os.path.basename(path) for path
                                    in trial.store('blobs')}),
       'what nobody has used for an hour is removed')
trial.check(live, *KILLED)
trial.check_jobs(kept.accepted)
again = Load(nginx, '/p/', pictures(8)).join()
trial.check(again, *KILLED)
tap.done()
