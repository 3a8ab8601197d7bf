#!/usr/bin/env python3

"""make demo: a private nginx with conf-examples/minimal.conf, extended by one
real model service (conf-examples/services/rembg.py), and one photograph sent
through it.  Then a page stays up until Ctrl-C, which ends all of it.

    PHOTO=picture.jpg make demo     another picture
    DEMO_EXIT=1 make demo           ends by itself once the picture is through
"""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, 't/lib'))

from imgp import Client, Process, free_port, wait_for    # noqa: E402

EXAMPLES = os.path.join(ROOT, 'conf-examples')
SAMPLE = os.path.join(EXAMPLES, 'www/sample.jpg')
WAIT = 25
WIDTH = 30

# Debian's OpenCV belongs to Debian's Python, whatever else is on the PATH

PYTHON = '/usr/bin/python3'

CUTOUT = """
        stage cutout {
            post     http://127.0.0.1:%d/api/remove;
            send     multipart file;
            message  "cutting the subject out of its background";
            timeout  60s;
            retry    2 1s;
            weight   20;
        }
"""

PAGE = """
        location / {
            root   %s/www;
            index  index.html;
            types  { text/html html; text/css css; text/javascript js;
                     image/jpeg jpg; }
        }
"""


def extended(folder, port, service):
    """minimal.conf with everything private, a stage more, and the page."""

    with open(os.path.join(EXAMPLES, 'minimal.conf')) as file:
        text = file.read()

    temp = '\n'.join('    %s_temp_path %s/%s_temp;' % (kind, folder, kind)
                     for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi',
                                  'scgi'))

    for pattern, by in (
            (r'load_module .*;', 'load_module %s;' % os.environ['IMGP_MODULE']),
            (r'worker_processes auto;', 'worker_processes 2;'),
            (r'/var/lib/nginx/image-pipeline', folder + '/store'),
            (r'http \{', 'http {\n    access_log off;\n%s\n' % temp),
            (r'listen 8080;', 'listen 127.0.0.1:%d;\n%s'
                              % (port, PAGE % folder)),
            (r'(stage small .*)', r'\1\n' + CUTOUT % service),
            (r'stage result \{ ', 'stage result { from cutout; ')):
        text, count = re.subn(pattern, by, text)

        if count != 1:
            sys.exit('demo: minimal.conf has %d times "%s"' % (count, pattern))

    # the picture without its background is a result as well
    return text.replace('stage result {',
                        'outputs      cutout result;\n        stage result {')


class Nginx(Process):

    def __init__(self, folder, service):
        self.port = free_port()
        self.log = os.path.join(folder, 'error.log')
        config = os.path.join(folder, 'nginx.conf')

        # workers of a root's nginx may not read where this project lies
        shutil.copytree(os.path.join(EXAMPLES, 'www'),
                        os.path.join(folder, 'www'))

        with open(config, 'w') as file:
            file.write(extended(folder, self.port, service))

        self.spawn([os.environ['IMGP_NGINX'], '-p', folder, '-c', config,
                    '-e', self.log, '-g',
                    'daemon off; pid %s/nginx.pid; error_log %s;'
                    % (folder, self.log)], stderr=subprocess.DEVNULL)

        if not wait_for(self.ready):
            self.explain()

    def ready(self):
        if self.process.poll() is not None:
            self.explain()

        try:
            with Client(self.port) as client:
                return client.get('/').status == 200
        except OSError:
            return False

    def explain(self):
        with open(self.log) as file:
            sys.exit('demo: nginx does not run\n' + file.read())


