"""The servers that are nginx: the module, and the bare sink that every
upload server is measured against.  Both of two workers, logs of warnings,
no access log, keep-alive without end."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time

import rig

WORKERS = 2
JOB_END = ('succeeded', 'failed', 'canceled')

MAIN = """%(load)s
user root;
daemon off;
worker_processes %(workers)d;
worker_rlimit_nofile 20000;
pid %(dir)s/nginx.pid;
error_log %(dir)s/error.log warn;
%(main)s
events { worker_connections 16384; }
http {
    access_log off;
    client_body_temp_path %(dir)s/client_body_temp;
    proxy_temp_path %(dir)s/proxy_temp;
    fastcgi_temp_path %(dir)s/fastcgi_temp;
    uwsgi_temp_path %(dir)s/uwsgi_temp;
    scgi_temp_path %(dir)s/scgi_temp;
    keepalive_timeout 300s;
    keepalive_requests 10000000;
    tcp_nodelay on;
    sendfile on;
    open_file_cache max=10000 inactive=300s;
    open_file_cache_valid 300s;
    client_max_body_size 64m;
    client_body_buffer_size 16k;
%(http)s
}
"""

# what an upload server cannot be faster than: the body goes to a file, and an
# upstream that never sees it says 204 (peer d of ../shared/peers)

SINK = """
    upstream empty { server unix:%(dir)s/empty.sock; keepalive 64; }
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_pass_request_body off;

    server {
        listen unix:%(dir)s/empty.sock backlog=4096;
        location / { return 204; }
    }

    server {
        listen 127.0.0.1:%(port)d backlog=8192 reuseport;

        location /file {
            client_body_temp_path %(shm)s/body 1;
            client_body_in_file_only clean;
            proxy_set_header X-File $request_body_file;
            proxy_pass http://empty;
        }

        location /disk {
            client_body_in_file_only clean;
            proxy_set_header X-File $request_body_file;
            proxy_pass http://empty;
        }

        location = /empty { return 200 '{"status":"succeeded"}'; }
        location /static/ { alias %(shm)s/static/; }
    }
"""

MODULE = """
    image_pipeline_path     %(store)s zone=bench:%(zone)s max_size=40g
                            inactive=7d sync=%(sync)s;
    image_pipeline_threads  image;

    image_pipeline bench {
        accept       image/jpeg;
        queue        1000000;
%(pipeline)s
    }

    server {
        listen 127.0.0.1:%(port)d backlog=8192 reuseport;
%(server)s

        location /bench/ {
            image_pipeline_pass  bench;
            image_pipeline_wait  600s;
        }
    }
"""


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Nginx:
    """One nginx in a folder of its own, gone when it is stopped."""

    def __init__(self, name, binary, folder):
        self.name = name
        self.binary = binary
        self.folder = folder
        self.process = None
        self.port = free_port()
        self.expected = WORKERS

    def clear(self):
        shutil.rmtree(self.folder, True)
        os.makedirs(self.folder)

    def spawn(self, **values):
        config = os.path.join(self.folder, 'nginx.conf')
        values = dict({'load': '', 'main': '', 'workers': WORKERS}, **values,
                      dir=self.folder)
        self.expected = values['workers']

        with open(config, 'w') as file:
            file.write(MAIN % values)

        self.process = subprocess.Popen(
            [self.binary, '-p', self.folder, '-c', config,
             '-e', os.path.join(self.folder, 'error.log')],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        """The master listens before there are workers, whose time counts."""

        end = time.monotonic() + 20

        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', self.port), 1).close()

                if len(self.pids()) > self.expected:
                    return

            time.sleep(0.02)

        raise rig.Failed('%s does not start: %s' % (self.name, self.log()))

    def log(self):
        with contextlib.suppress(OSError):
            with open(os.path.join(self.folder, 'error.log')) as file:
                return file.read()[-2000:]

        return ''

    def pids(self):
        return rig.family([self.process.pid])

    def stop(self):
        if self.process is None:
            return

        self.process.send_signal(signal.SIGTERM)

        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

            self.process.wait()

        self.process = None
        shutil.rmtree(self.folder, True)

    def request(self, method, path, body=None, headers=None):
        client = http.client.HTTPConnection('127.0.0.1', self.port,
                                            timeout=60)
        client.request(method, path, body, headers or {})
        answer = client.getresponse()
        body = answer.read()
        client.close()

        return answer, body


class Sink(Nginx):

    def __init__(self, binary, folder, shm):
        super().__init__('nginx sink', binary, folder)
        self.shm = shm
        self.files = 0

    def start(self):
        self.clear()
        shutil.rmtree(self.shm, True)
        os.makedirs(os.path.join(self.shm, 'static'))

        self.spawn(http=SINK % {'dir': self.folder, 'shm': self.shm,
                                'port': self.port})

    def static(self, content):
        """Its path.  A name of its own: open_file_cache knows old ones."""

        self.files += 1
        name = 'static/%d' % self.files

        with open(os.path.join(self.shm, name), 'wb') as file:
            file.write(content)

        return '/' + name

    def stop(self):
        super().stop()
        shutil.rmtree(self.shm, True)


class Module(Nginx):
    """variant: (name, folder of the store's disk, sync)."""

    def __init__(self, binary, module, variant, model):
        self.variant, self.disk, self.sync = variant
        super().__init__('module, ' + self.variant, binary,
                         os.path.join(self.disk, 'imgp-bench-module'))
        self.module = module
        self.model = model

    def start(self, pipeline, threads=4, zone='512m', server='', main=''):
        """A store without anything in it."""

        self.clear()
        self.spawn(load='load_module %s;' % self.module,
                   main='thread_pool image threads=%d max_queue=65536;\n%s'
                        % (threads, main),
                   http=MODULE % {'store': os.path.join(self.folder, 'store'),
                                  'zone': zone, 'sync': self.sync,
                                  'port': self.port, 'server': server,
                                  'pipeline': pipeline % self.values()})

    def values(self):
        return {'model': self.model.url(50),
                'forever': self.model.url(600000)}

    def finished(self, answer, body):
        """The last document of a job that was answered with 200 or 202."""

        document = json.loads(body)
        end = time.monotonic() + 60

        while document['status'] not in JOB_END and time.monotonic() < end:
            answer, body = self.request(
                'GET', '/bench/%s?wait=25&since=%d'
                % (document['id'], document['revision']))

            if answer.status == 200:
                document = json.loads(body)

        return document
