"""The chat translation as its team had it: a gateway (FastAPI), a Redis list,
and worker processes that take a message each (../shared/seed-systems.md, 2).

    uvicorn chat_before:app                       the gateway
    python3 chat_before.py                        a worker
"""

import json
import os
import uuid

import redis
import redis.asyncio
import requests
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

PORT = int(os.environ['REDIS_PORT'])
SERVICE = os.environ.get('SERVICE', '')
KEEP = 600
CACHE = 86400

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.on_event('startup')
async def start():
    app.state.redis = redis.asyncio.Redis(port=PORT)


@app.post('/')
async def accept(request: Request):
    job = uuid.uuid4().hex
    message = json.loads(await request.body())
    queued = {'id': job, 'status': 'queued'}
    await app.state.redis.setex('job:' + job, KEEP, json.dumps(queued))
    await app.state.redis.rpush('messages', json.dumps({'id': job, **message}))

    return JSONResponse(queued, status_code=202)


@app.get('/{job}')
async def show(job: str):
    return Response(await app.state.redis.get('job:' + job) or '{}',
                    media_type='application/json')


def translated(store, http, text, language):
    key = 'cache:%s:%s' % (language, text)
    known = store.get(key)

    if known is not None:
        return known.decode()

    answer = http.post(SERVICE + '/translate', timeout=10, data={
        'langpair': 'en|' + language, 'q': text, 'markUnknown': 'no',
        'format': 'txt'})
    answer.raise_for_status()
    result = answer.json()['responseData']['translatedText']
    store.setex(key, CACHE, result)

    return result


def work():
    store = redis.Redis(port=PORT)
    http = requests.Session()

    while True:
        message = json.loads(store.blpop('messages')[1])
        done = {'id': message['id'], 'status': 'succeeded'}

        try:
            done['result'] = [
                {'language': language,
                 'text': translated(store, http, message['text'], language)}
                for language in message['targetLanguages']]
        except (requests.RequestException, ValueError, KeyError) as error:
            done = {'id': message['id'], 'status': 'failed',
                    'error': str(error)}

        store.setex('job:' + message['id'], KEEP, json.dumps(done))


if __name__ == '__main__':
    work()
