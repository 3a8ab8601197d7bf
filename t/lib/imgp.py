"""A private nginx, its clients and its fake services, for the tests that
Test::Nginx cannot do: several workers, reload, killed processes, load.
Python's standard library alone.

A test is t/NN-name.t, with "#!/usr/bin/env python3" as its first line:

    from imgp import Nginx, Model, tap, wait_for

    model = Model()
    nginx = Nginx('location /p/ { image_pipeline_pass p; }', workers=4,
                  http='image_pipeline_path %%STORE%% zone=jobs:8m; ...',
                  MODEL=model.address)
    nginx.start()
    answer = nginx.post('/p/', sample())
    tap.is_(answer.status, 202, 'accepted')
    tap.done()

Everything started here ends with the test, also when it is interrupted; what
nginx logs is kept for t/99-logs.t.  Conditions are waited for, never slept for.
"""

import atexit
import concurrent.futures
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
NAME = os.path.splitext(os.path.basename(sys.argv[0]))[0]

# sanitizers make everything some times slower

SLOW = 4 if os.environ.get('BUILD') == 'asan' else 1

PORTS = []

BOUNDARY = '------------------------imgp-test'

CONFIG = """
%%LOAD%%
%%USER%%
daemon off;
master_process on;
worker_processes %%WORKERS%%;
worker_rlimit_nofile 16384;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log %%LEVEL%%;
%%KEEP_LOG%%
%%MAIN%%
events { worker_connections 4096; }
http {
    access_log %%DIR%%/access.log;
    client_body_temp_path %%DIR%%/client_body_temp;
    proxy_temp_path %%DIR%%/proxy_temp;
    fastcgi_temp_path %%DIR%%/fastcgi_temp;
    uwsgi_temp_path %%DIR%%/uwsgi_temp;
    scgi_temp_path %%DIR%%/scgi_temp;
    default_type text/plain;
    keepalive_timeout 600s;
    keepalive_requests 1000000;
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%% backlog=4096;
        server_name localhost;
        client_max_body_size 64m;
%%SERVER%%
    }
}
"""


def free_port():
    """One that nobody else is given as long as the test runs: it stays bound,
    which keeps no server from it that has SO_REUSEADDR, as they all have;
    connections to it are refused until one listens."""

    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', 0))
    PORTS.append(s)
    return s.getsockname()[1]


def wait_for(condition, timeout=30, step=0.02):
    """Calls until the result is true; the last result, true or not."""

    deadline = time.monotonic() + timeout * SLOW

    while True:
        result = condition()

        if result or time.monotonic() > deadline:
            return result

        time.sleep(step)


def sample(name=None):
    """The photograph that the project ships, or one of the corpus (or None)."""

    path = os.path.join(ROOT, 'conf-examples/www/sample.jpg')

    if name is not None:
        path = os.path.join(os.environ.get('IMGP_CORPUS') or
                            os.path.join(ROOT, '../shared/corpus'), name)

        if not os.path.exists(path):
            return None

    with open(path, 'rb') as file:
        return file.read()


def unique_jpegs(count, seed=0):
    """The sample, each with a comment of its own: other bytes, same picture."""

    image = sample()

    for n in range(count):
        text = b'%d-%d-%d' % (os.getpid(), seed, n)
        yield (image[:2] + b'\xff\xfe' + (len(text) + 2).to_bytes(2, 'big')
               + text + image[2:])


def multipart(file, kind='image/jpeg', **fields):
    """(body, headers) of a form with the file and its other fields."""

    body = b''.join(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
                    b'%s\r\n' % (BOUNDARY.encode(), name.encode(),
                                 str(value).encode())
                    for name, value in fields.items())
    body += (b'--%s\r\nContent-Disposition: form-data; name="file"; '
             b'filename="f"\r\nContent-Type: %s\r\n\r\n%s\r\n--%s--\r\n'
             % (BOUNDARY.encode(), kind.encode(), file, BOUNDARY.encode()))

    return body, {'Content-Type': 'multipart/form-data; boundary=' + BOUNDARY}


def tcp_peers():
    """{inode: (local port, peer's port)} of TCP over IPv4"""

    found = {}

    with open('/proc/net/tcp') as file:
        for line in file.readlines()[1:]:
            part = line.split()
            found[part[9]] = (int(part[1].rpartition(':')[2], 16),
                              int(part[2].rpartition(':')[2], 16))

    return found


def parallel(function, items, threads=32):
    """function(item) of all, in threads; results in order, errors raised."""

    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


