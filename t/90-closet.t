#!/usr/bin/python3

# conf-examples/closet.conf, end to end with real services: what the team of
# ClosetConnect asked for (../shared/seed-systems.md, 1), row by row.

import base64
import io
import json
import time

import numpy
from PIL import Image, ImageDraw

from imgp import tap, wait_for
from systems import System, stages


def clothes(seed=0):
    """Three garments on a plain wall, as JPEG of 1600 x 1200."""

    noise = numpy.random.default_rng(seed).normal(0, 4, (1200, 1600, 3))
    image = Image.new('RGB', (1600, 1200), (228, 224, 214))
    draw = ImageDraw.Draw(image)
    draw.rectangle((200, 200, 560, 640), fill=(170, 30, 40))
    draw.polygon([(700, 700), (1020, 700), (1080, 1080), (640, 1080)],
                 fill=(30, 60, 150))
    draw.ellipse((1120, 180, 1440, 560), fill=(20, 110, 60))
    pixels = numpy.asarray(image) + noise
    out = io.BytesIO()
    Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8)).save(
        out, 'JPEG', quality=92)

    return out.getvalue()


WEIGHTS = {'cutout': 30, 'items': 15, 'expanded': 50, 'result': 3, 'inline': 2}


def unfounded(document):
    """A progress that the stages do not explain: less than those that have
    ended, or more than with those that run; those without a weight take as
    much as they have been seen to take."""

    least, most = 0, 0

    for stage in document['stages']:
        weight = WEIGHTS.get(stage['name'], 0)

        if stage['status'] == 'succeeded':
            least += weight

        if stage['status'] in ('succeeded', 'running'):
            most += weight or 4

    return not least - 1 <= document['progress'] <= most


def watched(location):
    """The last document, every progress and message seen on the way, and
    those documents whose progress is wrong."""

    seen = []
    wrong = []
    told = set()
    revision = 0

    while True:
        answer = system.get('%s?wait=10&since=%d' % (location, revision))

        if answer.status != 200:
            continue

        document = answer.json
        revision = document['revision']
        seen.append(document['progress'])
        wrong += [document] if unfounded(document) else []
        told |= {stage.get('message') for stage in document['stages']
                 if stage['status'] == 'running'}

        if document['status'] in ('succeeded', 'failed', 'canceled'):
            return document, seen, told, wrong


def whole():
    photo = clothes()
    start = time.monotonic()
    answer = system.post('/clothes/', photo)
    took = time.monotonic() - start
    tap.is_(answer.status, 202, 'an answer, no held request')
    tap.ok(took < 1, '... at once')

    document, seen, told, wrong = watched(answer.headers['Location'])
    tap.is_((document['status'], document['degraded']), ('succeeded', False),
            'a photo goes through all of it')
    tap.note(seen)
    tap.is_([(d['progress'], d['stages']) for d in wrong], [],
            '... progress 30-45-95-98-100, as its stages end')
    tap.ok(len(set(seen)) > 4, '... in steps: %s' % seen)
    tap.is_(seen, sorted(seen), '... which never goes back')
    tap.is_(document['timing']['unaccounted_ms'], 0,
            '... and no time that belongs to no step')

    outputs = document['outputs']
    tap.is_({name: len(items) for name, items in outputs.items()},
            {'cutout': 1, 'items': 3, 'result': 3, 'inline': 3},
            'three garments, each expanded, encoded, inline')
    tap.is_((outputs['cutout'][0]['width'], outputs['cutout'][0]['type']),
            (1200, 'image/png'), 'the remover was given 1200 pixels')
    tap.ok(all(max(item['width'], item['height']) <= 1024
               for item in outputs['result']), 'results fit 1024')
    tap.is_({item['type'] for item in outputs['result']}, {'image/jpeg'},
            '... and are JPEG, as nothing is transparent')

    for n in range(3):
        inline = json.loads(system.output(document, 'inline', n).body)
        tap.is_((inline['type'], base64.b64decode(inline['data'])),
                ('image/jpeg', system.output(document, 'result', n).body),
                'inline %d is the result' % n)

    # the colours say which garment it is, and that it is all there
    found = sorted(colour_of(system.output(document, 'result', n).body)
                   for n in range(3))
    tap.is_(found, ['blue', 'green', 'red'], 'each garment is its own')

    again = system.post('/clothes/', photo)
    tap.is_((again.status, again.json['cached'], again.json['progress']),
            (200, True, 100), 'the same photo again: no work')

    tap.ok({'removing the background', 'looking for garments',
            'drawing what the photo cut off'} <= told,
           'a person is told what is done')


def colour_of(data):
    pixels = numpy.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    height, width = pixels.shape[:2]
    middle = pixels[height // 3:2 * height // 3, width // 3:2 * width // 3]
    return ('red', 'green', 'blue')[int(middle.mean((0, 1)).argmax())]


def left_out():
    document = system.run('/clothes/?expand=off', clothes(1))
    done = stages(document)
    tap.is_((document['status'], done['expanded']['status'],
             len(document['outputs']['result'])), ('succeeded', 'skipped', 3),
            'the expansion is the user\'s choice')
    tap.is_({item['type'] for item in document['outputs']['result']},
            {'image/png'}, '... without it garments stay transparent: PNG')
    tap.ok(all(max(item['width'], item['height']) <= 768
               for item in document['outputs']['result']),
           '... and of 768 pixels, which the model would get')

    system.services.stop_service('gemini')
    document = system.run('/clothes/', clothes(2))
    tap.is_((document['status'], document['degraded'],
             len(document['outputs']['result'])), ('succeeded', True, 3),
            'a model that is out degrades the job, and no more')


def provider():
    """The first one is gone: the second, which costs money, takes over."""

    system.services.stop_service('rembg')
    document = system.run('/clothes/?expand=off', clothes(3))
    tap.is_((document['status'], document['outputs']['cutout'][0]['width']),
            ('succeeded', 1200), 'the other provider does it')
    tap.ok(system.logged('provider "rembg" is out, trying "removebg"'),
           '... the log tells')


def crashed():
    """A worker dies in the middle; the job does not."""

    answer = system.post('/clothes/?expand=off', clothes(4))
    location = answer.headers['Location']
    wait_for(lambda: system.get(location).json['status'] == 'running')

    for pid in system.workers():
        system.kill_worker(pid=pid)

    document = system.finish(location)
    tap.is_((document['status'], len(document['outputs']['result'])),
            ('succeeded', 3), 'a worker that dies loses no job')


def replayed():
    """What cannot be done now fails, is kept, and is played again."""

    system.services.stop_service('segment')
    document = system.run('/clothes/?expand=off', clothes(5))
    tap.is_((document['status'], document['error']['stage']),
            ('failed', 'items'), 'a job whose service is away fails at last')
    before = stages(document)['cutout']

    system.services.start_service('segment')
    location = '/clothes/' + document['id']
    tap.is_(system.post(location + '/retry', b'').status, 202,
            '... it is played again')
    document = system.finish(location)
    tap.is_((document['status'], stages(document)['cutout']),
            ('succeeded', before), '... from where it failed')


system = System('closet.conf', change=[
    (r'retry +3 5s', 'retry 1 50ms'), (r'retry +2 5s', 'retry 1 50ms'),
    (r'retry +2 2s', 'retry 1 50ms')])
system.allow_log('exited on signal 9')

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

tap.is_(system.post('/clothes/', b'%PDF-1.4 ' + bytes(50)).status,
        415, 'what is no photo is refused')
whole()
left_out()
provider()
crashed()
replayed()

tap.is_(system.alerts('exited on signal 9'), [], 'nothing alarming is logged')
tap.done()
