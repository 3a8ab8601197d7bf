"""Over HTTP: POST with "Prefer: wait", answered by the picture, against GET of
the same files through nginx's own image_filter; and how jobs scale with the
threads of the pool.

Every upload is another file, so nothing is known beforehand: the load client
writes 32 bytes anew in each (a COM segment of a JPEG, bytes after the end of a
PNG).  The module stores uploads, results and jobs as it always does; the
filter stores nothing.
"""

import os
import shutil
import time

import images
import rig
import server

ADAPTER = """\
upload_path=/p/
style=raw
job_key=id
header=Prefer: wait=55
"""

# clients: seconds, of warming up

CLIENTS = {1: (1.2, 0.3), 4: (1.5, 0.5), 16: (2, 1), 64: (3.5, 2.5)}
SENT = ('08_m3_420.jpg', '07_m8_420.jpg', '10_shot_rgb.png')
STAND_IN = ('01_made_422.jpg',)        # without the corpus, a quick run too
JOBS_SENT = ('08_m3_420.jpg', '02_made_420.jpg')

FILTER = """
    server {
        listen 127.0.0.1:%(port)d backlog=8192 reuseport;

        location /f/ {
            alias                      %(files)s/;
            image_filter               resize 1024 1024;
            image_filter_jpeg_quality  85;
            image_filter_buffer        64M;
        }
    }
"""

MODULE = """
    image_pipeline_path     %(store)s zone=bench:64m max_size=8g sync=%(sync)s;
    image_pipeline_threads  image;

    image_pipeline p {
        accept  image/*;
        queue   100000;
        cache   off;
%(stages)s
    }

    server {
        listen 127.0.0.1:%(port)d backlog=8192 reuseport;

        location /p/ {
            image_pipeline_pass  p;
            image_pipeline_wait  600s;
        }
    }
"""

ONE = '        stage thumb { encode auto max=1024 quality=85; }'
FOUR = '\n'.join('        stage s%d { from upload; encode auto max=%d '
                 'quality=85; }' % (size, size)
                 for size in (1024, 960, 896, 832)) \
    + '\n        outputs s1024 s960 s896 s832;'


class Filter(server.Nginx):

    def __init__(self, binary, module, folder, sent):
        super().__init__('nginx image_filter', binary, folder)
        self.module = module
        self.sent = sent

    def start(self):
        self.clear()
        self.spawn(load='load_module %s;' % self.module,
                   http=FILTER % {'port': self.port, 'files': self.sent})


class Module(server.Nginx):
    """pictures: threads that work on pictures; the pool has one more."""

    def __init__(self, binary, module, folder, sync):
        super().__init__('module, sync=' + sync, binary, folder)
        self.module = module
        self.sync = sync

    def start(self, stages=ONE, pictures=2, workers=server.WORKERS):
        self.clear()
        self.spawn(load='load_module %s;' % self.module, workers=workers,
                   main='thread_pool image threads=%d max_queue=65536;'
                        % (pictures + 1),
                   http=MODULE % {'store': os.path.join(self.folder, 'store'),
                                  'sync': self.sync, 'port': self.port,
                                  'stages': stages})


def marked(data):
    if data.startswith(b'\xff\xd8'):
        return images.with_mark(data)

    return data + images.MARK


