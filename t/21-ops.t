#!/usr/bin/python3

# Local operations that take more than a picture, through HTTP: what reaches
# them from several stages, their types, their keys in the cache, and their
# failures.  The pixels themselves are judged by t/unit/test_op_*.c.

import base64
import contextlib
import json
import os
import zlib

from imgp import Model, Nginx, sample, tap
from pictures import pixel, png, png_of, size, unpack_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline mask {
        stage found  { from upload; post http://%%MODEL%%/canned/ocr; }
        stage mask   { from upload found; mask /results/0/* dilate=2; }
    }

    image_pipeline layers {
        stage small   { from upload; resize 40; }
        stage mask    { from upload; post http://%%MODEL%%/canned/mask; }
        stage red     { from upload; post http://%%MODEL%%/canned/red; }
        stage cutout  { from small mask; composite; }
        stage shown   { from cutout red; composite at=0,0; }
        stage patched { from red cutout mask; composite; }
        stage bad     { optional; from red; composite; }
        outputs       cutout shown patched bad;
    }

    image_pipeline many {
        stage boxes  { from upload; post http://%%MODEL%%/canned/boxes; }
        stage parts  { from upload boxes; crop /*; }
        stage files  { each parts; encode png; }
    }

    image_pipeline inline {
        stage small  { resize 32; }
        stage png    { from small; encode png; }
        stage inline { from small png; base64; }
    }
"""

RENDER = """
    image_pipeline render {
        param lang es es|ko;
        stage found   { from upload; post http://%%MODEL%%/canned/ocr; }
        stage words   { each found; post http://%%MODEL%%/canned/words;
                        header X-Lang $param_lang; }
        stage clean   { from upload; resize 200; }
        stage page    { from clean found words;
                        render /results/0/* text=/texts/*; }
        outputs       page;
    }
"""

SERVER = """
    location /mask/ { image_pipeline_pass mask; }
    location /layers/ { image_pipeline_pass layers; }
    location /many/ { image_pipeline_pass many; }
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


def layers():
    """A mask that a service gave, cut out by it, over another picture."""

    blue, red = (0, 0, 250), (250, 0, 0)
    model.can('mask', png_of(40, 20, zlib.compress(
        b''.join(b'\0' + (b'\xff' * 40 if y < 10 else b'\0' * 40)
                 for y in range(20))), colour=0), 'image/png')
    model.can('red', png(80, 80, red), 'image/png')

    document = run('/layers/', png(80, 40, blue))
    cutout, shown, patched = [outputs(document, stage)[0].body for stage
                              in ('cutout', 'shown', 'patched')]
    tap.is_(size(cutout), ('image/png', 40, 20), 'a photo and a mask')
    tap.is_([pixel(cutout, 20, 4), pixel(cutout, 20, 15)],
            [blue + (255,), (0, 0, 0, 0)], 'are a cut-out')
    tap.is_(size(shown), ('image/png', 80, 80), 'which lies over a picture')
    tap.is_([pixel(shown, 40, 10), pixel(shown, 40, 30),
             pixel(shown, 40, 70)], [blue, red, red], 'at its top')
    tap.is_([pixel(patched, 20, 4), pixel(patched, 20, 15)],
            [red + (255,), (0, 0, 0, 0)], 'three: where the mask is white')
    bad = document['stages'][-1]
    tap.is_((bad['status'], bad['error']['status'], document['degraded']),
            ('failed', 422, True), 'one picture is not enough: '
            + bad['error']['detail'])
    again = cached(run('/layers/', png(80, 40, blue)))
    again.pop('bad')
    tap.is_(set(again.values()), {True}, 'known the second time')


def at_work():
    """The most threads of a worker process, but for its first one, that want a
    processor."""

    most = 0

    for pid in nginx.workers():
        states = []

        for task in os.listdir('/proc/%d/task' % pid):
            with contextlib.suppress(OSError), \
                    open('/proc/%d/task/%s/stat' % (pid, task)) as file:
                states += [file.read().rpartition(') ')[2][0]] \
                    if int(task) != pid else []

        most = max(most, states.count('R'))

    return most


def side_by_side():
    """Items of a fan-out, all of one job, that is of one worker process."""

    canned('boxes', [[n, n, 840, 450] for n in range(48)])
    location = nginx.post('/many/', sample()).headers['Location']
    samples = []

    while nginx.get(location).json['finished_at'] is None:
        samples.append(at_work())

    # with one thread it is one in fifty: the others write files

    share = sum(n > 1 for n in samples) / len(samples)
    tap.ok(share > 0.3, 'two threads encode, %d %% of the time' % (100 * share))
    document = nginx.get(location).json
    tap.is_(len(document['outputs']['files']), 48, '... the items of a job')


def render():
    canned('ocr', {'results': [[
        {'text': 'one', 'text_region': [[10, 10], [90, 10], [90, 40],
                                        [10, 40]]},
        {'text': 'two', 'box': [110, 50, 80, 30]}]]})
    canned('words', {'texts': ['uno', '<둘>']})

    light, dark = (250, 240, 230), (10, 20, 60)
    image = png(200, 100, light, boxes=((100, 0, 100, 100, dark),))
    document = run('/render/', image)
    tap.is_(document['status'], 'succeeded',
            'boxes of one service, texts of another')
    picture = outputs(document, 'page')[0].body
    tap.is_(size(picture), ('image/png', 200, 100), 'a picture of that size')
    rows = unpack_png(picture)[3]
    before = unpack_png(image)[3]
    drawn = [(x, y) for y in range(100) for x in range(200)
             if rows[y][3 * x:3 * x + 3] != before[y][3 * x:3 * x + 3]]
    tap.ok(drawn and all((10 <= x < 90 and 10 <= y < 40)
                         or (110 <= x < 190 and 50 <= y < 80)
                         for x, y in drawn), 'nothing but the boxes')
    first = [sum(rows[y][3 * x:3 * x + 3]) for x, y in drawn if x < 100]
    second = [sum(rows[y][3 * x:3 * x + 3]) for x, y in drawn if x >= 100]
    tap.ok(len(first) > 100 and min(first) < 60, 'dark on the light one')
    tap.ok(len(second) > 100 and max(second) > 700, 'light on the dark one')
    tap.is_(set(cached(run('/render/', image)).values()) - {None}, {True},
            'known the second time')

    # the libraries of text outlive neither worker nor reload by a crash

    nginx.reload()
    document = run('/render/', png(200, 100, (9, 9, 9)))
    tap.is_(document['status'], 'succeeded', 'after a reload')

    canned('words', {'texts': ['uno']})
    document = run('/render/?lang=ko', image)
    tap.is_((document['status'], document['error']['stage'],
             document['error']['detail']),
            ('failed', 'page', '2 boxes and 1 texts: there must be as many'),
            'texts that are too few')


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

# Pango need not have been there when the module was built

with open(os.environ['IMGP_MODULE'], 'rb') as module:
    TEXT = b'libpangocairo' in module.read()

if TEXT:
    HTTP += RENDER
    SERVER += '    location /render/ { image_pipeline_pass render; }'

nginx = Nginx(SERVER, http=HTTP, MODEL=model.address,
              main='thread_pool image threads=3;')
nginx.start()

mask()
layers()
side_by_side()
inline()

if TEXT:
    render()

nginx.stop()
tap.is_(nginx.alerts(), [], 'nothing in the log, also at the end')
tap.done()
