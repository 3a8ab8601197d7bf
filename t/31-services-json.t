#!/usr/bin/env python3

# JSON to and from services: templates that become requests, answers that
# become outputs.

import base64
import json
import os
import re
import threading
import urllib.parse

from imgp import Model, Nginx, SLOW, parallel, sample, tap
from pictures import padded, png, unique_png

TEMPLATES = {
    'one': '{"id": "{{job.id}}", "model": "x\\u0041",\n'
           ' "image": "data:{{input.type}};base64,{{input.base64}}",\n'
           ' "size": {{param.size}}, "note": "<{{param.note}}>",'
           ' "also": {{param.note}}}',
    'two': '[{{inputs.boxes.json}}, "{{inputs.boxes.json}}",'
           ' "{{inputs.upload.base64}}", "{{inputs.small.type}}"]',
    'wrong': '{"boxes": {{input.json}}}',
    'typed': '["{{input.base64}}"]',
    'part': '{"texts": ["{{input.json/text}}"], "to": {{input.json/to}}}',
}

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline one {
        param size 12 ~[0-9.]+;
        param note "a \\"b\\"" ~.*;
        stage call { post http://%%MODEL%%/canned/boxes;
                     send json %%DIR%%/one.json; }
    }

    image_pipeline two {
        stage small { resize 10; }
        stage boxes { from upload; post http://%%MODEL%%/canned/boxes; }
        stage call  { from upload boxes small;
                      post http://%%MODEL%%/canned/boxes;
                      send json %%DIR%%/two.json; }
    }

    image_pipeline wrong {
        stage call { post http://%%MODEL%%/echo; send json %%DIR%%/wrong.json;
                     retry 3 1s; }
    }

    image_pipeline typed {
        stage call { post http://%%MODEL%%/status/503?times=1&per=key;
                     send json %%DIR%%/typed.json;
                     header Content-Type application/x-mine;
                     retry 2 20ms; }
    }

    image_pipeline part {
        accept application/json;
        stage call { post http://%%MODEL%%/canned/boxes;
                     send json %%DIR%%/part.json; }
    }

    image_pipeline form {
        param size 12 ~.*;
        stage call { post http://%%MODEL%%/canned/boxes;
                     send form "q={{input.json/text}}" "a b={{param.size}}"
                               "pair=eng|{{input.json/to/0}}"; }
    }

    image_pipeline fields {
        stage small { resize 10; }
        stage call  { from upload small;
                      post http://%%MODEL%%/canned/boxes;
                      send multipart image mask "note=a b"; }
    }

    image_pipeline quiet {
        stage call { post http://%%MODEL%%/delay/50/canned/boxes;
                     send json %%DIR%%/typed.json; }
    }
"""

BOXES = ' {"a\\n": [1, {"b": "\\u00e4"}]}'.encode()


def run(name, image, query=''):
    answer = nginx.post('/%s/%s' % (name, query), image)
    return nginx.finish(answer.headers['Location']) \
        if answer.status == 202 else answer.json


def templates():
    image = sample()
    document = run('one', image)
    last = model.last()
    sent = json.loads(model.last_body())
    tap.is_((document['status'], last['headers'].get('content-type')),
            ('succeeded', 'application/json'), 'a template is sent')
    tap.is_(last['headers'].get('content-length'),
            str(len(model.last_body())), '... its length is told')
    tap.is_(sent['image'], 'data:image/jpeg;base64,'
            + base64.b64encode(image).decode(), '... type and base64')
    tap.is_((sent['id'], sent['model'], sent['size'], sent['note'],
             sent['also']),
            (document['id'], 'xA', 12, '<a "b">', 'a "b"'),
            '... job and params')

    calls = model.peak()['total']
    document = run('one', image, '?size=1.5&note=%22%7D%2C%5C')
    sent = json.loads(model.last_body())
    tap.is_((sent['size'], sent['note'], model.peak()['total'] - calls),
            (1.5, '<"},\\>', 1), 'a param cannot leave its string')

    image = png(40, 30)
    document = run('two', image)
    sent = json.loads(model.last_body())
    tap.is_(document['status'], 'succeeded', 'several named inputs')
    tap.is_(sent, [json.loads(BOXES), BOXES.decode(),
                   base64.b64encode(image).decode(), 'image/png'],
            '... a document as it came, and as text')

    document = run('wrong', png(9, 9))
    tap.is_((document['status'], document['error']['type'],
             document['error']['stage'], document['stages'][0]['attempts'],
             model.calls('/echo')),
            ('failed', 'urn:image-pipeline:unsupported-type', 'call', 0, 0),
            'an input that is no JSON is not sent')
    tap.note(document['error']['detail'])


def parts():
    """Of a JSON upload what pointers select, as JSON and as a form."""

    chat = json.dumps({'text': 'a "b"\n\u00e4', 'to': ['es', 7]}).encode()
    answer = nginx.post('/part/', chat, 'application/json')
    document = nginx.finish(answer.headers['Location'])
    tap.is_((document['status'], json.loads(model.last_body())),
            ('succeeded', {'texts': ['a "b"\n\u00e4'], 'to': ['es', 7]}),
            'parts of a JSON upload')

    answer = nginx.post('/form/?size=1%262%3D', chat, 'application/json')
    document = nginx.finish(answer.headers['Location'])
    tap.is_((document['status'],
             model.last()['headers'].get('content-type'),
             urllib.parse.parse_qs(model.last_body().decode())),
            ('succeeded', 'application/x-www-form-urlencoded',
             {'q': ['a "b"\n\u00e4'], 'a b': ['1&2='], 'pair': ['eng|es']}),
            '... as fields of a form')

    tap.is_(run('fields', png(40, 30))['status'], 'succeeded',
            'a form with files')
    tap.is_(re.findall(rb'name="(\w+)"(?:; filename="([^"]+)")?',
                       model.last_body()),
            [(b'image', b'input.png'), (b'mask', b'input-2.png'),
             (b'note', b'')], '... each in the field of its stage')

    calls = model.peak()['total']
    answer = nginx.post('/form/', b'{"text": "x"}', 'application/json')
    document = nginx.finish(answer.headers['Location'])
    tap.is_((document['status'], document['error']['detail'],
             model.peak()['total'] - calls),
            ('failed', 'the template wants one value at "/to/0" of its input, '
             'which has none', 0), '... what is not there is not sent')

    tap.is_((nginx.post('/part/', b'text=x', 'text/plain').status,
             nginx.post('/part/', chat, 'text/plain').status), (415, 200),
            'JSON is told by its bytes')


def anonymous(pid):
    """Bytes that no file is behind: mapped inputs are not among them."""

    with open('/proc/%d/smaps_rollup' % pid) as file:
        return 1024 * int(re.search(r'Anonymous:\s+(\d+)',
                                    file.read()).group(1))


def large():
    """Read again for a second attempt, and by many at once."""

    image = padded(png(10, 10), 8 << 20)
    document = run('typed', image)
    tap.is_((document['status'], document['stages'][0]['attempts'],
             model.last()['headers'].get('content-type')),
            ('succeeded', 2, 'application/x-mine'), '8 MB, twice')
    tap.is_(base64.b64decode(json.loads(model.last_body())[0]), image,
            '... whole')

    workers = nginx.workers()
    base = max(map(anonymous, workers))
    images = [padded(unique_png(n, 10, 10), 4 << 20) for n in range(1000, 1012)]
    peak = [0]
    over = threading.Event()

    def watch():
        while not over.wait(0.01):
            peak[0] = max(peak[0], *map(anonymous, workers))

    watcher = threading.Thread(target=watch)
    watcher.start()
    documents = parallel(lambda image: run('quiet', image), images, 12)
    over.set()
    watcher.join()

    more = peak[0] - base
    tap.is_({d['status'] for d in documents}, {'succeeded'}, '12 of 4 MB')
    tap.note('%d kB more at the peak' % (more >> 10))
    tap.ok(more < (12 << 20) * SLOW ** 2, '... their base64 is never whole')


model = Model()
model.can('boxes', BOXES, 'application/json')
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name)
                      for name in ('one', 'two', 'wrong', 'typed', 'part',
                                   'form', 'fields', 'quiet')),
              workers=2, http=HTTP, MODEL=model.address)

for name, text in TEMPLATES.items():
    with open(os.path.join(nginx.dir, name + '.json'), 'w') as out:
        out.write(text)

nginx.start()

templates()
parts()
large()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
