#!/usr/bin/perl
# atelierctl against a real database: migrations and what they refuse, and the operator's commands.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Atelier::Test qw(program source_dir temp_dir run_command start_command wait_until slurp spew);
use File::Copy qw(copy);
use POSIX ();
use Test::More;

my $ctl = program('atelierctl');
my $dir = temp_dir('ctl');
my $pg = Atelier::Pg->ready;    # migrated by atelierctl, as it is built
my $life = Atelier::Life->new($pg);
spew("$dir/super.conf", 'DATABASE_URL=' . $pg->super_url . "\nBOT_TOKEN=1:secret_of_the_bot\n");
spew("$dir/ctl.conf", 'DATABASE_URL=' . $pg->url . "\n");

sub ctl ($conf, @words) { return run_command([$ctl, '-c', "$dir/$conf.conf", @words]) }

# Runs it as the operator and compares the exit status and what is said on either stream.
sub says ($words, $status, $out, $err, $name = "@$words") {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($got, $said, $complained) = ctl('ctl', @$words);
	is $got, $status, "$name: exit" or diag $said, $complained;
	like $said, $out, "$name: says";
	like $complained, $err, "$name: complains";
}

subtest 'words' => sub {
	for ([['--help'], 0, qr/^Usage: /, qr/^$/], [['--version'], 0, qr/^atelierctl \(Atelier\) \d/, qr/^$/],
		[[], 64, qr/^$/, qr/^Usage/], [['dance'], 64, qr/^$/, qr/^Usage/], [['-x', 'verify'], 64, qr/^$/, qr/Usage/],
		[['statement'], 64, qr/^$/, qr/^Usage/], [['verify', 'x'], 64, qr/^$/, qr/^Usage/],
		[['statement', 'x'], 64, qr/^$/, qr/x: is no Telegram id/],
		[['webhook', 'x'], 64, qr/^$/, qr/set, info or delete/])
	{
		my ($words, @expect) = @$_;
		says($words, @expect);
	}
	my ($status, undef, $err) = run_command([$ctl, '-c', "$dir/none.conf", 'verify']);
	is $status, 78, 'settings that are not there';
	like $err, qr/No such file/, 'are told';
	spew("$dir/bad.conf", "DATABASE_URL=x\nNOSUCH=1\n");
	($status, undef, $err) = ctl('bad', 'verify');
	is $status, 78, 'settings that are wrong';
	like $err, qr/NOSUCH/, 'are told';
	spew("$dir/away.conf", "DATABASE_URL=postgresql:///atelier?host=$dir\n");
	($status, undef, $err) = ctl('away', 'verify');
	is $status, 1, 'a database that is away';
	like $err, qr/no database/, 'is told';
};

