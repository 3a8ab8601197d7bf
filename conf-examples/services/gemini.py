#!/usr/bin/python3

"""Gemini's generateContent (POST /v1beta/models/MODEL:generateContent, header
x-goog-api-key), for one purpose: the first picture among the parts comes back
larger.  In place of the model, OpenCV draws the new border (Telea's method).

    apt-get install python3-opencv
    gemini.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import base64
import binascii

import cv2
import numpy

from picture import decode, encode, flat
from service import serve

BORDER = 0.125                   # of each side
RADIUS = 3


def picture_of(request):
    """The bytes of the first part that has some."""

    try:
        for content in request['contents']:
            for part in content['parts']:
                inline = part.get('inlineData') or part.get('inline_data')

                if inline:
                    return base64.b64decode(inline['data'], validate=True)
    except (AttributeError, KeyError, TypeError, binascii.Error):
        raise ValueError('the contents are not as in the API\'s reference')

    raise ValueError('no part has a picture')


def expanded(image):
    height, width = image.shape[:2]
    x, y = round(width * BORDER), round(height * BORDER)
    wide = cv2.copyMakeBorder(image, y, y, x, x, cv2.BORDER_REPLICATE)
    mask = numpy.full(wide.shape[:2], 255, numpy.uint8)
    mask[y:y + height, x:x + width] = 0

    return cv2.inpaint(wide, mask, RADIUS, cv2.INPAINT_TELEA)


def generate(call):
    call.secret('x-goog-api-key')
    image = flat(decode(picture_of(call.json()), cv2.IMREAD_UNCHANGED))
    data = base64.b64encode(encode(expanded(image))).decode()

    return {'candidates': [{
        'content': {'role': 'model', 'parts': [
            {'text': 'Here is the picture with more around it.'},
            {'inlineData': {'mimeType': 'image/png', 'data': data}}]},
        'finishReason': 'STOP', 'index': 0}]}


if __name__ == '__main__':
    cv2.setNumThreads(1)
    serve({'*:generateContent': generate}, 'gemini')
