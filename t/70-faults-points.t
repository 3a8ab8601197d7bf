#!/usr/bin/env python3

# Every call of the store fails in turn, is cut short, or is the last of its
# process (F2 of the table in notes/style-reliability.md): what is refused is
# refused plainly and leaves nothing, what was answered with 202 ends well.
# The calls are counted first, so none is forgotten when the store changes.

import errno
import hashlib
import http.client
import os
import signal
import time

from imgp import SLOW, Model, tap, wait_for
from shim import FAIL, FILES, KILL, SHORT, Faults, asan
from trial import KILLED, Trial, picture

FAULTS = r'\(\) failed', 'image pipeline: out of memory'
AWAY, FULL, INTERNAL = ('urn:image-pipeline:' + name for name in
                        ('store-unavailable', 'store-full', 'internal'))
ROUNDS = 60
LINE = """
    image_pipeline line {
        concurrency 1; queue 100000;
        stage only { post %%GATE%%/echo/line; timeout 1h; }
    }
"""

gate = Model()
trial = Trial(ms=1, workers=1, start=False, sync='on', more=LINE,
              GATE=gate.url,
              locations='location /line/ { image_pipeline_pass line; }')
nginx = trial.nginx
nginx.allow_log(*FAULTS, *KILLED)
faults = Faults(nginx)
nginx.start()
trial.warm(4)
seeds = iter(range(1, 1 << 20))


def upload(uri, seed, **headers):
    return nginx.post(uri, picture(seed), 'image/png',
                      idempotency_key='"%s%d"' % (uri, seed), **headers)


def kept():
    return {os.path.basename(path) for path in trial.store('jobs')}


def counted(uri, mask, end=None):
    """Calls of one upload, or of one job."""

    faults.watch(mask)
    answer = upload(uri, next(seeds))

    if end:
        nginx.finish(answer.headers['Location'])
        wait_for(end)

    faults.disarm()
    return faults.count


def swept():
    """The journal is empty, and all that is there is what it says."""

    wait_for(lambda: not kept(), 60 / SLOW)
    tap.is_(kept(), set(), 'no job is left over')
    wrong = []

    for path in trial.store('blobs'):
        with open(path, 'rb') as file:
            if hashlib.sha256(file.read()).hexdigest() \
                    != os.path.basename(path):
                wrong.append(path)

    tap.is_(wrong, [], 'no blob is other than its name says')


# an upload: all of it is done before its 202.  What is accepted here waits
# behind a service that stands still, so nothing else touches the store

os.kill(gate.pid, signal.SIGSTOP)
accepted = [upload('/line/', next(seeds)).headers['Location']]
wait_for(lambda: nginx.get(accepted[0]).json['stages'][0]['status']
         == 'running')


def refused(name, mask, action, error, want):
    """Each call fails once; what the uploads were told."""

    calls, odd, told = set(), [], set()
    n = counted('/line/', mask)

    for when in range(1, n + 1):
        seed = next(seeds)
        before = kept()
        faults.arm(mask, action, when, error=error)
        answer = upload('/line/', seed)
        faults.disarm()
        calls.add(faults.call.partition('/')[0])

        if answer.status != 202:
            told.add((answer.status, answer.json['type']))
            left = kept() - before, trial.store('tmp')

            if left != (set(), []):
                odd.append((faults.call, left))

            answer = upload('/line/', seed)

        if answer.status == 202:
            accepted.append(answer.headers['Location'])
        else:
            odd.append((faults.call, answer))

    tap.note(', '.join(sorted(calls)))
    tap.ok(n > 0 and told <= want, '%s: %d calls of an upload, which was '
           'accepted or told %r' % (name, n, told))
    tap.is_(odd[:5], [], 'nothing was left, and the next try was accepted')
    return calls, told


calls, told = refused('ENOSPC', FILES, FAIL, errno.ENOSPC, {(507, FULL)})
tap.ok({'write ', 'fsync '} <= calls and len(calls) > 5,
       'all that an upload does has failed')
