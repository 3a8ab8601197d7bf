"""What the tests of faults (t/70-*) and of processes' lives (t/80-*) share:
pictures that differ, a load of uploads, and the check of the promise of 202.

    trial = Trial(ms=100)                   # a model, an nginx, four stages
    load = Load(trial.nginx, '/p/', pictures(200), rate=40)
    ... kill, reload, break something ...
    load.join()
    trial.check(load)                       # every promise, every output
"""

import atexit
import binascii
import collections
import contextlib
import hashlib
import http.client
import os
import re
import signal
import struct
import subprocess
import threading
import time
import zlib

from imgp import SLOW, Model, Nginx, parallel, tap, tcp_peers, wait_for

SHARED = bool(os.environ.get('IMGP_REDIS'))
LONG = int(os.environ.get('IMGP_LONG') or 0)

# two services and two stages of our own; SALT makes the second call another
# one than the first

STAGES = """
    image_pipeline_path %%STORE%% zone=jobs:%%ZONE%% sync=%%SYNC%% %%PATH%%;
    image_pipeline_threads image;
    image_pipeline p {
        accept image/png image/jpeg;
        concurrency %%CONCURRENCY%%;
        queue %%QUEUE%%;
        keep 1h;
        stage first { post %%MODEL%%/delay/%%MS%%/echo/first; timeout 60s; }
        stage small { resize 16; }
        stage second { post %%MODEL%%/delay/%%MS%%/echo/second;
                       send multipart file; timeout 60s; }
        stage result { encode png; }
        outputs small second result;
    }
    %%MORE%%
"""

# jobs that never end: they fill the zone, one with slots, one with cells

HELD = """
    image_pipeline thin {
        concurrency 1; queue 1000000;
        stage s { post %%MODEL%%/hang; timeout 1h; }
    }
    image_pipeline fat {
        concurrency 1; queue 1000000;
        stage s { post %%MODEL%%/hang; timeout 1h; }
""" + ''.join('        stage a_stage_with_a_name_of_some_length_%02d '
              '{ resize %d; }\n' % (n, 10 + n) for n in range(24)) + '    }\n'

LOCATIONS = """
    location /p/ { image_pipeline_pass p; }
    location /static { return 200 ok; }
    %%LOCATIONS%%
"""

HELD_LOCATIONS = """
    location /thin/ { image_pipeline_pass thin; }
    location /fat/ { image_pipeline_pass fat; }
"""

DONE = ('succeeded', 'failed', 'canceled')
KILLED = (r'exited on signal [69]', r'zone "\w+" was locked by')


def png(pixels, side):
    """side x side RGB pixels, made of these bytes."""

    def chunk(name, data):
        return (struct.pack('>I', len(data)) + name + data
                + struct.pack('>I', binascii.crc32(name + data)))

    row = side * 3
    data = b''.join(b'\0' + pixels[n * row:(n + 1) * row] for n in range(side))

    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(data, 1)) + chunk(b'IEND', b''))


def picture(seed, side=24):
    """One that no other seed gives, also when it is made smaller."""

    need = side * side * 3
    noise = hashlib.shake_128(b'%d %d' % (os.getpid(), seed)).digest(need)

    return png(noise, side)


def pictures(count, side=24, first=0):
    for n in range(count):
        yield picture(first + n, side)


class Load:
    """Uploads in threads.  What has no answer (its worker was killed), or was
    refused for a while, is sent again: it was not promised."""

    def __init__(self, nginx, uri, pictures, rate=None, threads=8, again=(503,),
                 give_up=(), timeout=60):
        self.nginx = nginx
        self.uri = uri
        self.source = iter(pictures)
        self.rate = rate
        self.again = again
        self.give_up = give_up
        self.lock = threading.Lock()
        self.started = time.monotonic()
        self.timeout = timeout * SLOW      # of one picture
        self.sent = 0
        self.accepted = []
        self.refused = collections.Counter()
        self.broken = 0
        self.odd = []
        self.threads = [threading.Thread(target=self.work, daemon=True)
                        for _ in range(threads)]

        for thread in self.threads:
            thread.start()

    def next(self):
        with self.lock:
            picture = next(self.source, None)

            if picture is not None:
                self.sent += 1

            due = self.started + (self.sent / self.rate if self.rate else 0)

        if picture is not None and self.rate:
            time.sleep(max(0, due - time.monotonic()))

        return picture

    def work(self):
        while (picture := self.next()) is not None:
            end = time.monotonic() + self.timeout

            while not self.send(picture):
                if time.monotonic() > end:
                    self.odd.append('a picture was never accepted')
                    break

                time.sleep(0.05)

    def send(self, picture):
        try:
            answer = self.nginx.post(self.uri, picture, 'image/png')
        except (OSError, http.client.HTTPException):
            self.broken += 1
            return False

        if answer.status in (200, 202):
            with self.lock:
                self.accepted.append(answer.headers['Location'])
            return True

        if answer.status in self.again + self.give_up:
            with self.lock:
                self.refused[answer.status, answer.json['type']] += 1
            return answer.status in self.give_up

        self.odd.append(repr(answer))
        return True

    def join(self):
        for thread in self.threads:
            thread.join()

        return self

    @property
    def running(self):
        return any(thread.is_alive() for thread in self.threads)


