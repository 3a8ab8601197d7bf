#!/usr/bin/env python3

# What is taken of answers: JSON, base64, parts, URLs; and services that
# finish later.

import base64
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse

from imgp import Client, Model, Nginx, Process, ROOT, SLOW, tap, wait_for
from pictures import png, size, unique_png

M = 'post http://%%MODEL%%'
L = 'post http://%%LATER%%'
POLL = 'poll /urls/get every=20ms status=/status done=succeeded ' \
       'failed=failed|canceled; take json /output/* url;' \
       'header Authorization @%%DIR%%/key;'
FAL = 'poll /status_url every=20ms status=/status done=COMPLETED ' \
      'result=/response_url; take json /image/url url;'

STAGES = {
    'values': M + '/canned/items; take json /items/*/box;',
    'images': M + '/canned/items; take json /items/*/image base64;',
    'parts': M + '/canned/parts;',
    'typed': M + '/canned/page; take body image/*;',
    'page': M + '/canned/page; take json /a;',
    'error': M + '/canned/error; take json /items/*/image base64;'
             'retry 1 10ms;',
    'nothing': M + '/canned/nothing; take json /items/*/image base64;',
    'wrong': M + '/canned/items; take json /items/*/box base64;',
    'deep': M + '/canned/deep; take json /a;',
    'many': M + '/canned/many; take json /*;',
    'lost': M + '/canned/lost;',
    'large': M + '/canned/large; take json /image base64;',

    'replicate': L + '/v1/predictions; ' + POLL,
    'broken': L + '/v1/predictions?break=2; ' + POLL,
    'failing': L + '/v1/predictions?fail=1; retry 1 10ms; ' + POLL,
    'endless': L + '/v1/predictions?asks=100000; timeout 500ms; ' + POLL,
    'one': L + '/v1/predictions?asks=4; concurrency 1; ' + POLL,
    'fal': L + '/fal-ai/birefnet; ' + FAL,
    'gradio': L + '/gradio_api/call/predict; poll /event_id every=20ms;'
              'take json /0/url url;',
    'gradiofail': L + '/gradio_api/call/predict?fail=1;'
                  'poll /event_id every=20ms; take json /0/url url;',
    'accepted': L + '/accepted; poll location every=20ms;',

    'reset': 'post http://later/links?to=/file/a&to=/file/b;'
             'take json /links/* url;',
}

# what the service says, the list, and what comes of it: None, or a part of
# the error

LINKS = [
    ('own', 'http://%(later)s/file/a', '', None),
    ('relative', '/file/a', '', None),
    ('other', 'http://%(other)s/file/a', '', 'is not allowed'),
    ('listed', 'http://%(other)s/file/a', '%(other)s', None),
    ('port', 'http://127.0.0.1:1/', '127.0.0.1', 'is not allowed'),
    ('decimal', 'http://2130706433:%(port)s/file/a', '*.example.com',
     None),
    ('name', 'http://private.test/', 'private.test', 'not public'),
    ('mixed', 'http://mixed.test/', '*.test', 'not public'),
    ('unknown', 'http://none.test/', '*.test', 'cannot be resolved'),
    ('suffix', 'http://eviltest/', '*.test', 'is not allowed'),
    ('local', 'http://localhost:%(port)s/file/a', '', 'is not allowed'),
    ('six', 'http://[::1]:%(port)s/file/a', '', 'is not allowed'),
    ('mapped', 'http://[::ffff:127.0.0.1]:%(port)s/file/a', '*.test',
     'is not allowed'),
    ('user', 'http://a:b@%(later)s/file/a', '', 'cannot be used'),
    ('confused', 'http://%(later)s@private.test/', 'private.test',
     'cannot be used'),
    ('backslash', 'http://private.test\\@%(later)s/', 'private.test',
     'cannot be used|not public|not allowed'),
    ('file', 'file:///etc/passwd', '', 'cannot be used'),
    ('gopher', 'gopher://%(later)s/x', '', 'cannot be used'),
    ('control', 'http://%(later)s/file/a\r\nX: y', '', 'cannot be used'),
    ('redirect', '/elsewhere', '', 'service answered 302'),
    ('missing', '/none', '', 'service answered 404'),
]

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;
    resolver 127.0.0.1:%%DNS%% ipv6=off;
    resolver_timeout 3s;
    upstream later { server %%LATER%%; }
