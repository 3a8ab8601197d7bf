#!/usr/bin/env python3

# Care for services: rates and breakers over all workers, and providers that
# take each other's place.

import socket
import threading
import time

from imgp import Model, Nginx, SLOW, free_port, parallel, tap, wait_for
from pictures import unique_png

M = 'post http://%%MODEL%%'

STAGES = {
    'rate': M + '/echo?rate; rate 8r/s;',
    'breaker': 'post http://127.0.0.1:%%AWAY%%/echo max_fails=3 '
               'fail_timeout=300ms; retry 20 10ms; concurrency 2;'
               'timeout 5s;',

    'spoilt': 'provider one { ' + M + '/status/500?one; }'
              'provider two { ' + M + '/echo?two; send multipart f; '
              'header X-Who two; }'
              'send raw; retry 1 10ms;',
    'refused': 'provider one { ' + M + '/status/402; header X-Key one; }'
               'provider two { ' + M + '/status/401; }'
               'provider three { ' + M + '/echo?three; }'
               'retry 5 10ms;',
    'open': 'provider one { post http://127.0.0.1:%%DEAD%%/ max_fails=1 '
            'fail_timeout=1h; } provider two { ' + M + '/echo?open; }',
    'warm': M + '/echo?warm; warm 400ms /json/ready;'
            'header Authorization "k $param_k";',

    'all': 'provider one { ' + M + '/status/500?a; }'
           'provider two { ' + M + '/status/503?b; } retry 1 10ms;',
}

PIPELINE = 'image_pipeline %s { param k 7 ~.*; stage call { %s } }\n'
counter = iter(range(1, 1 << 20))


def run(name):
    answer = nginx.post('/%s/' % name, unique_png(next(counter), 16, 16))
    return nginx.finish(answer.headers['Location']) \
        if answer.status == 202 else answer.json


def ms(time):
    """Of "2026-01-13T14:03:39.120Z", within the hour."""

    _, minutes, seconds = time.rstrip('Z').split(':')
    return round((int(minutes) * 60 + float(seconds)) * 1000)


def ideal(arrivals, interval):
    """What calls an interval apart wait at least, all of them together."""

    free = waits = 0

    for arrival in sorted(arrivals):
        waits += max(0, free - arrival)
        free = max(free, arrival) + interval

    return waits


def rate():
    """How long a job waits hangs on when it came, which a loaded machine
    spreads: so the sum is looked at, and compared with what it must be.  None
    of it would be there, were it time of the service."""

    began = time.monotonic()
    documents = parallel(lambda n: run('rate'), range(17), 17)
    took = time.monotonic() - began
    calls = [d['stages'][0] for d in documents]
    waits = ideal([ms(d['started_at']) for d in documents], 125)
    waited = sum(c['queue_ms'] for c in calls)

    tap.is_({d['status'] for d in documents}, {'succeeded'},
            '17 jobs, 8 a second, 4 workers')
    tap.ok(1.95 <= took <= 30 * SLOW, '... in %.2f s' % took)
    tap.ok(waited >= waits * 0.5,
           '... and their wait is no time of the service: %d ms of %d'
           % (waited, waits))
    tap.ok(all(c['attempts'] == 1 for c in calls), '... nor an attempt')


class Away:
    """Takes connections and closes them, and counts them."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.count = 0
        self.over = False
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()

            if self.over:
                connection.close()
                return

            self.count += 1
            connection.close()

    def end(self):
        self.over = True
        socket.create_connection(('127.0.0.1', self.port)).close()
        self.thread.join()
        self.listener.close()


def breaker():
    began = time.monotonic()
    places = [nginx.post('/breaker/', unique_png(next(counter)))
              .headers['Location'] for n in range(12)]
    tap.ok(wait_for(lambda: nginx.logged('is out of order')),
           'a service that is away: it is left alone')
    time.sleep(3)                              # what is measured: an outage
    count = away.count
    looks = (time.monotonic() - began) / 0.3
    tap.ok(count <= 4 + looks + 1,
           '... but for a look now and then: %d connections' % count)
    tap.ok(wait_for(lambda: all(nginx.get(place).json['status'] == 'running'
                                for place in places)), '... all jobs wait')

    away.end()
    back = Model(away.port)
    began = time.monotonic()
    documents = [nginx.finish(place) for place in places]
    took = time.monotonic() - began
    tap.is_({d['status'] for d in documents}, {'succeeded'},
            'it is back: all jobs end')
    tap.ok(took < 30 * SLOW, '... within %.2f s' % took)
    tap.ok(nginx.logged('works again'), '... and the log tells')
    back.end()


def providers():
    document = run('spoilt')
    tap.is_((document['status'], document['stages'][0]['attempts'],
             model.last()['target'], model.calls('/status/500'),
             model.last()['headers'].get('x-who'),
             list(model.last()['fields'])),
            ('succeeded', 3, '/echo?two', 2, 'two', ['f']),
            'retries used up: the next provider, in its own form')

    document = run('refused')
    tap.is_((document['status'], document['stages'][0]['attempts'],
             model.last()['target'], model.last()['headers'].get('x-key')),
            ('succeeded', 3, '/echo?three', None),
            'who refuses is not asked again')

    first = run('open')
    tap.is_((first['status'], first['stages'][0]['attempts']),
            ('succeeded', 2), 'a provider that is away')
    documents = parallel(lambda n: run('open'), range(8), 8)
    tap.is_({(d['status'], d['stages'][0]['attempts']) for d in documents},
            {('succeeded', 1)}, '... is passed by, in every worker')

    document = run('all')
    tap.is_((document['status'], document['error']['service_status'],
             document['stages'][0]['attempts']), ('failed', 503, 4),
            'all of them fail: so does the job')

    model.forget()
    image = unique_png(next(counter))
    first = nginx.finish(nginx.post('/spoilt/', image).headers['Location'])
    answer = nginx.post('/spoilt/', image)
    tap.is_((answer.status, model.calls('/status/500'),
             model.calls('/echo')), (200, 2, 1),
            'what a second provider gave is known, too')


def warm():
    """Idle for three seconds, then at work.  Were it asked by each of four
    workers, it would take two intervals only."""

    began = time.monotonic()
    model.forget()
    wait_for(lambda: model.calls('/json/ready') >= 8)
    took = time.monotonic() - began
    tap.ok(1.6 <= took <= 30 * SLOW,
           'an idle service is asked by one worker: 8 times in %.1f s' % took)
    last = model.last()
    tap.is_((last['method'], last['headers'].get('authorization')),
            ('GET', 'k 7'), '... with GET and the headers')

    # whether it was at work all the time is up to the machine

    for attempt in range(10):
        times = [time.monotonic()]
        run('warm')
        model.forget()

        while times[-1] - times[0] < 1.5:
            times.append(time.monotonic())
            run('warm')

        times.append(time.monotonic())
        asked = model.calls('/json/ready')

        # each calls somewhere between its beginning and that of the next

        if max(b - a for a, b in zip(times, times[2:])) < 0.36:
            break

        asked = 0

    tap.is_(asked, 0, 'one at work is left alone')


model = Model()
away = Away()
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name) for name in STAGES),
              workers=4, http='image_pipeline_path %%STORE%% zone=jobs:8m '
              'sync=off; image_pipeline_threads image;'
              + ''.join(PIPELINE % item for item in STAGES.items()),
              MODEL=model.address, AWAY=away.port, DEAD=free_port())
nginx.start()

rate()
breaker()
providers()
warm()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
