#!/usr/bin/env python3

# "notify": every end of a job is told, signed, to receivers that refuse, hang,
# redirect, are away or want to hear no more, over kills and restarts (row
# F39); and to lists of Redis.

import base64
import hashlib
import hmac
import http.server
import json
import os
import signal
import sys
import threading
import time

from imgp import SLOW, Model, Nginx, free_port, tap, wait_for
from pictures import unique_png
from redis import Redis

SECRETS = [bytes(range(32)), b'another secret of 32 bytes......']

PIPELINES = {
    'ok': 'notify %%HOOK%%/ok secret=@%%DIR%%/0 secret=@%%DIR%%/1;',
    'bare': 'notify %%HOOK%%/bare;',
    'slow': 'notify %%HOOK%%/busy/2 retry=20ms,20ms,20ms;',
    'later': 'notify %%HOOK%%/later retry=20ms,20ms;',
    'moved': 'notify %%HOOK%%/moved retry=20ms;',
    'gone': 'notify %%HOOK%%/gone retry=20ms,20ms;',
    'hang': 'notify %%HOOK%%/hang timeout=400ms retry=50ms;'
            ' notify %%HOOK%%/beside;',
    'away': 'notify http://127.0.0.1:%%AWAY%%/away secret=@%%DIR%%/0'
            ' retry=1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,5s,5s,5s,5s,5s,5s;',
    'list': 'notify redis done:jobs'
            ' retry=500ms,500ms,500ms,500ms,1s,1s,1s,5s,5s,5s;',
}

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m;
    image_pipeline_redis redis://127.0.0.1:%%REDIS%% prefix=ip: timeout=3s;
    image_pipeline_threads image;
    image_pipeline bad { stage a { post http://127.0.0.1:%%DEAD%%/; }
                         notify %%HOOK%%/bad; }
    image_pipeline long { stage a { post %%MODEL%%/hang; }
                          notify %%HOOK%%/long; }
"""


class Hooks:
    """A receiver: what came, by path; paths are what it does."""

    def __init__(self, port=0):
        self.came = []
        self.lock = threading.Lock()
        hooks = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                hooks.answer(self, body)

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port),
                                                      Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, body):
        with self.lock:
            self.came.append((handler.path, dict(handler.headers), body,
                              time.monotonic()))
            n = len([1 for path, *_ in self.came if path == handler.path])

        name, _, times = handler.path[1:].partition('/')
        status = {'moved': 302, 'gone': 410}.get(name, 204)
        headers = {'Location': '/ok'} if name == 'moved' else {}

        if name == 'busy' and n <= int(times):
            status = 500

        if name == 'later' and n == 1:
            status = 429
            headers = {'Retry-After': '2'}

        if name == 'hang':
            time.sleep(40 * SLOW)

        try:
            handler.send_response(status)
            for item in headers.items():
                handler.send_header(*item)
            handler.send_header('Content-Length', '0')
            handler.end_headers()
        except OSError:
            pass

    def of(self, path):
        with self.lock:
            return [call for call in self.came if call[0] == path]

    def wait(self, path, n=1, timeout=40):
        wait_for(lambda: len(self.of(path)) >= n, timeout)
        return self.of(path)


def signed(headers, body, *secrets):
    """Checked as the libraries of Standard Webhooks do it."""

    headers = {name.lower(): value for name, value in headers.items()}
    text = b'%s.%s.%s' % (headers['webhook-id'].encode(),
                          headers['webhook-timestamp'].encode(), body)
    want = ['v1,' + base64.b64encode(hmac.digest(secret, text,
                                                 hashlib.sha256)).decode()
            for secret in secrets]

    return headers['webhook-signature'].split(' ') == want \
        and abs(int(headers['webhook-timestamp']) - time.time()) < 300


def run(name, image):
    answer = nginx.post('/%s/' % name, image)
    return nginx.finish(answer.headers['Location'])


def identity(call):
    return {name.lower(): value for name, value in call[1].items()}.get(
        'webhook-id')


def stored(folder):
    return os.listdir(os.path.join(nginx.store, folder))


def told():
    document = run('ok', unique_png(1))
    path, headers, body, _ = hooks.wait('/ok')[0]
    event = json.loads(body)
    data = event['data']

    tap.ok(signed(headers, body, *SECRETS), 'signed with both secrets')
    tap.is_((event['type'], event['timestamp'], headers['Content-Type']),
            ('job.succeeded', document['finished_at'], 'application/json'),
            'a job that succeeded')
    tap.is_([data[name] for name in ('id', 'pipeline', 'status', 'revision',
                                     'degraded', 'error')],
            [document['id'], 'ok', 'succeeded', document['revision'], False,
             None], '... is told of, in few words')
    tap.is_(identity((path, headers)), '%s-%d' % (document['id'],
                                                  document['revision']),
            '... by an id of its own')
    tap.ok(wait_for(lambda: not stored('notify')), '... and nothing is left')

    again = nginx.post('/ok/', unique_png(1))
    tap.is_((again.status, again.json['status']), (200, 'succeeded'),
            'the same picture, from the cache')
    tap.is_([json.loads(call[2])['data']['id']
             for call in hooks.wait('/ok', 2)][1:], [again.json['id']],
            '... is told of, too')

    document = run('bad', unique_png(2))
    event = json.loads(hooks.wait('/bad')[0][2])
    tap.is_((event['type'], event['data']['error']), ('job.failed',
                                                      document['error']),
            'a job that failed')

    location = nginx.post('/long/', unique_png(3)).headers['Location']
    wait_for(lambda: nginx.get(location).json['status'] == 'running')
    nginx.delete(location)
    tap.is_(json.loads(hooks.wait('/long')[0][2])['type'], 'job.canceled',
            'one that was canceled')

    run('bare', unique_png(4))
    tap.ok('webhook-signature' not in
           {name.lower() for name in hooks.wait('/bare')[0][1]},
           'without a secret: not signed')


def refused():
    run('slow', unique_png(5))
    calls = hooks.wait('/busy/2', 3)
    tap.is_((len(calls), len({identity(call) for call in calls})), (3, 1),
            'a receiver that is busy hears the same again')
    tap.is_(len({call[2] for call in calls}), 1, '... byte by byte')

    run('later', unique_png(6))
    calls = hooks.wait('/later', 2)
    tap.ok(calls[1][3] - calls[0][3] >= 1.9, 'Retry-After is waited for')

    run('moved', unique_png(7))
    hooks.wait('/moved', 2)
    run('gone', unique_png(8))
    hooks.wait('/gone')

    tap.ok(wait_for(lambda: len(stored('dead')) == 2), 'who refuses for good')

    dead = {}
    for name in stored('dead'):
        with open(os.path.join(nginx.store, 'dead', name)) as file:
            notice = json.load(file)
            dead[notice['pipeline']] = notice

    tap.is_((dead['moved']['attempts'], dead['moved']['reason']),
            (2, 'service answered 302'), 'a redirect is none')
    tap.is_((dead['gone']['attempts'], dead['gone']['reason']),
            (1, 'service answered 410'), '410 is the last word')
    tap.is_(json.loads(dead['gone']['body'])['type'], 'job.succeeded',
            'what was to be told is kept')
    tap.is_((len(hooks.of('/moved')), len(hooks.of('/gone')),
             len(hooks.of('/ok'))), (2, 1, 2), 'nobody else has heard of it')
    nginx.allow_log('was not notified of job')


def hangs():
    run('hang', unique_png(9))
    tap.is_(len(hooks.wait('/beside')), 1, 'another receiver of the same job')
    calls = hooks.wait('/hang', 2)
    tap.ok(calls[1][3] - calls[0][3] < 30 * SLOW, 'one that hangs is left')
    tap.ok(wait_for(lambda: len(stored('dead')) == 3), '... and given up')


def many():
    locations = [nginx.post('/bare/', unique_png(100 + n)).headers['Location']
                 for n in range(60)]
    jobs = {location.rpartition('/')[2] for location in locations}
    calls = hooks.wait('/bare', 61)[1:]
    tap.is_(sorted(json.loads(call[2])['data']['id'] for call in calls),
            sorted(jobs), '60 jobs of two workers: each is told once')
    tap.ok(wait_for(lambda: not stored('notify')), '... and nothing is left')


def killed():
    """The receiver is away, nginx dies, and comes back."""

    documents = [run('away', unique_png(200 + n)) for n in range(5)]
    tap.is_(len(stored('notify')), 5, 'nobody is there: 5 wait')

    nginx.kill_worker()
    nginx.reload()
    nginx.allow_log('exited on signal 9')

    children = nginx.workers()
    nginx.kill()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(os.path.exists('/proc/%d' % pid)
                             for pid in children))
    tap.is_(len(stored('notify')), 5, 'they survive the end of nginx')

    receiver = Hooks(away)
    nginx.start()
    calls = receiver.wait('/away', 5, 60)

    tap.is_(sorted({identity(call) for call in calls}),
            sorted('%s-%d' % (document['id'], document['revision'])
                   for document in documents), 'all are told of at last')
    tap.ok(all(signed(call[1], call[2], SECRETS[0]) for call in calls),
           '... signed')
    tap.ok(wait_for(lambda: not stored('notify'), 60), 'nothing is left')


def lists():
    document = run('list', unique_png(300))
    wait_for(lambda: redis.ask('LLEN', 'done:jobs'))
    event = json.loads(redis.ask('LPOP', 'done:jobs'))
    tap.is_((event['type'], event['data']['id']),
            ('job.succeeded', document['id']), 'a list of Redis')

    redis.kill()
    document = run('list', unique_png(301))
    tap.is_(document['status'], 'succeeded', 'without Redis')
    redis.start()
    wait_for(lambda: redis.ask('LLEN', 'done:jobs'), 20)
    tap.is_(json.loads(redis.ask('LPOP', 'done:jobs'))['data']['id'],
            document['id'], '... it hears of it when it is back')
    tap.ok(wait_for(lambda: not stored('notify')), '... and nothing is left')
    nginx.allow_log('Redis')


ERRORS = [
    ('redis', 'needs the name of a list: "notify redis LIST;"'),
    ('redis done:jobs', '"notify redis" needs Redis: add to http {} '
     '"image_pipeline_redis redis://127.0.0.1:6379/0;"'),
    ('"redis" "a b"', 'invalid name of a Redis list "a b"'),
    ('ftp://127.0.0.1/', 'it must begin with "http://" or "https://"'),
    ('http://127.0.0.1/ secret=abc', 'must be the name of a file'),
    ('http://127.0.0.1/ secret=@nowhere', 'cannot read the file'),
    ('http://127.0.0.1/ secret=@nginx.conf', 'must hold one line of text'),
    ('http://127.0.0.1/ secret=@bad', 'make one with "echo whsec_$(openssl '
     'rand -base64 32)"'),
    ('http://127.0.0.1/ retry=5s,never', 'invalid time "never"'),
    ('http://127.0.0.1/ retry=' + ','.join(['1s'] * 17), '16 are the most'),
    ('http://127.0.0.1/ often', 'invalid "often" in "notify"'),
    ('redis a timeout=5s', 'invalid "timeout=5s" in "notify"'),
    ('http://no.such.name.invalid/', 'is neither an upstream {} nor a known '
     'name'),
]


def configured():
    """Errors of nginx -t, with their place."""

    for text, want in ERRORS:
        broken = Nginx('', http='image_pipeline_path %%STORE%% zone=jobs:1m;\n'
                       'image_pipeline p { stage a { resize 5; }\n'
                       'notify ' + text + '; }')
        with open(os.path.join(broken.dir, 'bad'), 'w') as file:
            file.write('whsec_short\n')

        with open(broken.config) as file:
            line = 1 + [' notify ' in ' ' + text for text in file].index(True)

        status, said = broken.test_config()
        tap.ok(status and want in said
               and 'nginx.conf:%d' % line in said, 'notify ' + text)


hooks = Hooks()
model = Model()
redis = Redis()
away = free_port()

nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name)
                      for name in [*PIPELINES, 'bad', 'long']),
              workers=2, http=HTTP + ''.join(
                  'image_pipeline %s { stage a { resize 5; } %s }\n' % item
                  for item in PIPELINES.items()),
              HOOK='http://127.0.0.1:%d' % hooks.port, DEAD=free_port(),
              AWAY=away, MODEL=model.url, REDIS=redis.port)

for n, secret in enumerate(SECRETS):
    with open(os.path.join(nginx.dir, str(n)), 'w') as file:
        file.write('whsec_' + base64.b64encode(secret).decode() + '\n')

nginx.start()

for part in configured, told, refused, hangs, many, lists, killed:
    part()

tap.is_([line for line in nginx.logged('whsec_')
         ], [], 'no secret is logged')
tap.is_(nginx.alerts('exited on signal 9'), [], 'nothing alarming is logged')
tap.done()
