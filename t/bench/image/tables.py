"""What was measured, as tables and against the targets, and the README's part
of it.

Times are medians of the rounds.  A ratio is taken within each round, so that
what disturbed one round disturbs both of its sides; the median of those counts,
and a class is as fast as the slowest of its pictures.
"""

import statistics

import files
import report
import rig
import workers

PEERS = ('pillow', 'vips', 'sharp')
FILTER = 'nginx image_filter'
BUSY = ('**That is too busy for wall times: only the ratios of CPU tell '
        'something.**')
BEGIN, END = '<!-- images: begin -->', '<!-- images: end -->'


def median(runs, field):
    return statistics.median(run[field] for run in runs) if runs else None


def candidates(of, peer):
    """The engines of which the faster one stands for a peer."""

    if peer == 'pillow':
        return (of.pillow,)

    return (peer, peer + '-speed') if of.transparent else (peer,)


def best(codec, of, peer, name, field='wall'):
    """(engine, its runs) of the faster one, or (None, [])."""

    runs = {engine: codec.times[engine, name]
            for engine in candidates(of, peer) if (engine, name) in codec.times}

    if not runs:
        return None, []

    engine = min(runs, key=lambda e: median(runs[e], field))

    return engine, runs[engine]


def ratios(codec, of, peer, name, field='wall'):
    """How many times faster ours was, in each round."""

    theirs = best(codec, of, peer, name, field)[1]
    mine = codec.times.get(('ours', name), [])

    return [b[field] / a[field] for a, b in zip(mine, theirs)]


def measured(codec, of):
    return [name for name in of.files if ('ours', name) in codec.times]


def worst(codec, of, peer, field='wall'):
    """Of the class's pictures: (median, lowest, highest), or None."""

    found = [(statistics.median(values), min(values), max(values))
             for name in measured(codec, of)
             if (values := ratios(codec, of, peer, name, field))]

    return min(found) if found else None


def number(value):
    return report.number(value)


def verdict(found, must, goal):
    if found is None:
        return '-'

    value, low, high = found
    text = '%.2f' % value

    if low != high:
        text += ' [%.2f..%.2f]' % (low, high)

    if must is None:
        return text

    if value < must:
        return text + ' **short**'

    return text + (' ok, goal' if value >= goal else ' ok')


def target_table(codec):
    lines = report.head(['class', 'peer', 'must', 'goal', 'times faster, wall',
                         'CPU'])

    for of in files.CLASSES:
        for i, peer in enumerate(PEERS):
            found = worst(codec, of, peer)

            if found is None:
                continue

            cpu = worst(codec, of, peer, 'cpu')
            engines = {best(codec, of, peer, name)[0]
                       for name in measured(codec, of)} - {None}

            lines.append(report.line([
                of.title, ', '.join(workers.TITLES[e]
                                    for e in sorted(engines)),
                number(of.must[i]) if of.must[i] else '-',
                number(of.goal[i]) if of.goal[i] else '-',
                verdict(found, of.must[i], of.goal[i]), '%.2f' % cpu[0]]))

    return lines


def time_table(codec, pictures, field, title):
    shown = [engine for engine in workers.TITLES if engine in codec.commands]
    lines = ['### %s, ms' % title, '']
    lines += report.head(['picture', 'MP', 'MB',
                          *(workers.TITLES[engine] for engine in shown)])

    for name, picture in pictures.items():
        lines.append(report.line([
            name, '%.1f' % (picture.pixels / 1e6),
            '%.1f' % (picture.bytes / 1e6),
            *(number(median(codec.times.get((engine, name)), field))
              for engine in shown)]))

    return lines + ['']


def size_table(codec, pictures):
    shown = [engine for engine in workers.TITLES if engine in codec.commands]
    lines = ['### Bytes of the results', '']
    lines += report.head(['picture', *(workers.TITLES[e] for e in shown),
                          'of Pillow\'s'])

    for name in pictures:
        mine = median(codec.times.get(('ours', name)), 'bytes')
        theirs = median(codec.times.get((files.class_of(name).pillow, name)),
                        'bytes')
        lines.append(report.line([
            name, *('%d' % median(codec.times[e, name], 'bytes')
                    if (e, name) in codec.times else '-' for e in shown),
            '%+.1f %%' % (100 * mine / theirs - 100)
            if mine and theirs else '-']))

    return lines + ['']


def memory_of(codec, of):
    """The most of the class's pictures: {engine: MB}."""

    return {engine: max(codec.memory[engine, name] for name in of.files
                        if (engine, name) in codec.memory)
            for engine in ('ours', *PEERS)
            if any((engine, name) in codec.memory for name in of.files)}


