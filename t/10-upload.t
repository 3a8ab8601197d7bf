#!/usr/bin/env perl

# Uploads: one request, one answer.  What needs several connections, a clock
# or HTTP/2 is in 11-upload.t.
#
# A block is "location /p/" of a small pipeline unless it has its own config.
# "--- accepted" is 202 with all that belongs to it; "--- problem: NAME STATUS
# WORDS" an answer of application/problem+json whose detail holds the words.

use strict;
use warnings;

use Compress::Zlib qw(compress crc32);
use Digest::SHA qw(sha256_base64 sha256_hex);
use Test::Nginx::Socket 'no_plan';

BEGIN { add_block_preprocessor(\&prepare) }

use ImgpTest;

no_root_location();
no_shuffle();

my $id = '[0-9a-v]{26}';

# "--- request eval" and its like are evaluated there

{
    no strict 'refs';
    *{"Test::Base::Filter::$_"} = \&$_
        for qw(png png_chunk chunked repr form sha256_hex);
}


sub prepare {
    my ($block) = @_;

    $block->set_value('http_config', <<'EOT') unless defined $block->http_config;
image_pipeline_path $TEST_NGINX_FRESH:2m;
image_pipeline_threads image;
image_pipeline p {
    accept image/jpeg image/png;
    max_pixels 500000;
    param size small small|large;
    param tag none "~[a-z]{1,8}";
    stage small { resize 64; }
    stage result { encode jpeg; }
}
EOT

    $block->set_value('config', <<'EOT') unless defined $block->config;
location /p/ {
    client_max_body_size 4m;
    image_pipeline_pass p;
}
EOT

    accepted($block) if defined $block->accepted;
    problem($block) if defined $block->problem;
}


