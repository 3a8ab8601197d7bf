#!/usr/bin/env python3

# What clients see of a job while it runs and after: long-polls of both forms,
# whichever worker they meet, results, what has expired.

import json
import re
import socket
import threading
import time

from imgp import (Client, Model, Nginx, SLOW, free_port, sample, tap, wait_for)
from pictures import size, unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline slow {
        stage a      { resize 30; }
        stage b      { post http://%%MODEL%%/delay/700/echo; }
        stage c      { resize 20; }
        outputs      a b c;
    }

    image_pipeline hang {
        param x off  on|off;
        stage a      { resize 30; }
        stage never  { from upload; when $param_x; resize 8; }
        stage hidden { from upload; resize 9; weight 1000; }   # all of it
        stage b      { from a hidden never; send multipart file;
                       post http://%%MODEL%%/hang; timeout 60s; }
        outputs      a never b;
    }

    image_pipeline gated {
        stage a      { resize 30; }
        stage b      { post http://%%MODEL%%/gate/b/echo; timeout 60s; }
        stage c      { resize 20; }
        outputs      a b c;
    }

    image_pipeline quick { stage a { resize 200; } }

    image_pipeline fails {
        stage a { resize 30; }
        stage b { post http://%%MODEL%%/delay/500/status/400; }
        outputs a b;
    }

    image_pipeline brief { keep 3s; stage a { resize 30; } }

    server {
        listen 127.0.0.1:%%H2%% http2;
        location /hang/ { image_pipeline_pass hang; }
    }
"""

SERVER = """
    add_header X-Pid $pid always;

    location = /metrics { image_pipeline_metrics; }
    location /slow/ { image_pipeline_pass slow; }
    location /gated/ { image_pipeline_pass gated; }
    location /hang/ { image_pipeline_pass hang; }
    location /alias/ { image_pipeline_pass hang; }
    location /short/ { image_pipeline_pass hang; image_pipeline_wait 1s; }
    location /quick/ { image_pipeline_pass quick; }
    location /fails/ { image_pipeline_pass fails; }
    location /brief/ { image_pipeline_pass brief; }
"""

counter = iter(range(1, 1 << 20))
FINAL = ('succeeded', 'failed', 'canceled')


def upload(uri, **headers):
    """Of a new picture; its answer."""

    return nginx.post(uri, unique_png(next(counter), 64, 64), 'image/png',
                      **headers)


def hanging(uri='/hang/'):
    """The place of a job that changes no more until it is canceled."""

    place = upload(uri).headers['Location']
    wait_for(lambda: [s['status'] for s in nginx.get(place).json['stages']]
             == ['succeeded', 'skipped', 'succeeded', 'running'])
    return place


def settled(place):
    """Its document, when nothing is left that would change it."""

    last = [None]

    def same():
        last.append(nginx.get(place).json['revision'])
        return last[-1] == last[-2]

    wait_for(same, step=0.1)
    return nginx.get(place).json


def polls_held(count):
    """Are there so many?  They are waited for."""

    text = 'image_pipeline_waiters{kind="poll"} %d\n' % count
    return wait_for(lambda: text in nginx.get('/metrics').body.decode())


def timed(function, *arguments, **named):
    began = time.monotonic()
    answer = function(*arguments, **named)
    return answer, time.monotonic() - began


def is_problem(answer, status, name, text):
    kind = answer.headers.get('Content-Type')
    document = answer.json if kind == 'application/problem+json' else {}
    tap.is_((answer.status, document.get('type'), document.get('status')),
            (status, 'urn:image-pipeline:' + name, status), text)
    tap.ok(document.get('title') and document.get('detail'),
           '... with a title and a detail')


def near(seconds, want, text):
    """Not before, and not much later: all else would take a minute."""

    tap.ok(want * 0.9 <= seconds <= want + 15 * SLOW,
           '%s: %.2f s of %.2f' % (text, seconds, want))


def soon(seconds):
    """Where a wait would take longer, whatever the machine has to do."""

    return seconds < 15 * SLOW


def conditions():
    place = hanging()
    document = settled(place)
    answer = nginx.get(place)
    tag = answer.headers['ETag']
    tap.is_(tag, '"%d"' % document['revision'], 'ETag is the revision')
    tap.is_((answer.headers['Content-Type'], answer.headers['Cache-Control']),
            ('application/json', 'no-cache'), 'a document is asked for again')

    for value in tag, 'W/' + tag, '"x", ' + tag, '*':
        answer = nginx.get(place, if_none_match=value)
        tap.is_((answer.status, answer.body, answer.headers['ETag']),
                (304, b'', tag), 'If-None-Match: ' + value)

    for value in '"0"', '"%d"' % (document['revision'] + 7), '"x"', 'x':
        tap.is_(nginx.get(place, if_none_match=value).status, 200,
                'If-None-Match: ' + value)

    since = place + '?since=%d'
    tap.is_(nginx.get(since % document['revision']).status, 204, 'since')
    tap.is_(nginx.get(since % 0).status, 200, '... an older one')
    tap.is_(nginx.get(since % 999).status, 200, '... one that never was')

    answer = nginx.request('HEAD', place)
    tap.is_((answer.status, answer.body, answer.headers['ETag']),
            (200, b'', tag), 'HEAD of a job')
    nginx.delete(place)


def time_is_up():
    place = hanging('/short/')
    revision = settled(place)['revision']
    tag = '"%d"' % revision

    answer, took = timed(nginx.get, place, prefer='wait=1', if_none_match=tag)
    tap.is_((answer.status, answer.headers['ETag'], answer.body,
             answer.headers['Preference-Applied']),
            (304, tag, b'', 'wait=1'), 'Prefer: wait, nothing happens')
    near(took, 1, '... 304 when the time is up')

    answer, took = timed(nginx.get, '%s?wait=1&since=%d' % (place, revision))
    tap.is_((answer.status, answer.body), (204, b''), 'wait and since')
    near(took, 1, '... 204 when the time is up')

    answer, took = timed(nginx.get, '%s?wait=3000&since=%d'
                         % (place, revision))
    tap.is_(answer.status, 204, 'longer than is allowed')
    near(took, 1, '... image_pipeline_wait is the longest')

    answer, took = timed(nginx.get, place, if_none_match=tag,
                         prefer='respond-async, wait=99; x=y')
    tap.is_(answer.headers['Preference-Applied'], 'wait=1',
            'Prefer that names more')
    near(took, 1, '... the same')

    place = place.replace('short', 'hang')
    answer, took = timed(nginx.get, '%s?wait=0&since=%d' % (place, revision))
    tap.is_((answer.status, soon(took)), (204, True), 'wait=0')
    answer, took = timed(nginx.get, place, prefer='wait=60')
    tap.is_((answer.status, soon(took)), (200, True),
            'who knows nothing does not wait')
    answer, took = timed(nginx.get, '/hang/%s?wait=60&since=1' % ('0' * 26))
    tap.is_((answer.status, soon(took)), (404, True),
            'nor is a job waited for that is not there')
    nginx.delete(place)


def changes():
    for form in 'Prefer', 'since':
        model.shut('b')
        place = upload('/gated/').headers['Location']
        documents = [nginx.get(place).json]
        began = time.monotonic()

        while documents[-1]['status'] not in FINAL \
                and time.monotonic() - began < 40 * SLOW:
            revision = documents[-1]['revision']

            if len(documents[-1]['outputs']) == 1:
                model.open('b')

            if form == 'since':
                answer = nginx.get('%s?wait=60&since=%d' % (place, revision))
            else:
                answer = nginx.get(place, prefer='wait=60',
                                   if_none_match='"%d"' % revision)

            tap.is_(answer.status, 200, 'a change, by ' + form) \
                if answer.status != 200 else None
            documents.append(answer.json)

        took = time.monotonic() - began
        tap.is_(documents[-1]['status'], 'succeeded', 'watched by ' + form)
        tap.ok(soon(took), '... told at once: %.2f s' % took)
        tap.ok(3 <= len(documents) <= 16, '... in %d documents'
               % len(documents))
        counts = [len(d['outputs']) for d in documents]
        tap.ok(counts == sorted(counts) and 1 in counts and counts[-1] == 3,
               '... the outputs come one by one: %r' % counts)


class Poll(threading.Thread):
    """A held request; when it was answered, with what, by whom."""

    def __init__(self, uri, **headers):
        super().__init__(daemon=True)
        self.uri, self.headers = uri, headers
        self.answer = None
        self.start()

    def run(self):
        self.answer = nginx.get(self.uri, **self.headers)
        self.at = time.monotonic()

    @property
    def pid(self):
        return self.answer.headers['X-Pid']


def told_at_once():
    """How late the last of 24 polls is told of an end, and these polls."""

    place = hanging()
    revision = settled(place)['revision']
    polls = [Poll('%s?wait=50&since=%d' % (place, revision))
             for n in range(24)]
    tap.ok(polls_held(24), '24 polls are held')
    canceled = nginx.delete(place)
    began = time.monotonic()

    for poll in polls:
        poll.join(20 * SLOW)

    tap.is_({p.answer.json['status'] for p in polls}, {'canceled'},
            'all hear of the end')
    tap.ok(len({p.pid for p in polls} | {canceled.headers['X-Pid']}) > 1,
           '... in several workers')
    return max(p.at for p in polls) - began


def other_workers():
    """Who is not woken looks once a second, whoever is by then: a machine
    that is busy is late at times, but not each time."""

    late = []

    while len(late) < 8 and (not late or late[-1] >= 0.25 * SLOW):
        late.append(told_at_once())

    tap.ok(min(late) < 0.25 * SLOW, '... at once: %s ms'
           % ', '.join('%.0f' % (s * 1000) for s in late))


def aborts():
    place = hanging()
    revision = settled(place)['revision']
    held = []

    for n in range(60):
        held.append(socket.create_connection(('127.0.0.1', nginx.port)))
        held[-1].sendall(b'GET %s%s HTTP/1.1\r\nHost: x\r\n%s\r\n' % (
            place.encode(), (b'?wait=50&since=%d' % revision, b'/b')[n % 2],
            (b'', b'Prefer: wait=50\r\n')[n % 2]))

    tap.ok(polls_held(60), '60 are held')
    ends = nginx.accepted(held)
    tap.is_(len(ends), 60, '... in sockets of their own')

    for n, one in enumerate(held):
        if n % 3 == 0:                      # not politely
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           b'\1\0\0\0\0\0\0\0')
        one.close()

    tap.ok(wait_for(lambda: not ends & nginx.sockets()),
           'and all freed when their clients go')
    tap.ok(polls_held(0), '... with what waited')
    tap.is_(nginx.delete(place).json['status'], 'canceled',
            '... and the end wakes nobody who is gone')
    tap.is_(nginx.get(place).json['status'], 'canceled', '... with no harm')

    client = Client(nginx.port)

    for n in range(3):
        place = hanging()
        revision = settled(place)['revision']
        threading.Timer(0.3, nginx.delete, [place]).start()
        answer = client.get('%s?wait=20&since=%d' % (place, revision))
        tap.is_((answer.status, answer.json['status']), (200, 'canceled'),
                'a held poll on a kept connection, time %d' % (n + 1))

    client.close()


class Http2:
    """One connection, many streams: as much of HTTP/2 as GET needs."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port),
                                               20 * SLOW)
        self.socket.sendall(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        self.frame(4, 0, 0)
        self.last = -1
        self.got = b''

    def frame(self, kind, flags, stream, data=b''):
        self.socket.sendall(len(data).to_bytes(3, 'big')
                            + bytes((kind, flags)) + stream.to_bytes(4, 'big')
                            + data)

    def get(self, uri):
        fields = ((b':method', b'GET'), (b':scheme', b'http'),
                  (b':path', uri.encode()), (b':authority', b'localhost'))
        self.last += 2
        self.frame(1, 5, self.last,
                   b''.join(b'\0' + bytes([len(name)]) + name
                            + bytes([len(value)]) + value
                            for name, value in fields))

    def bodies(self, streams):
        """What came in so many streams, when all have ended."""

        found, ended = {}, set()

        while len(ended) < streams:
            while len(self.got) < 9 or len(self.got) < self.length() + 9:
                piece = self.socket.recv(65536)

                if not piece:
                    return found

                self.got += piece

            kind, flags = self.got[3], self.got[4]
            stream = int.from_bytes(self.got[5:9], 'big')
            data = self.got[9:self.length() + 9]
            self.got = self.got[self.length() + 9:]

            if kind == 0:
                found[stream] = found.get(stream, b'') + data
            if kind == 3 or kind in (0, 1) and flags & 1:
                ended.add(stream)
            if kind == 4 and not flags & 1:
                self.frame(4, 1, 0)

        return found

    def length(self):
        return int.from_bytes(self.got[:3], 'big')


def http2():
    place = hanging()
    revision = settled(place)['revision']
    leaves, stays = Http2(nginx.values['H2']), Http2(nginx.values['H2'])

    for client in leaves, stays:
        for n in range(8):
            client.get('%s?wait=50&since=%d' % (place, revision))

    tap.ok(polls_held(16), 'polls on two connections of HTTP/2')
    gone, stay = [nginx.accepted([client.socket])
                  for client in (leaves, stays)]
    leaves.socket.close()
    tap.ok(polls_held(8), '... eight on one that closes')
    tap.ok(wait_for(lambda: nginx.sockets() & (gone | stay) == stay),
           '... which is freed')
    nginx.delete(place)
    bodies = stays.bodies(8)
    tap.is_([json.loads(b)['status'] for b in bodies.values()],
            ['canceled'] * 8, 'and eight that hear of the end')
    stays.socket.close()
    tap.ok(wait_for(lambda: not nginx.sockets() & stay), '... and are freed')


def reload():
    place = hanging()
    revision = settled(place)['revision']
    polls = [Poll('%s?wait=50&since=%d' % (place, revision)),
             Poll(place, prefer='wait=50', if_none_match='"%d"' % revision),
             Poll(place + '/b', prefer='wait=50')]
    tap.ok(polls_held(3), 'three are held')
    began = time.monotonic()
    nginx.reload()

    for poll in polls:
        poll.join(20 * SLOW)

    tap.is_([p.answer.status for p in polls], [204, 304, 202],
            'on a reload those held are answered')
    tap.ok(soon(max(p.at for p in polls) - began), '... at once')
    tap.is_(nginx.delete(place).json['status'], 'canceled',
            'a new worker cancels what an old one runs')
    tap.ok(wait_for(lambda: not nginx.exiting()), '... which then ends')


def waiting_post():
    answer, took = timed(upload, '/slow/', prefer='wait=50')
    tap.is_((answer.status, answer.json['status'],
             answer.headers['Preference-Applied']),
            (200, 'succeeded', 'wait=50'), 'POST that waits for the end')
    tap.ok(soon(took), '... no longer: %.2f s' % took)
    tap.is_(answer.headers['Content-Location'], '/slow/' + answer.json['id'],
            '... and tells where it is')

    answer, took = timed(upload, '/hang/', prefer='wait=1')
    tap.is_((answer.status, answer.json['status'],
             answer.headers['Location']),
            (202, 'running', '/hang/' + answer.json['id']),
            'POST that waits in vain')
    near(took, 1, '... 202 when the time is up')
    nginx.delete(answer.headers['Location'])

    answer = upload('/slow/', prefer='wait=20', accept='image/*')
    tap.is_((answer.status, answer.headers['Content-Type'],
             size(answer.body)), (200, 'image/png', ('image/png', 20, 20)),
            'POST that wants the picture')
    tap.is_(answer.headers['X-Content-Type-Options'], 'nosniff',
            '... safely')
    tap.is_(nginx.get(answer.headers['Location']).json['status'], 'succeeded',
            '... and may look at its job')

    answer = upload('/hang/', prefer='wait=1', accept='image/*')
    tap.is_((answer.status, answer.headers['Content-Type']),
            (202, 'application/json'), '... and has to wait')
    nginx.delete(answer.headers['Location'])

    answer = upload('/fails/', prefer='wait=20', accept='image/png')
    tap.is_((answer.status, answer.json['status']), (200, 'failed'),
            '... and there is none')

    answer = upload('/slow/', accept='image/*')
    tap.is_((answer.status, answer.headers['Content-Type']),
            (202, 'application/json'), 'no wait, no picture')
    nginx.finish(answer.headers['Location'])


def results():
    answer = nginx.post('/quick/', sample(), prefer='wait=20')
    item = answer.json['outputs']['a'][0]
    whole = nginx.get(item['url'])
    headers = whole.headers
    tap.is_((whole.status, headers['Content-Type'], len(whole.body)),
            (200, item['type'], item['bytes']), 'a result')
    tap.is_((headers['ETag'], headers['Accept-Ranges']),
            ('"%s"' % item['digest'].partition(':')[2], 'bytes'),
            '... its tag is its digest')
    control = headers['Cache-Control']
    tap.ok('private' in control and 'immutable' in control,
           '... its own client may keep it')
    tap.is_((headers['X-Content-Type-Options'],
             headers['Content-Security-Policy']),
            ('nosniff', "default-src 'none'; sandbox"), '... never as a page')

    short = nginx.get(item['url'].rpartition('/')[0])
    tap.is_(short.body, whole.body, '... the first one needs no number')
    head = nginx.request('HEAD', item['url'])
    tap.is_((head.status, head.headers['Content-Length'], head.body),
            (200, str(item['bytes']), b''), 'HEAD of it')
    again = nginx.get(item['url'], if_none_match=headers['ETag'])
    tap.is_((again.status, again.body), (304, b''), '... If-None-Match')
    again = nginx.get(item['url'], if_modified_since=headers['Last-Modified'])
    tap.is_(again.status, 304, '... If-Modified-Since')

    part = nginx.get(item['url'], range='bytes=10-99')
    tap.is_((part.status, part.headers['Content-Range'], part.body),
            (206, 'bytes 10-99/%d' % item['bytes'], whole.body[10:100]),
            '... Range')
    part = nginx.get(item['url'], range='bytes=-7')
    tap.is_((part.status, part.body), (206, whole.body[-7:]), '... its end')
    part = nginx.get(item['url'], range='bytes=5-9', if_range='"other"')
    tap.is_((part.status, len(part.body)), (200, item['bytes']),
            '... If-Range of another')
    part = nginx.get(item['url'], range='bytes=5-9', if_range=headers['ETag'])
    tap.is_((part.status, part.body), (206, whole.body[5:10]), '... and of it')
    part = nginx.get(item['url'], range='bytes=99999999-')
    tap.is_((part.status, part.headers['Content-Range']),
            (416, 'bytes */%d' % item['bytes']), '... of what is not there')

    for uri, text in ((item['url'][:-1] + '1', 'another number'),
                      (item['url'] + '/0', 'a number too many'),
                      (item['url'][:-1] + '-1', 'a negative number'),
                      (item['url'][:-1] + '99999999999999999999', 'too large'),
                      ('/quick/%s/b' % answer.json['id'], 'no such stage'),
                      ('/quick/%s/' % answer.json['id'], 'no name'),
                      ('/slow/%s/a' % answer.json['id'], 'another pipeline')):
        is_problem(nginx.get(uri), 404, 'not-found', 'a result, ' + text)

    is_problem(nginx.get('/slow/' + answer.json['id']), 404, 'not-found',
               'a job in another pipeline')
    is_problem(nginx.delete('/slow/' + answer.json['id']), 404, 'not-found',
               '... cannot be canceled there')


def results_to_come():
    place = hanging()
    tap.is_(nginx.get(place + '/a').status, 200, 'what has been made')
    answer = nginx.get(place + '/b')
    tap.is_((answer.status, answer.json['status']), (202, 'running'),
            'what has not: 202 and the job')
    tap.ok(int(answer.headers.get('Retry-After', 0)) > 0,
           '... and when to ask again')
    is_problem(nginx.get(place + '/never'), 404, 'not-found',
               'what is skipped')
    is_problem(nginx.get(place + '/hidden'), 404, 'not-found',
               'what is no output')
    tap.is_(nginx.get('/alias' + place[5:]).status, 200,
            'another location of the same pipeline')

    answer, took = timed(nginx.get, place + '/b', prefer='wait=1')
    tap.is_(answer.status, 202, 'a result that is waited for in vain')
    near(took, 1, '... 202 when the time is up')

    poll = Poll(place + '/b?wait=50')
    polls_held(1)
    nginx.delete(place)
    poll.join(20 * SLOW)
    is_problem(poll.answer, 404, 'not-found', 'one that never comes')

    place = upload('/slow/').headers['Location']
    answer, took = timed(nginx.get, place + '/c', prefer='wait=60')
    tap.is_((answer.status, size(answer.body)), (200, ('image/png', 20, 20)),
            'one that does')
    tap.ok(soon(took), '... as soon as it is there')

    place = upload('/fails/').headers['Location']
    answer = nginx.get(place + '/b', prefer='wait=20')
    is_problem(answer, 404, 'not-found', 'one that fails')
    tap.is_(nginx.get(place + '/a').status, 200, '... not so what was made')


def expired():
    answer = upload('/brief/', prefer='wait=10')
    document = answer.json
    place = answer.headers['Content-Location']
    tap.is_(nginx.get(place).status, 200, 'a job with "keep 3s"')
    gone = wait_for(lambda: nginx.get(place).status != 200)
    tap.ok(gone, '... is kept no longer')
    is_problem(nginx.get(place), 410, 'expired', 'then it is gone')
    is_problem(nginx.get(place + '/a'), 410, 'expired', '... its result too')
    poll, took = timed(nginx.get, '%s?wait=60&since=%d'
                       % (place, document['revision']))
    tap.is_((poll.status, soon(took)), (410, True), '... no poll waits')
    tap.ok(re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z',
                        document['expires_at']), '... as expires_at told')


def methods():
    place = hanging()

    for method, uri, allow in (
            ('PUT', '/hang/', 'GET, HEAD, POST'),
            ('PATCH', '/hang/', 'GET, HEAD, POST'),
            ('POST', place, 'GET, HEAD, DELETE'),
            ('OPTIONS', place, 'GET, HEAD, DELETE'),
            ('GET', place + '/retry', 'POST'),
            ('DELETE', place + '/a', 'GET, HEAD'),
            ('POST', place + '/a/0', 'GET, HEAD')):
        answer = nginx.request(method, uri)
        is_problem(answer, 405, 'method-not-allowed', method + ' ' + uri[:7])
        tap.is_(answer.headers['Allow'], allow, '... Allow')

    with nginx.client() as client:
        answer = client.request('POST', place, b'x' * 300000)
        tap.is_(answer.status, 405, 'with a body')
        answer = client.request('DELETE', place, b'x' * 3000)
        tap.is_((answer.status, answer.json['status']), (200, 'canceled'),
                'DELETE with a body')
        tap.is_(client.request('GET', place).status, 200,
                '... which is passed over')


model = Model()
nginx = Nginx(SERVER, workers=3, http=HTTP, MODEL=model.address,
              H2=free_port())
nginx.start()

conditions()
time_is_up()
changes()
other_workers()
aborts()
http2()
reload()
waiting_post()
results()
results_to_come()
expired()
methods()

tap.ok(wait_for(lambda: model.peak()['now'] == 0), 'no call is left')
tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
