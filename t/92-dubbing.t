#!/usr/bin/env python3

# conf-examples/dubbing.conf, end to end with pocketsphinx and an S3 server that
# checks signatures: what the team of YouSync asked for
# (../shared/seed-systems.md, 3), row by row.

import datetime
import json
import subprocess
import time

from imgp import sample, tap
from systems import System, stages


def spoken(text):
    return subprocess.run(['espeak-ng', '-s', '130', '--stdout', text],
                          stdout=subprocess.PIPE, check=True).stdout


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def watched(location):
    seen = []
    told = set()
    revision = 0

    while True:
        answer = system.get('%s?wait=10&since=%d' % (location, revision))

        if answer.status != 200:
            continue

        document = answer.json
        revision = document['revision']
        seen.append(document['progress'])
        told |= {stage.get('message') for stage in document['stages']
                 if stage['status'] == 'running'}

        if document['status'] in ('succeeded', 'failed', 'canceled'):
            return document, seen, told


def whole():
    sound = spoken('go forward ten meters')
    start = time.monotonic()
    answer = system.upload('/dubbing/', sound, 'audio/wav')
    tap.ok(time.monotonic() - start < 1, 'an answer at once: it was 1 to 3 s')
    tap.is_((answer.status, len(answer.json['id']), answer.json['status']),
            (202, 26, 'queued'), '... with an id and "queued"')

    document, seen, told = watched(answer.headers['Location'])
    tap.is_(document['status'], 'succeeded', 'a recording goes through')
    tap.note(seen)
    tap.is_([n for n in (10, 40, 70, 100) if n not in seen
             and not (n < 100 and n - 1 in seen)], [],
            '... progress 10-40-70-100')
    tap.ok('listening' in told, '... with a message per step')
    tap.is_((moment(document['expires_at'])
             - moment(document['finished_at'])).total_seconds(), 3600,
            '... it expires after an hour')

    analysis = json.loads(system.output(document, 'analysed').body)
    tap.note(analysis)
    tap.ok(analysis['duration'] > 0.8 and analysis['segments'],
           'the recording was analysed')

    found = json.loads(system.output(document, 'result').body)[0]
    tap.is_(found['segments'], analysis['segments'], 'the result has it')
    tap.is_(system.services.read(found['audio']), sound,
            '... and where the recording is')
    tap.is_(json.loads(system.services.read(found['script'])), analysis,
            '... and the script')

    again = system.upload('/dubbing/', sound, 'audio/wav')
    tap.is_((again.status, again.json['cached']), (200, True),
            'the same file, known by its hash, is answered at once')
    tap.is_(system.post('/dubbing/', sample()).status, 415,
            'a picture is no recording')


def tried_again():
    system.services.stop_service('speech')
    document = system.finish(system.post(
        '/dubbing/', spoken('three two one'), 'audio/wav')
        .headers['Location'])
    tap.is_((document['status'], document['error']['stage'],
             stages(document)['analysed']['attempts']),
            ('failed', 'analysed', 4), 'three further attempts')
    tap.is_(stages(document)['stored']['status'], 'succeeded',
            '... what was stored is stored')

    system.services.start_service('speech')
    location = '/dubbing/' + document['id']
    tap.is_(system.post(location + '/retry', b'').status, 202,
            'once more, from there')
    tap.is_(system.finish(location)['status'], 'succeeded', '... and it works')


system = System('dubbing.conf', change=[(r'retry +3 60s', 'retry 3 50ms')])

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

whole()
tried_again()

tap.is_(system.alerts(), [], 'nothing alarming is logged')
tap.done()
