#!/usr/bin/perl
# The real dispatcher between a real PostgreSQL and helpers of a page of Perl: leases, reports, deaths, hostility.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Dispatcher;
use Atelier::Pg;
use Atelier::Test qw(wait_until slurp alive);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

my $pg = Atelier::Pg->ready;
my $dispatcher = Atelier::Dispatcher->new(url => $pg->url);
my $begun = time;

# ---- Work in the database ----

$pg->do(q{INSERT INTO store.person (id) VALUES (101), (102), (103)});

# A task of the chat lane that needs neither person nor job.
sub add_webhook ($count = 1) {
	return map { $pg->value(q{SELECT store.task_add('webhook', '{"do": "info"}')}) } 1 .. $count;
}
sub add_say ($person) {
	return $pg->value(q{SELECT store.task_add('say', '{"notice": "help", "args": {}}', p_person => ?)}, $person);
}
# One of the media lane, without the whole job around it.
sub add_sweep () {
	return $pg->value(q{SELECT set_config('session_replication_role', 'replica', false)})
		&& $pg->value(q{INSERT INTO store.task (lane, kind, job_id, payload)
			VALUES ('media', 'sweep', 77, '{"job": 77}') RETURNING id});
}
sub row ($id) { return ($pg->rows('SELECT * FROM store.task WHERE id = ?', $id))[0] }
sub state_of ($id) { return row($id)->{state} }
# Everything that a helper could have changed.
sub all_tasks () {
	return join '|', map { join ',', map { $_ // '' } $_->@{qw(id state fence attempts memo error)} }
		$pg->rows('SELECT * FROM store.task ORDER BY id');
}
sub clean () {
	$pg->do('TRUNCATE store.task');
	$pg->do('TRUNCATE store.chat');
}
sub helper ($lane = 'chat', %option) { return Atelier::FakeHelper->new($dispatcher, $lane, %option) }

# ---- Birth ----

subtest 'birth' => sub {
	$dispatcher->start;
	ok $dispatcher->ready, 'it is ready once the database said hello';
	my $status = slurp('/proc/' . $dispatcher->pid . '/status');
	like $status, qr/^Seccomp:\s+2$/m, 'and has no way to the network';
	like $dispatcher->log, qr/event=database_up/, 'which it logs';
};

# ---- Leasing ----

subtest 'credit' => sub {
	my @ids = add_webhook(10);
	my $helper = helper(chat => credit => 3);
	my @tasks = $helper->tasks(3);
	is scalar @tasks, 3, 'as many tasks as credit';
	is_deeply [map { $_->{task} } @tasks], [@ids[0 .. 2]], 'the oldest first';
	is $tasks[0]{body}{kind}, 'webhook', 'with their kind';
	is_deeply $tasks[0]{body}{payload}, {do => 'info'}, 'and payload';
	is $tasks[0]{fence}, 1, 'under the first fence';
	$dispatcher->wake;
	ok $helper->settle, 'it answers';
	is $helper->count('TASK'), 0, 'no task without credit, however often it is woken';
	$helper->report($_) for @tasks;
	is scalar(grep { $helper->await('ACK') } 1 .. 3), 3, 'three reports, three ACKs';
	$helper->settle;
	is $helper->count('TASK'), 0, 'a report is no credit';
	$helper->credit(2);
	my @more = $helper->tasks(2);
	is_deeply [map { $_->{task} } @more], [@ids[3, 4]], 'two more for two credits';
	$helper->credit(100);
	push @more, $helper->tasks(5);
	is scalar @more, 7, 'and the rest';
	$helper->report($_) for @more;
	$helper->await('ACK') for @more;
	is $pg->value(q{SELECT count(*) FROM store.task WHERE state = 'done'}), 10, 'all are done';
	$helper->close;
};

subtest 'capacity and two helpers' => sub {
	clean();
	my $small = helper(chat => capacity => 2, credit => 50);
	my $large = helper(chat => capacity => 100, credit => 7);
	$small->settle;
	add_webhook(9);
	$dispatcher->wake;
	my @large = $large->tasks(7);
	my @small = $small->tasks(2);
	is scalar @large, 7, 'the one with most credit gets its fill';
	is scalar @small, 2, 'no one gets more than it can hold, whatever credit it claims';
	add_webhook(1);
	$dispatcher->wake;
	$_->settle for $small, $large;
	is $small->count('TASK') + $large->count('TASK'), 0, 'then both are full';
	$small->report($_) for @small;
	$large->report($_) for @large;
	$small->await('ACK') for @small;
	my ($last) = $small->tasks(1);
	ok $last, 'room again after a report';
	$small->report($last);
	$small->await('ACK');
	$_->close for $small, $large;
};

subtest 'order per chat' => sub {
	clean();
	my @ids = (add_say(101), add_say(101), add_say(102), add_say(101));
	my $helper = helper(chat => credit => 10);
	my @first = $helper->tasks(2);
	is_deeply [sort { $a <=> $b } map { $_->{task} } @first], [@ids[0, 2]], 'the oldest of each chat';
	$helper->settle;
	is $helper->count('TASK'), 0, 'no second one of a chat while the first is out';
	$helper->report($_) for @first;
	is $helper->tasks(1) && state_of($ids[1]), 'leased', 'the next after the report, at once';
	$helper->report({task => $ids[1], fence => 1});
	my ($last) = $helper->tasks(1);
	is $last->{task}, $ids[3], 'and the last';
	is $last->{body}{lang}, 'ru', 'with the language of the person';
	$helper->report($last);
	$helper->await('ACK') for 1 .. 4;
	$helper->close;
};

# ---- Reports ----

subtest 'ACK after the commit' => sub {
	clean();
	my ($id) = add_webhook();
	my $helper = helper(chat => credit => 5);
	my ($task) = $helper->tasks(1);
	my $other = $pg->connect;
	$other->begin_work;
	$other->do('SELECT 1 FROM store.task WHERE id = ? FOR UPDATE', undef, $id);
	$helper->report($task);
	ok wait_until('the report waits for a lock', 5, sub {
		$pg->value(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'atelier_dispatcher'
			AND wait_event_type = 'Lock'});
	}), 'the report waits in the database';
	is $helper->count('ACK'), 0, 'no ACK before the commit';
	$other->commit;
	ok $helper->await('ACK'), 'ACK after it';
	is state_of($id), 'done', 'and the task is done';
	$other->disconnect;
	$helper->close;
};

subtest 'stale and repeated reports' => sub {
	clean();
	my ($id, $next) = add_webhook(2);
	my $helper = helper(chat => credit => 1);
	my ($task) = $helper->tasks(1);
	$helper->report({task => $id, fence => 7}, outcome => 'refused', class => 'ours');
	is_deeply $helper->await('ACK'), {type => 'ACK', version => 1, task => $id, fence => 7, body => undef},
		'a report under another fence is acknowledged';
	is state_of($id), 'leased', 'and has no effect';
	$helper->report($task) for 1 .. 3;
	ok $helper->await('ACK'), 'a report told three times at once is acknowledged';
	$helper->settle;
	is state_of($id), 'done', 'and counts';
	my $before = all_tasks();
	$helper->report($task, outcome => 'failed');
	ok $helper->await('ACK'), 'and again later';
	is all_tasks(), $before, 'without effect';
	$helper->report({task => 8_000_000_000, fence => 1});
	ok $helper->await('ACK'), 'a report on a task that never was is acknowledged too';
	$helper->credit(1);
	is $helper->tasks(1) && state_of($next), 'leased', 'life goes on';
	$helper->report({task => $next, fence => 1});
	$helper->await('ACK');
	$helper->close;
};

subtest 'a report that the database refuses' => sub {
	clean();
	# A fault of ours in a function of the database, in one branch of many.
	$pg->do(q{CREATE OR REPLACE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN RAISE 'poisoned' USING ERRCODE = 'XX000'; END$$});
	$pg->do(q{CREATE TRIGGER poison BEFORE UPDATE ON store.task FOR EACH ROW
		WHEN (NEW.memo ? 'poison') EXECUTE FUNCTION public.poison()});
	my @ids = add_webhook(5);
	my $helper = helper(chat => credit => 5);
	my @tasks = $helper->tasks(5);
	my %result = (0 => '{}', 1 => '{"poison": 1}', 2 => '{"x": "a\u0000b"}', 3 => '{}', 4 => '{}');
	$helper->send('REPORT', $tasks[$_]{task}, 1, sprintf '{"task": %d, "fence": 1, "outcome": "done", '
		. '"class": "", "text": "told", "result": %s}', $tasks[$_]{task}, $result{$_}) for 0 .. 4;
	is scalar(grep { $helper->await('ACK') } 0 .. 4), 5, 'all are acknowledged';
	is_deeply [map { state_of($_) } @ids[0, 2 .. 4]], [('done') x 4], 'the others count';
	is $pg->value('SELECT memo FROM store.task WHERE id = ?', $ids[2]), '{"x": "a?b"}', 'NUL was replaced';
	my $row = row($ids[1]);
	is $row->{state}, 'ready', 'the bad one is to be done again, its fate being unknown';
	like $row->{error}, qr/^the database refused the report: XX000/, 'and says why';
	like $dispatcher->log, qr/event=report_refused task=$ids[1] .*poison/, 'it is in the log whole';
	$pg->do('DROP TRIGGER poison ON store.task');
	$helper->close;
};

# ---- Deaths ----

subtest 'a helper dies' => sub {
	clean();
	my @ids = map { add_say($_) } 101, 102, 103;
	my $child = Atelier::FakeHelper::process($dispatcher, 'chat', 10, 3, report_first => 1);
	is scalar $child->{tasks}->@*, 3, 'a process took three tasks and reported one';
	my $heir = helper(chat => credit => 10);
	ok wait_until('the report counts', 5, sub { state_of($child->{tasks}[0]{task}) eq 'done' }),
		'the report counts';
	my $death = time;
	kill KILL => $child->{pid};
	my @tasks = $heir->tasks(2);
	cmp_ok time - $death, '<', 2, 'the others are leased again at once';
	is_deeply [sort { $a <=> $b } map { $_->{task} } @tasks],
		[sort { $a <=> $b } map { $_->{task} } $child->{tasks}->@[1, 2]], 'these two';
	is_deeply [map { $_->{fence} } @tasks], [2, 2], 'under a new fence';
	is_deeply [map { $_->{body}{memo} } @tasks], [({unknown => 1}) x 2], 'of unknown fate';
	waitpid $child->{pid}, 0;
	like $dispatcher->log, qr/event=tasks_abandoned .*pid=$child->{pid} count=2/, 'the log tells';
	$heir->report($_) for @tasks;
	$heir->await('ACK') for @tasks;
	$heir->close;
};

subtest 'a helper dies with tasks unread, right after a report' => sub {
	clean();
	my @ids = map { add_say($_) } 101, 102, 103;
	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		POSIX::close($_) for grep { $_ != fileno $write } 3 .. 99;
		my $helper = helper(chat => credit => 3);
		my ($task) = $helper->tasks(1);
		IO::Select->new($helper->{socket})->can_read(5);
		kill STOP => $dispatcher->pid;
		$helper->report($task);
		syswrite $write, "$task->{task}\n";
		POSIX::_exit(0);
	}
	close $write;
	chomp(my $reported = <$read>);
	waitpid $pid, 0;
	kill CONT => $dispatcher->pid;
	ok wait_until('the report counts', 5, sub { state_of($reported) eq 'done' }),
		'the last words of a dead helper count';
	my $heir = helper(chat => credit => 10);
	is scalar(my @tasks = $heir->tasks(2)), 2, 'and what it never read is leased again';
	$heir->report($_) for @tasks;
	$heir->await('ACK') for @tasks;
	$heir->close;
};

