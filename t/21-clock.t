#!/usr/bin/perl
# The clocks of payments: creations of unknown fate, questions with growing waits, and where they end.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $next = 10;

sub somebody () { $till->seen(++$next); return $next }

sub whole () {
	is_deeply [$pg->broken], [], 'nothing is broken';
	$pg->do(q{UPDATE store.payment SET state = 'canceled', next_ask_at = NULL WHERE state IN ('created', 'pending')});
	$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		done_at = now() WHERE state IN ('ready', 'leased') AND lane = 'pay'});
	$till->forget;
	return;
}

# Seconds from now until a payment is asked about by itself; undef: never.
sub wait_of ($id) {
	return $pg->value('SELECT round(extract(epoch FROM next_ask_at - now())) FROM store.payment WHERE id = ?', $id);
}
sub ready_wait ($kind) {
	return $pg->value(q{SELECT round(extract(epoch FROM run_at - now())) FROM store.task
		WHERE kind = ? AND state = 'ready'}, $kind);
}

# The clock goes to the next question; asks, and answers with that.
sub next_ask ($id, $truth) {
	$till->passes($id, wait_of($id) + 1 . ' seconds');
	is $till->pay_due, 1, 'due';
	return $till->answered($id, $truth);
}

subtest 'the waits' => sub {
	my $who = somebody();
	my $id = $till->created($who);
	my $truth = $till->truth($id, 'pending');
	my @waits = wait_of($id);
	is $till->pay_due, 0, 'not before its time';
	for (1 .. 8) {
		is next_ask($id, $truth), 1, 'asked';
		push @waits, wait_of($id);
	}
	# The clock was moved one second too far each time: what is left until the hour is over.
	is_deeply [@waits[0 .. 7]], [10, 20, 40, 80, 160, 320, 640, 1280], 'double each time';
	cmp_ok $waits[8], '<', 1280, 'the last one before the hour is over';
	cmp_ok $waits[8], '>', 1000, 'is at its end';
	is next_ask($id, $truth), 1, 'asked at expiry';
	for my $day (1 .. 3) {
		cmp_ok abs(wait_of($id) - 86400), '<', 5, "then daily: $day";
		is next_ask($id, $truth), 1, 'asked';
		is $till->state($id), 'pending', 'and kept';
	}
	cmp_ok wait_of($id), '<=', 600, 'after three days';
	$till->passes($id, '11 minutes');
	is $till->pay_due, 0, 'nothing more is asked';
	my $y = $till->payment($id);
	is "$y->{state} $y->{reason}", 'canceled expired', 'it is given up';
	is [$till->told($who)]->[-1]{notice}, 'pay_canceled', 'told';
	$till->heard($id, $till->truth($id, 'succeeded'));
	is $till->state($id), 'succeeded', 'and honoured when it comes in after all';
	whole;
};

subtest 'no answers' => sub {
	my $id = $till->created(somebody());
	$till->passes($id, '1 hour');
	for my $day (0 .. 6) {
		$till->passes($id, '1 day') if $day;
		is $till->pay_due, 1, "day $day: asked";
		$till->tell($_, 'refused', class => 'funds') for $till->asked($id);
	}
	is $till->state($id), 'pending', 'while the provider says nothing, it is not given up';
	is next_ask($id, $till->truth($id, 'canceled')), 1, 'until it does';
	is $till->state($id), 'canceled', 'canceled';
	whole;
};

subtest 'a provider that is down' => sub {
	my $id = $till->created(somebody());
	$till->hint($id);
	my @waits;
	for (1 .. 12) {
		my ($task) = $till->asked($id);
		$till->tell($task, 'failed', class => 'busy');
		push @waits, ready_wait('pay_ask');
	}
	is_deeply \@waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, undef], 'a hint is not lost at once';
	is wait_of($id), 10, 'and the clock of the payment goes on';
	$till->hint($id);
	my ($task) = $till->asked($id);
	$till->tell($task, 'later', class => 'rate', retry_ms => 7000);
	is ready_wait('pay_ask'), 7, 'told to wait';
	$till->hint($id);
	cmp_ok ready_wait('pay_ask'), '<=', 1, 'a hint is sooner';
	is scalar(() = $till->asked($id)), 1, 'and one question';
	whole;
};

subtest 'a start after a long time' => sub {
	my @ids = map { $till->created(somebody()) } 1 .. 30;
	$till->passes($_, '50 minutes') for @ids;
	is $till->pay_due, 30, 'all are asked at once';
	$till->passes($_, '12 hours') for @ids;
	is $till->pay_due, 30, 'due again';
	is scalar(() = $till->asked), 30, 'each asked once';
	my @got = $pg->at_once(4, 'atelier_dispatcher', sub ($i, $db) {
		return $db->selectrow_array('SELECT dispatcher.pay_due(10)');
	});
	is_deeply \@got, [0, 0, 0, 0], 'and that is all';
	whole;
};

