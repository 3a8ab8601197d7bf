#!/usr/bin/python3

"""OCR behind the HTTP API of PaddleOCR's serving (POST /predict/ocr_system,
{"images": ["BASE64", ...]}); tesseract reads.

    {"msg": "", "status": "000", "results": [[
        {"text": "Good morning", "confidence": 0.96,
         "text_region": [[x, y], [x, y], [x, y], [x, y]]}, ...]]}

    apt-get install tesseract-ocr
    ocr.py [--host 127.0.0.1] [--port 7000] [--jobs N]
    LANGUAGES=eng+kor ocr.py ...           what tesseract looks for
"""

import base64
import binascii
import csv
import io
import os
import subprocess

from service import serve

LANGUAGES = os.environ.get('LANGUAGES', 'eng')
TIMEOUT = 120
CONFIDENCE_MIN = 30


def lines_of(table):
    """Tesseract's words, put together to lines."""

    lines = {}

    for word in csv.DictReader(io.StringIO(table), delimiter='\t',
                               quoting=csv.QUOTE_NONE):
        if word['text'] and word['text'].strip() \
                and float(word['conf']) >= CONFIDENCE_MIN:
            key = word['block_num'], word['par_num'], word['line_num']
            lines.setdefault(key, []).append(word)

    return lines.values()


def region(words):
    left = min(int(word['left']) for word in words)
    top = min(int(word['top']) for word in words)
    right = max(int(word['left']) + int(word['width']) for word in words)
    bottom = max(int(word['top']) + int(word['height']) for word in words)

    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def read(image):
    done = subprocess.run(
        ['tesseract', 'stdin', 'stdout', '-l', LANGUAGES, '--psm', '11',
         'tsv'], input=image, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=TIMEOUT, env={**os.environ, 'OMP_THREAD_LIMIT': '1'})

    if done.returncode:
        raise ValueError('tesseract: '
                         + done.stderr.decode(errors='replace')[-200:])

    return [{'text': ' '.join(word['text'] for word in words),
             'confidence': round(sum(float(word['conf']) for word in words)
                                 / len(words) / 100, 3),
             'text_region': region(words)}
            for words in lines_of(done.stdout.decode())]


def predict(call):
    try:
        images = [base64.b64decode(image, validate=True)
                  for image in call.json()['images']]
    except (KeyError, TypeError, binascii.Error):
        raise ValueError('"images" must be a list of base64')

    return {'msg': '', 'status': '000',
            'results': [read(image) for image in images]}


if __name__ == '__main__':
    serve({'/predict/ocr_system': predict}, 'ocr')
