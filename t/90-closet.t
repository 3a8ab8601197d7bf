#!/usr/bin/python3

# conf-examples/closet.conf, end to end with real services: what the team of
# ClosetConnect asked for (../shared/seed-systems.md, 1), row by row.

import base64
import io
import json
import time

import numpy
from PIL import Image

from imgp import tap, wait_for
from scenes import clothes
from systems import System, messages, stages


WEIGHTS = {'photo': 2, 'cutout': 28, 'items': 15, 'small': 2, 'expanded': 48,
           'result': 3, 'inline': 2}


def unfounded(document):
    """A progress that the stages do not explain: less than those that have
    ended, or more than with those that run."""

    least, most = 0, 0

    for stage in document['stages']:
        weight = WEIGHTS[stage['name']]

        if stage['status'] == 'succeeded':
            least += weight

        if stage['status'] in ('succeeded', 'running'):
            most += weight

    return not least <= document['progress'] <= most


def whole():
    photo = clothes()
    start = time.monotonic()
    answer = system.post('/clothes/', photo)
    took = time.monotonic() - start
    tap.is_(answer.status, 202, 'an answer, no held request')
    tap.ok(took < 10, '... at once')

    documents = system.watched(answer.headers['Location'])
    document = documents[-1]
    seen = [one['progress'] for one in documents]
    tap.is_((document['status'], document['degraded']), ('succeeded', False),
            'a photo goes through all of it')
    tap.note(seen)
    tap.is_([(one['progress'], one['stages']) for one in documents
             if unfounded(one)], [], '... progress 30-45-95-98-100, as its steps end')
    tap.ok(len(set(seen)) > 3, '... in steps: %s' % seen)
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

    tap.ok(stages(document)['expanded']['run_ms'] > 900,
           'two a second, as the model\'s maker allows')