subtest 'a living helper loses its connection' => sub {
	clean();
	my @ids = map { add_say($_) } 101, 102;
	my $other = helper(chat => credit => 0);
	my $helper = helper(chat => credit => 2);
	my @tasks = $helper->tasks(2);
	$helper->close;
	$other->credit(10);
	$other->settle;
	is $other->count('TASK'), 0, 'what it holds is not leased to others';
	$helper = helper(chat => credit => 0);
	$helper->beat(@tasks);
	$helper->settle;
	is $helper->count('CANCEL'), 0, 'it comes back and still holds what it held';
	$helper->report($_) for @tasks;
	is scalar(grep { $helper->await('ACK') } @tasks), 2, 'its reports are taken';
	is_deeply [map { row($_)->@{qw(state fence)} } @ids], [('done', 1) x 2], 'under the first fence';
	$_->close for $helper, $other;
};

subtest 'a lease runs out' => sub {
	clean();
	is $dispatcher->stop, 0, 'leases of three seconds';
	ok $dispatcher->start(LEASE_SECONDS => 3)->ready, 'from now on';
	my $mute = helper(chat => hello => 0);
	my $id = add_say(101);
	my $helper = helper(chat => credit => 1);
	my ($task) = $helper->tasks(1);
	my $heir = helper(chat => credit => 1);
	my $start = time;
	my $beaten = $start;
	while (time - $start < 6) {
		# As long as it beats, nobody gets it: longer than a lease and the time between two reapings.
		$helper->beat($task) if time - $beaten >= 0.3;
		$beaten = time if time - $beaten >= 0.3;
		last if $heir->await('TASK', 0.1);
	}
	is state_of($id), 'leased', 'a beaten lease lasts';
	is row($id)->{fence}, 1, 'under its fence';
	my ($again) = $heir->tasks(1, 12);
	is $again->{task}, $id, 'a lease that is not beaten is reaped, and the task leased again';
	is $again->{fence}, 2, 'under a new fence';
	ok $helper->closed, 'who holds tasks and gives no sign of life is shown out';
	$helper = helper(chat => credit => 0);
	$helper->beat($task);
	is_deeply [$helper->await('CANCEL')->@{qw(task fence)}], [$id, 1], 'BEAT of a lost lease: CANCEL';
	$helper->report($task, outcome => 'refused', class => 'ours');
	ok $helper->await('ACK'), 'its late report is acknowledged';
	is state_of($id), 'leased', 'and has no effect';
	$heir->beat($again);
	$heir->report($again);
	ok $heir->await('ACK'), 'the heir settles it';
	is state_of($id), 'done', 'for good';
	$_->close for $helper, $heir;
	ok $mute->closed, 'who never said HELLO is shown out as well';
};

