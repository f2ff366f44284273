"""Size and mean colour of a PNG: a handler for Millrace, standard library only."""

import struct
import zlib

CHANNELS = {0: ['grey'], 2: ['red', 'green', 'blue'], 3: ['index'], 4: ['grey', 'alpha'], 6: ['red', 'green', 'blue', 'alpha']}
MAX_PIXELS = 50_000_000


class BadPicture(Exception):
    pass


def handler(request, context):
    data = request.read()
    try:
        answer = stats(data)
    except BadPicture as error:
        print('refused %d bytes: %s' % (len(data), error))
        return {'status_code': 400, 'content_type': 'application/json', 'content': {'error': str(error)}}
    print('measured a picture of %(width)d x %(height)d pixels' % answer)
    return {'content_type': 'application/json', 'content': answer}


def stats(png):
    chunks = list(chunks_of(png))
    header = next((body for kind, body in chunks if kind == b'IHDR' and len(body) == 13), None)
    if header is None:
        raise BadPicture('the PNG has no header')
    width, height, depth, kind, _, _, interlace = struct.unpack('>IIBBBBB', header)
    if depth != 8 or kind not in CHANNELS:
        raise BadPicture('only PNGs with 8 bits a channel are understood here')
    if interlace:
        raise BadPicture('interlaced PNGs are not understood here')
    if not 0 < width * height <= MAX_PIXELS:
        raise BadPicture('the PNG has no pixels, or more than %d' % MAX_PIXELS)
    names = CHANNELS[kind]
    pixels = unfilter(inflate(chunks, (width * len(names) + 1) * height), width * len(names), len(names))
    if kind == 3:
        names, sums = ['red', 'green', 'blue'], palette_sums(chunks, pixels)
    else:
        sums = [sum(sum(row[at :: len(names)]) for row in pixels) for at in range(len(names))]
    mean = {name: round(total / (width * height), 3) for name, total in zip(names, sums)}
    return {'width': width, 'height': height, 'mean': mean}


def chunks_of(png):
    if png[:8] != b'\x89PNG\r\n\x1a\n':
        raise BadPicture('this is no PNG')
    at = 8
    while at + 12 <= len(png):
        size, kind = struct.unpack('>I4s', png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        (checksum,) = struct.unpack('>I', png[at + 8 + size : at + 12 + size].ljust(4, b'\0'))
        if len(body) != size or zlib.crc32(kind + body) != checksum:
            raise BadPicture('the PNG is damaged or cut off')
        yield kind, body
        if kind == b'IEND':
            return
        at += 12 + size
    raise BadPicture('the PNG is cut off')


def inflate(chunks, size):
    try:
        data = zlib.decompressobj().decompress(b''.join(body for kind, body in chunks if kind == b'IDAT'), size)
    except zlib.error:
        raise BadPicture('the PNG is damaged') from None
    if len(data) != size:
        raise BadPicture('the PNG has too few pixels')
    return data


def unfilter(data, row_bytes, step):
    """Rows of plain bytes: every row says how it differs from its left and upper neighbours (PNG, section 9)."""
    above = bytearray(row_bytes)
    rows = []
    for start in range(0, len(data), row_bytes + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + row_bytes])
        if kind == 1:
            for at in range(step, row_bytes):
                row[at] = (row[at] + row[at - step]) & 255
        elif kind == 2:
            row = bytearray((value + up) & 255 for value, up in zip(row, above))
        elif kind == 3:
            for at in range(row_bytes):
                left = row[at - step] if at >= step else 0
                row[at] = (row[at] + (left + above[at]) // 2) & 255
        elif kind == 4:
            for at in range(row_bytes):
                left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
                row[at] = (row[at] + nearest(left, above[at], corner)) & 255
        elif kind != 0:
            raise BadPicture('the PNG has an unknown filter')
        rows.append(row)
        above = row
    return rows


def nearest(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def palette_sums(chunks, rows):
    palette = next((body for kind, body in chunks if kind == b'PLTE'), b'')
    counts = [0] * 256
    for row in rows:
        for index in row:
            counts[index] += 1
    if any(counts[len(palette) // 3 :]):
        raise BadPicture('the PNG has a colour that is not in its palette')
    return [sum(count * value for count, value in zip(counts, palette[at::3])) for at in range(3)]
