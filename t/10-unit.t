#!/usr/bin/perl
# Runs every unit program that was built and passes its results on as one result each.
use v5.36;
use Test::More;

my $build = $ENV{top_builddir} // '.';
my $source = $ENV{top_srcdir} // '.';

# A test of "out of memory is a fault" needs an allocator that refuses instead of ending the process.
$ENV{ASAN_OPTIONS} = join ':', grep { defined && length } $ENV{ASAN_OPTIONS}, 'allocator_may_return_null=1';

open my $list, '<', "$source/Makefile.files" or die "Makefile.files: $!";
my @names = map { m{^\tt/unit/(test_\w+)(?: \\)?$} ? $1 : () } <$list>;
ok @names > 0, 'there are unit tests';
for my $name (@names) {
	my $program = "$build/t/unit/$name";
	subtest $name => sub {
		if (!-x $program) {
			fail "$program was built (make check-programs does)";
			return;
		}
		open my $out, '-|', $program or die "$program: $!";
		my ($count, $plan) = (0);
		while (my $line = <$out>) {
			chomp $line;
			if ($line =~ /^(not )?ok \d+ - (.*)$/) {
				my ($bad, $what) = ($1, $2);
				$count++;
				if ($what =~ s/ # SKIP (.*)//) {
					SKIP: { skip "$what: $1", 1 }
				} else {
					ok !$bad, "- $what";
				}
			} elsif ($line =~ /^1\.\.(\d+)$/) {
				$plan = $1;
			} elsif ($line =~ /^# ?(.*)/) {
				diag $1;
			}
		}
		close $out;
		is $?, 0, "$name exits with 0";
		is $count, $plan // 'no plan', "$name kept its plan";
	};
}
done_testing;
