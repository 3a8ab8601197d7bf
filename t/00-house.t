#!/usr/bin/env perl

# The rules of the house that a program can check: layers, looks, and that
# config and README know of everything there is.

use strict;
use warnings;
use utf8;

use File::Basename qw(basename dirname);
use Test::More;

chdir(dirname(dirname(__FILE__))) or die;

my $top = qr{^(?:config|ngx_module|src|include|t|conf-examples|Dockerfile
                 |README\.md|Makefile|LICENSE|CHANGES\.md|\..+)$}x;

my %needs = (
    base   => [],
    wire   => ['base'],
    plan   => ['base'],
    image  => ['base'],
    store  => ['base', 'wire', 'plan'],
);

my $columns = 80;
my $lines_target = 600;
my $lines_max = 900;

my @headers = glob('include/imgp/*.h');
my @src = (glob('src/*/*.c'), glob('src/*/*.h'));
my @module = (glob('ngx_module/*.c'), glob('ngx_module/*.h'));
my @c_tests = (glob('t/unit/*.[ch]'), glob('t/fuzz/*.c'));
my @all_c = (@headers, @src, @module, @c_tests);


sub text {
    my ($path) = @_;

    open(my $in, '<:encoding(UTF-8)', $path) or die "$path: $!";
    local $/;

    return scalar <$in> // '';
}


# one test a rule, the offenders below it

sub rule {
    my ($name, @offenders) = @_;

    is(scalar @offenders, 0, $name);
    diag("  $_") for @offenders;
}


# numbered lines that match

sub matches {
    my ($pattern, @files) = @_;
    my @found;

    for my $file (@files) {
        my $n = 0;

        for my $line (split /\n/, text($file)) {
            $n++;
            push @found, "$file:$n: $line" if $line =~ $pattern;
        }
    }

    return @found;
}


# code without comments and without what stands in quotes

sub bare {
    my ($code) = @_;

    $code =~ s{ (/\*.*?\*/) | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' }
              { my $c = $1 // '""'; $c =~ tr/\n//cd if defined $1; $c }gsxe;

    return $code;
}


# the layer of a file of src/, or of the file whose header this is

sub layer {
    my ($file) = @_;
    my $name = basename($file, '.h');

    ($file) = glob("src/*/$name.c") if $file =~ m{^include/};

    return $1 if defined $file && $file =~ m{^src/(\w+)/};
    return $name eq 'imgp_types' ? 'base' : undef;
}


sub wrong_arrows {
    my @found;

    for my $file (@headers, @src) {
        my $from = layer($file) // next;
        my %may = map { $_ => 1 } $from, @{ $needs{$from} // [] };

        for my $header (text($file) =~ m{^\s*#\s*include\s+<imgp/(\w+\.h)>}mg) {
            my $to = layer("include/imgp/$header") // next;

            push @found, "$file ($from) includes $header ($to)"
                unless $may{$to};
        }
    }

    return @found;
}


sub not_self_contained {
    my @compile = ($ENV{CC} // 'gcc', qw(-std=gnu11 -Wall -Wextra -Werror
                   -Iinclude -fsyntax-only -x c /dev/null -include));

    return grep { system(@compile, $_) != 0 } @headers;
}


# the lists of config against the tree

sub config_differs {
    my %listed = map { $_ => 1 }
                 text('config') =~ m{((?:include|src|ngx_module)/\S+\.[ch])\b}g;
    my %there = map { $_ => 1 } @headers, @src, @module;

    return (map({ "config lacks $_" } sort grep { !$listed{$_} } keys %there),
            map({ "config lists $_, which is not there" }
                sort grep { !$there{$_} } keys %listed));
}


sub untested {
    return grep {
        my $name = basename($_, '.c');

        $name =~ s/^imgp_//;
        !-e "t/unit/test_$name.c" && !-e "t/unit/test_imgp_$name.c";
    } grep { /\.c$/ } @src;
}


# the names in nginx's command tables, of every level

sub directives {
    my %found;

    for my $file (grep { /\.c$/ } @module) {
        my $code = text($file);

        while ($code =~ /^(?:static\s+)?ngx_command_t\s+\w+\[\]\s*=\s*\{
                          (.*?)^\};/gmsx)
        {
            my $table = $1;
            $found{$_} = 1 for $table =~ /\{\s*ngx_string\("(\w+)"\)/g;
        }
    }

    my @names = sort keys %found;

    return @names;
}


sub strangers {
    my @entries = -e '.git'
        ? map { chomp; $_ } `git ls-files | cut -d/ -f1 | sort -u`
        : grep { $_ ne 'build' } glob('* .[!.]*');

    return grep { $_ !~ $top } @entries;
}


# Debian's packages of the libraries that the module asks for by name, which
# the second half of Dockerfile must install

sub not_in_dockerfile {
    my $docker = text('Dockerfile');
    my %needed;

    for my $lib (`readelf -d '$ENV{IMGP_MODULE}'`
                 =~ /\(NEEDED\)[^\[]*\[(.*?)\]/g)
    {
        my @owners = map { /^([^:]+):/ ? $1 : () } `dpkg -S '*/$lib'`;

        # what every Debian has
        next if grep { $_ eq 'libc6' } @owners;

        $needed{$lib} = "@owners"
            unless grep { $docker =~ /\s\Q$_\E\s/ } @owners;
    }

    return map { "$_ ($needed{$_})" } sort keys %needed;
}


rule('the top level holds what it may hold', strangers());

rule('src/ and include/ never see nginx',
     grep { bare(text($_)) =~ /\bngx_|<ngx/ } @headers, @src);
rule('includes go one way between the layers', wrong_arrows());
rule('ngx_module/ reaches src/ through include/ alone',
     matches(qr{^\s*#\s*include\s+["<](?:\.\./|src/)}, @module));
rule('every header compiles alone', not_self_contained());
rule('config lists every file', config_differs());

rule("no line of C is longer than $columns columns",
     matches(qr/^.{81}/, @all_c));
rule('no tab, no blank at a line\'s end', matches(qr/\t|[ ]$/, @all_c));
rule("no file of C is longer than $lines_max lines",
     grep { (text($_) =~ tr/\n//) > $lines_max } @all_c);
rule('no // comment', grep { bare(text($_)) =~ m{//} } @all_c);
rule('every .c opens by telling what it is',
     grep { /\.c$/ && text($_) !~ m{\A\s*/\*} } @headers, @src, @module);

for my $file (@all_c) {
    my $n = text($file) =~ tr/\n//;
    note("$file: $n lines, more than $lines_target") if $n > $lines_target;
}

rule('every file of src/ has its unit test', untested());
rule('every Test::Nginx file has its logs read (use ImgpTest)',
     grep { my $t = text($_); $t =~ /^use Test::Nginx/m
            && $t !~ /^use ImgpTest/m } glob('t/*.t'));

SKIP: {
    skip('no release build of Debian', 1)
        if ($ENV{BUILD} // '') ne 'release' || !-e '/usr/bin/dpkg';

    rule('Dockerfile installs every library', not_in_dockerfile());
}

SKIP: {
    my @directives = directives();

    skip('no command table yet', 1) unless @directives;
    skip('no README.md yet', 1) unless -e 'README.md';

    my $readme = text('README.md');

    rule('README.md documents every directive',
         grep { $readme !~ /^(?:###+\s.*|\|\s*)`?\b\Q$_\E\b/m } @directives);
}

done_testing();
