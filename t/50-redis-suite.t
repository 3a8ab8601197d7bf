#!/usr/bin/env python3

# What works on the local store works on Redis: the same tests once more, with
# "image_pipeline_redis" put behind every image_pipeline_path, each under a
# prefix of its own.  By hand, for any test: make test REDIS=1 T="t/20-run.t"

import os
import subprocess

from imgp import ROOT, tap
from redis import Redis

TESTS = ['10-upload', '20-run', '40-watch', '45-lifetime', '80-kill']

if os.environ.get('IMGP_REDIS'):
    tap.skip_all('all tests run with Redis')

redis = Redis()
env = dict(os.environ, IMGP_REDIS='unix:%s/socket' % redis.dir)

for name in TESTS:
    done = subprocess.run(['prove', '-Q', 't/%s.t' % name], env=env, cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)

    if not tap.is_(done.returncode, 0, name + ', with Redis'):
        tap.diag(done.stdout[-4000:])

tap.is_(redis.ask('KEYS', '*:leases'), [], 'no lease is left')
tap.done()
