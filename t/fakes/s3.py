#!/usr/bin/env python3

"""An S3 server for tests: s3.py ACCESS SECRET REGION prints its port.

PUT stores an object if its signature is right (AWS Signature Version 4, as
Amazon's documents have it, and written from these alone), and its content has
the digest that was signed; GET gives it to anybody.  Path style, and host style
for names below "s3.test".  Uploads in parts, of 5 MB at least but the last.

    GET /_objects              {"BUCKET/KEY": [type, length, headers]}
    GET /_uploads              keys of uploads in parts that are not ended
    GET /_asked                [method, query without the id] of each request
    PUT /_fail/N               the next N requests are answered with 503
    PUT /_script/A,B           what becomes of the next signed requests, one
                               after the other:
                               ok; 503; 404; reset, no answer; hang;
                               error, 200 with "InternalError"; late, 200 and
                               "InvalidPart" behind white space; noid; noetag
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import re
import sys
import urllib.parse

XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
ACCESS, SECRET, REGION = sys.argv[1:4]
SMALLEST = 5 << 20
objects = {}
uploads = {}
asked = []
script = []


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
        if self.path == '/_uploads':
            self.reply(200, json.dumps([upload['name'] for upload
                                        in uploads.values()]).encode())
        elif self.path == '/_asked':
            self.reply(200, json.dumps(asked).encode())
        elif self.path == '/_objects':
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

        if self.path.startswith('/_'):
            what, _, value = self.path[2:].partition('/')
            script[:] = ['503'] * int(value) if what == 'fail' \
                else [word for word in value.split(',') if word]
            asked.clear()
            self.reply(200)
        elif self.signed(headers, body):
            self.store(headers, body)

    do_POST = do_DELETE = do_PUT

    def signed(self, headers, body):
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
            return False

        scope, right = signature(self.command, url.path, url.query, headers,
                                 names, headers['x-amz-date'])

        if given['Credential'] != ACCESS + '/' + scope:
            self.error(403, 'InvalidAccessKeyId')
        elif given['Signature'] != right:
            self.error(403, 'SignatureDoesNotMatch')
        elif hashlib.sha256(body).hexdigest() \
                != headers['x-amz-content-sha256']:
            self.error(400, 'XAmzContentSHA256Mismatch')
        else:
            return True

        return False

    def store(self, headers, body):
        query = dict(urllib.parse.parse_qsl(
            urllib.parse.urlsplit(self.path).query, True))
        upload = uploads.get(query.get('uploadId'))
        asked.append([self.command, *sorted(
            name + '=' + value if name == 'partNumber' else name
            for name, value in query.items())])
        self.todo = script.pop(0) if script else 'ok'

        if self.todo == '503':
            self.error(503, 'SlowDown')
        elif self.todo == '404' or 'uploadId' in query and upload is None:
            uploads.pop(query.get('uploadId'), None)
            self.error(404, 'NoSuchUpload')
        elif self.todo == 'reset':
            self.close_connection = True
        elif self.todo == 'hang':
            self.connection.settimeout(60)
            self.connection.recv(1)
            self.close_connection = True
        elif 'uploads' in query:
            self.begin(headers)
        elif 'partNumber' in query:
            upload['parts'][int(query['partNumber'])] = body
            self.stored(body)
        elif self.command == 'DELETE':
            del uploads[query['uploadId']]
            self.send_response(204)
            self.end_headers()
        elif self.command == 'POST':
            self.complete(upload, query['uploadId'], body.decode())
        else:
            objects[self.name()] = (headers.get('content-type'), body, headers)
            self.stored(body)

    def stored(self, body):
        etag = {} if self.todo == 'noetag' \
            else {'ETag': '"%s"' % hashlib.md5(body).hexdigest()}
        self.reply(200, **etag)

    def begin(self, headers):
        key = base64.b64encode(os.urandom(24)).decode()    # with "+" and "/"
        uploads[key] = {'name': self.name(), 'parts': {}, 'headers': headers}
        self.reply(200, (XML + '<InitiateMultipartUploadResult xmlns="http://'
                         's3.amazonaws.com/doc/2006-03-01/"><Key>k</Key>\n'
                         + '<UploadId>%s</UploadId>' % key
                         * (self.todo != 'noid')
                         + '</InitiateMultipartUploadResult>').encode())

    def complete(self, upload, key, text):
        told = re.findall('<Part><PartNumber>([0-9]+)</PartNumber><ETag>'
                          '&quot;([0-9a-f]+)&quot;</ETag></Part>', text)
        parts = [upload['parts'].get(int(n), b'') for n, _ in told]

        if self.todo in ('error', 'late'):
            self.reply(200, b'\n \n' + (
                '<Error><Code>%s</Code></Error>'
                % ('InternalError' if self.todo == 'error'
                   else 'InvalidPart')).encode())
        elif [int(n) for n, _ in told] != list(range(1, len(told) + 1)) \
                or [hashlib.md5(part).hexdigest() for part in parts] \
                != [etag for _, etag in told] \
                or len(told) != len(upload['parts']):
            self.error(400, 'InvalidPart')
        elif any(len(part) < SMALLEST for part in parts[:-1]):
            self.error(400, 'EntityTooSmall')
        else:
            objects[upload['name']] = (upload['headers'].get('content-type'),
                                       b''.join(parts), upload['headers'])
            del uploads[key]
            self.reply(200, (XML + '<CompleteMultipartUploadResult><ETag>&quot;'
                             'x-%d&quot;</ETag></CompleteMultipartUploadResult>'
                             % len(parts)).encode())


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
