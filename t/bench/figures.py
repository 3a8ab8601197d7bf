"""The figures.  Each measures all servers in turn, in one run, and records
one line a cell; a round begins with another server each time.

The numbers are those of table 5 of ../shared/notes/peers.md:

    upload   1-5    accepted uploads, no work being done
    mixed    6      accepted uploads while the stages want all processors
    hit      7-9    documents and results that are known, uploads that are known
    jobs     10-12  jobs to their end: the framework alone, and with pictures
    hold     14-16  long-polls held, and how soon they are told
    idle     17     memory of everything that runs while nothing is done
"""

import json
import os
import subprocess
import time

import rig
import server

HERE = os.path.dirname(os.path.abspath(__file__))

# Jobs are accepted and stay in the queue: one runs, and its service answers
# when all is over.  The peers' workers do not run either.

QUEUE = """
        concurrency  1;
        stage model  { post %(forever)s; timeout 1h; }
"""

# Some run, at a service that the load client is: it fails their calls, one by
# one, and sees how soon those who hold a poll are told.

HOLD = """
        concurrency  32;
        stage model  { post http://127.0.0.1:%(port)d/; timeout 1h;
                       retry 1 1h; }
"""

# no stage of our own: what is left is the framework

LIGHT = """
        concurrency  2048;
        cache        1h;
        stage model  { post %(model)s; timeout 30s; }
"""

# With "cache off" no job takes what another has made.  The load client's
# uploads differ in a comment only, so their thumbnails are the same bytes,
# and with a cache the model would be asked once for each of a few pictures.

FULL = """
        concurrency  64;
        cache        off;
        stage thumb  { encode auto max=1024 quality=85; }
        stage model  { post %(model)s; timeout 30s; }
        outputs      thumb model;
"""

# so many jobs that what runs always wants all processors

MIXED = FULL

HIT = """
        cache        1h;
        stage thumb  { encode auto max=1024 quality=85; }
"""

SMALL_POOLS = """
        connection_pool_size       256;
        request_pool_size          1k;
        client_header_buffer_size  512;
"""

UPLOADS = (('10k', 'raw', 16), ('10k', 'form', 16), ('100k', 'raw', 1),
           ('100k', 'form', 1), ('100k', 'raw', 16), ('100k', 'form', 16),
           ('100k', 'raw', 64), ('1m', 'raw', 16), ('8m', 'raw', 16))

HELD = 10000
IDLE = 500


def adapter(name):
    return os.path.join(HERE, 'adapters', name + '.conf')


class Bench:
    """What there is to be measured, and what was found."""

    def __init__(self, rig, sink, modules, peers, model, tools):
        self.rig = rig
        self.sink = sink
        self.modules = modules
        self.peers = peers
        self.model = model
        self.tools = tools
        self.records = []
        self.faults = []
        self.round = 0

    def note(self, figure, cell, who, run):
        self.records.append(dict(figure=figure, cell=cell, who=who,
                                 round=self.round, **run))
        print('  %-7s %-24s %-16s %9s/s  p50 %s  p99 %s  CPU %s ms  '
              'kernel %d %%  foreign %d %%%s'
              % (figure, cell, who, run.get('rps', '-'), run.get('p50', '-'),
                 run.get('p99', '-'), run.get('cpu_ms', '-'),
                 100 * run['kernel'], 100 * run['foreign'],
                 '  ERRORS %d' % run['errors'] if run.get('errors') else ''),
              flush=True)

    def fault(self, figure, cell, who, why):
        self.faults.append('%s, %s, %s: %s' % (figure, cell, who, why))
        print('  %-7s %-24s %-16s %s' % (figure, cell, who, why), flush=True)

    def turns(self, servers):
        """Another one first in each round."""

        servers = list(servers)
        first = self.round % max(1, len(servers))

        return servers[first:] + servers[:first]

    def measure(self, figure, cell, who, function, *args, **named):
        try:
            self.note(figure, cell, who, function(*args, **named))
        except (rig.Failed, subprocess.SubprocessError, OSError) as error:
            self.fault(figure, cell, who, error)

    def start(self, server, figure, /, *args, **named):
        try:
            server.start(*args, **named)
            return True
        except rig.Failed as error:
            self.fault(figure, 'start', server.name, error)
            server.stop()

        return False

    def stop(self, *servers):
        for server in servers:
            server.stop()


