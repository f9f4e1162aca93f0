#!/usr/bin/perl
# Refunds and debt: what a provider gives back is taken back once, in full, and nobody spends it twice.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use List::Util qw(shuffle sum0);
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $next = 10;

sub somebody () { $till->seen(++$next, free => 0); return $next }

sub whole () {
	is_deeply [$pg->broken], [], 'nothing is broken';
	$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		done_at = now() WHERE state IN ('ready', 'leased') AND lane = 'pay'});
	$till->forget;
	return;
}

# The provider says that a refund is this; as the webhook brings it.
sub refund_heard ($id, $ext, $status, $amount, %more) {
	$till->hint($id, ext_id => $ext, kind => 'refund');
	my ($task) = grep { $_->{payload}{refund_ext_id} eq $ext } $till->asked(undef, 'pay_refund_ask');
	return $till->tell($task, 'done', result => $till->refund_truth($id, $ext, $status, $amount, %more)) if $task;
	return 'not asked';
}

sub admin_refund ($id, $amount = undef) {
	return ($pg->rows('SELECT * FROM ctl.refund(?, ?, 900, ?)', $id, $amount, 'asked for it'))[0];
}

subtest 'seen at the provider' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	$till->forget;
	is refund_heard($id, 'R1', 'succeeded', 10000), 'ok', 'all of it';
	is $till->balance($who), 0, 'taken back';
	is $till->state($id), 'refunded', 'refunded';
	is_deeply [$till->told($who)], [{notice => 'pay_refunded', args => {payment => $id,
		amount => {unit => 'rub', amount => 10000}, left => {unit => 'rub', amount => 0}}}], 'told';
	is $till->hint($id, ext_id => 'R1', kind => 'refund'), 'known', 'again: nothing new';
	is $till->tell($till->leased('pay_refund_ask', {provider => 'yookassa', refund_ext_id => 'R1'}), 'done',
		result => $till->refund_truth($id, 'R1', 'succeeded', 10000)), 'ok', 'even when it is asked';
	is $till->balance($who), 0, 'taken once';
	whole;
};

subtest 'in parts, and twice' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	refund_heard($id, $_, 'succeeded', 3000) for 'P1', 'P2', 'P1';
	is $till->balance($who), 4000, 'two parts';
	is $till->state($id), 'succeeded', 'still a payment';
	is $till->payment($id)->{refunded}, 6000, 'partly refunded';
	refund_heard($id, 'P3', 'succeeded', 5000);
	is $till->balance($who), 4000, 'more than was paid is not believed';
	is [$till->notices(900)]->[-1], 'alert.pay_mismatch', 'an admin hears';
	refund_heard($id, 'P4', 'succeeded', 4000, currency => 'USD');
	is $till->balance($who), 4000, 'nor another currency';
	refund_heard($id, 'P5', 'pending', 4000);
	is $till->balance($who), 4000, 'one under way';
	is $pg->value(q{SELECT count(*) FROM store.refund WHERE ext_id = 'P5' AND next_ask_at IS NOT NULL}), 1, 'is asked about';
	$pg->do(q{UPDATE store.refund SET next_ask_at = now() WHERE ext_id = 'P5'});
	$till->pay_due;
	my ($task) = $till->asked($id, 'pay_refund_ask');
	is_deeply $task->{payload}, {provider => 'yookassa', refund_ext_id => 'P5'}, 'by its id';
	$till->tell($task, 'done', result => $till->refund_truth($id, 'P5', 'succeeded', 4000));
	is $till->balance($who), 0, 'until it is through';
	is $till->state($id), 'refunded', 'all is refunded';
	whole;
};