subtest 'a helper leaves with work in hand' => sub {
	clean();
	my $id = add_say(101);
	my $helper = helper(chat => credit => 1);
	my ($task) = $helper->tasks(1);
	$helper->send('BYE');
	ok $helper->closed, 'BYE ends the connection';
	my $heir = helper(chat => credit => 1);
	my ($again) = $heir->tasks(1, 2);
	is_deeply [$again->@{qw(task fence)}], [$id, 2], 'what it could not finish is leased again at once';
	is_deeply $again->{body}{memo}, {unknown => 1}, 'its fate being unknown';
	$heir->report($again);
	$heir->await('ACK');
	$heir->close;
};

subtest 'the dispatcher is killed' => sub {
	clean();
	my @ids = map { add_say($_) } 101, 102, 103;
	my $helper = helper(chat => credit => 3);
	my @tasks = $helper->tasks(3);
	kill STOP => $dispatcher->pid;
	$helper->report($tasks[0]);
	$dispatcher->stop('KILL');
	ok $helper->closed, 'the connection breaks';
	$dispatcher->start;
	$helper = helper(chat => credit => 0);
	$helper->beat(@tasks);
	ok $dispatcher->ready, 'another takes its place';
	$helper->report($tasks[$_]) for 0, 1;
	$helper->report($tasks[0]);
	is scalar(grep { $helper->await('ACK') } 0, 1), 2, 'reports of before are taken';
	$helper->settle;
	is_deeply [map { row($_)->@{qw(state fence attempts)} } @ids[0, 1]], [('done', 1, 1) x 2], 'once each';
	is row($ids[2])->{state}, 'leased', 'a lease survives';
	is $helper->count('CANCEL'), 0, 'nothing is cancelled';
	$helper->report($tasks[2]);
	ok $helper->await('ACK'), 'and is settled in the end';
	$helper->close;
};

