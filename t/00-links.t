#!/usr/bin/perl
# The link line is the privilege table: what the built programs need, and how they are hardened.
use v5.36;
use Test::More;

my $build = $ENV{top_builddir} // '.';

# What each program must not need; atelierd needs the C library alone.
my %never = (
	atelierd => [qw(libpq libcurl libfcgi libjson-c libcrypto libssl libvips)],
	atelierctl => [qw(libfcgi libvips)],
	responder => [qw(libcurl libvips)],
	dispatcher => [qw(libcurl libfcgi libvips)],
	helper => [qw(libpq libfcgi libvips)],
	render => [qw(libpq libcurl libfcgi)],
);
my %always = (
	responder => [qw(libpq libfcgi libjson-c)],
	dispatcher => [qw(libpq)],
	helper => [qw(libcurl)],
	render => [qw(libvips)],
);

my $seen = 0;
for my $name (sort keys %never) {
	my $program = "$build/$name";
	next unless -x $program;
	$seen++;
	my $dynamic = qx(readelf -dW $program);
	my $headers = qx(readelf -hlW $program);
	my @needed = $dynamic =~ /\(NEEDED\).*\[([^\]]+)\]/g;

	for my $library ($never{$name}->@*) {
		ok !(grep { /^\Q$library\E\b/ } @needed), "$name does not need $library";
	}
	for my $library (($always{$name} // [])->@*) {
		ok scalar(grep { /^\Q$library\E\b/ } @needed), "$name needs $library";
	}
	diag "$name needs @needed" unless Test::More->builder->is_passing;
	SKIP: {
		skip 'sanitizers are on', 5 if ($ENV{sanitizers} // '') eq 'yes';
		like $headers, qr/Type:\s+DYN/, "$name is position independent";
		like $dynamic, qr/\bPIE\b/, "$name is marked so";
		like $dynamic, qr/BIND_NOW|FLAGS.*\bNOW\b/, "$name binds at start";
		like $headers, qr/GNU_RELRO/, "$name has its tables read-only";
		like $headers, qr/GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW /, "$name has no executable stack";
	}
}
plan skip_all => 'no program is built yet' unless $seen;
done_testing;
