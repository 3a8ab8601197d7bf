"""Pictures for the tests, made and taken apart with the standard library.

png() makes one of plain colours, chunk() and png_of() the parts for those that
are broken on purpose; size() reads type and dimensions, as the bytes tell
them, and segments() what a JPEG or PNG carries besides its pixels.
"""

import struct
import zlib

SIGNATURE = b'\x89PNG\r\n\x1a\n'


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data \
        + struct.pack('>I', zlib.crc32(kind + data))


def png_of(width, height, pixels, colour=2, depth=8, extra=b''):
    """A PNG with any header and any IDAT; "extra" are chunks before it."""

    head = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b'IHDR', head) + extra + chunk(b'IDAT', pixels) \
        + chunk(b'IEND', b'')


def png(width, height, colour=(200, 80, 40), extra=b'', boxes=()):
    """One colour of 3 or 4 parts; boxes of others: (x, y, w, h, colour)."""

    rows = [[bytes(colour)] * width for _ in range(height)]

    for x, y, w, h, other in boxes:
        for row in rows[y:y + h]:
            row[x:x + w] = [bytes(other)] * w

    pixels = b''.join(b'\0' + b''.join(row) for row in rows)
    return png_of(width, height, zlib.compress(pixels),
                  6 if len(colour) == 4 else 2, extra=extra)


def unique_png(number, width=8, height=8):
    """Other bytes for every number, and other pixels."""

    return png(width, height, ((number >> 16) & 255, (number >> 8) & 255,
                               number & 255))


def padded(data, size):
    """A PNG made so long by a chunk that nobody reads."""

    more = max(0, size - len(data) - 12)
    return data[:33] + chunk(b'teSt', bytes(more)) + data[33:]


def unpack_png(data):
    """(width, height, parts of a pixel, rows): 8 bits, not interlaced."""

    width, height, depth, colour, _, _, interlaced = \
        struct.unpack('>IIBBBBB', data[16:29])
    parts = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    assert depth == 8 and not interlaced
    packed = b''.join(body for kind, body in segments(data) if kind == 'IDAT')
    raw = zlib.decompress(packed)
    stride = width * parts
    rows, last = [], bytes(stride)

    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        unfilter(kind, row, last, parts)
        rows.append(bytes(row))
        last = row

    return width, height, parts, rows


def unfilter(kind, row, last, parts):
    """PNG specification, 9.2."""

    for i, value in enumerate(row):
        a = row[i - parts] if i >= parts else 0
        b = last[i]
        c = last[i - parts] if i >= parts else 0

        if kind == 1:
            value += a
        elif kind == 2:
            value += b
        elif kind == 3:
            value += (a + b) // 2
        elif kind == 4:
            value += min((abs(b - c), 0, a), (abs(a - c), 1, b),
                         (abs(a + b - 2 * c), 2, c))[2]

        row[i] = value & 255


def pixel(data, x, y):
    """Of an 8-bit PNG."""

    _, _, parts, rows = unpack_png(data)
    return tuple(rows[y][x * parts:(x + 1) * parts])


def segments(data):
    """[(name, bytes)]: the chunks of a PNG, or a JPEG's segments up to SOS."""

    found = []

    if data.startswith(SIGNATURE):
        at = 8

        while at + 8 <= len(data):
            length, = struct.unpack('>I', data[at:at + 4])
            found.append((data[at + 4:at + 8].decode('latin-1'),
                          data[at + 8:at + 8 + length]))
            at += 12 + length

        return found

    at = 2

    while at + 4 <= len(data) and data[at] == 0xff:
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4],
                                                      'big')
        found.append(('%02X' % marker, data[at + 4:at + 2 + length]))
        at += 2 + length

        if marker == 0xda:
            break

    return found


def size(data):
    """(type, width, height) or (None, 0, 0)."""

    if data.startswith(SIGNATURE):
        return ('image/png', *struct.unpack('>II', data[16:24]))

    if data.startswith(b'\xff\xd8'):
        for name, body in segments(data):
            if name in ('C0', 'C1', 'C2'):
                height, width = struct.unpack('>HH', body[1:5])
                return 'image/jpeg', width, height

    return None, 0, 0
