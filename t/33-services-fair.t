#!/usr/bin/env python3

# Whose turn it is: owners share queues and services, priorities, an owner's
# share of a queue, lanes; and who need not wait for a slow service.

from imgp import Model, Nginx, parallel, tap, wait_for
from pictures import unique_png

M = 'post http://%%MODEL%%'

PIPELINES = {
    'jobs': 'concurrency 1; stage call { ' + M + '/delay/50/echo?jobs; }',
    'calls': 'stage call { ' + M + '/delay/60/echo?calls; concurrency 2; }',
    'lanes': 'stage call { ' + M + '/delay/300/echo?lanes; concurrency 3;'
             'lane short max_pixels=100 concurrency=2;'
             'lane long concurrency=1; }',
    'slow': 'stage small { resize 4; } stage call { from upload; ' + M
            + '/hang; concurrency 2; } stage other { from upload; ' + M
            + '/echo?other; }',
    'full': 'concurrency 1; queue 5 owner=3; stage call { ' + M + '/hang; }',
}

counter = iter(range(1, 1 << 20))


def post(name, owner='', priority='', size=8):
    return nginx.post('/%s/' % name, unique_png(next(counter), size, size),
                      x_owner=owner, x_priority=priority)


def place(name, owner='', priority='', size=8):
    return owner, post(name, owner, priority, size).headers['Location']


def finish(job):
    owner, location = job

    while True:
        document = nginx.get(location + '?wait=20', x_owner=owner).json

        if document['status'] in ('succeeded', 'failed', 'canceled'):
            return document

        nginx.get('%s?wait=5&since=%d' % (location, document['revision']),
                  x_owner=owner)


def ms(time):
    """Of "2026-01-13T14:03:39.120Z", within the hour."""

    _, minutes, seconds = time.rstrip('Z').split(':')
    return round((int(minutes) * 60 + float(seconds)) * 1000)


def queued(document):
    return ms(document['created_at']) + document['timing']['receive_ms'] \
        + document['timing']['store_ms']


def started(document):
    return ms(document['started_at'])


def finished(document):
    return ms(document['finished_at'])


def between(documents, one, event=started):
    """How many came while it waited, and how many after it."""

    return (sum(queued(one) < event(d) < event(one) for d in documents),
            sum(event(d) > event(one) for d in documents))


def quiet(attempt):
    """Of some attempts the first in which nobody was kept from his turn by a
    machine that has other things to do: that may be a while, now and then.
    Who waits for all the others does so each time."""

    for n in range(6):
        found = attempt()

        if all(count <= most for count, most in found[-1]):
            break

        tap.note('once more: %s' % (found[-1],))

    return found


def jobs():
    position, states, before, after, counts, _ = quiet(try_jobs)
    tap.ok(position is None or position <= 2,
           'the only job of its owner: it is soon its turn')
    tap.is_(states, {'succeeded'}, 'all jobs end')
    tap.ok(before <= 2, '... it waited for %d of 60' % before)
    tap.ok(after > 3, '... %d came after it' % after)
    tap.ok(max(counts) <= 6, '... owners take turns: %s' % counts)


def try_jobs():
    many = parallel(lambda n: place('jobs', 'many'), range(60), 16)
    last = post('jobs', 'few').json
    few = parallel(lambda n: place('jobs', 'few'), range(2), 1)
    position = last['queue_position']
    last = finish(('few', '/jobs/' + last['id']))
    documents = [finish(job) for job in many]
    before, after = between(documents, last)
    counts = [between(documents, finish(job))[0] for job in few]

    return position, {d['status'] for d in documents + [last]}, before, after, \
        counts, [(before, 2), (max(counts), 6), (position or 0, 2)]


def priorities():
    before, after, waiting, last, _ = quiet(try_priorities)
    tap.ok(before <= 1, 'high priority waited for %d' % before)
    tap.ok(after > 3, '... %d came after it' % after)
    tap.ok(waiting and last, 'low priority comes last: %d' % waiting)


def try_priorities():
    low = parallel(lambda n: place('jobs', priority='low'), range(20), 16)
    usual = parallel(lambda n: place('jobs', priority='?'), range(20), 16)
    high = place('jobs', priority='high')
    low, usual = [[finish(job) for job in some] for some in (low, usual)]
    high = finish(high)

    before, after = between(low + usual, high)
    waiting = [started(d) for d in low if started(d) > started(high)]
    last = bool(waiting) \
        and min(waiting) >= max(started(d) for d in usual)

    return before, after, len(waiting), last, [(before, 1), (not last, 0)]


