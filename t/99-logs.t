#!/usr/bin/env perl

# Reads what every nginx of this run has logged, and what the sanitizers have:
# a worker that dies is replaced so quietly that no other test sees it.
# NAME.log.allow holds the regular expressions of lines that a test of NAME
# provoked on purpose; it excuses nginx's own lines, never a sanitizer's.

use strict;
use warnings;

use Test::More;

my $dir = $ENV{IMGP_LOGS}
    or plan skip_all => 'the logs of "make test" only';

my $bad = qr/\[(?:alert|emerg|crit)\]|exited on signal/;
my $fault = qr/AddressSanitizer|LeakSanitizer|runtime error:/;
my $shown = 20;


sub lines {
    my ($path) = @_;

    open(my $in, '<:raw', $path) or return;
    chomp(my @lines = <$in>);

    return @lines;
}


for my $log (sort glob("$dir/*.log")) {
    my @allow = map { qr/$_/ } lines("$log.allow");
    my ($name) = $log =~ m{([^/]+)\.log$};

    my @found = grep {
        my $line = $_;

        $line =~ $fault
            || ($line =~ $bad && !grep { $line =~ $_ } @allow);
    } lines($log);

    is(scalar @found, 0, "$name: nothing to be alarmed about");
    diag($_) for @found[0 .. ($#found < $shown ? $#found : $shown)];
}

my @reports = glob("$dir/asan.*");

is(scalar @reports, 0, 'no report of a sanitizer');

for my $report (@reports) {
    my @text = lines($report);

    diag("$report:");
    diag($_) for @text[0 .. ($#text < 60 ? $#text : 60)];
}

done_testing();
