#!/usr/bin/python3

"""Background removal behind remove.bg's API (POST /v1.0/removebg, form field
"image_file", header X-Api-Key, a PNG comes back), with the engine of rembg.py.

    apt-get install python3-opencv
    removebg.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import cv2

from picture import decode, encode
from rembg import cut_out
from service import serve


def remove(call):
    call.secret('X-Api-Key')

    return 'image/png', encode(cut_out(decode(call.file('image_file'))))


if __name__ == '__main__':
    cv2.setNumThreads(1)
    serve({'/v1.0/removebg': remove}, 'removebg')
