#!/usr/bin/env python3

"""Makes t/fuzz/corpus/record/: job records, whole and forged.

This is the format a second time, written from the comment in
src/store/imgp_record.c, so it also checks that the comment is right.
"""

import os
import struct
import zlib

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'record')


def u8(n):
    return struct.pack('<B', n)


def u32(n):
    return struct.pack('<I', n)


def u64(n):
    return struct.pack('<Q', n)


def text(s):
    b = s.encode() if isinstance(s, str) else s
    return u32(len(b)) + b


def item(n, media='image/png', nbytes=1000, width=100, height=200):
    return (bytes([n]) * 32 + u64(nbytes) + u32(width) + u32(height)
            + text(media))


def error(code=0, status=0, detail=''):
    return u32(code) + u32(status) + text(detail)


def stage(name, state=0, items=(), err=None, output=1, cached=0, local=1,
          optional=0, attempts=1, progress=0, calls=0, times=(0, 0, 0, 0)):
    return (text(name) + u8(output) + u8(state) + u8(cached) + u8(local)
            + u8(optional) + u32(attempts) + u32(progress) + u32(calls)
            + b''.join(map(u64, times))
            + (u8(0) if err is None else u8(1) + err)
            + u32(len(items)) + b''.join(items))


def record(state=1, pipeline='closet', params=(), stages=(), created=1000,
           phases=(40, 3, 0, 0, 0, 0), finished=0, error_stage=-1,
           err=None, upload=None, version=1, magic=b'IMGJ', crc=0):
    body = (b'\x5a' * 16 + bytes(16) + u32(state) + u32(7) + u32(0)
            + u64(1043) + u64(0)
            + text(pipeline) + b'\x11' * 32 + u8(0) + u8(0) + u8(0) + u32(470)
            + u64(created) + u64(1100) + u64(finished)
            + b''.join(map(u64, phases)) + u64(created + sum(phases)) + u8(2)
            + (upload or item(1, 'image/jpeg'))
            + u32(len(params)) + b''.join(text(n) + text(v) for n, v in params)
            + u32(len(stages)) + b''.join(stages)
            + u32(error_stage + 1) + (err or error()))
    whole = magic + u32(version) + u32(12 + len(body) + 4) + body
    return whole + u32(zlib.crc32(whole) ^ crc)


FILES = {
    'empty-job': record(state=0),
    'running': record(
        params=[('expand', 'on'), ('size', '1024')],
        stages=[stage('photo', 4, [item(10)], progress=1000),
                stage('cutout', 3, local=0, attempts=2,
                      err=error(18, 0, 'timed out')),
                stage('items', 4, [item(30), item(31), item(32)], local=0),
                stage('expanded', 5, optional=1), stage('result')]),
    'failed': record(
        state=3, finished=1043, error_stage=0,
        err=error(10, 0, 'it ends too soon'),
        stages=[stage('photo', 6, err=error(10, 0, 'it ends too soon'))]),
    'bad-crc': record(crc=1),
    'bad-version': record(version=2),
    'bad-magic': record(magic=b'IMGR'),
    'bad-sum': record().replace(u64(1043) + u8(2), u64(1044) + u8(2)),
    'bad-state': record(state=9),
    'bad-count': record(stages=[stage('a', 4)[:-4] + u32(64)]),
    'bad-error-stage': record(error_stage=3),
    'bad-name': record(pipeline='clos\x00et'),
    'bad-type': record(upload=item(1, 'image/\njpeg')),
    'bad-utf8': record(err=error(10, 0, b'\xff\xfe')),
    'bad-value': record(params=[('size', '1' * 257)]),
    'cut': record()[:100],
    'nothing': b'',
}


def main():
    os.makedirs(HERE, exist_ok=True)

    for name, data in FILES.items():
        with open(os.path.join(HERE, name), 'wb') as out:
            out.write(data)


if __name__ == '__main__':
    main()
