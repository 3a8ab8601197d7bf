#!/usr/bin/env python3

# "queue LIST": work for those who BLPOP a list of Redis.  Real workers take it,
# fail, refuse and answer with garbage; nobody takes it, a job is canceled, a
# process is killed, Redis is away.

import json
import os
import signal
import subprocess
import sys

from imgp import ROOT, Nginx, Process, parallel, tap, wait_for
from pictures import unique_png
from redis import Redis

STAGES = {
    'echo': 'queue work:echo; timeout 20s;',
    'fail': 'queue work:fail; timeout 20s; retry 1 20ms;',
    'refuse': 'queue work:refuse; timeout 20s; retry 3 20ms;',
    'garbage': 'queue work:garbage; timeout 20s;',
    'text': 'queue work:text; timeout 20s; send json %%DIR%%/text.json;'
            ' take json /text;',
    'nobody': 'queue work:nobody; timeout 500ms; retry 1 20ms;',
    'late': 'queue work:late; timeout 60s;',
    'wrong': 'queue work:echo; timeout 20s; take json /nothing;',
}

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m;
    image_pipeline_redis redis://127.0.0.1:%%REDIS%% prefix=ip: timeout=5s;
    image_pipeline_threads image;
"""

ERRORS = [
    ('', 'queue work:a; header X y;', 'redis',
     '"header" does not go with "queue"'),
    ('', 'queue work:a; send multipart f;', 'redis', 'correct "send"'),
    ('', 'queue work:a; take json /a url;', 'redis', 'correct "take"'),
    ('', 'queue "a b";', 'redis', 'invalid name of a Redis list "a b"'),
    ('', 'queue work:a;', '', '"queue" needs Redis: add to http {}'),
    ('', 'queue work:a; resize 5;', 'redis', 'resize'),
]


def worker(mode, count=1):
    started = []

    for _ in range(count):
        process = Process()
        process.spawn([sys.executable,
                       os.path.join(ROOT, 't/fakes/list_worker.py'),
                       str(redis.port), 'work:' + mode, mode],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)

    return started


def start(name, image):
    return nginx.post('/%s/' % name, image).headers['Location']


def run(name, image):
    return nginx.finish(start(name, image))


def body(document):
    return nginx.get(document['outputs']['call'][0]['url']).body


def done():
    image = unique_png(1)
    document = run('echo', image)
    tap.is_((document['status'], document['outputs'].get('call', [{}])[0]
             .get('type')), ('succeeded', 'image/png'), 'a worker has done it')
    tap.ok(body(document) == image, 'with the bytes of the input')

    images = [unique_png(10 + n) for n in range(40)]
    documents = parallel(lambda image: run('echo', image), images, 8)
    tap.ok(all(body(document) == image
               for document, image in zip(documents, images)),
           '40 jobs, 3 workers: each gets its own answer')
    tap.ok(wait_for(lambda: not redis.ask('KEYS', 'ip:answers:*')
                    + redis.ask('KEYS', 'work:*')), 'no list is left behind')
    tap.ok(wait_for(lambda: not redis.ask('KEYS', 'ip:input:*')),
           'and no input')

    document = run('text', unique_png(2))
    tap.is_((document['status'], body(document)),
            ('succeeded', json.dumps('%d en' % len(unique_png(2))).encode()),
            'a message of one\'s own')


def refused():
    document = run('fail', unique_png(3))
    tap.is_((document['status'], document['stages'][0]['attempts']),
            ('succeeded', 2), 'a worker that fails is asked again')

    document = run('refuse', unique_png(4))
    tap.is_((document['error']['type'], document['error']['detail'],
             document['stages'][0]['attempts']),
            ('urn:image-pipeline:service-refused',
             'service "work:refuse": worker failed: no GPU is free', 1),
            'one that refuses is not')

    tap.is_(run('garbage', unique_png(5))['status'], 'succeeded',
            'answers that are none are nobody\'s')
    tap.is_(run('wrong', unique_png(6))['error']['type'],
            'urn:image-pipeline:service-reply', 'an answer without the output')


def taken_back():
    document = run('nobody', unique_png(7))
    tap.is_((document['error']['detail'], document['stages'][0]['attempts']),
            ('no worker took it within 500 ms', 2), 'nobody is there')
    tap.ok(wait_for(lambda: not redis.ask('KEYS', 'work:*')
                    + redis.ask('KEYS', 'ip:input:*')),
           'the work is taken back, with its input')

    location = start('late', unique_png(8))
    tap.ok(wait_for(lambda: redis.ask('LLEN', 'work:late')), 'one waits')
    nginx.delete(location)
    tap.ok(wait_for(lambda: not redis.ask('LLEN', 'work:late')),
           'it is canceled: taken back')


def killed():
    location = start('late', unique_png(9))
    wait_for(lambda: redis.ask('LLEN', 'work:late'))

    workers = nginx.workers()
    for pid in workers:
        nginx.kill_worker(pid=pid, respawn=False)
    wait_for(lambda: len(nginx.workers()) == 2
             and not set(nginx.workers()) & set(workers))
    nginx.allow_log('exited on signal 9')

    worker('late')
    tap.is_(nginx.finish(location, 60)['status'], 'succeeded',
            'the process that waits is killed: another hands it out again')

    redis.process.send_signal(signal.SIGSTOP)
    location = start('echo', unique_png(11))
    redis.process.send_signal(signal.SIGCONT)
    tap.is_(nginx.finish(location)['status'], 'succeeded',
            'Redis was frozen for a moment')
    nginx.allow_log('Redis')


def configured():
    for _, stage, with_redis, want in ERRORS:
        broken = Nginx('', http='image_pipeline_path %%STORE%% zone=jobs:1m;\n'
                       + ('image_pipeline_redis redis://127.0.0.1:1/0;\n'
                          if with_redis else '')
                       + 'image_pipeline p {\nstage a {' + stage + '}\n}')

        with open(broken.config) as file:
            line = 1 + ['stage a {' in text for text in file].index(True)

        status, said = broken.test_config()
        tap.ok(status and want in said
               and 'nginx.conf:%d' % line in said, 'nginx -t: ' + stage)


redis = Redis()
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name) for name in STAGES),
              workers=2, http=HTTP + ''.join(
                  'image_pipeline %s { keep 1h; stage call { %s } }\n' % item
                  for item in STAGES.items()), REDIS=redis.port)

with open(os.path.join(nginx.dir, 'text.json'), 'w') as file:
    file.write('{ "image": "{{input.base64}}", "language": "en" }\n')

nginx.start()

worker('echo', 3)
for mode in 'fail', 'refuse', 'garbage', 'text':
    worker(mode)

for part in configured, done, refused, taken_back, killed:
    part()

tap.is_(nginx.alerts('exited on signal 9'), [], 'nothing alarming is logged')
tap.done()