def colour_of(data):
    pixels = numpy.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    height, width = pixels.shape[:2]
    middle = pixels[height // 3:2 * height // 3, width // 3:2 * width // 3]
    return ('red', 'green', 'blue')[int(middle.mean((0, 1)).argmax())]


def step_by_step():
    """Each service in turn keeps its answer: what people see meanwhile.  The
    same photo comes again, and the model dies with the garments it had."""

    photo = clothes(1)

    with system.services.held('rembg', 'segment', 'gemini'):
        location = system.post('/clothes/', photo).headers['Location']

        for name, service, progress, message in (
                ('cutout', 'rembg', range(2, 30), 'removing the background'),
                ('items', 'segment', range(30, 45), 'looking for garments'),
                ('expanded', 'gemini', range(47, 95),
                 'drawing what the photo cut off')):
            stage = system.reaches(location, name)
            tap.is_(stage['message'], message, '... and says so')
            tap.ok(system.get(location).json['progress'] in progress,
                   '... at %d %% at least' % progress[0])
            tap.ok(stage['eta_ms'] is not None, '... for %s ms more'
                   % stage['eta_ms'])

            if name == 'cutout':
                again = system.post('/clothes/', photo)
                tap.ok('collapsed' in again.headers['Cache-Status'],
                       'the same photo while the first one is at work')

            if name == 'expanded':
                system.replace('gemini')
            else:
                system.services.go_on(service)

    documents = [system.finish(one) for one
                 in (location, again.headers['Location'])]
    tap.is_([(one['status'], one['degraded'], len(one['outputs']['result']))
             for one in documents], [('succeeded', False, 3)] * 2,
            'a model that dies with its work is asked again')
    tap.is_(system.metric('image_pipeline_service_requests_total',
                          stage='cutout', code='200'), 2,
            'of two photos sent twice each two were worked on')


def left_out():
    document = system.run('/clothes/?expand=off', clothes(2, large=True))
    done = stages(document)
    tap.is_((document['status'], done['expanded']['status'],
             len(document['outputs']['result'])), ('succeeded', 'skipped', 1),
            'the expansion is the user\'s choice')
    tap.is_(document['outputs']['result'][0]['type'], 'image/png',
            '... without it garments stay transparent: PNG')
    tap.is_([max(document['outputs'][name][0][side] for side
                 in ('width', 'height')) for name in ('items', 'result')],
            [document['outputs']['items'][0]['width'], 768],
            '... and of 768 pixels, which the model would get')
    tap.ok(document['outputs']['items'][0]['width'] > 800, '... of more')

    with system.services.held('gemini'):
        location = system.post('/clothes/', clothes(3)).headers['Location']
        system.reaches(location, 'expanded')
        system.services.kill_service('gemini')

    document = system.finish(location)
    tap.is_((document['status'], document['degraded'],
             len(document['outputs']['result'])), ('succeeded', True, 3),
            'a model that dies for good degrades the job, and no more')


def provider():
    """The first one dies with a photo: the second, which costs money, takes
    over."""

    tap.ok(wait_for(lambda: system.services.said('rembg: GET /$')),
           'the first provider is kept warm')

    with system.services.held('rembg'):
        location = system.post('/clothes/?expand=off',
                               clothes(4)).headers['Location']
        system.reaches(location, 'cutout')
        system.services.kill_service('rembg')

    document = system.finish(location)
    tap.is_((document['status'], document['outputs']['cutout'][0]['width']),
            ('succeeded', 1200), 'the other provider does it')
    tap.ok(system.logged('provider "rembg" is out, trying "removebg"'),
           '... the log tells')
    tap.is_(system.metric('image_pipeline_cost_total', provider='removebg'),
            0.2, '... and the metrics what it cost')


def crashed():
    """A worker dies in the middle, then nginx itself is started again; the
    job does not die."""

    with system.services.held('segment'):
        location = system.post('/clothes/?expand=off',
                               clothes(5)).headers['Location']
        system.reaches(location, 'items')

        for pid in system.workers():
            system.kill_worker(pid=pid)

        system.reaches(location, 'items')
        system.restart()
        system.reaches(location, 'items')

    document = system.finish(location)
    tap.is_((document['status'], len(document['outputs']['result'])),
            ('succeeded', 3), 'workers that die and a restart lose no job')
    tap.is_(system.metric('image_pipeline_service_requests_total',
                          stage='cutout'), 0, '... nor what was done of it')


def replayed():
    """What cannot be done now fails, is kept, and is played again."""

    with system.services.held('segment'):
        location = system.post('/clothes/?expand=off',
                               clothes(6)).headers['Location']
        system.reaches(location, 'items')
        system.services.kill_service('segment')

    document = system.finish(location)
    tap.is_((document['status'], document['error']['stage']),
            ('failed', 'items'), 'a job whose service dies for good fails: '
            + document['error']['detail'])
    before = stages(document)['cutout']

    system.services.start_service('segment')
    tap.is_(system.post(location + '/retry', b'').status, 202,
            '... it is played again')
    document = system.finish(location)
    tap.is_((document['status'], stages(document)['cutout']),
            ('succeeded', before), '... from where it failed')


def operated():
    health = system.get('/health')
    tap.is_((health.status, health.json['status']), (200, 'ok'),
            'a load balancer is told that all is well')
    tap.is_(system.metric('image_pipeline_jobs_total', pipeline='closet',
                          status='failed'), 0, 'Prometheus has numbers')
    tap.is_([system.get('/pipelines/').status,
             system.get('/pipelines/api/state').json['pipelines'][0]['name']],
            [200, 'closet'], 'an operator has a console')


system = System('closet.conf', change=[
    (r'retry +3 5s', 'retry 1 50ms'), (r'retry +2 5s', 'retry 1 50ms'),
    (r'retry +2 2s', 'retry 1 50ms'), (r'warm +4m', 'warm 1s')])
system.allow_log('exited on signal 9')

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

operated()
tap.is_(system.post('/clothes/', b'%PDF-1.4 ' + bytes(50)).status,
        415, 'what is no photo is refused')
whole()
step_by_step()
left_out()
provider()
crashed()
replayed()

tap.is_(system.alerts('exited on signal 9'), [], 'nothing alarming is logged')
tap.done()
