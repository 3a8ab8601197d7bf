#!/usr/bin/python3

"""Background removal behind the HTTP API of rembg (POST /api/remove, form field
"file", a PNG with transparency comes back), so that either can stand in for the
other.  In place of rembg's neural network it uses GrabCut (Rother, Kolmogorov,
Blake 2004; OpenCV): no model weights, a second or less, good where the subject
stands well inside the picture.

    apt-get install python3-opencv
    rembg.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import cv2
import numpy

from picture import decode, encode
from service import serve

# GrabCut's time grows with the pixels; the mask is made at this size and then
# drawn up along the edges of the full picture

MASK_SIDE = 512
ROUNDS = 4
MARGIN = 0.05

def coarse_mask(image):
    """0 or 1 for each pixel of a small copy: what lies in the inner part and
    does not look like the border."""

    height, width = image.shape[:2]
    mask = numpy.zeros((height, width), numpy.uint8)
    rectangle = (max(1, int(width * MARGIN)), max(1, int(height * MARGIN)),
                 int(width * (1 - 2 * MARGIN)), int(height * (1 - 2 * MARGIN)))

    cv2.setRNGSeed(1)            # the same picture, the same answer
    cv2.grabCut(image, mask, rectangle, numpy.zeros((1, 65)),
                numpy.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_RECT)

    mask = numpy.where((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD), 1, 0)

    return without_specks(mask.astype(numpy.uint8))


def without_specks(mask):
    """Keeps the parts that are not tiny beside the largest one."""

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)

    if count < 2:
        return mask

    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = 1 + numpy.flatnonzero(areas >= areas.max() / 20)

    return numpy.isin(labels, keep).astype(numpy.uint8)


def guided(mask, image, radius, epsilon=1e-4):
    """Guided filter (He, Sun, Tang 2010), fast variant: an edge of the mask
    moves to the edge of the picture that it lies on."""

    guide = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(numpy.float32) / 255
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(values):
        return cv2.blur(values, size)

    a = (mean(guide * mask) - mean(guide) * mean(mask)) \
        / (mean(guide * guide) - mean(guide) ** 2 + epsilon)
    b = mean(mask) - a * mean(guide)

    return mean(a), mean(b)


def soft_mask(image):
    """0..255 for each pixel."""

    height, width = image.shape[:2]
    scale = min(1, MASK_SIDE / max(height, width))
    small = cv2.resize(image, None, fx=scale, fy=scale,
                       interpolation=cv2.INTER_AREA) if scale < 1 else image

    mask = coarse_mask(small).astype(numpy.float32)

    if mask.max() == 0:
        # nothing stands out: better the whole picture than an empty one
        return numpy.full((height, width), 255, numpy.uint8)

    a, b = guided(mask, small, 4)

    if scale < 1:
        a = cv2.resize(a, (width, height), interpolation=cv2.INTER_LINEAR)
        b = cv2.resize(b, (width, height), interpolation=cv2.INTER_LINEAR)

    guide = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(numpy.float32) / 255
    soft = (a * guide + b - 0.1) / 0.8

    return (numpy.clip(soft, 0, 1) * 255).astype(numpy.uint8)


def cut_out(image):
    """The picture, its background transparent."""

    alpha = soft_mask(image)

    # what is quite transparent shows no colour, and takes no bytes
    image[alpha == 0] = 0

    return numpy.dstack((image, alpha))


def remove(call):
    return 'image/png', encode(cut_out(decode(call.file('file'))))


if __name__ == '__main__':
    cv2.setNumThreads(1)         # calls run side by side
    serve({'/api/remove': remove}, 'rembg')
