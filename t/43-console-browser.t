#!/usr/bin/env python3

# The console in a real browser: t/browser/console.mjs says what is seen there,
# and asks for what happens to the server meanwhile.

import json
import tempfile
import urllib.parse

from browser import Browser, modules
from imgp import Model, Nginx, Process, tap, unique_jpegs, wait_for
from pictures import unique_png

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m max_size=1g;
    image_pipeline_threads image;

    image_pipeline closet {
        param          expand on on|off;
        stage photo    { resize 600; }
        stage cutout   { post http://%%MODEL%%/gate/cutout/echo; cost 0.002;
                         concurrency 2; message "cutting the subject out"; }
        stage items    { from photo; post http://%%MODEL%%/list;
                         send multipart file;
                         take json /items/*/image base64; }
        stage expanded { each items; optional; when $param_expand;
                         post http://%%MODEL%%/echo; rate 600r/m; }
        stage result   { from cutout items expanded; encode auto max=300; }
        outputs        cutout result;
    }

    image_pipeline broken {
        stage small { resize 300; }
        stage busy  { post http://%%MODEL%%/status/503 max_fails=2
                           fail_timeout=10m; retry 1 10ms; }
    }

    image_pipeline markup {
        param note  none ~.*;
        stage never { post http://%%MODEL%%/status/400; }
    }

    image_pipeline once {
        stage first  { resize 300; }
        stage second { post http://%%MODEL%%/status/400?times=1; }
    }
"""

SERVER = """
    location /closet/ { image_pipeline_pass closet; }
    location /broken/ { image_pipeline_pass broken; }
    location /markup/ { image_pipeline_pass markup; }
    location /once/   { image_pipeline_pass once; }
    location /console/ { image_pipeline_console; allow 127.0.0.1; deny all; }
"""

NOTE = '<img src=x onerror=alert(1)>'
numbers = iter(range(1, 1000))


def main():
    missing = modules()

    if missing:
        tap.skip_all(missing)

    folder = tempfile.mkdtemp(prefix='browser-')
    Process.folders.append(folder)
    model = Model()
    nginx = Nginx(SERVER, workers=2, http=HTTP, MODEL=model.address)
    nginx.start()

    def submit():
        return nginx.post('/once/', unique_png(next(numbers), 64, 64),
                          'image/png').status

    images = unique_jpegs(4)

    for pipeline, query in (('closet', ''), ('broken', ''), ('once', ''),
                            ('markup', '?note=' + urllib.parse.quote(NOTE))):
        nginx.post('/%s/%s' % (pipeline, query), next(images))

    def failed():
        return len(json.loads(nginx.get('/console/api/jobs?status=failed')
                              .body)['jobs'])

    tap.ok(wait_for(lambda: failed() == 3, 30), 'there is something to see')

    browser = Browser('http://127.0.0.1:%d' % nginx.port, folder,
                      'console.mjs')
    browser.see({
        'stop': lambda: nginx.stop(graceful=False),
        'start': lambda: nginx.start() and None,
        'reload': nginx.reload,
        'submit': submit,
    })
    tap.done()


main()
