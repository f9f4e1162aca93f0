#!/usr/bin/perl
# What watches over money: reconciliation with providers and jobs, the invariants of payments, statement and views.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use Atelier::Test qw(program run_command spew temp_dir);
use POSIX ();
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $super = $pg->super;
$super->do('SET client_min_messages = warning');
my $next = 10;

sub somebody () { $till->seen(++$next); return $next }

sub start ($since = '1 day') {
	return ($till->call(dispatcher => 'SELECT dispatcher.reconcile_start(now() - ?::interval) AS run', $since))[0]{run};
}

# Answers the lists of the run under way: provider and what → items.
sub listed (%items) {
	for my $task (grep { $_->{kind} eq 'pay_list' } $till->asked(0)) {
		my $items = $items{"$task->{payload}{provider} $task->{payload}{what}"} // [];
		$till->tell($task, 'done', result => {items => $items});
	}
	return;
}

# Ends the run; its differences as "kind payment".
sub differences ($run) {
	$till->pay_due;
	my @rows = $pg->rows('SELECT * FROM ctl.reconcile_result(?)', $run);
	ok $rows[0]{finished}, 'the run is through';
	return map { join ' ', $_->{kind}, $_->{payment} // '-', $_->{repaired} ? 'repaired' : () }
		grep { defined $_->{kind} } @rows;
}

my $who = somebody();
my @good = map { $till->paid($who, amount => 1000 * $_) } 1 .. 3;
my $package = $till->paid($who, credits => 1000);
# They were made before the newest of a list.
$till->passes($_, '20 minutes') for @good, $package;
my @list = map { $till->truth($_, 'succeeded') } @good;
my @other = $till->truth($package, 'succeeded');
$till->forget;

subtest 'all is well' => sub {
	my $run = start;
	is start, $run, 'one at a time';
	my @tasks = grep { $_->{kind} eq 'pay_list' } $till->asked(0);
	is_deeply [sort map { "$_->{payload}{provider} $_->{payload}{what}" } @tasks],
		['betatransfer payments', 'yookassa payments', 'yookassa refunds'], 'what is listed';
	for my $task (@tasks) {
		my $key = "$task->{payload}{provider} $task->{payload}{what}";
		$till->tell($task, 'done', result => {items => $key eq 'betatransfer payments' ? \@other
			: $key eq 'yookassa payments' ? [@list[0, 1]] : [], $key =~ /^y.*p.*/ ? (next => 'C2') : ()});
	}
	is_deeply [$pg->rows('SELECT * FROM store.difference')], [], 'not before the last page';
	listed('yookassa payments' => [$list[2]]);
	is_deeply [differences($run)], [], 'no differences';
	is_deeply [$till->told(900)], [], 'nothing to tell';
};

subtest 'what differs' => sub {
	my $lost = $till->created($who, amount => 9000);
	my $expired = $till->created($who, amount => 9100);
	$till->passes($expired, '5 days');
	$pg->do(q{UPDATE store.payment SET state = 'canceled', reason = 'expired', next_ask_at = NULL WHERE id = ?}, $expired);
	my $dead = $till->created($who, amount => 9200);
	my $run = start;
	listed('yookassa payments' => [$list[0], {%{$list[1]}, amount => 1}, $till->truth($lost, 'succeeded'),
		$till->truth($expired, 'succeeded'), $till->truth($dead, 'canceled', reason => 'general_decline'),
		{found => \1, ext_id => 'NO1', status => 'succeeded', amount => 100, currency => 'RUB', order => 'zzz'},
		{found => \1, ext_id => 'NO2', status => 'canceled', amount => 100, currency => 'RUB'}],
		'betatransfer payments' => [{%{$other[0]}, status => 'canceled'}],
		'yookassa refunds' => [{found => \1, ext_id => 'RR1', payment => "E$good[0]", status => 'succeeded',
			amount => 300, currency => 'RUB'}]);
	$till->pay_due;
	is $pg->value('SELECT finished_at IS NULL FROM store.reconcile WHERE id = ?', $run), 1, 'it waits for what it asked';
	for my $task ($till->asked) {
		my ($kind, $id) = ($task->{kind}, $task->{payload}{payment});
		$till->tell($task, 'done', result => $kind eq 'pay_refund_ask'
			? $till->refund_truth($good[0], 'RR1', 'succeeded', 300)
			: $till->truth($id, $id == $dead ? 'canceled' : 'succeeded'));
	}
	is_deeply [sort(differences($run))], [sort "amount $good[1]", "missing $good[2]", "refund $good[0] repaired",
		"status $package", "uncredited $lost repaired", "uncredited $expired repaired", 'unknown -'], 'the differences';
	is_deeply [grep { $_->{args}{what} eq 'reconcile' } $till->told(900)], [{notice => 'alert',
		args => {what => 'reconcile', run => $run, count => 4}}], 'what remains is told';
	is $till->state($lost), 'succeeded', 'what was paid is credited';
	is $till->payment($expired)->{late}, 1, 'also after it was given up';
	is $till->state($dead), 'canceled', 'what was canceled is canceled';
	is $till->balance($who), 1000 + 2000 + 3000 + 9000 + 9100 - 300, 'to the kopeck';
	is $pg->value('SELECT count(*) FROM store.reconcile_seen'), 0, 'tidy';
	$till->forget;
};

subtest 'a provider that does not answer' => sub {
	my $run = start;
	for (1 .. 12) {
		for my $task (grep { $_->{kind} eq 'pay_list' } $till->asked(0)) {
			$till->tell($task, $task->{payload}{provider} eq 'yookassa' ? 'failed' : 'refused');
		}
	}
	is_deeply [sort(differences($run))], ['unlisted -', 'unlisted -', 'unlisted - repaired'], 'is a difference';
	is_deeply [$till->notices(900)], ['alert.reconcile'], 'that is told';
	$till->forget;
};

subtest 'every night' => sub {
	my $due = sub { ($till->call(dispatcher => 'SELECT dispatcher.reconcile_due() AS n'))[0]{n} };
	my $hour = $pg->value(q{SELECT extract(hour FROM now() AT TIME ZONE 'UTC')});
	my $run = $due->();
	if ($hour >= 3) {
		cmp_ok $run, '>', 0, 'started';
		listed('yookassa payments' => [map { $till->truth($_->{id}, $_->{state} eq 'canceled' ? 'canceled'
			: 'succeeded', refunded => $_->{refunded}) } $pg->rows(q{SELECT * FROM store.payment WHERE provider = 'yookassa'})],
			'betatransfer payments' => \@other);
		is_deeply [differences($run)], [], 'all is well';
	}
	is $due->(), undef, 'once a day, not before three';
	$pg->do(q{UPDATE store.reconcile SET started_at = started_at - interval '1 day'});
	if ($hour >= 3) {
		cmp_ok $due->(), '>', $run, 'the next day';
		listed;
		$till->pay_due;
	}
	$pg->do('DELETE FROM store.difference');
	$till->forget;
};

subtest 'the operator\'s' => sub {
	my $run = $pg->value(q{SELECT ctl.reconcile(now() - interval '1 hour')});
	listed;
	is_deeply [grep { !/^missing/ } differences($run)], [], 'nothing is broken';
	my $job = $till->job($who);
	$super->begin_work;
	$super->do('UPDATE store.job SET amount = amount + 1 WHERE id = ?', undef, $job);
	$run = $pg->value(q{SELECT ctl.reconcile(now() - interval '1 hour')});
	my %kind = map { $_->{kind} => 1 } $pg->rows('SELECT kind FROM store.difference WHERE run = ?', $run);
	is_deeply [sort keys %kind], ['broken', 'job'], 'jobs are held against the ledger';
	$super->rollback;
	$till->forget;
};

subtest 'atelierctl' => sub {
	my $dir = temp_dir('reconcile');
	spew("$dir/ctl.conf", 'DATABASE_URL=' . $pg->url . "\n");
	my $id = $till->created(somebody(), amount => 4200);
	my $says = sub ($items, @words) {
		my $pid = fork // die;
		if ($pid == 0) { # the dispatcher and the pay lane
			my $own = Atelier::Life::new('Atelier::Till', $pg);
			for (1 .. 500) {
				for my $task ($own->claim('pay')) {
					$own->tell($task, 'done', result => $task->{kind} eq 'pay_list' ? {items => $items->($task)}
						: $own->truth($id, 'succeeded'));
				}
				$own->pay_due;
				last if $own->{pg}->value('SELECT finished_at IS NOT NULL FROM store.reconcile ORDER BY id DESC LIMIT 1');
				select undef, undef, undef, 0.02;
			}
			POSIX::_exit(0);
		}
		my ($status, $out, $err) = run_command([program('atelierctl'), '-c', "$dir/ctl.conf", 'reconcile', @words]);
		waitpid $pid, 0;
		return "$status\n$out$err";
	};
	$pg->do('DELETE FROM store.difference');
	$pg->do('DELETE FROM store.reconcile');
	my $here = sub ($task) {
		return [] if $task->{payload}{what} eq 'refunds';
		return [map { $till->truth($_->{id}, 'succeeded', refunded => $_->{refunded}) } $pg->rows(
			'SELECT * FROM store.payment WHERE credit_tx IS NOT NULL AND provider = ?', $task->{payload}{provider})];
	};
	is $says->($here), "0\nno differences\n", 'all is well';
	$pg->do('DELETE FROM store.reconcile');
	like $says->(sub ($task) { [$here->($task)->@*, $task->{payload}{provider} eq 'yookassa'
			&& $task->{payload}{what} eq 'payments' ? ($till->truth($id, 'succeeded'),
				{ext_id => 'Z', status => 'succeeded', amount => 1, currency => 'RUB'}) : ()] }, '--since', '2020-01-01'),
		qr/\A1\nuncredited: payment $id yookassa E$id .* \(settled\)\nunknown: yookassa Z .*\natelierctl: 1 differences\n\z/,
		'what differs';
	is $till->state($id), 'succeeded', 'and is repaired';
	my ($status, $out, $err) = run_command([program('atelierctl'), '-c', "$dir/ctl.conf", 'reconcile', 'x']);
	is $status, 64, 'wrong words';
	$till->forget;
};

subtest 'the statement' => sub {
	my $one = somebody();
	my @all = map { $till->paid($one, amount => 100 * $_) } 1 .. 5;
	$till->give($one, 'rub', -50);
	my $page = sub ($before, $limit) {
		return $till->call(responder => 'SELECT * FROM responder.statement(?, ?, ?)', $one, $before, $limit);
	};
	my @rows = $page->('9223372036854775807', 3);
	is_deeply [map { "$_->{kind} $_->{unit} $_->{amount} $_->{after}" } @rows],
		['correction rub -50 1450', 'topup rub 500 1500', 'topup rub 400 1000'], 'newest first';
	is $rows[1]{payment}, $all[4], 'with its payment';
	@rows = $page->($rows[-1]{id}, 10);
	is_deeply [map { "$_->{kind} $_->{amount}" } @rows], ['topup 300', 'topup 200', 'topup 100', 'grant 4'], 'older ones';
	is_deeply [$page->($rows[-1]{id}, 10)], [], 'until there is no more';
	$pg->do(q{SELECT ledger.adjust(?, 'rub', 10, 900, ?, 'csv')}, $one, '=1+1, "so"');
	is $till->call(responder => 'SELECT responder.statement_csv(?) AS o', $one), 1, 'as a file';
	is +($till->call(responder => 'SELECT responder.statement_csv(?) AS o', $one))[0]{o}, 'again', 'once at a time';
	my ($file) = grep { $_->{kind} eq 'document' } $till->talk;
	is "$file->{payload}{notice} $file->{payload}{file_name} $file->{chat_id}", "statement_file statement.csv $one", 'sent';
	my @lines = split /\n/, $file->{payload}{text};
	is $lines[0], 'number,time_utc,kind,unit,amount,after,job,payment,note', 'a head';
	like $lines[1], qr/^\d+,[-\d]+ [\d:]+,correction,rub,0\.10,14\.60,,,"'=1\+1, ""so"""$/, 'what is no formula';
	is scalar @lines, 9, 'every movement';
	$pg->do(q{SELECT ledger.adjust($1, 'rub', 1, 900, repeat('ы', 500), 'long' || n) FROM generate_series(1, 100) n},
		$one);
	$till->call(responder => 'SELECT responder.statement_csv(?)', $one);
	($file) = grep { $_->{kind} eq 'document' } $till->talk;
	my $text = $file->{payload}{text};
	utf8::encode($text);
	cmp_ok length $text, '<=', 48 * 1024, 'never too long';
	cmp_ok length $text, '>', 40 * 1024, 'but the newest';
	$till->forget;
};

subtest 'the older bots\' queries and views' => sub {
	my $seed = q{SELECT o.*, u.telegram_id
		FROM operations o
		JOIN users u ON o.user_id = u.id
		WHERE u.telegram_id = YOUR_TELEGRAM_ID
		ORDER BY o.created_at DESC
		LIMIT 10;
		SELECT u.telegram_id, b.balance, u.free_operations_left
		FROM users u
		LEFT JOIN balances b ON u.id = b.user_id
		WHERE u.telegram_id = YOUR_TELEGRAM_ID;};
	my $one = somebody();
	my $id = $till->paid($one);
	$till->paid($one, credits => 1000);
	my $job = $till->job($one, unit => 'rub', amount => 1000);
	my $report = $pg->connect('atelier_ctl');
	$report->do('SET search_path = report');
	my ($operations, $balance) = map { $report->selectall_arrayref($_ =~ s/YOUR_TELEGRAM_ID/$one/r, {Slice => {}}) }
		$seed =~ /([^;]+);/g;
	is "@{$operations->[0]}{qw(type price status telegram_id)}", "generate 10.00 charged $one", 'operations';
	is_deeply $balance, [{telegram_id => $one, balance => '90.00', free_operations_left => 4}], 'the balance';
	my $value = sub ($sql) { scalar $report->selectrow_array($sql =~ s/ME/$one/r) };
	is $value->('SELECT status FROM payments WHERE user_id = ME AND yookassa_payment_id IS NOT NULL'), 'succeeded', 'payments';
	is $value->('SELECT sum(amount) FROM payments WHERE user_id = ME AND currency = \'RUB\''), '100.00', 'in roubles';
	is $value->(q{SELECT raw_data ->> 'order' FROM payments WHERE user_id = ME ORDER BY id LIMIT 1}), "a$id", 'with raw data';
	is $value->('SELECT credits FROM user_credits WHERE user_id = ME'), 1000, 'credits';
	is $value->('SELECT sum(amount) FROM credit_transactions WHERE user_id = ME'), 1000, 'and their movements';
	is $value->('SELECT count(*) FROM payments WHERE status NOT IN '
		. q{('pending', 'succeeded', 'canceled', 'failed', 'refunded')}), 0, 'only the statuses that were known';
	$till->forget;
};

is_deeply [$pg->broken], [], 'nothing is broken';

# An invariant that cannot fail is decoration: each corruption is made behind the triggers' back, seen, and undone.
subtest 'corruptions are seen' => sub {
	my $one = somebody();
	my $rub = $till->payment($till->paid($one, amount => 1234));
	my $usd = $till->payment($till->paid($one, credits => 1000));
	my $part = $till->payment($till->paid($one, credits => 500));
	$till->heard($part->{id}, $till->truth($part->{id}, 'succeeded', refunded => 300));
	my $open = $till->created($one, amount => 55);
	my $held = ($pg->rows('SELECT * FROM ctl.refund(?, 100, 900, ?)', $rub->{id}, 'x'))[0]{refund};
	$till->give($one, 'credit', -1000);
	$till->heard($usd->{id}, $till->truth($usd->{id}, 'refunded', refunded => 700));
	is_deeply [$pg->broken], [], 'nothing is broken before';
	my $key = sub ($id, $more = '') { "payment_id = $id AND key LIKE '%$more'" };
	for my $case (
		['a top-up without a payment', 'P2', "UPDATE store.payment SET credit_tx = NULL, paid = NULL, verified_at = NULL, "
			. "state = 'review' WHERE id = $rub->{id}"],
		['a payment without its top-up', 'L1 P1', 'ALTER TABLE store.payment DROP CONSTRAINT payment_credit_tx_fkey',
			"DELETE FROM ledger.transfer WHERE id = $rub->{credit_tx}"],
		['credited to another', 'P1', "UPDATE store.payment SET person_id = $who WHERE id = $rub->{id}"],
		['more credited than ordered', 'L1 L5 P1', 'UPDATE ledger.transfer SET amount = amount + 1 WHERE id = '
			. $rub->{credit_tx}],
		['the order is changed afterwards', 'P1', "UPDATE store.payment SET amount = 1, grant_amount = 1 WHERE id = $rub->{id}"],
		['another payment\'s id', 'P1', "UPDATE store.payment SET ext_id = 'other' WHERE id = $rub->{id}"],
		['credits without their money', 'P3 P7', 'DELETE FROM ledger.transfer WHERE ' . $key->($usd->{id}, ':m')
			. " AND kind = 'sale'"],
		['sold for less', 'P3', 'UPDATE ledger.transfer SET amount = amount - 1 WHERE ' . $key->($usd->{id}, ':m')
			. " AND kind = 'sale'"],
		['a refund that took nothing', 'P4', "UPDATE ledger.transfer SET key = 'lost:1' WHERE kind = 'refund' AND "
			. $key->($part->{id}, ':300')],
		['a refund in the ledger only', 'P5 P6', "UPDATE store.refund SET state = 'canceled', debit_tx = NULL "
			. "WHERE payment_id = $part->{id}"],
		['a refund that is not counted', 'P6 P7', "UPDATE store.payment SET refunded = 299 WHERE id = $part->{id}"],
		['debt that is not told', 'P4', 'UPDATE store.refund SET debt = debt - 1 WHERE debt > 0'],
		['debt beside money', 'L1 P8', 'UPDATE ledger.account SET balance = balance + 5 '
			. "WHERE person_id = $one AND unit = 'credit' AND role = 'available'"],
		['debt is forgiven in place', 'L1 L2', "UPDATE ledger.account SET balance = 0 WHERE person_id = $one AND role = 'debt'"],
		['a refund that holds nothing', 'P9', "UPDATE store.refund SET hold_tx = NULL WHERE id = $held"],
		['a hold without its refund', 'P9', "UPDATE store.refund SET state = 'canceled', next_ask_at = NULL, "
			. "settled_at = now() WHERE id = $held"],
		['clearing drifts', 'L1 L2', q{UPDATE ledger.account SET balance = balance + 1 WHERE role = 'clearing' AND unit = 'rub'
			AND slot = 3}],
		['money came past clearing', 'P7', "UPDATE store.payment SET provider = 'betatransfer' WHERE id = $rub->{id}"],
		['an open payment is forgotten', 'PA', "UPDATE store.payment SET next_ask_at = NULL WHERE id = $open",
			"DELETE FROM store.task WHERE payment_id = $open"],
		['a refund is forgotten', 'PA', "DELETE FROM store.task WHERE payment_id = $rub->{id}"],
		['money that was not told', 'PB', "DELETE FROM store.task WHERE dedup = 'pay:$rub->{id}:done'"],
	) {
		my ($name, $seen, @sql) = @$case;
		$super->begin_work;
		$super->do('ALTER TABLE ledger.transfer DISABLE TRIGGER USER');
		$super->do('ALTER TABLE ledger.account DISABLE TRIGGER USER');
		eval { $super->do($_) for @sql; 1 } or diag "$name: $@";
		my %broken = map { substr($_, 0, 2) => 1 } $pg->broken;
		is join(' ', grep { $broken{$_} } split ' ', $seen), $seen, $name or diag join ' ', sort keys %broken;
		$super->rollback;
	}
	is_deeply [$pg->broken], [], 'nothing is broken after';
};
done_testing;