def memory_table(codec):
    lines = ['### Peak memory of a process that makes one picture, MB', '']
    lines += report.head(['class', 'at most', *(workers.TITLES[e] for e in
                                                ('ours', *PEERS)), 'verdict'])

    for of in files.CLASSES:
        used = memory_of(codec, of)

        if 'ours' not in used:
            continue

        # PNG: half of Pillow's

        bound = of.memory or used.get('pillow', 0) / 2
        lines.append(report.line([
            of.title, number(bound), *(number(used.get(engine)) for engine in
                                       ('ours', *PEERS)),
            'ok' if used['ours'] <= bound else '**short**']))

    return lines + ['']


def scale_table(codec):
    lines = ['### Pictures at once, of one process: pictures/s', '']
    lines += report.head(['picture', 'who', '1 thread', '2 threads', 'times'])

    for (engine, name), found in codec.scaling.items():
        if not all(found.values()):
            continue

        one, two = (statistics.median(found[n]) for n in (1, 2))
        lines.append(report.line([name, workers.TITLES[engine], number(one),
                                  number(two), '%.2f' % (two / one)]))

    return lines + ['']


def groups(records, figure):
    """{(picture, clients, who): its runs}"""

    found = {}

    for record in records:
        if record['figure'] == figure:
            key = record['picture'], record['clients'], record['who']
            found.setdefault(key, []).append(record)

    return found


def web_table(records):
    lines = ['### Over HTTP', '']
    lines += report.head(['picture', 'clients', 'who', 'pictures/s', 'p50 ms',
                          'p99 ms', 'CPU ms each', 'MB', 'times the filter',
                          'n'])
    found = groups(records, 'http')

    for (name, clients, who), runs in found.items():
        runs, clean = report.kept(runs)
        theirs = report.kept(found.get((name, clients, FILTER), []))[0]
        times = '%.2f' % (median(runs, 'rps') / median(theirs, 'rps')) \
            if theirs and median(theirs, 'rps') else '-'
        lines.append(report.line([
            name, str(clients), who,
            *(number(median([r for r in runs if r[field] is not None], field))
              for field in ('rps', 'p50', 'p99', 'cpu_ms', 'mb')), times,
            '%d%s' % (len(runs), '' if clean else ' !')]))

    return lines + ['']


def job_scaling(records):
    """[(text, with 1 thread, with 2, times)]"""

    found = []

    for figure, field, text in (
            ('outputs', 'p50', 'a job of four outputs, ms'),
            ('jobs', 'rps', 'jobs/s, 16 at once')):
        runs = groups(records, figure)
        both = [median([r for key, each in runs.items() for r in each
                        if key[2] == '%d threads' % n], field)
                for n in (1, 2)]

        if all(value is not None for value in both):
            one, two = both
            found.append((text, one, two,
                          one / two if field == 'p50' else two / one))

    return found


def job_table(records):
    lines = ['### The module, one worker process, threads for pictures', '']
    lines += report.head(['what', '1 thread', '2 threads', 'times'])

    for text, one, two, times in job_scaling(records):
        lines.append(report.line([text, number(one), number(two),
                                  '%.2f' % times]))

    return lines + ['']


def about_lines(about):
    return ['%s; %s; %d processors; Linux %s; %s; commit %s.'
            % (about['date'], about['cpu'], about['cpus'], about['kernel'],
               about['nginx'], about['commit']), '',
            '%s. Medians of %d rounds, of %d over HTTP; the rest of the '
            'machine took %d %% at the median, %d %% at most.'
            % (', '.join('%s %s' % pair for pair in
                         about['versions'].items()),
               about['rounds'], about['web_rounds'],
               100 * about['foreign'], 100 * about['foreign_max']),
            *([BUSY] if about['foreign'] > rig.FOREIGN_MAX else []),
            *('\nNot measured: %s (%s).' % pair
              for pair in about['absent'].items()), '']


EXPLAINED = """\
Each thumbnail: to fit 1024 x 1024, PNG if a pixel is transparent, else JPEG \
q85, optimised; input and output in memory, one thread. libvips, sharp: \
vips_thumbnail and resize(), which shrink while decoding; PNG at level 9 with \
all filters, as small as Pillow's, and with their own settings. A ratio is \
that of the slowest picture of its class, [lowest..highest] of the rounds; \
the faster of two settings counts. "!": the rest of the machine took more \
than 15 % whenever that was measured. "made" pictures are those that the bench \
makes.""".split('\n')