tap.is_(told, {(507, FULL)}, 'and was told')
refused('EIO', FILES, FAIL, errno.EIO, {(503, AWAY)})
refused('EMFILE', 'open', FAIL, errno.EMFILE, {(503, AWAY)})
calls, told = refused('fsync', 'sync', FAIL, errno.EIO, {(503, AWAY)})
tap.is_(told, {(503, AWAY)}, 'what is not on the disk is not promised')
refused('short', 'read write', SHORT, 0, set())

if asan():
    tap.skip('no memory', 'the sanitizer has its own malloc()')
else:
    refused('no memory', 'malloc', FAIL, errno.ENOMEM,
            {(500, INTERNAL), (503, AWAY)})

os.kill(gate.pid, signal.SIGCONT)
trial.check_jobs(accepted)
swept()


# a job: what it cannot store it stores later

def worked(name, mask, action, error, step=1):
    """Each call of a job fails once."""

    n = counted('/p/', mask, lambda: not kept())
    jobs, calls = [], set()

    for when in range(1, n + 1, step):
        seed = next(seeds)
        faults.arm(mask, action, when, error=error)
        answer = upload('/p/', seed)

        if answer.status == 202:
            jobs.append(answer.headers['Location'])
            wait_for(lambda: faults.hits or nginx.get(jobs[-1])
                     .json['finished_at'], step=0.005)

        faults.disarm()
        calls.add(faults.call.partition('/')[0])

    tap.note(', '.join(sorted(calls)))
    tap.ok(n > 0, '%s: %d calls of a job' % (name, n))
    return jobs


pid = nginx.workers()
trial.check_jobs(worked('EIO', FILES, FAIL, errno.EIO))
trial.check_jobs(worked('ENOSPC', 'open write rename', FAIL, errno.ENOSPC))
before = len(nginx.logged(r'\(\) failed'))
trial.check_jobs(worked('short', 'read write', SHORT, 0))
tap.is_(len(nginx.logged(r'\(\) failed')), before, 'which is no fault at all')
swept()

if not asan():
    n = counted('/p/', 'malloc', lambda: not kept())
    jobs = worked('no memory', 'malloc', FAIL, errno.ENOMEM,
                  max(1, n // ROUNDS))

    # a later job's fault may strike an earlier one once more

    docs = [nginx.finish(job) for job in jobs]
    failed = [doc for doc in docs if doc['status'] != 'succeeded']
    tap.ok(len(failed) < len(jobs) / 2, 'memory is asked for again: %d of %d '
           'jobs failed' % (len(failed), len(jobs)))
    tap.is_([(doc['error'], doc['stages']) for doc in failed
             if doc['error']['type'] != INTERNAL
             or max(stage['attempts'] for stage in doc['stages']
                    if 'attempts' in stage) < 3],
            [], 'none before its third attempt')
    tap.is_({nginx.request('POST', '/p/%s/retry' % doc['id']).status
             for doc in failed} - {202}, set(), 'all are tried again')
    trial.check_jobs(jobs)
    swept()

tap.is_(nginx.workers(), pid, 'one process has gone through all of it')

# the last call of a process: before each of them it is killed

jobs, calls, again = [], set(), 0
n = counted('/p/', FILES, lambda: not kept())

for when in range(1, n + 1):
    seed = next(seeds)
    pid = nginx.workers()
    faults.arm(FILES, KILL, when)

    try:
        answer = upload('/p/', seed)
        jobs.append(answer.headers['Location'])
    except (OSError, http.client.HTTPException):
        answer = None
        again += 1

    wait_for(lambda: faults.hits or not answer or not kept(), step=0.005)
    faults.disarm()
    calls.add(faults.call.partition('/')[0])

    if faults.hits:
        wait_for(lambda: nginx.workers() not in ([], pid))

    if not answer:
        answer = nginx.post('/p/', picture(seed), 'image/png')
        jobs.append(answer.headers['Location'])

    wait_for(lambda: not kept(), 5)

tap.note(', '.join(sorted(calls)))
tap.ok(0 < again < n, 'killed before each of %d calls, %d of them before the '
       'answer' % (n, again))
trial.check_jobs(jobs)
swept()
tap.ok(len(trial.store('tmp')) <= 2 * n, '%d files are left in tmp/'
       % len(trial.store('tmp')))
trial.check_log(*FAULTS, *KILLED)
tap.done()
