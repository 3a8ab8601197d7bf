"""What was measured, as tables and against the targets.

A cell is the median of its rounds; a ratio is taken within each round and the
median of those is told, with the lowest and the highest.  Runs in which the
rest of the machine took more than FOREIGN_MAX are left out where the same cell
has cleaner ones; "n" tells how many were kept, and a "!" that none was clean.
"""

import collections
import json
import os
import statistics

import rig

UPLOAD_COLUMNS = (('rps', 'requests/s'), ('p50', 'p50 ms'), ('p99', 'p99 ms'),
                  ('cpu_ms', 'CPU ms each'), ('mb_s', 'MB/s'),
                  ('kernel', 'kernel %'))

COLUMNS = {
    'upload': UPLOAD_COLUMNS,
    'mixed': UPLOAD_COLUMNS,
    'hit': UPLOAD_COLUMNS,
    'jobs': (('rps', 'jobs/s'), ('p50', 'p50 ms'), ('p99', 'p99 ms'),
             ('cpu_ms', 'CPU ms each')),
    'hold': (('before_mb', 'MB before'), ('held_mb', 'MB held'),
             ('kb_each', 'KB each'), ('hold_cpu', 'CPU % of a core'),
             ('p50', 'told p50 ms'), ('p99', 'told p99 ms'),
             ('cancel_p50', 'DELETE p50 ms'), ('cancel_p99', 'p99 ms')),
    'idle': (('mb', 'MB'), ('processes', 'processes'),
             ('idle_cpu', 'CPU % of a core')),
}

TITLES = {
    'upload': 'Accepted uploads, no work being done (1-5)',
    'mixed': 'Accepted uploads while the stages want every processor (6)',
    'hit': 'Known documents, results and uploads (7-9)',
    'jobs': 'Jobs to their end (10-12)',
    'hold': 'Long-polls held (14-16)',
    'idle': 'Idle (17)',
}

PERCENT = ('kernel', 'hold_cpu', 'idle_cpu')
HIGHER, LOWER = 'at least', 'at most'


class Target:
    """A figure of the module's, or its ratio to another's of the same cell
    (or of another cell)."""

    def __init__(self, number, text, figure, cell, field, bound, sense=HIGHER,
                 peer=None, peer_cell=None, wish=None):
        self.number = number
        self.text = text
        self.figure = figure
        self.cell = cell
        self.field = field
        self.bound = bound
        self.sense = sense
        self.peer = peer
        self.peer_cell = peer_cell or cell
        self.wish = wish


def up(number, text, cell, bound, peer, peer_cell=None, **more):
    return Target(number, text, 'upload', cell, 'rps', bound, peer=peer,
                  peer_cell=peer_cell, **more)


OWN = 'the variant itself'

