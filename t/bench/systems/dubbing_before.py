"""Dubbing as its team had it: FastAPI, a Celery task on Redis, a copy in S3,
the analysis server (../shared/seed-systems.md, 3).

    uvicorn dubbing_before:app                    the gateway
    celery -A dubbing_before:tasks worker -c 2    the workers
"""

import hashlib
import json
import os
import uuid

import boto3
import redis
import redis.asyncio
import requests
from celery import Celery
from fastapi import FastAPI, File, UploadFile
from fastapi.responses import JSONResponse, Response

PORT = int(os.environ['REDIS_PORT'])
SERVICE = os.environ.get('SERVICE', '')
S3 = os.environ.get('S3', '')
SPOOL = os.environ.get('SPOOL', '/tmp')
KEEP = 3600

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
tasks = Celery('dubbing', broker='redis://127.0.0.1:%d/1' % PORT)
tasks.conf.update(task_ignore_result=True, worker_prefetch_multiplier=1,
                  broker_connection_retry_on_startup=True)


@app.on_event('startup')
async def start():
    app.state.redis = redis.asyncio.Redis(port=PORT)


@app.post('/')
async def accept(file: UploadFile = File(...)):
    body = await file.read()
    digest = hashlib.sha256(body).hexdigest()
    known = await app.state.redis.get('known:' + digest)

    if known:
        return Response(known, media_type='application/json')

    job = uuid.uuid4().hex
    path = os.path.join(SPOOL, job)

    with open(path, 'wb') as out:
        out.write(body)

    queued = {'id': job, 'status': 'queued', 'progress': 0}
    await app.state.redis.setex('job:' + job, KEEP, json.dumps(queued))
    analyse.delay(job, path, digest)

    return JSONResponse(queued, status_code=202)


@app.get('/{job}')
async def show(job: str):
    return Response(await app.state.redis.get('job:' + job) or '{}',
                    media_type='application/json')


@tasks.task(name='analyse', bind=True, max_retries=3, default_retry_delay=60)
def analyse(self, job, path, digest):
    store = redis.Redis(port=PORT)

    def tell(status, progress, **more):
        text = json.dumps({'id': job, 'status': status, 'progress': progress,
                           **more})
        store.setex('job:' + job, KEEP, text)
        return text

    try:
        tell('running', 10, message='storing the recording')
        client = boto3.client('s3', endpoint_url=S3, region_name='us-east-1',
                              aws_access_key_id='S3RVER',
                              aws_secret_access_key='S3RVER')
        client.upload_file(path, 'dubbing', 'recordings/' + digest)
        tell('running', 40, message='listening')

        with open(path, 'rb') as file:
            answer = requests.post(SERVICE + '/v1/audio/transcriptions',
                                   files={'file': file}, timeout=600)

        answer.raise_for_status()
        tell('running', 70, message='storing the script')
        client.put_object(Bucket='dubbing', Key='scripts/' + digest,
                          Body=answer.content)
    except Exception as error:
        raise self.retry(exc=error)

    text = tell('succeeded', 100, result=answer.json())
    store.setex('known:' + digest, KEEP, text)
    os.unlink(path)
