#!/usr/bin/env perl

# The configuration: what is allowed, and every error that "nginx -t" finds,
# with its file, its line and the sentence that tells the mend.
#
# "--- http" is a file of its own that http {} includes, so that its lines have
# known numbers, "--- stages" the inside of the one pipeline in it, "--- files"
# more such files, "--- location" the inside of the server.  There is an
# image_pipeline_path, unless a block has its own or "--- no_path".
#
# "--- emerg" is LINE: MESSAGE, or FILE:LINE: MESSAGE; "-" for a line in the
# server, "*" for an error that has no place.  It is literal, but HTML is the
# folder of the files, ROOT the prefix of nginx, and STORE some folder.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::Nginx::Socket 'no_plan';
use ImgpTest;

my $store;

no_root_location();
no_shuffle();
add_block_preprocessor(\&prepare);

sub prepare {
    my ($block) = @_;

    my $http = $block->http // '';
    my $html = $Test::Nginx::Util::HtmlDir;

    $http = "image_pipeline p {\n" . $block->stages . "}\n"
        if defined $block->stages;

    $http = repeated($block->many) if defined $block->many;

    my $path = "image_pipeline_path \$TEST_NGINX_STORE zone=jobs:1m;\n";
    $path = '' if $http =~ /^image_pipeline_path/m || defined $block->no_path;

    $block->set_value('user_files',
                      places(">>> p.conf\n$http" . ($block->files // '')));
    $block->set_value('http_config', $path . "include $html/p.conf;\n");
    $block->set_value('config', "location = /t { return 200 ok; }\n"
                                . ($block->location // ''));

    if (defined $block->emerg) {
        my ($file, $line, $text) =
            $block->emerg =~ /^(?:([\w.]+):)?(\d+|[-*]): (.*?)\s*\z/s
            or die $block->name . ": LINE: MESSAGE is expected";

        $text = places($text);
        $file //= 'p.conf';

        my $in = $line eq '*' ? '' :
                 $line eq '-' ? ' in .*/nginx\.conf:\d+'
                              : " in \Q$html/$file\E:$line";

        $block->set_value('must_die', 1);
        $block->set_value('error_log', [qr/\[emerg\] \S+ \Q$text\E$in$/m]);
        return;
    }

    $block->set_value('request', 'GET /t') unless defined $block->request;
    $block->set_value('response_body_like', qr/./)
        unless defined $block->response_body;
}


sub places {
    my ($text) = @_;

    $store //= tempdir("conf-XXXXXX", TMPDIR => 1, CLEANUP => 1);
    chmod(0755, $store);

    $text =~ s/\bHTML\b/$Test::Nginx::Util::HtmlDir/g;
    $text =~ s/\bROOT\b/$Test::Nginx::Util::ServRoot/g;
    $text =~ s/\bSTORE\b/$store/g;

    return $text;
}


# a configuration too long to be written down

sub repeated {
    my ($what) = @_;
    my $pipeline = "image_pipeline p {\n%s}\n";

    return sprintf($pipeline, join('', map { "stage s$_ { resize 9; }\n" }
                                       1 .. 33))
        if $what =~ /stages/;

    return sprintf($pipeline, join('', map { "param p$_ a a;\n" } 1 .. 17)
                              . "stage a { resize 9; }\n")
        if $what =~ /params/;

    return sprintf($pipeline, "stage a { post http://[::1]/;\n"
                              . join('', map { "header H$_ v;\n" } 1 .. 33)
                              . "}\n")
        if $what =~ /headers/;

    return sprintf($pipeline, "stage a { post http://[::1]/;\nsend multipart f"
                              . join('', map { " n$_=v" } 1 .. 33)
                              . ";\n}\n")
        if $what =~ /fields/;

    return sprintf($pipeline, "stage a {\npost http://[::1]/"
                              . 'x' x 2048 . ";\n}\n")
        if $what =~ /url/;

    die "many: $what";
}

run_tests();

__DATA__

=== TEST 1: the whole of it
--- http
image_pipeline_path STORE/a/ zone=jobs:512k max_size=10g inactive=7d sync=off;
image_pipeline_threads image;
image_pipeline_owner $remote_user;
image_pipeline_priority $http_x_priority;
image_pipeline_wait 20s;
image_pipeline_cache_bypass $http_pragma $arg_fresh;

image_pipeline closet {
    accept image/jpeg IMAGE/PNG application/* */*;
    max_pixels 64m;
    concurrency 8;
    queue 1000 owner=100;
    cache off;
    keep 1h30m;
    param expand on on|off;
    param size 10 ~[0-9]+;

    stage photo { resize 1200x800 fit=cover; }
    stage cutout {
        send multipart file model=u2net-$param_size kind=${param_kind-2};
        header x-api-key @HTML/key;
        header X-Size "$param_size px";
        header Host model.example;
        timeout 3m;
        retry 3 60s;
        concurrency 2;
        post http://models/api/remove?a=b:c;
        take body;
        weight 30;
        message "Schneidet frei – ✂";
    }
    stage items {
        post http://[::1]:8080/v1/items:go;
        send raw;
        header Content-Type image/png;
    }
    stage expanded {
        each items;
        when !$param_expand;
        optional;
        post http://unix:/run/model.sock:/expand;
    }
    stage framed { from photo; when ${param_expand}; canvas 20 color=#fff0f0; }
    stage boxes { from photo items; crop /boxes/*; }
    stage result {
        each expanded;
        from cutout;
        encode auto max=1024 quality=85 background=#ffffff;
    }
    outputs cutout result;
    param kind-2 a a|b;
}

upstream models { server 127.0.0.1:1; }
--- files
>>> key
s3cret
--- location
image_pipeline_wait 30s;
location /clothes/ {
    image_pipeline_pass closet;
    if ($arg_x) { set $y 1; }
    limit_except GET { deny 192.0.2.1; }
    image_pipeline_owner "";
    image_pipeline_cache_bypass $arg_fresh;
    location /clothes/x/ { return 204; }
}
location ^~ /more/ { image_pipeline_pass closet; }

=== TEST 2: the least of it
--- http
image_pipeline p { stage a { resize 9; } }
--- location
location / { image_pipeline_pass p; }

=== TEST 3: the pipeline may stand below the server, and there may be many
--- http
server {
    listen unix:STORE/sock;
    location /a/ { image_pipeline_pass b; }
}
image_pipeline a { stage a { resize 9; } }
image_pipeline b { stage a { resize 9; } }

=== TEST 4: blocks may include files
--- http
image_pipeline p { include HTML/stage.conf; }
--- files
>>> stage.conf
stage a { include HTML/options.conf; }
>>> options.conf
resize 9;
weight 2;

=== TEST 5: an error in such a file is told with its own place
--- http
image_pipeline p { include HTML/more.conf; }
--- files
>>> more.conf
stage a { resize 9; }
stage b { from c; resize 9; }
--- emerg
more.conf:2: stage "b": unknown stage "c" in "from", it must be "upload" or a stage of this pipeline

=== TEST 6: a pipeline nobody passes to needs no store
--- no_path
--- stages
stage a { resize 9; }

=== TEST 7: an unknown host is for the resolver, if there is one
--- http
resolver 127.0.0.1;
image_pipeline p { stage a { post http://nosuch.invalid/; } }

=== TEST 8: the variables are empty where there is no job
--- http
image_pipeline p { stage a { resize 9; } }
--- location
location = /v {
    return 200 "[$image_pipeline_job$image_pipeline_status$image_pipeline_cache$image_pipeline_digest]\n";
}
--- request
GET /v
--- response_body
[]

=== TEST 9: a relative path begins at nginx's prefix
--- http
image_pipeline_path nosuch/jobs/ zone=jobs:1m;
--- emerg
*: mkdir() "ROOT/nosuch/jobs" failed (2: No such file or directory)

=== TEST 10: path twice
--- http
image_pipeline_path STORE/a zone=jobs:1m;
image_pipeline_path STORE/b zone=jobs:1m;
--- emerg
2: "image_pipeline_path" directive is duplicate

=== TEST 11: path without a zone
--- http
image_pipeline_path STORE/a max_size=1g;
--- emerg
1: "image_pipeline_path" must have a "zone" parameter, such as "zone=jobs:32m"

=== TEST 12: path alone
--- http
image_pipeline_path STORE/a;
--- emerg
1: invalid number of arguments in "image_pipeline_path" directive

=== TEST 13: a zone without a size
--- http
image_pipeline_path STORE/a zone=jobs;
--- emerg
1: invalid zone "zone=jobs": it must be a name and a size, such as "zone=jobs:32m"

=== TEST 14: a zone without a name
--- http
image_pipeline_path STORE/a zone=:1m;
--- emerg
1: invalid zone "zone=:1m": it must be a name and a size, such as "zone=jobs:32m"

=== TEST 15: a zone of a size that is none
--- http
image_pipeline_path STORE/a zone=jobs:big;
--- emerg
1: invalid zone "zone=jobs:big": it must be a name and a size, such as "zone=jobs:32m"

=== TEST 16: a small zone
--- http
image_pipeline_path STORE/a zone=jobs:511k;
--- emerg
1: zone "jobs" of 523264 bytes is too small: it must be 512k or more

=== TEST 17: max_size
--- http
image_pipeline_path STORE/a zone=jobs:1m max_size=much;
--- emerg
1: invalid parameter "max_size=much": it must be a size such as "max_size=10g"

=== TEST 18: inactive
--- http
image_pipeline_path STORE/a zone=jobs:1m inactive=0;
--- emerg
1: invalid parameter "inactive=0": it must be a time of 1s or more, such as "inactive=7d"

=== TEST 19: sync
--- http
image_pipeline_path STORE/a zone=jobs:1m sync=yes;
--- emerg
1: invalid parameter "sync=yes": it must be "sync=on" or "sync=off"

=== TEST 20: an unknown parameter of the path
--- http
image_pipeline_path STORE/a zone=jobs:1m levels=1:2;
--- emerg
1: invalid parameter "levels=1:2": it must be "zone=", "max_size=", "inactive=" or "sync="

=== TEST 21: the root is no path
--- http
image_pipeline_path / zone=jobs:1m;
--- emerg
1: "image_pipeline_path" needs a directory of its own, such as "/var/lib/nginx/image-pipeline"

=== TEST 22: an unknown thread pool is reported by nginx
--- http
image_pipeline_threads nosuch;
--- emerg
1: unknown thread pool "nosuch"

=== TEST 23: threads twice
--- http
image_pipeline_threads image;
image_pipeline_threads image;
--- emerg
2: "image_pipeline_threads" directive is duplicate

=== TEST 24: Redis, as it is written
--- http
image_pipeline_path STORE/a zone=redis:1m;
image_pipeline_redis redis://user:p%40ss@127.0.0.1:1/3 prefix=my/app-1.: timeout=10ms fallback=off;
image_pipeline p { stage a { resize 9; } }
--- allow_log
Redis "127.0.0.1:1" is away

=== TEST 25: Redis by a unix socket
--- http
image_pipeline_redis unix:/nosuch/redis.sock;
image_pipeline p { stage a { resize 9; } }

=== TEST 26: Redis by sentinels
--- http
image_pipeline_redis sentinel://:secret@127.0.0.1:1,127.0.0.2:2/mymaster/1 timeout=1m fallback=local;
image_pipeline p { stage a { resize 9; } }

=== TEST 27: Redis twice
--- http
image_pipeline_redis redis://127.0.0.1;
image_pipeline_redis redis://127.0.0.1;
--- emerg
2: "image_pipeline_redis" directive is duplicate

=== TEST 28: Redis alone
--- no_path
--- http
image_pipeline_redis redis://127.0.0.1;
--- emerg
1: "image_pipeline_redis" needs a local store, too: add "image_pipeline_path /var/lib/nginx/image-pipeline zone=jobs:32m;"

=== TEST 29: no URL of Redis
--- http
image_pipeline_redis 127.0.0.1:6379;
--- emerg
1: invalid Redis URL "127.0.0.1:6379": it must be "redis://[user:password@]host[:port][/db]", "rediss://...", "unix:/path" or "sentinel://[user:password@]host[:port],.../master[/db]"

=== TEST 30: certificates of a Redis without TLS
--- http
image_pipeline_redis redis://127.0.0.1 ca=/etc/ssl/ca.pem;
--- emerg
1: "ca=" is for "rediss://": remove it, or use that URL

=== TEST 31: no host of Redis
--- http
image_pipeline_redis redis:///0;
--- emerg
1: no host in the Redis URL ""

=== TEST 32: no port of Redis
--- http
image_pipeline_redis redis://127.0.0.1:x/0;
--- emerg
1: invalid port in the Redis URL "127.0.0.1:x"

=== TEST 33: a host of Redis that nobody knows
--- http
image_pipeline_redis redis://nosuch.invalid;
--- emerg
1: host not found in the Redis URL "nosuch.invalid"

=== TEST 34: a user of Redis without a password
--- http
image_pipeline_redis redis://user@127.0.0.1;
--- emerg
1: no password before "@" in the Redis URL: it must be "user:password@" or ":password@"

=== TEST 35: a database that is no number
--- http
image_pipeline_redis redis://:secret@127.0.0.1/first;
--- emerg
1: invalid database in "127.0.0.1/first": it must be a number, as in "redis://127.0.0.1:6379/0"

=== TEST 36: sentinels without a master
--- http
image_pipeline_redis sentinel://127.0.0.1;
--- emerg
1: no master in "sentinel://127.0.0.1": add its name, as in "sentinel://10.0.0.1,10.0.0.2/mymaster"

=== TEST 37: a prefix that an ACL would read otherwise
--- http
image_pipeline_redis redis://127.0.0.1 prefix=a*;
--- emerg
1: invalid parameter "prefix=a*": it must be 1 to 64 letters, digits, or ":-_./", such as "prefix=ip:"

=== TEST 38: no prefix
--- http
image_pipeline_redis redis://127.0.0.1 prefix=;
--- emerg
1: invalid parameter "prefix=": it must be 1 to 64 letters, digits, or ":-_./", such as "prefix=ip:"

=== TEST 39: the timeout of Redis
--- http
image_pipeline_redis redis://127.0.0.1 timeout=9ms;
--- emerg
1: invalid parameter "timeout=9ms": it must be a time from 10ms to 1m, such as "timeout=1s"

=== TEST 40: the fallback of Redis
--- http
image_pipeline_redis redis://127.0.0.1 fallback=on;
--- emerg
1: invalid parameter "fallback=on": it must be "fallback=local" or "fallback=off"

=== TEST 41: an unknown parameter of Redis
--- http
image_pipeline_redis redis://127.0.0.1 db=1;
--- emerg
1: invalid parameter "db=1": it must be "prefix=", "timeout=", "fallback=" or "ca="

=== TEST 42: the name of a pipeline
--- http
image_pipeline 1st { stage a { resize 9; } }
--- emerg
1: invalid image pipeline name "1st", it must be 1 to 63 characters of a-z A-Z 0-9 _ - and begin with a letter

=== TEST 43: two pipelines of one name
--- http
image_pipeline p { stage a { resize 9; } }

image_pipeline p { stage a { resize 9; } }
--- emerg
3: duplicate image pipeline "p": rename it, the first one is at HTML/p.conf:1 and this one

=== TEST 44: no stage
--- http
image_pipeline p {
    keep 1h;
}
--- emerg
1: pipeline "p" has no "stage"

=== TEST 45: a directive of a later day, or none at all
--- stages
announce http://127.0.0.1/;
--- emerg
2: unknown directive "announce"

=== TEST 46: a directive of a stage in a pipeline
--- stages
resize 100;
--- emerg
2: "resize" directive is not allowed here

=== TEST 47: nginx's own directives have no place here
--- stages
stage a { proxy_pass http://127.0.0.1; }
--- emerg
2: "proxy_pass" directive is not allowed here

=== TEST 48: a directive of a stage in http
--- http
resize 100;
--- emerg
1: "resize" directive is not allowed here

=== TEST 49: accept, a word
--- stages
accept jpeg;
--- emerg
2: invalid media type "jpeg": it must be such as "image/jpeg", "image/*" or "*/*"

=== TEST 50: accept, wildcards in odd places
--- stages
accept image/png */jpeg;
--- emerg
2: invalid media type "*/jpeg": it must be such as "image/jpeg", "image/*" or "*/*"

=== TEST 51: accept, a type that no image has
--- stages
accept image/jpg;
--- emerg
2: no image is of the type "image/jpg": write "image/jpeg"

=== TEST 52: accept, too many
--- stages
accept a/a a/b a/c a/d a/e a/f a/g a/h a/i a/j a/k a/l a/m a/n a/o a/p a/q;
--- emerg
2: "accept" has 17 media types: 16 are the most, use wildcards such as "image/*"

=== TEST 53: accept twice
--- stages
accept image/png;
accept image/jpeg;
--- emerg
3: "accept" directive is duplicate

=== TEST 54: max_pixels, none
--- stages
max_pixels 0;
--- emerg
2: invalid number "0" in "max_pixels": it must be from 1 to 4000m, such as "64m" for 64,000,000

=== TEST 55: max_pixels, too many
--- stages
max_pixels 4001m;
--- emerg
2: invalid number "4001m" in "max_pixels": it must be from 1 to 4000m, such as "64m" for 64,000,000

=== TEST 56: max_pixels, a number that overflows
--- stages
max_pixels 99999999999999999999k;
--- emerg
2: invalid number "99999999999999999999k" in "max_pixels": it must be from 1 to 4000m, such as "64m" for 64,000,000

=== TEST 57: concurrency of a pipeline
--- stages
concurrency none;
--- emerg
2: invalid number "none" in "concurrency": it must be from 1 to 1000000

=== TEST 58: queue
--- stages
queue 1000001;
--- emerg
2: invalid number "1000001" in "queue": it must be from 1 to 1000000

=== TEST 59: cache
--- stages
cache on;
--- emerg
2: invalid time "on" in "cache": it must be from 1000ms to 10y, such as "90s" or "1h30m"

=== TEST 60: keep
--- stages
keep 11y;
--- emerg
2: invalid time "11y" in "keep": it must be from 1000ms to 10y, such as "90s" or "1h30m"

=== TEST 61: param without its values
--- stages
param size 10;
--- emerg
2: invalid number of arguments in "param" directive

=== TEST 62: param, whose default is none of its values
--- stages
param size 10 11|12;
--- emerg
2: the default "10" of param "size" is not one of its values "11|12"

=== TEST 63: param, whose values are no regular expression
--- stages
param size 10 ~[0-9;
--- emerg
2: regular expression of param "size": missing terminating ] for character class at its character 5

=== TEST 64: param twice
--- stages
param size 10 10;
param size 11 11;
--- emerg
3: duplicate param "size"

=== TEST 65: param, whose name is taken
--- stages
param file a a;
--- emerg
2: param name "file" is reserved, choose another

=== TEST 66: too many params
--- many: params
--- emerg
18: more than 16 params

=== TEST 67: an unknown output
--- stages
stage a { resize 9; }
outputs a b;
--- emerg
3: unknown stage "b" in "outputs"

=== TEST 68: an output twice
--- stages
outputs a a;
stage a { resize 9; }
--- emerg
2: duplicate stage "a" in "outputs"

=== TEST 69: the name of a stage
--- stages
stage a.b { resize 9; }
--- emerg
2: invalid stage name "a.b", it must be 1 to 63 characters of a-z A-Z 0-9 _ - and begin with a letter

=== TEST 70: a name that is taken
--- stages
stage events { resize 9; }
--- emerg
2: stage name "events" is reserved, choose another

=== TEST 71: two stages of one name
--- stages
stage a { resize 9; }
stage b { resize 9; }
stage a { resize 9; }
--- emerg
4: duplicate stage "a": rename it, the first one is at HTML/p.conf:2 and this one

=== TEST 72: too many stages
--- many: stages
--- emerg
34: stage "s33" is one too many: an image pipeline has 32 stages at most

=== TEST 73: a stage that does nothing
--- stages
stage a {
    weight 2;
}
--- emerg
2: stage "a" does nothing: give it one operation, "resize", "encode", "canvas", "crop", "mask", "composite", "render", "base64", "split", "join", "post", "put" or "queue"

=== TEST 74: a stage with two operations
--- stages
stage a {
    resize 9;
    encode png;
}
--- emerg
4: stage "a" has two operations, "resize" and "encode": make two stages of it

=== TEST 75: a local operation and a service
--- stages
stage a {
    post http://[::1]/;
    resize 9;
}
--- emerg
4: stage "a" has two operations, "post" and "resize": make two stages of it

=== TEST 76: an operation twice
--- stages
stage a {
    resize 9;
    resize 9;
}
--- emerg
4: "resize" directive is duplicate

=== TEST 77: a stage without its block
--- stages
stage a;
--- emerg
2: directive "stage" has no opening "{"

=== TEST 78: resize, what is no size
--- stages
stage a { resize big; }
--- emerg
2: invalid "resize": invalid size "big", must be a number of pixels or WIDTHxHEIGHT, each 1..65500

=== TEST 79: encode, an option it does not know
--- stages
stage a { encode png fit=inside; }
--- emerg
2: invalid "encode": unknown option "fit=inside", must be one of: max=, quality=, background=

=== TEST 80: encode, out of range
--- stages
stage a { encode jpeg quality=101; }
--- emerg
2: invalid "encode": invalid quality "101", must be 1..100

=== TEST 81: canvas, a color that is none
--- stages
stage a { canvas 10 color=red; }
--- emerg
2: invalid "canvas": invalid color "red", must be #rrggbb, #rrggbbaa or transparent

=== TEST 82: crop without a pointer
--- stages
stage a { crop; }
--- emerg
2: invalid "crop": crop needs a JSON pointer to the boxes

=== TEST 83: options of a service in a local stage: retry
--- stages
stage a {
    retry 3 1s;
    resize 9;
}
--- emerg
3: "retry" does not go with "resize": it is an option of "post", remove it from stage "a"

=== TEST 84: timeout
--- stages
stage a {
    resize 9;
    timeout 3s;
}
--- emerg
4: "timeout" does not go with "resize": it is an option of "post", remove it from stage "a"

=== TEST 85: concurrency, send, header and take
--- stages
stage a {
    encode png;
    weight 2; concurrency 2;
    send raw; header X-A b; take body;
}
--- emerg
4: "concurrency" does not go with "encode": it is an option of "post", remove it from stage "a"

=== TEST 86: send
--- stages
stage a {
    canvas 9;
    send raw;
}
--- emerg
4: "send" does not go with "canvas": it is an option of "post", remove it from stage "a"

=== TEST 87: header
--- stages
stage a { crop /0; header X-A b; }
--- emerg
2: "header" does not go with "crop": it is an option of "post", remove it from stage "a"

=== TEST 88: take
--- stages
stage a { crop /0; take body; }
--- emerg
2: "take" does not go with "crop": it is an option of "post", remove it from stage "a"

=== TEST 89: from, an unknown stage
--- stages
stage a { resize 9; }
stage b {
    resize 9;
    from upload c;
}
--- emerg
3: stage "b": unknown stage "c" in "from", it must be "upload" or a stage of this pipeline

=== TEST 90: each, an unknown stage
--- stages
stage a { each c; resize 9; }
--- emerg
2: stage "a": unknown stage "c" in "each", it must be "upload" or a stage of this pipeline

=== TEST 91: a stage that reads itself
--- stages
stage a { from a; resize 9; }
--- emerg
2: stage "a": stage "a" cannot read itself

=== TEST 92: a cycle is told with its way
--- stages
stage a { resize 9; }
stage b { from a d; resize 9; }
stage c { resize 9; }
stage d { resize 9; }
--- emerg
3: stage "b": stages form a cycle: b reads d reads c reads b

=== TEST 93: from, too many
--- stages
stage a { from a b c d e f g h i; resize 9; }
--- emerg
2: "from" names 9 stages: 8 are the most

=== TEST 94: from and each, too many
--- stages
stage a {
    from a b c d e f g h;
    each i;
    resize 9;
}
--- emerg
4: "from" and "each" name 9 stages: 8 are the most

=== TEST 95: one input twice
--- stages
stage a { resize 9; }
stage b {
    each a;
    from upload a;
    resize 9;
}
--- emerg
4: stage "b" reads "a" twice: name it once in "from" or "each"

=== TEST 96: when, not a param
--- stages
stage a { when $arg_x; resize 9; }
--- emerg
2: invalid condition "$arg_x" in "when": it must be "$param_NAME" or "!$param_NAME"

=== TEST 97: when, more than a param
--- stages
stage a { when $param_x.y; resize 9; }
--- emerg
2: invalid condition "$param_x.y" in "when": it must be "$param_NAME" or "!$param_NAME"

=== TEST 98: when, an unknown param
--- stages
stage a { resize 9; }
stage b { when !$param_x; resize 9; }
--- emerg
3: stage "b": unknown param "x" in "when", declare it with "param"

=== TEST 99: weight
--- stages
stage a { resize 9; weight 0; }
--- emerg
2: invalid number "0" in "weight": it must be from 1 to 10000

=== TEST 100: optional takes nothing
--- stages
stage a { resize 9; optional on; }
--- emerg
2: invalid number of arguments in "optional" directive

=== TEST 101: an empty message
--- stages
stage a { resize 9; message ""; }
--- emerg
2: invalid text "" in "message": it must be 1 to 200 bytes of UTF-8 without control characters

=== TEST 102: a message that is no UTF-8
--- http eval
"image_pipeline p { stage a { resize 9; message \"\xc0\xaf\"; } }\n"
--- emerg eval
"1: invalid text \"\xc0\xaf\" in \"message\": it must be 1 to 200 bytes of UTF-8 without control characters"

=== TEST 103: post, what is no URL
--- stages
stage a { post rembg:7000/api; }
--- emerg
2: invalid URL "rembg:7000/api" in "post": it must begin with "http://" or "https://"

=== TEST 104: post, another scheme
--- stages
stage a { post ftp://[::1]/; }
--- emerg
2: invalid URL "ftp://[::1]/" in "post": it must begin with "http://" or "https://"

=== TEST 105: post, a variable
--- stages
stage a { post http://[::1]/$param_x; }
--- emerg
2: variable in the URL "http://[::1]/$param_x": a URL is fixed, send params by "header" or "send multipart", and write "%24" for a "$"

=== TEST 106: post, a fragment
--- stages
stage a { post http://[::1]/#x; }
--- emerg
2: fragment in the URL "http://[::1]/#x": services do not see it, remove "#" and what follows

=== TEST 107: post, a user; the log must not tell the password
--- stages
stage a { post http://me:pass@127.0.0.1/; }
--- emerg
2: user name in the URL of "post": remove what stands before "@" and use "header Authorization @FILE;"
--- no_error_log
me:pass

=== TEST 108: post, a blank
--- stages
stage a { post "http://[::1]/a b"; }
--- emerg
2: invalid character in the URL "http://[::1]/a b": write it as "%20"

=== TEST 109: post, no host
--- stages
stage a { post http:///x; }
--- emerg
2: no host in the URL "http:///x": it must be such as "http://name:8080/path"

=== TEST 110: post, a port that is none
--- stages
stage a { post http://127.0.0.1:99999/x; }
--- emerg
2: invalid port in the URL "http://127.0.0.1:99999/x": it must be such as "http://name:8080/path"

=== TEST 111: post, a host that is none
--- stages
stage a { post http://a,b/x; }
--- emerg
2: invalid host in the URL "http://a,b/x": it must be such as "http://name:8080/path"

=== TEST 112: post, nobody's address
--- stages
stage a { post http://0.0.0.0/x; }
--- emerg
2: invalid host in the URL "http://0.0.0.0/x": it must be such as "http://name:8080/path"

=== TEST 113: post, a socket without a path
--- stages
stage a { post http://unix:; }
--- emerg
2: no path in the unix domain socket in the URL "http://unix:": it must be such as "http://unix:/run/model.sock:/uri"

=== TEST 114: post, a relative socket
--- stages
stage a { post http://unix:model.sock; }
--- emerg
2: invalid path in the URL "http://unix:model.sock": it must be such as "http://unix:/run/model.sock:/uri"

=== TEST 115: post, a long URL
--- many: url
--- emerg
3: the URL in "post" is 2061 bytes long: 2048 are the most

=== TEST 116: post, a host nobody knows
--- stages
stage a {
    weight 2;
    post http://nosuch.invalid:81/x;
}
--- emerg
4: host not found in image pipeline stage "a": "nosuch.invalid" is neither an upstream {} nor a known name; correct it, or add "resolver" to http {} to look it up later

=== TEST 117: post, an upstream with a port
--- http
image_pipeline p { stage a { post http://models:81/x; } }
upstream models { server 127.0.0.1:1; }
--- emerg
1: "models" in stage "a" is an upstream {}, whose servers have the ports: remove ":81" from the URL

=== TEST 118: timeout
--- stages
stage a { post http://[::1]/; timeout 0; }
--- emerg
2: invalid time "0" in "timeout": it must be from 1ms to 10y, such as "90s" or "1h30m"

=== TEST 119: retry without a delay
--- stages
stage a { post http://[::1]/; retry 3; }
--- emerg
2: invalid number of arguments in "retry" directive

=== TEST 120: retry, how often
--- stages
stage a { post http://[::1]/; retry 101 1s; }
--- emerg
2: invalid number "101" in "retry": it must be from 1 to 100

=== TEST 121: retry, when
--- stages
stage a { post http://[::1]/; retry 3 soon; }
--- emerg
2: invalid time "soon" in "retry": it must be from 1ms to 10y, such as "90s" or "1h30m"

=== TEST 122: concurrency of a service
--- stages
stage a { post http://[::1]/; concurrency -1; }
--- emerg
2: invalid number "-1" in "concurrency": it must be from 1 to 10000

=== TEST 123: take
--- stages
stage a { post http://[::1]/; take json; }
--- emerg
2: invalid "take json": it must be "take body [TYPE]" or "take json POINTER [base64 | url [HOST ...]]"

=== TEST 124: send, another form
--- stages
stage a { post http://[::1]/; send json; }
--- emerg
2: invalid "send json": it must be "send raw", "send multipart FIELD ... [name=value ...]", "send form name=value ..." or "send json FILE"

=== TEST 125: send raw knows no fields
--- stages
stage a { post http://[::1]/; send raw file; }
--- emerg
2: invalid "send raw" with parameters: it must be "send raw", "send multipart FIELD ... [name=value ...]", "send form name=value ..." or "send json FILE"

=== TEST 126: send multipart, without its field
--- stages
stage a { post http://[::1]/; send multipart; }
--- emerg
2: invalid "send multipart": it must be "send raw", "send multipart FIELD ... [name=value ...]", "send form name=value ..." or "send json FILE"

=== TEST 127: send multipart, a value where the field is
--- stages
stage a { post http://[::1]/; send multipart model=x; }
--- emerg
2: invalid field name "model=x" in "send": it must be text without "=", quotes and control characters, such as "file"

=== TEST 128: send multipart, a field without a value
--- stages
stage a { post http://[::1]/; send multipart file model; }
--- emerg
2: "send multipart" names 2 fields, but stage "a" reads 1: name one field for all, or one for each stage in "from"

=== TEST 129: send multipart, too many fields
--- many: fields
--- emerg
3: "send" has 33 fields: 32 are the most

=== TEST 130: send multipart, an unknown variable
--- stages
stage a { post http://[::1]/; send multipart file model=$arg_model; }
--- emerg
2: invalid variable in "$arg_model": only "$param_NAME" of the pipeline's params can be used here

=== TEST 131: send multipart, an unknown param
--- stages
stage a {
    post http://[::1]/;
    send multipart file model=x-$param_model;
}
--- emerg
4: unknown param "model" in "send": add "param model DEFAULT VALUES;" to image pipeline "p"

=== TEST 132: a raw body holds one input
--- stages
stage a { resize 9; }
stage b {
    from upload a;
    post http://[::1]/;
}
--- emerg
4: stage "b" has 2 inputs, but a raw body holds one: use "send multipart FIELD" or "send json FILE"

=== TEST 133: a multipart body has its own type
--- stages
stage a {
    post http://[::1]/;
    header content-type text/plain;
    send multipart file;
}
--- emerg
5: "send multipart" makes its own "Content-Type": remove "header Content-Type" from stage "a"

=== TEST 134: header, a colon
--- stages
stage a { post http://[::1]/; header X-A: b; }
--- emerg
2: invalid header name "X-A:": it must be such as "X-Api-Key", without a colon

=== TEST 135: header, one that is ours
--- stages
stage a { post http://[::1]/; header Idempotency-key b; }
--- emerg
2: header "Idempotency-key" cannot be set, every call carries the stage's key: remove it

=== TEST 136: header, one of the transfer
--- stages
stage a { post http://[::1]/; header Content-Length 1; }
--- emerg
2: header "Content-Length" cannot be set, it follows from the body: remove it

=== TEST 137: header, one of the connection
--- stages
stage a { post http://[::1]/; header connection close; }
--- emerg
2: header "connection" cannot be set, connections are kept by the module: remove it

=== TEST 138: header, the trace
--- stages
stage a { post http://[::1]/; header TraceParent x; }
--- emerg
2: header "TraceParent" cannot be set, every call carries its own: remove it

=== TEST 139: header twice
--- stages
stage a { post http://[::1]/; header X-A b; header x-a c; }
--- emerg
2: duplicate header "x-a": remove one of both

=== TEST 140: header, too many
--- many: headers
--- emerg
35: header "H33" is one too many: 32 are the most

=== TEST 141: header without a value
--- stages
stage a { post http://[::1]/; header X-A ""; }
--- emerg
2: header "X-A" has no value: give it one, or remove it

=== TEST 142: header, a line's end in it
--- stages
stage a {
    post http://[::1]/; header X-A "b
X-B: c"; }
--- emerg
4: control character in the value of "header": write it without

=== TEST 143: header, an unknown variable
--- stages
stage a { post http://[::1]/; header X-A $host; }
--- emerg
2: invalid variable in "$host": only "$param_NAME" of the pipeline's params can be used here

=== TEST 144: header, half a variable
--- stages
stage a { post http://[::1]/; header X-A a$param_; param_ a a; }
--- emerg
2: invalid variable in "a$param_": only "$param_NAME" of the pipeline's params can be used here

=== TEST 145: header, an unknown param
--- stages
stage a {
    header X-A ${param_x}y;
    post http://[::1]/;
}
stage b { resize 9; }
--- emerg
3: unknown param "x" in "header": add "param x DEFAULT VALUES;" to image pipeline "p"

=== TEST 146: header, a file that is not there
--- stages
stage a { post http://[::1]/; header X-Key @HTML/nosuch; }
--- emerg
2: cannot read the file "HTML/nosuch" of header "X-Key", which must be readable when nginx starts (2: No such file or directory)

=== TEST 147: header, a file that is a folder
--- stages
stage a { post http://[::1]/; header X-Key @HTML; }
--- emerg
2: cannot read the file "HTML" of header "X-Key", which must be readable when nginx starts (21: Is a directory)

=== TEST 148: header, no file
--- stages
stage a { post http://[::1]/; header X-Key @; }
--- emerg
2: no file after the "@" of header "X-Key": write "header X-Key @/path/of/a/file;"

=== TEST 149: header, an empty file
--- stages
stage a { post http://[::1]/; header X-Key @HTML/key; }
--- files eval
">>> key\n\n"
--- emerg
2: the file "HTML/key" of header "X-Key" is empty: it must hold 1 to 8192 bytes

=== TEST 150: header, a long file
--- stages
stage a { post http://[::1]/; header X-Key @HTML/key; }
--- files eval
">>> key\n" . 'x' x 8193 . "\n"
--- emerg
2: the file "HTML/key" of header "X-Key" is too long: it must hold 1 to 8192 bytes

=== TEST 151: header, a file of two lines; the log must not tell them
--- stages
stage a { post http://[::1]/; header X-Key @HTML/key; }
--- files
>>> key
s3cret
another
--- emerg
2: the file "HTML/key" of header "X-Key" must hold one line of text, but has a control character at its byte 7
--- no_error_log
s3cret

=== TEST 152: header, the longest file
--- stages
stage a { post http://[::1]/; header X-Key @HTML/key; }
--- files eval
">>> key\n" . 'x' x 8192 . "\n"

=== TEST 153: pass to a pipeline that is not there
--- http
server {
    listen unix:HTML/sock;
    location /a/ {
        image_pipeline_pass nosuch;
    }
}
--- emerg
4: unknown image pipeline "nosuch": define it in http {} with "image_pipeline nosuch { }"

=== TEST 154: pass without a store
--- no_path
--- http
image_pipeline p { stage a { resize 9; } }
server {
    listen unix:HTML/sock;
    location /a/ { image_pipeline_pass p; }
}
--- emerg
4: "image_pipeline_pass" needs a store: add to http {} "image_pipeline_path /var/lib/nginx/image-pipeline zone=jobs:32m;"

=== TEST 155: pass twice
--- location
location /a/ { image_pipeline_pass p; image_pipeline_pass p; }
--- emerg
-: "image_pipeline_pass" directive is duplicate

=== TEST 156: pass in a location without its slash
--- location
location /a { image_pipeline_pass p; }
--- emerg
-: "image_pipeline_pass" cannot be in location "/a": it must be in a prefix location that ends in "/", such as "location /images/ { }"

=== TEST 157: pass in a regex location
--- location
location ~ ^/a/ { image_pipeline_pass p; }
--- emerg
-: "image_pipeline_pass" cannot be in location "^/a/": it must be in a prefix location that ends in "/", such as "location /images/ { }"

=== TEST 158: pass in an exact location
--- location
location = /a/ { image_pipeline_pass p; }
--- emerg
-: "image_pipeline_pass" cannot be in location "/a/": it must be in a prefix location that ends in "/", such as "location /images/ { }"

=== TEST 159: pass in a named location
--- location
location @a/ { image_pipeline_pass p; }
--- emerg
-: "image_pipeline_pass" cannot be in location "@a/": it must be in a prefix location that ends in "/", such as "location /images/ { }"

=== TEST 160: pass in "if"
--- location
location /a/ { if ($arg_x) { image_pipeline_pass p; } }
--- emerg
-: "image_pipeline_pass" directive is not allowed here

=== TEST 161: pass in a server
--- location
image_pipeline_pass p;
--- emerg
-: "image_pipeline_pass" directive is not allowed here

=== TEST 162: owner twice
--- http
image_pipeline_owner $remote_user;
image_pipeline_owner $remote_addr;
--- emerg
2: "image_pipeline_owner" directive is duplicate

=== TEST 163: wait
--- http
image_pipeline_wait long;
--- emerg
1: "image_pipeline_wait" directive invalid value

=== TEST 164: a pipeline in a server
--- location
image_pipeline p { stage a { resize 9; } }
--- emerg
-: "image_pipeline" directive is not allowed here

=== TEST 165: send json, all that a template may hold
--- stages
param expand on on|off;
stage a { resize 9; }
stage b {
    each a;
    from upload;
    post http://[::1]/;
    send json t.json;
    header Content-Type application/vnd.api+json;
}
--- files
>>> ../conf/t.json
{"a": "{{inputs.upload.base64}} {{ input.type }}", "b": "{{job.id}}",
 "c": [{{inputs.a.json}}, {{param.expand}}]}

=== TEST 166: send json, the stage above
--- stages
stage a { resize 9; }
stage b { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
["{{inputs.a.base64}}"]

=== TEST 167: send json, no file
--- stages
stage a {
    post http://[::1]/;
    send json HTML/none.json;
}
--- emerg
4: cannot read the template "HTML/none.json", which must be readable when nginx starts (2: No such file or directory)

=== TEST 168: send json, an empty name
--- stages
stage a { post http://[::1]/; send json ""; }
--- emerg
2: no file in "send json": it must be such as "send json /etc/nginx/request.json"

=== TEST 169: send json, more than a file
--- stages
stage a { post http://[::1]/; send json a b; }
--- emerg
2: invalid "send json" with parameters: it must be "send raw", "send multipart FIELD ... [name=value ...]", "send form name=value ..." or "send json FILE"

=== TEST 170: send json, no JSON
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": 1,
 "b": }
--- emerg
t.json:2: template is no JSON: unexpected token near '}'

=== TEST 171: send json, an unknown slot
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": 1,
 "b": "{{input.bytes}}"}
--- emerg
t.json:2: unknown "bytes" in "{{input.bytes}}": it must be base64, type, json, json/POINTER or text

=== TEST 172: send json, base64 is text
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": {{input.base64}}}
--- emerg
t.json:1: "{{input.base64}}" must stand within quotes

=== TEST 173: send json, an unknown param
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": 1,

 "b": {{param.size}}}
--- emerg
t.json:3: unknown param "size" in "send": add "param size DEFAULT VALUES;" to image pipeline "p"

=== TEST 174: send json, an input that is not read
--- stages
stage a { resize 9; }
stage b { resize 9; }
stage c {
    post http://[::1]/;
    send json HTML/t.json;
}
--- files
>>> t.json
{"b": "{{inputs.b.base64}}",
 "a": "{{inputs.a.base64}}"}
--- emerg
6: line 2 of the template wants the input "a", which stage "c" does not read: add it to its "from"

=== TEST 175: send json, an unending slot
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": "{{input.json"}
--- emerg
t.json:1: "{{" without its "}}": write "{\u007b" for two braces in a text

=== TEST 176: take and poll, all forms
--- stages
stage a { post http://[::1]/; take body image/*; }
stage b { post http://[::1]/; take json ""; }
stage c { post http://[::1]/; take json /a/*/b base64; poll location; }
stage d { post http://[::1]/; take json /a url; poll /id every=100ms; }
stage e {
    post http://[::1]/;
    take json /a url cdn.example.com *.Example.com x:81 [::1]:9000 10.0.0.1;
    poll /urls/get every=2s status=/status done=a|b failed=c result=/r;
}

=== TEST 177: take body, a type that is none
--- stages
stage a { post http://[::1]/; take body png; }
--- emerg
2: invalid media type "png" in "take": it must be such as "image/png" or "image/*"

=== TEST 178: take json, a pointer that is none
--- stages
stage a { post http://[::1]/; take json a/b; }
--- emerg
2: invalid "take": JSON pointer "a/b" must be empty or begin with "/"

=== TEST 179: take json, unknown
--- stages
stage a { post http://[::1]/; take json /a hex; }
--- emerg
2: invalid "take json /a hex": after the pointer there may be "base64" or "url [HOST ...]"

=== TEST 180: take json, base64 knows no hosts
--- stages
stage a { post http://[::1]/; take json /a base64 x.com; }
--- emerg
2: invalid "take json /a base64" with parameters: after the pointer there may be "base64" or "url [HOST ...]"

=== TEST 181: take json, a host that is none
--- stages
stage a { post http://[::1]/; take json /a url https://x.com; }
--- emerg
2: invalid host "https://x.com" in "take": it must be such as "cdn.example.com", "*.example.com" or "10.0.0.7:9000"

=== TEST 182: poll, a pointer that is none
--- stages
stage a { post http://[::1]/; poll id; }
--- emerg
2: invalid "poll": JSON pointer "id" must be empty or begin with "/"

=== TEST 183: poll, an unknown option
--- stages
stage a { post http://[::1]/; poll /id until=x; }
--- emerg
2: invalid "until=x" in "poll": it must be "every=TIME", "status=POINTER", "done=VALUES", "failed=VALUES", "result=POINTER" or "cancel=[PUT:|DELETE:]POINTER"

=== TEST 184: poll, how often
--- stages
stage a { post http://[::1]/; poll /id every=1ms; }
--- emerg
2: invalid time "1ms" in "poll": it must be from 10ms to 10y, such as "90s" or "1h30m"

=== TEST 185: poll, a status without an end
--- stages
stage a { post http://[::1]/; poll /id status=/s failed=x; }
--- emerg
2: "poll" has a status, but no "done=VALUES" that end it

=== TEST 186: poll, values without a status
--- stages
stage a { post http://[::1]/; poll /id done=x; }
--- emerg
2: "poll" has values, but no "status=POINTER" where they are looked for

=== TEST 187: poll, empty values
--- stages
stage a { post http://[::1]/; poll /id status=/s done=a||b; }
--- emerg
2: invalid values "a||b" in "poll": they must be 1 to 8, such as "succeeded|completed"

=== TEST 188: poll and take in a local stage
--- stages
stage a {
    resize 9;
    poll /id;
}
--- emerg
4: "poll" does not go with "resize": it is an option of "post", remove it from stage "a"

=== TEST 189: rate, breaker and providers
--- stages
stage a { resize 9; }
stage b {
    from upload a;
    send json HTML/t.json;
    take json /a base64;
    rate 30r/m;
    retry 2 1s;
    provider one { post http://[::1]/ max_fails=3 fail_timeout=1s; header X-A b; }
    provider two {
        post http://[::1]:81/ fail_timeout=2s;
        send multipart f;
        take body;
        rate 10r/s;
    }
}
stage c { post http://[::1]/ max_fails=0; rate 10000r/s; cost 0; }
stage d { cost 0.002; provider one { post http://[::1]/; cost 1000000; } }
--- files
>>> t.json
["{{inputs.a.base64}}"]

=== TEST 190: rate
--- stages
stage a { post http://[::1]/; rate 10; }
--- emerg
2: invalid rate "10": it must be from 1 to 10000 calls a second or a minute, such as "10r/s" or "30r/m"

=== TEST 191: rate, none
--- stages
stage a { post http://[::1]/; rate 0r/s; }
--- emerg
2: invalid rate "0r/s": it must be from 1 to 10000 calls a second or a minute, such as "10r/s" or "30r/m"

=== TEST 192: post, an unknown option
--- stages
stage a { post http://[::1]/ weight=3; }
--- emerg
2: invalid "weight=3" in "post": after the URL there may be "max_fails=NUMBER" and "fail_timeout=TIME"

=== TEST 193: post, fails
--- stages
stage a { post http://[::1]/ max_fails=1001; }
--- emerg
2: invalid number "1001" in "post": it must be from 0 to 1000

=== TEST 194: a provider without a service
--- stages
stage a {
    provider one { header X-A b; }
}
--- emerg
3: provider "one" calls nothing: give it a "post"

=== TEST 195: providers beside a service
--- stages
stage a {
    post http://[::1]/;
    provider one { post http://[::1]/; }
}
--- emerg
4: stage "a" has two operations, "post" and "provider": make two stages of it

=== TEST 196: a service beside providers
--- stages
stage a {
    provider one { post http://[::1]/; }
    post http://[::1]/;
}
--- emerg
4: stage "a" has two operations, "provider" and "post": make two stages of it

=== TEST 197: a provider twice
--- stages
stage a {
    provider one { post http://[::1]/; }
    provider one { post http://[::1]/; }
}
--- emerg
4: duplicate provider "one": rename it

=== TEST 198: a header beside providers
--- stages
stage a {
    provider one { post http://[::1]/; }
    header X-Key x;
}
--- emerg
4: "header" beside providers: give it to each provider of stage "a" that it is for

=== TEST 199: a raw body of a provider holds one input
--- stages
stage a { resize 9; }
stage b {
    from upload a;
    provider one { post http://[::1]/; }
}
--- emerg
5: stage "b" has 2 inputs, but a raw body holds one: use "send multipart FIELD" or "send json FILE"

=== TEST 200: what a provider does not know
--- stages
stage a {
    provider one { post http://[::1]/; timeout 1s; }
}
--- emerg
3: "timeout" directive is not allowed here

=== TEST 201: a provider in a pipeline
--- stages
provider one { post http://[::1]/; }
--- emerg
2: "provider" directive is not allowed here

=== TEST 202: put
--- stages
param size 1 1|2;
stage a {
    put s3://bucket/of/ access_key=@HTML/key secret_key=@HTML/key
        endpoint=http://[::1]:9000/ region=eu-1;
    header x-amz-acl private;
    timeout 9s;
    retry 2 1s;
    concurrency 3;
    rate 5r/s;
}
stage b {
    put s3://bucket/x-$param_size.png access_key=@HTML/key
        secret_key=@HTML/key endpoint=https://127.0.0.1 style=path;
}
--- files
>>> key
abc

=== TEST 203: put, not S3
--- stages
stage a { put http://x/y; }
--- emerg
2: invalid "put http://x/y": it must be such as "s3://bucket/folder/", where content is named by itself, or "s3://bucket/name-$param_x.png"

=== TEST 204: put, out of the bucket
--- stages
stage a { put s3://bucket/../x; }
--- emerg
2: invalid "put s3://bucket/../x": it must be such as "s3://bucket/folder/", where content is named by itself, or "s3://bucket/name-$param_x.png"

=== TEST 205: put, without keys
--- stages
stage a { put s3://bucket/ region=eu-1; }
--- emerg
2: "put" needs "access_key=@FILE" and "secret_key=@FILE"

=== TEST 206: put, a key in the open
--- stages
stage a { put s3://bucket/ secret_key=abc; }
--- emerg
2: "secret_key" in "put" must be the name of a file that holds it, "secret_key=@/path/of/a/file"

=== TEST 207: put, no such key
--- stages
stage a { put s3://bucket/ access_key=@HTML/none; }
--- emerg
2: cannot read the file "HTML/none" of put "access_key", which must be readable when nginx starts (2: No such file or directory)

=== TEST 208: put, an unknown option
--- stages
stage a { put s3://bucket/ acl=private; }
--- emerg
2: invalid "acl=private" in "put": it must be "endpoint=URL", "region=NAME", "access_key=@FILE", "secret_key=@FILE" or "style=path|host"

=== TEST 209: put, an endpoint with a path
--- stages
stage a {
    put s3://bucket/ endpoint=http://[::1]/x access_key=@HTML/k secret_key=@HTML/k;
}
--- files
>>> k
abc
--- emerg
3: invalid "endpoint=http://[::1]/x" in "put": it must be without a path, such as "https://minio.example:9000"

=== TEST 210: put, an endpoint that is none
--- stages
stage a {
    put s3://bucket/ endpoint=minio:9000 access_key=@HTML/k secret_key=@HTML/k;
}
--- files
>>> k
abc
--- emerg
3: invalid URL "minio:9000/bucket/" in "put": it must begin with "http://" or "https://"

=== TEST 211: put and what belongs to post
--- stages
stage a {
    put s3://bucket/ endpoint=http://[::1] access_key=@HTML/k secret_key=@HTML/k;
    take json /a;
}
--- files
>>> k
abc
--- emerg
4: "take" does not go with "put": it is an option of "post", remove it from stage "a"

=== TEST 212: put, one input
--- stages
stage a { resize 9; }
stage b {
    from upload a;
    put s3://bucket/ endpoint=http://[::1] access_key=@HTML/k secret_key=@HTML/k;
}
--- files
>>> k
abc
--- emerg
4: stage "b" has 2 inputs, but "put" stores one: make a stage of each

=== TEST 213: warm
--- stages
stage a { post http://[::1]/x; warm 100ms; }
stage b { warm 5m http://[::1]/health?a=b; post http://[::1]/x; }
stage c { warm 5m; provider one { post http://[::1]/x; warm 1h /; } }

=== TEST 214: warm, how long
--- stages
stage a { post http://[::1]/; warm 99ms; }
--- emerg
2: invalid time "99ms" in "warm": it must be from 100ms to 10y, such as "90s" or "1h30m"

=== TEST 215: warm, of another host
--- stages
stage a { post http://[::1]/; warm 1m http://x/; }
--- emerg
2: invalid "http://x/" in "warm": it must be of the service's own host, such as "/health"

=== TEST 216: send form, all that a value may hold
--- stages
param to en ~[a-z]+;
stage a { resize 9; }
stage b {
    each a;
    from upload;
    post http://[::1]/;
    send form "q={{inputs.upload.json/a/0}}" "pair=x|{{param.to}}" "t={{input.type}} {{inputs.a.text}}" none=;
}

=== TEST 217: send form, no field
--- stages
stage a {
    post http://[::1]/;
    send form q;
}
--- emerg
4: invalid field "q" in "send": it must be "name=value"

=== TEST 218: send form, base64
--- stages
stage a { post http://[::1]/; send form "q={{input.base64}}"; }
--- emerg
2: "{{input.base64}}" does not go into a form: use "send multipart" or "send json"

=== TEST 219: send form, an unknown param
--- stages
stage a { post http://[::1]/; send form "q={{param.x}}"; }
--- emerg
2: unknown param "x" in "send": add "param x DEFAULT VALUES;" to image pipeline "p"

=== TEST 220: send form, an input that is not read
--- stages
stage a { resize 9; }
stage b { resize 9; }
stage c { post http://[::1]/; send form "q={{inputs.a.text}}"; }
--- emerg
4: line 1 of the template wants the input "a", which stage "c" does not read: add it to its "from"

=== TEST 221: send json, a pointer that is none
--- stages
stage a { post http://[::1]/; send json HTML/t.json; }
--- files
>>> t.json
{"a": {{input.json/a~b}}}
--- emerg
t.json:1: JSON pointer: "~" must be written "~0", and "/" within a name "~1"

=== TEST 300: cost, too exact
--- stages
stage a { post http://[::1]/; cost 0.0000001; }
--- emerg
2: invalid amount "0.0000001" in "cost": it must be from 0 to 1000000 with 6 digits after the point at most, such as "0.002"

=== TEST 301: cost of what runs here
--- stages
stage a { resize 9; cost 1; }
--- emerg
2: "cost" does not go with "resize": it is an option of "post", remove it from stage "a"

=== TEST 260: split and join
--- stages
stage a { split /a/*; }
stage b { each a; post http://[::1]/; }
stage c { from a b; join x=/y z; }

=== TEST 261: split, no pointer
--- stages
stage a { split; }
--- emerg
2: invalid "split": split needs a JSON pointer to the values

=== TEST 262: join, a name twice
--- stages
stage a { join x x; }
--- emerg
2: invalid "join": invalid name "x": it must be text that no other name is

=== TEST 263: send multipart, a field for each input
--- stages
stage a { resize 9; }
stage b { from upload a; post http://[::1]/; send multipart image mask n=1; }

=== TEST 264: send multipart, a field too many
--- stages
stage a { resize 9; }
stage b {
    from a;
    post http://[::1]/;
    send multipart image mask n=1;
}
--- emerg
6: "send multipart" names 2 fields, but stage "b" reads 1: name one field for all, or one for each stage in "from"

=== TEST 302: queue, an option that is none
--- stages
queue 100 user=3;
--- emerg
2: invalid "user=3" in "queue": after the number there may be "owner=NUMBER"

=== TEST 303: queue, a share that is no share
--- stages
queue 100 owner=101;
--- emerg
2: invalid number "101" in "queue": it must be from 1 to 100

=== TEST 304: a priority that is none
--- http
image_pipeline_priority urgent;
--- emerg
1: invalid value "urgent" in "image_pipeline_priority": it must be "high", "normal" or "low", or a variable that has one of them

=== TEST 305: lanes
--- stages
stage a { post http://[::1]/; lane short max_aspect=2.5 max_pixels=2m concurrency=3; lane long; }

=== TEST 306: lane, an option that is none
--- stages
stage a { post http://[::1]/; lane short max_bytes=3; }
--- emerg
2: invalid "max_bytes=3" in "lane": after the name there may be "max_pixels=NUMBER", "max_aspect=NUMBER" and "concurrency=NUMBER"

=== TEST 307: lane, an aspect below 1
--- stages
stage a { post http://[::1]/; lane short max_aspect=0.5; lane long; }
--- emerg
2: invalid number "0.5" in "lane": the longer side by the shorter is from 1 to 1000, such as "max_aspect=2.5"

=== TEST 308: a last lane that does not take all
--- stages
stage a { post http://[::1]/; lane short max_pixels=2m; lane long max_pixels=4m; }
--- emerg
2: lane "long" is the last one, for all that is left: remove its "max_pixels" and "max_aspect"

=== TEST 309: a lane that leaves nothing
--- stages
stage a { post http://[::1]/; lane short concurrency=2; lane long; }
--- emerg
2: lane "short" takes all and leaves nothing to the next: give it "max_pixels" or "max_aspect"

=== TEST 310: two lanes of one name
--- stages
stage a { post http://[::1]/; lane a max_pixels=1m; lane a; }
--- emerg
2: duplicate lane "a": rename it

=== TEST 320: batch
--- stages
stage a { post http://[::1]/; send multipart f; batch 64 1ms; }
stage b { batch 2 1s; send multipart f; provider one { post http://[::1]/; } }

=== TEST 321: batch, too many
--- stages
stage a { post http://[::1]/; send multipart f; batch 65 1s; }
--- emerg
2: invalid number "65" in "batch": it must be from 2 to 64

=== TEST 322: batch, of a raw body
--- stages
stage a { post http://[::1]/; batch 8 1s; }
--- emerg
2: a "batch" sends its inputs as the parts of a form: use "post" and "send multipart FIELD" in stage "a"

=== TEST 323: batch, with three inputs and fields for two
--- stages
stage a { resize 9; }
stage b { resize 8; }
stage c { from upload a b; post http://[::1]/; send multipart f g; batch 8 1s; }
--- emerg
4: "send multipart" names 2 fields, but stage "c" reads 3: name one field for all, or one for each stage in "from"

=== TEST 324: batch, with poll
--- stages
stage a { post http://[::1]/; send multipart f; poll /id; batch 8 1s; }
--- emerg
2: a "batch" has its answer at once: remove "poll" in stage "a"

=== TEST 330: the console, where everybody can come
--- http
image_pipeline p { stage a { resize 9; } }
--- location
location /c/ { image_pipeline_console; allow 127.0.0.1; }
--- emerg
-: "image_pipeline_console" shows and changes the jobs of all, and this location lets everybody in: add "allow 127.0.0.1; deny all;", "auth_basic", "auth_request" or "ssl_verify_client on" to it

=== TEST 331: the console, in a location that is no folder
--- http
image_pipeline p { stage a { resize 9; } }
--- location
location = /c { image_pipeline_console; deny all; }
--- emerg
-: "image_pipeline_console" cannot be in location "/c": it must be in a prefix location that ends in "/", such as "location /pipelines/ { }"

=== TEST 332: the console, without a store
--- no_path
--- location
location /c/ { image_pipeline_console; deny all; }
--- emerg
-: "image_pipeline_console" needs a store: add to http {} "image_pipeline_path /var/lib/nginx/image-pipeline zone=jobs:32m;"
