"""The pictures of "make bench": photograph-like JPEGs of about 10 KB, 100 KB,
1 MB and 8 MB, made of the photograph that the project ships, each with a COM
segment whose 32 bytes the load client writes anew for every upload.

    images.py FOLDER        needs Debian's python3-pil, hence /usr/bin/python3
"""

import io
import os
import sys

from PIL import Image, ImageChops

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SAMPLE = os.path.join(ROOT, 'conf-examples/www/sample.jpg')
MARK = b'IPLOAD-UNIQUE-ID-PLACEHOLDER-32B'

# name, width, height, bytes, how many

SIZES = (('10k', 480, 360, 10000, 16), ('100k', 1280, 960, 100000, 16),
         ('1m', 3000, 2250, 1000000, 8), ('8m', 6000, 4500, 8000000, 3))


def encoded(image, quality):
    out = io.BytesIO()
    image.save(out, 'JPEG', quality=quality)
    return out.getvalue()


def picture(sample, width, height, number):
    """Of the sample's texture at every scale: what is enlarged has no detail
    of its own, so tiles of it are laid over it."""

    image = sample.resize((width, height), Image.LANCZOS)
    tiles = Image.new('RGB', (width, height))

    for x in range(0, width, sample.width):
        for y in range(0, height, sample.height):
            tiles.paste(sample, (x, y))

    image = Image.blend(image, tiles, 0.35)

    return ImageChops.offset(image, number * 97, number * 61)


def quality_for(image, size):
    """The best quality that does not pass the size by much."""

    low, high = 10, 99

    while low < high:
        middle = (low + high + 1) // 2

        if len(encoded(image, middle)) <= size * 1.04:
            low = middle
        else:
            high = middle - 1

    return low


def with_mark(jpeg):
    comment = b'\xff\xfe' + (2 + len(MARK)).to_bytes(2, 'big') + MARK
    end = 2

    if jpeg[2:4] == b'\xff\xe0':          # JFIF wants to be the first
        end += 2 + int.from_bytes(jpeg[4:6], 'big')

    return jpeg[:end] + comment + jpeg[end:]


def make(folder):
    sample = Image.open(SAMPLE).convert('RGB')

    for name, width, height, size, count in SIZES:
        where = os.path.join(folder, name)

        if os.path.exists(where):
            continue

        os.makedirs(where + '.part')
        quality = None

        for number in range(count):
            image = picture(sample, width, height, number)
            quality = quality or quality_for(image, size)
            path = os.path.join(where + '.part', '%03d.jpg' % number)

            with open(path, 'wb') as file:
                file.write(with_mark(encoded(image, quality)))

        os.rename(where + '.part', where)


if __name__ == '__main__':
    make(sys.argv[1])