subtest 'migrate' => sub {
	my $copy = "$dir/sql";
	mkdir $_ for $copy, "$copy/migrations", "$copy/functions";
	for my $file (glob source_dir() . '/sql/*/*.sql') {
		my ($to) = $file =~ m{((?:migrations|functions)/[^/]+)$};
		copy($file, "$copy/$to") or die $!;
	}
	my $migrate = sub { ctl('super', 'migrate', '-d', $copy) };
	is_deeply [map { $_->{name} } $pg->rows('SELECT name FROM store.migration ORDER BY number')],
		['0001_ledger', '0002_store', '0003_payments', '0004_studio', '0005_operator', '0006_tally'], 'what is applied is noted';
	my ($status, $out, $err) = $migrate->();
	is "$status$err", '0', 'again';
	like $out, qr/^schema 6, 15 files of functions$/, 'applies the functions alone';
	is $pg->value(q{SELECT count(*) FROM pg_proc WHERE proname = 'update_open'}), 1, 'which are there';

	my $first = "$copy/migrations/0001_ledger.sql";
	my $was = slurp($first);
	spew($first, "$was\n-- a word\n");
	($status, $out, $err) = $migrate->();
	is $status, 1, 'a migration that was changed';
	like $err, qr/0001_ledger was changed/, 'is refused';
	spew($first, $was);
	spew("$copy/migrations/0007_more.sql", 'CREATE TABLE store.more (id int);');
	($status, $out, $err) = $migrate->();
	like "$status $err", qr/^1 .*7 migrations, this program knows 6/, 'so is one this program does not know';
	rename "$copy/migrations/0007_more.sql", "$copy/migrations/more.sql";
	like +($migrate->())[2], qr/should begin with 0007_/, 'and one without a number';
	unlink "$copy/migrations/more.sql";
	spew("$copy/functions/9_wrong.sql", 'CREATE FUNCTION store.wrong() RETURNS int LANGUAGE sql AS $$ SELECT nothing $$;');
	($status, $out, $err) = $migrate->();
	like "$status $err", qr/^1 .*9_wrong: 42703/, 'functions that do not load';
	is $pg->value(q{SELECT count(*) FROM pg_proc WHERE proname = 'update_open'}), 1, 'leave the old ones';
	unlink "$copy/functions/9_wrong.sql";
	($status) = $migrate->();
	is $status, 0, 'and the right ones go in';
	like +(ctl('super', 'migrate', '-d', "$dir/none"))[2], qr/No such file/, 'a directory that is not there';

	# By the owner of a database who is no superuser, as at a hoster's.
	$pg->do('CREATE ROLE hoster LOGIN CREATEROLE');
	$pg->do('CREATE DATABASE other OWNER hoster');
	spew("$dir/hoster.conf", 'DATABASE_URL=postgresql://hoster@/other?host=' . $pg->dir . "\n");
	my @both = map { [ctl('hoster', 'migrate', '-d', $copy)] } 1 .. 2;
	is_deeply [map { "$_->[0]$_->[2]" } @both], [0, 0], 'the owner of a database migrates';
	like $both[0][1], qr/applied 0001_ledger\napplied 0002_store\n/, 'all of it';

	$pg->do('CREATE DATABASE twice');
	spew("$dir/twice.conf", 'DATABASE_URL=postgresql://postgres@/twice?host=' . $pg->dir . "\n");
	my @got = $pg->at_once(4, 'postgres', sub ($i, $db) { join '', (ctl('twice', 'migrate', '-d', $copy))[0, 2] });
	is_deeply \@got, [(0) x 4], 'four at once wait for each other';
};

subtest 'money' => sub {
	$life->seen(1);
	says([qw(credit 1 rub 100.50 gift)], 0, qr/^100\.50 rub, now 100\.50 \(key ctl:[0-9a-f]{24}\)$/, qr/^$/);
	says([qw(credit 1 rub -0.50 kopecks k1)], 0, qr/^-0\.50 rub, now 100\.00 \(key k1\)$/, qr/^$/);
	says([qw(credit 1 rub -0.50 kopecks k1)], 0, qr/^was done before: -0\.50 rub, now 100\.00/, qr/^$/, 'again');
	says([qw(credit 1 rub -0.51 kopecks k1)], 1, qr/^$/, qr/key adjust:k1 was used/);
	says([qw(credit 1 credit 7 gift)], 0, qr/^7 credit, now 7 /, qr/^$/);
	says([qw(credit 1 credit -8 gift)], 1, qr/^$/, qr/1 has 7 credit: nobody may go below 0/);
	says([qw(credit 2 rub 1 gift)], 1, qr/^$/, qr/nobody of that id/);
	says([qw(credit 1 usd 1 gift)], 64, qr/^$/, qr/usd: is not/);
	says(['credit', 1, 'rub', 1, ''], 64, qr/^$/, qr/why/);
	says(['credit', 1, 'rub', $_, 'x'], 64, qr/^$/, qr/is no amount of rub/)
		for '', '0', '-0.00', '1.5', '1.', '.50', '+1', '1e3', ' 1', '1,00', '--1', '10000000000.01', '9' x 30, '1.555';
	says(['credit', 1, 'credit', '1.50', 'x'], 64, qr/^$/, qr/is no amount of credit/);
	says([qw(statement 1)], 0, qr/\A.*\n\d+\t[\d: -]+\tfree\tgrant\t4\t4\t\t\t\n\d+\t.*\trub\tcorrection\t100\.50\t100\.50\t\t\tgift\n.*-0\.50\t100\.00\t\t\tkopecks\n.*\tcredit\tcorrection\t7\t7\t\t\tgift\n\z/, qr/^$/);
	says(['verify'], 0, qr/^every invariant holds$/, qr/^$/);
	says(['status', '--metrics'], 0, qr/^jobs\{status="pending"\} 0$/m, qr/^$/);
	says(['status'], 0, qr/^dispatcher away.*^chat +\? +\d+ +0 .*^jobs +0 wait, 0 under way\npayments +0 open, 0 put aside.*\nreconciled +never$/ms, qr/^$/);
	my $super = $pg->super;
	$super->do(q{UPDATE ledger.account SET balance = balance + 1 WHERE person_id = 1 AND unit = 'rub'});
	says(['verify'], 1, qr/^L1 .*\nL2 /, qr/2 invariants are broken/, 'a broken ledger');
	$super->do(q{UPDATE ledger.account SET balance = balance - 1 WHERE person_id = 1 AND unit = 'rub'});
};

