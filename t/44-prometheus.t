#!/usr/bin/env python3

# conf-examples/grafana, with a real Prometheus: it loads the rules, scrapes
# an nginx to which things happen, and answers what every panel of the
# dashboard and every alert asks.

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from imgp import Client, Model, Nginx, Process, ROOT, free_port, tap, wait_for
from pictures import unique_png

GRAFANA = os.path.join(ROOT, 'conf-examples/grafana')

# what nothing has happened to here
SILENT = {'image_pipeline_redis_up'}

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m sync=off;
    image_pipeline_threads image;

    image_pipeline good {
        stage a { resize 30; }
        stage b { post http://%%MODEL%%/echo; cost 0.25; }
        notify http://%%MODEL%%/status/200;
    }

    image_pipeline bad {
        stage b { post http://%%MODEL%%/status/503 max_fails=2
                       fail_timeout=10m;
                  retry 1 10ms; }
    }
"""

SERVER = """
    location /good/ { image_pipeline_pass good; }
    location /bad/ { image_pipeline_pass bad; }
    location = /metrics { image_pipeline_metrics; }
"""


class Prometheus(Process):

    def __init__(self, target):
        self.folder = tempfile.mkdtemp(prefix='imgp-prometheus-')
        Process.folders.append(self.folder)
        self.port = free_port()

        shutil.copy(os.path.join(GRAFANA, 'alerts.yml'), self.folder)

        with open(os.path.join(GRAFANA, 'prometheus.yml')) as file:
            config = file.read()

        config = config.replace('127.0.0.1:8080', '127.0.0.1:%d' % target)
        config = config.replace('15s', '1s')

        with open(os.path.join(self.folder, 'prometheus.yml'), 'w') as file:
            file.write(config)

        with open(os.path.join(self.folder, 'log'), 'w') as log:
            self.spawn(['prometheus', '--config.file=prometheus.yml',
                        '--storage.tsdb.path=data',
                        '--web.listen-address=127.0.0.1:%d' % self.port],
                       cwd=self.folder, stdout=log, stderr=log)

    def api(self, what, **args):
        uri = '/api/v1/%s?%s' % (what, urllib.parse.urlencode(args))

        try:
            with Client(self.port) as client:
                return json.loads(client.get(uri).body)
        except (OSError, ValueError):     # it begins
            return {}

    def query(self, expression):
        answer = self.api('query', query=expression)
        return answer.get('data', {}).get('result'), answer.get('error')


def panels():
    """(title, expression) of all that the dashboard draws."""

    with open(os.path.join(GRAFANA, 'image-pipeline.json')) as file:
        dashboard = json.load(file)

    for panel in dashboard['panels']:
        for target in panel.get('targets', []):
            yield panel['title'], (target['expr']
                                   .replace('$__rate_interval', '1m')
                                   .replace('$pipeline', '.*'))


def names(text):
    return set(re.findall(r'image_pipeline_[a-z_]+', text))


def family(name):
    return re.sub('_(bucket|sum|count)$', '', name)


if not shutil.which('prometheus'):
    tap.skip_all('prometheus is not installed')

checked = subprocess.run(['promtool', 'check', 'rules', 'alerts.yml'],
                         cwd=GRAFANA, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
tap.is_(checked.returncode, 0, 'promtool takes the rules')

model = Model()
nginx = Nginx(SERVER, http=HTTP, MODEL=model.address)
nginx.start()
prometheus = Prometheus(nginx.port)


def happen(n):
    """Something of each kind, between two scrapes."""

    one = unique_png(n, 64, 64)
    nginx.post('/good/', one, 'image/png', prefer='wait=20')
    nginx.post('/good/', one, 'image/png', prefer='wait=20')

    # then the service is left alone, and jobs wait

    if n == 0:
        nginx.finish(nginx.post('/bad/', one, 'image/png')
                     .headers['Location'])


tap.ok(wait_for(lambda: prometheus.query('up{job="image-pipeline"} == 1')[0],
                60, 0.2), 'Prometheus scrapes')

# a rate needs two scrapes with something in between

rate = 'rate(image_pipeline_jobs_total{pipeline="good"}[1m]) > 0'
rounds = iter(range(1 << 20))

tap.ok(wait_for(lambda: happen(next(rounds)) or prometheus.query(rate)[0],
                60, 0.5), '... and sees jobs')

drawn = set()

for title, expression in panels():
    silent = names(expression) & SILENT
    drawn |= {family(name) for name in names(expression)}

    wait_for(lambda: silent or prometheus.query(expression)[0], 20, 0.3)
    found, error = prometheus.query(expression)
    tap.ok(error is None and (found or silent), '%s: %s' % (title, expression))

    if error:
        tap.diag(error)

told = {line.split()[2] for line in nginx.get('/metrics').body.decode()
        .splitlines() if line.startswith('# TYPE ')}
tap.is_(drawn, told, 'the dashboard draws every metric, and none else')

rules = [rule for group in prometheus.api('rules')['data']['groups']
         for rule in group['rules']]

with open(os.path.join(GRAFANA, 'alerts.yml')) as file:
    tap.is_({rule['name'] for rule in rules},
            set(re.findall(r'- alert: (\w+)', file.read())),
            'all alerts are loaded')

for rule in rules:
    tap.ok(rule['health'] in ('ok', 'unknown')
           and names(rule['query']) <= told | {n + '_bucket' for n in told},
           rule['name'] + ' asks for what there is')


def pending():
    return {rule['name'] for group in prometheus.api('rules')['data']['groups']
            for rule in group['rules'] if rule['state'] != 'inactive'}


# both are true for as long as nothing is done

tap.ok(wait_for(lambda: {'ImagePipelineServiceOut', 'ImagePipelineFailing'}
                <= pending(), 90, 0.5),
       'what goes wrong here is about to be told: %s' % sorted(pending()))

# a scrape that took longer than its second is one that failed

tap.ok(wait_for(lambda: not pending() & {'ImagePipelineDown',
                                         'ImagePipelineStuck',
                                         'ImagePipelineZoneFull'}, 60, 0.5),
       'nothing else is')

tap.is_(nginx.alerts(), [], 'nothing alarming is logged')
tap.done()
