#!/usr/bin/env python3

# How jobs run: branches and joins, "when", "optional", fan-out, the one key
# for cache, resume and single-flight, cancel, retry, the accounting of time.

import datetime
import os

from imgp import Model, Nginx, SLOW, parallel, sample, tap, wait_for
from pictures import pixel, png, size, unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline graph {
        stage left   { from upload;
                       post http://%%MODEL%%/delay/400/canned/red; }
        stage right  { from upload;
                       post http://%%MODEL%%/delay/300/canned/blue; }
        stage both   { from left right; encode png; }
        stage whole  { from both upload; encode png max=16; }
        stage unread { from upload; resize 8; }
    }

    image_pipeline inside {
        stage small  { resize 32; }
        stage framed { canvas 4; }
        stage result { encode png; }
    }

    image_pipeline when {
        param a off on|off;
        param b off ~.*;
        stage first  { resize 32; }
        stage yes    { when $param_a; post http://%%MODEL%%/canned/red?a; }
        stage no     { when !$param_a; post http://%%MODEL%%/canned/blue?na; }
        stage b      { from upload; when $param_b; resize 4; }
        stage result { from no b; encode png; }
    }

    image_pipeline optional {
        stage first  { resize 32; }
        stage try    { optional; post http://%%MODEL%%/status/400; }
        stage result { encode png; }
    }

    image_pipeline boxes {
        stage boxes  { from upload; post http://%%MODEL%%/canned/boxes; }
        stage items  { from upload boxes; crop /items/*/box; }
        stage echo   { each items; concurrency 2;
                       post http://%%MODEL%%/delay/100/echo; }
        stage result { encode png; }
        outputs      items result;
    }

    image_pipeline spare {
        stage boxes  { from upload; post http://%%MODEL%%/canned/boxes?s; }
        stage items  { from upload boxes; crop /items/*/box; }
        stage try    { each items; optional; concurrency 1;
                       post http://%%MODEL%%/status/400?times=1&spare; }
        outputs      items try;
    }

    image_pipeline strict {
        stage boxes  { from upload; post http://%%MODEL%%/canned/boxes?t; }
        stage items  { from upload boxes; crop /items/*/box; }
        stage try    { each items; concurrency 1;
                       post http://%%MODEL%%/status/400?times=1&strict; }
    }

    image_pipeline chain {
        param size x x|y;
        stage a      { post http://%%MODEL%%/echo?chain; }
        stage b      { resize 48; }
        stage c      { post http://%%MODEL%%/canned/red?param;
                       header X-Size $param_size; }
        stage d      { from b; encode jpeg %%QUALITY%%; }
        outputs      a b c d;
    }

    image_pipeline off {
        cache off;
        stage a { post http://%%MODEL%%/echo?off; }
    }

    image_pipeline brief {
        cache 1s;
        stage a { post http://%%MODEL%%/echo?brief; }
    }

    image_pipeline flight {
        stage a { post http://%%MODEL%%/delay/500/echo; }
        stage b { resize 20; }
    }

    image_pipeline hang {
        stage a { resize 30; }
        stage b { post http://%%MODEL%%/hang; timeout 60s; }
        outputs a b;
    }

    image_pipeline two {
        concurrency 2;
        stage a { post http://%%MODEL%%/delay/150/echo?two; }
    }

    image_pipeline again {
        stage ok  { post http://%%MODEL%%/echo?again; }
        stage bad { post http://%%MODEL%%/status/400?times=1&again; }
        stage end { resize 10; }
        outputs   ok bad end;
    }

    image_pipeline waits {
        stage a { post http://%%MODEL%%/status/500?times=1&per=key;
                  retry 3 1500ms; }
        stage b { post http://%%MODEL%%/delay/300/echo; }
        stage c { resize 12; }
    }
"""

SERVER = """
    location /graph/ { image_pipeline_pass graph; }
    location /inside/ { image_pipeline_pass inside; }
    location /when/ { image_pipeline_pass when; }
    location /optional/ { image_pipeline_pass optional; }
    location /boxes/ { image_pipeline_pass boxes; }
    location /spare/ { image_pipeline_pass spare; }
    location /strict/ { image_pipeline_pass strict; }
    location /chain/ { image_pipeline_pass chain; }
    location /off/ { image_pipeline_pass off; }
    location /brief/ { image_pipeline_pass brief; }
    location /flight/ { image_pipeline_pass flight; }
    location /hang/ { image_pipeline_pass hang; }
    location /two/ { image_pipeline_pass two; }
    location /again/ { image_pipeline_pass again; }
    location /waits/ { image_pipeline_pass waits; }

    location /fresh/ {
        image_pipeline_pass chain;
        image_pipeline_cache_bypass $arg_fresh;
    }
"""

RED, BLUE = (250, 0, 0), (0, 0, 250)
finished = []


def run(uri, image):
    """(the answer, the last document)"""

    answer = nginx.post(uri, image)
    document = answer.status < 300 and answer.json

    if answer.status == 202:
        document = nginx.finish(answer.headers['Location'])

    if document:
        finished.append(document)

    return answer, document


def states(document):
    return {stage['name']: stage['status'] for stage in document['stages']}


def cached(document):
    return {stage['name']: stage.get('cached') for stage in document['stages']}


def outputs(document, stage):
    """The bytes of them."""

    return [nginx.get(item['url']).body
            for item in document['outputs'].get(stage, [])]


def graph():
    model.forget()
    _, document = run('/graph/', sample())

    tap.is_((document['status'], document['degraded'], document['cached']),
            ('succeeded', False, False), 'two branches and what joins them')
    tap.is_(set(states(document).values()), {'succeeded'}, 'every stage ran')
    tap.is_(model.peak()['peak'], 2, 'the branches ran at once')
    tap.is_(sorted(document['outputs']), ['unread', 'whole'],
            'the outputs are those that nobody reads')
    pictures = outputs(document, 'whole')
    tap.is_([size(p) for p in pictures],
            [('image/png', 16, 12)] * 2 + [('image/png', 16, 9)],
            'a join has all items of its inputs')
    tap.is_([pixel(p, 3, 3) for p in pictures[:2]], [RED, BLUE],
            'in the order that "from" tells, not in that of coming')
    tap.is_((document['progress'], document['eta_ms']), (100, None),
            'the end of the progress')


def results():
    return sum(len(names) for _, _, names
               in os.walk(os.path.join(nginx.store, 'results')))


def inside():
    before = results()
    answer, document = run('/inside/', sample())
    tap.is_(states(document), dict.fromkeys(('small', 'framed', 'result'),
                                            'succeeded'),
            'three stages that are done as one')
    tap.is_([item['width'] for item in document['outputs']['result']], [40],
            'are done in their order')
    tap.is_(list(document['outputs']), ['result'], 'with one output')
    tap.is_(results() - before, 1, 'and one result')
    tap.is_(nginx.get(answer.headers['Location'] + '/small').status, 404,
            'what is no output is not shown')
    document = run('/inside/', sample())[1]
    tap.is_((document['cached'], set(cached(document).values())),
            (True, {True}), 'a hit is one of all')
    document = run('/inside/', sample()[:-900])[1]
    tap.is_((document['error']['stage'], states(document)),
            ('small', {'small': 'failed', 'framed': 'canceled',
                       'result': 'canceled'}),
            'a spoilt picture fails the first')


def when():
    _, document = run('/when/', png(64, 64))
    tap.is_(states(document), {'first': 'succeeded', 'yes': 'skipped',
                               'no': 'succeeded', 'b': 'skipped',
                               'result': 'succeeded'}, 'when off')
    tap.is_([size(p)[1:] for p in outputs(document, 'result')],
            [(16, 12), (64, 64)],
            'in place of what is skipped is read what it would have read')

    _, document = run('/when/?a=on&b=1', png(64, 64))
    tap.is_(states(document), {'first': 'succeeded', 'yes': 'succeeded',
                               'no': 'skipped', 'b': 'succeeded',
                               'result': 'succeeded'}, 'when on')
    pictures = outputs(document, 'result')
    tap.is_([size(p)[1:] for p in pictures], [(16, 12), (4, 4)],
            '... also through the one above')
    tap.is_(pixel(pictures[0], 1, 1), RED, '... which is that one')

    for value in '', '0', 'off', 'no', 'false':
        _, document = run('/when/?b=' + value, png(64, 64))
        tap.is_(states(document)['b'], 'skipped', 'when "%s"' % value)

    _, document = run('/when/?b=on', png(64, 64))
    skipped = [s for s in document['stages'] if s['status'] == 'skipped']
    tap.is_(skipped, [{'name': 'yes', 'status': 'skipped'}],
            'a skipped stage has a name and no more')


def optional():
    _, document = run('/optional/', png(64, 64))
    tap.is_((document['status'], document['degraded'], document['error']),
            ('succeeded', True, None), 'an optional stage fails: degraded')
    tap.is_(states(document), {'first': 'succeeded', 'try': 'failed',
                               'result': 'succeeded'}, '... and went on')
    tap.is_(document['stages'][1].get('error', {}).get('service_status'), 400,
            '... and the stage tells why')
    tap.is_([size(p)[1:] for p in outputs(document, 'result')], [(32, 32)],
            '... its reader had its input')
    again, document = run('/optional/', png(64, 64))
    tap.ok(document['degraded'] and again.status != 200,
           'what failed is no result to be cached')


def boxes():
    image = png(60, 40, BLUE, boxes=((0, 0, 10, 10, (10, 20, 30)),
                                     (20, 5, 8, 4, (40, 50, 60)),
                                     (50, 30, 10, 10, (70, 80, 90))))
    model.forget()
    model.can('boxes', b'{"items":[{"box":[20,5,8,4]},'
              b'{"box":{"x":0,"y":0,"width":10,"height":10}},'
              b'{"box":{"left":50,"top":30,"right":70,"bottom":45}}]}',
              'application/json')

    _, document = run('/boxes/', image)
    tap.is_(document['status'], 'succeeded', 'boxes that a service found')
    want = [('image/png', 8, 4), ('image/png', 10, 10), ('image/png', 10, 10)]

    for stage in 'items', 'result':
        pictures = outputs(document, stage)
        tap.is_([size(p) for p in pictures], want,
                'one output a box, the last one cut: ' + stage)
        tap.is_([pixel(p, 1, 1) for p in pictures],
                [(40, 50, 60), (10, 20, 30), (70, 80, 90)],
                '... in the order of the boxes')

    tap.is_(model.calls('/delay/100/echo'), 3, 'a call for each')
    tap.is_(model.peak()['peak'], 2, 'two at once, as the stage allows')
    tap.is_([item['url'].rpartition('/')[2]
             for item in document['outputs']['items']], ['0', '1', '2'],
            'outputs are numbered')
    base = '/boxes/' + document['id'] + '/items'
    tap.is_([nginx.get(base + n).status for n in ('', '/2', '/3')],
            [200, 200, 404], '... and found by their numbers')

    _, document = run('/boxes/', png(60, 40, RED))
    tap.is_(model.calls('/delay/100/echo'), 5,
            'equal items of a fan-out are worked at once')

    model.can('boxes', b'{"items":[]}', 'application/json')
    _, document = run('/boxes/', png(60, 40, (1, 1, 1)))
    tap.is_((document['status'], document['outputs']), ('succeeded', {}),
            'no boxes: no items, and no failure')

    model.can('boxes', b'{"items":[{"box":[100,100,5,5]}]}',
              'application/json')
    _, document = run('/boxes/', png(60, 40, (1, 1, 2)))
    tap.is_((document['status'], document['error']['stage'],
             document['error']['status']), ('failed', 'items', 422),
            'a box outside of the picture')

    for number, text in enumerate((b'{"items":[{"box":"x"}]}', b'{"items":',
                                   b'[1,2')):
        model.can('boxes', text, 'application/json')
        _, document = run('/boxes/', png(60, 40, (2, 2, number)))
        tap.is_((document['status'], document['error']['stage']),
                ('failed', 'items'), 'boxes that are none: %r' % text)

    model.can('boxes', b'{"items":[%s]}' % b','.join(
        [b'{"box":[0,0,5,5]}'] * 65), 'application/json')
    _, document = run('/boxes/', png(60, 40, (1, 1, 3)))
    tap.is_((document['status'], document['error']['type']),
            ('failed', 'urn:image-pipeline:limit-exceeded'), '65 boxes')


def failing_items():
    model.can('boxes', b'{"items":[{"box":[0,0,9,9]},{"box":[0,0,8,8]},'
              b'{"box":[0,0,7,7]}]}', 'application/json')
    _, document = run('/spare/', png(60, 40, (3, 3, 3)))
    tap.is_((document['status'], document['degraded'],
             states(document)['try']), ('succeeded', True, 'succeeded'),
            'one item of an optional fan-out fails')
    tap.is_([size(p)[1] for p in outputs(document, 'try')], [9, 8, 7],
            '... and stands for itself')

    _, document = run('/strict/', png(60, 40, (3, 3, 3)))
    tap.is_((document['status'], document['error']['stage'],
             document['error']['service_status']), ('failed', 'try', 400),
            'one item of a fan-out fails, and with it the job')
    tap.is_(document['outputs'], {}, '... which has no output then')


def cache():
    model.forget()
    image = unique_png(1, 64, 64)
    first, document = run('/chain/', image)
    tap.is_((first.status, first.headers['Cache-Status']),
            (202, 'image_pipeline; fwd=miss'), 'a first upload')
    tap.is_(set(cached(document).values()), {False}, 'runs every stage')

    again, hit = run('/chain/', image)
    tap.is_((again.status, again.headers['Cache-Status']),
            (200, 'image_pipeline; hit'), 'the same again: 200')
    tap.is_((hit['status'], hit['cached'], hit['progress']),
            ('succeeded', True, 100), '... done as it comes')
    tap.is_(set(cached(hit).values()), {True}, '... all stages are known')
    tap.ok(hit['id'] != document['id'], '... a job of its own')
    tap.is_([i['digest'] for i in hit['outputs']['d']],
            [i['digest'] for i in document['outputs']['d']],
            '... with the same outputs')
    tap.is_(again.headers.get('Content-Location'), '/chain/' + hit['id'],
            '... and its place')
    tap.is_(outputs(hit, 'd'), outputs(document, 'd'), '... that are there')
    tap.is_(model.peak()['total'], 2, 'no service was called for it')

    other, document = run('/chain/?size=y', image)
    tap.is_(cached(document), {'a': True, 'b': True, 'c': False, 'd': True},
            'another param: the stage that reads it runs, and no other')
    tap.is_((other.status, document['cached']), (202, False),
            '... so the job was not cached')

    second, document = run('/fresh/', image)
    tap.is_(second.status, 200, 'another location of the pipeline: a hit')
    tap.ok(document['outputs']['d'][0]['url'].startswith('/fresh/'),
           '... whose URLs are its own')

    calls = model.peak()['total']
    fresh, document = run('/fresh/?fresh=1', image)
    tap.is_((fresh.status, set(cached(document).values())), (202, {False}),
            'bypass: all runs again')
    tap.is_(model.peak()['total'] - calls, 2, '... the services too')
    tap.ok('bypass' in fresh.headers['Cache-Status'], '... and says so')
    tap.is_(run('/fresh/', image)[0].status, 200,
            'what it made is good for others')

    for n in 1, 2:
        off, document = run('/off/', image)
        tap.is_((off.status, cached(document)['a']), (202, False),
                'cache off, time %d' % n)

    first, _ = run('/brief/', image)
    tap.is_(first.status, 202, 'cache 1s')
    tap.is_(run('/brief/', image)[0].status, 200, '... known within it')
    tap.ok(wait_for(lambda: run('/brief/', image)[0].status == 202, 5, 0.3),
           '... and not after it')


def changed_stage():
    image = unique_png(2, 64, 64)
    run('/chain/', image)
    calls = model.peak()['total']
    nginx.values['QUALITY'] = 'quality=40'
    nginx.write_config(SERVER, HTTP)
    nginx.reload()
    answer, document = run('/chain/', image)
    tap.is_(answer.status, 202, 'after a reload with another last stage')
    tap.is_(cached(document), {'a': True, 'b': True, 'c': True, 'd': False},
            '... that one runs alone')
    tap.is_(model.peak()['total'], calls, '... no service is called')
    tap.is_(run('/chain/', image)[0].status, 200, '... once')

    nginx.values['QUALITY'] = ''
    nginx.write_config(SERVER, HTTP)
    nginx.reload()
    tap.is_(run('/chain/', image)[0].status, 200,
            'and back: what was known is known')


def single_flight():
    model.forget()
    image = unique_png(3, 64, 64)
    first = nginx.post('/flight/', image)
    wait_for(lambda: model.peak()['now'] == 1)
    others = parallel(lambda n: nginx.post('/flight/', image), range(15), 15)
    tap.is_({a.headers['Cache-Status'] for a in others},
            {'image_pipeline; collapsed'}, 'the same while it runs')
    answers = [first] + others
    tap.is_({a.status for a in answers}, {202}, '... 202')
    tap.is_(len({a.json['id'] for a in answers}), 16, '... each its own job')
    documents = parallel(lambda a: nginx.finish(a.headers['Location']),
                         answers, 16)
    finished.extend(documents)
    tap.is_({d['status'] for d in documents}, {'succeeded'}, '... all succeed')
    tap.is_(len({d['outputs']['b'][0]['digest'] for d in documents}), 1,
            '... with the same outputs')
    tap.is_(model.calls('/delay/500/echo'), 1, '... of one call')

    image = unique_png(4, 64, 64)
    answers = parallel(lambda n: nginx.post('/flight/', image), range(16), 16)
    documents = parallel(lambda a: nginx.finish(a.headers['Location']),
                         answers, 16)
    finished.extend(documents)
    tap.is_({d['status'] for d in documents}, {'succeeded'},
            '16 of the same at once, from nowhere')
    tap.is_(model.calls('/delay/500/echo'), 2, '... are one call too')

    image = unique_png(5, 64, 64)
    answers = [nginx.post('/flight/', image)]
    wait_for(lambda: model.peak()['now'] == 1)
    answers += parallel(lambda n: nginx.post('/flight/', image), range(7), 8)
    nginx.delete(answers[0].headers['Location'])
    documents = parallel(lambda a: nginx.finish(a.headers['Location']),
                         answers, 16)
    tap.is_([d['status'] for d in documents], ['canceled'] + ['succeeded'] * 7,
            'the one that all wait for is canceled: another takes it over')
    tap.is_(model.calls('/delay/500/echo'), 4, '... with a call of its own')


def cancel():
    model.forget()
    answers = [nginx.post('/hang/', unique_png(10 + n, 64, 64))
               for n in range(6)]
    places = [a.headers['Location'] for a in answers]
    tap.ok(wait_for(lambda: model.peak()['now'] == 6), 'six calls hang')

    document = nginx.get(places[0]).json
    tap.is_(states(document), {'a': 'succeeded', 'b': 'running'},
            'a stage has ended, one runs')
    tap.is_([size(p)[1] for p in outputs(document, 'a')], [30],
            'what has ended is there already')

    ended = parallel(nginx.delete, places, 6)
    tap.is_({(a.status, a.json['status']) for a in ended}, {(200, 'canceled')},
            'DELETE, by whatever worker')
    tap.ok(wait_for(lambda: model.peak()['now'] == 0), 'their calls end')
    tap.is_(model.peak()['aborted'], 6, '... as aborted')

    document = nginx.get(places[0]).json
    tap.is_(states(document), {'a': 'succeeded', 'b': 'canceled'},
            'what was not done is canceled')
    tap.is_((document['error']['type'], document['eta_ms']),
            ('urn:image-pipeline:canceled', None), '... as the job says')
    again = nginx.delete(places[0])
    tap.is_((again.status, again.json), (200, document),
            'DELETE again changes nothing')
    tap.is_(nginx.request('POST', places[0] + '/retry').status, 409,
            'what is canceled cannot be retried')
    finished.append(document)

    _, document = run('/chain/', unique_png(1, 64, 64))
    again = nginx.delete('/chain/' + document['id'])
    tap.is_((again.status, again.json['status']), (200, 'succeeded'),
            'nor is anything canceled that has ended')


def two_at_once():
    model.forget()
    answers = parallel(lambda n: nginx.post('/two/', unique_png(20 + n)),
                       range(8), 8)
    queued = nginx.post('/two/', unique_png(30))
    position = nginx.get(queued.headers['Location']).json['queue_position']
    tap.ok(position is None or position > 0, 'a place in the queue, or none')
    nginx.delete(queued.headers['Location'])
    documents = parallel(lambda a: nginx.finish(a.headers['Location']),
                         answers, 8)
    finished.extend(documents)
    tap.is_({d['status'] for d in documents}, {'succeeded'}, 'eight jobs')
    tap.is_(model.peak()['peak'], 2, 'two at once in all workers')
    tap.is_(model.peak()['total'], 8, 'none for the one that was canceled')
    tap.ok(max(d['timing']['queue_ms'] for d in documents) >= 400,
           'who waits knows how long')


def retry():
    model.forget()
    answer, failed = run('/again/', unique_png(40, 64, 64))
    place = answer.headers['Location']
    tap.is_((failed['status'], states(failed)),
            ('failed', {'ok': 'succeeded', 'bad': 'failed',
                        'end': 'canceled'}), 'a stage fails')
    error = failed['error']
    tap.is_((error['type'], error['status'], error['stage'],
             error['service_status']),
            ('urn:image-pipeline:service-refused', 502, 'bad', 400),
            '... and tells what the service said')
    tap.is_(sorted(failed['outputs']), ['ok'], '... what was made is there')

    again = nginx.request('POST', place + '/retry')
    tap.is_((again.status, again.headers.get('Location')), (202, place),
            'retry')
    tap.ok(again.json['status'] in ('queued', 'running', 'succeeded')
           and again.json['error'] is None, '... waits again')
    document = nginx.finish(place)
    finished.append(document)
    tap.is_((document['status'], document['id']), ('succeeded', failed['id']),
            '... succeeds')
    tap.is_(set(states(document).values()), {'succeeded'}, '... in all stages')
    tap.ok(document['revision'] > failed['revision'], '... the revision grew')
    tap.is_(model.peak()['total'], 3, 'the stage that succeeded did not run')

    again = nginx.request('POST', place + '/retry')
    tap.is_((again.status, again.headers['Content-Type'], again.json['type']),
            (409, 'application/problem+json',
             'urn:image-pipeline:not-failed'), 'retry of what succeeded')


def watched():
    """Every document of a job, one after the other."""

    place = nginx.post('/waits/', unique_png(50, 64, 64)).headers['Location']
    documents, revision = [], 0

    while not documents or documents[-1]['status'] in ('queued', 'running'):
        answer = nginx.get('%s?wait=10&since=%d' % (place, revision))

        if answer.status == 200:
            documents.append(answer.json)
            revision = answer.json['revision']

    finished.append(documents[-1])
    revisions = [d['revision'] for d in documents]
    progress = [d['progress'] for d in documents]
    seen = [states(d)['a'] for d in documents]
    tap.is_(revisions, sorted(set(revisions)), 'the revision grows')
    tap.is_(progress, sorted(progress), 'the progress never shrinks')
    tap.is_((progress[-1], documents[-1]['status']), (100, 'succeeded'),
            '... and ends at 100')
    tap.ok('running' in seen and 'retrying' in seen,
           'a stage is seen to run, and to be tried again')
    tap.ok(all(d['timing']['unaccounted_ms'] == 0 for d in documents),
           'no time is unaccounted for on the way')
    timing, stage = documents[-1]['timing'], documents[-1]['stages']
    tap.is_(stage[0]['attempts'], 2, 'two attempts')
    tap.ok(200 <= timing['wait_ms'] <= 10000 * SLOW,
           'the time between them: %d ms' % timing['wait_ms'])
    tap.ok(300 <= timing['service_ms'] <= 10000 * SLOW,
           'the time of the services: %d ms' % timing['service_ms'])
    tap.ok(300 <= stage[1]['run_ms'] <= 10000 * SLOW,
           'of which in one stage: %d ms' % stage[1]['run_ms'])


def accounting():
    wrong = []

    for document in finished:
        timing = dict(document['timing'])
        unaccounted = timing.pop('unaccounted_ms')
        begin, end = (datetime.datetime.strptime(document[name],
                                                 '%Y-%m-%dT%H:%M:%S.%fZ')
                      for name in ('created_at', 'finished_at'))
        whole = (end - begin) // datetime.timedelta(milliseconds=1)

        if unaccounted != 0 or sum(timing.values()) != whole \
                or min(timing.values()) < 0:
            wrong.append((document['pipeline'], timing, unaccounted, whole))

    tap.is_(wrong, [], 'the times of %d jobs add up' % len(finished))


model = Model()
model.can('red', png(16, 12, RED), 'image/png')
model.can('blue', png(16, 12, BLUE), 'image/png')
nginx = Nginx(SERVER, workers=3, http=HTTP, MODEL=model.address, QUALITY='')
nginx.start()

graph()
inside()
when()
optional()
boxes()
failing_items()
cache()
changed_stage()
single_flight()
cancel()
two_at_once()
retry()
watched()
accounting()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