subtest 'before the success' => sub {
	my $who = somebody();
	my $id = $till->created($who);
	is refund_heard($id, 'B1', 'succeeded', 10000), 'ok', 'a refund of what has not come in';
	is $till->balance($who), 0, 'nothing to take';
	is $till->answered($id, $till->truth($id, 'succeeded', refunded => 10000)), 1, 'the payment is asked about';
	is $till->balance($who), 0, 'in and out in one';
	is $till->state($id), 'refunded', 'refunded';
	is $pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = ?', $who), 2, 'two movements';
	my $other = $till->created($who);
	$till->heard($other, $till->truth($other, 'succeeded', refunded => 2500));
	is $till->balance($who), 0, 'refunds we have not heard of: not credited yet';
	my ($list) = $till->asked($other, 'pay_list');
	is "$list->{payload}{what} $list->{payload}{ext_id}", "refunds E$other", 'they are listed first';
	$till->tell($list, 'done', result => {items => [$till->refund_truth($id, 'B1', 'succeeded', 10000),
		$till->refund_truth($other, 'B2', 'succeeded', 2500)]});
	is $till->answered($other, $till->truth($other, 'succeeded', refunded => 2500)), 1, 'then the payment again';
	is $till->balance($who), 7500, 'less what went back';
	whole;
};

subtest 'of a package' => sub {
	my $who = somebody();
	my $id = $till->paid($who, credits => 1000);
	$till->heard($id, $till->truth($id, 'succeeded', refunded => $_)) for 100, 100, 333, 500;
	is $till->balance($who, 'credit'), 1000 - int(1000 * 500 / 700), 'credits in proportion, rounded for the person';
	$till->heard($id, $till->truth($id, 'refunded', refunded => 700));
	is $till->balance($who, 'credit'), 0, 'and the last takes what is left';
	is $till->state($id), 'refunded', 'refunded';
	is $pg->value(q{SELECT sum(balance) FROM ledger.account WHERE role = 'sales' AND unit = 'usd'}), 0, 'nothing is sold';
	whole;
};

subtest 'of what was spent: debt' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	my $job = $till->job($who, unit => 'rub', amount => 7000);
	$till->forget;
	refund_heard($id, 'D1', 'succeeded', 10000);
	is $till->balance($who), -7000, 'the rest is owed';
	is_deeply $till->purse($who), {free => 0, credit => 0, rub => -7000}, 'and shown';
	is_deeply [$till->told($who)]->[0]{args}{debt}, {unit => 'rub', amount => 7000}, 'told';
	is_deeply [$till->told(900)], [{notice => 'alert', args => {what => 'debt', payment => $id, person => $who,
		debt => {unit => 'rub', amount => 7000}}}], 'an admin hears';
	$till->give($who, 'credit', 50);
	my $quote = $till->quote($who, unit => 'credit', amount => 10);
	my $order = $till->order($who, $quote);
	is "$order->{outcome} $order->{debt_unit} $order->{debt}", 'debt rub 7000', 'who owes starts nothing';
	my $failing = $till->job_fail($job);
	is $till->balance($who), 0, 'what comes back pays the debt';
	is $till->order($who, $quote)->{outcome}, 'ordered', 'then he may';
	$id = $till->paid($who, amount => 5000);
	$till->give($who, 'rub', -5000);
	refund_heard($id, 'D2', 'succeeded', 5000);
	is $till->balance($who), -5000, 'owes again';
	$till->paid($who, amount => 2000);
	is $till->balance($who), -3000, 'a top-up pays some';
	$till->paid($who, amount => 4000);
	is $till->balance($who), 1000, 'and another the rest';
	$till->give($who, 'rub', -1000);
	my $credits = $till->paid($who, credits => 1000);
	$till->give($who, 'credit', -1000);
	$till->heard($credits, $till->truth($credits, 'refunded', refunded => 700));
	is $till->balance($who, 'credit'), -960, 'credits are owed too';
	whole;
};

