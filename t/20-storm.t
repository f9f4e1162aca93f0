#!/usr/bin/perl
# Everything at once against the database: people who order, dispatchers whose helpers do, fail, forget and
# lie, leases that run out. Then calm: every job has ended, nothing is broken, nobody waited for each other.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Test::More;
use Time::HiRes qw(time);

my $seed = $ENV{STORM_SEED} // int(time) % 100000;
my $seconds = $ENV{STORM_SECONDS} // 6;
note "STORM_SEED=$seed STORM_SECONDS=$seconds";
my $pg = Atelier::Pg->ready;
my @people = 1 .. 30;

sub pick { return $_[rand @_] }

# What deadlocks or is to be done again is counted; nothing else may go wrong.
sub attempt ($end, $db, $code) {
	eval { $code->(); $end->{ok}++; 1 } and return 1;
	$end->{$db->state || $@}++;
	$db->rollback unless $db->{AutoCommit};
	return 0;
}

# A responder: turns of a few people each, one transaction a turn.
sub responder ($life, $db, $i, $stop, $end) {
	my $update = $i * 1_000_000;
	while (time < $stop) {
		# Chats are told things one after another: no more than they can hear.
		select(undef, undef, undef, 0.05), next
			if $db->selectrow_array(q{SELECT count(*) FROM store.task WHERE lane = 'chat' AND state = 'ready'}) > 150;
		my %turn = map { pick(@people) => 1 } 1 .. 1 + rand 6;
		my @turn = sort { $a <=> $b } keys %turn;
		attempt($end, $db, sub {
			$db->begin_work;
			$life->seen([sort { rand() <=> 0.5 } @turn], updates => [map { ++$update } @turn], free => 1000);
			for my $person (@turn) {
				# An offer of its own: one whose model is gone is not sold any more.
				my $quote = $life->quote($person, offer => "generate.o$update-$person", unit => pick('free', 'free', 'rub'),
					input => {prompt => pick('a', 'b')}, deadline_s => pick(2, 600, 600, 600));
				$life->order($person, $quote, pick(undef, 5), 5);
				$life->call(responder => 'SELECT responder.quote_cancel(?, ?, 5)', $person, $quote) if rand() < 0.1;
			}
			$db->commit;
		});
	}
	return;
}

my @outcomes = (('done') x 12, qw(later later failed refused unknown unknown forget dance));
my @classes = (undef, qw(rate busy policy ours unreachable gone markup empty));

# What a helper says of a task, right or wrong.
sub report_of ($life, $task, $i) {
	my $outcome = pick(@outcomes);
	my $result = $task->{lane} || $task->{kind} =~ /^(say|edit|photo)$/ ? $life->sent($task) : $life->answer($task);
	$result = {state => 'running', all => undef} if $outcome eq 'later';
	$result = pick({}, {files => 'x'}, {message_id => 'x'}, {request_id => pick('same', "$i.$task->{id}")})
		if rand() < 0.05;
	return [$task, $outcome, {class => scalar pick(@classes), text => 'storm', retry_ms => pick(0, 1, 20),
		result => $result}];
}

# A dispatcher: claims, reports some in batches, forgets some, reports some twice, abandons some.
sub dispatcher ($life, $db, $i, $stop, $end) {
	my @held;
	while (time < $stop) {
		for my $lane (qw(media chat)) {
			attempt($end, $db, sub { push @held, $life->claim($lane, 1 + int rand 12, pick(1, 30)) });
		}
		my @reports = map { report_of($life, $_, $i) } splice @held, 0, 1 + int rand 12;
		my @gone = grep { $_->[1] eq 'forget' } @reports;
		@reports = grep { $_->[1] ne 'forget' } @reports;
		attempt($end, $db, sub { $life->report(@reports) }) if @reports;
		attempt($end, $db, sub { $life->report($reports[0]) }) if @reports && rand() < 0.2;
		attempt($end, $db, sub { $life->call(dispatcher => 'SELECT dispatcher.abandon(?, ?, 1)',
			[map { $_->[0]{id} } @gone], [map { $_->[0]{fence} } @gone]) }) if @gone && rand() < 0.5;
		attempt($end, $db, sub { $life->call(dispatcher => 'SELECT * FROM dispatcher.beat(?, ?, 30)',
			[map { $_->{id} } @held], [map { $_->{fence} } @held]) }) if @held && rand() < 0.3;
	}
	return;
}