subtest 'PostgreSQL is killed' => sub {
	clean();
	my @ids = map { add_say($_) } 101, 102, 103;
	my $helper = helper(chat => credit => 3);
	my @tasks = $helper->tasks(3);
	my ($orphan) = add_webhook();
	my $backend = $pg->value(q{SELECT pid FROM pg_stat_activity WHERE usename = 'atelier_dispatcher'});
	my $child = Atelier::FakeHelper::process($dispatcher, 'chat', 1, 1);
	is $child->{tasks}[0]{task}, $orphan, 'a process of its own holds one more';
	$pg->kill9;
	kill KILL => $backend;
	$helper->report($tasks[0]);
	ok wait_until('it notices', 5, sub { $dispatcher->log =~ /event=database_refused call=report/ }),
		'a report meets no database';
	kill KILL => $child->{pid};
	waitpid $child->{pid}, 0;
	$helper->report($tasks[1]);
	ok wait_until('it notices', 5, sub { $dispatcher->log =~ /event=database_away/ }), 'the database is away';
	is $helper->count('ACK'), 0, 'no ACK without it';
	$helper->beat($tasks[2]);
	$pg->start;
	is scalar(grep { $helper->await('ACK') } 0, 1), 2, 'the reports are settled when it is back';
	is_deeply [map { row($_)->@{qw(state fence)} } @ids[0, 1]], [('done', 1) x 2], 'and nothing is lost';
	is row($ids[2])->{fence}, 1, 'a lease survives';
	$helper->report($tasks[2]);
	ok $helper->await('ACK'), 'and is settled';
	my $new = add_say(102);
	$helper->credit(2);
	my %next = map { ($_->{task} => $_->{fence}) } my @next = $helper->tasks(2);
	is_deeply \%next, {$new => 1, $orphan => 2}, 'new tasks come, and what the dead one held';
	$helper->report($_) for @next;
	$helper->await('ACK') for @next;
	$helper->close;
};

