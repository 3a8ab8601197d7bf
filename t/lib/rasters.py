"""Pictures as arrays, for what judges pixels: t/50-quality.t and t/bench/image.
Needs Debian's python3-numpy and python3-pil, hence /usr/bin/python3.

png() writes what Pillow cannot (16 bits of colour, Adam7); photo(), plate(),
drawing() and cutout() are made of the photograph that the project ships and of
arithmetic, the same bytes each time; resized() is Lanczos-3 in float64, the
reference that a result is compared with by psnr() and ssim().
"""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

import pictures

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
SAMPLE = os.path.join(ROOT, 'conf-examples/www/sample.jpg')
CORPUS = os.environ.get('IMGP_CORPUS') or os.path.join(ROOT,
                                                       '../shared/corpus')

# x, y of the first pixel, and steps

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
         (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}

SUPPORT = 3
WHITE = 255.0
LUMA = np.array([0.299, 0.587, 0.114])
STRIP = 8


# files


def filtered(array):
    """Rows of a pass, each with the filter whose sum of absolute differences
    is the least, as libpng chooses."""

    height, width, parts = array.shape
    raw = np.ascontiguousarray(array.astype('>u2') if array.dtype == np.uint16
                               else array).view(np.uint8)
    raw = raw.reshape(height, -1).astype(np.int16)
    step = parts * array.dtype.itemsize

    left, up, corner = (np.zeros_like(raw) for _ in range(3))
    left[:, step:] = raw[:, :-step]
    up[1:] = raw[:-1]
    corner[1:, step:] = raw[:-1, :-step]

    a, b, c = (abs(up - corner), abs(left - corner),
               abs(left + up - 2 * corner))
    paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))

    rows = [(raw - guess).astype(np.uint8)
            for guess in (0, left, up, (left + up) >> 1, paeth)]
    costs = [abs(row.view(np.int8).astype(np.int32)).sum(1) for row in rows]
    best = np.argmin(costs, axis=0)

    out = np.empty((height, raw.shape[1] + 1), np.uint8)
    out[:, 0] = best
    out[:, 1:] = np.choose(best[:, None], rows)

    return out.tobytes()


def png(array, interlaced=False, level=6, extra=b''):
    """uint8 or uint16, of 1 to 4 parts a pixel."""

    if array.ndim == 2:
        array = array[:, :, None]

    height, width, parts = array.shape
    passes = [array[y::dy, x::dx] for x, y, dx, dy in ADAM7] if interlaced \
        else [array]
    body = b''.join(filtered(part) for part in passes if part.size)
    head = struct.pack('>IIBBBBB', width, height, 8 * array.dtype.itemsize,
                       COLOUR[parts], 0, 0, interlaced)

    return pictures.SIGNATURE + pictures.chunk(b'IHDR', head) + extra \
        + pictures.chunk(b'IDAT', zlib.compress(body, level)) \
        + pictures.chunk(b'IEND', b'')


def saved(array, kind, **options):
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **options)

    return out.getvalue()


# pictures


def photo(width, height, number=0):
    """The sample's texture at every scale: what is enlarged has no detail of
    its own, so tiles of it are laid over it."""

    sample = Image.open(SAMPLE).convert('RGB')
    large = np.asarray(sample.resize((width, height), Image.BICUBIC))
    tile = np.asarray(sample)
    many = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
    tiles = np.tile(tile, many)[:height, :width]
    mixed = (large.astype(np.uint16) * 166 + tiles.astype(np.uint16) * 90) >> 8

    return np.roll(mixed.astype(np.uint8), (number * 61, number * 97), (0, 1))


def plate(width, height):
    """Rings that become finer: all that a resampler lets through in error
    is seen as rings of its own."""

    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    square = (x - width / 2) ** 2 + (y - height / 2) ** 2
    wave = np.cos(square * np.pi / (2 * max(width, height)))

    return np.repeat((127.5 + 120 * wave).astype(np.uint8)[:, :, None], 3, 2)


