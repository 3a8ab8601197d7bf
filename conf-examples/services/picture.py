"""Pictures in and out, for the example services that use OpenCV."""

import cv2
import numpy

PIXELS_MAX = 64 * 1000 * 1000
SIDE_MIN = 8


def decode(data, mode=cv2.IMREAD_COLOR):
    """Blue, green, red; with IMREAD_UNCHANGED as it is, alpha included."""

    image = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), mode)

    if image is None:
        raise ValueError('the file is no picture that can be read')

    if image.shape[0] * image.shape[1] > PIXELS_MAX:
        raise ValueError('the picture has more than %d pixels' % PIXELS_MAX)

    if min(image.shape[:2]) < SIDE_MIN:
        raise ValueError('the picture is smaller than %d pixels' % SIDE_MIN)

    return image


def encode(image):
    """As PNG."""

    done, png = cv2.imencode('.png', image, (cv2.IMWRITE_PNG_COMPRESSION, 3))

    if not done:
        raise ValueError('the result cannot be written as PNG')

    return png.tobytes()


def flat(image, background=255):
    """Without its alpha, on a plain background."""

    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)

    if image.shape[2] == 3:
        return image

    alpha = image[:, :, 3:].astype(numpy.uint16)
    mixed = (image[:, :, :3] * alpha + background * (255 - alpha)) // 255

    return mixed.astype(numpy.uint8)
