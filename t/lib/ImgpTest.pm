package ImgpTest;

# What our Test::Nginx files share:
#
#     use Test::Nginx::Socket 'no_plan';
#     use ImgpTest;
#
# - $TEST_NGINX_STORE in a configuration is a folder for image_pipeline_path,
#   a fresh one for every block (with TEST_NGINX_USE_HUP, for every file: there
#   the zone lives on from block to block, and so must its folder);
# - $TEST_NGINX_FRESH is a fresh folder and a zone of a fresh name in any case:
#   "image_pipeline_path $TEST_NGINX_FRESH:2m;"
# - $TEST_NGINX_MODEL is the address of a fake model service (t/fakes/model.py)
#   once fake_model() has been called;
# - a thread pool "image", where a block's main_config names no thread pool;
# - the block's log is also kept for t/99-logs.t, which fails on any [alert],
#   [crit] or [emerg] and on reports of the sanitizers.  A block that provokes
#   such a line says so: "--- allow_log", one regular expression a line;
# - slurp(), sample() and multipart() for requests, also in "eval" sections;
# - what nginx says of a configuration that must die is not shown: the block
#   checks it.

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Handle;
use POSIX qw(SIGTERM);
use Test::Nginx::Util qw(add_block_preprocessor);

our @EXPORT = qw(slurp sample multipart fake_model);

# "--- request eval" and its like are evaluated there

for my $function (@EXPORT) {
    no strict 'refs';
    *{"Test::Base::Filter::$function"} = \&$function;
}

my $root = dirname(dirname(dirname(File::Spec->rel2abs(__FILE__))));
my $name = basename($0, '.t');
my $owner = $$;
my $dir = tempdir("$name-XXXXXX", TMPDIR => 1);
my $blocks = 0;
my $binary = $Test::Nginx::Util::NginxBinary;
my $dies = 0;
my $model;


$SIG{__WARN__} = sub { warn @_ unless $dies && $_[0] =~ /\[emerg\]/ };

chmod(0755, $dir);
fresh_store();

add_block_preprocessor(sub {
    my ($block) = @_;
    my $main = $block->main_config // '';

    fresh_store();

    $main .= "\nthread_pool image threads=2;\n"
        unless $main =~ /\bthread_pool\b/;

    $dies = defined $block->must_die;
    $Test::Nginx::Util::NginxBinary = $dies ? "$root/t/lib/nginx-quiet" : $binary;

    # nginx writes to every error_log of a level; a configuration that does not
    # load says so in the first log alone, which must_die blocks look at

    if ($ENV{IMGP_LOGS} && !$dies) {
        $main .= "\nerror_log $ENV{IMGP_LOGS}/$name.log notice;\n";
    }

    $block->set_value('main_config', $main);

    allow($block->allow_log) if defined $block->allow_log;
});


# the variant with Redis ("make test REDIS=1"): every store is shared, under a
# prefix of its own; after all other preprocessors, so where the configuration
# is written

if ($ENV{IMGP_REDIS}) {
    no warnings 'redefine', 'prototype';

    my $write = \&Test::Nginx::Util::write_config_file;

    *Test::Nginx::Util::write_config_file = sub ($$$) {
        my ($block, $config, @more) = @_;
        my $prefix = $ENV{TEST_NGINX_USE_HUP} ? $$ : "$$-$blocks";
        my $http = $block->http_config // '';

        if ($http !~ /\bimage_pipeline_redis\b/
            && $http =~ s{(\bimage_pipeline_path\s[^;]*;)}
                         {$1 image_pipeline_redis $ENV{IMGP_REDIS} prefix=$name-$prefix:;\n})
        {
            $block->set_value('http_config', $http);
        }

        return $write->($block, $config, @more);
    };
}


sub fresh_store {
    my $store = sprintf("%s/store-%u", $dir, ++$blocks);

    make_path($store);

    $ENV{TEST_NGINX_FRESH} = "$store zone=jobs$blocks";
    $ENV{TEST_NGINX_STORE} = $store
        unless $ENV{TEST_NGINX_USE_HUP} && $ENV{TEST_NGINX_STORE};
}


sub allow {
    my ($patterns) = @_;

    return unless $ENV{IMGP_LOGS};

    open(my $out, '>>', "$ENV{IMGP_LOGS}/$name.log.allow")
        or die "$name.log.allow: $!";
    print $out map { "$_\n" } grep { /\S/ } split /\n/, $patterns;
    close($out);
}


sub slurp {
    my ($path) = @_;

    open(my $in, '<:raw', $path) or die "$path: $!";
    local $/;

    return scalar <$in>;
}


# the photograph that the project ships: 900x506, 99 KB, JPEG

sub sample {
    return slurp("$root/conf-examples/www/sample.jpg");
}


# the body of an upload: fields by name, a file as [ name, type, bytes ]

sub multipart {
    my ($boundary, @fields) = @_;
    my $body = '';

    while (my ($field, $value) = splice(@fields, 0, 2)) {
        $body .= "--$boundary\r\n"
                 . "Content-Disposition: form-data; name=\"$field\"";

        if (ref $value) {
            $body .= "; filename=\"$value->[0]\"\r\n"
                     . "Content-Type: $value->[1]\r\n\r\n$value->[2]\r\n";

        } else {
            $body .= "\r\n\r\n$value\r\n";
        }
    }

    return $body . "--$boundary--\r\n";
}


# starts t/fakes/model.py once; its address, host:port

sub fake_model {
    return $ENV{TEST_NGINX_MODEL} if defined $model;

    $model = open(my $out, '-|', "$root/t/fakes/model.py", '--port', '0')
             // die "model.py: $!";

    my $port = <$out>;

    die "model.py did not start\n" unless defined $port && $port =~ /(\d+)/;

    $ENV{TEST_NGINX_MODEL} = "127.0.0.1:$1";
    $ImgpTest::model_output = $out;

    return $ENV{TEST_NGINX_MODEL};
}


END {
    if ($$ == $owner) {
        local $?;

        if (defined $model) {
            kill(SIGTERM, $model);
            waitpid($model, 0);
        }

        remove_tree($dir);
    }
}


1;
