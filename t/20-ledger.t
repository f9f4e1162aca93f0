#!/usr/bin/perl
# The ledger: one effect for each fact, never below zero, never changed; and what watches over it sees.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Test::More;

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my $super = $pg->super;
$super->do('SET client_min_messages = warning');

# The SQLSTATE a statement of the superuser ends with; '' when it succeeds (and is undone).
sub state_of ($sql, @bind) {
	$super->begin_work;
	my $state = eval { $super->do($sql, undef, @bind); '' } // $super->state;
	$super->rollback;
	return $state;
}

sub post ($key, $kind, $unit, $amount, $person, $from, $to) {
	return ('SELECT ledger.post(?, ?, ?, ?, ?, ?, ?)', $key, $kind, $unit, $amount, $person, $from, $to);
}

subtest 'one key, one transfer' => sub {
	$life->seen(1);
	is $life->purse(1)->{free}, 4, 'first sight grants';
	is $life->give(1, 'rub', 5000, 'a')->{outcome}, 'done', 'given';
	is $life->give(1, 'rub', 5000, 'a')->{outcome}, 'again', 'the same again';
	is $life->purse(1)->{rub}, 5000, 'has one effect';
	ok !eval { $life->give(1, 'rub', 5001, 'a'); 1 }, 'another amount under the key';
	is $super->state, 'P0409', 'is an error';
	ok !eval { $life->give(1, 'rub', -5000, 'a'); 1 }, 'the other direction too';
	is $super->state, 'P0409', 'of that kind';
	is $life->give(1, 'rub', -5001)->{outcome}, 'short', 'below zero is refused as a value';
	is $life->give(1, 'credit', -1)->{outcome}, 'short', 'also without an account';
	is $life->give(99, 'rub', 1)->{outcome}, 'nobody', 'nobody is nobody';
	is state_of(post('x:1', 'correction', 'rub', 5001, 1, 'available', 'issue')), '23514',
		'and the floor holds when nobody looked';
	is state_of(post('x:2', 'correction', 'rub', 0, 1, 'issue', 'available')), '23514', 'nothing is no amount';
	is state_of(post('x:3', 'correction', 'rub', -5, 1, 'issue', 'available')), '23514', 'nor is less';
};

subtest 'the life of a hold' => sub {
	my $job = $life->job(1, unit => 'rub', amount => 1000);
	is $life->purse(1)->{rub}, 4000, 'held';
	my ($hold) = $pg->rows(q{SELECT * FROM ledger.transfer WHERE kind = 'hold' AND job_id = ?}, $job);
	is $pg->value('SELECT ledger.hold(1, ?, ?, ?)', 'rub', 1000, $job), $hold->{id}, 'held once';
	is state_of('SELECT ledger.hold(1, ?, ?, ?)', 'rub', 999, $job), 'P0409', 'never another amount';
	is $pg->value('SELECT ledger.hold(1, ?, ?, ?)', 'rub', 4001, 777), undef, 'not enough is NULL';
	is $pg->value('SELECT ledger.hold(99, ?, ?, ?)', 'rub', 1, 777), undef, 'nobody has nothing';
	is state_of('SELECT ledger.take(777)'), 'P0410', 'no hold, no take';
	for my $bad (
		['another amount', 'take', 'rub', 999, 1, 'held', 'sales', $hold->{id}],
		['another person', 'take', 'rub', 1000, 2, 'held', 'sales', $hold->{id}],
		['another unit', 'take', 'credit', 1000, 1, 'held', 'spent', $hold->{id}],
		['out of the purse', 'take', 'rub', 1000, 1, 'available', 'sales', $hold->{id}],
		['release elsewhere', 'release', 'rub', 1000, 1, 'held', 'sales', $hold->{id}],
		['what is no hold', 'take', 'rub', 5000, 1, 'held', 'sales', $hold->{id} - 1],
	) {
		my ($name, @args) = @$bad;
		is state_of('SELECT ledger.post(?, ?, ?, ?, ?, ?, ?, ?, ?)', 'settle:bad', @args, $job), 'P0410',
			"bad resolve: $name";
	}
	$life->lead($job, 'photo');
	my ($photo) = map { +{%$_} } $pg->rows(q{SELECT id, fence FROM store.task WHERE kind = 'photo' AND job_id = ?},
		$job);
	is $life->tell($photo, 'done', result => {message_id => 5, file_id => 'F'}), 'ok', 'delivered';
	is $pg->value(q{SELECT sum(balance) FROM ledger.account WHERE role = 'sales' AND unit = 'rub'}), 1000,
		'roubles are sold';
	is state_of('SELECT ledger.release(?, NULL)', $job), 'P0409', 'what is taken is not released';
	is state_of('SELECT ledger.take(?)', $job), '', 'taken again is taken once';
	is $life->purse(1)->{rub}, 4000, 'and costs once';
};