def share():
    held = [post('full', 'one') for n in range(4)]
    tap.is_([a.status for a in held], [202] * 4, 'one runs, three wait')
    wait_for(lambda: model.peak()['now'] == 1)
    answer = post('full', 'one')
    tap.is_((answer.status, answer.json['type']),
            (429, 'urn:image-pipeline:owner-share'),
            "that is an owner's share of the queue")
    tap.ok(int(answer.headers['Retry-After']) > 0, '... Retry-After')

    held += [post('full', who) for who in ('two', '')]
    tap.is_([a.status for a in held[4:]], [202] * 2,
            '... others have theirs')
    answer = post('full', 'three')
    tap.is_((answer.status, answer.json['type']),
            (503, 'urn:image-pipeline:queue-full'),
            '... as long as the queue is not full')

    for who, answer in zip(['one'] * 4 + ['two', ''], held):
        nginx.delete(answer.headers['Location'], x_owner=who)

    answer = post('full', 'one')
    tap.is_(answer.status, 202, 'canceled ones do not count')
    nginx.delete(answer.headers['Location'], x_owner='one')


def calls():
    """Two at once, so two of them may end before a turn, and two with it."""

    states, peak, places, _ = quiet(try_calls)
    tap.is_(states, {'succeeded'}, 'calls of a service: all jobs end')
    tap.is_(peak, 2, '... two at a time, in four workers')

    for what, (before, after), most in zip(('few', 'high'), places, (6, 5)):
        tap.ok(before <= most, '... %s waited for %d of 40' % (what, before))
        tap.ok(after > 3, '... %d came after it' % after)


def try_calls():
    model.forget()
    many = parallel(lambda n: place('calls', 'many'), range(40), 16)
    few, high = place('calls', 'few'), place('calls', 'third', 'high')
    few, high = finish(few), finish(high)
    documents = [finish(job) for job in many]
    places = [between(documents, one, finished) for one in (few, high)]

    return {d['status'] for d in documents + [few, high]}, \
        model.peak('/delay/60/echo')['peak'], places, \
        [(places[0][0], 6), (places[1][0], 5)]


def lanes():
    model.forget()
    large = parallel(lambda n: place('lanes', size=20), range(6), 6)
    small = parallel(lambda n: place('lanes', size=10), range(2), 2)
    small = [finish(job) for job in small]
    large = [finish(job) for job in large]
    tap.is_({d['status'] for d in small + large}, {'succeeded'}, 'lanes')
    tap.ok(max(between(large, d, finished)[0] for d in small) <= 3,
           '... small ones do not wait for the large')
    tap.is_(model.peak('/delay/300/echo')['peak'], 3,
            '... each with its own limit')


def slow():
    """20 jobs, two calls that never end: all else goes on."""

    jobs = parallel(lambda n: place('slow'), range(20), 8)

    def states(location):
        stages = nginx.get(location).json['stages']
        return stages[0]['status'], stages[2]['status']

    tap.ok(wait_for(lambda: all(states(location) == ('succeeded',) * 2
                                for _, location in jobs), 30),
           'a slow service holds up no other stage')
    tap.is_(finish(place('calls'))['status'], 'succeeded',
            '... no other pipeline')
    tap.is_(model.peak('/hang')['now'], 2, '... while its calls are out')
    tap.is_({nginx.delete(location).json['status'] for _, location in jobs},
            {'canceled'}, '... and no request')
    tap.ok(wait_for(lambda: model.peak()['now'] == 0), '... none is left')


model = Model()
nginx = Nginx(''.join('location /%s/ { image_pipeline_pass %s; }\n'
                      % (name, name) for name in PIPELINES)
              + 'image_pipeline_owner $http_x_owner;'
              'image_pipeline_priority $http_x_priority;',
              workers=4, http='image_pipeline_path %%STORE%% zone=jobs:8m '
              'sync=off; image_pipeline_threads image;'
              + ''.join('image_pipeline %s { %s }\n' % item
                        for item in PIPELINES.items()),
              MODEL=model.address)
nginx.start()

jobs()
priorities()
share()
calls()
lanes()
slow()

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
