"""The pictures that are measured, by class, and what each class has to reach
(section 5 of ../shared/notes/perf.md: "must" with the libraries' codecs, and
"goal").

Most are the corpus's.  Those it does not keep, for their size, are made here of
the photograph that the project ships: of the same kind and size, the same
bytes each time.  Without the corpus only they are measured.
"""

import collections
import io
import os

from PIL import Image

import rasters

Picture = collections.namedtuple('Picture', 'name path pixels bytes')


class Class:
    """must, goal: how many times faster than Pillow, libvips and sharp, the
    slowest picture of the class."""

    def __init__(self, title, files, must, goal, pillow='pillow',
                 transparent=False, memory=None):
        self.title = title
        self.files = files
        self.must = must
        self.goal = goal
        self.pillow = pillow
        self.transparent = transparent
        self.memory = memory

# "transparent": libvips and sharp are measured with both of their settings of
# PNG, and the faster one counts.  Pillow made right counts where the teams'
# code is fast because it is wrong.  "memory": MB at most, where a bound is set.

CLASSES = (
    Class('JPEG, 10 to 20 MP', ('01_made_422.jpg', '02_made_420.jpg',
                                '05_made_444.jpg', '04_p12_exif6.jpg',
                                '21_m10_dense.jpg'),
          (3.1, 1.5, 1.05), (5.5, 2.5, 1.8), memory=25),
    Class('JPEG, 16 MP, progressive', ('03_p16_prog.jpg',),
          (2.3, 1.2, 1.3), (4, 2, 2), memory=25),
    Class('JPEG, 6 and 8 MP', ('06_m6_422.jpg', '07_m8_420.jpg'),
          (3.7, 2, 1.15), (5.5, 3, 1.9), memory=25),
    Class('JPEG, 3 MP', ('08_m3_420.jpg',),
          (3.7, 2.2, 1.5), (5, 3, 2.2), memory=25),
    Class('JPEG, not resized', ('09_s_900.jpg',),
          (1.5, 1.5, 1.5), (2.4, 2.4, 2.4), memory=25),
    Class('JPEG, gray, 10 MP', ('16_m10_gray.jpg',),
          (4, 1.8, 1.45), (7, 3, 2.5), memory=25),
    Class('JPEG, CMYK with a profile', ('17_m8_cmyk.jpg',),
          (2.4, None, 2), (2.4, None, 2), memory=25),
    Class('PNG, screenshot', ('10_shot_rgb.png',),
          (5.8, 2.9, 1.65), (6, 3, 2)),
    Class('PNG, photograph', ('11_made_photo.png', '14_made_opaque.png'),
          (4, 2.8, 2.5), (4, 2.8, 2.6)),
    Class('PNG, cut-out', ('12_cut4_rgba.png', '13_cut10_rgba.png'),
          (12, 9, 4), (12, 9, 4), transparent=True),
    Class('PNG, 16 bits, Adam7', ('15_made_rgb16.png', '20_made_adam7.png'),
          (3.3, 2.7, 2.6), (3.5, 2.8, 2.8)),
    Class('PNG, palette', ('18_pal.png', '19_pal_trns.png'),
          (5.8, 2.6, 1.6), (6, 3, 1.9), 'pillow-correct', transparent=True),
)

# where Pillow made right does other work than the teams' code

WRONG = ('04_p12_exif6.jpg', '17_m8_cmyk.jpg', '18_pal.png',
         '19_pal_trns.png')

QUICK = ('01_made_422.jpg', '04_p12_exif6.jpg', '03_p16_prog.jpg',
         '07_m8_420.jpg', '08_m3_420.jpg', '09_s_900.jpg', '16_m10_gray.jpg',
         '17_m8_cmyk.jpg', '10_shot_rgb.png', '14_made_opaque.png',
         '12_cut4_rgba.png', '20_made_adam7.png', '18_pal.png')


def jpeg(width, height, subsampling, size, number):
    """The best quality that is not larger than that."""

    array = rasters.photo(width, height, number)
    low, high = 30, 97

    while low < high:
        middle = (low + high + 1) // 2
        data = rasters.saved(array, 'JPEG', quality=middle,
                             subsampling=subsampling)
        low, high = (middle, high) if len(data) <= size else (low, middle - 1)

    return rasters.saved(array, 'JPEG', quality=low, subsampling=subsampling)


def opaque(width, height):
    array = rasters.np.full((height, width, 4), 255, rasters.np.uint8)
    array[:, :, :3] = rasters.photo(width, height, 4)

    return array


MADE = {
    '01_made_422.jpg': lambda: jpeg(5472, 3648, 1, 4400000, 1),
    '02_made_420.jpg': lambda: jpeg(5184, 3456, 2, 2500000, 2),
    '05_made_444.jpg': lambda: jpeg(4608, 2880, 0, 3600000, 3),
    '11_made_photo.png': lambda: rasters.png(rasters.photo(2464, 1632, 5)),
    '14_made_opaque.png': lambda: rasters.png(opaque(2048, 1536)),
    '15_made_rgb16.png': lambda: rasters.png(rasters.deep(
        rasters.photo(2464, 1632, 6))),
    '20_made_adam7.png': lambda: rasters.png(rasters.photo(2000, 1500, 7),
                                             True),
}


def made(folder, name):
    """Its path; made when it is not there yet."""

    path = os.path.join(folder, name)

    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)

        with open(path + '.part', 'wb') as file:
            file.write(MADE[name]())

        os.rename(path + '.part', path)

    return path


def picture(name, path):
    with open(path, 'rb') as file:
        data = file.read()

    width, height = Image.open(io.BytesIO(data)).size

    return Picture(name, path, width * height, len(data))


def pictures(folder, quick):
    """({name: Picture}, names of those that are not there)."""

    Image.MAX_IMAGE_PIXELS = None
    found, absent = {}, []

    for name in (name for of in CLASSES for name in of.files):
        if quick and name not in QUICK:
            continue

        path = made(folder, name) if name in MADE \
            else os.path.join(rasters.CORPUS, name)

        if os.path.exists(path):
            found[name] = picture(name, path)
        else:
            absent.append(name)

    return found, absent


def class_of(name):
    return next(of for of in CLASSES if name in of.files)