sub accepted {
    my ($block) = @_;

    $block->set_value('error_code', 202);
    $block->set_value('response_headers_like', <<"EOT");
Content-Type: application/json
Location: /p/$id
Retry-After: [1-9]\\d*
ETag: "\\d+"
Cache-Control: no-cache
EOT
    $block->set_value('response_body_like',
                      qr/^\{"id":"$id","pipeline":"p","status":
                         "(?:queued|running|succeeded)",
                         "revision":\d+,"progress":\d+,.*
                         "input":\{"digest":"sha-256:[0-9a-f]{64}",
                         .*"params":\{.*"stages":\[\{"name":"small",
                         .*"outputs":\{.*"timing":\{.*"error":null\}\n\z/xs)
        unless defined $block->response_body_like;
}


sub problem {
    my ($block) = @_;
    my ($name, $status, $words) = $block->problem =~ /^(\S+) (\d+)\s*(.*?)\s*$/;

    $block->set_value('error_code', $status);
    $block->set_value('response_headers_like',
                      ($block->response_headers_like // '')
                      . "Content-Type: application/problem\\+json\n");
    $block->set_value('response_body_like',
                      qr/^\{"type":"urn:image-pipeline:$name",
                         "title":"[A-Z][^"]+","status":$status,
                         "detail":"(?:[^"\\]|\\.)*\Q$words\E
                         (?:[^"\\]|\\.)*"\}\n\z/x);
}


sub png_chunk {
    my ($type, $data) = @_;

    return pack('N', length $data) . $type . $data
           . pack('N', crc32($type . $data));
}


# a grey picture, with "extra" chunks before its pixels

sub png {
    my ($width, $height, $extra) = @_;
    my $head = pack('NNCCCCC', $width, $height, 8, 0, 0, 0, 0);

    return "\x89PNG\r\n\x1a\n" . png_chunk('IHDR', $head) . ($extra // '')
           . png_chunk('IDAT', compress(("\0" . "\x80" x $width) x $height))
           . png_chunk('IEND', '');
}


# the whole request, its body in chunks of such sizes

sub chunked {
    my ($uri, $headers, $body, @sizes) = @_;
    my $request = "POST $uri HTTP/1.1\r\nHost: localhost\r\n"
                  . "Connection: close\r\n${headers}"
                  . "Transfer-Encoding: chunked\r\n\r\n";

    while (length $body) {
        my $piece = substr($body, 0, shift(@sizes) // 65536, '');
        $request .= sprintf("%x\r\n%s\r\n", length $piece, $piece);
    }

    return $request . "0\r\n\r\n";
}


sub repr {
    return 'Repr-Digest: sha-256=:' . sha256_base64($_[0]) . '=:';
}


sub form {
    return multipart('AaB03x', @_);
}

run_tests();

__DATA__

=== TEST 1: a JPEG as the body
--- request eval
"POST /p/\n" . sample()
--- more_headers
Content-Type: image/jpeg
--- accepted
--- response_body_like eval
my $sum = sha256_hex(sample());
my $length = length sample();
qr/"created_at":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
   .*"finished_at":(?:null|"[^"]+"),"expires_at":(?:null|"[^"]+")
   ,"input":\{"digest":"sha-256:$sum","bytes":$length,"type":"image\/jpeg"
   ,"width":900,"height":506\},"params":\{"size":"small","tag":"none"\}
   ,"stages":\[\{"name":"small","status":"[a-z]+"[^}]*\}
   ,\{"name":"result","status":"[a-z]+"[^}]*\}\]/xs

=== TEST 2: a PNG, and no header that tells its type
--- request eval
"POST /p/\n" . png(30, 20)
--- accepted
--- response_body_like: "type":"image/png","width":30,"height":20

=== TEST 3: the bytes decide about the type, not the header
--- request eval
"POST /p/\n" . png(30, 20)
--- more_headers
Content-Type: text/plain
--- accepted
--- response_body_like: "type":"image/png"

=== TEST 4: a form
--- request eval
"POST /p/\n" . form(file => ['a.jpg', 'image/jpeg', sample()])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- accepted
--- response_body_like eval
my $sum = sha256_hex(sample());
qr/"digest":"sha-256:$sum".*"width":900,"height":506/

=== TEST 5: a form with params before and after the file, and other fields
--- request eval
"POST /p/\n" . form(size => 'large', other => 'x' x 4000,
                    file => ['a.png', 'image/png', png(9, 8)],
                    tag => 'late', csrf => '{}')
--- more_headers
Content-Type: multipart/form-data; boundary="AaB03x"
--- accepted
--- response_body_like: "params":\{"size":"large","tag":"late"\}

=== TEST 6: chunked
--- raw_request eval
chunked('/p/', "Content-Type: image/jpeg\r\n", sample(), 1, 2, 3, 40000)
--- accepted

=== TEST 7: chunked form, in tiny chunks
--- raw_request eval
chunked('/p/', "Content-Type: multipart/form-data; boundary=AaB03x\r\n",
        form(tag => 'x', file => ['a', 'image/png', png(9, 8)]), (1) x 400)
--- accepted
--- response_body_like: "tag":"x"

=== TEST 8: slowly, in pieces that cut the header of the picture
--- raw_request eval
my $png = png(30, 20);
my $head = "POST /p/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
           . "Content-Length: " . length($png) . "\r\n\r\n";
[$head . substr($png, 0, 3), substr($png, 3, 6), substr($png, 9, 11),
 substr($png, 20)]
--- raw_request_middle_delay: 0.05
--- accepted

=== TEST 9: slowly, a form cut in its boundary
--- raw_request eval
my $form = form(file => ['a', 'image/png', png(30, 20)], tag => 'abc');
my $head = "POST /p/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
           . "Content-Type: multipart/form-data; boundary=AaB03x\r\n"
           . "Content-Length: " . length($form) . "\r\n\r\n";
my $cut = index($form, "\r\n--AaB03x", 50) + 5;
[$head, substr($form, 0, 4), substr($form, 4, $cut - 4), substr($form, $cut)]
--- raw_request_middle_delay: 0.05
--- accepted
--- response_body_like: "tag":"abc"

=== TEST 10: larger than a buffer of ours and of nginx
--- request eval
"POST /p/\n" . png(64, 64, CORE::join('', map { png_chunk('teSt', chr($_) x 100000) }
                                    1 .. 25))
--- accepted
--- response_body_like: "bytes":25\d\d\d\d\d,

=== TEST 11: no body at all
--- raw_request eval
"POST /p/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- problem: bad-request 400 body

=== TEST 12: an empty body
--- request
POST /p/
--- more_headers
Content-Length: 0
--- problem: bad-request 400 body

=== TEST 13: an empty body, chunked
--- raw_request eval
chunked('/p/', '', '')
--- problem: bad-request 400 no content

=== TEST 14: a form without the file
--- request eval
"POST /p/\n" . form(size => 'large', image => ['a', 'image/png', png(9, 8)])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-request 400 file

=== TEST 15: a form with an empty file
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', ''])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-request 400 content

=== TEST 16: a form without its boundary
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', png(9, 8)])
--- more_headers
Content-Type: multipart/form-data
--- problem: bad-request 400 boundary

=== TEST 17: a form that ends before its end
--- request eval
my $form = form(file => ['a', 'image/png', png(9, 8)]);
"POST /p/\n" . substr($form, 0, length($form) - 12)
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-request 400

=== TEST 18: two files in a form
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', png(9, 8)],
                    file => ['b', 'image/png', png(9, 9)])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-request 400 file

=== TEST 19: another type of multipart
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', png(9, 8)])
--- more_headers
Content-Type: multipart/mixed; boundary=AaB03x
--- problem: unsupported-type 415 multipart/form-data

=== TEST 20: a type that the pipeline does not take
--- request eval
"POST /p/\nGIF89a\x01\x00\x01\x00\x80\x00\x00" . "\0" x 40
--- problem: unsupported-type 415 image/gif

=== TEST 21: a page that calls itself a picture
--- request eval
"POST /p/\n<html><script>alert(1)</script></html>" . ' ' x 4000
--- more_headers
Content-Type: image/jpeg
--- problem: unsupported-type 415 not accepted

=== TEST 22: a page in a form that calls itself a picture
--- request eval
"POST /p/\n" . form(file => ['a.jpg', 'image/jpeg', '<svg/>'])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: unsupported-type 415 not accepted

=== TEST 23: a picture that ends in its signature
--- request eval
"POST /p/\n\xff\xd8"
--- more_headers
Content-Type: image/jpeg
--- response_body_like: "type":"urn:image-pipeline:(?:unsupported-type|bad-image)"
--- error_code_like: ^(?:415|422)$

=== TEST 24: too many pixels
--- request eval
"POST /p/\n" . png(1000, 501)
--- problem: too-many-pixels 422 1000x501

=== TEST 25: just enough of them
--- request eval
"POST /p/\n" . png(1000, 500)
--- accepted

=== TEST 26: dimensions of which the product overflows
--- request eval
my $png = png(1, 1);
my $head = pack('NNCCCCC', 0x7fffffff, 0x7fffffff, 8, 6, 0, 0, 0);
"POST /p/\n" . substr($png, 0, 8) . png_chunk('IHDR', $head) . substr($png, 33)
--- problem: too-many-pixels 422

=== TEST 27: a dimension of 0
--- request eval
my $png = png(1, 1);
my $head = pack('NNCCCCC', 0, 10, 8, 6, 0, 0, 0);
"POST /p/\n" . substr($png, 0, 8) . png_chunk('IHDR', $head) . substr($png, 33)
--- problem: bad-image 422

=== TEST 28: params in the query
--- request eval
"POST /p/?size=large&tag=%61bc&unknown=1\n" . png(9, 8)
--- accepted
--- response_body_like: "params":\{"size":"large","tag":"abc"\}

=== TEST 29: params in query and form: the form is nearer
--- request eval
"POST /p/?size=large&tag=query\n"
. form(tag => 'form', file => ['a', 'image/png', png(9, 8)])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- accepted
--- response_body_like: "params":\{"size":"large","tag":"form"\}

=== TEST 30: a value that is none of the list, in the query
--- request eval
"POST /p/?size=huge\n" . png(9, 8)
--- problem: bad-param 422 \"size\"

=== TEST 31: a value that is none of the list, in the form
--- request eval
"POST /p/\n" . form(size => 'small|large',
                    file => ['a', 'image/png', png(9, 8)])
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-param 422 \"size\"

=== TEST 32: a value that is none of the list, behind the file
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', png(9, 8)], size => '')
--- more_headers
Content-Type: multipart/form-data; boundary=AaB03x
--- problem: bad-param 422 \"size\"

=== TEST 33: an expression is for the whole value
--- request eval
"POST /p/?tag=abc%0a\n" . png(9, 8)
--- problem: bad-param 422 \"tag\"

=== TEST 34: an expression, too long
--- request eval
"POST /p/?tag=abcdefghi\n" . png(9, 8)
--- problem: bad-param 422 \"tag\"

=== TEST 35: Repr-Digest
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers eval
repr(png(9, 8))
--- accepted

=== TEST 36: Repr-Digest, of which one algorithm is known
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers eval
my $h = repr(png(9, 8)); $h =~ s/: /: md5=:AAAA:, /; $h
--- accepted

=== TEST 37: Repr-Digest, none known
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers
Repr-Digest: md5=:AAAAAAAAAAAAAAAAAAAAAA==:
--- accepted

=== TEST 38: Repr-Digest of another body
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers eval
repr(png(8, 9))
--- problem: digest-mismatch 400 Repr-Digest

=== TEST 39: Repr-Digest, malformed
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers
Repr-Digest: sha-256=:not base64!:
--- problem: bad-request 400 Repr-Digest

=== TEST 40: Repr-Digest, too short
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers
Repr-Digest: sha-256=:AAAA:
--- problem: bad-request 400 Repr-Digest

=== TEST 41: Repr-Digest of a form is that of the form
--- raw_request eval
my $form = form(file => ['a', 'image/png', png(9, 8)]);
chunked('/p/', "Content-Type: multipart/form-data; boundary=AaB03x\r\n"
               . repr($form) . "\r\n", $form)
--- accepted

=== TEST 42: Repr-Digest of a form is not that of the file in it
--- request eval
"POST /p/\n" . form(file => ['a', 'image/png', png(9, 8)])
--- more_headers eval
"Content-Type: multipart/form-data; boundary=AaB03x\n" . repr(png(9, 8))
--- problem: digest-mismatch 400

=== TEST 43: Repr-Digest of a large, chunked body
--- raw_request eval
my $png = png(64, 64, png_chunk('teSt', 'x' x 900000));
chunked('/p/', repr($png) . "\r\n", $png)
--- accepted

=== TEST 44: Idempotency-Key, empty
--- request eval
"POST /p/\n" . png(9, 8)
--- raw_request eval
my $png = png(9, 8);
"POST /p/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
. "Idempotency-Key: \r\nContent-Length: " . length($png) . "\r\n\r\n$png"
--- problem: bad-request 400 Idempotency-Key

=== TEST 45: Idempotency-Key, too long
--- request eval
"POST /p/\n" . png(9, 8)
--- more_headers eval
'Idempotency-Key: "' . 'k' x 300 . '"'
--- problem: bad-request 400 Idempotency-Key

=== TEST 46: more bytes than the location allows, as the header tells
--- config
location /p/ {
    client_max_body_size 1k;
    image_pipeline_pass p;
}
--- request eval
"POST /p/\n" . sample()
--- problem: too-large 413

=== TEST 47: more bytes than the location allows, chunked
--- config
location /p/ {
    client_max_body_size 1k;
    image_pipeline_pass p;
}
--- raw_request eval
chunked('/p/', '', sample())
--- problem: too-large 413

=== TEST 48: no limit of bytes
--- config
location /p/ {
    client_max_body_size 0;
    image_pipeline_pass p;
}
--- request eval
"POST /p/\n" . png(64, 64, png_chunk('teSt', 'x' x 1200000))
--- accepted

=== TEST 49: the body through nginx's buffer on disk
--- config
location /p/ {
    client_body_in_file_only on;
    image_pipeline_pass p;
}
--- request eval
"POST /p/\n" . sample()
--- accepted

=== TEST 50: a pipeline that takes everything
--- http_config
image_pipeline_path $TEST_NGINX_FRESH:2m;
image_pipeline_threads image;
image_pipeline p {
    accept */*;
    stage small { when $param_x; resize 64; }
    stage result { when $param_x; encode png; }
    param x off on|off;
}
--- request
POST /p/
{"a":1}
--- more_headers
Content-Type: Application/JSON; charset=utf-8
Prefer: wait=10
--- response_body_like: "status":"succeeded".*"type":"application/json","width":null

=== TEST 51: and in which nothing can call itself a picture
--- http_config
image_pipeline_path $TEST_NGINX_FRESH:2m;
image_pipeline_threads image;
image_pipeline p {
    accept image/*;
    stage small { resize 64; }
}
--- request
POST /p/
{"a":1}
--- more_headers
Content-Type: image/x-what
--- problem: unsupported-type 415

=== TEST 52: Prefer: wait; the first answer is the last
--- request eval
"POST /p/\n" . sample()
--- more_headers
Prefer: respond-async, wait=10
--- response_headers_like
Content-Type: application/json
Content-Location: /p/[0-9a-v]{26}
Preference-Applied: wait=10
--- response_body_like eval
qr/"status":"succeeded".*"progress":100.*"cached":false.*
   "outputs":\{"result":\[\{"url":"\/p\/[0-9a-v]{26}\/result\/0"
   ,"type":"image\/jpeg","bytes":\d+,"width":64,"height":36,
   "digest":"sha-256:[0-9a-f]{64}"\}\]\}.*"error":null/xs

=== TEST 53: and with Accept it is the picture
--- request eval
"POST /p/\n" . sample()
--- more_headers
Prefer: wait=10
Accept: image/*
--- response_headers_like
Content-Type: image/jpeg
X-Content-Type-Options: nosniff
ETag: "[0-9a-f]{64}"
--- response_body_like eval
qr/^\xff\xd8\xff.*\xff\xd9\z/s

=== TEST 54: a picture that ends in the middle: the job fails, and says why
--- request eval
"POST /p/\n" . substr(sample(), 0, 50000)
--- more_headers
Prefer: wait=10
Accept: image/*
--- response_headers
Content-Type: application/json
--- response_body_like eval
qr/"status":"failed".*"stages":\[\{"name":"small","status":"failed".*
   "outputs":\{\}.*"error":\{"type":"urn:image-pipeline:bad-image",
   "title":"[^"]+","status":422,"detail":"[^"]+","stage":"small"\}/xs

=== TEST 55: what the variables tell
--- config
location /p/ {
    image_pipeline_pass p;
    add_header X-Job $image_pipeline_job always;
    add_header X-Status $image_pipeline_status always;
    add_header X-Cache $image_pipeline_cache always;
    add_header X-Digest $image_pipeline_digest always;
}
--- request eval
"POST /p/\n" . sample()
--- more_headers
Prefer: wait=10
--- response_headers_like eval
my $sum = sha256_hex(sample());
"X-Job: [0-9a-v]{26}
X-Status: succeeded
X-Cache: MISS
Cache-Status: image_pipeline; fwd=miss
X-Digest: $sum"

=== TEST 56: cache bypass
--- config
location /p/ {
    image_pipeline_pass p;
    image_pipeline_cache_bypass $arg_fresh $http_x_fresh;
    add_header X-Cache $image_pipeline_cache always;
}
--- request eval
"POST /p/?fresh=1\n" . png(9, 8)
--- more_headers
Prefer: wait=10
--- response_headers_like
X-Cache: BYPASS
Cache-Status: image_pipeline; .*bypass.*

=== TEST 57: cache bypass that is not asked for
--- config
location /p/ {
    image_pipeline_pass p;
    image_pipeline_cache_bypass $arg_fresh $http_x_fresh;
    add_header X-Cache $image_pipeline_cache always;
}
--- request eval
"POST /p/?fresh=0\n" . png(9, 8)
--- more_headers
Prefer: wait=10
X-Fresh: 0
--- response_headers
X-Cache: MISS

=== TEST 58: the description
--- request
GET /p/
--- response_headers
Content-Type: application/json
--- response_body_like eval
qr/^\{"pipeline":"p","accept":\["image\/jpeg","image\/png"\]
   ,"max_pixels":500000,.*"params":\[\{"name":"size","default":"small"
   ,"values":\["small","large"\]\}.*"stages":\[\{"name":"small"
   ,"operation":"resize".*"outputs":\["result"\]\}\n\z/xs

=== TEST 59: the description, its head alone
--- request
HEAD /p/
--- response_headers
Content-Type: application/json
--- response_body

=== TEST 60: what the place of uploads does not know
--- request eval
"PUT /p/\n" . png(9, 8)
--- response_headers_like
Allow: GET, HEAD, POST
--- problem: method-not-allowed 405

=== TEST 61: DELETE there
--- request
DELETE /p/
--- response_headers_like
Allow: GET, HEAD, POST
--- problem: method-not-allowed 405

=== TEST 62: POST to a job
--- request eval
"POST /p/00000000000000000000000000\n" . png(9, 8)
--- response_headers_like
Allow: GET, HEAD, DELETE
--- problem: method-not-allowed 405

=== TEST 63: GET of what is POSTed
--- request
GET /p/00000000000000000000000000/retry
--- response_headers_like
Allow: POST
--- problem: method-not-allowed 405

=== TEST 64: DELETE of a result
--- request
DELETE /p/00000000000000000000000000/result/0
--- response_headers_like
Allow: GET, HEAD
--- problem: method-not-allowed 405

=== TEST 65: a job that never was
--- request
GET /p/00000000000000000000000000
--- problem: not-found 404

=== TEST 66: and its result
--- request
GET /p/00000000000000000000000000/result
--- problem: not-found 404

=== TEST 67: and its end
--- request
DELETE /p/00000000000000000000000000
--- problem: not-found 404

=== TEST 68: and another try
--- request
POST /p/00000000000000000000000000/retry
--- problem: not-found 404

=== TEST 69: an id too short
--- request
GET /p/0000000000000000000000000
--- problem: not-found 404

=== TEST 70: an id too long
--- request
GET /p/000000000000000000000000000
--- problem: not-found 404

=== TEST 71: an id in capitals
--- request
GET /p/ABCDEFABCDEFABCDEFABCDEFAB
--- problem: not-found 404

=== TEST 72: an id of which the last character has too many bits
--- request
GET /p/0000000000000000000000000v
--- problem: not-found 404

=== TEST 73: a wait that is no number
--- request
GET /p/00000000000000000000000000?wait=soon
--- problem: bad-request 400 wait

=== TEST 74: a revision that is no number
--- request
GET /p/00000000000000000000000000?wait=1&since=-1
--- problem: bad-request 400 since

=== TEST 75: a Prefer that is no number is no preference (RFC 7240)
--- request
GET /p/00000000000000000000000000
--- more_headers
Prefer: wait=soon
--- problem: not-found 404

=== TEST 76: a subrequest has no body to take
--- config
location /p/ { image_pipeline_pass p; }
location = /mirrored { mirror /p/; return 204; }
--- request eval
"POST /mirrored\n" . png(9, 8)
--- error_code: 204
--- response_body

=== TEST 77: "if" and "limit_except" beside it
--- config
location /p/ {
    image_pipeline_pass p;
    limit_except POST { deny all; }
    if ($arg_cors) { add_header Access-Control-Allow-Origin * always; }
}
--- request eval
"POST /p/?cors=1\n" . png(9, 8)
--- error_code: 202
--- response_headers_like
Location: /p/[0-9a-v]{26}
Access-Control-Allow-Origin: \*

=== TEST 78: what nginx itself refuses is left to it
--- config
location /p/ {
    image_pipeline_pass p;
    limit_except POST { deny all; }
}
--- request
GET /p/
--- error_code: 403

=== TEST 79: a location in a location
--- config
location /p/ {
    image_pipeline_pass p;
    location /p/q/ { image_pipeline_pass p; }
}
--- request eval
"POST /p/q/\n" . png(9, 8)
--- error_code: 202
--- response_headers_like
Location: /p/q/[0-9a-v]{26}

=== TEST 80: HEIC and AVIF are called by their names
--- request eval
["POST /p/\n\0\0\0\x18ftypheic\0\0\0\0mif1heic" . "\0" x 60,
 "POST /p/\n\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" . "\0" x 60]
--- error_code eval
[415, 415]
--- response_body_like eval
["image/heic is not accepted", "image/avif is not accepted"]
