#!/usr/bin/env python3

# conf-examples/dubbing.conf, end to end with pocketsphinx and an S3 server that
# checks signatures: what the team of YouSync asked for
# (../shared/seed-systems.md, 3), row by row.

import datetime
import json
import subprocess
import time

from imgp import sample, tap, wait_for
from systems import System, messages, stages


def spoken(text):
    return subprocess.run(['espeak-ng', '-s', '130', '--stdout', text],
                          stdout=subprocess.PIPE, check=True).stdout


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def whole():
    sound = spoken('go forward ten meters')
    start = time.monotonic()
    answer = system.upload('/dubbing/', sound, 'audio/wav')
    tap.note('%.2f s, it was 1 to 3 s' % (time.monotonic() - start))
    tap.is_((answer.status, len(answer.json['id']), answer.json['status']),
            (202, 26, 'queued'), '... with an id and "queued"')

    documents = system.watched(answer.headers['Location'])
    document = documents[-1]
    seen = [one['progress'] for one in documents]
    tap.is_(document['status'], 'succeeded', 'a recording goes through')
    tap.note(seen)
    tap.is_([n for n in (10, 40, 70, 100) if n not in seen
             and not (n < 100 and n - 1 in seen)], [],
            '... progress 10-40-70-100')
    tap.ok('listening' in messages(documents), '... with a message per step')
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


def events(location):
    """As EventSource has them: [(name, data)] to the end of the stream."""

    body = system.get(location + '/events',
                      accept='text/event-stream').body.decode()
    found = []

    for block in body.split('\n\n'):
        fields = dict(line.split(': ', 1) for line in block.splitlines()
                      if ': ' in line and line[0] != ':')

        if 'data' in fields:
            found.append((fields['event'], json.loads(fields['data'])))

    return found


def told():
    """What people see while S3 keeps its answer, and as events."""

    with system.services.held('s3', 'speech'):
        location = system.upload('/dubbing/', spoken('seven nine eight'),
                                 'audio/wav').headers['Location']
        stage = system.reaches(location, 'stored')
        tap.is_(stage['message'], 'storing the recording', '... and says so')
        system.services.go_on('speech')
        system.reaches(location, 'analysed', 'succeeded')
        document = system.get(location).json
        tap.ok(30 <= document['progress'] < 70, '... at %d %%'
               % document['progress'])
        system.replace('s3')

    found = events(location)
    tap.is_((found[0][0], found[-1][0]), ('state', 'done'),
            'events, from what is to its end')
    tap.ok({name for name, _ in found} <= {'state', 'stage', 'progress',
                                           'done'}, '... of these names')
    tap.is_(system.get(location).json['status'], 'succeeded',
            'an S3 that died with the recording is given it again')


def started_again():
    """nginx ends at the wrong moment."""

    with system.services.held('speech'):
        location = system.upload('/dubbing/', spoken('six five four'),
                                 'audio/wav').headers['Location']
        system.reaches(location, 'analysed')
        system.reaches(location, 'stored', 'succeeded')
        system.restart()
        system.reaches(location, 'analysed')

    document = system.finish(location)
    tap.is_((document['status'], system.metric(
        'image_pipeline_service_requests_total', stage='stored')),
            ('succeeded', 0), 'a restart loses no job, nor what was done')


def large():
    """A recording passes through nginx, not through its memory."""

    body = spoken('one')
    body += bytes(48 * 1024 * 1024)
    before = [system.memory(pid) for pid in system.workers()]

    with system.services.held('speech'):
        location = system.post('/dubbing/', body,
                               'audio/wav').headers['Location']
        system.reaches(location, 'stored', 'succeeded')
        after = [system.memory(pid) for pid in system.workers()]
        system.delete(location)

    tap.ok(max(after) - min(before) < 24 * 1024 * 1024, '48 MB take less of a '
           'process: %d KB, %d before' % (max(after) >> 10, min(before) >> 10))
    answer = system.raw(b'POST /dubbing/ HTTP/1.1\r\nHost: a\r\n'
                        b'Connection: close\r\nContent-Length: %d\r\n\r\n'
                        % (600 << 20))
    tap.ok(answer.startswith(b'HTTP/1.1 413 '), 'too large: refused unread')


def expired():
    """keep 1h, for a test that has no hour."""

    with open(system.config) as file:
        text = file.read()

    with open(system.config, 'w') as file:
        file.write(text.replace('keep         1h;', 'keep 1s;'))

    system.reload()
    document = system.run('/dubbing/', spoken('zero'), 'audio/wav')
    location = '/dubbing/' + document['id']
    tap.is_(document['status'], 'succeeded', 'a recording')
    tap.is_([wait_for(lambda: system.get(uri).status == 410
                      and system.get(uri).status, 30)
             for uri in (location, location + '/result')], [410, 410],
            '... is gone when its time is over, and so is its result')


system = System('dubbing.conf', change=[(r'retry +3 60s', 'retry 3 50ms')])

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

whole()
tried_again()
told()
started_again()
large()
expired()

tap.is_(system.alerts(), [], 'nothing alarming is logged')
tap.done()
