#!/usr/bin/env python3

# "rediss://": jobs over TLS; no other certificate will do.  A build with a
# hiredis that has none says so.

import os
import subprocess

from imgp import free_port, tap, wait_for
from redis import Cluster, Redis
from trial import ended, picture


def certificates(folder, name):
    """An authority, and a certificate of 127.0.0.1 that it signs."""

    def run(*args):
        subprocess.run(['openssl', *args], check=True, cwd=folder,
                       stderr=subprocess.DEVNULL)

    key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    run('req', '-x509', *key, '-keyout', 'ca.key', '-out', 'ca.pem',
        '-days', '2', '-subj', '/CN=authority')
    run('req', *key, '-keyout', 'key.pem', '-out', 'csr.pem', '-subj',
        '/CN=redis')

    with open(os.path.join(folder, 'ext'), 'w') as file:
        file.write('subjectAltName=' + name)

    run('x509', '-req', '-in', 'csr.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key',
        '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out',
        'cert.pem')

    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o644)


def server(name):
    redis = Redis(start=False)
    os.chmod(redis.dir, 0o755)
    certificates(redis.dir, name)
    redis.tls = free_port()
    redis.more = ('--tls-port', str(redis.tls), '--tls-auth-clients', 'no',
                  '--tls-cert-file', os.path.join(redis.dir, 'cert.pem'),
                  '--tls-key-file', os.path.join(redis.dir, 'key.pem'),
                  '--tls-ca-cert-file', os.path.join(redis.dir, 'ca.pem'))
    return redis.start()


def cluster(redis, count, ca):
    return Cluster(redis, count, url='rediss://127.0.0.1:%d' % redis.tls,
                   options='timeout=1s ca=' + os.path.join(ca.dir, 'ca.pem'),
                   start=False)


def shared():
    a, b = cluster(redis, 2, redis).nodes
    a.start()
    b.start()
    tap.ok(wait_for(lambda: redis.ask('PUBSUB', 'NUMSUB', 'ip:wake')[1] == 4),
           'four workers are connected')
    answer = a.post('/p/', picture(1), 'image/png')
    tap.is_((answer.status, answer.json['degraded']), (202, False),
            'one machine takes an upload')
    document, wrong = ended(b, answer.headers['Location'])
    tap.is_((document['status'], wrong), ('succeeded', []),
            'the other one has its end and its outputs')
    image = picture(2, 400)
    document, wrong = ended(b, a.post('/p/', image, 'image/png')
                            .headers['Location'])
    tap.is_((document['status'], wrong), ('succeeded', []),
            'and of one of %d bytes' % len(image))


def refused(redis, ca, what):
    node = cluster(redis, 1, ca).nodes[0]
    node.start()
    tap.ok(wait_for(lambda: node.logged('is away')), what)
    tap.is_(node.post('/p/', picture(3), 'image/png').json['degraded'], True,
            '... uploads stay with the machine')
    tap.is_(redis.ask('KEYS', '*jobs*'), [], '... nothing is sent')


redis = server('IP:127.0.0.1')
status, said = cluster(redis, 1, redis).nodes[0].test_config()

if status:
    tap.ok('this build has no TLS for Redis' in said,
           'nginx says that this build has none') or tap.diag(said)
    tap.done()
else:
    shared()
    other = server('DNS:elsewhere.example')
    refused(other, other, 'a certificate of another host')
    refused(other, redis, 'a certificate of another authority')
    tap.done()