def ended(nginx, location, timeout=60):
    """The last document, and what is wrong with its outputs."""

    document = nginx.finish(location, timeout)
    wrong = []

    for stage, items in document['outputs'].items():
        for item in items:
            answer = nginx.get(item['url'])
            digest = 'sha-256:' + hashlib.sha256(answer.body).hexdigest()

            if answer.status != 200 or digest != item['digest']:
                wrong.append('%s: %d, %d of %d bytes, %s' % (
                    item['url'], answer.status, len(answer.body),
                    item['bytes'], digest == item['digest']))

    return document, wrong


class Trial:

    def __init__(self, ms=100, workers=2, start=True, held=False,
                 concurrency=8, queue=5000, zone='8m', sync='off', path='',
                 more='', locations='', main=None, model=None, threads=2,
                 level='info', **values):
        self.model = model or Model()
        self.values = dict(MODEL=self.model.url, MS=ms, ZONE=zone, SYNC=sync,
                           CONCURRENCY=concurrency, QUEUE=queue, PATH=path,
                           **values)
        self.main = main or 'thread_pool image threads=%d;' % threads
        self.more = more + (HELD if held else '')
        self.locations = locations + (HELD_LOCATIONS if held else '')
        self.workers = workers
        self.level = level
        self.nginx = self.make()

        if start:
            self.nginx.start()

    def make(self):
        return Nginx(LOCATIONS.replace('%%LOCATIONS%%', self.locations),
                     workers=self.workers, level=self.level, main=self.main,
                     http=STAGES.replace('%%MORE%%', self.more), **self.values)

    def rewrite(self, edit=None, **values):
        """The configuration again, with other values or edited text."""

        self.nginx.values.update(values)
        http = STAGES.replace('%%MORE%%', self.more)
        server = LOCATIONS.replace('%%LOCATIONS%%', self.locations)

        if edit:
            http, server = edit(http, server)

        self.nginx.write_config(server, http, self.main)

    def twin(self):
        """A fresh nginx of the same configuration, to compare with."""

        return self.make().start()

    def warm(self, count=16):
        """Everything has run once; then nothing grows any more."""

        nginx = self.nginx
        load = Load(nginx, '/p/', pictures(count, first=900000)).join()
        parallel(lambda l: ended(nginx, l), load.accepted, 8)
        return load

    # the promise

    def check(self, load, *allowed, timeout=90, status='succeeded'):
        """Every accepted job succeeded, all outputs are what they say."""

        tap.is_(load.odd, [], 'no upload had an answer that is not foreseen')
        docs = self.check_jobs(load.accepted, timeout, status)
        self.check_log(*allowed)
        return docs

    def check_jobs(self, locations, timeout=90, status='succeeded'):
        tap.is_(len(set(locations)), len(locations), 'each job has its own id')
        docs, wrong = [], []

        def one(location):
            try:
                document, bad = ended(self.nginx, location, timeout)
                docs.append(document)
                wrong.extend(bad)

                if document['status'] != status:
                    wrong.append('%s: %s, %r' % (location, document['status'],
                                                 document['error']))
            except Exception as error:
                wrong.append('%s: %r' % (location, error))

        parallel(one, locations, 8)
        tap.is_(wrong[:5], [], 'all %d jobs %s, every output has its digest'
                % (len(locations), status))
        return docs

    def counts(self):
        """{path's last word: calls} of the service."""

        calls = collections.Counter()

        for path, n in self.model.calls().items():
            calls[path.rpartition('/')[2]] += n

        return calls

    def check_log(self, *allowed):
        tap.is_(self.nginx.alerts(*allowed)[:5], [], 'no alert in the log')

    def check_calls(self, jobs, extra, paths=('first', 'second')):
        calls = self.counts()

        for path in paths:
            n = calls[path]
            tap.ok(jobs <= n <= jobs + extra,
                   '%d jobs: the service of "%s" was called %d times, at most '
                   '%d more than needed' % (jobs, path, n, extra))

    # what is left behind

    def store(self, folder):
        """The files below it."""

        return [os.path.join(where, name) for where, _, names
                in os.walk(os.path.join(self.nginx.store, folder))
                for name in names]

    def held(self):
        """What the workers hold open, by kind, once no sweep is at work;
        connections to the model are kept by libcurl for later and not
        counted."""

        wait_for(lambda: not self.sweeping())

        kinds = collections.Counter()
        peers = tcp_peers()

        for pid in self.nginx.workers():
            for fd in os.listdir('/proc/%d/fd' % pid):
                with contextlib.suppress(OSError):
                    kinds[self.kind(os.readlink('/proc/%d/fd/%s' % (pid, fd)),
                                    peers)] += 1

        del kinds['model']
        return dict(kinds)

    def sweeping(self):
        """Is a file of the store open that is not open all the time?"""

        for pid in self.nginx.workers():
            for fd in os.listdir('/proc/%d/fd' % pid):
                with contextlib.suppress(OSError):
                    link = os.readlink('/proc/%d/fd/%s' % (pid, fd))

                    if link.startswith(self.nginx.store) \
                       and not link.endswith('/alive'):
                        return True

        return False

    def kind(self, link, peers):
        match = re.fullmatch(r'socket:\[(\d+)\]', link)

        if not match:
            return 'store' if link.startswith(self.nginx.store) else 'file'

        local, peer = peers.get(match.group(1), (None, None))

        if peer == self.model.port:
            return 'model'

        if local == self.nginx.port:
            return 'client' if peer else 'listening'

        return 'socket'

    def check_left(self, before, kills=0):
        """Nothing is open or lies about that did not before; of a killed
        worker a few files in tmp/ may be left until they are swept, and an
        end that the disk did not take is stored by a sweep."""

        nginx = self.nginx
        wait_for(lambda: self.held() == before and not nginx.exiting(), 40)
        tap.is_(self.held(), before, 'no descriptor is left open')
        tap.is_(nginx.temp_files(), [], 'no temporary file of nginx is left')
        wait_for(lambda: not self.store('jobs'), 60 / SLOW)
        tap.is_(self.store('jobs'), [], 'the journal is empty')
        tmp = self.store('tmp')
        tap.ok(len(tmp) <= kills * 4, '%d files are left in tmp/, at most %d '
               'are excused' % (len(tmp), kills * 4))

    def capacity(self, nginx=None):
        """How many jobs the zone takes, thin ones and fat ones, until 507."""

        nginx = nginx or self.nginx
        return [fill(nginx, '/thin/'), fill(nginx, '/fat/')]

    def check_zone(self):
        """As many as a fresh one takes: no slot and no cell is lost."""

        if SHARED:
            return          # there is more room than the zone

        used = self.capacity()
        fresh = self.capacity(self.twin())
        tap.is_(used, fresh, 'the zone takes as many jobs as a fresh one: '
                '%d and %d' % tuple(fresh))
        tap.ok(min(fresh) > 50, 'which are some')