# 1 to 5


def upload(bench):
    peers = [peer for name, peer in bench.peers.items() if name in 'ab'
             and bench.start(peer, 'upload', NOWORKER='1')]
    bench.sink.start()

    for size, form, clients in UPLOADS:
        cell = '%s %s c=%d' % (size, form, clients)
        turns = [(sink_upload, bench.sink)] if form == 'raw' else []
        turns += [(peer_upload, peer) for peer in peers]
        turns += [(module_upload, module) for module in bench.modules]

        for function, server in bench.turns(turns):
            function(bench, server, cell, size, form, clients)

    bench.stop(bench.sink, *peers)


def sink_upload(bench, sink, cell, size, form, clients):
    for kind, name in (('file', 'sink, tmpfs'), ('disk', 'sink, disk')):
        bench.measure('upload', cell, name, bench.rig.upload, sink,
                      adapter(kind), size, clients)


def peer_upload(bench, peer, cell, size, form, clients):
    kind = peer.adapter('-raw' if form == 'raw' else '')

    bench.measure('upload', cell, peer.key, bench.rig.upload, peer, kind,
                  size, clients)
    peer.clean()


def module_upload(bench, module, cell, size, form, clients):
    kind = adapter('raw' if form == 'raw' else 'multipart')

    if bench.start(module, 'upload', QUEUE):
        bench.measure('upload', cell, module.variant, bench.rig.upload,
                      module, kind, size, clients, others=[bench.model])
    module.stop()


# 6


def mixed(bench):
    cell = '100k c=16'

    for server in bench.turns([*bench.modules, *(
            peer for name, peer in bench.peers.items() if name in 'ab')]):

        if server in bench.modules:
            ready = bench.start(server, 'mixed', MIXED)
            kind, who = adapter('raw'), server.variant
        else:
            ready = bench.start(server, 'mixed')
            kind, who = server.adapter(), server.key

        if ready:
            bench.measure('mixed', cell, who, bench.rig.upload, server, kind,
                          '100k', 16, others=[bench.model], warm=0.7)
        server.stop()


# 7 to 9


def hit(bench):
    bench.sink.start()

    for module in bench.turns(bench.modules):
        if bench.start(module, 'hit', HIT):
            hit_module(bench, module)
        module.stop()

    bench.stop(bench.sink)

    for name, peer in bench.peers.items():
        if name in 'ab' and bench.start(peer, 'hit'):
            hit_peer(bench, peer)
            peer.stop()


def hit_module(bench, module):
    """Beside the same bytes as a file that nginx serves."""

    run = bench.rig.command('upload', module, '-a', adapter('raw'), '-i',
                            os.path.join(bench.rig.images, '100k'), '-c', 1,
                            '-n', 1, '-x', 1)
    done = subprocess.run(run, capture_output=True, text=True)
    bench.rig.parse(done.stdout, done.stderr)

    path = hit_ready(bench, module)
    if path is None:
        return

    for what, url in (('document', path), ('result', path + '/thumb')):
        static = bench.sink.static(module.request('GET', url)[1])

        for clients in (1, 16, 64):
            cell = 'GET %s c=%d' % (what, clients)

            for who, server, uri in (
                    ('nginx static', bench.sink, static),
                    (module.variant, module, url)):
                bench.measure('hit', cell, who, bench.rig.get, server, uri,
                              clients)

    for kind in ('raw', 'multipart', 'hit'):
        name = {'raw': 'raw', 'multipart': 'form', 'hit': 'raw, bytes'}[kind]

        for clients in (1, 16):
            bench.measure('hit', 'again %s c=%d' % (name, clients),
                          module.variant, bench.rig.upload, module,
                          adapter(kind), '100k', clients, '-x', 1)