subtest 'people, jobs and offers' => sub {
	my $source = $ENV{top_srcdir} // '.';
	spew("$dir/all.conf", 'DATABASE_URL=' . $pg->url . "\nTELEGRAM_SECRET_TOKEN=0123456789abcdef\nFAL_KEY=x\nCATALOG_FILE=$source/etc/catalog.json\n");
	$life->seen(4);
	my $job = $life->job(4);
	says([qw(user 4)], 0, qr/^free +3\njobs +1$/m, qr/^$/);
	says([qw(user 5)], 1, qr/^$/, qr/nobody of that id/);
	says([qw(user x)], 64, qr/^$/, qr/is no number of a person/);
	says(['job', $job], 0, qr/^offer +generate\.fast$/m, qr/^$/);
	says([qw(chargeback 77 10 bank-1)], 1, qr/^$/, qr/no such payment/);
	says([qw(chargeback 77 x bank-1)], 64, qr/^$/, qr/is no amount/);
	says([qw(payment 77)], 1, qr/^$/, qr/no such payment/);
	says(['ban', 4, 'спам'], 0, qr/^outcome +banned$/m, qr/^$/);
	is +($life->seen(4))[0]{gate}, 'banned', 'banned';
	says([qw(unban 4)], 0, qr/^outcome +unbanned$/m, qr/^$/);
	is $pg->value(q{SELECT string_agg(command || ':' || outcome, ' ' ORDER BY id) FROM store.audit WHERE actor = -1 AND command LIKE '%ban'}),
		'ban:banned unban:unbanned', 'on record as the operator\'s';
	my $offers = sub (@words) { return ctl('all', 'offers', @words) };
	like +($offers->())[1], qr/^generate\.standard +sold +10\.00 rub +0 credit +fal-ai/m, 'offers with their prices';
	is +($offers->(qw(generate.standard 12.50)))[0], 0, 'a price';
	is +($offers->(qw(generate.ideogram off)))[0], 0, 'one off';
	is +($offers->(qw(generate.imagen 11)))[0], 0, 'another price for one that is about to fail';
	$pg->do(q{INSERT INTO store.breaker (provider, model, why, until) VALUES ('fal', 'fal-ai/imagen4/preview', 'x', now() + interval '1 minute')});
	my $out = ($offers->())[1];
	like $out, qr/^generate\.standard +sold +12\.50 rub/m, 'is told';
	like $out, qr/^generate\.ideogram +off/m, 'so is what is off';
	like $out, qr/^generate\.imagen +stopped/m, 'and what keeps failing';
	is +($offers->($_->@*))[0], 64, "@$_: refused" for ['nothing', 'off'], ['generate.standard', '1', 'credit'], ['generate.standard', 'x'], ['generate.standard'];
	$pg->do('DELETE FROM store.breaker');
};

