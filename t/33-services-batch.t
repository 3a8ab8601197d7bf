#!/usr/bin/env python3

# "batch": inputs of different jobs in one call.

import json

from imgp import Model, Nginx, free_port, parallel, tap, wait_for
from pictures import padded, unique_png

M = 'post http://%%MODEL%%'
FORM = '; send multipart f size=$param_size; '

PIPELINES = {
    'parts': M + '/delay/200/parts' + FORM + 'batch 4 60s; concurrency 1;',
    'list': M + '/list' + FORM + 'batch 3 60s;'
            'take json /items/*/image base64;',
    'late': M + '/parts' + FORM + 'batch 8 300ms;',
    'max': M + '/parts?max=5000' + FORM + 'batch 4 60s;',
    'less': M + '/parts?less=1' + FORM + 'batch 3 60s;',
    'busy': M + '/parts?busy=1' + FORM + 'batch 2 60s; retry 3 50ms;',
    'dead': 'post http://127.0.0.1:%%DEAD%%/' + FORM + 'batch 2 60s;',
    'slow': M + '/gate/slow/parts' + FORM + 'batch 3 60s; concurrency 1;',
    'hang': M + '/hang' + FORM + 'batch 3 60s; timeout 1s;',
}

# two inputs of each job, in a field each

PAIR = """
    image_pipeline pair {
        stage small { resize 8; }
        stage call  { from upload small; post http://%%MODEL%%/parts?pairs=1;
                      send multipart image mask; batch 3 5s; }
        outputs small call;
    }
"""

# several inputs of one job

CUT = {
    'cut': PIPELINES['dead'].replace('batch 2', 'batch 4'),
    'cutbusy': PIPELINES['busy'].replace('batch 2', 'batch 4'),
}

counter = iter(range(1, 1 << 20))


def image(size=0):
    return padded(unique_png(next(counter), 16, 16), size)


def run(name, images, query=''):
    """(documents, outputs) of jobs that are posted at once."""

    places = parallel(lambda i: nginx.post('/%s/%s' % (name, query), i)
                      .headers['Location'], images, len(images))
    documents = [nginx.finish(place) for place in places]

    return documents, [nginx.get(d['outputs']['call'][0]['url']).body
                       if d['outputs'].get('call') else None
                       for d in documents]


def whole(name, images, files, text):
    model.forget()
    documents, outputs = run(name, images)
    tap.is_(({d['status'] for d in documents}, outputs == images),
            ({'succeeded'}, True), text + ': each gets its own')
    tap.is_(sorted(model.control('files')), files, '... of these calls')
    return documents


def together():
    documents = whole('parts', [image() for n in range(8)], [4, 4],
                      'multipart/mixed')
    tap.is_({d['stages'][0]['attempts'] for d in documents}, {1},
            '... at once')
    tap.is_(model.peak()['peak'], 1, '... in one place')
    tap.ok(len(set(d['timing']['unaccounted_ms'] for d in documents)) == 1,
           '... all time accounted')

    whole('list', [image() for n in range(6)], [3, 3], 'a JSON list')
    whole('late', [image()], [1], 'one alone, when its time is over')

    model.forget()
    both = [image() for n in range(4)]
    places = [nginx.post('/list/?size=%d' % (n % 2), i).headers['Location']
              for n, i in enumerate(both)]
    more = [nginx.post('/list/?size=%d' % n, image()).headers['Location']
            for n in range(2)]
    tap.is_({nginx.finish(place)['status'] for place in places + more},
            {'succeeded'}, 'other params')
    tap.is_(model.control('files'), [3, 3], '... are other batches')


def pairs():
    images = [image() for n in range(6)]
    model.forget()
    documents, outputs = run('pair', images)
    small = [nginx.get(d['outputs']['small'][0]['url']).body
             for d in documents]
    tap.is_(outputs, [one + two for one, two in zip(images, small)],
            'two inputs of each job')
    tap.is_(model.control('files'), [6, 6], '... three jobs a call')
    body = model.last_body()
    tap.is_([body.count(b'name="%s"' % name) for name in (b'image', b'mask')],
            [3, 3], '... in a field of its own')


