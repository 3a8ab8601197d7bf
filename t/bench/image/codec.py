"""Thumbnails in memory: time, memory, threads.

A round measures every picture with every engine, one after the other, and
begins with another engine each time; so what disturbs this machine disturbs
all of them.  Short runs are repeated within a round, whose value is the median;
what was disturbed itself is measured again, and the shortest counts.
"""

import statistics
import time

import files
import rig
import workers

REPEAT_MS = 50        # of runs in a round, at least
REPEAT_MAX = 5
DISTURBED = 1.15      # times its CPU: the processor was taken away meanwhile
AGAIN = 1             # so often at most
ROUNDS_MIN = 3
SCALE_MS = 500
SCALED = ('01_made_422.jpg', '04_p12_exif6.jpg', '08_m3_420.jpg',
          '11_made_photo.png', '12_cut4_rgba.png')
REMEMBERED = ('ours', 'pillow', 'vips', 'sharp')


def engines_of(name, commands):
    """Each once where its variants do the same work."""

    skip = set()

    if name not in files.WRONG:
        skip.add('pillow-correct')

    if not files.class_of(name).transparent:
        skip |= {'vips-speed', 'sharp-speed'}

    return [engine for engine in commands if engine not in skip]


class Codec:

    def __init__(self, commands, pictures, rounds, seconds):
        self.commands = commands
        self.pictures = pictures
        self.rounds = rounds
        self.seconds = seconds
        self.times = {}       # (engine, name): [{wall, cpu, bytes}]
        self.memory = {}      # (engine, name): MB
        self.scaling = {}     # (engine, name): {threads: [pictures/s]}
        self.faults = []
        self.repeats = {}
        self.foreign = []

    def fault(self, what, error):
        text = '%s: %s' % (what, error)

        if text not in self.faults:
            self.faults.append(text)
            print('  ' + text, flush=True)

    def measure(self):
        running = {engine: workers.Worker(engine, command).start()
                   for engine, command in self.commands.items()}

        start = time.monotonic()

        try:
            for number in range(self.rounds):
                self.round(number, running)
                used = time.monotonic() - start

                if number + 1 >= ROUNDS_MIN \
                        and used * (number + 2) / (number + 1) > self.seconds:
                    break
        finally:
            for worker in running.values():
                worker.stop()

    def round(self, number, running):
        meter = rig.Meter(sorted(w.process.pid for w in running.values()))

        for name, picture in self.pictures.items():
            engines = engines_of(name, self.commands)
            first = number % len(engines)

            for engine in engines[first:] + engines[:first]:
                try:
                    self.cell(running[engine], picture)
                except rig.Failed as error:
                    self.fault(name, error)

        self.foreign.append(meter.stop(0)['foreign'])
        print('  round %d of %d, foreign %d %%'
              % (number + 1, self.rounds, 100 * self.foreign[-1]), flush=True)

    def cell(self, worker, picture):
        key = worker.engine, picture.name
        worker.tell('load ' + picture.path)

        if key not in self.repeats:                   # to become warm
            wall = worker.tell('run 1')['wall'][0]
            self.repeats[key] = int(min(REPEAT_MAX,
                                        max(1, REPEAT_MS / wall + 0.5)))

        found = []

        while len(found) <= AGAIN:
            told = worker.tell('run %d' % self.repeats[key])
            found.append({'wall': statistics.median(told['wall']),
                          'cpu': statistics.median(told['cpu']),
                          'bytes': told['bytes']})

            if found[-1]['wall'] <= DISTURBED * found[-1]['cpu']:
                break

        self.times.setdefault(key, []).append(
            min(found, key=lambda run: run['wall']))

    # a process that has made one picture

    def remember(self, names):
        for name in names:
            for engine in REMEMBERED:
                if engine in self.commands:
                    try:
                        self.memory[engine, name] = self.used(engine, name)
                    except rig.Failed as error:
                        self.fault(name, error)

    def used(self, engine, name):
        with workers.Worker(engine, self.commands[engine]) as worker:
            worker.tell('load ' + self.pictures[name].path)
            worker.tell('run 1')

            return worker.tell('memory')['kb'] / 1024

    # several pictures at once

    def scale(self, names, rounds):
        for _ in range(rounds):
            for name in names:
                for engine in ('ours', 'vips', 'sharp'):
                    if (engine, name) in self.times:
                        try:
                            self.scale_cell(engine, name)
                        except rig.Failed as error:
                            self.fault(name, error)

    def scale_cell(self, engine, name):
        wall = statistics.median(
            run['wall'] for run in self.times[engine, name])
        each = int(max(2, SCALE_MS / wall))
        found = self.scaling.setdefault((engine, name), {1: [], 2: []})

        with workers.Worker(engine, self.commands[engine]) as worker:
            worker.tell('load ' + self.pictures[name].path)
            worker.tell('run 1')

            for threads in (1, 2):
                wall = worker.tell('threads %d %d' % (threads, each))['wall']
                found[threads].append(1e3 * threads * each / wall[0])
