#!/usr/bin/perl
# Updates taken: each once, a person's in order, the rate limit, and what is written with them.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my $open = 'SELECT * FROM responder.update_open(?, ?, ?, ?, ?, ?, ?)';

sub person ($id) { return ($pg->rows('SELECT * FROM store.person WHERE id = ?', $id))[0] }

subtest 'the first sight' => sub {
	my ($one, $two) = $life->seen([12, 11], updates => [1, 2], names => ['Ann', 'Боб'],
		usernames => ['ann', undef], langs => ['en', 'ru']);
	is_deeply $one, {n => 1, fresh => 1, new_person => 1, gate => 'ok', lang => 'en', free => 4, credit => 0,
		rub => 0, free_granted => 4, dialog => '{}', terms => 0, offers => undef, ban_reason => undef}, 'of one';
	is_deeply [@$two{qw(n fresh new_person lang)}], [2, 1, 1, 'ru'], 'and the other, in the order given';
	is join('|', map { $_ // '-' } @{person(12)}{qw(first_name username lang)}), 'Ann|ann|en', 'kept';
	($one) = $life->seen(13, free => 0);
	is "@$one{qw(new_person free free_granted)}", '1 0 0', 'a grant of none';
};

subtest 'the next ones' => sub {
	my ($again, $next) = $life->seen([11, 12], updates => [2, 3], langs => ['en', 'ru']);
	is_deeply [@$again{qw(fresh new_person lang dialog)}], [0, 0, undef, undef], 'a repeated one is not fresh';
	is person(11)->{lang}, 'ru', 'and changes nothing';
	is_deeply [@$next{qw(fresh new_person lang free)}], [1, 0, 'ru', 4], 'the other one goes on';
	($again) = $life->seen(11, updates => [1]);
	is $again->{fresh}, 0, 'an update is one, whoever it is said to be from';
	$pg->do(q{UPDATE store.person SET lang_chosen = true, unreachable_at = now(),
		seen_at = now() - interval '1 hour' WHERE id = 12});
	($next) = $life->seen(12, langs => ['en'], names => ['Anna']);
	is $next->{lang}, 'ru', 'a language that was chosen stays';
	my $person = person(12);
	is $person->{first_name}, 'Anna', 'a new name';
	is $person->{unreachable_at}, undef, 'reachable again';
	is $pg->value(q{SELECT seen_at > now() - interval '1 minute' FROM store.person WHERE id = 12}), 1, 'seen';
	my $seen = person(12)->{seen_at};
	$life->seen(12, langs => [undef]);
	is person(12)->{seen_at}, $seen, 'written once a minute';
	$pg->do(q{UPDATE store.person SET banned_at = now() WHERE id = 13});
	is(($life->seen(13))[0]{gate}, 'banned', 'a banned one');
};

subtest 'dialog and outbox' => sub {
	$life->call(responder => 'SELECT responder.dialog_set(?, ?::jsonb[])', [11, 12],
		['{"at": "prompt", "text": "a \"quoted\" \\\\ кот"}', '{}']);
	is(($life->seen(11))[0]{dialog}, '{"at": "prompt", "text": "a \"quoted\" \\\\ кот"}', 'a dialog is kept');
	for (1, 2) {
		$life->call(responder => 'SELECT responder.say(?, ?, ?, ?::jsonb[], ?)', [11, 11, 12],
			[qw(say edit say)], [undef, 5, undef], [map { qq({"notice": "$_", "args": {}}) } qw(a b c)],
			[undef, undef, 'once']);
	}
	my @tasks = $pg->rows(q{SELECT * FROM store.task ORDER BY id});
	is_deeply [map { join ' ', $_->{chat_id}, $_->{kind}, $_->{message_id} // '-' } @tasks],
		['11 say -', '11 edit 5', '12 say -', '11 say -', '11 edit 5'], 'in order, a dedup key once';
	$life->call(responder => 'SELECT responder.update_park(?, ?, ?, ?)', 5, '22P02', 'strange', $_)
		for undef, 'body';
	is $pg->value('SELECT count(*) FROM store.parked'), 1, 'a parked update';
	$life->call(responder => 'SELECT responder.unreachable_set(?, ?)', 11, 't');
	ok person(11)->{unreachable_at}, 'blocked';
};

subtest 'the rate limit' => sub {
	my @gates = map { ($life->seen(20, rate => 7))[0]{gate} } 1 .. 10;
	is "@gates", ('ok ' x 7) . 'limited limited_told limited_told', 'seven at once, one notice';
	is((map { $_->{gate} } $life->seen([21], rate => 7))[0], 'ok', 'each for himself');
	$pg->do(q{UPDATE store.person SET rate_at = rate_at - interval '10 seconds' WHERE id = 20});
	@gates = map { ($life->seen(20, rate => 7))[0]{gate} } 1 .. 3;
	is "@gates", 'ok limited limited_told', 'after a while one more, and the notice again';
	my @parallel = $pg->at_once(20, 'atelier_responder', sub ($i, $db) {
		return [map { $db->selectrow_hashref($open, undef, [9000 + $i * 10 + $_], [22], ['X'], [undef], ['ru'], 4,
			10)->{gate} } 1 .. 5];
	});
	my %count;
	$count{$_}++ for map { @$_ } @parallel;
	is_deeply \%count, {ok => 10, limited => 1, limited_told => 89}, 'also in parallel, and told once';
};

subtest 'one update fifty times at once' => sub {
	my @got = $pg->at_once(50, 'atelier_responder', sub ($i, $db) {
		$db->begin_work;
		my $row = $db->selectrow_hashref($open, undef, [777], [30], ['X'], [undef], ['ru'], 4, 1000);
		$db->do('SELECT responder.say(?, ?, ?, ?::jsonb[], ?)', undef, [30], ['say'], [undef],
			['{"notice": "x"}'], [undef]) if $row->{fresh};
		$db->commit;
		return $row->{fresh};
	});
	is scalar(grep { $_ } @got), 1, 'one is fresh';
	is $pg->value('SELECT count(*) FROM store.task WHERE chat_id = 30'), 1, 'one effect';
	is $pg->value('SELECT count(*) FROM store.update WHERE id = 777'), 1, 'one row';
};

subtest 'an update whose first copy came to nothing' => sub {
	my $db = $pg->connect('atelier_responder');
	$db->begin_work;
	$db->selectrow_hashref($open, undef, [778], [30], ['X'], [undef], ['ru'], 4, 1000);
	$db->rollback;
	is(($life->seen(30, updates => [778]))[0]{fresh}, 1, 'is fresh when it is sent again');
};

subtest 'first sights race' => sub {
	my @got = $pg->at_once(40, 'atelier_responder', sub ($i, $db) {
		return $db->selectrow_hashref($open, undef, [5000 + $i], [31], ['X'], [undef], ['ru'], 4, 1000);
	});
	is scalar(grep { $_->{new_person} } @got), 1, 'one is the first';
	is scalar(grep { $_->{free} == 4 } @got), 40, 'all see the grant';
	is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE person_id = 31}), 1, 'there is one';
};

subtest 'two updates of one person are in order' => sub {
	my ($first, $second) = map { $pg->connect('atelier_responder') } 1, 2;
	$life->seen(32);
	$first->begin_work;
	$first->selectrow_hashref($open, undef, [6001], [32], ['X'], [undef], ['ru'], 4, 1000);
	my $pid = fork // die;
	if ($pid == 0) { # the second one: waits, and sees the dialog that the first one leaves
		my $db = $pg->connect('atelier_responder');
		my $row = $db->selectrow_hashref($open, undef, [6002], [32], ['X'], [undef], ['ru'], 4, 1000);
		POSIX::_exit($row->{dialog} eq '{"n": 1}' ? 0 : 1);
	}
	my $waits = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'atelier'};
	my $end = time + 20;
	1 until $pg->value($waits) || time > $end;
	$first->do('SELECT responder.dialog_set(?, ?::jsonb[])', undef, [32], ['{"n": 1}']);
	$first->commit;
	waitpid $pid, 0;
	is $?, 0, 'the second one waits for the first';
};

# Turns over the same people in any order, with grants, holds and corrections: nothing crosses.
subtest 'no turns cross' => sub {
	my @people = (100 .. 140);
	my @got = $pg->at_once(8, 'postgres', sub ($i, $db) {
		srand $i;
		my %end;
		for my $turn (1 .. 12) {
			my %pick = map { $people[rand @people] => 1 } 1 .. 10;
			my @pick = sort { rand() <=> 0.5 } keys %pick;
			eval {
				$db->begin_work;
				$db->selectall_arrayref($open, undef, [map { 20000 + $i * 1000 + $turn * 20 + $_ } 1 .. @pick],
					\@pick, [map { 'X' } @pick], [map { undef } @pick], [map { 'ru' } @pick], 40, 10000);
				for my $person (sort { $a <=> $b } @pick) {
					my ($quote) = $db->selectrow_array('SELECT quote FROM responder.quote_open(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
						?, ?, ?)', undef, $person, 'o', 'm', 't', 'p', 'm', 'x', '', '[]', 0, '[]', '{}', 'free', 1, 60, '{}');
					$db->do('SELECT * FROM responder.job_order(?, ?, 1, 1000)', undef, $person, $quote);
				}
				$db->commit;
				$db->do(q{SELECT ctl.adjust(?, 'free', 1, 1, 'x', ?)}, undef, $pick[0], "c$i-$turn");
				$end{ok}++;
				1;
			} or do { $end{$db->state}++; $db->rollback unless $db->{AutoCommit} };
		}
		return \%end;
	});
	is_deeply [map { join ' ', %$_ } @got], [('ok 12') x 8], 'every turn is committed';
};

is_deeply [$pg->broken], [], 'nothing is broken';
unlike $pg->log, qr/deadlock/, 'no deadlock';

subtest 'purge' => sub {
	$pg->do(q{UPDATE store.update SET at = now() - interval '4 days' WHERE id < 6000});
	my $old = $pg->value('SELECT count(*) FROM store.update WHERE id < 6000');
	$pg->do(q{UPDATE store.task SET state = 'done', done_at = now() - interval '2 days' WHERE lane = 'chat'});
	my $ended = $pg->value(q{SELECT count(*) FROM store.task WHERE state = 'done'});
	my $gone = 0;
	for (1 .. 10) {
		my ($row) = $life->call(dispatcher => 'SELECT dispatcher.purge() AS n');
		$gone += $row->{n};
	}
	is $gone, $old + $ended, 'what is old goes';
	is $pg->value('SELECT count(*) FROM store.update WHERE id < 6000'), 0, 'updates';
	cmp_ok $pg->value('SELECT count(*) FROM store.update'), '>', 0, 'the newer ones stay';
};
done_testing;
