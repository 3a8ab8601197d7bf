"""The worker that is Pillow.  Started by workers.py; its commands are those of
worker.h.

    work_pillow.py teams      what the teams ran: copy(), thumbnail(LANCZOS),
                              PNG if the small picture's alpha is below 255
                              anywhere, else JPEG q85, both with optimize
    work_pillow.py correct    the same, made right: EXIF orientation, palettes
                              and other kinds of transparency, 16 bits, CMYK

copy() loads the picture, so libjpeg's scaled decoding is not used; the teams'
code had it, to leave the upload's object alone.
"""

import io
import json
import sys
import time
import warnings

from PIL import Image, ImageCms, ImageOps

BOX = (1024, 1024)
QUALITY = 85


def transparent(image):
    return image.mode == 'RGBA' and image.getextrema()[3][0] < 255


def encoded(small):
    out = io.BytesIO()

    if transparent(small):
        small.save(out, 'PNG', optimize=True)
    else:
        if small.mode not in ('RGB', 'L'):
            small = small.convert('RGB')
        small.save(out, 'JPEG', quality=QUALITY, optimize=True)

    return out.getvalue()


def teams(data):
    image = Image.open(io.BytesIO(data)).copy()
    image.thumbnail(BOX, Image.LANCZOS)

    return encoded(image)


def eight_bits(image):
    """Pillow has 16 bits of gray only; their high byte, rounded."""

    wide = image.convert('I')

    return wide.point(lambda v: v * (255 / 65535) + 0.5).convert('L')


def prepared(image):
    """Upright, and in a mode that is resized as it should be."""

    image = ImageOps.exif_transpose(image)

    if image.mode.startswith('I'):
        return eight_bits(image)

    if image.mode in ('P', 'LA', 'PA') or 'transparency' in image.info:
        clear = image.mode in ('LA', 'PA') or 'transparency' in image.info
        return image.convert('RGBA' if clear else 'RGB')

    return image


def from_cmyk(small, profile):
    """By its profile, as our module does; without one as Pillow does."""

    if not profile:
        return small.convert('RGB')

    return ImageCms.profileToProfile(
        small, ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile('sRGB'), outputMode='RGB')


def thumbnail(data):
    image = Image.open(io.BytesIO(data))
    profile = image.info.get('icc_profile')
    image = prepared(image)
    image.thumbnail(BOX, Image.LANCZOS)

    return from_cmyk(image, profile) if image.mode == 'CMYK' else image


def correct(data):
    return encoded(thumbnail(data))


class Worker:

    def __init__(self, run):
        self.run = run
        self.data = None
        self.last = None

    def load(self, path):
        with open(path, 'rb') as file:
            self.data = file.read()

        return {}

    def save(self, path):
        with open(path, 'wb') as file:
            file.write(self.last)

        return {}

    def timed(self, times):
        wall, cpu = [], []

        for _ in range(int(times)):
            used, start = time.process_time(), time.perf_counter()
            self.last = self.run(self.data)
            wall.append((time.perf_counter() - start) * 1e3)
            cpu.append((time.process_time() - used) * 1e3)

        return {'wall': wall, 'cpu': cpu, 'bytes': len(self.last)}

    def memory(self, _):
        with open('/proc/self/status') as file:
            return {'kb': next(int(line.split()[1]) for line in file
                               if line.startswith('VmHWM:'))}

    def answer(self, line):
        name, _, rest = line.strip().partition(' ')
        command = {'load': self.load, 'save': self.save, 'run': self.timed,
                   'memory': self.memory}[name]

        return command(rest)


def main():
    Image.MAX_IMAGE_PIXELS = None
    warnings.simplefilter('ignore')     # of palettes that lose their alpha
    worker = Worker({'teams': teams, 'correct': correct}[sys.argv[1]])

    for line in sys.stdin:
        try:
            answer = worker.answer(line)
        except Exception as error:         # whatever Pillow raises is told
            answer = {'error': repr(error)}

        print(json.dumps(answer), flush=True)


if __name__ == '__main__':
    main()
