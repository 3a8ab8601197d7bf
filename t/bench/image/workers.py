"""The programs that make a thumbnail, ours and the others', each a process that
does what it is told (worker.h).  What is not there is left out, and said so.
"""

import json
import os
import shutil
import subprocess

import peers
import rig

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PYTHON = '/usr/bin/python3'           # Debian's, which python3-pil is for
SHARP = 'sharp@0.35.5'
OP = ('encode', 'auto', 'max=1024', 'quality=85')

TITLES = {
    'ours': 'this module',
    'pillow': 'Pillow, as the teams ran it',
    'pillow-correct': 'Pillow, made right',
    'vips': 'libvips',
    'vips-speed': 'libvips, its own PNG settings',
    'sharp': 'sharp',
    'sharp-speed': 'sharp, its own PNG settings',
}


class Worker:
    """One process.  Its answers are waited for without a limit: whoever hangs
    is seen, and ended by an interrupt."""

    def __init__(self, engine, command):
        self.engine = engine
        self.command = command
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

        return self

    def tell(self, text):
        self.process.stdin.write(text + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {'error': 'it has ended'}

        if 'error' in answer:
            raise rig.Failed('%s: %s: %s' % (self.engine, text,
                                             answer['error']))

        return answer

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def ours():
    return [os.path.join(os.environ['IMGP_BUILD'], 'bench/work'), *OP]


def needs(purpose):
    done = peers.run([os.path.join(ROOT, '.ci/packages'), purpose])

    if done.returncode:
        raise rig.Failed(done.stdout.strip()[-200:])


def vips(folder):
    """The program, compiled."""

    needs('peer_vips')

    flags = peers.run(['pkg-config', '--cflags', '--libs', 'vips'])
    program = os.path.join(folder, 'work_vips')

    peers.compile_c(program, '-std=gnu11', os.path.join(HERE, 'work_vips.c'),
                    *flags.stdout.split())

    return program


def sharp(folder):
    """The folder with its node_modules; from the npm registry, once."""

    where = os.path.join(folder, 'npm')

    if not shutil.which('node') or not shutil.which('npm'):
        raise rig.Failed('node or npm is missing')

    if not os.path.isdir(os.path.join(where, 'node_modules/sharp')):
        os.makedirs(where, exist_ok=True)
        peers.say('npm install ' + SHARP)
        done = peers.run(['npm', 'install', '--no-audit', '--no-fund',
                          '--prefix', where, SHARP], cwd=where, timeout=300)

        if done.returncode:
            raise rig.Failed(done.stdout.strip()[-200:])

    return where


def commands(folder):
    """({engine: command}, {peer: why not})."""

    script = [PYTHON, '-B', os.path.join(HERE, 'work_pillow.py')]
    found = {'ours': ours(), 'pillow': [*script, 'teams'],
             'pillow-correct': [*script, 'correct']}
    absent = {}

    try:
        program = vips(folder)
        found['vips'] = [program, 'size']
        found['vips-speed'] = [program, 'speed']
    except (rig.Failed, OSError) as error:
        absent['libvips'] = str(error)

    try:
        script = ['node', os.path.join(HERE, 'work_sharp.js'), sharp(folder)]
        found['sharp'] = [*script, 'size']
        found['sharp-speed'] = [*script, 'speed']
    except (rig.Failed, OSError, subprocess.SubprocessError) as error:
        absent['sharp'] = str(error)

    return found, absent


def versions(folder, found):
    """{title: text}."""

    asked = {'Pillow': [PYTHON, '-c', 'import PIL; print(PIL.__version__)']}

    if 'vips' in found:
        asked['libvips'] = ['pkg-config', '--modversion', 'vips']

    if 'sharp' in found:
        asked['sharp'] = ['node', '-p', 'var v = require("%s/npm/node_modules'
                          '/sharp").versions; v.sharp + " (libvips " + v.vips '
                          '+ ")"' % folder]

    return {name: peers.run(command).stdout.strip()
            for name, command in asked.items()}
