"""Pictures for the systems of conf-examples/, made anew for each seed: clothes
before a wall, and a poster with English text."""

import io

import numpy
from PIL import Image, ImageDraw, ImageFont

FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'
TEXTS = ['The house is big', 'Good morning', 'The water is cold']


def clothes(seed=0, large=False):
    """Three garments on a plain wall, or a single one, as JPEG of 1600 x 1200.
    """

    noise = numpy.random.default_rng(seed).normal(0, 4, (1200, 1600, 3))
    image = Image.new('RGB', (1600, 1200), (228, 224, 214))
    draw = ImageDraw.Draw(image)

    if large:
        draw.rectangle((200, 150, 1400, 1050), fill=(170, 30, 40))
    else:
        draw.rectangle((200, 200, 560, 640), fill=(170, 30, 40))
        draw.polygon([(700, 700), (1020, 700), (1080, 1080), (640, 1080)],
                     fill=(30, 60, 150))
        draw.ellipse((1120, 180, 1440, 560), fill=(20, 110, 60))

    pixels = numpy.asarray(image) + noise
    out = io.BytesIO()
    Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8)).save(
        out, 'JPEG', quality=92)

    return out.getvalue()


def poster(texts=TEXTS, seed=0, height=700):
    """Dark text on a soft, uneven background, as PNG of 1000 x 700."""

    rows, columns = numpy.mgrid[0:height, 0:1000]
    pixels = numpy.stack((235 - rows * 35 / height, 225 - columns / 30,
                          205 + rows * 10 / height + seed), 2)
    image = Image.fromarray(pixels.astype(numpy.uint8))
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(FONT, 64)

    for n, text in enumerate(texts):
        draw.text((90, 90 + 200 * n), text, (30, 30, 60), font)

    out = io.BytesIO()
    image.save(out, 'PNG')

    return out.getvalue()
