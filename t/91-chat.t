#!/usr/bin/env python3

# conf-examples/chat-translate.conf, end to end with apertium-apy: what the team
# of the chat asked for (../shared/seed-systems.md, 2), row by row.

import json
import os
import re
import socket
import subprocess
import time

from imgp import Model, ROOT, parallel, tap, wait_for
from systems import BINARY, System


def message(text, *languages):
    return json.dumps({'text': text, 'targetLanguages': languages}).encode()


def translate(body, wait=30):
    """The job's last document, in one request where that will do."""

    answer = system.post('/translate/', body, 'application/json',
                         prefer='wait=%d' % wait)
    location = answer.headers['Location']

    return answer.json if answer.json['finished_at'] \
        else system.finish(location)


def result(document):
    return json.loads(system.output(document, 'result').body)


def languages():
    document = translate(message('Good morning. The house is big.', 'es',
                                 'ca', 'gl'))
    tap.is_(document['status'], 'succeeded', 'one text, three languages')
    found = result(document)
    tap.note(found)
    tap.is_([item['language'] for item in found], ['es', 'ca', 'gl'],
            'a result per language, in their order')
    tap.is_([word in item['text'].lower() for item, word
             in zip(found, ('casa es grande', 'casa és gran', 'casa'))],
            [True] * 3, '... and it is that language')

    text = 'Say "hello" & {{input.text}} %20 = 100 %'
    found = result(translate(message(text, 'es')))
    tap.ok(all(part in found[0]['text']
               for part in ('"', '&', '{{', '%20', '= 100')),
           'any text is but text')

    tap.is_(result(translate(message('No', 'es', 'es')))[0],
            result(translate(message('No', 'es', 'es')))[1],
            'a language twice')

    document = translate(message('Good night', 'es', 'xx'))
    tap.is_((document['status'], document['error']['stage'],
             document['error']['service_status']),
            ('failed', 'translated', 400), 'a language that there is not')

    document = translate(b'{"text": "x", "targetLanguages": ["es"')
    tap.is_((document['status'], document['error']['status']),
            ('failed', 422), 'a body that is no JSON')
    tap.is_(system.post('/translate/', b'text=x', 'text/plain').status, 415,
            'a body that is called something else')


def cached():
    body = message('The weather is good today', 'es', 'ca')
    translate(body)
    answer = system.post('/translate/', body, 'application/json')
    tap.is_((answer.status, answer.json['cached']), (200, True),
            'the same message again is answered at once')


def burst():
    """The team's test: 100 messages at once."""

    def one(n):
        return translate(message('The boy has %d big houses' % n, 'es'))

    start = time.monotonic()
    documents = parallel(one, range(100), 100)
    took = time.monotonic() - start

    tap.is_({document['status'] for document in documents}, {'succeeded'},
            '100 at once')
    found = [result(document)[0]['text'] for document in documents]
    tap.is_([n for n, text in enumerate(found) if str(n) not in text], [],
            '... each has its own')
    tap.note('%.1f s, %.0f/s' % (took, 100 / took))

    start = time.monotonic()
    documents = parallel(one, range(100), 100)
    tap.is_({document['cached'] for document in documents}, {True},
            '... again, all of them known')
    took = time.monotonic() - start
    tap.note('%.2f s, %.0f/s' % (took, 100 / took))


def grows():
    """Throughput with the number of calls at once, at 200 ms each: they had
    5/s, 20/s and 50/s at 1, 4 and 10."""

    global system
    rates = []

    for calls, count in (1, 8), (10, 40):
        system = System('chat-translate.conf', change=[
            (r'post +http://127.0.0.1:\d+/translate;',
             'post %s/gate/slow/delay/200/canned/word?only=slow;' % model.url),
            (r'concurrency +10;', 'concurrency %d;' % calls),
            (r'concurrency +200;', 'concurrency 80;')])
        system.start()
        start = time.monotonic()
        parallel(lambda n: translate(message('word %d' % n, 'es')),
                 range(count), 40)
        rates.append(count / (time.monotonic() - start))
        tap.ok(rates[-1] <= calls * 5 * 1.1, '%d calls at once, no more: '
               '%.1f/s' % (calls, rates[-1]))
        tap.is_(model.peak()['peak'] <= calls, True, '... at the service')
        model.forget()

        if calls > 1:
            one_is_slow()

        system.stop()

    tap.ok(rates[1] > 2 * rates[0], '... and more of them do more')


