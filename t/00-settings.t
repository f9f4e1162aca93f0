#!/usr/bin/perl
# The sample of the settings and the manual pages, held against the table that the programs read.
use v5.36;
use utf8;
use open qw(:std :encoding(UTF-8));
use Test::More;

my $source = $ENV{top_srcdir} // '.';

sub read_file ($path) {
	open my $in, '<', "$source/$path" or die "$path: $!";
	local $/;
	return scalar <$in>;
}

# ---- the table ----

my $code = read_file('src/data/settings.c');
my %number = read_file('src/data/settings.h') =~ /^#define (\w+) (\d+)/mg;
my ($table) = $code =~ /settings_table\[\] = \{(.*?)^\};/ms or die 'settings_table';
my @settings;
while ($table =~ /\{"(\w+)",\s*CONF_(\w+),\s*(NULL|"[^"]*"),\s*([^,]+),\s*([^,]+),\s*"([^"]*)",\s*[^,]+,\s*(true|false),\s*"([^"]*)"\}/g) {
	my %setting = (name => $1, type => $2, default => $3, min => $4, max => $5, unit => $6, help => $8);
	$_ = $number{$_} // $_ for @setting{qw(min max)};
	$setting{default} = $setting{default} eq 'NULL' ? undef : substr $setting{default}, 1, -1;
	push @settings, \%setting;
}
my $entries = () = $table =~ /^\t\{"/mg;
ok @settings >= 20, 'the table was found';
is scalar @settings, $entries, 'and read whole';

# What both say of a setting beside its help.
sub facts ($s) {
	return 'Must be set' if !defined $s->{default};
	return 'Default: empty' if $s->{default} eq '';
	my $unit = $s->{unit} ? " $s->{unit}" : '';
	my $range = $s->{type} eq 'INT' ? ", from $s->{min} to $s->{max}" : '';
	return "Default: $s->{default}$unit$range";
}

sub one_line ($text) {
	return $text =~ s/\s+/ /gr =~ s/^ | $//gr;
}

for my $s (@settings) {
	like $s->{help}, qr/^[A-Z].*\.$/, "$s->{name}: its help is a sentence";
	ok $s->{unit} ne '', "$s->{name}: has a unit" if $s->{type} eq 'INT' && $s->{name} !~ /_CODE$/;   # a code counts nothing
}

# ---- the sample ----

my @blocks = grep { /^#?[A-Z][A-Z0-9_]*=/m } split /\n{2,}/, read_file('etc/atelier.conf.sample');
my %sample;
my @order;
for my $block (@blocks) {
	my @lines = split /\n/, $block;
	my $set = pop @lines;
	my $facts = pop @lines;
	my ($off, $name, $value) = $set =~ /^(#?)(\w+)=(.*)$/ or next;
	ok !$sample{$name}, "$name is in the sample once";
	$sample{$name} = {off => $off, value => $value, facts => $facts =~ s/^# |\.$//gr,
		help => one_line(join ' ', map { s/^# //r } @lines)};
	push @order, $name;
}
is "@order", join(' ', map { $_->{name} } @settings), 'the sample has every setting, no other, in the order of the table';
for my $s (@settings) {
	my $found = $sample{$s->{name}} or next;
	is $found->{help}, $s->{help}, "$s->{name} in the sample: help";
	is $found->{facts}, facts($s), "$s->{name} in the sample: default and unit";
	is $found->{value}, $s->{default} // '', "$s->{name} in the sample: value";
	is $found->{off}, defined $s->{default} ? '#' : '', "$s->{name} in the sample: " . (defined $s->{default} ? 'off' : 'to be set');
}

# ---- the manual ----

my ($section) = read_file('doc/atelier.conf.5') =~ /^\.Sh SETTINGS\n(.*?)^\.Sh /ms or die 'SETTINGS';
my %manual;
@order = ();
for my $item (split /^(?=\.It )/m, $section) {
	my ($name, $words) = $item =~ /^\.It Sy (\w+)\n(.*)/s or next;
	$words =~ s/^\.(?:El|Ss|Bl).*\n//mg;
	$words =~ s/^\.Ql (\S+) ([.,])$/$1$2/mg;
	$words =~ s/^\.Ql //mg;
	$manual{$name} = one_line($words) =~ s/\.$//r;
	push @order, $name;
}
is "@order", join(' ', map { $_->{name} } @settings), 'the manual has every setting, no other, in the order of the table';
is $manual{$_->{name}}, "$_->{help} " . facts($_), "$_->{name} in the manual" for @settings;

# ---- the pages ----

SKIP: {
	skip 'mandoc is not there', 1 if !grep { -x "$_/mandoc" } split /:/, $ENV{PATH};
	for my $page (glob "$source/doc/*.[1-9]") {
		my ($short) = $page =~ m{([^/]+)$};
		# Our own pages are looked for where they will be installed.
		my @wrong = grep { !/referenced manual not found: Xr atelier/ } qx(mandoc -T lint '$page');
		is "@wrong", '', "$short is well formed";
	}
}
my ($options) = read_file('src/supervisor/main.c') =~ /getopt\(argc, argv, "([^"]*)"\)/;
my ($synopsis) = read_file('doc/atelierd.8') =~ /^\.Sh SYNOPSIS\n(.*?)^\.Sh /ms;
is join('', sort map { "$_->[0]" . ($_->[1] ? ':' : '') } map { [/Fl (\w)( Ar)?/] } $synopsis =~ /^\.Op (Fl \w(?: Ar)?)/mg),
	join('', sort $options =~ /\w:?/g), 'atelierd has the options that its page names';
my $page = read_file('doc/atelierctl.1');
my ($commands) = read_file('src/ctl/main.c') =~ /commands\[\] = \{(.*?)^\};/ms;
is join(' ', sort $page =~ /^\.It Ic (\w+)/mg), join(' ', sort $commands =~ /^\t\{"(\w+)"/mg),
	'atelierctl has the commands that its page names';
done_testing;
