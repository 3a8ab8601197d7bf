"""Debian's chromium for tests: playwright-core and axe-core from npm, and a
script of t/browser/ that says what it sees and asks for what happens to the
server meanwhile (t/browser/harness.mjs)."""

import json
import os
import shutil
import subprocess

from imgp import Process, ROOT, tap

FOLDER = os.path.join(ROOT, 't/browser')
MODULES = os.path.join(ROOT, 'build/browser')


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


class Browser(Process):

    def __init__(self, url, folder, script='run.mjs'):
        self.spawn(['node', os.path.join(FOLDER, script)],
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

    def see(self, calls):
        """What it sees becomes tests; what it asks for is done."""

        for line in self.lines():
            if 'call' in line:
                self.reply(calls[line['call']](*line['with']))
            elif 'note' in line:
                tap.note(line['note'])
            elif not tap.ok(line['ok'], line['name']):
                tap.diag(line['why'])

        tap.is_(self.process.wait(), 0,
                'the browser\'s script came to its end')
