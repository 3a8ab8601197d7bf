"""The other servers, in ../shared/peers: beside the project, not in it.

They are copied to /tmp/peers, the only place where their scripts run, and
get what they need (Debian packages, npm) when it is missing and can be had.
Without them the module is measured against the bare nginx sink alone.
"""

import os
import shutil
import subprocess

import rig

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

COPY = '/tmp/peers'
RIG = COPY + '/rig'
SPOOL = '/dev/shm/peers-%s'
PORTS = {'a': 7421, 'b': 7422, 'c': 7423, 'stub': 7410}
NAMES = {'a': 'FastAPI + Celery', 'b': 'fastify + BullMQ', 'c': 'nchan'}


def say(text):
    print('  ' + text, flush=True)


def run(command, **options):
    return subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options)


def compile_c(program, *sources):
    done = run(['gcc', '-O2', '-o', program, *sources, '-lm', '-lpthread'])

    if done.returncode:
        raise rig.Failed('%s does not compile: %s' % (program, done.stdout))

    return program


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ''


def ours(pid):
    """Does this process belong to the copy?"""

    try:
        where = os.readlink('/proc/%s/cwd' % pid)
    except OSError:
        return False

    return where.startswith(COPY) or COPY in read('/proc/%s/cmdline' % pid)


class Peer:
    """One of a, b, c; peer.sh ends only what it has started."""

    def __init__(self, name):
        self.key = name
        self.name = NAMES.get(name, name)
        self.port = PORTS[name]
        self.running = False

    def script(self, command, **env):
        done = run(['bash', RIG + '/peer.sh', command, self.key],
                   env={**os.environ, **env})

        if done.returncode:
            raise rig.Failed('%s: %s' % (self.name, done.stdout[-400:]))

        return done.stdout

    def start(self, **env):
        self.stop()
        self.clean()
        self.script('start', **env)
        self.running = True

    def stop(self):
        """Also what an earlier run left; a list from before a restart of the
        machine is of other processes, so it is looked at first."""

        path = '%s/run/%s.pids' % (COPY, self.key)

        if os.path.exists(path):
            if self.running or any(ours(pid) for pid in read(path).split()):
                self.script('stop')
            else:
                os.unlink(path)

        self.running = False

    def pids(self):
        return sorted({int(pid) for pid in self.script('pids').split()
                       if pid.isdigit()})

    def clean(self):
        """What it has been sent, deleted under it: nobody reads it."""

        for where, _, names in os.walk(SPOOL % self.key):
            for name in names:
                os.unlink(os.path.join(where, name))

    def adapter(self, kind=''):
        return '%s/adapters/%s%s.conf' % (RIG, self.key, kind)


def absent(name):
    """Why this peer cannot be measured; None when it can."""

    done = run([os.path.join(ROOT, '.ci/packages'), 'peer_' + name])

    if done.returncode:
        return done.stdout.strip()[-200:]

    if name != 'b' or os.path.exists(COPY + '/b/node_modules'):
        return None

    if not shutil.which('npm'):
        return 'npm is missing'

    say('npm install for ' + NAMES[name])

    try:
        done = run(['npm', 'install', '--no-audit', '--no-fund'],
                   cwd=COPY + '/b', timeout=600)
    except subprocess.TimeoutExpired:
        return 'npm install did not end'

    return done.stdout.strip()[-200:] if done.returncode else None


def copy(source):
    """Files that have changed, so what npm brought stays."""

    shutil.copytree(source, COPY, dirs_exist_ok=True,
                    copy_function=shutil.copy2)

    compile_c(RIG + '/ipload', RIG + '/ipload.c')
    compile_c(COPY + '/stub/stub', COPY + '/stub/stub.c')

    for name in ('run', 'logs'):
        os.makedirs(os.path.join(COPY, name), exist_ok=True)


def prepare(source, wanted):
    """({name: Peer}, {name: why not})."""

    found, lost = {}, {}

    if not os.path.isdir(source):
        return found, {name: source + ' is not there' for name in wanted}

    copy(source)

    for name in wanted:
        try:
            why = absent(name)
        except (OSError, subprocess.SubprocessError) as error:
            why = str(error)

        if why:
            lost[name] = why
            say('%s is left out: %s' % (NAMES[name], why))
        else:
            found[name] = Peer(name)

    return found, lost