class Tap:
    """Test Anything Protocol on standard output."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, passed, name):
        self.count += 1
        self.failed += not passed
        print('%sok %d - %s' % ('' if passed else 'not ', self.count, name),
              flush=True)

        if not passed:
            frame = sys._getframe(1)

            while frame.f_code.co_filename == __file__ and frame.f_back:
                frame = frame.f_back

            self.diag('failed at %s line %d' % (frame.f_code.co_filename,
                                                frame.f_lineno))
        return passed

    def is_(self, got, want, name):
        if not self.ok(got == want, name):
            self.diag('     got: %r' % (got,))
            self.diag('expected: %r' % (want,))
            return False

        return True

    def todo(self, passed, name, why):
        """Known to fall short: shown, no failure."""

        self.count += 1
        print('%sok %d - %s # TODO %s' % ('' if passed else 'not ',
                                          self.count, name, why), flush=True)

    def skip(self, name, why):
        self.count += 1
        print('ok %d - %s # skip %s' % (self.count, name, why), flush=True)

    def note(self, text):
        print(re.sub('^', '# ', str(text), flags=re.M), flush=True)

    def diag(self, text):
        print(re.sub('^', '# ', str(text), flags=re.M), file=sys.stderr,
              flush=True)

    def done(self):
        print('1..%d' % self.count, flush=True)
        sys.exit(1 if self.failed else 0)

    def skip_all(self, why):
        print('1..0 # SKIP ' + why, flush=True)
        sys.exit(0)


tap = Tap()


class Answer:
    """A response, read whole."""

    def __init__(self, response):
        self.status = response.status
        self.reason = response.reason
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return '<%d %r>' % (self.status, self.body[:300])


class Client:
    """Keep-alive connections to one address, one for each "with" or object;
    not to be shared between threads."""

    def __init__(self, port, timeout=60):
        self.connection = http.client.HTTPConnection('127.0.0.1', port,
                                                     timeout=timeout * SLOW)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def request(self, method, uri, body=None, headers=None):
        self.connection.request(method, uri, body, headers or {})
        return Answer(self.connection.getresponse())

    def get(self, uri, **headers):
        return self.request('GET', uri, None, named(headers))

    def close(self):
        self.connection.close()


def named(headers):
    """if_none_match -> If-None-Match"""

    return {name.replace('_', '-'): value for name, value in headers.items()}


class Process:
    """Something started here, which ends with the test."""

    started = []
    folders = []

    def spawn(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        **options)
        Process.started.append(self)

    @property
    def pid(self):
        return self.process.pid

    def end(self, number=signal.SIGTERM, timeout=10):
        """The exit status; SIGKILL, and None, when the time is over."""

        if self.process.poll() is None:
            self.process.send_signal(number)

        try:
            return self.process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

        self.process.wait()

    @staticmethod
    def end_all():
        for process in reversed(Process.started):
            process.end()

        for folder in Process.folders:
            shutil.rmtree(folder, True)


class Model(Process):
    """t/fakes/model.py: see there what its paths do."""

    def __init__(self, port=0):
        self.start(port)

    def start(self, port=0):
        self.spawn([sys.executable, os.path.join(ROOT, 't/fakes/model.py'),
                    '--port', str(port)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.address = '127.0.0.1:%d' % self.port
        self.url = 'http://' + self.address

    def control(self, what, method='GET', body=None, kind=None):
        with Client(self.port) as client:
            return client.request(method, '/_' + what, body,
                                  {'Content-Type': kind} if kind else {}).json

    def calls(self, path=None):
        calls = self.control('calls')
        return calls if path is None else calls.get(path, 0)

    def peak(self, path=''):
        return self.control('peak?path=' + path)

    def last(self):
        return self.control('last')

    def last_body(self):
        with Client(self.port) as client:
            return client.get('/_body').body

    def forget(self):
        return self.control('reset', 'POST', b'')

    def open(self, gate):
        self.control('open/' + gate, 'POST', b'')

    def shut(self, gate):
        self.control('shut/' + gate, 'POST', b'')

    def can(self, name, body, kind):
        return self.control('canned/' + name, 'PUT', body, kind)


class Nginx(Process):
    """One nginx with its own folder and port.

    server, http and main are configuration text for these levels; %%NAME%% in
    it stands for the keyword argument NAME, and for DIR, PORT, STORE (a folder
    for image_pipeline_path), ROOT (of the project)."""

    def __init__(self, server, workers=2, http='', main=None, level='info',
                 **values):
        base = os.environ.get('IMGP_BUILD') or os.path.join(ROOT,
                                                            'build/release')
        logs = os.environ.get('IMGP_LOGS')

        self.binary = os.environ.get('IMGP_NGINX') or '/usr/sbin/nginx'
        self.module = os.environ.get('IMGP_MODULE') or os.path.join(
            base, 'ngx_http_image_pipeline_module.so')
        self.dir = tempfile.mkdtemp(prefix=NAME + '-')
        os.chmod(self.dir, 0o755)
        self.store = os.path.join(self.dir, 'store')
        os.mkdir(self.store)
        self.config = os.path.join(self.dir, 'nginx.conf')
        self.log = os.path.join(self.dir, 'error.log')
        self.keep_log = os.path.join(logs, NAME + '.log') if logs else None
        self.port = free_port()
        self.nworkers = workers
        self.level = level
        self.values = values
        self.env = None
        self.process = None
        Process.folders.append(self.dir)
        self.write_config(server, http, main)

    def write_config(self, server, http='', main=None):
        main = 'thread_pool image threads=2;' if main is None else main
        shared = os.environ.get('IMGP_REDIS')
        values = {
            'LOAD': 'load_module %s;' % self.module,
            'USER': 'user root;' if os.getuid() == 0 else '',
            'WORKERS': self.nworkers, 'LEVEL': self.level,
            'KEEP_LOG': 'error_log %s notice;' % self.keep_log
                        if self.keep_log else '',
            'DIR': self.dir, 'STORE': self.store, 'ROOT': ROOT,
            'PORT': self.port, **self.values}
        if shared and 'image_pipeline_redis' not in http:
            http = re.sub(r'(image_pipeline_path [^;]*;)',
                          r'\1 image_pipeline_redis %s prefix=%s:;'
                          % (shared, os.path.basename(self.dir)), http, 1)

        text = CONFIG.replace('%%MAIN%%', main).replace('%%HTTP%%', http) \
                     .replace('%%SERVER%%', server)

        for name, value in values.items():
            text = text.replace('%%' + name + '%%', str(value))

        with open(self.config, 'w') as file:
            file.write(text)

    def command(self, *more):
        return [self.binary, '-p', self.dir, '-e', self.log, '-c', self.config,
                *more]

    def test_config(self):
        """(exit status, what nginx -t says)"""

        done = subprocess.run(self.command('-t'), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def start(self):
        self.spawn(self.command(), stderr=subprocess.DEVNULL, env=self.env)

        if not wait_for(self.ready, 20):
            tap.diag(self.error_log())
            raise RuntimeError('nginx did not start')

        return self

    def ready(self):
        if self.process.poll() is not None:
            return False

        with socket.socket() as s:
            return s.connect_ex(('127.0.0.1', self.port)) == 0 \
                and len(self.workers()) == self.nworkers

    def stop(self, graceful=True, timeout=30):
        """QUIT or TERM; the exit status of the master, None if killed."""

        return self.end(signal.SIGQUIT if graceful else signal.SIGTERM, timeout)

    def reload(self, timeout=20):
        """HUP, and waits for the new workers, and until the old ones take no
        more requests; these may still work."""

        old = set(self.workers())
        self.process.send_signal(signal.SIGHUP)

        def changed():
            now = set(self.workers())
            return len(now) == self.nworkers and not now & old

        if not wait_for(changed, timeout):
            raise RuntimeError('no new workers after HUP')

    def children(self):
        """{pid: title} of the master's children."""

        found = {}

        for pid in filter(str.isdigit, os.listdir('/proc')):
            with contextlib.suppress(OSError, IndexError):
                with open('/proc/%s/stat' % pid) as file:
                    if file.read().rpartition(')')[2].split()[1] \
                            != str(self.process.pid):
                        continue

                with open('/proc/%s/cmdline' % pid) as file:
                    found[int(pid)] = file.read().strip('\0 ')

        return found

    def workers(self):
        """The pids of the workers that take requests."""

        return sorted(pid for pid, title in self.children().items()
                      if title == 'nginx: worker process')

    def exiting(self):
        return sorted(pid for pid, title in self.children().items()
                      if 'shutting down' in title)

    def kill_worker(self, number=signal.SIGKILL, pid=None, respawn=True):
        """One of them, any; waits for its successor.  99-logs.t sees each as
        an [alert] unless the test said allow_log('exited on signal 9')."""

        pid = pid or random.choice(self.workers())
        os.kill(pid, number)

        if respawn:
            wait_for(lambda: pid not in self.workers()
                     and len(self.workers()) == self.nworkers)

        return pid

    def descriptors(self, pid=None):
        """Open descriptors of a worker, or of all workers together."""

        return sum(len(os.listdir('/proc/%d/fd' % p))
                   for p in ([pid] if pid else self.workers()))

    def sockets(self):
        """{inode} of what the workers have open."""

        found = set()

        for pid in self.workers():
            with contextlib.suppress(OSError):
                for fd in os.listdir('/proc/%d/fd' % pid):
                    with contextlib.suppress(OSError):
                        link = os.readlink('/proc/%d/fd/%s' % (pid, fd))
                        found.add(link.partition('socket:')[2].strip('[]'))

        return found - {''}

    def accepted(self, clients):
        """The workers' ends of these connected sockets, as in sockets(), once
        there is one of each.  Counts of descriptors would not tell: others
        come and go, such as connections to services."""

        ports = {client.getsockname()[1] for client in clients}

        def found():
            ends = {inode for inode, (_, peer) in tcp_peers().items()
                    if peer in ports}
            return ends & self.sockets()

        wait_for(lambda: len(found()) == len(ports), 20)
        return found()

    def memory(self, pid):
        """Private dirty bytes of a process."""

        with open('/proc/%d/smaps_rollup' % pid) as file:
            return 1024 * int(re.search(r'Private_Dirty:\s+(\d+)',
                                        file.read()).group(1))

    def temp_files(self):
        """What lies in nginx's own temporary folders."""

        return sorted(os.path.join(where, name)
                      for kind in os.listdir(self.dir) if kind.endswith('_temp')
                      for where, _, names in os.walk(os.path.join(self.dir,
                                                                  kind))
                      for name in names)

    def error_log(self):
        with contextlib.suppress(OSError):
            with open(self.log, errors='replace') as file:
                return file.read()

        return ''

    def logged(self, pattern):
        """The lines of the error log that match."""

        return [line for line in self.error_log().splitlines()
                if re.search(pattern, line)]

    def alerts(self, *allowed):
        return [line for line in
                self.logged(r'\[(alert|emerg|crit)\]|exited on signal'
                            r'|AddressSanitizer|runtime error:')
                if not any(re.search(pattern, line) for pattern in allowed)]

    def allow_log(self, *patterns):
        """Lines that this test provokes on purpose, for 99-logs.t."""

        if self.keep_log:
            with open(self.keep_log + '.allow', 'a') as file:
                file.writelines(pattern + '\n' for pattern in patterns)

    # clients

    def client(self, timeout=60):
        return Client(self.port, timeout)

    def request(self, method, uri, body=None, headers=None, timeout=60):
        with self.client(timeout) as client:
            return client.request(method, uri, body, headers)

    def get(self, uri, **headers):
        return self.request('GET', uri, None, named(headers))

    def post(self, uri, body, kind='image/jpeg', **headers):
        return self.request('POST', uri, body,
                            {'Content-Type': kind, **named(headers)})

    def upload(self, uri, file, kind='image/jpeg', **fields):
        """As a form."""

        body, headers = multipart(file, kind, **fields)
        return self.request('POST', uri, body, headers)

    def delete(self, uri, **headers):
        return self.request('DELETE', uri, None, named(headers))

    def raw(self, data, timeout=10):
        """Sends bytes as they are; what comes back until it closes."""

        with socket.create_connection(('127.0.0.1', self.port),
                                      timeout * SLOW) as s:
            s.sendall(data)
            answer = b''

            with contextlib.suppress(socket.timeout, ConnectionError):
                while piece := s.recv(65536):
                    answer += piece

            return answer

    def finish(self, location, timeout=60):
        """Long-polls a job to its end; the last document.  A connection that
        breaks (a worker was killed) is made again."""

        deadline = time.monotonic() + timeout * SLOW
        revision = 0
        document = None

        while time.monotonic() < deadline:
            try:
                answer = self.get('%s?wait=5&since=%d' % (location, revision))
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue

            if answer.status == 204:
                continue

            if answer.status == 503:
                time.sleep(0.05)        # Redis is away, it may be elsewhere
                continue

            if answer.status != 200:
                raise RuntimeError('%s: %r' % (location, answer))

            document = answer.json
            revision = document['revision']

            if document['status'] in ('succeeded', 'failed', 'canceled'):
                return document

        raise RuntimeError('%s did not end: %r' % (location, document))


def interrupted(number, frame):
    sys.exit(128 + number)


for name in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(name, interrupted)

atexit.register(Process.end_all)


if __name__ == '__main__' and sys.argv[1:] == ['free-port']:
    print(free_port())
