#!/usr/bin/python3

# The page and its client library in a real browser: t/browser/run.mjs says what
# is seen there, and asks for what happens to the server meanwhile.

import os
import shutil
import tempfile
from io import BytesIO

from browser import Browser, modules
from imgp import Model, Nginx, Process, ROOT, sample, tap

HTTP = """
    image_pipeline_path %%STORE%% zone=jobs:8m;
    image_pipeline_threads image;

    image_pipeline photos {
        accept        image/jpeg image/png;
        param         expand on  on|off;
        stage small   { resize 600; }
        stage cutout  { post http://%%MODEL%%/gate/photos/echo; weight 20;
                        message "cutting the subject out"; }
        stage result  { encode auto max=400; }
        outputs       cutout result;
    }

    image_pipeline hang {
        stage never   { post http://%%MODEL%%/hang; message "at it"; }
    }

    image_pipeline reload {
        stage gate    { post http://%%MODEL%%/gate/reload/echo; }
    }

    image_pipeline lost {
        stage gate    { post http://%%MODEL%%/gate/lost/echo; retry 3 1s; }
    }

    image_pipeline many {
        concurrency   20;
        stage gate    { post http://%%MODEL%%/gate/many/echo; }
    }

    image_pipeline once {
        stage once    { post http://%%MODEL%%/echo/once; }
    }

    image_pipeline refuse {
        stage first   { post http://%%MODEL%%/status/400?times=1; }
    }
"""

SERVER = """
    root  %%WWW%%;
    types { text/html html; text/css css; text/javascript js; image/jpeg jpg; }

    location /photos/ { image_pipeline_pass photos; }
    location /hang/   { image_pipeline_pass hang; }
    location /reload/ { image_pipeline_pass reload; }
    location /lost/   { image_pipeline_pass lost; }
    location /many/   { image_pipeline_pass many; }
    location /once/   { image_pipeline_pass once; }
    location /refuse/ { image_pipeline_pass refuse; }
    location /tiny/   { image_pipeline_pass once; client_max_body_size 1k; }
"""


def lying():
    """A photo of a phone held upright, which lies on its side by its EXIF
    orientation 6: upright, it is 600 x 800, blue on the left, red on the
    right; JPEG's own rows are red above and blue below."""

    from PIL import Image

    image = Image.new('RGB', (800, 600), (30, 60, 200))
    image.paste((200, 40, 30), (0, 0, 800, 300))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = BytesIO()
    image.save(out, 'JPEG', quality=95, exif=exif)

    return out.getvalue()


def pages(www):
    """The page, and as /at-NAME.html that of other pipelines."""

    shutil.copytree(os.path.join(ROOT, 'conf-examples/www'), www)

    with open(os.path.join(www, 'index.html')) as file:
        text = file.read()

    for name in ('hang', 'refuse', 'reload', 'lost'):
        page = text.replace('data-pipeline="/photos/"',
                            'data-pipeline="/%s/"' % name)

        with open(os.path.join(www, 'at-%s.html' % name), 'w') as file:
            file.write(page)


def main():
    missing = modules()

    if missing:
        tap.skip_all(missing)

    folder = tempfile.mkdtemp(prefix='browser-')
    Process.folders.append(folder)
    www = os.path.join(folder, 'www')
    pages(www)
    os.chmod(folder, 0o755)

    for name, data in (('photo.jpg', sample()), ('lying.jpg', lying())):
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(data)

    model = Model()
    nginx = Nginx(SERVER, workers=2, http=HTTP, MODEL=model.address, WWW=www)
    nginx.start()

    calls = {
        'stop': lambda: nginx.stop(graceful=False),
        'start': lambda: nginx.start() and None,
        'reload': nginx.reload,
        'open': lambda name: model.control('open/' + name, 'POST', b''),
        'calls': model.calls,
    }

    browser = Browser('http://127.0.0.1:%d' % nginx.port, folder)

    browser.see(calls)
    tap.done()


main()
