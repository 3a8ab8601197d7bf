#!/usr/bin/env python3

# Reloads with another configuration, while jobs run: a stage does something
# else, a pipeline is removed and comes back, the zone has another size, the
# path is another one.

import time

from imgp import tap, wait_for
from trial import Load, Trial, ended, parallel, picture, pictures

CONCURRENCY = 8
LINE = """
    image_pipeline line {
        concurrency 1;
        stage only { post %%MODEL%%/delay/1000/echo/line; }
    }
"""
LOCATION = 'location /line/ { image_pipeline_pass line; }'

trial = Trial(ms=150, workers=2, concurrency=CONCURRENCY, more=LINE,
              locations=LOCATION)
nginx = trial.nginx
trial.warm()
before = trial.held()


def widths(document):
    return {item['width'] for items in document['outputs'].values()
            for item in items}


# a stage does something else

load = Load(nginx, '/p/', pictures(90), rate=45)
wait_for(lambda: len(load.accepted) > 40)
trial.rewrite(lambda http, server: (http.replace('resize 16', 'resize 12'),
                                    server))
nginx.reload()
load.join()
docs = trial.check(load)
tap.ok(all(len(widths(document)) == 1 for document in docs),
       'no job has outputs of both configurations')
tap.is_(set().union(*map(widths, docs)), {12, 16}, 'both have been at work')

# a pipeline is removed: what waits in it fails, and can be tried again later

trial.rewrite()
nginx.reload()
jobs = [nginx.post('/line/', picture(n, 20), 'image/png').headers['Location']
        for n in range(6)]
wait_for(lambda: trial.counts()['line'] == 1)
trial.rewrite(lambda http, server: (http.replace(trial.more, ''),
                                    server.replace(trial.locations, '')))
nginx.reload()
wait_for(lambda: not nginx.exiting() and not trial.store('jobs'))
tap.is_(trial.store('jobs'), [], 'all jobs of the removed pipeline have ended')
tap.is_(nginx.get(jobs[0]).status, 404, 'and are not seen')
trial.rewrite()
nginx.reload()
docs = [nginx.get(job).json for job in jobs]
tap.is_(docs[0]['status'], 'succeeded', 'the one that ran was brought to its '
        'end by the old workers')
tap.is_([(doc['status'], doc['error']['type']) for doc in docs[1:]],
        [('failed', 'urn:image-pipeline:pipeline-gone')] * 5,
        'the others tell why they failed')
tap.is_([nginx.request('POST', job + '/retry').status for job in jobs[1:]],
        [202] * 5, 'each can be tried again')
trial.check_jobs(jobs)

# ever new names: a place in the zone is had by 32 pipelines at a time, and is
# given back when nothing is left of the one before

NAMES = 40
waiting = nginx.post('/line/', picture(77, 20), 'image/png',
                     idempotency_key='"w"').headers['Location']

for n in range(NAMES):
    trial.rewrite(lambda http, server: (
        http.replace(' line ', ' line_%d ' % n),
        server.replace('pass line', 'pass line_%d' % n)))
    nginx.reload()

    if n % 8 == 0:
        trial.check_jobs([nginx.post('/line/', picture(100 + n, 20), 'image/png')
                          .headers['Location']])

tap.is_(nginx.logged('too many image pipelines'), [], '%d reloads, each with a '
        'pipeline of a new name' % NAMES)
trial.rewrite()
nginx.reload()
trial.check_jobs([waiting])

# another size of the zone: a new, empty one, and the old with what runs in it;
# that is not taken up by the new one

for size in ('4m', '12m'):
    trial.model.forget()
    load = Load(nginx, '/p/', pictures(90, first=int(size[:-1]) * 1000), rate=45)
    wait_for(lambda: len(load.accepted) > 60)
    trial.rewrite(ZONE=size)
    nginx.reload()
    load.join()
    docs = {doc['id']: doc for doc in trial.check(load)}
    trial.check_calls(90, 0)
    wait_for(lambda: not nginx.exiting())
    time.sleep(1.5)
    again = parallel(lambda job: ended(nginx, job)[0], load.accepted)
    tap.is_([doc for doc in again if doc != docs[doc['id']]], [],
            'zone of %s: no job has ended twice' % size)

# who waits for a job of the old zone asks once a second, not all the time, and
# hears of its end

trial.rewrite(lambda http, server: (http.replace('/delay/1000/', '/delay/6000/'),
                                    server))
nginx.reload()
location = nginx.post('/line/', picture(88, 20),
                      'image/png').headers['Location']
wait_for(lambda: nginx.get(location).json['stages'][0]['status'] == 'running')
trial.rewrite(lambda http, server: (http.replace('/delay/1000/', '/delay/6000/'),
                                    server), ZONE='8m')
trial.model.forget()
nginx.reload()
polls, revision, begun = 0, 0, time.monotonic()

while True:
    answer = nginx.get('%s?wait=20&since=%d' % (location, revision))
    polls += 1

    if answer.status == 200:
        revision = answer.json['revision']

        if answer.json['finished_at']:
            break

tap.is_(answer.json['status'], 'succeeded', 'it ended')
tap.ok(polls < time.monotonic() - begun + 4, 'after %d looks' % polls)
tap.is_(trial.counts()['line'], 0, 'in the old zone')

# the path must not change under a zone

nginx.allow_log(r'previously it was of')
workers = nginx.workers()
trial.rewrite(lambda http, server: (http.replace('%%STORE%%',
                                                 '%%STORE%%/other'), server))
nginx.process.send_signal(1)
line = wait_for(lambda: nginx.logged('previously it was of'))
tap.ok(line and '[emerg]' in line[0]
       and 'give the new path a zone of another name' in line[0],
       'another path for the same zone is refused, with the mend')
tap.is_(nginx.workers(), workers, 'the workers are the same')
trial.check(Load(nginx, '/p/', pictures(20, first=5000)).join(),
            'previously it was of')

trial.rewrite()
nginx.reload()
wait_for(lambda: not nginx.exiting())
trial.check_left(before)
tap.done()
