#!/usr/bin/env python3

# Server-sent events of a job and of all jobs of an owner: their order and ids,
# how a client resumes, over HTTP/1.1 and HTTP/2; clients that do not read,
# go away, or are told to come back on a reload.

import json
import socket
import subprocess
import threading
import time

from imgp import Model, Nginx, SLOW, free_port, tap, wait_for
from pictures import unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline slow {
        stage a      { resize 30; }
        stage b      { post http://%%MODEL%%/delay/700/echo;
                       message "Doing b"; }
        stage c      { resize 20; }
        outputs      a c;
    }

    image_pipeline hang {
        stage a      { resize 30; weight 1000; }   # all of the progress
        stage b      { post http://%%MODEL%%/hang; timeout 10m; }
    }

    image_pipeline held {
        concurrency  1;
        stage b      { post http://%%MODEL%%/hang; timeout 10m; }
    }

    image_pipeline fails { stage b { post http://%%MODEL%%/status/400; } }

    server {
        listen 127.0.0.1:%%H2%% http2;
        location /slow/ { image_pipeline_pass slow; }
        location /hang/ { image_pipeline_pass hang; }
    }

    # a socket that takes little

    server {
        listen 127.0.0.1:%%SMALL%% sndbuf=4k;
        image_pipeline_owner $http_x_owner;
        location /held/ { image_pipeline_pass held; send_timeout 60s; }
        location /stuck/ { image_pipeline_pass held; send_timeout 1s; }
    }
"""

SERVER = """
    add_header X-Pid $pid always;
    image_pipeline_owner $http_x_owner;

    location /slow/ { image_pipeline_pass slow; }
    location /hang/ { image_pipeline_pass hang; }
    location /fails/ { image_pipeline_pass fails; }
    location /held/ { image_pipeline_pass held; }
"""

KIND = 'text/event-stream'
counter = iter(range(1, 1 << 20))


def upload(uri, **headers):
    return nginx.post(uri, unique_png(next(counter), 64, 64), 'image/png',
                      **headers)


class Event:
    def __init__(self, block):
        fields = dict(line.split(': ', 1) for line in block.split('\n')
                      if not line.startswith(':'))
        self.name = fields.get('event')
        self.id = int(fields['id']) if 'id' in fields else None
        self.retry = int(fields['retry']) if 'retry' in fields else None
        self.data = json.loads(fields['data']) if 'data' in fields else None
        self.beat = block == ': hb'


class Stream(threading.Thread):
    """A client of one stream, reading until it ends."""

    def __init__(self, uri, port=None, **headers):
        super().__init__(daemon=True)
        self.socket = socket.create_connection(
            ('127.0.0.1', port or nginx.port), 60 * SLOW)
        fields = ''.join('%s: %s\r\n' % (name.replace('_', '-'), value)
                         for name, value in headers.items())
        self.socket.sendall(('GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n'
                             % (uri, fields)).encode())
        self.file = self.socket.makefile('rb')
        self.status = int(self.file.readline().split()[1])
        self.headers = {}

        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(': ')
            self.headers[name.lower()] = value

        self.blocks, self.rest, self.ended = [], b'', False
        self.start()

    def run(self):
        while size := int(self.file.readline() or b'0', 16):
            self.rest += self.file.read(size)
            self.file.readline()
            *whole, self.rest = self.rest.split(b'\n\n')
            self.blocks += [Event(b.decode()) for b in whole]

        self.ended = True

    @property
    def events(self):
        return [e for e in self.blocks if e.name]

    def names(self):
        return [e.name for e in self.events]

    def wait(self, name, count=1):
        wait_for(lambda: self.names().count(name) >= count, 20)
        return [e for e in self.events if e.name == name]

    def over(self):
        return wait_for(lambda: self.ended, 20)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)


def a_job():
    place = upload('/slow/').headers['Location']
    one, two = Stream(place, Accept=KIND), Stream(place + '/events')
    three = Stream(place, Accept='text/html, Text/Event-Stream;q=0.9')
    tap.is_([(s.status, s.headers['content-type']) for s in (one, two, three)],
            [(200, KIND)] * 3, 'by Accept, and by its own address')
    tap.is_((one.headers['cache-control'], one.headers['x-accel-buffering'],
             one.headers.get('content-length')), ('no-cache', 'no', None),
            '... not buffered on the way')
    tap.ok(one.over() and two.over() and three.over(), 'they end')

    for stream in one, two:
        names = stream.names()
        tap.is_((names[0], names[-1], names.count('state'),
                 names.count('done')), ('state', 'done', 1, 1),
                'first "state", last "done": %s' % ' '.join(names))
        tap.ok({'stage', 'progress'} >= set(names[1:-1]) and len(names) > 3,
               '... stages and progress between')

    tap.is_(one.blocks[0].retry, 2000, 'the time to come back is told')
    ids = [e.id for e in one.events]
    tap.ok(None not in ids and ids == sorted(ids), 'ids never fall: %r' % ids)
    tap.ok(all(e.data['revision'] == e.id for e in one.events
               if e.name != 'stage'), '... they are revisions')
    tap.ok(all(e.data['id'] == place[6:] for e in one.events),
           '... of this job')

    last = nginx.get(place).json
    done = one.events[-1].data
    tap.is_(done, last, '"done" has the whole document')
    seen = {e.data['stage']['name']: e.data for e in one.events
            if e.name == 'stage'}
    tap.ok('Doing b' in json.dumps([e.data for e in one.events]),
           'what a stage does')
    if 'a' in seen:
        tap.is_(seen['a'].get('outputs'), last['outputs']['a'],
                'an output comes with its stage')
    progress = [e.data['progress'] for e in one.events
                if e.name in ('state', 'progress', 'done')]
    tap.is_(progress, sorted(progress), 'progress never falls')

    again = nginx.get(place, accept=KIND, last_event_id=str(ids[-1]))
    tap.is_((again.status, again.body), (204, b''),
            'who comes back after the end: 204')
    late = Stream(place, Accept=KIND)
    tap.ok(late.over() and late.names() == ['state', 'done'],
           'who comes late gets both at once')
    late = Stream(place, Accept=KIND, Last_Event_ID='1')
    tap.ok(late.over() and late.names() == ['state', 'done'],
           '... and so who missed the end')
    late = nginx.get(place + '/events?since=%d' % ids[-1])
    tap.is_(late.status, 204, '... "since" for those without headers')


def resume():
    place = upload('/hang/').headers['Location']
    stream = Stream(place, Accept=KIND)
    wait_for(lambda: nginx.get(place).json['stages'][1]['status']
             == 'running')
    revision = nginx.get(place).json['revision']
    wait_for(lambda: stream.events[-1].id >= revision)
    last = stream.events[-1].id
    stream.close()

    same = Stream(place, Accept=KIND, Last_Event_ID=str(last))
    tap.ok(wait_for(lambda: same.blocks), 'who resumes hears at once')
    before = Stream(place, Accept=KIND, Last_Event_ID=str(last - 1))
    tap.is_(before.wait('state')[0].data['revision'] >= last, True,
            'from an older one: the whole document')
    odd = Stream(place, Accept=KIND, Last_Event_ID='x1')
    tap.ok(odd.wait('state'), 'from one that never was, too')
    nginx.delete(place)
    tap.ok(same.over() and before.over() and odd.over(), 'all end')
    tap.is_(same.names()[-1:] + [n for n in same.names() if n == 'state'],
            ['done'], 'from the newest: nothing twice')
    tap.is_(same.events[-1].data['status'], 'canceled', '... up to its end')


def failing():
    place = upload('/fails/', prefer='wait=20').json['id']
    stream = Stream('/fails/' + place, Accept=KIND)
    stream.over()
    done = stream.events[-1]
    tap.is_((done.name, done.data['status'], done.data['error']['stage']),
            ('done', 'failed', 'b'), 'a failure is an end')
    nginx.post('/fails/%s/retry' % place, b'')
    stream = Stream('/fails/' + place, Accept=KIND,
                    Last_Event_ID=str(done.id))
    tap.ok(stream.over() and stream.events[-1].id > done.id,
           '... which a retry takes back')


def refused():
    tap.is_(nginx.get('/slow/' + '0' * 26, accept=KIND).status, 404,
            'no such job')
    place = upload('/slow/', x_owner='ann').headers['Location']
    tap.is_(nginx.get(place, accept=KIND).status, 404, "another's job")
    tap.is_(nginx.get(place + '/events', x_owner='bob').status, 404,
            '... of somebody else')
    stream = Stream(place + '/events', X_Owner='ann')
    tap.ok(stream.over() and stream.names()[-1] == 'done', '... her own')
    head = nginx.request('HEAD', place, None,
                         {'Accept': KIND, 'X-Owner': 'ann'})
    tap.is_((head.status, head.headers['Content-Type'], head.body),
            (200, KIND, b''), 'HEAD')
    tap.is_(nginx.post(place + '/events', b'', x_owner='ann').status, 405,
            'POST')
    tap.is_(nginx.get('/slow/', accept=KIND).status, 404,
            'jobs of nobody have no stream in common')


def an_owner():
    old = upload('/slow/', x_owner='eve', prefer='wait=20').json
    stream = Stream('/slow/', Accept=KIND, X_Owner='eve')
    foreign = upload('/slow/', x_owner='mal').json['id']
    first = stream.wait('done')
    tap.is_([e.data['id'] for e in first], [old['id']],
            'an owner sees what there is')
    ids = [upload('/slow/', x_owner='eve').json['id'] for n in range(3)]
    stream.wait('done', 4)
    found = {}

    for event in stream.events:
        found.setdefault(event.data['id'], []).append(event.name)

    tap.is_(sorted(found), sorted(ids + [old['id']]), '... and what comes')
    tap.ok(foreign not in found, '... of no one else')

    for names in map(found.get, ids):
        tap.ok(names[0] == 'state' and names[-1] == 'done'
               and names.count('done') == 1,
               '... each: ' + ' '.join(names))

    last = [e.id for e in stream.blocks if e.id][-1]
    stream.close()
    more = upload('/slow/', x_owner='eve').json['id']
    missed = Stream('/slow/', Accept=KIND, X_Owner='eve',
                    Last_Event_ID=str(last + 60000))
    missed.wait('done')
    tap.is_({e.data['id'] for e in missed.events}, {more},
            'who resumes is told only of what is new')
    missed.close()


def unread(uri, owner):
    """A stream whose client reads nothing."""

    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.connect(('127.0.0.1', nginx.values['SMALL']))
    one.sendall(b'GET %s HTTP/1.1\r\nHost: x\r\nX-Owner: %s\r\n'
                b'Accept: text/event-stream\r\n\r\n' % (uri, owner))
    one.settimeout(20 * SLOW)
    return one


def many():
    """More jobs than a stream holds, to a client that reads late."""

    slow = unread(b'/held/', b'big')
    end = nginx.accepted([slow])
    memory = sum(nginx.memory(pid) for pid in nginx.workers())
    jobs = [upload('/held/', x_owner='big').json['id'] for n in range(300)]
    gone = jobs[:60]                        # the last to end

    for job in reversed(jobs):
        nginx.delete('/held/' + job, x_owner='big')

    grown = sum(nginx.memory(pid) for pid in nginx.workers()) - memory

    if SLOW > 1:
        tap.skip('a client that does not read', 'a sanitizer keeps what is '
                 'freed')
    else:
        tap.ok(grown < 8 << 20, 'for a client that does not read nothing is '
               'kept: %d KB' % (grown >> 10))

    got = b''
    ends = [b'event: done\ndata: {"id":"%s"' % job.encode() for job in gone]

    while any(end not in got for end in ends):
        got += slow.recv(65536)

    tap.ok(True, '... later it is told of all ends: %d KB' % (len(got) >> 10))
    states = got.count(b'event: state')
    tap.ok(states < 250, '... but not of all that was between: %d' % states)
    slow.close()
    tap.ok(wait_for(lambda: not end & nginx.sockets(), 20), '... and freed')

    clients = [unread(b'/stuck/', b'big') for n in range(8)]
    ends = nginx.accepted(clients)
    tap.ok(wait_for(lambda: len(nginx.logged('client timed out')) >= 8, 20),
           'who never reads is dropped after send_timeout, which is logged')
    tap.ok(wait_for(lambda: not ends & nginx.sockets(), 20), '... and freed')
    del clients


def aborts():
    place = upload('/hang/').headers['Location']
    held = [Stream(place, Accept=KIND) for n in range(40)]
    ends = nginx.accepted([one.socket for one in held])
    tap.is_(len(ends), 40, '40 streams')

    for n, one in enumerate(held):
        if n % 2:
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  b'\1\0\0\0\0\0\0\0')
        one.close()
        one.socket.close()
        one.file.close()

    tap.ok(wait_for(lambda: not ends & nginx.sockets(), 20),
           '... are freed when their clients go')
    nginx.delete(place)


def http2():
    for uri in '/slow/', '/hang/':
        place = upload(uri).headers['Location']
        curl = subprocess.Popen(
            ['curl', '-sN', '--max-time', str(30 * SLOW),
             '--http2-prior-knowledge', '-H', 'Accept: ' + KIND,
             '-w', '%{http_version}',
             'http://127.0.0.1:%d%s' % (nginx.values['H2'], place)],
            stdout=subprocess.PIPE, text=True)

        if uri == '/hang/':
            wait_for(lambda: nginx.get(place).json['status'] == 'running')
            nginx.delete(place)

        text = curl.communicate()[0]
        *blocks, version = text.split('\n\n')
        names = [Event(b).name for b in blocks]
        tap.is_((names[1], names[-1], version), ('state', 'done', '2'),
                'by HTTP/2: %s' % ' '.join(filter(None, names)))


def other_workers():
    place = upload('/hang/').headers['Location']
    streams = [Stream(place, Accept=KIND) for n in range(24)]
    wait_for(lambda: nginx.get(place).json['stages'][1]['status']
             == 'running')
    nginx.delete(place)
    tap.ok(all(s.over() for s in streams), 'all workers hear of the end')
    tap.ok(len({s.headers['x-pid'] for s in streams}) > 1,
           '... they are several')
    tap.is_({s.events[-1].data['status'] for s in streams}, {'canceled'},
            '... and tell it')


def beats():
    places = [upload('/held/').headers['Location'] for n in range(4)]
    return (Stream(places[0], Accept=KIND), Stream(places[-1], Accept=KIND),
            places)


def reload(held):
    stream, queued, places = held
    tap.is_(queued.wait('state')[0].data['queue_position'], 3,
            'a place in the queue')
    nginx.delete(places[1])
    tap.ok(wait_for(lambda: any(e.beat for e in stream.blocks), 20),
           'a heartbeat')
    tap.ok(wait_for(lambda: queued.events[-1].data['queue_position'] == 2,
                    20), '... of one that waits tells its place, too')
    nginx.reload()
    tap.ok(stream.over(), 'on a reload the stream ends')
    retry = stream.blocks[-1].retry
    tap.ok(retry and 200 <= retry < 1200, '... back in %s ms' % retry)
    ids = [e.id for e in stream.blocks if e.id]
    again = Stream(places[0], Accept=KIND, Last_Event_ID=str(ids[-1]))

    for place in places:
        nginx.delete(place)

    tap.ok(again.over() and again.names()[-1] == 'done',
           '... and it goes on where it was')


model = Model()
nginx = Nginx(SERVER, workers=3, http=HTTP, MODEL=model.address,
              H2=free_port(), SMALL=free_port())
nginx.start()

held = beats()
a_job()
resume()
failing()
refused()
an_owner()
other_workers()
aborts()
http2()
reload(held)
many()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