def one_is_slow():
    """A call that hangs holds up itself; when all of them hang, those who wait
    are counted, and told so."""

    slow = system.post('/translate/', message('slow', 'es'),
                       'application/json').headers['Location']
    system.reaches(slow, 'translated')
    tap.is_({document['status'] for document in parallel(
        lambda n: translate(message('fast %d' % n, 'es')), range(20), 10)},
            {'succeeded'}, '... fast ones go by a slow one')
    tap.is_(system.stage(slow, 'translated')['status'], 'running',
            '... which is still at work')

    more = parallel(lambda n: system.post(
        '/translate/', message('slow %d' % n, 'es'), 'application/json')
        .headers['Location'], range(89), 30)

    def jobs():
        return [system.metric('image_pipeline_jobs', state=state)
                for state in ('running', 'queued')]

    tap.is_(wait_for(lambda: jobs() == [80, 10] and jobs()), [80, 10],
            'the length of the queue is seen')
    tap.ok(wait_for(lambda: system.metric('image_pipeline_service_inflight')
                    == 10), '... and the calls that are out')
    positions = sorted(document['queue_position'] for document in
                       (system.get(place).json for place in more)
                       if document['status'] == 'queued')
    tap.is_((len(positions), positions), (10, list(range(1, 11))),
            '... everybody is told the place in it')
    model.control('open/slow', 'POST', b'')
    tap.is_({system.finish(place)['status'] for place in [slow, *more]},
            {'succeeded'}, '... until it goes on')


def killed():
    """The translator dies with messages, then nginx is started again."""

    def post(text):
        return system.post('/translate/', message(text, 'es', 'ca'),
                           'application/json').headers['Location']

    with system.services.held('apy'):
        location = post('The water is cold')
        system.reaches(location, 'translated')
        system.replace('apy')

    tap.is_(system.finish(location)['status'], 'succeeded',
            '... a translator that dies is asked again')

    with system.services.held('apy'):
        location = post('The water is warm')
        system.reaches(location, 'translated')
        system.restart()
        system.reaches(location, 'translated')
        system.services.kill_service('apy')

    document = system.finish(location)
    tap.is_((document['status'], document['error']['stage']),
            ('failed', 'translated'), '... nginx starts again; the translator '
            'dies for good: ' + document['error']['detail'])
    system.services.start_service('apy')
    system.post(location + '/retry', b'')
    tap.is_(len(result(system.finish(location))), 2, '... played again')


def by_hand():
    """As a person starts the services, around a command."""

    done = subprocess.run(
        [BINARY, os.path.join(ROOT, 'conf-examples/chat-translate.conf'), '--',
         'sh', '-c', 'grep -c "http://127.0.0.1:.*/translate;" '
                     '"$CONFIGURATION"; exit 7'],
        stdout=subprocess.PIPE, text=True)
    found = re.search(r'^apy http://127\.0\.0\.1:(\d+)$', done.stdout, re.M)
    tap.ok(found and done.returncode == 7 and '\n1\n' in done.stdout,
           'services/run, around a command')

    with socket.socket() as s:
        tap.ok(found and s.connect_ex(('127.0.0.1', int(found[1]))) != 0,
               '... which ends them')


model = Model()
model.can('word', b'{"responseData": {"translatedText": "x"}}',
          'application/json')
system = System('chat-translate.conf')

status, said = system.test_config()
tap.is_(status, 0, 'nginx -t')
tap.note(said)

system.start()

languages()
cached()
burst()
killed()

tap.is_(system.alerts(), [], 'nothing alarming is logged')
system.stop()

grows()
by_hand()
tap.done()
