#!/usr/bin/perl
# A directory includes only what src/LAYOUT allows, every header compiles alone, the lists of files are whole.
use v5.36;
use Test::More;
use File::Temp;

my $source = $ENV{top_srcdir} // '.';
my $build = $ENV{top_builddir} // '.';

my %allowed;
open my $layout, '<', "$source/src/LAYOUT" or die "src/LAYOUT: $!";
while (<$layout>) {
	next if /^#|^\s*$/;
	/^(\w+):\s*(.*)$/ or die "src/LAYOUT: line $. is not understood";
	my ($floor, @under) = ($1, split ' ', $2);
	for (@under) {
		ok $allowed{$_}, "$floor stands over $_, which is listed before it";
	}
	$allowed{$floor} = {map { $_ => 1 } $floor, @under};
}
for my $dir (sort grep { -d } glob "$source/src/*") {
	my ($floor) = $dir =~ m{([^/]+)$};
	ok $allowed{$floor}, "src/$floor is in src/LAYOUT";
}

my @files = sort glob "$source/src/*/*.[ch]";
for my $file (@files) {
	my ($short, $floor) = $file =~ m{(src/(\w+)/[^/]+)$};
	my @wrong;
	open my $in, '<', $file or die "$file: $!";
	while (<$in>) {
		next unless /^\s*#\s*include\s*"([^"]+)"/;
		my $name = $1;
		next if $name eq 'config.h';
		if ($name !~ m{^(\w+)/\w+\.h$}) {
			push @wrong, "line $.: $name does not name its directory";
		} elsif (!$allowed{$floor}{$1}) {
			push @wrong, "line $.: $floor may not include $name";
		} elsif (!-e "$source/src/$name") {
			push @wrong, "line $.: $name is not there";
		}
	}
	is join("\n", @wrong), '', "$short includes what it may";
}

# Which library's headers a floor may see is in Makefile.am; here it is only that none is forgotten.
my $flags = qx(pkg-config --cflags json-c libpq fcgi libcurl libcrypto vips libseccomp 2>/dev/null);
chomp $flags;
$flags =~ s/(^| )-I */$1-isystem /g;
my $cc = $ENV{CC} || 'cc';
my $dir = File::Temp->newdir;
for my $file (grep { /\.h$/ } @files) {
	my ($name) = $file =~ m{src/(\w+/[^/]+)$};
	# Twice, so that a missing guard shows.
	open my $out, '>', "$dir/alone.c" or die $!;
	print $out qq{#include "$name"\n#include "$name"\nint alone;\n};
	close $out;
	my $said = qx($cc -fsyntax-only -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I$source/src $flags $dir/alone.c 2>&1);
	is $said, '', "$name compiles alone";
}

SKIP: {
	skip 'not a git checkout', 1 unless -e "$source/.git";
	my $said = qx($source/scripts/files --check 2>&1);
	is $said, '', 'Makefile.files lists the files that git knows';
}
done_testing;