subtest 'export' => sub {
	mkdir "$dir/export";
	says(['export', "$dir/export"], 0, qr/users\.csv: \d+ rows\n.*credit_transactions\.csv: \d+ rows$/s, qr/^$/);
	my ($head, @rows) = split /\n/, slurp("$dir/export/users.csv");
	is $head, 'id,telegram_id,username,first_name,created_at,updated_at,free_operations_left,is_banned', 'the columns of the view';
	is scalar @rows, $pg->value('SELECT count(*) FROM store.person'), 'a line for each person';
	like slurp("$dir/export/ledger.csv"), qr/^\d+,1,credit,100\.50,rub,admin,/m, 'money with its decimals';
	is sprintf('%o', (stat "$dir/export/users.csv")[2] & 0777), '600', 'for nobody else';
	says(['export', "$dir/export"], 1, qr/^$/, qr/users\.csv: File exists/, 'nothing is written over');
	says(['export', "$dir/none"], 1, qr/^$/, qr/No such file/, 'a directory that is not there');
	says(['export', '-'], 64, qr/^$/, qr/export - VIEW/);
	says(['export', '-', 'people'], 64, qr/^$/, qr/no view people/);
	says(['export', '-', 'ledger'], 0, qr/\Aid,user_id,type,.*^\d+,1,credit,100\.50,rub,admin,/ms, qr/^$/);
	my $full = (run_command(['sh', '-c', "exec $ctl -c $dir/ctl.conf export - ledger >/dev/full"]))[2];
	like $full, qr/No space left/, 'a full disk is told';
};

