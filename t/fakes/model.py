#!/usr/bin/env python3

"""A model service that does what the path says, for tests.

    model.py [--host 127.0.0.1] [--port 0] [--unix PATH] [--tls CERTIFICATE]

prints its port (or socket) on a line of its own and serves until it is killed.
One process, asyncio: hundreds of calls at once are no burden to it.

A path is a chain of steps, done in order; the last one answers:

    /echo                  the multipart file, or else the body, as it came
    /delay/MS/...          waits first
    /gate/NAME/...         waits first, until POST /_open/NAME; ?only=TEXT:
                           those alone whose body has it
    /status/CODE           an error; ?retry_after=S  ?times=K: the first K calls
                           of this URL, then as /echo; ?per=key: the first K
                           calls with the same Idempotency-Key
    /canned/NAME           what was PUT to /_canned/NAME, with its type
    /json                  a small JSON object
    /parts                 all files, as multipart/mixed; ?max=N: 500 if one of
                           them has more bytes, ?less=1: the last is left out,
                           ?busy=1: 503 the first time, ?pairs=1: two and two
                           are one, the first one's bytes before the other's
    /list                  ... as {"items":[{"image":base64}, ...]}
    /garbage               200 image/jpeg, bytes of no kind
    /wrongtype             200 text/html
    /empty                 200, no body
    /cut                   the file's first half, as a complete answer
    /half                  promises the whole file, ends after half of it
    /huge/BYTES            the file, then zeros up to BYTES, chunked;
                           ?length=1: with a Content-Length
    /drip/MS               the file in 10 pieces, MS apart
    /driphead/MS           an answer whose header comes byte by byte, MS apart
    /redirect              302 to /echo
    /reset                 reads the request, then RST
    /close                 reads the request, then closes
    /hang                  never answers
    /nothttp               something that is not HTTP

    GET /_calls            {"PATH": calls}
    GET /_peak             {"now": running, "peak": most at once, "total": all,
                            "aborted": left by their client, "connections": n};
                           ?path=P: of this path alone
    GET /_files            how many files each call of /parts and /list had
    GET /_last             the last call: target, headers, fields, length, digest
    GET /_body             ... its body, as it came
    PUT /_canned/NAME      keeps a body and its Content-Type
    POST /_open/NAME       lets calls through the gate, now and later
    POST /_shut/NAME       ... no more
    POST /_reset           forgets all of this
"""

import argparse
import asyncio
import base64
import hashlib
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import urllib.parse

HEAD_MAX = 64 * 1024
BODY_MAX = 256 * 1024 * 1024


class Gone(Exception):
    """The client went away."""