def drawing(width, height):
    """Plain areas, hard edges, lines of one pixel, a gradient."""

    y, x = np.mgrid[0:height, 0:width]
    out = np.full((height, width, 3), 250, np.uint8)

    out[(x // 97 + y // 61) % 5 == 0] = (20, 60, 160)
    out[(x * 3 + y * 5) % 211 < 4] = (200, 30, 30)
    out[(x % 53 == 0) | (y % 47 == 0)] = (10, 10, 10)
    out[height // 2:height * 2 // 3, :, 1] = (
        np.arange(width) * 255 // width).astype(np.uint8)

    return out


def cutout(width, height):
    """A photograph in a disc with a soft edge; nothing is hidden outside."""

    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    far = np.hypot((x - width / 2) / width, (y - height / 2) / height)
    alpha = np.clip((0.42 - far) * 40, 0, 1)
    out = np.empty((height, width, 4), np.uint8)
    out[:, :, :3] = photo(width, height) * (alpha > 0)[:, :, None]
    out[:, :, 3] = np.rint(alpha * 255)

    return out


def deep(array, seed=1):
    """8 to 16 bits, with noise below what 8 bits can tell."""

    noise = np.random.Generator(np.random.PCG64(seed)).integers(
        -200, 200, array.shape)

    return np.clip(array.astype(np.int32) * 257 + noise, 0,
                   65535).astype(np.uint16)


# the reference


def weights(size, target):
    """[(first, weights)] of each of the target's pixels."""

    scale = size / target
    reach = SUPPORT * max(scale, 1.0)
    found = []

    for i in range(target):
        centre = (i + 0.5) * scale
        first = max(int(centre - reach + 0.5), 0)
        last = min(int(centre + reach + 0.5), size)
        x = (np.arange(first, last) + 0.5 - centre) / max(scale, 1.0)
        w = np.where(abs(x) < SUPPORT, np.sinc(x) * np.sinc(x / SUPPORT), 0)
        found.append((first, w / w.sum()))

    return found


def along(rows, size, target):
    """The first axis: products with a few of the target's rows at a time."""

    table = weights(size, target)
    out = np.empty((target, rows.shape[1]))

    for i in range(0, target, STRIP):
        part = table[i:i + STRIP]
        first = part[0][0]
        last = part[-1][0] + len(part[-1][1])
        matrix = np.zeros((len(part), last - first))

        for k, (start, w) in enumerate(part):
            matrix[k, start - first:start - first + len(w)] = w

        out[i:i + len(part)] = matrix @ rows[first:last].astype(np.float64)

    return out


def lanczos(array, width, height):
    """(h, w, n) of any type to float64; as it is where the size is."""

    rows, columns, parts = array.shape

    if (columns, rows) == (width, height):
        return array.astype(np.float64)

    flat = along(array.reshape(rows, -1), rows, height)
    turned = flat.reshape(height, columns, parts).transpose(1, 0, 2)
    flat = along(np.ascontiguousarray(turned).reshape(columns, -1), columns,
                 width)

    return flat.reshape(width, height, parts).transpose(1, 0, 2)


def over_white(array, full=WHITE):
    """Of 1 to 4 parts a pixel, alpha not premultiplied: RGB, 0..255."""

    if array.shape[2] in (2, 4):
        alpha = array[:, :, -1:].astype(np.float64) / full
        array = array[:, :, :-1] * alpha + full * (1 - alpha)

    return np.broadcast_to(array * (WHITE / full), array.shape[:2] + (3,))


def resized(array, width, height):
    """What the picture should be at this size, over white: colours weighed
    by their alpha."""

    full = 65535.0 if array.dtype == np.uint16 else 255.0

    if array.shape[2] in (2, 4):
        array = over_white(array, full)
        full = WHITE

    return np.clip(over_white(lanczos(array, width, height), full), 0, WHITE)


# the judges


def psnr(a, b):
    return 10 * np.log10(WHITE ** 2 / (np.mean((a - b) ** 2) + 1e-6))


def blurred(array):
    """Gaussian of 11 by 11, as of Wang et al. 2004."""

    kernel = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    kernel /= kernel.sum()

    for _ in range(2):
        size = array.shape[0] - 10
        array = sum(k * array[i:i + size]
                    for i, k in enumerate(kernel)).T

    return array


def ssim(a, b):
    c1, c2 = (0.01 * WHITE) ** 2, (0.03 * WHITE) ** 2
    ma, mb = blurred(a), blurred(b)
    aa = blurred(a * a) - ma * ma
    bb = blurred(b * b) - mb * mb
    ab = blurred(a * b) - ma * mb

    return float(np.mean((2 * ma * mb + c1) * (2 * ab + c2)
                         / ((ma * ma + mb * mb + c1) * (aa + bb + c2))))