subtest 'a creation of unknown fate, ЮKassa' => sub {
	my $who = somebody();
	my $id = $till->open($who)->{payment};
	my @waits;
	my ($task) = my @first = $till->asked($id);
	for (1 .. 4) {
		$till->tell($task, 'unknown', class => 'busy');
		push @waits, ready_wait('pay_create');
		($task) = $till->asked($id);
		is_deeply $task->{payload}, $first[0]{payload}, 'the same again, key and all';
	}
	is_deeply \@waits, [10, 20, 40, 80], 'with growing waits';
	is $till->state($id), 'created', 'open';
	$till->passes($id, '23 hours');
	$till->tell($task, 'unknown', class => 'busy');
	is $till->pay_due, 1, 'a key is good for a day: then it is looked for';
	($task) = $till->asked($id);
	is "$task->{kind} $task->{payload}{what}", 'pay_list payments', 'in the list of that time';
	is $till->tell($task, 'done', result => {items => [{ext_id => 'other', status => 'succeeded', amount => 1,
		order => 'a999'}], next => 'C2'}), 'ok', 'a page';
	is $till->state($id), 'created', 'is not all';
	($task) = $till->asked($id);
	is $task->{payload}{cursor}, 'C2', 'the next page';
	$till->tell($task, 'done', result => {items => [$till->truth($id, 'succeeded')]});
	is $till->state($id), 'succeeded', 'found, and credited';
	my $lost = $till->open($who, amount => 500)->{payment};
	($task) = $till->asked($lost);
	$till->passes($lost, '23 hours');
	$till->tell($task, 'unknown');
	$till->pay_due;
	($task) = $till->asked($lost);
	$till->tell($task, 'done', result => {items => []});
	is $till->state($lost), 'failed', 'not there: it was never made';
	is [$till->notices($who)]->[-1], 'pay_failed', 'told';
	whole;
};

subtest 'a creation of unknown fate, Betatransfer' => sub {
	my $who = somebody();
	my $id = $till->open($who, credits => 1000)->{payment};
	my ($task) = $till->asked($id);
	$till->tell($task, 'unknown');
	is scalar(() = $till->asked($id)), 0, 'never made blindly again';
	$till->passes($id, '6 seconds');
	is $till->pay_due, 1, 'asked by the order name';
	($task) = $till->asked($id);
	is_deeply $task->{payload}, {payment => $id, provider => 'betatransfer', order => "a$id", ext_id => undef}, 'first';
	$till->tell($task, 'done', result => {found => \0});
	($task) = $till->asked($id);
	is "$task->{kind} $task->{payload}{order}", "pay_create a$id", 'not there: made again';
	$till->tell($task, 'done', result => $till->truth($id, 'pending', url => 'https://bt.example/'));
	is $till->state($id), 'pending', 'made';
	$till->heard($id, $till->truth($id, 'succeeded'));
	is $till->balance($who, 'credit'), 1000, 'credited';
	my $no = $till->open($who, credits => 1000)->{payment};
	for my $round (1 .. 3) {
		($task) = $till->asked($no);
		$till->tell($task, 'unknown');
		$till->passes($no, '1 minute');
		$till->pay_due;
		$till->answered($no, {found => \0});
	}
	is $till->state($no), 'failed', 'three times, then it has failed';
	whole;
};

subtest 'a creation that surely failed' => sub {
	my $who = somebody();
	my $id = $till->open($who)->{payment};
	my ($task) = $till->asked($id);
	$till->tell($task, 'failed', class => 'busy');
	is ready_wait('pay_create'), 10, 'again soon';
	$till->passes($id, '16 minutes');
	($task) = $till->asked($id);
	$till->tell($task, 'failed', class => 'busy');
	is $till->state($id), 'failed', 'not for ever';
	is_deeply [$till->notices($who)], ['pay_failed'], 'told, in place of the waiting';
	my $doubt = $till->open($who, amount => 300)->{payment};
	($task) = $till->asked($doubt);
	$till->tell($task, 'unknown');
	$till->passes($doubt, '16 minutes');
	($task) = $till->asked($doubt);
	$till->tell($task, 'refused', class => 'funds');
	is $till->state($doubt), 'created', 'refused after an unknown: it may be there';
	$till->passes($doubt, '10 seconds');
	$till->pay_due;
	($task) = $till->asked($doubt);
	$till->tell($task, 'done', result => {items => [$till->truth($doubt, 'pending')]});
	is $till->state($doubt), 'pending', 'and is';
	my $lost = $till->open($who, amount => 400)->{payment};
	$till->asked($lost);
	$pg->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE payment_id = ? AND state = 'leased'},
		$lost);
	is +($till->call(dispatcher => 'SELECT dispatcher.reap(300) AS n'))[0]{n}, 1, 'the helper dies';
	is ready_wait('pay_create'), 10, 'which is an unknown';
	whole;
};

subtest 'nonsense from a helper' => sub {
	my $who = somebody();
	my $id = $till->created($who);
	for my $bad ({}, {found => \1}, {found => 'x'}, {found => \1, ext_id => 'x' x 65, status => 'succeeded', amount => 1},
		{found => \1, ext_id => "E$id", status => 'odd', amount => 1}, {found => \1, ext_id => "E$id",
			status => 'succeeded', amount => 'lots'}, {found => \1, ext_id => {}, status => [], amount => 1.5},
		{found => \1, ext_id => "E$id", order => "a$id", status => 'succeeded', amount => 1e30, currency => 'RUB'})
	{
		is $till->tell($till->leased('pay_ask', {payment => $id, provider => 'yookassa'}, $id), 'done', result => $bad),
			'ok', 'taken';
		is $till->state($id), 'pending', 'without effect';
	}
	is $till->tell($till->leased('pay_list', {provider => 'yookassa', what => 'payments'}, $id), 'done',
		result => {items => 7}), 'ok', 'a list that is none';
	is $till->balance($who), 0, 'no money';
	whole;
};
done_testing;
