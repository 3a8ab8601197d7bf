#!/usr/bin/env python3

"""An S3 server for tests: s3.py ACCESS SECRET REGION prints its port.

PUT stores an object if its signature is right (AWS Signature Version 4, as
Amazon's documents have it, and written from these alone), and its content has
the digest that was signed; GET and HEAD give it to anybody.  Path style, and
host style for names below "s3.test".

    GET /_objects              {"BUCKET/KEY": [type, length, headers]}
    PUT /_fail/N               the next N requests are answered with 503
"""

import hashlib
import hmac
import http.server
import json
import sys
import urllib.parse

ACCESS, SECRET, REGION = sys.argv[1:4]
objects = {}
left = [0]


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature(method, path, query, headers, names, stamp):
    canonical = '\n'.join([
        method, urllib.parse.quote(urllib.parse.unquote(path), '/-_.~'),
        '&'.join(sorted(query.split('&'))) if query else '',
        *(name + ':' + ' '.join(headers[name].split()) for name in names), '',
        ';'.join(names), headers['x-amz-content-sha256']])
    scope = '%s/%s/s3/aws4_request' % (stamp[:8], REGION)
    text = '\n'.join(['AWS4-HMAC-SHA256', stamp, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = ('AWS4' + SECRET).encode()

    for part in stamp[:8], REGION, 's3', 'aws4_request':
        key = sign(key, part)

    return scope, sign(key, text).hex()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *ignored):
        pass

    def reply(self, status, body=b'', kind='application/xml', **headers):
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))

        for name, value in headers.items():
            self.send_header(name, value)

        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code):
        self.reply(status, b'<Error><Code>%s</Code></Error>' % code.encode())

    def name(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        host = self.headers['Host'].partition(':')[0]
        bucket, dot, rest = host.partition('.s3.test')
        return '/' + bucket + path if dot and not rest else path

    def do_GET(self):
        if self.path == '/_objects':
            self.reply(200, json.dumps(
                {name[1:]: [kind, len(body), headers]
                 for name, (kind, body, headers) in objects.items()}).encode())
        elif self.name() in objects:
            kind, body, _ = objects[self.name()]
            self.reply(200, body, kind)
        else:
            self.error(404, 'NoSuchKey')

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}

        if self.path.startswith('/_fail/'):
            left[0] = int(self.path.rpartition('/')[2])
            self.reply(200)
            return

        if left[0]:
            left[0] -= 1
            self.error(503, 'SlowDown')
            return

        method, _, rest = headers.get('authorization', '').partition(' ')
        given = dict(part.strip().partition('=')[::2]
                     for part in rest.split(','))
        names = given.get('SignedHeaders', '').split(';')
        url = urllib.parse.urlsplit(self.path)

        if method != 'AWS4-HMAC-SHA256' or not all(
                name in headers for name in
                [*names, 'x-amz-date', 'x-amz-content-sha256']) \
                or not {'host', 'x-amz-date'} <= set(names):
            self.error(403, 'AccessDenied')
            return

        scope, right = signature('PUT', url.path, url.query, headers, names,
                                 headers['x-amz-date'])

        if given['Credential'] != ACCESS + '/' + scope:
            self.error(403, 'InvalidAccessKeyId')
        elif given['Signature'] != right:
            self.error(403, 'SignatureDoesNotMatch')
        elif hashlib.sha256(body).hexdigest() \
                != headers['x-amz-content-sha256']:
            self.error(400, 'XAmzContentSHA256Mismatch')
        else:
            objects[self.name()] = (headers.get('content-type'), body, headers)
            self.reply(200, ETag='"%s"' % hashlib.md5(body).hexdigest())


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
