#!/usr/bin/python3

"""Makes scripts.jpg, which the README shows: boxes of many sizes and colours on
a photograph, and what "render" writes into them.

    PYTHONPATH=t/lib t/pictures/scripts.py        after "make"
"""

import io
import json
import math
import os

from PIL import Image, ImageDraw

from imgp import Model, Nginx, ROOT, sample

# left, top, width, height, colour, degrees, text

BOXES = (
    (16, 16, 320, 48, '#ffffff', 0, 'Hello, world: quickly'),
    (16, 80, 320, 48, '#202040', 0, '한국어 문장을 그립니다'),
    (16, 144, 320, 48, '#7cc242', 0, '日本語の文章を描きます'),
    (16, 208, 320, 48, '#401010', 0, 'مرحبا بالعالم، هذا نص عربي'),
    (16, 272, 320, 48, '#ffe080', 0, 'שלום עולם, זהו טקסט'),
    (16, 336, 320, 32, '#ffffff', 0, '<b>not markup</b> & "quotes"'),
    (16, 384, 96, 14, '#ffffff', 0,
     'Far too long a text for such a small box, which is cut'),
    (16, 416, 48, 48, '#ffffff', 0, 'ok'),
    (80, 416, 80, 44, '#000000', 0, 'aaa'),
    (176, 416, 120, 44, '#808080', 0, 'Tiếng Việt'),
    (360, 16, 336, 144, '#f0f0f0', 0,
     'A long sentence that has to be broken into several lines, because the '
     'box is high and not very wide at all; the letters are as large as fits.'),
    (360, 176, 160, 144, '#303030', 0,
     '긴 문장은 여러 줄로 나뉘어야 하고 글자는 상자에 맞게 커집니다'),
    (536, 176, 160, 144, '#d0d0ff', 0,
     '長い文章は複数の行に分けられ、文字は箱に合わせて大きくなります。'),
    (415, 380, 255, 38, '#206020', -12, 'Turned by 12 degrees'),
)


def corners(left, top, width, height, degrees):
    x, y = left + width / 2, top + height / 2
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    return [[round(x + dx * width / 2 * c - dy * height / 2 * s),
             round(y + dx * width / 2 * s + dy * height / 2 * c)]
            for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def main():
    photo = Image.open(io.BytesIO(sample())).convert('RGB')
    picture = photo.resize((854, 480)).crop((0, 0, 720, 480))
    draw = ImageDraw.Draw(picture)
    boxes = []

    for left, top, width, height, colour, degrees, text in BOXES:
        region = corners(left, top, width, height, degrees)
        draw.polygon([tuple(point) for point in region], fill=colour)
        boxes.append({'text_region': region, 'text': text})

    out = io.BytesIO()
    picture.save(out, 'PNG')

    model = Model()
    model.can('boxes', json.dumps(boxes).encode(), 'application/json')
    nginx = Nginx('location /p/ { image_pipeline_pass p; }', MODEL=model.address,
                  http="""
        image_pipeline_path %%STORE%% zone=jobs:8m;
        image_pipeline_threads image;
        image_pipeline p {
            stage boxes { from upload; post http://%%MODEL%%/canned/boxes; }
            stage page  { from upload boxes; render /*; }
            stage jpeg  { encode jpeg quality=90; }
        }
    """).start()
    answer = nginx.post('/p/', out.getvalue(), 'image/png')
    document = nginx.finish(answer.headers['Location'])

    with open(os.path.join(ROOT, 't/pictures/scripts.jpg'), 'wb') as file:
        file.write(nginx.get(document['outputs']['jpeg'][0]['url']).body)


if __name__ == '__main__':
    main()