# The fields of a CSV file; nothing is undef.
sub csv ($text) {
	my (@rows, @row);
	while ($text =~ /\G(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/gc) {
		my ($quoted, $plain, $end) = ($1, $2, $3);
		push @row, defined $quoted ? $quoted =~ s/""/"/gr : length $plain ? $plain : undef;
		push @rows, [splice @row] if $end ne ',';
	}
	is pos $text // 0, length $text, 'CSV to its end';
	return @rows;
}

subtest 'an export of one moment' => sub {
	$life->seen(41);
	$life->job(41);
	$pg->do('UPDATE store.person SET first_name = $1 WHERE id = 41', qq{=1+1,"a"\nb});
	my $lock = $pg->connect;
	$lock->do('BEGIN');
	$lock->do('LOCK TABLE store.job');
	mkdir "$dir/moment";
	my $pid = start_command([$ctl, '-c', "$dir/ctl.conf", 'export', "$dir/moment"], err => "$dir/moment.err");
	wait_until('it to wait', 20, sub { $pg->value(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'atelier_ctl' AND wait_event_type = 'Lock'}) });
	$lock->do(q{UPDATE store.job SET detail = 'later'});
	$lock->do('COMMIT');
	waitpid $pid, 0;
	is $?, 0, 'done' or diag slurp("$dir/moment.err");
	my %rows = map { my ($name) = m{([^/]+)\.csv$}; $name => [csv(slurp($_))] } glob "$dir/moment/*";
	for my $view (map { $_->[0] } $pg->table(q{SELECT relname FROM pg_class WHERE relnamespace = 'report'::regnamespace AND relkind = 'v' ORDER BY 1})->@*) {
		is_deeply $rows{$view}[0], [map { $_->[0] } $pg->table("SELECT attname FROM pg_attribute WHERE attrelid = 'report.$view'::regclass AND attnum > 0 ORDER BY attnum")->@*], "$view: columns";
	}
	is scalar $rows{jobs}->@*, 1 + $pg->value(q{SELECT count(*) FROM store.job WHERE detail = 'later'}), 'every job';
	is_deeply [grep { ($_->[7] // '') eq 'later' } $rows{jobs}->@*], [], 'as it was before';
	my ($user) = grep { $_->[0] eq '41' } $rows{users}->@*;
	is $user->[3], qq{'=1+1,"a"\nb}, 'a formula is text';
	like $user->[4], qr/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/, 'times are UTC';
};

subtest 'an adjustment of unknown fate' => sub {
	$life->seen(3);
	my $super = $pg->connect;
	$super->do('BEGIN');
	$super->do('LOCK TABLE ledger.transfer');
	my ($status, undef, $err) = ctl('ctl', qw(credit 3 rub 1 late));
	$super->do('COMMIT');
	my ($key) = $err =~ /with the key (ctl:[0-9a-f]{24}) it is not done twice/;
	ok $status == 1 && $key, 'names its key' or diag $err;
	says([qw(credit 3 rub 1 late), $key], 0, qr/^1\.00 rub, now 1\.00/, qr/^$/, 'with it, done');
	says([qw(credit 3 rub 1 late), $key], 0, qr/^was done before: 1\.00 rub, now 1\.00/, qr/^$/, 'once');
};

subtest 'webhook' => sub {
	my $answer = sub ($what, @report) {
		my $pid = fork // die;
		if ($pid == 0) {
			my $helper = Atelier::Life->new($pg);
			for (1 .. 500) {
				my ($task) = grep { $_->{kind} eq 'webhook' } $helper->claim('chat');
				select(undef, undef, undef, 0.02), next if !$task;
				$helper->tell($task, @report);
				last;
			}
			POSIX::_exit(0);
		}
		says(['webhook', $what->[0]], @$what[1 .. 3]);
		waitpid $pid, 0;
	};
	$answer->(['info', 0, qr/"url": "https:\/\/x"/, qr/^$/], 'done', result => {url => 'https://x'});
	my %hook = (url => 'https://x/telegram', pending_update_count => 7);
	my %error = (%hook, last_error_date => time);
	for ([{%hook, wanted => {url => 'https://x/telegram'}}, qr/all is well$/], [{url => ''}, qr/updates nowhere\n→ .*webhook set/],
		[{%hook, wanted => {url => 'https://y/telegram'}}, qr/go to https:\/\/x\/telegram, not to https:\/\/y\/telegram\n→ .*webhook set/],
		[{%error, last_error_message => 'SSL error {error:0A000086:SSL routines::certificate verify failed}'}, qr/does not trust our certificate \(".*", 7 updates wait\)\n→ .*fullchain/],
		[{%error, last_error_message => 'Wrong response from the webhook: 403 Forbidden'}, qr/our secret is not the one.*→ .*webhook set/s],
		[{%error, last_error_message => 'Wrong response from the webhook: 404 Not Found'}, qr/no place for \/telegram.*→ include/s],
		[{%error, last_error_message => 'Connection timed out'}, qr/too long.*→ is the port open/s],
		[{%error, last_error_message => 'Connection refused'}, qr/nobody listens.*→ is nginx running/s],
		[{%error, last_error_message => 'Connection refused', last_error_date => time - 7200}, qr/all is well/],
		[{%hook, pending_update_count => 500}, qr/500 updates wait.*→ .*RESPONDERS/s])
	{
		my ($info, $words) = @$_;
		$answer->(['info', 0, $words, qr/^$/], 'done', result => $info);
	}
	$answer->(['set', 0, qr/^webhook set: done$/, qr/^$/], 'done');
	$answer->(['delete', 1, qr/^$/, qr/webhook delete: ours no such bot/], 'refused', class => 'ours', text => 'no such bot');
};

$pg->do('UPDATE store.migration SET number = 7 WHERE number = 6');
says(['verify'], 1, qr/^$/, qr/schema 7, this program knows 6/, 'another schema');
done_testing;