TARGETS = (
    up('1', '100 KB raw, c=16: times a, form', '100k raw c=16', 5, 'a',
       '100k form c=16', wish=8),
    up('1', '... times a, raw', '100k raw c=16', 3.5, 'a'),
    up('1', '... times b, raw', '100k raw c=16', 2.3, 'b'),
    up('1', '... of the file sink (tmpfs)', '100k raw c=16', 0.5,
       'sink, tmpfs'),
    up('1', '... of the file sink (disk)', '100k raw c=16', 0.5, 'sink, disk'),
    up('2', '10 KB raw, c=16: times a, form', '10k raw c=16', 7, 'a',
       '10k form c=16', wish=20),
    up('2', '... times b, raw', '10k raw c=16', 3, 'b'),
    up('3', '100 KB form, c=16: of its own raw rate', '100k form c=16', 0.85,
       OWN, '100k raw c=16', wish=0.95),
    Target('4', '100 KB raw, c=1: p50 of that of a, form', 'upload',
           '100k raw c=1', 'p50', 0.25, LOWER, 'a', '100k form c=1'),
    Target('4', '... of that of b, form', 'upload', '100k raw c=1', 'p50',
           0.25, LOWER, 'b', '100k form c=1'),
    Target('4', '100 KB raw, c=16: p99 ms', 'upload', '100k raw c=16', 'p99',
           6, LOWER),
    up('5', '1 MB raw, c=16: of the file sink (tmpfs)', '1m raw c=16', 0.5,
       'sink, tmpfs', wish=0.75),
    up('5', '... of the file sink (disk)', '1m raw c=16', 0.5, 'sink, disk'),
    up('5', '8 MB raw, c=16: of the file sink (tmpfs)', '8m raw c=16', 0.5,
       'sink, tmpfs', wish=0.75),
    up('5', '... of the file sink (disk)', '8m raw c=16', 0.5, 'sink, disk'),
    Target('6', 'accepted beside the work, c=16: times a', 'mixed',
           '100k c=16', 'rps', 4, peer='a'),
    Target('6', '... p99 ms', 'mixed', '100k c=16', 'p99', 20, LOWER,
           wish=10),
    Target('7', 'GET a document, c=16: of nginx static', 'hit',
           'GET document c=16', 'rps', 1 / 1.3, peer='nginx static',
           wish=1 / 1.1),
    Target('8', 'GET a result, c=16: of nginx static', 'hit',
           'GET result c=16', 'rps', 1 / 1.3, peer='nginx static',
           wish=1 / 1.1),
    Target('9', 'known upload, result bytes back, c=16: times a, form', 'hit',
           'again raw, bytes c=16', 'rps', 3, peer='a',
           peer_cell='again form c=16', wish=4),
    Target('9', '... times a, raw', 'hit', 'again raw, bytes c=16', 'rps',
           1.5, peer='a', peer_cell='again raw c=16'),
    Target('10', 'LIGHT, c=64: CPU ms a job', 'jobs', 'light 100k c=64',
           'cpu_ms', 0.5, LOWER, wish=0.25),
    Target('10', '... in one request (Prefer: wait)', 'jobs',
           'light 100k c=64 one request', 'cpu_ms', 0.5, LOWER, wish=0.25),
    Target('11', 'LIGHT, c=64: jobs/s', 'jobs', 'light 100k c=64', 'rps',
           1100, wish=1216),
    Target('11', 'LIGHT, c=256: jobs/s', 'jobs', 'light 100k c=256', 'rps',
           3500, wish=4864),
    Target('12', 'full, 100 KB, c=32: times b', 'jobs', 'full 100k c=32',
           'rps', 1.2, peer='b', wish=1.4),
    Target('12', '... times a', 'jobs', 'full 100k c=32', 'rps', 1.8,
           peer='a'),
    Target('12', 'full, 1 MB, c=16: times b', 'jobs', 'full 1m c=16', 'rps',
           1.2, peer='b', wish=1.4),
    Target('12', '... times a', 'jobs', 'full 1m c=16', 'rps', 1.8,
           peer='a'),
    Target('14', 'told, few held: p50 ms', 'hold', '500 held', 'p50', 0.2,
           LOWER, wish=0.08),
    Target('14', '... p99 ms', 'hold', '500 held', 'p99', 2, LOWER,
           wish=0.14),
    Target('14', '... p50 of that of nchan', 'hold', '500 held', 'p50', 2,
           LOWER, 'c', wish=1),
    Target('14', 'told, 10,000 held: p50 ms', 'hold', '10000 held', 'p50',
           0.2, LOWER, wish=0.09),
    Target('14', '... p99 ms', 'hold', '10000 held', 'p99', 2, LOWER),
    Target('14', '... p50 of that of nchan', 'hold', '10000 held', 'p50', 2,
           LOWER, 'c', wish=1),
    Target('15', '10,000 held: KB each', 'hold', '10000 held', 'kb_each', 9.6,
           LOWER, wish=6.5),
    Target('15', '... with small pools', 'hold', '10000 held, small pools',
           'kb_each', 9.6, LOWER, wish=6.5),
    Target('16', 'CPU while holding 10,000, share of a core', 'hold',
           '10000 held', 'hold_cpu', 0.01, LOWER, wish=0),
    Target('17', 'idle: MB', 'idle', 'memory', 'mb', 30, LOWER, wish=25),
)


def number(value):
    if value is None:
        return '-'

    for least, form in ((100, '%.0f'), (10, '%.1f'), (1, '%.2f')):
        if abs(value) >= least:
            return form % value

    return '%.3f' % value


def kept(records):
    """The clean ones, or all; and whether they are clean."""

    clean = [r for r in records if r['foreign'] <= rig.FOREIGN_MAX]

    return (clean or records), bool(clean)


class Table:
    """All records, to be asked for medians and ratios."""

    def __init__(self, records):
        self.cells = collections.OrderedDict()

        for record in records:
            key = record['figure'], record['cell'], record['who']
            self.cells.setdefault(key, []).append(record)

    def runs(self, figure, cell, who, field):
        """{round: value}, and whether they are clean."""

        records, clean = kept(self.cells.get((figure, cell, who), []))

        return {r['round']: r[field] for r in records
                if r.get(field) is not None}, clean

    def value(self, target, who):
        """(median, lowest, highest, clean), or None."""

        ours, clean = self.runs(target.figure, target.cell, who, target.field)
        values = list(ours.values())

        if target.peer:
            theirs, calm = self.runs(
                target.figure, target.peer_cell,
                who if target.peer == OWN else target.peer, target.field)
            values = [ours[n] / theirs[n] for n in ours if theirs.get(n)]

            # no round in which both were clean: the medians will have to do
            if not values and ours and theirs:
                values = [statistics.median(ours.values())
                          / statistics.median(theirs.values())]
                clean = False

            clean = clean and calm

        if not values:
            return None

        return statistics.median(values), min(values), max(values), clean


def line(cells):
    return '| ' + ' | '.join(cells) + ' |'