class Service(Process):

    def __init__(self):
        self.spawn([PYTHON, os.path.join(EXAMPLES, 'services/rembg.py'),
                    '--port', '0', '--quiet'],
                   stdout=subprocess.PIPE, text=True,
                   env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'})
        line = self.process.stdout.readline()

        if not line:
            sys.exit('demo: the service did not start (python3-opencv?)')

        self.port = int(line)


class Bar:
    """One line that is drawn again in a terminal, a line each elsewhere."""

    def __init__(self):
        self.live = sys.stdout.isatty()
        self.last = None

    def show(self, document):
        done = WIDTH * document['progress'] // 100
        eta = document.get('eta_ms')
        line = '  [%s%s] %3d %%  %s' % (
            '#' * done, '.' * (WIDTH - done), document['progress'],
            doing(document))

        if eta and document['status'] == 'running':
            line += ', %.1f s left' % (eta / 1000)

        if self.live:
            print('\r\033[K' + line, end='', flush=True)
        elif line != self.last:
            print(line, flush=True)

        self.last = line

    def end(self):
        if self.live:
            print()


def doing(document):
    for stage in document['stages']:
        if stage['status'] in ('running', 'retrying'):
            return '%s: %s' % (stage['name'],
                               stage.get('message') or stage['status'])

    return document['status']


def send(client, photo):
    with open(photo, 'rb') as file:
        body = file.read()

    kind = 'image/png' if body.startswith(b'\x89PNG') else 'image/jpeg'
    print('POST /photos/ with %s, %d bytes' % (os.path.basename(photo),
                                               len(body)))
    start = time.monotonic()
    answer = client.request('POST', '/photos/', body, {'Content-Type': kind})

    print('  %d %s after %d ms' % (answer.status, answer.reason,
                                   1000 * (time.monotonic() - start)))

    if answer.status not in (200, 202):
        sys.exit('demo: %s' % answer.body.decode(errors='replace'))

    print('  Location: %s\n' % answer.headers['Location'])

    return answer.headers['Location'], answer.json


def watch(client, location, document):
    """Long-polls to the end of the job; its last document."""

    bar = Bar()
    bar.show(document)

    while document['status'] in ('queued', 'running'):
        answer = client.get('%s?wait=%d&since=%d'
                            % (location, WAIT, document['revision']))

        if answer.status == 200:
            document = answer.json
            bar.show(document)
        elif answer.status != 204:
            sys.exit('demo: %r' % answer)

    bar.end()

    return document


def report(client, base, document):
    print()

    for stage in document['stages']:
        print('  %-8s %-10s %6s ms' % (stage['name'], stage['status'],
                                      stage.get('run_ms', '-')))

    if document['status'] != 'succeeded':
        sys.exit('demo: the job %s: %s' % (document['status'],
                                           document['error']))

    print()

    for outputs in document['outputs'].values():
        for output in outputs:
            answer = client.get(output['url'])

            if answer.status != 200 or len(answer.body) != output['bytes']:
                sys.exit('demo: %s: %r' % (output['url'], answer))

            print('  %s%s  %s, %dx%d, %d bytes'
                  % (base, output['url'], output['type'], output['width'],
                     output['height'], output['bytes']))


def main():
    if not os.environ.get('IMGP_MODULE'):
        sys.exit('demo: run "make demo"')

    folder = tempfile.mkdtemp(prefix='imgp-demo-')
    os.chmod(folder, 0o755)
    Process.folders.append(folder)

    service = Service()
    nginx = Nginx(folder, service.port)
    base = 'http://127.0.0.1:%d' % nginx.port

    print('nginx (2 workers) and a background remover (OpenCV GrabCut) run;')
    print('configuration: %s/nginx.conf\n' % folder)

    with Client(nginx.port) as client:
        location, document = send(client, os.environ.get('PHOTO') or SAMPLE)
        document = watch(client, location, document)
        report(client, base, document)

    print('\nthe page, to try it with your own pictures:\n\n  %s/#%s\n'
          % (base, document['id']), flush=True)

    if os.environ.get('DEMO_EXIT'):
        return

    print('Ctrl-C ends it.', flush=True)
    signal.signal(signal.SIGINT, lambda *ignored: sys.exit(0))
    signal.signal(signal.SIGTERM, lambda *ignored: sys.exit(0))

    while nginx.process.poll() is None:
        time.sleep(0.5)

    nginx.explain()


if __name__ == '__main__':
    try:
        main()
    except (OSError, http.client.HTTPException) as error:
        sys.exit('demo: %s' % error)