class Call:
    """One request, read to its end."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.target = target
        url = urllib.parse.urlsplit(target)
        self.path = url.path
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.headers = headers
        self.body = body
        self.type = headers.get('content-type', 'application/octet-stream')
        self.fields = {}
        self.file = body
        self.files = []

        if self.type.startswith('multipart/form-data'):
            self.parse_multipart()

    def parse_multipart(self):
        boundary = self.type.partition('boundary=')[2].strip('"').encode()
        self.type = None

        for part in (b'\r\n' + self.body).split(b'\r\n--' + boundary)[1:-1]:
            head, _, value = part.partition(b'\r\n\r\n')
            name = head.partition(b'name="')[2].partition(b'"')[0].decode()

            if b'filename="' in head:
                self.files.append(value)

            if b'filename="' in head and self.type is None:
                kind = head.lower().partition(b'content-type:')[2]
                self.type = kind.partition(b'\r\n')[0].strip().decode() \
                    or 'application/octet-stream'
                self.file = value
                self.fields[name] = '(file of %d bytes)' % len(value)
            else:
                self.fields[name] = value.decode('utf-8', 'replace')

        self.type = self.type or 'application/octet-stream'

    def describe(self):
        return {'method': self.method, 'target': self.target,
                'headers': self.headers, 'fields': self.fields,
                'length': len(self.body), 'file_length': len(self.file),
                'file_type': self.type,
                'file_sha256': hashlib.sha256(self.file).hexdigest()}


class Count:
    """Of calls, of all or of one path."""

    def __init__(self):
        self.now = 0
        self.peak = 0
        self.total = 0
        self.aborted = 0

    def begin(self):
        self.total += 1
        self.now += 1
        self.peak = max(self.peak, self.now)


class Model:

    def __init__(self):
        self.connections = 0
        self.canned = {}
        self.open = set()
        self.reset()

    def reset(self):
        self.calls = {}
        self.seen = {}
        self.counts = {}
        self.last = None
        self.files = []

    async def serve(self, reader, writer):
        self.connections += 1

        try:
            while True:
                call = await self.read(reader, writer)

                if call is None or not await self.answer(call, reader, writer):
                    break

        except (Gone, ConnectionError, asyncio.IncompleteReadError,
                asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def read(self, reader, writer):
        try:
            head = await reader.readuntil(b'\r\n\r\n')
        except asyncio.IncompleteReadError:
            return None

        first, *lines = head.decode('latin-1').split('\r\n')
        method, target, _ = first.split(' ', 2)
        headers = {}

        for line in filter(None, lines):
            name, _, value = line.partition(':')
            headers[name.lower()] = value.strip()

        if headers.get('expect', '').lower() == '100-continue':
            writer.write(b'HTTP/1.1 100 Continue\r\n\r\n')

        if 'chunked' in headers.get('transfer-encoding', ''):
            body = await self.read_chunks(reader)
        else:
            body = await reader.readexactly(
                int(headers.get('content-length', 0)))

        return Call(method, target, headers, body)

    async def read_chunks(self, reader):
        body = bytearray()

        while True:
            size = int((await reader.readline()).split(b';')[0], 16)
            body += await reader.readexactly(size)
            await reader.readline()

            if size == 0 or len(body) > BODY_MAX:
                return bytes(body)

    async def answer(self, call, reader, writer):
        if call.path.startswith('/_'):
            self.control(call, writer)
            return True

        self.calls[call.path] = self.calls.get(call.path, 0) + 1
        self.last = call
        counts = self.count(''), self.count(call.path)

        for count in counts:
            count.begin()

        try:
            return await self.steps(call, reader, writer)
        except (Gone, ConnectionError):
            for count in counts:
                count.aborted += 1
            raise
        finally:
            for count in counts:
                count.now -= 1

    def count(self, path):
        return self.counts.setdefault(path, Count())

    def control(self, call, writer):
        what = call.path[2:]

        if what == 'body':
            self.send(writer, self.last.body, self.last.type)
            return

        if what.startswith('canned/'):
            self.canned[what[7:]] = (call.type, call.body)
            value = {'kept': len(call.body)}
        elif what.startswith('open/'):
            self.open.add(what[5:])
            value = {}
        elif what.startswith('shut/'):
            self.open.discard(what[5:])
            value = {}
        elif what == 'reset':
            self.reset()
            value = {}
        elif what == 'calls':
            value = self.calls
        elif what == 'files':
            value = self.files
        elif what == 'last':
            value = self.last.describe() if self.last else None
        else:
            value = {**vars(self.count(call.query.get('path', ''))),
                     'connections': self.connections}

        self.send(writer, json.dumps(value).encode(), 'application/json')

    async def steps(self, call, reader, writer):
        """True: the connection can be used again."""

        steps = call.path.strip('/').split('/')

        while steps:
            name = steps.pop(0)
            argument = 0

            if steps and steps[0].isdigit():
                argument = int(steps.pop(0))

            if name == 'delay':
                await self.wait(argument, reader)
                continue

            if name == 'gate':
                await self.gate(steps.pop(0), call, reader)
                continue

            if name == 'canned':
                kind, body = self.canned[steps[0]]
                self.send(writer, body, kind)
                return True

            step = getattr(self, 'do_' + name, None)

            if step is None:
                break

            return await step(call, argument, reader, writer)

        return await self.do_echo(call, 0, reader, writer)

    async def wait(self, ms, reader):
        """Sleeps, unless the client closes: then Gone."""

        rest = asyncio.get_running_loop().time() + ms / 1000

        while not (reader.at_eof() or reader.exception()):
            left = rest - asyncio.get_running_loop().time()

            if left <= 0:
                return

            await asyncio.sleep(min(left, 0.02))

        raise Gone

    async def gate(self, name, call, reader):
        if call.query.get('only', '').encode() not in call.body:
            return

        while name not in self.open:
            await self.wait(20, reader)

    def send(self, writer, body, kind, status=200, *headers):
        head = ['HTTP/1.1 %d -' % status, 'Content-Type: ' + kind,
                'Content-Length: %d' % len(body), *headers]
        writer.write('\r\n'.join(head).encode() + b'\r\n\r\n' + body)

    async def do_echo(self, call, argument, reader, writer):
        self.send(writer, call.file, call.type)
        await writer.drain()
        return True

    async def do_status(self, call, code, reader, writer):
        times = int(call.query.get('times', 1 << 30))
        key = call.target

        if call.query.get('per') == 'key':
            key += call.headers.get('idempotency-key', '')

        self.seen[key] = self.seen.get(key, 0) + 1

        if self.seen[key] > times:
            return await self.do_echo(call, 0, reader, writer)

        more = []

        if 'retry_after' in call.query:
            more.append('Retry-After: ' + call.query['retry_after'])

        self.send(writer, b'{"error":"as asked"}', 'application/json', code,
                  *more)
        return True

    async def do_json(self, call, argument, reader, writer):
        self.send(writer, b'{"ok":true,"items":[1,2,3]}', 'application/json')
        return True

    async def do_parts(self, call, argument, reader, writer):
        if not self.takes(call, writer):
            return True

        body = b''.join(b'--x\r\nContent-Type: image/png\r\n\r\n%s\r\n' % file
                        for file in call.files) + b'--x--\r\n'
        self.send(writer, body, 'multipart/mixed; boundary=x')
        return True

    async def do_list(self, call, argument, reader, writer):
        if self.takes(call, writer):
            items = [{'image': base64.b64encode(file).decode()}
                     for file in call.files]
            self.send(writer, json.dumps({'items': items}).encode(),
                      'application/json')

        return True

    def takes(self, call, writer):
        self.files.append(len(call.files))

        if max(map(len, call.files)) > int(call.query.get('max', 1 << 30)):
            self.send(writer, b'{"error":"too long"}', 'application/json', 500)
            return False

        self.seen[call.target] = self.seen.get(call.target, 0) + 1

        if 'busy' in call.query and self.seen[call.target] == 1:
            self.send(writer, b'{"error":"busy"}', 'application/json', 503)
            return False

        if 'pairs' in call.query:
            call.files = [one + two for one, two
                          in zip(call.files[::2], call.files[1::2])]

        if 'less' in call.query and len(call.files) > 1:
            call.files.pop()

        return True

    async def do_garbage(self, call, argument, reader, writer):
        # the same each time: one in a thousand looks like MPEG audio

        self.send(writer, random.Random(7).randbytes(4096), 'image/jpeg')
        return True

    async def do_wrongtype(self, call, argument, reader, writer):
        self.send(writer, b'<html>hello</html>', 'text/html')
        return True

    async def do_empty(self, call, argument, reader, writer):
        self.send(writer, b'', 'image/png')
        return True

    async def do_cut(self, call, argument, reader, writer):
        self.send(writer, call.file[:len(call.file) // 2], call.type)
        return True

    async def do_half(self, call, argument, reader, writer):
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n'
                     b'Content-Length: %d\r\n\r\n'
                     % (call.type.encode(), len(call.file)))
        writer.write(call.file[:len(call.file) // 2])
        await writer.drain()
        return False

    async def do_huge(self, call, size, reader, writer):
        plain = 'length' in call.query
        zeros = bytes(65536)
        left = max(size, len(call.file))
        how = b'Content-Length: %d' % left if plain \
            else b'Transfer-Encoding: chunked'
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n'
                     % (call.type.encode(), how))
        piece = call.file

        while left:
            piece = piece[:left]
            writer.write(piece if plain else b'%x\r\n%s\r\n'
                         % (len(piece), piece))
            await writer.drain()

            if reader.at_eof():
                raise Gone

            left -= len(piece)
            piece = zeros

        writer.write(b'' if plain else b'0\r\n\r\n')
        return True

    async def do_drip(self, call, ms, reader, writer):
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n'
                     b'Content-Length: %d\r\n\r\n'
                     % (call.type.encode(), len(call.file)))
        step = max(1, -(-len(call.file) // 10))

        for start in range(0, len(call.file), step):
            await self.wait(ms or 100, reader)
            writer.write(call.file[start:start + step])
            await writer.drain()

        return True

    async def do_driphead(self, call, ms, reader, writer):
        head = b'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n' \
               b'Content-Length: %d\r\n\r\n' \
               % (call.type.encode(), len(call.file))

        for byte in head:
            writer.write(bytes([byte]))
            await writer.drain()
            await self.wait(ms or 100, reader)

        writer.write(call.file)
        return True

    async def do_redirect(self, call, argument, reader, writer):
        self.send(writer, b'', 'text/plain', 302, 'Location: /echo')
        return True

    async def do_reset(self, call, argument, reader, writer):
        writer.get_extra_info('socket').setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        writer.transport.abort()
        return False

    async def do_close(self, call, argument, reader, writer):
        return False

    async def do_hang(self, call, argument, reader, writer):
        await self.wait(24 * 3600 * 1000, reader)
        return False

    async def do_nothttp(self, call, argument, reader, writer):
        writer.write(b'220 hello, this is not HTTP\r\n')
        return False


async def main():
    options = argparse.ArgumentParser()
    options.add_argument('--host', default='127.0.0.1')
    options.add_argument('--port', type=int, default=0)
    options.add_argument('--unix')
    options.add_argument('--tls', help='a file with a certificate and its key')
    options = options.parse_args()

    model = Model()
    tls = None

    if options.tls:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.tls)

    if options.unix:
        server = await asyncio.start_unix_server(model.serve, options.unix,
                                                 limit=HEAD_MAX)
        print(options.unix, flush=True)
    else:
        server = await asyncio.start_server(model.serve, options.host,
                                            options.port, limit=HEAD_MAX,
                                            backlog=1024, ssl=tls)
        print(server.sockets[0].getsockname()[1], flush=True)

    loop = asyncio.get_running_loop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, os._exit, 0)

    await server.serve_forever()


if __name__ == '__main__':
    sys.exit(asyncio.run(main()))
