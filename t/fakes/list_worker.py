#!/usr/bin/env python3

"""A worker at a list of Redis, as there are thousands: BLPOP, work, RPUSH.

    list_worker.py PORT LIST [MODE]

MODE is "echo" (the input as it came), "fail" (says why, the first time of each
job), "refuse" (for good), "garbage" (answers that are none, then echo) or
"text" (of a message with its input inside: its length, and what was sent)."""

import base64
import json
import socket
import sys


class Redis:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.file = self.socket.makefile('rb')

    def ask(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b'*%d\r\n' % len(words) + b''.join(
            b'$%d\r\n%s\r\n' % (len(w), w) for w in words))
        return self.read()

    def read(self):
        line = self.file.readline()
        kind, number = line[:1], line[1:].strip()

        if kind == b'$':
            return None if number == b'-1' \
                else self.file.read(int(number) + 2)[:-2]

        if kind == b'*':
            return [self.read() for _ in range(int(number))]

        return number


redis = Redis(int(sys.argv[1]))
mode = sys.argv[3] if len(sys.argv) > 3 else 'echo'
seen = set()

while True:
    message = json.loads(redis.ask('BLPOP', sys.argv[2], 0)[1])
    answer = {'correlation_id': message['correlation_id']}
    reply_to = message['reply_to']

    if mode == 'text':
        answer['text'] = '%d %s' % (len(base64.b64decode(message['image'])),
                                    message['language'])
    else:
        picture = redis.ask('GET', message['input'])

        if picture is None:
            continue

        answer['type'] = message['type']
        answer['base64'] = base64.b64encode(picture).decode()

    if mode == 'refuse' or mode == 'fail' and message['job'] not in seen:
        answer = {'correlation_id': message['correlation_id'],
                  'error': 'no GPU is free', 'retry': mode == 'fail'}
        seen.add(message['job'])

    if mode == 'garbage':
        for odd in b'', b'{"correlation_id":"', b'\x00\xff', b'[]' * 1000, \
                b'{"correlation_id":"00000000000000000000000000"}':
            redis.ask('RPUSH', reply_to, odd)

    redis.ask('RPUSH', reply_to, json.dumps(answer))
