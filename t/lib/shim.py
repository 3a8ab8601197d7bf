"""Pages that tests share with the LD_PRELOAD shims of t/fakes/: calls of the
store that fail (faults.c), a wall clock that jumps (clock.c).

    faults = Faults(nginx)           # before nginx.start()
    faults.arm('write', when=3, error=errno.ENOSPC)
    ...
    faults.disarm()                  # faults.hits, faults.call; ends a HOLD
"""

import mmap
import os
import struct
import subprocess

from imgp import ROOT

KINDS = {name: 1 << n for n, name in enumerate(
    ('open', 'read', 'write', 'sync', 'close', 'rename', 'unlink', 'mkdir',
     'stat', 'times', 'map', 'malloc'))}
FILES = sum(KINDS.values()) - KINDS['malloc']
FAIL, SHORT, KILL, HOLD = 1, 2, 3, 4

# faults_t of faults.c

HEAD = '5I'
COUNT = struct.calcsize(HEAD)
PATH = COUNT + 8
CALL = PATH + 256
SIZE = CALL + 96


def asan():
    return os.environ.get('BUILD') == 'asan'


def preload(nginx, name, variable, page):
    """The shim, and its page, for what "nginx" starts from now on."""

    base = os.environ.get('IMGP_BUILD') or os.path.join(ROOT, 'build/release')
    shims = [os.path.join(base, 'fakes', name + '.so')]

    if asan():
        # the sanitizer's own library insists on being the first
        shims.insert(0, subprocess.run(
            ['gcc', '-print-file-name=libasan.so'], check=True, text=True,
            stdout=subprocess.PIPE).stdout.strip())

    nginx.env = dict(os.environ, LD_PRELOAD=' '.join(shims))
    nginx.env[variable] = page


def shared(nginx, name, size):
    path = os.path.join(nginx.dir, name)

    with open(path, 'w+b') as file:
        file.truncate(size)
        return path, mmap.mmap(file.fileno(), size)


class Faults:

    def __init__(self, nginx):
        path, self.page = shared(nginx, 'faults', SIZE)
        store = nginx.store.encode() + b'/'
        self.page[PATH:PATH + len(store)] = store
        preload(nginx, 'faults', 'IMGP_FAULTS', path)

    def arm(self, mask, action=FAIL, when=1, every=0, error=0):
        """mask: bits, or names of KINDS"""

        if isinstance(mask, str):
            mask = sum(KINDS[name] for name in mask.split())

        self.disarm()
        self.page[COUNT:PATH] = bytes(8)
        self.page[CALL:SIZE] = bytes(96)
        self.page[:COUNT] = struct.pack(HEAD, mask, action, error, when, every)

    def watch(self, mask=FILES):
        """Counts, and harms nobody."""

        self.arm(mask, when=0)

    def disarm(self):
        self.page[:4] = bytes(4)

    def number(self, n):
        return struct.unpack_from('I', self.page, COUNT + 4 * n)[0]

    @property
    def count(self):
        return self.number(0)

    @property
    def hits(self):
        return self.number(1)

    @property
    def call(self):
        """'write', 'open tmp/...'"""

        return self.page[CALL:SIZE].partition(b'\0')[0].decode()


class Clock:

    def __init__(self, nginx):
        path, self.page = shared(nginx, 'clock', 8)
        preload(nginx, 'clock', 'IMGP_CLOCK', path)

    def set(self, seconds):
        """How far it is off from now on."""

        self.page[:8] = struct.pack('q', seconds)
