#!/usr/bin/perl
# Style that a machine can see in C code: columns, tabs, lengths, banned calls, first lines.
use v5.36;
use utf8;
use open qw(:std :encoding(UTF-8));
use Test::More;

my $source = $ENV{top_srcdir} // '.';

# The guide is 100 columns, 600 lines a file and 70 a function; these are where it ends.
my $columns_guide = 100;
my $columns_max = 120;
my $wide = 0;
my $file_lines_max = 700;
my $function_lines_max = 90;

my %banned;
open my $list, '<', "$source/t/banned" or die "t/banned: $!";
while (<$list>) {
	next if /^#|^\s*$/;
	chomp;
	my ($name, $where, $why) = split /\t/, $_, 3;
	defined $why or die "t/banned: line $. is not three fields";
	$banned{$name} = {where => $where, why => $why};
}
my $banned = join '|', sort keys %banned;

sub expanded ($line) {
	1 while $line =~ s/^([^\t]*)\t/$1 . ' ' x (4 - length($1) % 4)/e;
	return $line;
}

# The text with comments and what is in quotes blanked out, lines kept.
sub code_of ($text) {
	$text =~ s{(/\*.*?\*/)|(//[^\n]*)|("(?:[^"\\\n]|\\.)*")|('(?:[^'\\\n]|\\.)*')}{
		my $was = $&;
		my $blank = defined $3 ? '""' : defined $4 ? "' '" : ' ';
		$blank . "\n" x ($was =~ tr/\n//);
	}gse;
	return $text;
}

for my $file (sort(glob("$source/src/*/*.[ch]"), glob("$source/t/{unit,fuzz}/*.[ch]"))) {
	my ($short) = $file =~ m{((?:src|t)/\w+/[^/]+)$};
	my $in_tests = $short =~ m{^t/};
	open my $in, '<', $file or die "$file: $!";
	my $text = do { local $/; <$in> };
	my @lines = split /\n/, $text;
	my @wrong;

	push @wrong, 'line 1: is no comment that says in a sentence what the file is'
		unless $lines[0] =~ m{^/\* \S.*};
	push @wrong, 'the end: no newline' unless $text =~ /\n\z/;
	push @wrong, sprintf 'has %d lines', scalar @lines if @lines > $file_lines_max;
	for my $i (0 .. $#lines) {
		my $line = $lines[$i];
		my $at = 'line ' . ($i + 1);
		push @wrong, "$at: " . length(expanded($line)) . ' columns'
			if length expanded($line) > $columns_max;
		push @wrong, "$at: white space at the end" if $line =~ /\s$/;
		push @wrong, "$at: indented with spaces" if $line =~ /^ +(?! ?\*)/ && $line !~ /^ \*/;
	}
	my @code = split /\n/, code_of($text);
	my $start;
	for my $i (0 .. $#code) {
		my $at = 'line ' . ($i + 1);
		while (!$in_tests && $code[$i] =~ /(?<![\w.>])($banned)\s*\(/g) {
			push @wrong, "$at: $1: $banned{$1}{why}" if $short ne $banned{$1}{where};
		}
		push @wrong, "$at: typedef with a struct or enum in it"
			if $code[$i] =~ /^typedef\s+(?:struct|enum|union)\b[^(]*\{/;
		# A function starts with a brace in the first column and ends with one.
		$start = $i if $code[$i] eq '{';
		if (defined $start && $code[$i] =~ /^\}/) {
			my $count = $i - $start + 1;
			push @wrong, 'line ' . ($start + 1) . ": a function of $count lines"
				if $count > $function_lines_max;
			undef $start;
		}
	}
	$wide += grep { length expanded($_) > $columns_guide } @lines;
	is join("\n", @wrong), '', "$short is tidy";
}
note "$wide lines are wider than $columns_guide columns";
done_testing;