subtest 'ordered by an admin' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	is admin_refund(9999)->{outcome}, 'gone', 'of no payment';
	is admin_refund($till->created($who, amount => 100))->{outcome}, 'state', 'of one that is not there';
	is admin_refund($till->paid($who, credits => 1000))->{outcome}, 'manual', 'where it is done by hand';
	is admin_refund($id, 10001)->{outcome}, 'much', 'more than was paid';
	my $row = admin_refund($id, 4000);
	is $row->{outcome}, 'started', 'started';
	is $till->balance($who), 6000, 'held first';
	is admin_refund($id, 6001)->{outcome}, 'much', 'what is under way counts';
	my $r = $till->refund($row->{refund});
	my ($task) = $till->asked($id, 'pay_refund');
	is_deeply $task->{payload}, {refund => $r->{id}, payment => $id, provider => 'yookassa', ext_id => "E$id",
		key => $r->{key}, amount => 4000, currency => 'RUB', description => "Refund $r->{id}"}, 'what the pay lane is to do';
	$till->tell($task, 'unknown');
	is $pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'pay_refund' AND state = 'ready' AND
		payload ->> 'key' = ?}, $r->{key}), 1, 'unknown: again under its key';
	is $till->balance($who), 6000, 'and held on';
	($task) = $till->asked($id, 'pay_refund');
	$till->tell($task, 'done', result => $till->refund_truth($id, 'A1', 'pending', 4000));
	is $till->balance($who), 6000, 'pending';
	$pg->do(q{UPDATE store.refund SET next_ask_at = now() WHERE id = ?}, $r->{id});
	is $till->pay_due, 1, 'asked about by itself';
	($task) = $till->asked($id, 'pay_refund_ask');
	$till->tell($task, 'done', result => $till->refund_truth($id, 'A1', 'canceled', 4000));
	is $till->balance($who), 10000, 'canceled: given back';
	$row = admin_refund($id);
	is $till->refund($row->{refund})->{amount}, 10000, 'all that is left';
	is $till->balance($who), 0, 'held';
	is refund_heard($id, 'A2', 'succeeded', 10000), 'ok', 'the notification is first';
	is $till->state($id), 'refunded', 'and settles it';
	($task) = $till->asked($id, 'pay_refund');
	$till->tell($task, 'done', result => $till->refund_truth($id, 'A2', 'succeeded', 10000));
	is $till->balance($who), 0, 'once';
	is $pg->value('SELECT count(*) FROM store.refund WHERE payment_id = ?', $id), 2, 'as one refund';
	is admin_refund($id)->{outcome}, 'none', 'nothing is left';
	my $spent = $till->paid($who, amount => 3000);
	$till->give($who, 'rub', -1);
	is admin_refund($spent)->{outcome}, 'short', 'what is spent is not ours to give';
	$row = admin_refund($spent, 2000);
	($task) = $till->asked($spent, 'pay_refund');
	$till->tell($task, 'refused', class => 'input');
	is $till->balance($who), 2999, 'refused: given back';
	is $till->refund($row->{refund})->{state}, 'failed', 'and over';
	$row = admin_refund($spent, 1000);
	($task) = $till->asked($spent, 'pay_refund');
	$pg->do(q{UPDATE store.refund SET created_at = created_at - interval '1 day' WHERE id = ?}, $row->{refund});
	$till->tell($task, 'unknown');
	is $till->pay_due, 1, 'its key is over: looked for';
	($task) = $till->asked($spent, 'pay_list');
	$till->tell($task, 'done', result => {items => []});
	is $till->balance($who), 2999, 'not there: given back';
	refund_heard($spent, 'A3', 'succeeded', 1000);
	is $till->balance($who), 1999, 'there after all: taken';
	whole;
};

subtest 'booked by hand' => sub {
	my $who = somebody();
	my $id = $till->paid($who, credits => 1000);
	my $book = sub (@a) { $pg->value('SELECT ctl.refund_book(?, ?, ?, 900, ?)', $id, @a, 'chargeback') };
	is $book->(350, 'c1'), 'done', 'done';
	is $book->(350, 'c1'), 'again', 'once';
	is $book->(351, 'c2'), 'much', 'no more than there is';
	is $till->balance($who, 'credit'), 500, 'half';
	whole;
};

