"""A private redis-server, and several nginx that share it, for t/50-redis-*.t.

    redis = Redis()
    a, b = Cluster(redis, 2).nodes
    location = a.post('/p/', picture(1), 'image/png').headers['Location']
    b.finish(location)
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from imgp import (NAME, SLOW, Model, Nginx, Process, free_port, tap, wait_for)

CONFIG = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_redis %%REDIS%% %%OPTIONS%%;
    image_pipeline_threads image;
    image_pipeline p {
        accept image/png image/jpeg;
        concurrency %%CONCURRENCY%%;
        queue 5000;
        keep 1h;
        stage first { post %%MODEL%%/delay/%%MS%%/echo/first; timeout 60s;
                      retry %%RETRY%% 100ms; }
        stage small { resize 16; }
        stage second { post %%MODEL%%/delay/%%MS%%/echo/second;
                       send multipart file; timeout 60s; }
        stage result { encode png; }
        outputs small second result;
    }
    %%MORE%%
"""

LOCATIONS = """
    location /p/ { image_pipeline_pass p; }
    location /static { return 200 ok; }
    %%LOCATIONS%%
"""


class Redis(Process):
    """redis-server on a free port of 127.0.0.1, and nothing kept on disk
    unless "more" says so."""

    def __init__(self, *more, port=None, start=True):
        self.dir = tempfile.mkdtemp(prefix=NAME + '-redis-')
        Process.folders.append(self.dir)
        self.port = port or free_port()
        self.more = more
        self.process = None

        if start:
            self.start()

    def start(self):
        self.spawn(['redis-server', '--port', str(self.port), '--bind',
                    '127.0.0.1', '--save', '', '--dir', self.dir,
                    '--enable-debug-command', 'yes', '--unixsocket',
                    os.path.join(self.dir, 'socket'), '--unixsocketperm',
                    '777', *self.more], stdout=subprocess.DEVNULL)
        os.chmod(self.dir, 0o755)

        if not wait_for(lambda: self.alive(), 60):
            raise RuntimeError('redis-server did not start')

        return self

    def alive(self):
        try:
            return self.ask('PING') == 'PONG'
        except (OSError, EOFError, RuntimeError):   # it is loading
            return False

    @property
    def url(self):
        return 'redis://127.0.0.1:%d' % self.port

    def kill(self):
        """SIGKILL"""

        super().kill()
        wait_for(lambda: not self.alive())

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def end(self, *args):
        if self.process.poll() is None:
            self.thaw()

        return super().end(*args)

    def ask(self, *words):
        """One command, its answer; an error is raised."""

        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(b'*%d\r\n' % len(words) + b''.join(
                b'$%d\r\n%s\r\n' % (len(w), w) for w in (
                    word if isinstance(word, bytes) else str(word).encode()
                    for word in words)))
            with s.makefile('rb') as answer:
                return self.read(answer)

    def read(self, file):
        line = file.readline()

        if not line:
            raise EOFError('redis closed')

        kind, text = line[:1], line[1:].strip().decode()

        if kind == b'-':
            raise RuntimeError(text)

        if kind == b':':
            return int(text)

        if kind == b'$':
            return None if text == '-1' else file.read(int(text) + 2)[:-2]

        if kind == b'*':
            return [self.read(file) for _ in range(int(text))]

        return text

    @contextlib.contextmanager
    def monitor(self):
        """What it is told meanwhile, a line a command; those that scripts run
        have " lua]" in it."""

        seen = []

        with socket.create_connection(('127.0.0.1', self.port), 5) as s:
            s.sendall(b'MONITOR\r\n')

            with s.makefile('rb') as file:
                file.readline()
                yield seen
                self.ask('ECHO', 'the end')

                for line in file:
                    if b'"the end"' in line:
                        break

                    seen.append(line.decode(errors='replace'))

    def calls(self):
        """Commands so far, by name, those of scripts too."""

        found = {}

        for line in self.ask('INFO', 'commandstats').decode().splitlines():
            if line.startswith('cmdstat_'):
                name, _, rest = line[8:].partition(':')
                found[name] = int(rest.split(',')[0].split('=')[1])

        return found


class Cluster:
    """Some nginx of one configuration, each with a store of its own, on one
    Redis, with one model service."""

    def __init__(self, redis, count=2, ms=50, workers=2, concurrency=8,
                 options='timeout=3s', url=None, more='', locations='',
                 retry=1, start=True, level='info'):
        self.redis = redis
        self.model = Model()
        self.nodes = [
            Nginx(LOCATIONS.replace('%%LOCATIONS%%', locations),
                  workers=workers, level=level,
                  http=CONFIG.replace('%%MORE%%', more),
                  MODEL=self.model.url, REDIS=url or redis.url,
                  OPTIONS=options, MS=ms, CONCURRENCY=concurrency,
                  RETRY=retry)
            for _ in range(count)]

        if start:
            for node in self.nodes:
                node.start()

    def alerts(self, *allowed):
        return [line for node in self.nodes for line in node.alerts(*allowed)]