def hit_ready(bench, module):
    """The path of a job that has ended, of the image that is sent again."""

    images = os.path.join(bench.rig.images, '100k')

    with open(os.path.join(images, sorted(os.listdir(images))[0]), 'rb') as f:
        image = f.read()

    answer, body = module.request('POST', '/bench/', image,
                                  {'Content-Type': 'image/jpeg'})

    if answer.status not in (200, 202):
        bench.fault('hit', 'POST', module.variant, body[:200])
        return None

    document = module.finished(answer, body)

    if document['status'] != 'succeeded':
        bench.fault('hit', 'POST', module.variant, json.dumps(document))
        return None

    return '/bench/' + document['id']


def hit_peer(bench, peer):
    for kind, form in (('-raw', 'raw'), ('', 'form')):
        run = bench.rig.command('upload', peer, '-a', peer.adapter(kind),
                                '-i', os.path.join(bench.rig.images, '100k'),
                                '-c', 1, '-n', 1, '-x', 1)
        subprocess.run(run, capture_output=True)
        time.sleep(2)

        for clients in (1, 16):
            bench.measure('hit', 'again %s c=%d' % (form, clients), peer.key,
                          bench.rig.upload, peer, peer.adapter(kind), '100k',
                          clients, '-x', 1)


# 10 to 12


def jobs(bench):
    for module in bench.turns(bench.modules):
        jobs_module(bench, module, 'light', LIGHT,
                    (('100k', 1), ('100k', 64), ('100k', 256)))
        jobs_module(bench, module, 'full', FULL, (('100k', 32), ('1m', 16)))

    for name, light, clients, env in (
            ('a', '1', 64, {'CONC': '16', 'POOL': 'threads'}),
            ('b', '1', 64, {'CONC': '64'}),
            ('b', '1', 256, {'CONC': '256'}),
            ('a', '0', 32, {'CONC': '16', 'POOL': 'threads'}),
            ('b', '0', 32, {'CONC': '16'})):

        if name in bench.peers:
            jobs_peer(bench, bench.peers[name], light, clients, env)


def jobs_module(bench, module, kind, pipeline, cells):
    for size, clients in cells:
        for follow in ('lp', 'wait') if kind == 'light' else ('lp',):

            if not bench.start(module, 'jobs', pipeline):
                continue

            cell = '%s %s c=%d' % (kind, size, clients)

            if follow == 'lp':
                bench.measure('jobs', cell, module.variant, bench.rig.job,
                              module, adapter('longpoll'), size, clients,
                              'lp', others=[bench.model])
            else:
                bench.measure('jobs', cell + ' one request', module.variant,
                              bench.rig.upload, module, adapter('wait'), size,
                              clients, others=[bench.model], warm=1)
            module.stop()


def jobs_peer(bench, peer, light, clients, env):
    if not bench.start(peer, 'jobs', PUBSUB='1', LIGHT=light, **env):
        return

    cells = (('100k', clients),)
    cells += (('1m', 16),) if light == '0' else ()

    for size, clients in cells:
        bench.measure('jobs', '%s %s c=%d' % ('light' if light == '1'
                                              else 'full', size, clients),
                      peer.key, bench.rig.job, peer, peer.adapter(), size,
                      clients, 'sse', others=[bench.model],
                      seconds=max(4, bench.rig.seconds))
    peer.stop()


# 14 to 16


