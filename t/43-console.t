#!/usr/bin/env python3

# The console: who is let in, its JSON documents over several workers, and what
# another site may not do by an operator's browser.

from imgp import Model, Nginx, tap, unique_jpegs, wait_for
from pictures import unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline p {
        param side 40 20|40;
        stage small { resize 60; message "making it <small>"; }
        stage gate  { post http://%%MODEL%%/gate/p/echo; cost 0.5;
                      rate 600r/m; concurrency 4; }
        stage last  { resize 40; }
    }

    image_pipeline q {
        stage once { provider one { post http://%%MODEL%%/status/503?times=1
                                    max_fails=5; } }
    }
"""

SERVER = """
    image_pipeline_owner $http_x_owner;
    location /p/ { image_pipeline_pass p; }
    location /q/ { image_pipeline_pass q; }
    location /console/ { image_pipeline_console; allow 127.0.0.1; deny all; }
    location = /health { image_pipeline_health; }
    location = /metrics { image_pipeline_metrics; }
    location /closed/ { image_pipeline_console; deny all; }
"""

JSON = 'application/json'
images = unique_jpegs(1000)      # one picture in other bytes
numbers = iter(range(1, 1000))


# nginx -t

GUARDED = (
    'allow 127.0.0.1; deny all;',
    'deny all;',
    'allow 10.0.0.0/8; allow ::1; deny 0.0.0.0/0; deny ::/0;',
    'auth_basic "operators"; auth_basic_user_file /dev/null;',
    'auth_request /who;',
    'internal;',
    'satisfy any; allow 127.0.0.1; deny all; auth_basic on;',
    'satisfy any; allow 127.0.0.1; auth_basic on;',
    'allow all; auth_basic "operators";',
)

OPEN = (
    '',
    'allow 127.0.0.1;',
    'allow all; deny all;',
    'deny 10.0.0.1;',
    'deny 0.0.0.0/0;',
    'auth_basic off;',
    'auth_request off;',
    'satisfy any; allow all; auth_basic "operators";',
)

MEND = ('"image_pipeline_console" shows and changes the jobs of all, and this '
        'location lets everybody in: add "allow 127.0.0.1; deny all;", '
        '"auth_basic", "auth_request" or "ssl_verify_client on" to it')


def checked(place, rules, outside=''):
    conf.write_config('%s location %s { image_pipeline_console; %s }'
                      % (outside, place, rules), http=HTTP)
    return conf.test_config()


def access():
    for rules in GUARDED:
        rc, text = checked('/c/', rules)
        tap.ok(rc == 0, 'let in: ' + rules)

    for rules in OPEN:
        rc, text = checked('/c/', rules)
        tap.ok(rc and MEND in text, 'not let in: "%s"' % rules)

    tap.ok(checked('/c/', '', 'deny all;')[0] == 0, 'by the server')
    tap.ok(checked('/c/', 'allow all;', 'deny all;')[0],
           '... which the location overrides')

    for place in ('= /c/', '/c', '~ ^/c/'):
        rc, text = checked(place, 'deny all;')
        tap.ok(rc and 'it must be in a prefix location that ends in "/"'
               in text, 'not in location ' + place)


# what there is to see

def get(path, **headers):
    return nginx.get('/console/' + path, **headers)


def post(path, kind=JSON, **headers):
    return nginx.post('/console/' + path, b'{}', kind, **headers)


def state():
    return get('api/state').json


def stage(pipeline, name):
    for one in state()['pipelines']:
        for it in one['stages']:
            if (one['name'], it['name']) == (pipeline, name):
                return it


def page():
    answer = get('')
    policy = answer.headers['Content-Security-Policy']
    tap.is_((answer.status, answer.headers['Content-Type']),
            (200, 'text/html; charset=utf-8'), 'the page')
    tap.ok("default-src 'none'" in policy and "frame-ancestors 'none'"
           in policy and 'unsafe' not in policy, '... runs its own alone')
    etag = answer.headers['ETag']
    tap.is_(get('', if_none_match=etag).status, 304, '... is known to be old')
    html = answer.body.decode()
    tap.ok('http:' not in html and 'https:' not in html,
           '... nothing of it is elsewhere')

    for name, kind in (('app.js', 'text/javascript'), ('app.css', 'text/css'),
                       ('dom.js', 'text/javascript')):
        answer = get(name)
        tap.is_((answer.status, answer.headers['Content-Type'],
                 answer.headers['X-Content-Type-Options']),
                (200, kind + '; charset=utf-8', 'nosniff'), name)

    tap.is_([get(name).status for name in ('x.js', 'api/', 'api/nothing',
                                           'api/state/x', '../p/')],
            [404, 404, 404, 404, 200], 'there is nothing else')
    tap.is_(nginx.get('/closed/').status, 403, 'access control comes first')
    tap.is_([nginx.post('/console/', b'').status,
             nginx.delete('/console/api/jobs').status,
             nginx.get('/console').status], [405, 405, 301], 'methods')


def seen():
    place = nginx.post('/p/?side=40', next(images), x_owner='ann') \
        .headers['Location']
    wait_for(lambda: state()['services'][0]['inflight'] == 1)
    doc = state()
    one = doc['pipelines'][0]
    tap.is_((one['name'], one['running'], one['queued'], one['oldest_ms']),
            ('p', 1, 0, 0), 'a pipeline that runs a job')
    tap.is_([(it['name'], it['running'], it['succeeded'], it['from'])
             for it in one['stages']],
            [('small', 0, 1, ['upload']), ('gate', 1, 0, ['small']),
             ('last', 0, 0, ['gate'])], '... its stages')
    service = doc['services'][0]
    tap.is_((service['pipeline'], service['stage'], service['inflight'],
             service['rate_m'], service['open']), ('p', 'gate', 1, 600, False),
            '... its service')

    job = get('api/jobs/' + place.split('/')[-1])
    tap.is_((job.status, job.json['status'], job.json['params'],
             job.headers['Cache-Control']),
            (200, 'running', {'side': '40'}, 'no-store'), 'a job of another')
    item = job.json['items']['small'][0]
    answer = nginx.get(item['url'])
    tap.is_((answer.status, answer.headers['Content-Type'], len(answer.body)),
            (200, 'image/jpeg', item['bytes']), '... its inner picture')
    answer = nginx.get(job.json['input']['url'])
    tap.is_((answer.status, len(answer.body)),
            (200, job.json['input']['bytes']), '... its upload')
    tap.ok('sandbox' in answer.headers['Content-Security-Policy'],
           '... which is no page')
    place = 'api/jobs/' + place.split('/')[-1]
    tap.is_([get(place + more).status for more in
             ('/x', '/last/0', '/small/1', '/small/x', '/small', '/input/0')],
            [404] * 6, '... and nothing else')
    tap.is_([get('api/jobs/' + i).status for i in ('x', '0' * 26, '0' * 27)],
            [404] * 3, 'no such job')
    model.open('p')
    wait_for(lambda: get(place).json['status'] == 'succeeded')
    nginx.post('/p/?side=40', next(images), x_owner='bob', prefer='wait=20')
    tap.is_((stage('p', 'small')['succeeded'], stage('p', 'gate')['cached'],
             stage('p', 'gate')['succeeded']), (2, 1, 1),
            'what is known is counted as such')
    tap.is_(state()['services'][0]['cost'], 0.5, 'what was paid')


def lists():
    def ids(**wanted):
        query = '&'.join('%s=%s' % it for it in wanted.items())
        doc = get('api/jobs?' + query).json
        return [it['id'] for it in doc['jobs']], doc['before']

    places = [nginx.post('/q/', next(images), x_owner='ann',
                         prefer='wait=20').json['id'] for n in range(5)]
    tap.is_(ids(pipeline='q'), (places[::-1], None), 'the newest first')
    first, before = ids(pipeline='q', limit=2)
    second, later = ids(pipeline='q', limit=2, before=before)
    third, last = ids(pipeline='q', limit=2, before=later)
    tap.is_((first + second + third, last), (places[::-1], None), 'in pages')
    failed = ids(status='failed')[0]
    tap.is_(failed, places[:1], 'those that failed')
    tap.is_(len(ids(owner='bob')[0]), 1, 'those of an owner')
    row = get('api/jobs?owner=bob').json['jobs'][0]
    tap.is_(len(ids(owner=row['owner'])[0]), 1, '... as it is shown')
    tap.is_(ids(owner='nobody'), ([], None), '... who has none')
    tap.is_(ids(status='queued,running'), ([], None), 'nothing runs')
    tap.is_([get('api/jobs?' + it).status for it in (
        'status=x', 'pipeline=x', 'limit=0', 'limit=101', 'before=x')],
            [422, 404, 422, 422, 422], 'wishes that make no sense')
    return failed[0]


def forged(failed):
    place = 'api/jobs/%s/retry' % failed
    here = 'http://127.0.0.1:%d' % nginx.port

    for name, answer in (
            ('a form', post(place, 'application/x-www-form-urlencoded')),
            ('a text', post(place, 'text/plain;application/json')),
            ('no type', nginx.request('POST', '/console/' + place)),
            ('another site', post(place, sec_fetch_site='cross-site')),
            ('a neighbour', post(place, sec_fetch_site='same-site')),
            ('another origin', post(place, origin='http://evil.example')),
            ('no origin', post(place, origin='null'))):
        tap.is_(answer.status, 403, 'refused: ' + name)

    tap.is_(get('api/jobs/' + failed).json['status'], 'failed',
            '... nothing happened')
    tap.is_(post(place, JSON + '; charset=utf-8', sec_fetch_site='same-origin',
                 origin=here).status, 202, 'the page itself may')
    tap.ok(wait_for(lambda: get('api/jobs/' + failed).json['status']
                    == 'succeeded'), '... the job runs again')
    tap.is_(post(place).status, 409, '... once')
    tap.is_([post('api/jobs/%s/%s' % (failed, it)).status
             for it in ('x', '', 'cancel')], [404, 404, 200],
            'nothing else, or what has no effect')
    tap.is_(post('api/jobs/%s/retry' % ('0' * 26)).status, 404, 'no such job')


# what operators stop

def halted():
    doc = state()
    return ([one['name'] for one in doc['pipelines'] if one['draining']]
            + [it['name'] for one in doc['pipelines'] for it in one['stages']
               if it['paused']])


def submit():
    return nginx.post('/p/', unique_png(next(numbers), 64, 64), 'image/png')


def status(place):
    return nginx.get(place).json['status']


def stages(place):
    return [it['status'] for it in nginx.get(place).json['stages']]


def local():
    tap.is_(post('api/pipelines/p/small/pause').status, 200, 'a pause')
    tap.is_(halted(), ['small'], '... which all workers see')
    place = submit().headers['Location']
    wait_for(lambda: status(place) == 'running')
    nginx.reload()
    tap.ok(wait_for(lambda: not nginx.exiting()),
           '... keeps no old worker from its end')
    tap.is_((halted(), stages(place)), (['small'], ['pending'] * 3),
            '... and outlives a reload, as does who waits')
    nginx.stop()
    nginx.start()
    tap.ok(wait_for(lambda: status(place) == 'running', 30),
           '... a restart, too')
    tap.is_((halted(), stages(place)[0]), (['small'], 'pending'),
            '... nothing begins')
    tap.is_(nginx.get('/health').json['halted'], 1, '... the health tells')
    tap.ok(b'image_pipeline_halted{pipeline="p",stage="small"} 1'
           in nginx.get('/metrics').body, '... the metrics tell')
    tap.is_(post('api/pipelines/p/small/resume').status, 200, 'on it goes')
    tap.ok(wait_for(lambda: status(place) == 'succeeded', 30),
           '... and so does the job')
    tap.is_(halted(), [], '... nothing is paused')


def calls():
    model.shut('p')
    places = [submit().headers['Location'] for n in range(6)]
    wait_for(lambda: stage('p', 'gate')['running'] == 4
             and stage('p', 'gate')['waiting'] == 2)
    post('api/pipelines/p/gate/pause')
    places.append(submit().headers['Location'])
    wait_for(lambda: stages(places[-1])[0] == 'succeeded')
    model.open('p')
    wait_for(lambda: [status(it) for it in places].count('succeeded') == 4)
    tap.is_((stage('p', 'gate')['waiting'], stages(places[-1])[1]),
            (2, 'pending'), 'who waits for a service waits on')
    post('api/pipelines/p/gate/resume')
    tap.ok(wait_for(lambda: all(status(it) == 'succeeded' for it in places),
                    30), '... until its stage goes on')


def drain():
    model.shut('p')
    place = submit().headers['Location']
    wait_for(lambda: stage('p', 'gate')['running'] == 1)
    post('api/pipelines/p/drain')
    answer = submit()
    tap.is_((answer.status, answer.json['type'],
             'Retry-After' in answer.headers),
            (503, 'urn:image-pipeline:draining', True), 'a drain')
    tap.is_(nginx.post('/q/', next(images)).status, 202, '... of one pipeline')
    model.open('p')
    tap.ok(wait_for(lambda: status(place) == 'succeeded'),
           '... ends what it has')
    tap.is_(halted(), ['p'], '... and says so')
    post('api/pipelines/p/resume')
    tap.is_(submit().status, 202, '... until it does not')
    tap.is_([post('api/pipelines/' + it).status for it in (
        '', 'p', 'x/drain', 'p/x/pause', 'p/pause', 'p/small/drain',
        'p/small/pause/x')], [404] * 7, 'nothing else can be stopped')
    tap.is_(post('api/pipelines/p/drain', origin='http://evil.example')
            .status, 403, '... nor by another site')
    tap.is_(halted(), [], '... nothing was')


model = Model()
nginx = Nginx(SERVER, workers=3, http=HTTP, MODEL=model.address)
conf = Nginx('', http=HTTP, MODEL=model.address)
conf.allow_log('image_pipeline_console')

access()
nginx.start()
page()
seen()
forged(lists())
local()
calls()
drain()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
