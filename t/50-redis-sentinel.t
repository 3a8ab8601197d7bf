#!/usr/bin/env python3

# The master dies, a sentinel makes the replica the master: nothing that was
# accepted is lost, and all is shared again within seconds (row F8).

import itertools
import os
import subprocess
import tempfile
import time

from imgp import SLOW, NAME, Process, free_port, parallel, tap, wait_for
from redis import Cluster, Redis
from trial import picture

SENTINEL = """
port %d
bind 127.0.0.1
dir %s
sentinel monitor mymaster 127.0.0.1 %d 1
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 5000
"""

master = Redis()
replica = Redis('--replicaof', '127.0.0.1 %d' % master.port)
wait_for(lambda: b'master_link_status:up' in replica.ask('INFO',
                                                         'replication'))

folder = tempfile.mkdtemp(prefix=NAME + '-')
Process.folders.append(folder)
port = free_port()

with open(os.path.join(folder, 'sentinel.conf'), 'w') as file:
    file.write(SENTINEL % (port, folder, master.port))

Process().spawn(['redis-server', file.name, '--sentinel'],
                stdout=subprocess.DEVNULL)


def slaves():
    done = subprocess.run(['redis-cli', '-p', str(port), 'SENTINEL',
                           'replicas', 'mymaster'], capture_output=True,
                          text=True)
    return str(replica.port) in done.stdout


tap.ok(wait_for(slaves, 60, 0.2), 'the sentinel knows the replica')

cluster = Cluster(master, 2, url='sentinel://127.0.0.1:%d/mymaster' % port)
a, b = cluster.nodes
answer = a.post('/p/', picture(1), 'image/png')
tap.is_((answer.status, answer.json['degraded']), (202, False),
        'the master is found')
tap.is_(b.finish(answer.headers['Location'])['status'], 'succeeded',
        'by both machines')

locations = [a.post('/p/', picture(10 + n), 'image/png').headers['Location']
             for n in range(20)]
started = time.monotonic()
master.kill()
numbers = itertools.count(100)


def shared():
    answer = a.post('/p/', picture(next(numbers)), 'image/png')
    return None if answer.json['degraded'] else answer


answer = wait_for(shared, 60, 0.1)
took = time.monotonic() - started
tap.ok(answer and took < 60 * SLOW, 'it is killed: shared again after %.1f s'
       % took)
tap.ok(wait_for(lambda: b.get(answer.headers['Location']).status == 200, 60),
       'by the other machine, too, once it has found the new master')
tap.is_(b.finish(answer.headers['Location'])['status'], 'succeeded',
        'by the new master')
tap.is_(replica.ask('ROLE')[0], b'master', 'which was the replica')
docs = parallel(lambda l: a.finish(l), locations, 8)
wrong = [d['error'] for d in docs if d['status'] != 'succeeded']
tap.is_(wrong, [], 'all that was accepted succeeds')
tap.is_(cluster.alerts(), [], 'no alert')
tap.done()