def hold(bench):
    for n in (IDLE, HELD):
        for module in bench.turns(bench.modules):
            hold_module(bench, module, '%d held' % n, n)

    for module in bench.modules[-1:]:
        hold_module(bench, module, '%d held, small pools' % HELD, HELD,
                    server=SMALL_POOLS)

    if 'c' in bench.peers:
        for n in (IDLE, HELD):
            hold_nchan(bench, bench.peers['c'], '%d held' % n, n)


def hold_module(bench, module, cell, n, **named):
    port = server.free_port()

    if bench.start(module, 'hold', HOLD.replace('%(port)d', str(port)),
                   **named):
        command = [bench.tools['load'], 'hold', '-u',
                   '127.0.0.1:%d' % module.port, '-a', adapter('longpoll'),
                   '-i', os.path.join(bench.rig.images, '10k'), '-c', n,
                   '-k', min(n, 500), '-g', 5, '-P', 9, '-T', 110,
                   '-s', port]
        bench.measure('hold', cell, module.variant, hold_run, bench, module,
                      command, n, ('MADE', 'READY'))
    module.stop()


def hold_nchan(bench, peer, cell, n):
    if bench.start(peer, 'hold'):
        command = [bench.tools['ipload'], 'hold', '-u',
                   '127.0.0.1:%d' % peer.port, '-p', '/lp/h%d', '-f', 'lp',
                   '-c', n, '-P', 9, '-q', '/pub/h%d', '-k', 500, '-g', 5,
                   '-b', 160, '-T', 110]
        bench.measure('hold', cell, peer.key, hold_run, bench, peer, command,
                      n, (None, 'READY'))
        peer.stop()


def hold_run(bench, server, command, n, marks):
    """Memory before and while they are held, CPU for 3 s of that, once what
    their making has left to do is done."""

    rig.quiet(bench.rig.calm)

    if marks[0] is None:
        before = rig.memory(server.pids())

    client = subprocess.Popen([*map(str, command)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for mark in filter(None, marks):
        line = client.stdout.readline()

        if not line.startswith(mark):
            raise rig.Failed('%r %r' % (line, client.communicate()[1]))

        time.sleep(1)
        pids = server.pids()

        if mark == 'MADE':
            before = rig.memory(pids)

    held = rig.memory(pids)
    time.sleep(3)
    meter = rig.Meter(pids, [client.pid])
    time.sleep(3)
    used = meter.stop(0)
    out, err = client.communicate(timeout=120)
    out = bench.rig.parse(out, err)

    run = bench.rig.merge(out, used, err)
    told = out.get('prog') or {}
    canceled = out.get('cancel') or {}

    run.update(rps=None, cpu_ms=None, p50=told.get('p50'),
               p99=told.get('p99'), cancel_p50=canceled.get('p50'),
               cancel_p99=canceled.get('p99'), before_mb=before, held_mb=held,
               kb_each=round((held - before) * 1024 / n, 2),
               hold_cpu=round(used['server_cpu'] / used['seconds'], 4),
               ready=line.strip())

    return run


# 17


def idle(bench):
    for module in bench.modules[:1]:
        if bench.start(module, 'idle', FULL, threads=2, zone='32m'):
            bench.note('idle', 'memory', 'module', idle_run(module))
        module.stop()

    bench.sink.start()
    bench.note('idle', 'memory', 'nginx sink', idle_run(bench.sink))
    bench.sink.stop()

    for peer in bench.peers.values():
        if bench.start(peer, 'idle'):
            bench.note('idle', 'memory', peer.key, idle_run(peer))
            peer.stop()


def idle_run(server):
    time.sleep(1.5)
    pids = server.pids()
    meter = rig.Meter(pids)
    time.sleep(2)
    used = meter.stop(0)

    return dict(used, mb=rig.memory(pids), processes=len(pids),
                idle_cpu=round(used['server_cpu'] / used['seconds'], 4))


FIGURES = {'upload': upload, 'mixed': mixed, 'hit': hit, 'jobs': jobs,
           'hold': hold, 'idle': idle}
