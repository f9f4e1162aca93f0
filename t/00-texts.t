#!/usr/bin/perl
# Every sentence of etc/texts is used, every one that is used is there, and both languages agree.
use v5.36;
use utf8;
use open qw(:std :encoding(UTF-8));
use JSON::PP;
use Test::More;

my $source = $ENV{top_srcdir} // '.';

sub read_file ($path, $layer = '') {
	open my $in, "<$layer", "$source/$path" or die "$path: $!";
	local $/;
	return scalar <$in>;
}

# The C code of a directory, comments out.
sub code_of ($pattern) {
	my $code = '';
	for my $path (sort glob "$source/$pattern") {
		open my $in, '<:encoding(UTF-8)', $path or die "$path: $!";
		local $/;
		$code .= <$in>;
	}
	$code =~ s{/\*.*?\*/}{ }gs;
	return $code;
}

my %text = map { $_ => JSON::PP->new->utf8->decode(read_file("etc/texts/$_.json", ':raw')) } qw(ru en);
my %line = map {
	my @keys = read_file("etc/texts/$_.json", ':raw') =~ /^\t"([^"]+)":/mg;
	$_ => \@keys;
} qw(ru en);

# ---- the two languages ----

is_deeply $line{ru}, $line{en}, 'both files have the same keys in the same order';
is scalar $line{$_}->@*, scalar keys $text{$_}->%*, "$_: each key is there once, on its own line" for qw(ru en);