def head(names):
    return [line(names), '|' + '---|' * len(names)]


def figure_table(table, figure):
    columns = COLUMNS[figure]
    lines = head(['cell', 'who', *(title for _, title in columns), 'n',
                  'foreign %', 'errors'])

    for (of, cell, who), records in table.cells.items():
        if of != figure:
            continue

        records, clean = kept(records)
        lines.append(line([cell, who,
                           *(column(records, name) for name, _ in columns),
                           '%d%s' % (len(records), '' if clean else ' !'),
                           number(100 * max(r['foreign'] for r in records)),
                           str(sum(r.get('errors', 0) for r in records))]))

    return lines


def column(records, name):
    values = [r[name] for r in records if r.get(name) is not None]

    if not values:
        return '-'

    scale = 100 if name in PERCENT else 1
    text = number(scale * statistics.median(values))

    if name == 'rps' and len(values) > 1:
        text += ' [%s..%s]' % (number(min(values)), number(max(values)))

    return text


def verdict(target, found):
    """met, met and more, or short of it"""

    if found is None:
        return '-'

    value, low, high, clean = found
    good = (value >= target.bound if target.sense == HIGHER
            else value <= target.bound)
    text = number(value)

    if low != high:
        text += ' [%s..%s]' % (number(low), number(high))

    return text + (' ok' if good else ' **short**') + ('' if clean else ' !')


def target_table(table, variants):
    lines = head(['#', 'figure', 'target', *variants])

    for target in TARGETS:
        whos = ['module' if target.figure == 'idle' else who
                for who in variants]
        found = [table.value(target, who) for who in whos]

        if not any(found):
            continue

        goal = '%s %s' % (target.sense, number(target.bound))

        if target.wish is not None:
            goal += ' (wish %s)' % number(target.wish)

        lines.append(line([target.number, target.text, goal,
                           *(verdict(target, f) for f in found)]))

    return lines


def notes(about):
    """What a reader has to know to believe it, or not."""

    lines = ['%s; %s; %d processors; Linux %s; %s; commit %s.'
             % (about['date'], about['cpu'], about['cpus'], about['kernel'],
                about['nginx'], about['commit']),
             '',
             'Load client: %s. Model service: %s. %d round%s of %g s a cell. '
             'The store is on %s; "tmpfs" is /dev/shm, where the peers keep '
             'their files as well.'
             % (about['client'], about['model'], about['rounds'],
                '' if about['rounds'] == 1 else 's', about['seconds'],
                about['disk'])]

    for name, why in about['absent'].items():
        lines += ['', 'Peer %s is not measured: %s.' % (name, why)]

    return lines + ['', *EXPLAINED]


EXPLAINED = """\
- Server, client and model service share the processors: rates understate what \
a server alone could do; "CPU ms each" (all processes and threads of the \
server, divided by the requests) is the steadier figure.
- "kernel" is the share of both processors that the kernel's own threads took \
meanwhile (writing back what was stored, its journal).
- a: FastAPI + Celery + Redis; b: fastify + BullMQ + Redis; c: nchan. Their \
files lie in tmpfs and are never synced. The sink writes the body to a file, \
syncs nothing, hashes nothing, and deletes it.
- Accepted uploads: the peers' workers do not run; the module's pipeline has \
"concurrency 1" and a model service that answers after 10 minutes, so one job \
runs and every other stays in the queue. Nothing else is left out: body to \
disk, SHA-256, type and size, job record in the journal, slot in the zone.
- Full jobs run with "cache off": the uploads differ in a comment only, so \
their thumbnails are equal, and with the cache the module would ask the \
model service once for each of the few pictures.
- Jobs of the module are followed by long-polling (several requests a job), \
those of the peers by SSE; "one request" is POST with "Prefer: wait".
- Told: from a service's answer of 500, for which a stage will be tried \
again, to the answer of the long-poll that was held for that job. nchan: \
likewise from the publisher's request. DELETE: a job's end, stored before \
anybody is told of it.
- "!": the rest of the machine took more than 15 % in every run of that cell.\
""".splitlines()


def markdown(about, records, faults, variants):
    table = Table(records)
    lines = ['# make bench', '', *notes(about), '', '## Targets', '',
             *target_table(table, variants), '']

    for figure, title in TITLES.items():
        if any(key[0] == figure for key in table.cells):
            lines += ['## ' + title, '', *figure_table(table, figure), '']

    if faults:
        lines += ['## Not measured', '', *('- ' + f for f in faults), '']

    return '\n'.join(lines)


def write(folder, about, records, faults, variants):
    text = markdown(about, records, faults, variants)

    with open(os.path.join(folder, 'bench.md'), 'w') as file:
        file.write(text)

    with open(os.path.join(folder, 'bench.json'), 'w') as file:
        json.dump({'about': about, 'faults': faults, 'records': records},
                  file, indent=1)

    return text
