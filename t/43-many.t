#!/usr/bin/env python3

# A thousand clients watch one job, some of which never read; and what people
# see of the way there: stages with their message, a place in the queue, how
# long it takes until their turn has come.

import json
import re
import selectors
import socket
import time

from imgp import Model, Nginx, SLOW, free_port, tap, wait_for
from pictures import unique_png

STREAMS, POLLS, DEAF = 500, 500, 20
KIND = 'text/event-stream'
EACH = 48 * 1024             # of memory, at most, for one that is held

# what hangs has no share of the progress, so nothing changes meanwhile

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline crowd {
        stage a   { resize 30; weight 1000; }
        stage b   { post http://%%MODEL%%/gate/crowd/echo;
                    message "Doing b"; }
        outputs   a b;
    }

    image_pipeline turns {
        concurrency  1;
        stage s   { post http://%%MODEL%%/delay/500/echo;
                    message "At work"; }
    }
"""

SERVER = """
    listen 127.0.0.1:%%SMALL%% sndbuf=4k;
    location /crowd/ { image_pipeline_pass crowd; image_pipeline_wait 600s; }
    location /turns/ { image_pipeline_pass turns; }
"""

counter = iter(range(1, 1 << 20))


def upload(uri):
    return nginx.post(uri, unique_png(next(counter), 64, 64), 'image/png')


class Held:
    """A request that is held, and what came of it until now."""

    def __init__(self, uri, accept='*/*', port=None, deaf=False):
        self.data = b''
        self.socket = socket.socket()

        if deaf:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

        self.socket.settimeout(60 * SLOW)
        self.socket.connect(('127.0.0.1', port or nginx.port))
        self.socket.sendall(('GET %s HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n\r\n'
                             % (uri, accept)).encode())

    def read(self):
        self.data += self.socket.recv(65536)

    def done(self):
        """The whole answer of a poll, or the end of a stream."""

        head, _, body = self.data.partition(b'\r\n\r\n')
        length = re.search(rb'Content-Length: (\d+)', head)
        return (len(body) >= int(length.group(1)) if length
                else body.endswith(b'\r\n0\r\n\r\n'))

    def document(self):
        return json.loads(self.data.partition(b'\r\n\r\n')[2])

    def events(self):
        """(name, data); chunks begin with their size and end with a line."""

        body = self.data.partition(b'\r\n\r\n')[2]
        text = b''

        while body:
            size, _, body = body.partition(b'\r\n')
            text += body[:int(size, 16)]
            body = body[int(size, 16) + 2:]

        return [(name.decode(), json.loads(data)) for name, data in
                re.findall(rb'event: (\w+)\ndata: (.*)\n', text)]


def listen(clients, until, seconds=60):
    """Reads of all of them what comes, until they are all so far."""

    left = {c.socket: c for c in clients if not until(c)}
    end = time.monotonic() + seconds * SLOW

    with selectors.DefaultSelector() as selector:
        for one in left:
            selector.register(one, selectors.EVENT_READ)

        while left and time.monotonic() < end:
            for key, _ in selector.select(1):
                client = left[key.fileobj]
                client.read()

                if until(client):
                    selector.unregister(key.fileobj)
                    del left[key.fileobj]

    return not left



def crowd():
    place = upload('/crowd/').headers['Location']
    wait_for(lambda: [s['status'] for s in nginx.get(place).json['stages']]
             == ['succeeded', 'running'], 30)
    document = nginx.get(place).json
    tap.is_(document['stages'][1].get('message'), 'Doing b',
            'a message in the document')

    base = [nginx.memory(pid) for pid in nginx.workers()]
    deaf = [Held(place + '/events', port=nginx.values['SMALL'], deaf=True)
            for n in range(DEAF)]
    streams = [Held(place + '/events') for n in range(STREAMS)]
    polls = [Held('%s?wait=600&since=%d' % (place, document['revision']))
             for n in range(POLLS)]
    tap.ok(listen(streams, lambda c: b'event: state' in c.data),
           '%d streams begin' % STREAMS)
    wait_for(lambda: len(nginx.sockets()) >= len(deaf + streams + polls), 30)
    grown = sum(nginx.memory(pid) for pid in nginx.workers()) - sum(base)
    count = STREAMS + POLLS + DEAF

    if SLOW > 1:
        tap.skip('memory', 'a sanitizer has much of its own')
    else:
        tap.ok(grown < count * EACH, '%d are held, %d KB each'
               % (count, grown / count / 1024))

    model.control('open/crowd', 'POST', b'')
    tap.ok(listen(polls, Held.done), 'all polls are answered')
    tap.ok(listen(streams, Held.done), 'all streams come to their end')

    tap.is_({(one.data[9:12], one.document()['revision'] > document['revision'])
             for one in polls}, {(b'200', True)}, '... the polls with news')
    tap.is_({one.events()[0][1]['stages'][1].get('message')
             for one in streams}, {'Doing b'}, 'a message in the streams')
    tap.is_({(one.events()[0][0], one.events()[-1][0],
              one.events()[-1][1]['status']) for one in streams},
            {('state', 'done', 'succeeded')}, '... the streams with all of it')

    final = nginx.get(place).json
    tap.is_([one.events()[-1][1] for one in streams],
            [final] * len(streams), '... which is the same for all')

    # those who have not read a byte meanwhile have missed nothing

    tap.ok(listen(deaf, Held.done), 'who reads late is not too late')
    tap.is_({one.events()[-1][1]['status'] for one in deaf}, {'succeeded'},
            '... and is told the end')

    for one in deaf + streams + polls:
        one.socket.close()


def waiting():
    """Places of jobs of which some wait, and the documents of two that do: on
    a slow machine they may be done before they are looked at, then there are
    more of them."""

    places = []

    for n in range(10):
        places += [upload('/turns/').headers['Location'] for n in range(6)]
        last, first = (nginx.get(places[n]).json for n in (-1, -4))

        if last['status'] == first['status'] == 'queued':
            break

    return places, first, last


def turns():
    for n in range(2):
        nginx.finish(upload('/turns/').headers['Location'])

    places, first, last = waiting()
    stream = Held(places[-1], KIND)

    tap.ok(last['queue_position'] > first['queue_position'] > 0,
           'who waits has a place: %s, %s' % (last['queue_position'],
                                              first['queue_position']))
    tap.ok(last['eta_ms'] > first['eta_ms'] > 0,
           '... and knows when its turn comes: %s, %s ms'
           % (last['eta_ms'], first['eta_ms']))

    for one in places[-5:-1]:
        nginx.delete(one)

    tap.ok(listen([stream], Held.done), 'the last one comes to its end')
    events = stream.events()
    shown = [data['progress'] for name, data in events if 'progress' in data]
    tap.is_(shown, sorted(shown), 'its progress never fell: %s' % shown)
    stages = [stage for name, data in events
              for stage in data.get('stages', [data.get('stage')])
              if stage['status'] == 'running']
    tap.is_({stage.get('message') for stage in stages} - {'At work'}, set(),
            'where its stage is shown at work, %d times, so is the message'
            % len(stages))

    for one in places:
        nginx.finish(one)


model = Model()
nginx = Nginx(SERVER, workers=2, http=HTTP, MODEL=model.address,
              SMALL=free_port())
nginx.start()
crowd()
turns()
tap.is_(nginx.alerts(), [], 'no alerts')
tap.done()
