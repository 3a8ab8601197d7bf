"""The image translation as its team had it: an API, three Redis lists, and the
workers behind them (../shared/seed-systems.md, 4).

    uvicorn image_before:app                      the API
    python3 image_before.py ocr|operate|result    a worker
"""

import base64
import concurrent.futures
import io
import json
import os
import sys
import uuid

import boto3
import redis
import redis.asyncio
import requests
from fastapi import FastAPI, File, UploadFile
from fastapi.responses import JSONResponse, Response
from PIL import Image, ImageDraw, ImageFont

PORT = int(os.environ['REDIS_PORT'])
SERVICES = {name: os.environ.get(name.upper(), '')
            for name in ('ocr', 'apy', 'inpaint', 's3', 'hooks')}
SPOOL = os.environ.get('SPOOL', '/tmp')
KEEP = 3600
TIMEOUT = 120
DILATE = 6
FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
SMALLEST = 6

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.on_event('startup')
async def start():
    app.state.redis = redis.asyncio.Redis(port=PORT)


@app.post('/')
async def accept(file: UploadFile = File(...)):
    job = uuid.uuid4().hex
    path = os.path.join(SPOOL, job)

    with open(path, 'wb') as out:
        out.write(await file.read())

    queued = {'id': job, 'status': 'queued'}
    await app.state.redis.setex('job:' + job, KEEP, json.dumps(queued))
    await app.state.redis.rpush('ocr_tasks', json.dumps(
        {'id': job, 'path': path}))

    return JSONResponse(queued, status_code=202)


@app.get('/{job}')
async def show(job: str):
    return Response(await app.state.redis.get('job:' + job) or '{}',
                    media_type='application/json')


def call(service, path, **body):
    answer = requests.post(SERVICES[service] + path, timeout=TIMEOUT, **body)
    answer.raise_for_status()
    return answer


def read(path):
    with open(path, 'rb') as file:
        return file.read()


# the workers: each takes a task, and gives the list and the task that follow

def ocr(task):
    image = base64.b64encode(read(task['path'])).decode()
    task['lines'] = call('ocr', '/predict/ocr_system',
                         json={'images': [image]}).json()['results'][0]
    return 'processor_tasks', task


def translated(line):
    return call('apy', '/translate', data={
        'langpair': 'en|es', 'q': line['text'], 'markUnknown': 'no',
        'format': 'txt'}).json()['responseData']['translatedText']


def painted(task):
    image = read(task['path'])
    mask = Image.new('L', Image.open(io.BytesIO(image)).size)
    draw = ImageDraw.Draw(mask)

    for line in task['lines']:
        (left, top), _, (right, bottom), _ = line['text_region']
        draw.rectangle((left - DILATE, top - DILATE, right + DILATE,
                        bottom + DILATE), fill=255)

    out = io.BytesIO()
    mask.save(out, 'PNG')

    return call('inpaint', '/inpaint',
                files={'image': image, 'mask': out.getvalue()}).content


def drawn(image, lines, texts):
    picture = Image.open(io.BytesIO(image)).convert('RGB')
    draw = ImageDraw.Draw(picture)

    for line, text in zip(lines, texts):
        (left, top), _, (right, bottom), _ = line['text_region']
        size = max(bottom - top, SMALLEST)

        while size > SMALLEST and ImageFont.truetype(FONT, size).getlength(
                text) > right - left:
            size -= 1

        light = picture.crop((left, top, right, bottom)).convert('L') \
            .resize((1, 1)).getpixel((0, 0))
        draw.text((left, top), text, (0,) * 3 if light > 127 else (255,) * 3,
                  ImageFont.truetype(FONT, size))

    out = io.BytesIO()
    picture.save(out, 'PNG')

    return out.getvalue()


def operate(task):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        image = pool.submit(painted, task)
        texts = list(pool.map(translated, task['lines']))

    key = 'translated/%s.png' % task['id']
    boto3.client('s3', endpoint_url=SERVICES['s3'], region_name='us-east-1',
                 aws_access_key_id='S3RVER', aws_secret_access_key='S3RVER'
                 ).put_object(Bucket='pictures', Key=key, Body=drawn(
                     image.result(), task['lines'], texts))

    return 'hosting_tasks', {'id': task['id'], 'path': task['path'],
                             'key': key}


def result(task):
    done = {'id': task['id'], 'status': 'succeeded', 'key': task['key']}
    call('hooks', '/hooks/translated', json=done)
    store.setex('job:' + task['id'], KEEP, json.dumps(done))
    os.unlink(task['path'])


WORKERS = {'ocr': ('ocr_tasks', ocr), 'operate': ('processor_tasks', operate),
           'result': ('hosting_tasks', result)}


def work(name):
    source, step = WORKERS[name]

    while True:
        task = json.loads(store.blpop(source)[1])

        try:
            following = step(task)

            if following:
                store.rpush(following[0], json.dumps(following[1]))

        except Exception as error:
            store.setex('job:' + task['id'], KEEP, json.dumps(
                {'id': task['id'], 'status': 'failed', 'error': str(error)}))


if __name__ == '__main__':
    store = redis.Redis(port=PORT)
    work(sys.argv[1])