def fill(nginx, uri, threads=8):
    """Uploads until the zone is full, then deletes them all."""

    full = threading.Event()
    jobs, odd = [], []
    image = picture(1)

    def work(_):
        while not full.is_set():
            answer = nginx.post(uri, image, 'image/png')

            if answer.status == 202:
                jobs.append(answer.headers['Location'])
            else:
                full.set()
                odd.append(answer.status)

    parallel(work, range(threads), threads)
    tap.is_(set(odd), {507}, 'the full zone is told as 507')
    parallel(nginx.delete, jobs, threads)
    return len(jobs)


def caller(nginx, port):
    """The workers that have a connection to this port."""

    inodes = {'socket:[%s]' % inode for inode, (_, peer) in tcp_peers().items()
              if peer == port}
    found = set()

    for pid in nginx.workers():
        with contextlib.suppress(OSError):
            for fd in os.listdir('/proc/%d/fd' % pid):
                with contextlib.suppress(OSError):
                    if os.readlink('/proc/%d/fd/%s' % (pid, fd)) in inodes:
                        found.add(pid)

    return found


def kill_all(nginx):
    """The power is gone: SIGKILL to master and workers at once."""

    pids = [nginx.pid, *nginx.children()]
    nginx.process.kill()

    for pid in pids[1:]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    nginx.process.wait()
    wait_for(lambda: not any(os.path.exists('/proc/%d' % pid)
                             for pid in pids[1:]))


def small_disk(folder, size):
    """A file system of its own for a store; False without the right to it.
    It is gone with the test, whatever its end."""

    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=' + size,
                           'tmpfs', folder], stderr=subprocess.DEVNULL)

    if done.returncode == 0:
        atexit.register(subprocess.run, ['umount', '-l', folder])

    return done.returncode == 0