# ---- Hostility ----

subtest 'hostile frames' => sub {
	clean();
	my $id = add_say(101);
	my $sweep = add_sweep();
	my $honest = helper(chat => credit => 1);
	my $media = helper(media => credit => 1);
	my ($task) = $honest->tasks(1);
	my ($other) = $media->tasks(1);
	is $other->{task}, $sweep, 'each lane has its own tasks';
	my $before = all_tasks();
	my $body = sub (%with) {
		return JSON::PP->new->canonical->encode({task => $id, fence => 1, outcome => 'done', %with});
	};
	my $frame = \&Atelier::FakeHelper::frame;
	my $hello = pack 'N N N', 0, 10, $$;
	my @before_hello = (
		['an empty message', ''], ['one byte', 'x'], ['half a head', substr $frame->('HELLO'), 0, 8],
		['a head alone', $frame->('HELLO')], ['CREDIT before HELLO', $frame->('CREDIT', 0, 0, pack 'N', 5)],
		['REPORT before HELLO', $frame->('REPORT', $id, 1, $body->())],
		['BEAT before HELLO', $frame->('BEAT')], ['BYE before HELLO', $frame->('BYE')],
		['version 2', $frame->('HELLO', 0, 0, $hello, 2)], ['version 0', $frame->('HELLO', 0, 0, $hello, 0)],
		['a HELLO too long', $frame->('HELLO', 0, 0, $hello . 'x')],
		['a HELLO with a task', $frame->('HELLO', 1, 0, $hello)],
		['another lane', $frame->('HELLO', 0, 0, pack 'N N N', 2, 10, $$)],
		['no lane', $frame->('HELLO', 0, 0, pack 'N N N', 3, 10, $$)],
		['no capacity', $frame->('HELLO', 0, 0, pack 'N N N', 0, 0, $$)],
		['too much capacity', $frame->('HELLO', 0, 0, pack 'N N N', 0, 4097, $$)],
		["somebody else's pid", $frame->('HELLO', 0, 0, pack 'N N N', 0, 10, 1)],
	);
	my @after_hello = (
		['HELLO again', $frame->('HELLO', 0, 0, $hello)], ['type 0', $frame->(0)], ['type 9', $frame->(9)],
		['TASK', $frame->('TASK', $id, 1, $body->())], ['CANCEL', $frame->('CANCEL', $id, 1)],
		['ACK', $frame->('ACK', $id, 1)], ['a CREDIT too short', $frame->('CREDIT', 0, 0, 'abc')],
		['too much credit', $frame->('CREDIT', 0, 0, pack 'N', 4097)],
		['a REPORT without task', $frame->('REPORT', 0, 1, $body->())],
		['a REPORT without fence', $frame->('REPORT', $id, 0, $body->())],
		['a REPORT of a huge task', $frame->('REPORT', 1 << 63, 1, $body->())],
		['a REPORT of nothing', $frame->('REPORT', $id, 1)],
		['a REPORT that is no JSON', $frame->('REPORT', $id, 1, '{"task": ')],
		['a REPORT of an array', $frame->('REPORT', $id, 1, '[1, 2]')],
		['a REPORT nested deeply', $frame->('REPORT', $id, 1, '[' x 30000 . ']' x 30000)],
		['a REPORT of two tasks', $frame->('REPORT', $id, 1, $body->(task => $sweep))],
		['a REPORT of two fences', $frame->('REPORT', $id, 1, $body->(fence => 2))],
		['an outcome that is none', $frame->('REPORT', $id, 1, $body->(outcome => 'paid'))],
		['a class that is none', $frame->('REPORT', $id, 1, $body->(class => 'rich'))],
		['a result that is no object', $frame->('REPORT', $id, 1, $body->(result => [1]))],
		['a frame too long', $frame->('REPORT', $id, 1, $body->(text => 'x' x 65536))],
		['a BEAT cut', $frame->('BEAT', 0, 0, 'x' x 13)],
		['a BEAT of task 0', $frame->('BEAT', 0, 0, pack 'Q> N', 0, 1)],
		['a BYE with a body', $frame->('BYE', 0, 0, 'x')],
	);
	for (@before_hello, @after_hello) {
		my ($what, $bytes) = @$_;
		my $after = grep { $_->[0] eq $what } @after_hello;
		my $hostile = helper(chat => hello => $after);
		$hostile->raw($bytes);
		ok $hostile->closed(5), "$what: closed";
	}
	is all_tasks(), $before, 'nothing has changed';
	# From a process of its own: in one process it would be the same helper come back.
	for (['a REPORT on what another holds', 'report'], ['a BEAT of it', 'beat']) {
		my ($what, $call) = @$_;
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			my $hostile = helper(chat => credit => 0);
			$hostile->$call($_) for $other;
			POSIX::_exit($hostile->closed(5) ? 0 : 1);
		}
		waitpid $pid, 0;
		is $?, 0, "$what: closed";
	}
	is all_tasks(), $before, 'nothing has changed';
	$honest->report($task);
	$media->report($other);
	ok $honest->await('ACK') && $media->await('ACK'), 'the honest ones go on';
	ok alive($dispatcher->pid), 'and so does the dispatcher';
	$_->close for $honest, $media;
};

