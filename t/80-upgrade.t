#!/usr/bin/env python3

# The binary is upgraded while uploads arrive, jobs run and clients wait (F22
# of the table in notes/style-reliability.md): two masters, two zones and one
# store.  First it is taken back, then it is brought to its end.  Every job ends
# once, its services are called once, nobody who waits loses his connection.

import contextlib
import os
import signal
import threading
import time

import imgp
import trial as trials
from imgp import SLOW, parallel, tap, wait_for
from trial import Load, Trial, ended, pictures

JOBS = 300
DONE = ('succeeded', 'failed', 'canceled')


class Stranger:
    """A process that is not a child of this one, as Popen shows its own."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        with contextlib.suppress(OSError):
            with open('/proc/%d/stat' % self.pid) as file:
                if file.read().rpartition(')')[2].split()[0] != 'Z':
                    return None

        return 0

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=10):
        wait_for(lambda: self.poll() is not None, timeout / SLOW)
        return self.poll()

    def kill(self):
        self.send_signal(signal.SIGKILL)


class Daemon(imgp.Nginx):
    """nginx upgrades itself only as a daemon."""

    def write_config(self, *arguments):
        super().write_config(*arguments)

        with open(self.config) as file:
            text = file.read()

        with open(self.config, 'w') as file:
            file.write(text.replace('daemon off;', 'env ASAN_OPTIONS;\n'
                                    'env UBSAN_OPTIONS;'))

    def spawn(self, command, **options):
        imgp.subprocess.run(command, stdin=imgp.subprocess.DEVNULL,
                            check=True, **options)
        self.process = wait_for(self.master)
        imgp.Process.started.append(self)

    def master(self):
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(self.dir, 'nginx.pid')) as file:
                return Stranger(int(file.read()))

        return None

    def upgrade(self):
        """The master of the new binary, when its workers are there."""

        old = self.process
        old.send_signal(signal.SIGUSR2)

        def begun():
            self.process = self.master() or old
            return self.process.pid != old.pid and self.ready()

        if not wait_for(begun, 60):
            raise RuntimeError('no new master after USR2')

        return self.process

    def workers_of(self, master):
        self.process, mine = master, self.process
        found = [pid for pid, title in self.children().items()
                 if 'worker' in title]
        self.process = mine
        return found


trials.Nginx = Daemon
trial = Trial(ms=150, workers=2)
nginx = trial.nginx
trial.warm()
before = trial.held()
trial.model.forget()
load = Load(nginx, '/p/', pictures(JOBS), rate=30, timeout=120)
trouble, polls = [], [0]


def watch(n):
    """Waits for one job after the other, as a browser does."""

    for n in range(n, JOBS, 8):
        revision = 0
        wait_for(lambda: len(load.accepted) > n or not load.running, 30)

        if n >= len(load.accepted):
            return

        while True:
            try:
                answer = nginx.get('%s?wait=20&since=%d' % (load.accepted[n],
                                                            revision))
            except Exception as error:
                trouble.append(repr(error))
                break

            polls[0] += 1

            if answer.status == 204:
                continue

            if answer.status != 200:
                trouble.append(repr(answer))
                break

            revision = answer.json['revision']

            if answer.json['status'] in DONE:
                break


watchers = [threading.Thread(target=watch, args=(n,), daemon=True)
            for n in range(8)]

for watcher in watchers:
    watcher.start()


def accepted_more(count):
    """Both take uploads, and run jobs."""

    goal = min(len(load.accepted) + count, JOBS)
    wait_for(lambda: len(load.accepted) >= goal, 30)


def quiet(master, number, name):
    """Its workers end what they run, and go."""

    begun = time.monotonic()
    master.send_signal(number)
    gone = wait_for(lambda: not nginx.workers_of(master), 40)
    tap.ok(gone and time.monotonic() - begun < 30 * SLOW,
           '%s are gone after %.1f s' % (name, time.monotonic() - begun))


accepted_more(30)
old = nginx.process
new = nginx.upgrade()
tap.is_((old.poll(), new.poll()), (None, None), 'two masters at once')
accepted_more(50)
quiet(old, signal.SIGWINCH, 'the old workers')
accepted_more(30)

# taken back

nginx.process = old
old.send_signal(signal.SIGHUP)
tap.ok(wait_for(lambda: len(nginx.workers()) == 2), 'the old ones are back')
accepted_more(30)
quiet(new, signal.SIGQUIT, 'the new workers')
tap.is_(new.wait(40), 0, 'and so is the new master')
accepted_more(30)

# and now to its end

new = nginx.upgrade()
accepted_more(30)
quiet(old, signal.SIGQUIT, 'the old workers')
tap.is_(old.wait(40), 0, 'and so is the old master')
load.join()

for watcher in watchers:
    watcher.join()

tap.is_(trouble[:5], [], '%d polls were all answered' % polls[0])
tap.is_(load.broken, 0, 'and so was every upload')
docs = {doc['id']: doc for doc in trial.check(load)}
trial.check_calls(JOBS, 0)
time.sleep(2)
again = parallel(lambda job: ended(nginx, job)[0], load.accepted)
tap.is_([doc for doc in again if doc != docs[doc['id']]], [],
        'no job has ended twice')
trial.check_left(before)
tap.done()