# The holes of a sentence by name and by what kind of hole each is.
sub holes_of ($sentence) {
	my %hole;
	while ($sentence =~ /\{([?*]?)(\w+)(:\w+)?/g) {
		$hole{"$2$1" . ($1 eq '*' ? $3 // '' : '')} = 1;
	}
	return join ' ', sort keys %hole;
}

for my $key ($line{ru}->@*) {
	my ($ru, $en) = ($text{ru}{$key}, $text{en}{$key} // '');
	is holes_of($ru), holes_of($en), "$key: the same holes";
	for my $lang (qw(ru en)) {
		my $sentence = $text{$lang}{$key} // '';
		my ($depth, $deepest) = (0, 0);
		for my $char ($sentence =~ /[{}]/g) {
			$depth += $char eq '{' ? 1 : -1;
			$deepest = $depth if $depth > $deepest;
			last if $depth < 0;
		}
		my @wrong;
		push @wrong, 'braces do not close' if $depth != 0 || $deepest > 2;
		push @wrong, 'empty' if $sentence !~ /\S/;
		push @wrong, 'white space at an end' if $sentence =~ /^\s|\s$/;
		my $forms = $lang eq 'ru' ? 3 : 2;
		for my $plural ($sentence =~ /\{\w+\|([^{}]*)\}/g) {
			my $count = () = split /\|/, $plural, -1;
			push @wrong, "$count plural forms instead of $forms" if $count != $forms;
		}
		is "@wrong", '', "$key: $lang is well made";
	}
}
# But for the button that leads to Russian.
unlike join('', map { $text{en}{$_} } grep { $_ ne 'button.lang.ru' } keys $text{en}->%*), qr/\p{Cyrillic}/,
	'no Russian in the English file';

# ---- what is used ----

my %used;
my $notice = code_of('src/data/notice.c');
my $schema = join '', map { read_file($_ =~ s{^\Q$source\E/}{}r, ':encoding(UTF-8)') } sort glob "$source/sql/migrations/*.sql";
my $functions = join '', map { read_file($_ =~ s{^\Q$source\E/}{}r, ':encoding(UTF-8)') } sort glob "$source/sql/functions/*.sql";
my $speakers = code_of('src/flow/*.c') . code_of('src/responder/*.c') . code_of('src/dispatcher/*.c') . $functions;

my ($reasons) = $schema =~ /TYPE store\.job_reason AS ENUM\s*\(([^)]*)\)/ or die 'store.job_reason';
my ($kinds) = $schema =~ /TYPE ledger\.kind AS ENUM\s*\(([^)]*)\)/ or die 'ledger.kind';
my @kinds = ($kinds =~ /'(\w+)'/g, $schema =~ /TYPE ledger\.kind ADD VALUE '(\w+)'/g);
# What an alert is about: the first argument, a word or a CASE between words.
my %alert = map { $_ => 1 } map { /^'(\w+)'$/ ? $1 : /\b(?:THEN|ELSE) '(\w+)'/g }
	$functions =~ /\bPERFORM store\.alert\(([^,]*),/g;
ok keys %alert > 3, 'the alerts were found';
my %variants = (
	progress => [0, 10, 50],        # 100 is job_done
	reason => [$reasons =~ /'(\w+)'/g],
	mode => [code_of('src/data/offer.c') =~ /modes\[MODE_COUNT\] = \{([^}]*)\}/ ? $1 =~ /"(\w+)"/g : die 'modes'],
);
# What somebody asked for and alerts are about comes from the conversation too.
$alert{$_} = 1 for $speakers =~ /step->word = "(\w+)";\s*step->notice/g;
my %what = (alert => [sort keys %alert], other => [$speakers =~ /\{"\w+", "(voice|sticker|document)"\}/g, 'thing']);
# What admins are told is chosen by the database; a word may be put together from two.
my $admin = code_of('src/flow/admin.c');
my ($admin_commands) = $admin =~ /\bcommands\[\] = \{(.*?)^\};/ms or die 'admin commands';
my ($refund_open) = $functions =~ /FUNCTION store\.refund_open\((.*?)^END \$\$;/ms or die 'store.refund_open';
my %parts = ('refund_' => [grep { $_ ne 'started' } $refund_open =~ /(?:THEN|outcome :=) '(\w+)'/g], 'job_' => ['late', 'done'],
	'price_' => ['set', 'off', 'on', 'reset']);
for my $kind (qw(no done)) {
	my %found;
	for my $said ($functions =~ /\bstore\.admin_$kind\(\s*((?:CASE\b.*?\bEND|'\w+'(?: \|\| \S+)?))/gs) {
		my ($head) = $said =~ /^'(\w+_)' \|\|/;
		$found{$_} = 1 for $head ? map { "$head$_" } $parts{$head}->@* : $said =~ /^'(\w+)'/ ? $1 : $said =~ /(?:THEN|ELSE) '(\w+)'/g;
	}
	$found{"price_$_"} = 1 for $kind eq 'done' ? $parts{price_}->@* : ();
	delete @found{qw(rub credit)};
	$what{"admin_$kind"} = [sort keys %found];
}
$what{admin_export} = [$functions =~ /'(\w+)\.csv' AS name/g, $functions =~ /SELECT '(\w+)\.csv', store\.csv_cut/g];
$variants{command} = [$admin_commands =~ /\{"(\w+)", "\w+", read_/g];
$variants{state} = [$schema =~ /TYPE store\.broadcast_state AS ENUM \(([^)]*)\)/ ? $1 =~ /'(\w+)'/g : die 'broadcast_state'];
my ($statuses) = $schema =~ /TYPE store\.job_status AS ENUM\s*\(([^)]*)\)/ or die 'store.job_status';
my %rows = (statement_row => [grep { !/^(?:take|sale)$/ } @kinds], history_row => [$statuses =~ /'(\w+)'/g],
	jobs_row => ['pending', 'processing'], weather_row => ['sold', 'stopped', 'trial'], margin_row => ['model'],
	audit_row => ['chat', 'ctl'], price_row => ['sold', 'changed', 'off', 'stopped'], list_row => ['job', 'payment']);
my @forms = $notice =~ /^\t\{"(\w+)", (NULL|"\w+"), /mg;
ok @forms > 20, 'the table of notices was found';
while (my ($name, $variant) = splice @forms, 0, 2) {
	like $speakers, qr/["']$name["']/, "somebody says $name";
	my ($argument) = $variant =~ /"(\w+)"/;
	$used{defined $argument ? "$name.$_" : $name} = 1 for defined $argument ? ($argument eq 'what' ? $what{$name} : $variants{$argument})->@* : '';
}
# A line for each row: take and sale never touch what a person has available.
for my $list (map { /\{\*\w+:(\w+)\}/g } values $text{ru}->%*) {
	$used{"$list.$_"} = 1 for $rows{$list}->@*;
}
$used{$_} = 1 for $notice =~ /"(button\.[\w.]+\w)"/g, map({ "button.$_" } $notice =~ /\bUSE\("(\w+)"/g),
	map({ "button.admin.$_" } $notice =~ /\bDEED\("(\w+)"/g), map({ "button.broadcast.$_" } $notice =~ /\bSEGMENT\("(\w+)"/g);
$used{$_} = 1 for $functions =~ /'(chart\.\w+)'/g;
my @toasts = code_of('src/*/*.c') =~ /"(toast\.\w+)"/g;
ok @toasts > 5, 'the toasts were found';
$used{$_} = 1 for @toasts;
my ($units) = code_of('src/data/money.c') =~ /names\[UNIT_COUNT\] = \{([^}]*)\}/ or die 'units';
$used{"money.$_"} = 1 for $units =~ /"(\w+)"/g;
my ($commands) = code_of('src/provider/telegram.c') =~ /\bcommands\[\] = \{([^}]*)\}/ or die 'commands';
$used{"command.$_"} = 1 for $commands =~ /"(\w+)"/g;

is join(' ', grep { !exists $text{ru}{$_} } sort keys %used), '', 'every key that is used is there';
is join(' ', grep { !$used{$_} } sort keys $text{ru}->%*), '', 'every key that is there is used';

# ---- bounds of the Bot API ----

for my $lang (qw(ru en)) {
	for my $key (sort keys $text{$lang}->%*) {
		my $length = length $text{$lang}{$key};
		cmp_ok $length, '<=', 200, "$lang $key fits answerCallbackQuery" if $key =~ /^toast\./;
		cmp_ok $length, '<=', 256, "$lang $key fits setMyCommands" if $key =~ /^command\./;
	}
}
done_testing;
