#!/usr/bin/python3

# The page and its client library in a real browser: t/browser/run.mjs says what
# is seen there, and asks for what happens to the server meanwhile.

import json
import os
import shutil
import subprocess
import tempfile
from io import BytesIO

from imgp import Model, Nginx, Process, ROOT, sample, tap

FOLDER = os.path.join(ROOT, 't/browser')
MODULES = os.path.join(ROOT, 'build/browser')

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m;
    image_pipeline_threads image;

    image_pipeline photos {
        accept        image/jpeg image/png;
        param         expand on  on|off;
        stage small   { resize 600; }
        stage cutout  { post http://%%MODEL%%/gate/photos/echo; weight 20;
                        message "cutting the subject out"; }
        stage result  { encode auto max=400; }
        outputs       cutout result;
    }

    image_pipeline hang {
        stage never   { post http://%%MODEL%%/hang; message "at it"; }
    }

    image_pipeline reload {
        stage gate    { post http://%%MODEL%%/gate/reload/echo; }
    }

    image_pipeline lost {
        stage gate    { post http://%%MODEL%%/gate/lost/echo; retry 3 1s; }
    }

    image_pipeline many {
        concurrency   20;
        stage gate    { post http://%%MODEL%%/gate/many/echo; }
    }

    image_pipeline once {
        stage once    { post http://%%MODEL%%/echo/once; }
    }

    image_pipeline refuse {
        stage first   { post http://%%MODEL%%/status/400?times=1; }
    }
"""

SERVER = """
    root  %%WWW%%;
    types { text/html html; text/css css; text/javascript js; image/jpeg jpg; }

    location /photos/ { image_pipeline_pass photos; }
    location /hang/   { image_pipeline_pass hang; }
    location /reload/ { image_pipeline_pass reload; }
    location /lost/   { image_pipeline_pass lost; }
    location /many/   { image_pipeline_pass many; }
    location /once/   { image_pipeline_pass once; }
    location /refuse/ { image_pipeline_pass refuse; }
    location /tiny/   { image_pipeline_pass once; client_max_body_size 1k; }
"""


def modules():
    """playwright-core and axe-core from npm, once; why they are missing."""

    if shutil.which('chromium') is None or shutil.which('npm') is None:
        return 'no chromium, or no npm'

    os.makedirs(MODULES, exist_ok=True)

    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(FOLDER, name), MODULES)

    with open(os.path.join(MODULES, 'package-lock.json')) as file:
        wanted = json.load(file)['packages']

    if all(version(name) == what['version']
           for name, what in wanted.items() if name):
        return None

    try:
        done = subprocess.run(
            ['npm', 'ci', '--prefix', MODULES, '--no-audit', '--no-fund',
             '--ignore-scripts'], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    except subprocess.TimeoutExpired:
        return 'npm does not come to an end'

    if done.returncode:
        tap.note(done.stdout)
        return 'playwright-core cannot be had from npm'

    return None


def version(name):
    try:
        with open(os.path.join(MODULES, name, 'package.json')) as file:
            return json.load(file)['version']
    except OSError:
        return None


def lying():
    """A photo of a phone held upright, which lies on its side by its EXIF
    orientation 6: upright, it is 600 x 800, blue on the left, red on the
    right; JPEG's own rows are red above and blue below."""

    from PIL import Image

    image = Image.new('RGB', (800, 600), (30, 60, 200))
    image.paste((200, 40, 30), (0, 0, 800, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    image.save(out, 'JPEG', quality=95, exif=exif)

    return out.getvalue()


def pages(www):
    """The page, and as /at-NAME.html that of other pipelines."""

    shutil.copytree(os.path.join(ROOT, 'conf-examples/www'), www)

    with open(os.path.join(www, 'index.html')) as file:
        text = file.read()

    for name in ('hang', 'refuse', 'reload', 'lost'):
        page = text.replace('data-pipeline="/photos/"',
                            'data-pipeline="/%s/"' % name)

        with open(os.path.join(www, 'at-%s.html' % name), 'w') as file:
            file.write(page)


class Browser(Process):

    def __init__(self, url, folder):
        self.spawn(['node', os.path.join(FOLDER, 'run.mjs')],
                   stdout=subprocess.PIPE, text=True,
                   env={**os.environ, 'BASE': url, 'FOLDER': folder,
                        'NODE_PATH': os.path.join(MODULES, 'node_modules')})

    def spawn(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE,
                                        **options)
        Process.started.append(self)

    def lines(self):
        for line in self.process.stdout:
            yield json.loads(line)

    def reply(self, value):
        self.process.stdin.write(json.dumps(value) + '\n')
        self.process.stdin.flush()


def main():
    missing = modules()

    if missing:
        tap.skip_all(missing)

    folder = tempfile.mkdtemp(prefix='browser-')
    Process.folders.append(folder)
    www = os.path.join(folder, 'www')
    pages(www)
    os.chmod(folder, 0o755)

    for name, data in (('photo.jpg', sample()), ('lying.jpg', lying())):
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(data)

    model = Model()
    nginx = Nginx(SERVER, workers=2, http=HTTP, MODEL=model.address, WWW=www)
    nginx.start()

    calls = {
        'stop': lambda: nginx.stop(graceful=False),
        'start': lambda: nginx.start() and None,
        'reload': nginx.reload,
        'open': lambda name: model.control('open/' + name, 'POST', b''),
        'calls': model.calls,
    }

    browser = Browser('http://127.0.0.1:%d' % nginx.port, folder)

    for line in browser.lines():
        if 'call' in line:
            browser.reply(calls[line['call']](*line['with']))
        elif 'note' in line:
            tap.note(line['note'])
        elif not tap.ok(line['ok'], line['name']):
            tap.diag(line['why'])

    tap.is_(browser.process.wait(), 0, 'the browser\'s script came to its end')
    tap.done()


main()