class Web:

    def __init__(self, folder, pictures, rounds, seconds, load, binary,
                 module, image_filter, syncs):
        self.folder = folder
        self.pictures = pictures
        self.rounds = rounds
        self.seconds = seconds
        self.made = 0
        self.rig = rig.Rig(load, None, 0, 2)
        self.sent = os.path.join(folder, 'sent')
        self.adapters = self.write_adapters()
        self.records = []
        self.faults = []
        self.modules = [Module(binary, module, os.path.join(folder, 'module'),
                               sync) for sync in syncs]
        self.servers = list(self.modules)

        if image_filter:
            self.servers.append(Filter(binary, image_filter,
                                       os.path.join(folder, 'filter'),
                                       self.sent))

    def write_adapters(self):
        found = {}
        os.makedirs(self.folder, exist_ok=True)

        for kind, more in (('bytes', 'header=Accept: image/*\n'),
                           ('document', '')):
            found[kind] = os.path.join(self.folder, kind + '.conf')

            with open(found[kind], 'w') as file:
                file.write(ADAPTER + more)

        return found

    def names(self, wanted, instead):
        found = [name for name in wanted if name in self.pictures]

        return found or [name for name in instead if name in self.pictures]

    def prepare(self):
        """A folder a picture: the load client sends what is in one."""

        shutil.rmtree(self.sent, True)
        names = self.names(SENT, STAND_IN)

        for name in {*names, *self.names(JOBS_SENT, ())}:
            os.makedirs(os.path.join(self.sent, name))

            with open(self.pictures[name].path, 'rb') as file:
                data = marked(file.read())

            with open(os.path.join(self.sent, name, name), 'wb') as file:
                file.write(data)

        return names

    def note(self, figure, name, clients, who, number, run):
        bad = {status: count for status, count in run['status'].items()
               if status != '200'}

        if bad or run['errors']:
            self.faults.append('%s, %s, c=%d: %s, %d errors'
                               % (who, name, clients, bad, run['errors']))

        self.records.append(dict(run, figure=figure, picture=name,
                                 clients=clients, who=who, round=number))
        print('  %-8s %-16s c=%-3d %-20s %7.1f/s  p50 %7.1f  p99 %7.1f  '
              'CPU %6.1f ms  %5.0f MB'
              % (figure, name, clients, who, run['rps'], run['p50'] or 0,
                 run['p99'] or 0, run['cpu_ms'], run['mb']), flush=True)

    def run(self, server, mode, clients, *options):
        seconds, warm = CLIENTS[clients]
        run = self.rig.load(server, mode, '-c', clients, *options,
                            seconds=seconds, warm=warm)
        run['mb'] = rig.memory(server.pids())

        return run

    def upload(self, server, name, clients, kind='bytes'):
        return self.run(server, 'upload', clients, '-a', self.adapters[kind],
                        '-i', os.path.join(self.sent, name))

    def cell(self, server, name, clients):
        if isinstance(server, Filter):
            return self.run(server, 'get', clients, '-p',
                            '/f/%s/%s' % (name, name))

        return self.upload(server, name, clients)

    def measure(self):
        """As many rounds as there is time for, but one."""

        names = self.prepare()
        start = time.monotonic()

        for number in range(self.rounds):
            for name in names:
                first = number % len(self.servers)

                for server in self.servers[first:] + self.servers[:first]:
                    self.row(number, server, name)

            for module in self.modules[:1]:
                self.scale(number, module)

            self.made = number + 1
            used = time.monotonic() - start

            if used * (number + 2) / (number + 1) > self.seconds:
                break

    def row(self, number, server, name):
        try:
            server.start()

            for clients in CLIENTS:
                self.note('http', name, clients, server.name, number,
                          self.cell(server, name, clients))
        except (rig.Failed, OSError) as error:
            self.faults.append('%s, %s: %s' % (server.name, name, error))
        finally:
            server.stop()

    def scale(self, number, module):
        """One worker process, so that its threads are all there is."""

        name = self.names(JOBS_SENT, STAND_IN)[0]

        for figure, stages, clients in (('outputs', FOUR, 1),
                                        ('jobs', ONE, 16)):
            for threads in (1, 2):
                try:
                    module.start(stages, threads, 1)
                    self.note(figure, name, clients,
                              '%d threads' % threads, number,
                              self.upload(module, name, clients, 'document'))
                except (rig.Failed, OSError) as error:
                    self.faults.append('%s, %s: %s' % (figure, name, error))
                finally:
                    module.stop()