# Time made short, reaping, and corrections by an operator.
sub warden ($life, $db, $i, $stop, $end) {
	my $key = 0;
	while (time < $stop) {
		attempt($end, $db, sub { $life->call(dispatcher => 'SELECT dispatcher.reap(1)') });
		attempt($end, $db, sub { $db->do(q{SELECT ctl.adjust(?, 'rub', ?, 1, 'storm', ?)}, undef, pick(@people),
			pick(5, 50, -3), "$i-" . ++$key) });
		attempt($end, $db, sub { $db->do(q{UPDATE store.chat SET next_at = now() WHERE id IN
			(SELECT id FROM store.chat WHERE next_at > now() ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)}) });
		attempt($end, $db, sub { $db->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE id IN
			(SELECT id FROM store.task WHERE state = 'leased' AND random() < 0.05 ORDER BY id
			FOR NO KEY UPDATE SKIP LOCKED)}) });
	}
	return;
}

my $life = Atelier::Life->new($pg);
$life->seen(\@people, free => 1000);
$life->give($_, 'rub', 100) for @people;
my $stop = time + $seconds;
my @got = $pg->at_once(7, 'postgres', sub ($i, $db) {
	srand $seed + $i;
	my $own = bless {pg => $pg, responder => $db, dispatcher => $db, unknown_s => 1, message => $i * 1e6},
		'Atelier::Life';
	my %end;
	$i < 3 ? responder($own, $db, $i + 1, $stop, \%end) : $i < 6 ? dispatcher($own, $db, $i, $stop, \%end)
		: warden($own, $db, $i, $stop, \%end);
	return \%end;
});
my %sum;
for my $one (@got) {
	$sum{$_} += $one->{$_} for keys %$one;
}
note explain \%sum, {map { $_->{state} => $_->{n} } $pg->rows(
	q{SELECT status || ' ' || coalesce(reason::text, step::text) AS state, count(*) AS n FROM store.job GROUP BY 1})};
is_deeply [sort keys %sum], ['ok'], 'nothing was refused, nobody waited in a circle' or diag explain \%sum;
is_deeply [$pg->broken], [], 'nothing is broken in the storm';

note 'open: ', $pg->value(q{SELECT count(*) FROM store.task WHERE state IN ('ready', 'leased')});
my $begin = time;
# Calm: the helpers are good now.
my $calm = time + 60;
while (time < $calm && $pg->value(q{SELECT count(*) FROM store.task WHERE state IN ('ready', 'leased')})) {
	$pg->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE state = 'leased'});
	$life->call(dispatcher => 'SELECT dispatcher.reap(1)');
	$life->due;
	for my $lane (qw(media chat)) {
		my @tasks = $life->claim($lane, 64) or next;
		$life->report(map { [$_, 'done', {result => $lane eq 'chat' ? $life->sent($_) : $life->answer($_)}] } @tasks);
	}
}
note sprintf 'calm after %.1f s', time - $begin;
is $pg->value(q{SELECT count(*) FROM store.task WHERE state IN ('ready', 'leased')}), 0, 'no task is left';
is $pg->value(q{SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')}), 0, 'every job has ended';
cmp_ok $pg->value('SELECT count(*) FROM store.job'), '>', 100, 'and there were many';
is $pg->value(q{SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE role = 'held'}), 0, 'nothing is held';
is_deeply [$pg->broken], [], 'nothing is broken after it';
unlike $pg->log, qr/deadlock/, 'no deadlock';
done_testing;