def failures():
    images = [image(), image(6000), image(), image()]
    model.forget()
    documents, outputs = run('max', images)
    tap.is_([d['status'] for d in documents],
            ['succeeded', 'failed', 'succeeded', 'succeeded'],
            'one input that the service cannot do')
    tap.is_([o for o in outputs if o], [images[0], images[2], images[3]],
            '... its neighbours have their outputs')
    tap.is_((sorted(model.control('files')),
             documents[1]['error']['service_status']), ([1, 1, 1, 1, 4], 500),
            '... each was sent alone')

    whole('less', [image() for n in range(3)], [1, 1, 1, 3],
          'an answer that is one part short')

    documents, _ = run('busy', [image(), image()])
    tap.is_([(d['status'], d['stages'][0]['attempts']) for d in documents],
            [('succeeded', 2)] * 2, 'a service that is busy: tried again')

    documents, _ = run('dead', [image(), image()])
    tap.is_([(d['status'], d['error']['type']) for d in documents],
            [('failed', 'urn:image-pipeline:service-unreachable')] * 2,
            'one that is away')

    documents, _ = run('hang', [image() for n in range(3)])
    tap.is_([(d['status'], d['error']['type']) for d in documents],
            [('failed', 'urn:image-pipeline:service-timeout')] * 3,
            'one that never answers: each is told')


def of_one_job():
    """Items of one job in one batch: the first that fails ends the others."""

    model.can('boxes', json.dumps({'boxes': [[n, n, n + 3, n + 3]
                                             for n in range(4)]}).encode(),
              'application/json')

    for n in range(3):
        document = nginx.finish(nginx.post('/cut/', image())
                                .headers['Location'])
        tap.is_((document['status'], document['error']['type'],
                 document['error']['stage']),
                ('failed', 'urn:image-pipeline:service-unreachable', 'call'),
                'a batch that fails, of one job')

    tap.is_(nginx.finish(nginx.post('/cutbusy/', image())
                         .headers['Location'])['status'],
            'succeeded', '... one that is tried again')


def canceled():
    wait_for(lambda: model.peak()['now'] == 0)
    model.forget()
    places = [nginx.post('/slow/', image()).headers['Location']
              for n in range(3)]
    tap.ok(wait_for(lambda: model.calls('/gate/slow/parts') == 1),
           'three in one call')
    tap.is_(nginx.delete(places[0]).json['status'], 'canceled',
            '... the first one is canceled')
    more = [nginx.post('/slow/', image()).headers['Location']
            for n in range(3)]
    model.open('slow')
    tap.is_([nginx.finish(place)['status'] for place in places[1:]],
            ['succeeded'] * 2, '... the others go on')
    tap.is_([nginx.finish(place)['status'] for place in more],
            ['succeeded'] * 3, '... and so does the next batch')
    tap.is_((model.control('files'), model.peak()['peak']), ([3, 3], 1),
            '... with the place that it left')

    model.shut('slow')
    places = [nginx.post('/slow/', image()).headers['Location']
              for n in range(3)]
    wait_for(lambda: model.calls('/gate/slow/parts') == 3)
    aborted = model.peak()['aborted']

    for place in places:
        nginx.delete(place)

    tap.ok(wait_for(lambda: model.peak()['aborted'] == aborted + 1),
           'all are canceled: so is the call')
    first = nginx.post('/parts/', image()).headers['Location']
    tap.is_(nginx.delete(first).json['status'], 'canceled',
            'the only one of a batch that was not sent')
    whole('parts', [image() for n in range(4)], [4], '... holds up nobody')


model = Model()
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name) for name in [*PIPELINES, *CUT, 'pair']),
              workers=1, http='image_pipeline_path %%STORE%% zone=jobs:8m '
              'sync=off; image_pipeline_threads image;' + PAIR
              + ''.join('image_pipeline %s { param size 0 ~[0-9]+;'
                        'stage call { %s } }\n' % item
                        for item in PIPELINES.items())
              + ''.join('image_pipeline %s { param size 0 ~[0-9]+; '
                        'stage boxes { post http://%%%%MODEL%%%%/canned/boxes; }'
                        'stage cut { from upload boxes; crop /boxes/*; }'
                        'stage call { each cut; %s } }\n' % item
                        for item in CUT.items()),
              MODEL=model.address, DEAD=free_port())
nginx.start()

together()
pairs()
failures()
of_one_job()
canceled()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