"""

PIPELINE = 'image_pipeline %s { stage call { %s } }\n'

# more than one stage

FAN = """ post http://%%MODEL%%/canned/items; take json /items/*/image base64; }
    stage small { each call; resize 5; }
    stage sent  { each call; from small;
                  post http://%%MODEL%%/echo; send multipart f; }
    outputs small sent; stage none { from upload; resize 9;"""
counter = iter(range(1, 1 << 20))


def run(name):
    server = nginx if name in STAGES or name == 'fan' else linked
    answer = server.post('/%s/' % name, unique_png(next(counter), 16, 16))
    return server.finish(answer.headers['Location']) \
        if answer.status == 202 else answer.json


def outputs(document, stage='call', server=None):
    return [(server or nginx).get(item['url'])
            for item in document['outputs'].get(stage, [])]


def fails(name, kind, pattern, attempts=1):
    document = run(name)
    error = document['error'] or {}
    tap.is_((document['status'], error.get('type'), error.get('stage'),
             document['stages'][0]['attempts']),
            ('failed', 'urn:image-pipeline:' + kind, 'call', attempts), name)
    tap.ok(re.search(pattern, error.get('detail', '')),
           '... %s' % error.get('detail'))
    return document


def taken():
    document = run('values')
    tap.is_([json.loads(a.body) for a in outputs(document)],
            [[1, 2], [3, 4], [5, 6]], 'values of JSON')
    tap.is_({item['type'] for item in document['outputs']['call']},
            {'application/json'}, '... are JSON')

    document = run('images')
    tap.is_([a.body for a in outputs(document)], IMAGES, 'base64, in order')
    tap.is_([(i['type'], i['width']) for i in document['outputs']['call']],
            [('image/png', 10), ('image/png', 11), ('image/png', 12)],
            '... are looked at like uploads')

    document = run('parts')
    tap.is_([a.body for a in outputs(document)], [IMAGES[0], b'text'],
            'a multipart answer: its parts')
    tap.is_([i['type'] for i in document['outputs']['call']],
            ['image/png', 'text/plain'], '... their types')

    document = run('fan')
    tap.is_([size(a.body)[1] for a in outputs(document, 'small')], [5, 5, 5],
            '"each" of what was taken')
    tap.is_([a.body for a in outputs(document, 'sent')], IMAGES,
            '... joined again, in order')

    document = run('large')
    tap.is_((document['status'], document['outputs']['call'][0]['bytes']),
            ('succeeded', 12 << 20), '16 MB of JSON')


def refused():
    host = 'service "127.0.0.1:\\d+": '
    fails('typed', 'service-reply', host + 'answer is text/html, not image/')
    fails('page', 'service-reply', host + 'answer is text/html, not JSON')
    fails('error', 'service-reply', host + 'answer has nothing at '
          '"/items/\\*/image", it is an object of "error"$', 2)
    tap.ok(nginx.logged('service "127.*answered: {"error": "key sk-1'),
           '... the log quotes it')
    fails('nothing', 'service-reply', 'has nothing at .* of "items"')
    fails('wrong', 'service-reply', 'has an array of 2 at "/items/\\*/box"')
    fails('deep', 'service-reply', 'nested deeper than 32')
    fails('many', 'limit-exceeded', 'more than 64 values')
    fails('lost', 'service-reply', 'ends before its boundary')


def later():
    for name in 'replicate', 'broken':
        forget()
        document = run(name)
        tap.is_(([a.body for a in outputs(document)],
                 document['stages'][0]['attempts']), (IMAGES[:2], 1), name)
        asked = [path for method, path, headers in seen()
                 if path.startswith('/v1/predictions')]
        tap.is_(len(asked), 3 if name == 'replicate' else 5,
                '... asked until it was done')

    keys = {headers.get('authorization') for _, _, headers in seen()}
    tap.is_(keys, {'Bearer sk-1'}, '... with the key, at its own host')

    fails('failing', 'service-refused', 'its work failed .status "failed"')
    began = time.monotonic()
    fails('endless', 'service-timeout', 'not done within 500 ms')
    tap.ok(time.monotonic() - began < 15 * SLOW, '... in time')

    for name in 'fal', 'gradio', 'accepted':
        tap.is_([a.body for a in outputs(run(name))], IMAGES[:1], name)

    fails('gradiofail', 'service-refused', 'failed .event "error"')

    place = nginx.post('/endless/', unique_png(next(counter)))
    place = place.headers['Location']
    wait_for(lambda: nginx.get(place).json['stages'][0]['status'] == 'running')
    tap.is_(nginx.delete(place).json['status'], 'canceled',
            'canceled while it is asked')


def one_at_a_time():
    """The place of a service is kept until it is done, not only answered."""

    forget()
    places = [nginx.post('/one/', unique_png(next(counter)))
              .headers['Location'] for n in range(3)]
    tap.is_({nginx.finish(place)['status'] for place in places}, {'succeeded'},
            'three jobs, a service for one')
    order = [(method, path.rpartition('/')[2]) for method, path, _ in seen()
             if path.startswith('/v1/')]
    posts = [n for n, (method, _) in enumerate(order) if method == 'POST']
    tap.is_([b - a for a, b in zip(posts, posts[1:])], [5, 5],
            '... one is done before the next begins')


def links():
    for name, url, hosts, pattern in LINKS:
        forget()

        document = run(name)
        detail = (document['error'] or {}).get('detail', '')

        if pattern:
            tap.ok(document['status'] == 'failed'
                   and re.search(pattern, detail),
                   'link: %s: %s' % (name, detail))
        else:
            tap.is_([a.body for a in outputs(document, server=linked)],
                    IMAGES[:1], 'link: %s %s' % (name, detail))

    tap.is_([a.body for a in outputs(run('reset'))], IMAGES[:2],
            'links of an upstream {}')

    with Client(other) as client:
        headers = [h for _, path, h in client.get('/_seen').json
                   if path == '/file/a']

    tap.ok(headers and not any({'authorization', 'traceparent',
                                'idempotency-key'} & set(h) for h in headers),
           'another host is told nothing')


def seen():
    with Client(port) as client:
        return client.get('/_seen').json


def forget():
    with Client(port) as client:
        client.request('POST', '/_reset', b'')


def fake(name, *arguments):
    process = Process()
    process.spawn([sys.executable, os.path.join(ROOT, 't/fakes', name),
                   *arguments], stdout=subprocess.PIPE, text=True)
    return int(process.process.stdout.readline())


def fill(port):
    with Client(port) as client:
        for name, image in zip('ab', IMAGES):
            client.request('PUT', '/file/' + name, image,
                           {'Content-Type': 'image/png'})


def can():
    text = [base64.b64encode(image).decode() for image in IMAGES]
    text[1] = 'data:image/png;base64,' + text[1]

    for name, value in {
            'items': {'items': [{'box': [1, 2], 'image': text[0]},
                                {'box': [3, 4], 'image': text[1]},
                                {'box': [5, 6], 'image': text[2]},
                                {'box': None, 'image': None}]},
            'error': {'error': 'key sk-1 is not valid'},
            'nothing': {'items': []},
            'deep': json.loads('[' * 40 + ']' * 40),
            'many': list(range(65)),
            'large': {'image': base64.b64encode(bytes(12 << 20)).decode()},
            }.items():
        model.can(name, json.dumps(value).encode(), 'application/json')

    body = b'--b\r\nContent-Type: image/png\r\n\r\n' + IMAGES[0] \
        + b'\r\n--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n'
    model.can('parts', body + b'--b--\r\n', 'multipart/mixed; boundary=b')
    model.can('lost', body, 'multipart/mixed; boundary=b')
    model.can('page', b'<html>', 'text/html; charset=utf-8')


IMAGES = [png(10, 9), png(11, 9), png(12, 9)]
model = Model()
port = fake('later.py')
other = fake('later.py')
fill(port)
fill(other)
dns = fake('dns.py', 'private.test=10.0.0.1', 'mixed.test=8.8.8.8,127.0.0.1')
places = {'later': '127.0.0.1:%d' % port, 'other': '127.0.0.1:%d' % other,
          'port': port}
can()


def server(stages, http=''):
    instance = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                             % (name, name) for name in stages), workers=2,
                     http=HTTP + ''.join(PIPELINE % item
                                         for item in stages.items()),
                     MODEL=model.address, LATER=places['later'], DNS=dns)

    with open(os.path.join(instance.dir, 'key'), 'w') as out:
        out.write('Bearer sk-1')

    return instance.start()


nginx = server({**STAGES, 'fan': FAN})
linked = server({name: L + '/links?to=%s; take json /links/* url %s;'
                 'timeout 2s; header Authorization @%%%%DIR%%%%/key;'
                 % (urllib.parse.quote(url % places, ''), hosts % places)
                 for name, url, hosts, pattern in LINKS})

taken()
refused()
later()
one_at_a_time()
links()

tap.is_(nginx.alerts() + linked.alerts(), [], 'nothing alarming is logged')
tap.done()
