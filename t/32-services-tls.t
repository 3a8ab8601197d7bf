#!/usr/bin/env python3

# Model services behind https, with an authority of their own: who proves to be
# who the URL names is called, all others are not, and the log tells why.

import os
import subprocess
import sys

from imgp import (Nginx, Process, ROOT, Model, sample, tap)
from pictures import unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:4m sync=off;
    image_pipeline_threads image;
    image_pipeline good { stage s { post https://localhost:%%GOOD%%/echo; } }
    image_pipeline address { stage s { post https://127.0.0.1:%%GOOD%%/echo; } }
    image_pipeline name { stage s { post https://localhost:%%NAME%%/echo; } }
    image_pipeline ca { stage s { post https://localhost:%%CA%%/echo; } }
    image_pipeline old { stage s { post https://localhost:%%OLD%%/echo; } }
    image_pipeline plain { stage s { post https://localhost:%%PLAIN%%/echo; } }
"""

NAMES = ('good', 'address', 'name', 'ca', 'old', 'plain')


class Secure(Process):
    """The fake model with a certificate."""

    def __init__(self, certificate):
        self.spawn([sys.executable, os.path.join(ROOT, 't/fakes/model.py'),
                    '--tls', certificate], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())


def openssl(*arguments):
    subprocess.run(('openssl',) + arguments, check=True, cwd=folder,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
            '/CN=' + name, '-keyout', name + '.key', '-out', name + '.pem')


def certificate(name, signer, names, *more):
    """Its file, with the key."""

    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
            '-nodes', '-subj', '/CN=' + name, '-keyout', name + '.key',
            '-out', name + '.csr')

    with open(os.path.join(folder, name + '.ext'), 'w') as file:
        file.write('subjectAltName=' + names)

    openssl('x509', '-req', '-in', name + '.csr', '-CA', signer + '.pem',
            '-CAkey', signer + '.key', '-CAcreateserial', '-extfile',
            name + '.ext', '-out', name + '.crt', *(more or ('-days', '1')))
    path = os.path.join(folder, name + '.both')

    with open(path, 'w') as both:
        for part in ('.crt', '.key'):
            with open(os.path.join(folder, name + part)) as file:
                both.write(file.read())

    return path


def job(pipeline, seed):
    answer = nginx.post('/%s/' % pipeline, unique_png(seed, 40, 40),
                        'image/png')
    return nginx.finish(answer.headers['Location'])


def make(trusted):
    return Nginx(''.join('location /%s/ { image_pipeline_pass %s; }'
                         % (name, name) for name in NAMES), workers=1,
                 http=HTTP, main='thread_pool image threads=2;\n'
                 'env SSL_CERT_FILE=%s/%s.pem;' % (folder, trusted), **ports)


folder = Nginx('').dir
authority('ours')
authority('theirs')
plain = Model()
ports = {
    'GOOD': Secure(certificate('good', 'ours',
                               'DNS:localhost,IP:127.0.0.1')).port,
    'NAME': Secure(certificate('name', 'ours', 'DNS:elsewhere')).port,
    'CA': Secure(certificate('ca', 'theirs', 'DNS:localhost')).port,
    'OLD': Secure(certificate('old', 'ours', 'DNS:localhost', '-days',
                              '-1')).port,
    'PLAIN': plain.port,
}

nginx = make('ours').start()

for name in 'good', 'address':
    tap.is_((job(name, 1)['status'], job(name, 2)['status']),
            ('succeeded', 'succeeded'), 'known by its ' + name)

for name, why in (('name', 'no alternative certificate subject name matches'),
                  ('ca', 'unable to get local issuer certificate'),
                  ('old', 'certificate has expired')):
    document = job(name, 3)
    tap.is_((document['status'], document['error']['type'],
             document['error']['detail']),
            ('failed', 'urn:image-pipeline:service-unreachable',
             'certificate is not trusted'), 'refused: ' + name)
    lines = nginx.logged(r'\[error\].*pipeline: "%s"' % name)
    tap.ok(any(why in line for line in lines), 'because: ' + why)

tap.is_(job('plain', 3)['error']['type'], 'urn:image-pipeline:service-timeout',
        'one that does not speak TLS')
tap.is_(plain.calls(), {}, 'nothing was sent without TLS')
nginx.stop()

# the same services, another authority to trust

nginx = make('theirs').start()
tap.is_((job('ca', 5)['status'], job('good', 5)['status']),
        ('succeeded', 'failed'), 'whom to trust is SSL_CERT_FILE')
tap.is_(nginx.alerts(), [], 'no alert')
tap.done()