# ---- The way out ----

subtest 'drained' => sub {
	clean();
	my @ids = add_webhook(3);
	my $helper = helper(chat => credit => 2);
	my @tasks = $helper->tasks(2);
	$helper->credit(5);
	push @tasks, $helper->tasks(1);
	my $lock = $pg->connect;
	$lock->begin_work;
	$lock->do('SELECT 1 FROM store.task WHERE id = ? FOR UPDATE', undef, $ids[0]);
	$helper->report($tasks[0]);
	my $start = time;
	delete $dispatcher->{lifeline};
	is $dispatcher->ended(0.3), undef, 'it does not leave with a report in hand';
	$lock->commit;
	$lock->disconnect;
	is $dispatcher->ended(5), 0, 'and leaves well when that is settled';
	ok $helper->await('ACK'), 'and acknowledged';
	is_deeply [map { state_of($_) } @ids], [qw(done leased leased)], 'what is out stays leased';
	ok $helper->closed, 'helpers are on their own';

	$dispatcher->start;
	$helper = helper(chat => credit => 0);
	$helper->beat(@tasks[1, 2]);
	ok $dispatcher->ready, 'the next one';
	$helper->settle;
	delete $dispatcher->{lifeline};
	add_webhook();
	$dispatcher->wake;
	is $dispatcher->ended(0.8), undef, 'waits for helpers that are being drained too';
	$pg->kill9;
	$helper->report($_) for @tasks[1, 2];
	is $dispatcher->ended(0.8), undef, 'and for the database when it has reports';
	$pg->start;
	is scalar(grep { $helper->await('ACK') } 1, 2), 2, 'and takes their reports';
	$helper->send('BYE');
	is $dispatcher->ended(5), 0, 'then leaves';
	is $helper->count('TASK'), 0, 'without giving out anything new';
};

subtest 'pace of the chat lane' => sub {
	clean();
	add_webhook(13);
	$dispatcher->start(CHAT_PER_SECOND => 5);
	ok $dispatcher->ready, 'five a second';
	my $helper = helper(chat => credit => 50);
	my @tasks = $helper->tasks(5);
	my $first = time;
	push @tasks, $helper->tasks(8);
	my $took = time - $first;
	is scalar @tasks, 13, 'all come';
	ok $took > 1.2 && $took < 4, sprintf 'eight after the first five take about 1.6 s: %.1f', $took;
	$helper->report($_) for @tasks;
	$helper->await('ACK') for @tasks;
	$helper->close;
	is $dispatcher->stop, 0, 'it leaves';
};

subtest 'a database we do not know' => sub {
	$pg->do(q{INSERT INTO store.migration (number, name, sha256) VALUES (9999, 'later', repeat('0', 64))});
	$dispatcher->start;
	ok !$dispatcher->ready(0.5), 'not ready with another schema';
	like $dispatcher->log, qr/schema 9999/, 'and says so';
	is $dispatcher->stop, 0, 'it leaves when told';
	$pg->do('DELETE FROM store.migration WHERE number = 9999');
};

unlike $dispatcher->log, qr/fault|runtime error|Sanitizer/, 'no fault in the log';
cmp_ok time - $begun, '<', 60, 'within a minute';
done_testing;
