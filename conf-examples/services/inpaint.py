#!/usr/bin/python3

"""Inpainting: what the mask has white is painted over from around it, by
Telea's method.  One picture behind the API of IOPaint and lama-cleaner, whose
model it stands in for:

    POST /api/v1/inpaint   {"image": "BASE64", "mask": "BASE64"}; the answer
                           is a PNG
    POST /inpaint          a form with the files "image" and "mask"; likewise

and many at once, as a worker with one graphics card wants them:

    POST /batch            a form of "image", "mask", "image", "mask" ...; the
                           answer is multipart/mixed with a PNG for each pair

    apt-get install python3-opencv
    inpaint.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import base64
import binascii

import cv2
import numpy

from picture import decode, encode, flat
from service import serve

RADIUS = 5
BOUNDARY = b'inpaint-0b2c9e51'


def inpaint(image, mask):
    image = flat(decode(image, cv2.IMREAD_UNCHANGED))
    mask = decode(mask, cv2.IMREAD_GRAYSCALE)

    if mask.shape != image.shape[:2]:
        mask = cv2.resize(mask, image.shape[1::-1])

    mask = (mask > 127).astype(numpy.uint8)

    return encode(cv2.inpaint(image, mask, RADIUS, cv2.INPAINT_TELEA))


def of_json(call):
    request = call.json()

    try:
        image, mask = (base64.b64decode(request[name].rpartition(',')[2],
                                        validate=True)
                       for name in ('image', 'mask'))
    except (AttributeError, KeyError, TypeError, binascii.Error):
        raise ValueError('"image" and "mask" must be base64')

    return 'image/png', inpaint(image, mask)


def of_form(call):
    return 'image/png', inpaint(call.file('image'), call.file('mask'))


def of_many(call):
    images = [data for name, data in call.parts if name == 'image']
    masks = [data for name, data in call.parts if name == 'mask']

    if not images or len(images) != len(masks):
        raise ValueError('the form has %d images and %d masks'
                         % (len(images), len(masks)))

    body = b''.join(b'--%s\r\nContent-Type: image/png\r\n\r\n%s\r\n'
                    % (BOUNDARY, inpaint(*pair))
                    for pair in zip(images, masks))

    return ('multipart/mixed; boundary=' + BOUNDARY.decode(),
            body + b'--%s--\r\n' % BOUNDARY)


if __name__ == '__main__':
    cv2.setNumThreads(1)
    serve({'/api/v1/inpaint': of_json, '/inpaint': of_form,
           '/batch': of_many}, 'inpaint')
