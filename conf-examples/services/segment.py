#!/usr/bin/python3

"""Segmentation: POST /v1/items with a picture whose background is transparent
(or not: then GrabCut of rembg.py removes it first); what hangs together is an
item.

    {"items": [{"label": "item-1", "box": [x, y, width, height],
                "score": 0.42, "image": "BASE64 of a PNG"}, ...]}

Items stand from the largest to the smallest; "score" is an item's share of
all pixels that are not background.

    apt-get install python3-opencv
    segment.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import base64

import cv2
import numpy

from picture import decode, encode
from rembg import cut_out
from service import serve

ITEMS_MAX = 16
SHARE_MIN = 0.02                 # of the foreground
MARGIN = 8


def items_of(image):
    """(label, box, share) of each part, the largest first."""

    solid = (image[:, :, 3] > 127).astype(numpy.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    total = max(1, stats[1:, cv2.CC_STAT_AREA].sum())
    found = [(n, stats[n, :4], stats[n, cv2.CC_STAT_AREA] / total)
             for n in range(1, count)]
    found.sort(key=lambda item: -item[2])

    return labels, [item for item in found if item[2] >= SHARE_MIN][:ITEMS_MAX]


def cut(image, labels, number, box):
    """The item alone, on as much of the picture as it takes."""

    height, width = image.shape[:2]
    left, top = max(0, box[0] - MARGIN), max(0, box[1] - MARGIN)
    right = min(width, box[0] + box[2] + MARGIN)
    bottom = min(height, box[1] + box[3] + MARGIN)
    part = image[top:bottom, left:right].copy()
    near = cv2.dilate((labels[top:bottom, left:right] == number)
                      .astype(numpy.uint8), numpy.ones((3, 3), numpy.uint8))
    part[near == 0] = 0

    return part


def segment(call):
    image = decode(call.file('file'), cv2.IMREAD_UNCHANGED)

    if image.ndim == 2 or image.shape[2] == 3:
        image = cut_out(decode(call.file('file')))

    labels, found = items_of(image)

    return {'items': [
        {'label': 'item-%d' % (n + 1), 'box': [int(x) for x in box],
         'score': round(float(share), 3),
         'image': base64.b64encode(encode(cut(image, labels, number, box)))
                        .decode()}
        for n, (number, box, share) in enumerate(found)]}


if __name__ == '__main__':
    cv2.setNumThreads(1)
    serve({'/v1/items': segment}, 'segment')
