#!/usr/bin/python3

# Local operations that take more than a picture, through HTTP: what reaches
# them from several stages, their types, their keys in the cache, and their
# failures.  The pixels themselves are judged by t/unit/test_op_*.c.

import base64
import json

from imgp import Model, Nginx, sample, tap
from pictures import png, size, unpack_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline mask {
        stage found  { from upload; post http://%%MODEL%%/canned/ocr; }
        stage mask   { from upload found; mask /results/0/* dilate=2; }
    }

    image_pipeline inline {
        stage small  { resize 32; }
        stage png    { from small; encode png; }
        stage inline { from small png; base64; }
    }
"""

SERVER = """
    location /mask/ { image_pipeline_pass mask; }
    location /inline/ { image_pipeline_pass inline; }
"""


def run(uri, image):
    answer = nginx.post(uri, image)

    if answer.status != 202:
        return answer.json

    return nginx.finish(answer.headers['Location'])


def outputs(document, stage):
    return [nginx.get(item['url']) for item in document['outputs'][stage]]


def cached(document):
    return {stage['name']: stage.get('cached') for stage in document['stages']}


def canned(name, value):
    model.can(name, json.dumps(value).encode(), 'application/json')


def mask():
    canned('ocr', {'results': [[
        {'text': 'a', 'text_region': [[10, 8], [30, 8], [30, 14], [10, 14]]},
        {'text': 'b', 'box': [50, 30, 60, 9]}]]})

    document = run('/mask/', png(64, 40))
    tap.is_(document['status'], 'succeeded', 'what an OCR service found')
    picture = outputs(document, 'mask')[0].body
    tap.is_(size(picture), ('image/png', 64, 40), 'a mask of that size')
    rows = unpack_png(picture)[3]
    white = [(x, y) for y in range(40) for x in range(64)
             if rows[y][x] == 255]
    want = [(x, y) for y in range(40) for x in range(64)
            if (8 <= x < 32 and 6 <= y < 16) or (x >= 48 and y >= 28)]
    tap.is_(white, want, 'white around each box')
    tap.is_(set(b''.join(rows)), {0, 255}, 'black and white')
    tap.is_(set(cached(run('/mask/', png(64, 40))).values()), {True},
            'known the second time')

    canned('ocr', {'results': [[{'box': [10, 8]}]]})
    document = run('/mask/', png(64, 40, (1, 2, 3)))
    tap.is_((document['status'], document['error']['stage'],
             document['error']['status']), ('failed', 'mask', 422),
            'a box that is none: ' + document['error']['detail'])


def inline():
    document = run('/inline/', sample())
    tap.is_(document['status'], 'succeeded', 'base64 of two stages')
    answers = outputs(document, 'inline')
    tap.is_([a.headers['Content-Type'] for a in answers],
            ['application/json'] * 2, 'a document for each')
    found = [json.loads(a.body) for a in answers]
    tap.is_([(f['type'], f['width'], f['height']) for f in found],
            [('image/jpeg', 32, 18), ('image/png', 32, 18)],
            'type and size of what is in it')
    pictures = [base64.b64decode(f['data'], validate=True) for f in found]
    tap.is_([size(p) for p in pictures],
            [(f['type'], f['width'], f['height']) for f in found],
            'which is a picture')
    tap.is_([len(p) for p in pictures], [f['bytes'] for f in found],
            'all of it')
    tap.is_([item['type'] for item in document['outputs']['inline']],
            ['application/json'] * 2, 'the job tells the type')
    tap.is_(set(cached(run('/inline/', sample())).values()), {True},
            'known the second time')


model = Model()
nginx = Nginx(SERVER, http=HTTP, MODEL=model.address)
nginx.start()

mask()
inline()

tap.is_(nginx.alerts(), [], 'nothing in the log')
tap.done()
