#!/usr/bin/env python3

# conf-examples/cluster.conf: two machines as it says, Redis with a replica
# and three sentinels, and the users that its comment gives Redis.

import os
import re
import subprocess
import tempfile

from imgp import NAME, ROOT, Nginx, Process, free_port, sample, tap, wait_for
from redis import Redis

with open(os.path.join(ROOT, 'conf-examples/cluster.conf')) as file:
    EXAMPLE = file.read()

USERS = [line.split() for line in re.sub(
    r'\n# {10,}\+', ' +', EXAMPLE).splitlines()
         if re.match(r'# +user \w+ on ', line)]


def put(text, pattern, value):
    text, count = re.subn(pattern, lambda match: value, text)
    tap.is_(count, 1, 'once in the example: ' + pattern)
    return text


def servers():
    master = Redis()
    replica = Redis('--replicaof', '127.0.0.1 %d' % master.port,
                    '--masteruser', 'replica', '--masterauth', 'THIRD')

    for server in (master, replica):
        for words in USERS:
            server.ask('ACL', 'SETUSER', *words[2:])

    tap.ok(wait_for(lambda: b'master_link_status:up'
                    in replica.ask('INFO', 'replication'), 20),
           'the replica is one, by its user')
    return master, replica


def sentinel(master, replica):
    folder = tempfile.mkdtemp(prefix=NAME + '-')
    Process.folders.append(folder)
    port = free_port()

    with open(os.path.join(folder, 'sentinel.conf'), 'w') as file:
        file.write('port %d\nbind 127.0.0.1\ndir %s\n'
                   'sentinel monitor pipeline 127.0.0.1 %d 2\n'
                   'sentinel auth-user pipeline sentinel\n'
                   'sentinel auth-pass pipeline OTHER\n'
                   % (port, folder, master.port))

    Process().spawn(['redis-server', file.name, '--sentinel'],
                    stdout=subprocess.DEVNULL)

    def knows():
        done = subprocess.run(['redis-cli', '-p', str(port), 'SENTINEL',
                               'replicas', 'pipeline'], capture_output=True,
                              text=True)
        return str(replica.port) in done.stdout

    tap.ok(wait_for(knows, 30, 0.2), 'a sentinel knows both, by its user')
    return port


def machine(sentinels):
    nginx = Nginx('', workers=2)
    text = put(EXAMPLE, r'load_module .*;', 'load_module %s; pid %s/nginx.pid;'
               % (nginx.module, nginx.dir))
    text = put(text, r'user www-data;',
               'user root;' if os.getuid() == 0 else '')
    text = put(text, r'worker_processes auto;',
               'worker_processes 2; daemon off; error_log %s info;%s' % (
                   nginx.log, ' error_log %s notice;' % nginx.keep_log
                   if nginx.keep_log else ''))
    text = put(text, r'/var/lib/nginx/image-pipeline', nginx.store)
    text = put(text, r'10\.0\.0\.1:26379,10\.0\.0\.2:26379,10\.0\.0\.3:26379',
               ','.join('127.0.0.1:%d' % port for port in sentinels))
    text = put(text, r'listen 8080;', 'listen 127.0.0.1:%d;' % nginx.port)
    text = put(text, r'\nhttp \{', '\nhttp { access_log off; %s' % ' '.join(
        '%s_temp_path %s/%s;' % (name, nginx.dir, name) for name in
        ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi')))

    with open(nginx.config, 'w') as file:
        file.write(text)

    code, said = nginx.test_config()
    tap.is_(code, 0, 'nginx -t') or tap.diag(said)
    return nginx.start()


tap.is_(sorted(words[2] for words in USERS),
        ['pipeline', 'replica', 'sentinel'], 'the users of the comment')
master, replica = servers()
sentinels = [sentinel(master, replica) for _ in range(3)]
a, b = machine(sentinels), machine(sentinels)

answer = a.post('/photos/', sample())
location = answer.headers['Location']
tap.is_((answer.status, answer.json['degraded']), (202, False),
        'one machine takes a picture')
document = b.finish(location)
tap.is_(document['status'], 'succeeded', 'the other one tells of its end')
item = document['outputs']['result'][0]
output = b.get(item['url'])
tap.is_((output.status, len(output.body)), (200, item['bytes']),
        'and serves its output')
tap.is_(a.alerts() + b.alerts(), [], 'no alert')
tap.is_([line for line in a.logged('NOPERM') + b.logged('NOPERM')], [],
        'the user of the pipeline may do all that it does')
tap.done()
