"""What measures: the load client, and who used the processors meanwhile.

Other work may share this machine.  So each run records "foreign", the share
of all processors used by neither the server measured, nor the model stub, nor
the client, nor the kernel's own threads (they write what a server left in
the page cache; "kernel" is their share).  The tables leave out runs above
FOREIGN_MAX wherever a cleaner one of the same cell exists, and mark a cell that
has none.
"""

import json
import os
import subprocess
import time

FOREIGN_MAX = 0.15
HZ = os.sysconf('SC_CLK_TCK')
CPUS = os.cpu_count()
KTHREADD = 2


class Failed(Exception):
    pass


def stat(pid):
    """(parent, seconds of CPU) of a process, None when it is gone."""

    try:
        with open('/proc/%s/stat' % pid) as file:
            fields = file.read().rpartition(')')[2].split()
    except OSError:
        return None

    return int(fields[1]), (int(fields[11]) + int(fields[12])) / HZ


def processes():
    return {int(name): known for name in os.listdir('/proc')
            if name.isdigit() and (known := stat(name))}


def family(roots):
    """These processes and all that descend from them."""

    table = processes()
    found = set(roots) & set(table)

    while True:
        more = {pid for pid, (parent, _) in table.items()
                if parent in found} - found
        if not more:
            return sorted(found)
        found |= more


def cpu(pids):
    return sum(known[1] for pid in pids if (known := stat(pid)))


def kernel_threads():
    """{pid: seconds of CPU}; they come and go."""

    return {pid: used for pid, (parent, used) in processes().items()
            if parent == KTHREADD}


def busy():
    """Seconds of all processors, without idle, waiting for disks and stolen."""

    with open('/proc/stat') as file:
        fields = [int(field) for field in file.readline().split()[1:]]

    return (sum(fields[:3]) + sum(fields[5:7])) / HZ


def memory(pids):
    """MB of RAM, pages that several processes share divided among them."""

    total = 0

    for pid in pids:
        try:
            with open('/proc/%d/smaps_rollup' % pid) as file:
                total += sum(int(line.split()[1]) for line in file
                             if line.startswith('Pss:'))
        except OSError:
            pass

    return round(total / 1024, 2)


def quiet(limit):
    """Waits for a calm moment, for so many seconds at most."""

    end = time.monotonic() + limit

    while time.monotonic() < end:
        before = busy()
        time.sleep(0.3)

        if (busy() - before) / 0.3 / CPUS < 0.08:
            return


class Meter:
    """From its making to stop()."""

    def __init__(self, server, others=()):
        self.groups = {'server': server, 'others': list(others)}
        self.kernel = kernel_threads()
        self.before = self.read()

    def read(self):
        return dict({name: cpu(pids) for name, pids in self.groups.items()},
                    busy=busy(), time=time.monotonic())

    def stop(self, client):
        """client: its seconds of CPU.  Shares are of all processors."""

        after = self.read()
        used = {name: after[name] - self.before[name] for name in after}
        used['kernel'] = sum(seconds - self.kernel.get(pid, 0)
                             for pid, seconds in kernel_threads().items())
        whole = used['time'] * CPUS
        rest = (used['busy'] - used['server'] - used['others']
                - used['kernel'] - client)

        return {'seconds': round(used['time'], 3),
                'server_cpu': round(used['server'], 3),
                'kernel': round(used['kernel'] / whole, 4),
                'foreign': round(min(1, max(0, rest / whole)), 4)}


class Rig:
    """One load client, and how long it runs."""

    def __init__(self, client, images, seconds, calm):
        self.client = client
        self.images = images
        self.seconds = seconds
        self.calm = calm

    def command(self, mode, server, *options):
        return [self.client, mode, '-u', '127.0.0.1:%d' % server.port,
                *map(str, options)]

    def load(self, server, mode, *options, others=(), seconds=None, warm=0.3):
        """One run; the client's figures with the rig's."""

        command = self.command(mode, server, '-d', seconds or self.seconds,
                               '-w', warm, '-T', 90, *options)
        quiet(self.calm)

        meter = Meter(server.pids(), [pid for other in others
                                      for pid in other.pids()])
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=120)
        out = self.parse(done.stdout, done.stderr)

        return self.merge(out, meter.stop(out['client_cpu']), done.stderr)

    def upload(self, server, adapter, size, clients, *options, **named):
        return self.load(server, 'upload', '-a', adapter, '-i',
                         os.path.join(self.images, size), '-c', clients,
                         *options, **named)

    def job(self, server, adapter, size, clients, follow, **named):
        return self.load(server, 'job', '-a', adapter, '-i',
                         os.path.join(self.images, size), '-c', clients,
                         '-f', follow, warm=1, **named)

    def get(self, server, path, clients, **named):
        return self.load(server, 'get', '-p', path, '-c', clients, **named)

    @staticmethod
    def parse(out, err):
        try:
            return json.loads(out.strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise Failed('the client said %r %r' % (out[-200:], err[-400:])) \
                from None

    @staticmethod
    def merge(out, used, err=''):
        """CPU is divided by all requests, those of warming up as well."""

        times = next((out[name] for name in ('e2e', 'acc', 'lat', 'prog')
                      if out.get(name)), None) or {}
        requests = max(1, out['ok'])

        return dict(used, rps=out['rps'], p50=times.get('p50'),
                    p99=times.get('p99'), n=times.get('n', 0), ok=out['ok'],
                    errors=out['err'] + out['failed'], hits=out['hit'],
                    mb_s=max(out['mb_up_s'], out['mb_down_s']),
                    cpu_ms=round(used['server_cpu'] / requests * 1e3, 4),
                    client_cpu=out['client_cpu'], status=out['status'],
                    said=err[-200:])