subtest 'what is written stays' => sub {
	my ($id) = $pg->value('SELECT max(id) FROM ledger.transfer');
	my $unchanged = sub { join ' ', $super->selectrow_array(
		'SELECT count(*), sum(amount), sum(id) FROM ledger.transfer') };
	my $before = $unchanged->();
	for my $sql (
		'UPDATE ledger.transfer SET amount = amount + 1',
		"UPDATE ledger.transfer SET note = 'x' WHERE id = $id",
		"DELETE FROM ledger.transfer WHERE id = $id",
		'TRUNCATE ledger.transfer CASCADE', 'TRUNCATE ledger.account CASCADE',
		'DELETE FROM ledger.account WHERE person_id IS NULL',
		"INSERT INTO ledger.transfer SELECT * FROM ledger.transfer WHERE id = $id "
			. 'ON CONFLICT (id) DO UPDATE SET amount = 1',
		"MERGE INTO ledger.transfer t USING (SELECT $id AS id) s ON t.id = s.id "
			. 'WHEN MATCHED THEN DELETE',
	) {
		for my $as ('the superuser', 'a replica', 'the owner') {
			$super->do('SET session_replication_role = replica') if $as eq 'a replica';
			$super->do('SET ROLE atelier_owner') if $as eq 'the owner';
			my $state = state_of($sql);
			$super->do('RESET ROLE');
			$super->do('SET session_replication_role = DEFAULT');
			like $state, qr/^(P0403|428C9)$/, "$as: $sql";
		}
	}
	is $unchanged->(), $before, 'nothing has changed';
};

