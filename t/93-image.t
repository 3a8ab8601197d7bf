#!/usr/bin/python3

# conf-examples/image-translate.conf, end to end with tesseract, apertium-apy,
# OpenCV and an S3 server that checks signatures: what the team of the image
# translation asked for (../shared/seed-systems.md, 4), row by row.  The result
# is read back by OCR.

import base64
import hashlib
import hmac
import io
import json
import signal
import subprocess

import numpy
from PIL import Image

from imgp import parallel, tap, wait_for
from scenes import TEXTS, poster
from systems import System, stages

def read(picture, languages='eng'):
    """What tesseract sees, as words in lower case."""

    done = subprocess.run(['tesseract', 'stdin', 'stdout', '-l', languages,
                           '--psm', '11'], input=picture,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True)
    return done.stdout.decode().lower().split()


def difference(one, other, box):
    left, right = (numpy.asarray(Image.open(io.BytesIO(data)).convert('RGB')
                                 .crop(box)).astype(int)
                   for data in (one, other))
    return numpy.abs(left - right).mean()


def translated():
    original = poster()
    answer = system.post('/images/?to=es', original, 'image/png')
    tap.is_(answer.status, 202, 'accepted')
    document = system.finish(answer.headers['Location'], 120)
    tap.is_((document['status'], document['error']), ('succeeded', None),
            'a picture goes through all of it')

    ocr = json.loads(system.output(document, 'ocr').body)['results'][0]
    tap.is_([line['text'].lower() for line in ocr],
            [text.lower() for text in TEXTS], 'its text is read')
    words = [json.loads(system.output(document, 'words', n).body)
             for n in range(len(ocr))]
    tap.note(words)
    tap.is_([part in line.lower() for line, part
             in zip(words, ('casa es grande', 'buen', 'agua'))], [True] * 3,
            '... and translated line by line')

    result = system.output(document, 'translated').body
    found = read(result)
    tap.note(found)
    tap.ok({'casa', 'grande', 'agua'} <= set(found),
           'the picture has it, as OCR sees it')
    tap.ok(not {'house', 'morning', 'water', 'cold'} & set(found),
           '... and the old text no more')

    for line in ocr:
        (left, top), _, (right, bottom), _ = line['text_region']
        tap.ok(difference(original, result, (left, top, right, bottom)) > 4,
               '... in its place: ' + line['text'])

    tap.ok(difference(original, result, (0, 560, 1000, 700)) < 2,
           '... where no text was the picture is as it was')

    hosted = system.output(document, 'hosted').body.decode()
    tap.is_(system.services.read(hosted), result, 'it is hosted: ' + hosted)

    return document


def told(document):
    """The main server hears of it, signed."""

    def received():
        answer = json.loads(system.services.read(
            system.services.all.url('hooks') + '/received', b''))
        return [one for one in answer if document['id'] in one['text']]

    hooks = wait_for(received, 30)
    tap.ok(hooks, 'the main server is told')

    if not hooks:
        return

    headers = hooks[0]['headers']
    key = b'example-of-a-secret-for-webhooks'
    signed = '.'.join((headers['webhook-id'], headers['webhook-timestamp'],
                       hooks[0]['text'])).encode()
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    tap.is_(headers['webhook-signature'], 'v1,' + right.decode(),
            '... by a message with its signature')


def upload(image, to='es'):
    return system.post('/images/?to=' + to, image,
                       'image/png').headers['Location']


def branches():
    """Either branch goes on while the other one is held; the join is made by
    whichever ends last.  The services held die with their work."""

    for held, waits, done, to in (('apy', 'words', 'painted', 'ca'),
                                  ('inpaint', 'painted', 'words', 'gl')):
        with system.services.held(held):
            location = upload(poster(seed=1 + len(held)), to)
            system.reaches(location, done, 'succeeded')
            tap.is_((system.reaches(location, waits)['status'],
                     system.stage(location, 'translated')['status']),
                    ('running', 'pending'), '... without the other branch')
            system.replace(held)

        document = system.finish(location, 120)
        tap.is_(document['status'], 'succeeded',
                held + ' dies with its work and is asked again')


def lanes():
    """While the graphics card is at work, pages wait, to go together; a long
    picture does not wait for them."""

    before = system.metric('image_pipeline_service_requests_total',
                           stage='painted', code='200')

    with system.services.held('inpaint'):
        first = upload(poster(TEXTS[:1], 20))
        system.reaches(first, 'painted')
        pages = parallel(lambda n: upload(poster(TEXTS[:1], n)),
                         range(21, 25), 4)

        for page in pages:
            system.reaches(page, 'painted', 'queued')

        long = upload(poster(TEXTS[:1], 30, 3200))
        system.reaches(long, 'painted')
        tap.is_(system.metric('image_pipeline_service_inflight',
                              stage='painted'), 2,
                'a batch of each lane is at work, and no more')

    documents = [system.finish(place, 120) for place in [first, long, *pages]]
    tap.is_({document['status'] for document in documents}, {'succeeded'},
            '... all come through')
    calls = system.metric('image_pipeline_service_requests_total',
                          stage='painted', code='200') - before
    tap.ok(3 <= calls <= 4, '... six pictures in %d calls' % calls)

    originals = [poster(TEXTS[:1], n) for n in (20, 21, 22, 23, 24)]
    found = [system.output(document, 'translated').body
             for document in documents[:1] + documents[2:]]
    tap.is_([n for n, (one, other) in enumerate(zip(originals, found))
             if difference(one, other, (0, 560, 1000, 700)) > 0.1], [],
            '... each has its own back')


def textless():
    document = system.run('/images/', poster([]), 'image/png')
    tap.is_((document['status'], len(document['outputs'].get('words', []))),
            ('succeeded', 0), 'a picture without text stays as it is')


def stopped():
    """A graceful shutdown brings what runs to its end; what dies for good is
    told, and nginx that is started again tells the same."""

    with system.services.held('inpaint'):
        location = upload(poster(seed=40))
        system.reaches(location, 'painted')
        system.process.send_signal(signal.SIGQUIT)
        tap.ok(wait_for(lambda: system.exiting()),
               'a graceful shutdown')

    tap.is_(system.process.wait(60), 0, '... waits for what runs')
    system.start()
    document = system.get(location).json
    tap.is_(document['status'], 'succeeded', '... which has ended')
    told(document)

    with system.services.held('inpaint'):
        location = upload(poster(seed=41))
        system.reaches(location, 'painted')
        system.restart()
        system.reaches(location, 'painted')
        system.services.kill_service('inpaint')

    document = system.finish(location)
    tap.is_((document['status'], document['error']['stage']),
            ('failed', 'painted'), 'nginx starts again; the painter dies for '
            'good: ' + document['error']['detail'])
    told(document)


system = System('image-translate.conf', change=[
    (r'retry +2 2s', 'retry 2 50ms'), (r'retry +2 500ms', 'retry 2 50ms')])

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

document = translated()
told(document)
branches()
lanes()
textless()
stopped()

tap.is_(system.alerts(), [], 'nothing alarming is logged')
tap.done()
