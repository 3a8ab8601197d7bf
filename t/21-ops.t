#!/usr/bin/python3

# Local operations that take more than a picture, through HTTP: what reaches
# them from several stages, their types, their keys in the cache, and their
# failures.  The pixels themselves are judged by t/unit/test_op_*.c.

import base64
import json

from imgp import Model, Nginx, sample, tap
from pictures import size

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline inline {
        stage small  { resize 32; }
        stage png    { from small; encode png; }
        stage inline { from small png; base64; }
    }
"""

SERVER = """
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
nginx = Nginx(SERVER, http=HTTP, MODEL=model.address)
nginx.start()

inline()

tap.is_(nginx.alerts(), [], 'nothing in the log')
tap.done()