# Beside the functions' own checks the schema itself refuses; its rows are written here as none would.
subtest 'what the schema refuses' => sub {
	my $copy = sub (%change) {
		my @columns = qw(key debit credit unit kind amount resolves d_after d_version c_after c_version person_id
			job_id);
		return 'INSERT INTO ledger.transfer (' . join(', ', @columns) . ') SELECT '
			. join(', ', map { $change{$_} // $_ } @columns) . q{ FROM ledger.transfer WHERE kind = 'take'};
	};
	my %new = (key => q{'x:4'}, d_version => 'd_version + 1', c_version => 'c_version + 1');
	is state_of($copy->(%new)), '23505', 'a second settlement of a hold';
	is state_of($copy->(%new, resolves => 'NULL')), '23514', 'a take of no hold';
	%new = (%new, kind => q{'correction'}, resolves => 'NULL', job_id => 'NULL');
	is state_of($copy->(%new)), '', 'where the rest would do';
	is state_of($copy->(%new, key => 'key')), '23505', 'a key twice';
	is state_of($copy->(%new, d_version => 'd_version')), '23505', 'a version of an account twice';
	is state_of($copy->(%new, unit => q{'usd'})), '23503', 'a unit that is not the account\'s';
	is state_of($copy->(%new, credit => 'debit')), '23514', 'to itself';
	is state_of($copy->(%new, amount => '0')), '23514', 'nothing';
	is state_of(q{UPDATE ledger.account SET balance = -1 WHERE person_id = 1}), '23514', 'less than nothing';
	is state_of(q{UPDATE ledger.account SET floor = NULL WHERE person_id = 1}), '23514', 'a person without a floor';
};

subtest 'a hundred starts, money for one' => sub {
	$life->seen(2, free => 0);
	$life->give(2, 'rub', 1000);
	my @quotes = map { $life->quote(2, unit => 'rub', amount => 1000) } 1 .. 100;
	my @got = $pg->at_once(20, 'atelier_responder', sub ($i, $db) {
		return [map { $db->selectrow_array('SELECT outcome FROM responder.job_order(2, ?, NULL, 1000)',
			undef, $_) } @quotes[$i * 5 .. $i * 5 + 4]];
	});
	my %count;
	$count{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @got;
	is_deeply \%count, {ordered => 1, short => 99}, 'one is ordered';
	is $life->purse(2)->{rub}, 0, 'and paid';
};

subtest 'take and release race' => sub {
	$life->seen(3, free => 100);
	my @jobs = map { $life->job(3, message => undef) } 1 .. 60;
	my @got = $pg->at_once(4, 'postgres', sub ($i, $db) {
		my %done = (ok => 0, P0409 => 0);
		for my $job ($i % 2 ? @jobs : reverse @jobs) {
			my $what = ($i + $job) % 2 ? 'ledger.take(?)' : "ledger.release(?, 'race')";
			eval { $db->do("SELECT $what", undef, $job); $done{ok}++; 1 } or $done{$db->state}++;
		}
		return \%done;
	});
	my %sum;
	for my $one (@got) {
		$sum{$_} += $one->{$_} for keys %$one;
	}
	is_deeply [sort keys %sum], ['P0409', 'ok'], 'a loser is told that the key is used' or diag explain \%sum;
	is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE resolves IS NOT NULL AND person_id = 3}), 60,
		'each hold is settled once';
	is $pg->value(q{SELECT balance FROM ledger.account WHERE person_id = 3 AND role = 'held'}), 0,
		'nothing is held';
	# The jobs know nothing of it: that is what J1 is for. Put right, as a crash-proof caller would.
	is scalar(grep { /^J3/ } $pg->broken), 60, 'and settlements without their jobs are seen';
	$super->do(q{UPDATE store.job j SET settle_id = t.id, step = 'done', finished_at = now(),
		status = CASE t.kind WHEN 'take' THEN 'completed' ELSE 'cancelled' END::store.job_status,
		progress = CASE t.kind WHEN 'take' THEN 100 ELSE 0 END, started_at = now(), result = '{"message_id": 1}'
		FROM ledger.transfer t WHERE t.resolves = j.hold_id AND j.person_id = 3});
	$super->do(q{UPDATE store.job SET finished_at = now() - interval '1 day' WHERE person_id = 3});
	$super->do(q{DELETE FROM store.task WHERE job_id IN (SELECT id FROM store.job WHERE person_id = 3)});
	is_deeply [$pg->broken], [], 'nothing is broken then';
};

subtest 'one key from many sessions' => sub {
	my @got = $pg->at_once(20, 'atelier_ctl', sub ($i, $db) {
		return $db->selectrow_array('SELECT outcome FROM ctl.adjust(3, ?, 7, NULL, NULL, ?)', undef, 'credit',
			'parallel');
	});
	is_deeply [sort @got], [('again') x 19, 'done'], 'one does it';
	is $life->purse(3)->{credit}, 7, 'once';
};

subtest 'a statement' => sub {
	my @rows = $life->call(responder => 'SELECT 1') && $pg->rows('SELECT * FROM ctl.statement(1)');
	is_deeply [map { "$_->{unit} $_->{kind} $_->{amount} " . ($_->{after} // '-') } @rows],
		['free grant 4 4', 'rub correction 5000 5000', 'rub hold -1000 4000', 'rub take 0 -'], 'says it all';
};

subtest 'the older bots\' queries' => sub {
	$super->do('SET search_path = report');
	my ($balance) = $pg->rows('SELECT u.telegram_id, b.balance, u.free_operations_left FROM users u '
		. 'LEFT JOIN balances b ON u.id = b.user_id WHERE u.telegram_id = 1');
	is_deeply $balance, {telegram_id => 1, balance => '40.00', free_operations_left => 4}, 'balance';
	my @operations = $pg->rows('SELECT o.*, u.telegram_id FROM operations o JOIN users u ON o.user_id = u.id '
		. 'WHERE u.telegram_id = 1 ORDER BY o.created_at DESC LIMIT 10');
	is scalar @operations, 1, 'operations';
	is "@{$operations[0]}{qw(type price status)}", 'generate 10.00 charged', 'as they were called';
	is $pg->value('SELECT sum(amount) FROM ledger WHERE user_id = 1 AND unit = ?', 'rub'), '40.00',
		'the amounts of the ledger sum to the balance';
	is $pg->value('SELECT cost_actual FROM jobs WHERE user_id = 1'), '10.00', 'jobs';
	$super->do('RESET search_path');
};

is_deeply [$pg->broken], [], 'nothing is broken';

# An invariant that cannot fail is decoration: each corruption is made behind the triggers' back, seen,
# and undone.
subtest 'corruptions are seen' => sub {
	my ($one) = $pg->rows(q{SELECT id, hold_id, settle_id FROM store.job WHERE person_id = 1});
	$life->seen(5);
	my $open = $life->job(5);
	my $failed = $life->job(5);
	$life->tell($_, 'refused', class => 'policy') for grep { $_->{job_id} == $failed } $life->next('media');
	is_deeply [$pg->broken], [], 'nothing is broken before';
	my $person_account = q{person_id = 1 AND unit = 'rub' AND role = 'available'};
	for my $case (
		['a balance is bumped', 'L1 L2',
			"UPDATE ledger.account SET balance = balance + 1 WHERE $person_account"],
		['an amount is changed in place', 'L1 L5',
			"UPDATE ledger.transfer SET amount = amount + 1 WHERE id = $one->{hold_id}"],
		['a take is deleted', 'J1 L1', 'ALTER TABLE store.job DROP CONSTRAINT job_settle_id_fkey',
			"DELETE FROM ledger.transfer WHERE id = $one->{settle_id}"],
		['what is held drifts', 'L8',
			q{UPDATE ledger.account SET balance = balance + 1 WHERE role = 'held' AND person_id = 5}],
		['a take becomes a release', 'J1 L9',
			"UPDATE ledger.transfer SET kind = 'release' WHERE id = $one->{settle_id}"],
		['a job is deleted under its hold', 'J2', 'DELETE FROM store.task WHERE job_id IS NOT NULL',
			'UPDATE store.quote SET job_id = NULL, state = \'cancelled\'', "DELETE FROM store.job WHERE id = $open"],
		['a completed job is set to failed', 'J1', "UPDATE store.job SET status = 'failed', "
			. "reason = 'ours', progress = 10 WHERE id = $one->{id}"],
		['an open job has lost its task', 'J5',
			"DELETE FROM store.task WHERE job_id = $open AND lane = 'media'"],
		['an ended job goes on', 'J6', "UPDATE store.task SET state = 'ready', done_at = NULL "
			. "WHERE job_id = $failed AND kind = 'submit'"],
		['a job is forgotten', 'J4',
			"UPDATE store.job SET deadline_at = now() - interval '1 hour' WHERE id = $open"],
		['a lease is forgotten', 'J7', "UPDATE store.task SET state = 'leased', holder = 'x', "
			. "lease_until = now() - interval '1 hour' WHERE job_id = $open AND lane = 'media'"],
		['the price is another than quoted', 'J2 J8',
			"UPDATE store.job SET amount = amount + 1 WHERE id = $open"],
		['a grant is doubled', 'G1', 'UPDATE store.person SET free_granted = 8 WHERE id = 1'],
		['a result was never sent', 'O1',
			"DELETE FROM store.task WHERE job_id = $one->{id} AND kind = 'photo'"],
		['a failure was never told', 'O2',
			"DELETE FROM store.task WHERE job_id = $failed AND kind IN ('say', 'edit')"],
		['a failed job was delivered', 'O3', "UPDATE store.task SET job_id = $failed WHERE kind = 'photo'"],
		['the outbox is out of order', 'O4', q{WITH old AS (INSERT INTO store.task (lane, kind, chat_id, payload,
			created_at) VALUES ('chat', 'say', 1, '{}', now() - interval '1 minute') RETURNING id)
			INSERT INTO store.task (lane, kind, chat_id, payload, state, done_at)
			SELECT 'chat', 'say', 1, '{}', 'done', now() FROM old}],
	) {
		my ($name, $seen, @sql) = @$case;
		$super->begin_work;
		$super->do('ALTER TABLE ledger.transfer DISABLE TRIGGER USER');
		$super->do('ALTER TABLE ledger.account DISABLE TRIGGER USER');
		eval { $super->do($_) for @sql; 1 } or diag "$name: $@";
		my %broken = map { substr($_, 0, 2) => 1 } $pg->broken;
		is join(' ', grep { $broken{$_} } split ' ', $seen), $seen, $name;
		$super->rollback;
	}
	is_deeply [$pg->broken], [], 'nothing is broken after';
};
done_testing;
