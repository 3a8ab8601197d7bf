#!/usr/bin/python3

"""The main server of an application, for as far as it is told of jobs: takes
webhooks at any path, and shows them.

    POST /hooks/...     {"received": 3}
    POST /received      what came: [{"headers": {...}, "body": {...}}, ...]

    hooks.py [--host 127.0.0.1] [--port 7000]
"""

import json

from service import serve

received = []


def take(call):
    received.append({'headers': {name.lower(): value
                                 for name, value in call.headers.items()},
                     'text': call.file('file').decode(),
                     'body': call.json()})

    return {'received': len(received)}


def show(call):
    return 'application/json', json.dumps(received).encode()


if __name__ == '__main__':
    serve({'/received': show, '*': take}, 'hooks')
