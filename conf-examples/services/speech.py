#!/usr/bin/python3

"""Speech analysis behind OpenAI's API (POST /v1/audio/transcriptions, form
field "file", a JSON of the form "verbose_json" comes back), which whisper's
servers have, too; pocketsphinx listens.  It takes WAV files of 16 bits.

    {"task": "transcribe", "language": "english", "duration": 2.1,
     "text": "go forward ten meters",
     "segments": [{"id": 0, "start": 0.3, "end": 1.9, "text": "..."}]}

    apt-get install pocketsphinx pocketsphinx-en-us python3-numpy
    speech.py [--host 127.0.0.1] [--port 7000] [--jobs N]
"""

import io
import os
import re
import subprocess
import tempfile
import wave

import numpy

from service import serve

RATE = 16000                     # of the model
PAUSE = 0.5                      # seconds between segments
TIMEOUT = 120
WORD = re.compile(r'^(\S+?)(?:\(\d+\))? (\d+\.\d+) (\d+\.\d+) \S+$')


def samples_of(data):
    """One channel, at the model's rate."""

    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2 or file.getframerate() < 1000:
                raise ValueError('the WAV file is not of 16 bits')

            rate, channels = file.getframerate(), file.getnchannels()
            samples = numpy.frombuffer(file.readframes(file.getnframes()),
                                       numpy.int16)
    except (wave.Error, EOFError) as error:
        raise ValueError('the file is no WAV: %s' % error)

    samples = samples[:len(samples) // channels * channels]
    samples = samples.reshape(-1, channels).mean(axis=1)
    count = int(len(samples) * RATE / rate)

    if not count:
        raise ValueError('the WAV file is empty')

    return numpy.interp(numpy.arange(count) * rate / RATE,
                        numpy.arange(len(samples)), samples)


def words_of(samples):
    """(word, start, end) of each."""

    with tempfile.NamedTemporaryFile(suffix='.raw') as file:
        file.write(samples.astype('<i2').tobytes())
        file.flush()
        done = subprocess.run(
            ['pocketsphinx_continuous', '-infile', file.name, '-time', 'yes',
             '-logfn', os.devnull], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=TIMEOUT, text=True)

    if done.returncode:
        raise ValueError('pocketsphinx: ' + done.stderr[-200:])

    return [(match[1], float(match[2]), float(match[3]))
            for match in map(WORD.match, done.stdout.splitlines())
            if match and match[1][0] not in '<[+']


def segments_of(words):
    segments = []

    for word, start, end in words:
        if segments and start - segments[-1]['end'] < PAUSE:
            segments[-1]['text'] += ' ' + word
            segments[-1]['end'] = end
        else:
            segments.append({'id': len(segments), 'start': start, 'end': end,
                             'text': word})

    return segments


def transcribe(call):
    samples = samples_of(call.file('file'))
    segments = segments_of(words_of(samples))

    return {'task': 'transcribe', 'language': 'english',
            'duration': round(len(samples) / RATE, 2),
            'text': ' '.join(segment['text'] for segment in segments),
            'segments': segments}


if __name__ == '__main__':
    serve({'/v1/audio/transcriptions': transcribe}, 'speech')