def markdown(about, codec, pictures, web):
    lines = ['# make bench PART=images', '', *about_lines(about), *EXPLAINED,
             '']

    if codec.times:
        lines += ['### Targets', '', *target_table(codec), '',
                  *time_table(codec, pictures, 'wall', 'Wall time'),
                  *time_table(codec, pictures, 'cpu', 'CPU'),
                  *size_table(codec, pictures)]

    if codec.memory:
        lines += memory_table(codec)

    if codec.scaling:
        lines += scale_table(codec)

    if web:
        lines += web_table(web.records) + job_table(web.records)

    faults = codec.faults + (web.faults if web else [])

    if faults:
        lines += ['### Faults', '', *('- ' + fault for fault in faults), '']

    return '\n'.join(lines)


# README


def class_ms(codec, of, peer):
    """The mean of the class's pictures, for the chart and the README."""

    found = []

    for name in measured(codec, of):
        runs = codec.times['ours', name] if peer == 'ours' \
            else best(codec, of, peer, name)[1]

        if runs:
            found.append(median(runs, 'wall'))

    return statistics.mean(found) if found else None


def readme_ratio(codec, of, i, peer):
    found = worst(codec, of, peer)

    if found is None:
        return '-'

    must = of.must[i]
    text = '%.1f' % found[0]

    if must is None:
        return text

    return '%s (%s%s)' % (text, number(must),
                          '' if found[0] >= must else ', short')


def readme_web(records):
    """Of one picture, a line of clients each."""

    found = groups(records, 'http')
    names = sorted({name for name, _, _ in found})
    lines = report.head(['over HTTP', 'clients', 'this module, pictures/s',
                         'nginx image_filter', 'times', 'p99 ms',
                         'its p99 ms'])

    for name in names:
        for clients in sorted({c for n, c, _ in found if n == name}):
            mine = next((runs for (n, c, who), runs in found.items()
                         if (n, c) == (name, clients)
                         and who.startswith('module')), None)
            theirs = found.get((name, clients, FILTER))

            if mine and theirs:
                mine, theirs = (report.kept(runs)[0]
                                for runs in (mine, theirs))
                a, b = median(mine, 'rps'), median(theirs, 'rps')
                lines.append(report.line([
                    name, str(clients), number(a), number(b), '%.1f' % (a / b),
                    number(median(mine, 'p99')),
                    number(median(theirs, 'p99'))]))

    return lines


def readme(about, codec, web, chart):
    """The section, between its marks."""

    lines = [BEGIN, '### Pictures', '',
             '![Time of a thumbnail, by kind of picture](%s)' % chart, '',
             '`make bench PART=images`: a thumbnail of 1024 pixels in memory, '
             'one thread, and how many times faster than each peer the',
             'slowest picture of its class was (in brackets what was to be '
             'reached). ' + ', '.join('%s %s' % pair for pair in
                                      about['versions'].items()) + ';',
             'medians of %d rounds, %s, commit %s, %s. `t/50-quality.t` judges '
             'the pixels.' % (about['rounds'], about['date'].split()[0],
                              about['commit'], about['cpu']), '',
             *report.head(['pictures', 'ms', 'times Pillow', 'libvips',
                           'sharp', 'peak MB', 'Pillow', 'libvips',
                           'sharp'])]

    for of in files.CLASSES:
        if not measured(codec, of):
            continue

        used = memory_of(codec, of)
        lines.append(report.line([
            of.title, number(class_ms(codec, of, 'ours')),
            *(readme_ratio(codec, of, i, peer)
              for i, peer in enumerate(PEERS)),
            *('%.0f' % used[engine] if engine in used else '-'
              for engine in ('ours', *PEERS))]))

    if web and web.records:
        lines += ['', *readme_web(web.records), '']
        lines += ['- %s: %s with one thread, %s with two (%.2f times).'
                  % (text[0].upper() + text[1:], number(one), number(two),
                     times) for text, one, two, times in
                  job_scaling(web.records)]

    return '\n'.join(lines + [END, ''])


def put(path, section):
    """Into the README: in the place of the section before it, else before
    the chapter for developers."""

    with open(path) as file:
        text = file.read()

    if BEGIN in text and END in text:
        head, _, rest = text.partition(BEGIN)
        text = head + section + '\n' \
            + rest.partition(END)[2].lstrip('\n')
    else:
        head, mark, rest = text.partition('## For developers\n')
        text = head + section + '\n' + mark + rest

    with open(path, 'w') as file:
        file.write(text)
