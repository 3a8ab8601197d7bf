"""The clothes photos as their team had them: a gateway, RabbitMQ with queues for
work, progress and results, and a worker that calls the services in turn
(../shared/seed-systems.md, 1).  FastAPI stands in for Spring Boot.

    uvicorn closet_before:app                     the gateway
    python3 closet_before.py                      a worker
"""

import base64
import hashlib
import io
import json
import os
import threading
import uuid

import pika
import requests
from fastapi import FastAPI, File, UploadFile
from fastapi.responses import JSONResponse
from PIL import Image

PORT = int(os.environ['RABBIT_PORT'])
SERVICES = {name: os.environ.get(name.upper(), '')
            for name in ('rembg', 'segment', 'gemini')}
SPOOL = os.environ.get('SPOOL', '/tmp')
QUEUES = ('work', 'progress', 'results')
TIMEOUT = 180
TRIES = 3

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
jobs, known, lock = {}, {}, threading.Lock()


def connect():
    connection = pika.BlockingConnection(pika.ConnectionParameters(
        '127.0.0.1', PORT, heartbeat=0))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=1)

    for queue in QUEUES:
        channel.queue_declare(queue, durable=True)

    return channel


def publish(channel, queue, message):
    channel.basic_publish('', queue, json.dumps(message),
                          pika.BasicProperties(delivery_mode=2))


# the gateway

def listen():
    """Progress and results come by their queues."""

    def told(channel, method, properties, body):
        message = json.loads(body)

        with lock:
            job = jobs[message['id']]

            # the two queues are in no order

            if job['status'] not in ('succeeded', 'failed'):
                job.update(message)

            if message['status'] == 'succeeded':
                known[message['digest']] = message['id']

        channel.basic_ack(method.delivery_tag)

    channel = connect()

    for queue in QUEUES[1:]:
        channel.basic_consume(queue, told)

    channel.start_consuming()


@app.on_event('startup')
def start():
    app.state.channel = connect()
    threading.Thread(target=listen, daemon=True).start()


@app.post('/')
def accept(file: UploadFile = File(...)):
    body = file.file.read()
    digest = hashlib.sha256(body).hexdigest()

    with lock:
        if digest in known:
            return jobs[known[digest]]

        job = uuid.uuid4().hex
        path = os.path.join(SPOOL, job)
        jobs[job] = {'id': job, 'status': 'queued', 'progress': 0}

    with open(path, 'wb') as out:
        out.write(body)

    with lock:
        publish(app.state.channel, 'work',
                {'id': job, 'path': path, 'digest': digest})

    return JSONResponse({'id': job, 'status': 'queued', 'progress': 0},
                        status_code=202)


@app.get('/{job}')
def show(job: str):
    with lock:
        return dict(jobs.get(job, {}))


# the worker

def call(service, path, **body):
    for left in reversed(range(TRIES)):
        try:
            answer = requests.post(SERVICES[service] + path, timeout=TIMEOUT,
                                   **body)
            answer.raise_for_status()
            return answer
        except requests.RequestException:
            if not left:
                raise


def fit(picture, size):
    picture.thumbnail((size, size), Image.LANCZOS)
    return picture


def encoded(picture):
    """PNG only where a pixel is transparent."""

    out = io.BytesIO()

    if 'A' in picture.getbands() and picture.getextrema()[-1][0] < 255:
        picture.save(out, 'PNG')
    else:
        picture.convert('RGB').save(out, 'JPEG', quality=85)

    return out.getvalue()


def expanded(item):
    """Of 768 pixels, by the image model; without it as it was."""

    small = encoded(fit(Image.open(io.BytesIO(item)), 768))

    try:
        parts = call('gemini', '/v1beta/models/gemini-2.5-flash-image:'
                     'generateContent', headers={'x-goog-api-key': 'x'}, json={
                         'contents': [{'role': 'user', 'parts': [
                             {'text': 'Show the whole garment.'},
                             {'inlineData': {
                                 'mimeType': 'image/png', 'data':
                                 base64.b64encode(small).decode()}}]}]}
                     ).json()['candidates'][0]['content']['parts']
    except requests.RequestException:
        return small

    return base64.b64decode(next(part['inlineData']['data'] for part in parts
                                 if 'inlineData' in part))


def process(message, tell):
    photo = encoded(fit(Image.open(message['path']), 1200))
    cutout = call('rembg', '/api/remove', files={'file': photo}).content
    tell(30)
    items = [base64.b64decode(item['image']) for item in
             call('segment', '/v1/items', data=cutout, headers={
                 'Content-Type': 'image/png'}).json()['items']]
    tell(45)
    items = [expanded(item) for item in items]
    tell(95)
    results = [encoded(fit(Image.open(io.BytesIO(item)), 1024))
               for item in items]
    tell(98)

    return [base64.b64encode(result).decode() for result in results]


def work():
    def take(channel, method, properties, body):
        message = json.loads(body)
        done = {'id': message['id'], 'digest': message['digest'],
                'status': 'succeeded', 'progress': 100}

        def tell(progress):
            publish(channel, 'progress', {'id': message['id'],
                                          'status': 'running',
                                          'progress': progress})

        try:
            done['result'] = process(message, tell)
        except (requests.RequestException, OSError, KeyError) as error:
            done.update(status='failed', error=str(error))

        publish(channel, 'results', done)
        os.unlink(message['path'])
        channel.basic_ack(method.delivery_tag)

    channel = connect()
    channel.basic_consume('work', take)
    channel.start_consuming()


if __name__ == '__main__':
    work()
