#!/usr/bin/env python3

# What others may see of an upload before it is decided: the sweep, which finds
# its job in the journal, and who sends it again under the same
# Idempotency-Key.  A call of the store is held, so that the moment lasts.

import http.client
import os
import re
import signal
import socket
import threading

from imgp import SLOW, Model, tap, wait_for
from shim import HOLD, Faults
from trial import Trial, picture

LINE = """
    image_pipeline line {
        concurrency 1; queue 1;
        stage only { post %%GATE%%/echo/line; timeout 1h; }
    }
"""

LOCATIONS = """
    location /line/ { image_pipeline_pass line; }
    location = /metrics { image_pipeline_metrics; }
"""

gate = Model()
trial = Trial(workers=1, threads=4, start=False, sync='on', more=LINE,
              GATE=gate.url, locations=LOCATIONS)
nginx = trial.nginx
faults = Faults(nginx)
nginx.start()


def upload(seed, key=None):
    headers = {'idempotency_key': key} if key else {}
    return nginx.post('/line/', picture(seed), 'image/png', **headers)


def kept():
    return {os.path.basename(path) for path in trial.store('jobs')}


def jobs(state):
    found = re.search(r'image_pipeline_jobs\{pipeline="line",state="%s"\} '
                      r'(\d+)' % state, nginx.get('/metrics').body.decode())
    return int(found.group(1))


def half_sent(body):
    """An upload that has passed the look at the queue, and is not whole."""

    s = socket.create_connection(('127.0.0.1', nginx.port), 60 * SLOW)
    s.sendall(b'POST /line/ HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n'
              b'Expect: 100-continue\r\nConnection: close\r\n'
              b'Content-Length: %d\r\n\r\n' % len(body))
    got = s.recv(1000)
    tap.is_(got[:13], b'HTTP/1.1 100 ', 'an upload may begin')
    s.sendall(body[:100])
    return s


def answer_of(s):
    response = http.client.HTTPResponse(s)
    response.begin()
    response.read()
    return response.status


# the queue is full when the upload is whole, so the journal forgets its job;
# a moment before that the sweep has found it there

os.kill(gate.pid, signal.SIGSTOP)
first = upload(1).headers['Location']
wait_for(lambda: jobs('running') == 1)

body = picture(2)
slow = half_sent(body)
second = upload(3).headers['Location']
tap.is_(jobs('queued'), 1, 'meanwhile another has filled the queue')

faults.arm('unlink', HOLD)
slow.sendall(body[100:])
tap.ok(wait_for(lambda: faults.hits, 30), 'it is about to be forgotten')
tap.is_(faults.call[:12], 'unlink jobs/', 'by the journal')
tap.ok(wait_for(lambda: jobs('queued') == 2, 60),
       'but a sweep has put it into the table')
faults.disarm()

tap.is_(answer_of(slow), 503, 'it is refused')
slow.close()
tap.is_(jobs('queued'), 1, 'and in no queue')
tap.is_(kept(), {first[-26:], second[-26:]}, 'nor in the journal')

os.kill(gate.pid, signal.SIGCONT)

for location in first, second:
    tap.is_(nginx.finish(location)['status'], 'succeeded', 'the others end')

tap.is_(jobs('running') + jobs('queued'), 0, 'nothing is left to be done')
tap.is_(gate.calls('/echo/line'), 2, 'nor was anything done for nobody')

# the same upload again, while the first is in the journal and not yet in the
# table: whether that one will be accepted is not known

faults.watch('sync')
upload(4, '"count"')
calls = faults.count
faults.arm('sync', HOLD, when=calls)

answers = []
other = threading.Thread(
    target=lambda: answers.append(upload(5, '"same"')))
other.start()
tap.ok(wait_for(lambda: faults.hits, 30), 'an upload is being stored')

again = upload(5, '"same"')
tap.is_(again.status, 503, 'the same is told to come again')
tap.is_(again.json['type'], 'urn:image-pipeline:store-unavailable', 'and why')
tap.ok(again.headers['Retry-After'], 'and when')
faults.disarm()
other.join()

tap.ok(answers[0].status in (200, 202), 'the first is accepted')
again = upload(5, '"same"')
tap.is_(again.headers['Idempotency-Replayed'], 'true', 'then it is known')
tap.is_(again.headers['Location'], answers[0].headers['Location'],
        'as the same job')
tap.is_(nginx.finish(again.headers['Location'])['status'], 'succeeded',
        'which ends')

trial.check_log()
tap.done()