subtest 'everything at once' => sub {
	my $who = somebody();
	my @ids = map { $till->created($who, amount => 1000 * $_) } 1 .. 4;
	my (@work, @last);
	for my $id (@ids) {
		my $amount = $till->payment($id)->{amount};
		my $truth = $till->truth($id, 'succeeded', refunded => 500);
		push @work, map { [$till->leased('pay_ask', {payment => $id, provider => 'yookassa'}, $id), $truth] } 1 .. 10;
		push @work, map { [$till->leased('pay_refund_ask', {provider => 'yookassa', refund_ext_id => "Q$id"}),
			$till->refund_truth($id, "Q$id", 'succeeded', 500)] } 1 .. 10;
		push @last, [$id, $truth];
	}
	@work = shuffle @work;
	my @quotes = map { $till->quote($who, unit => 'rub', amount => 700) } 1 .. 20;
	my @got = $pg->at_once(20, 'postgres', sub ($i, $db) {
		my $own = Atelier::Life::new('Atelier::Till', $pg);
		my @answers = map { eval { $own->tell($_->[0], 'done', result => $_->[1]) } // "died: $@" }
			@work[$i * 4 .. $i * 4 + 3];
		$own->order($who, $quotes[$i], undef, 1000);
		return \@answers;
	});
	my %count;
	$count{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @got;
	is_deeply \%count, {ok => 80}, 'each report counted';
	for my $last (@last) {
		$till->asked;
		$till->tell($till->leased('pay_list', {provider => 'yookassa', what => 'refunds'}, $last->[0]), 'done',
			result => {items => [$till->refund_truth($last->[0], "Q$last->[0]", 'succeeded', 500)]});
		$till->tell($till->leased('pay_ask', {payment => $last->[0], provider => 'yookassa'}, $last->[0]), 'done',
			result => $last->[1]);
	}
	my $held = $pg->value(q{SELECT coalesce(sum(amount), 0) FROM store.job WHERE person_id = ?}, $who);
	is $till->balance($who) + $held, 10000 - 4 * 500, 'every top-up and every refund once';
	is $pg->value(q{SELECT count(*) FROM store.refund r JOIN store.payment y ON y.id = r.payment_id
		WHERE y.person_id = ? AND r.state = 'succeeded'}, $who), 4, 'four refunds';
	whole;
};

subtest 'two top-ups race, and a hundred starts with money for one' => sub {
	my $who = somebody();
	my $quote = $till->quote($who, unit => 'rub', amount => 1000);
	is $till->order($who, $quote)->{outcome}, 'short', 'short';
	my @ids = map { $till->created($who, amount => $_) } 600, 500;
	my @tasks = map { $till->leased('pay_ask', {payment => $_, provider => 'yookassa'}, $_) } @ids;
	my @truths = map { $till->truth($_, 'succeeded') } @ids;
	$till->forget;
	$pg->at_once(2, 'postgres', sub ($i, $db) {
		return Atelier::Life::new('Atelier::Till', $pg)->tell($tasks[$i], 'done', result => $truths[$i]);
	});
	is $till->balance($who), 1100, 'both are there';
	my @done = grep { $_->{notice} eq 'pay_done' } $till->told($who);
	is_deeply [map { $_->{args}{quote} // '-' } @done], ['-', $quote], 'the waiting job is offered when there is enough';
	my @quotes = ($quote, map { $till->quote($who, unit => 'rub', amount => 1000) } 1 .. 99);
	my @got = $pg->at_once(20, 'atelier_responder', sub ($i, $db) {
		return [map { $db->selectrow_array('SELECT outcome FROM responder.job_order(?, ?, NULL, 1000)', undef,
			$who, $_) } @quotes[$i * 5 .. $i * 5 + 4]];
	});
	my %count;
	$count{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @got;
	is_deeply \%count, {ordered => 1, short => 99}, 'one is started';
	is $till->balance($who), 100, 'and paid';
	whole;
};
done_testing;
