"""A configuration of conf-examples/ as it is shipped, run with real services
(conf-examples/services/run) behind it, for t/9*.t.

    system = System('closet.conf')
    system.start()
    answer = system.post('/clothes/', photo)

What a test changes of the file is told as pairs of a regular expression and its
replacement, each of which must match.
"""

import contextlib
import importlib.machinery
import importlib.util
import os
import re
import signal
import tempfile
import urllib.request

from imgp import Nginx, Process, ROOT, tap, wait_for

TEMP = ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')


BINARY = os.path.join(ROOT, 'conf-examples/services/run')


def program():
    """conf-examples/services/run, as a module."""

    loader = importlib.machinery.SourceFileLoader('services_run', BINARY)
    spec = importlib.util.spec_from_loader('services_run', loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)

    return module


class Services(Process):
    """Ended with all the others."""

    def __init__(self, name):
        self.folder = tempfile.mkdtemp(prefix='services-')
        os.chmod(self.folder, 0o755)
        Process.folders.append(self.folder)
        self.log = open(self.folder + '/services.log', 'w')
        run = program()
        self.all = run.Services(
            os.path.join(ROOT, 'conf-examples', name), self.folder, self.log)
        Process.started.append(self)

        try:
            self.all.start()
        except run.Missing as error:
            tap.skip_all(str(error))
        except (OSError, RuntimeError) as error:
            with open(self.log.name, errors='replace') as file:
                tap.diag(file.read()[-2000:])

            raise RuntimeError('%s: %s' % (name, error))

        self.path = self.all.write()

    def end(self, *ignored):
        self.all.stop()

    def port(self, name):
        return self.all.ports[name][1]

    def read(self, url, body=None):
        """What is at a URL, such as that of an object in S3."""

        with urllib.request.urlopen(url, body, timeout=60) as answer:
            return answer.read()

    def stop_service(self, name):
        self.all.end(name)

    def kill_service(self, name):
        """As the kernel does when memory is short."""

        process = self.all.processes.pop(name)
        process.kill()
        process.wait()

    @contextlib.contextmanager
    def held(self, *names):
        """They take calls and do not answer."""

        for name in names:
            self.all.processes[name].send_signal(signal.SIGSTOP)

        try:
            yield
        finally:
            for name in names:
                self.go_on(name)

    def go_on(self, name):
        if name in self.all.processes:
            self.all.processes[name].send_signal(signal.SIGCONT)

    def said(self, pattern):
        """Lines of what the services log that match."""

        with open(self.log.name, errors='replace') as file:
            return [line for line in file if re.search(pattern, line)]

    def start_service(self, name):
        self.all.begin(name)
        self.all.wait(name)


class System(Nginx):

    def __init__(self, name, workers=2, change=()):
        self.services = Services(name)
        self.change = change
        super().__init__('', workers)

    def write_config(self, server, http='', main=None):
        with open(self.services.path) as file:
            text = file.read()

        temp = ''.join('    %s_temp_path %s/%s_temp;\n' % (kind, self.dir, kind)
                       for kind in TEMP)

        for pattern, by in (
                (r'load_module .*;', 'load_module %s;' % self.module),
                (r'user www-data;', 'user root;' if os.getuid() == 0 else ''),
                (r'worker_processes auto;',
                 'worker_processes %d; daemon off; pid %s/nginx.pid;'
                 'error_log %s info;%s' % (
                     self.nworkers, self.dir, self.log,
                     'error_log %s notice;' % self.keep_log
                     if self.keep_log else '')),
                (r'http \{', 'http {\n    access_log off;\n' + temp),
                (r'listen 127.0.0.1:\d+;', 'listen 127.0.0.1:%d;' % self.port),
                *self.change):
            text, count = re.subn(pattern, lambda found: by, text)

            if count == 0:
                raise RuntimeError('no "%s" in the configuration' % pattern)

        # templates and keys are found beside it
        self.config = self.services.path + '.test'

        with open(self.config, 'w') as file:
            file.write(text)

    def run(self, uri, body, kind='image/jpeg', **headers):
        """The last document of an upload's job."""

        answer = self.post(uri, body, kind, **headers)

        return self.finish(answer.headers['Location']) \
            if answer.status == 202 else answer.json

    def output(self, document, stage, number=0):
        return self.get(document['outputs'][stage][number]['url'])

    def stage(self, location, name):
        return stages(self.get(location).json)[name]

    def reaches(self, location, name, status='running'):
        """A stage that comes to be so: what it is then."""

        wait_for(lambda: self.stage(location, name)['status'] == status, 60)
        stage = self.stage(location, name)
        tap.is_(stage['status'], status, '"%s" is %s' % (name, status))
        return stage

    def watched(self, location):
        """The documents of a job that were seen, one by one, to its end."""

        documents = []

        while not documents or documents[-1]['finished_at'] is None:
            answer = self.get('%s?wait=10&since=%d' % (
                location, documents[-1]['revision'] if documents else 0))

            if answer.status == 200:
                documents.append(answer.json)

        return documents

    def metric(self, name, **labels):
        """The sum of the values of a metric that have these labels."""

        total = 0

        for line in self.get('/metrics').body.decode().splitlines():
            if re.match(re.escape(name) + r'[{ ]', line) and all(
                    '%s="%s"' % label in line for label in labels.items()):
                total += float(line.rpartition(' ')[2])

        return total

    def replace(self, name):
        """A service is killed under the calls that are out, and is there again
        before anybody can notice."""

        with self.paused():
            self.services.kill_service(name)
            self.services.start_service(name)

    @contextlib.contextmanager
    def paused(self):
        workers = self.workers()

        for pid in workers:
            os.kill(pid, signal.SIGSTOP)

        try:
            yield
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)

    def restart(self):
        """Stopped in the middle of its work, and started."""

        self.stop(graceful=False)
        self.start()


def stages(document):
    return {stage['name']: stage for stage in document['stages']}


def messages(documents):
    """What people were told of the stages that ran."""

    return {stage.get('message') for document in documents
            for stage in document['stages'] if stage['status'] == 'running'}
