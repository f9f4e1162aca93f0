#!/usr/bin/perl
# Races of money, each repeated until it has been won from both sides: whoever comes first, the end is the same.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use JSON::PP ();
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $json = JSON::PP->new->canonical->allow_nonref;
my $next = 100;
my $rounds_max = 400;

sub somebody () { $till->seen(++$next, free => 0); return $next }

# A report as a dispatcher sends it; for use inside a race.
sub report ($db, $task, $result) {
	return $db->selectrow_array('SELECT answer FROM dispatcher.report(?, ?, ?, ?, ?, ?, ?::jsonb[], 300)', undef,
		[$task->{id}], [$task->{fence}], ['done'], [undef], [undef], [undef], [$json->encode($result)]);
}

# Two sides at once, started a little apart in turn; $who tells from the database who was first (0 or 1).
# Goes on until both have been.
sub race ($name, $make, $sides, $who, $check) {
	my (%won, $rounds);
	while ((keys %won < 2 || ($rounds // 0) < 10) && ++$rounds <= $rounds_max) {
		my $case = $make->();
		# Drawn here: children of one parent would all draw the same.
		my @wait = map { rand 0.025 } 0, 1;
		my @got = $pg->at_once(2, $sides->[0][0], sub ($i, $db) {
			my ($role, $act) = @{$sides->[$i]};
			$db = $pg->connect($role) if $role ne $sides->[0][0];
			select undef, undef, undef, $wait[$i];
			return $act->($db, $case);
		});
		$won{$who->($case, @got)}++;
		my $wrong = $check->($case, @got);
		is $wrong, undef, "$name, round $rounds" or last if defined $wrong;
	}
	is join(' ', sort keys %won), '0 1', "$name: each side has been first (" . join(', ', map { "$_: $won{$_}" } sort keys %won)
		. " of $rounds rounds)";
	is_deeply [$pg->broken], [], "$name: nothing is broken";
	return;
}

# Which of two tasks was first: their ends are stamped inside the transactions that the payment's row puts in order.
sub first_of (@tasks) {
	my @ended = map { $pg->value(q{SELECT extract(epoch FROM done_at) FROM store.task WHERE id = ?}, $_->{id}) } @tasks;
	return $ended[0] < $ended[1] ? 0 : 1;
}

sub credited_once ($case) {
	my $count = $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE payment_id = ? AND kind = 'topup'}, $case->{id});
	my $balance = $till->purse($case->{who})->{rub};
	return $count == 1 && $balance == 10000 ? undef : "$count credits, balance $balance";
}

# The create call's own answer (already paid by then) against the webhook's question.
race('create answer against webhook', sub {
	my $who = somebody();
	my $id = $till->open($who)->{payment};
	my ($create) = $till->asked($id, 'pay_create');
	my $truth = $till->truth($id, 'succeeded');
	my $ask = $till->leased('pay_ask', {payment => undef, provider => 'yookassa', order => undef, ext_id => $truth->{ext_id}});
	return {who => $who, id => $id, tasks => [$create, $ask], truth => $truth};
}, [
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{tasks}[0], $case->{truth}) }],
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{tasks}[1], $case->{truth}) }],
], sub ($case, @got) { first_of(@{$case->{tasks}}) }, sub ($case, @got) { credited_once($case) });

# Webhook's question against the button's and the poller's.
race('webhook against button and poller', sub {
	my $who = somebody();
	my $id = $till->created($who);
	my $truth = $till->truth($id, 'succeeded');
	my %payload = (payment => $id, provider => 'yookassa', order => undef, ext_id => $truth->{ext_id});
	return {who => $who, id => $id, truth => $truth, tasks => [map { $till->leased('pay_ask', \%payload, $id) } 1, 2]};
}, [
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{tasks}[0], $case->{truth}) }],
	['atelier_dispatcher', sub ($db, $case) { $db->do('SELECT dispatcher.pay_due(10)'); report($db, $case->{tasks}[1], $case->{truth}) }],
], sub ($case, @got) { first_of(@{$case->{tasks}}) }, sub ($case, @got) { credited_once($case) });

# A refund at the provider against spending the same money.
race('refund against spend', sub {
	my $who = somebody();
	my $id = $till->paid($who);
	my $quote = $till->quote($who, unit => 'rub', amount => 10000);
	my $task = $till->leased('pay_refund_ask', {provider => 'yookassa', refund_ext_id => "RF$id"}, $id);
	return {who => $who, id => $id, quote => $quote, task => $task, truth => $till->refund_truth($id, "RF$id", 'succeeded', 10000)};
}, [
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{task}, $case->{truth}) }],
	['atelier_responder', sub ($db, $case) {
		$db->selectrow_array('SELECT outcome FROM responder.job_order(?, ?, 5, 3)', undef, $case->{who}, $case->{quote}) }],
], sub ($case, @got) { $got[1] eq 'ordered' ? 1 : 0 }, sub ($case, @got) {
	my $state = $till->state($case->{id});
	my $low = $pg->value(q{SELECT min(balance) FROM ledger.account WHERE person_id = ? AND role IN ('available', 'held')}, $case->{who});
	return $state eq 'refunded' && $low >= 0 ? undef : "$state, lowest purse $low";
});

# Two top-ups of one person.
race('two top-ups', sub {
	my $who = somebody();
	my @ids = map { $till->created($who, amount => $_) } 4000, 6000;
	return {who => $who, id => $ids[0], ids => \@ids, truths => [map { $till->truth($_, 'succeeded') } @ids], tasks => [map {
		$till->leased('pay_ask', {payment => $_, provider => 'yookassa', order => undef, ext_id => $till->payment($_)->{ext_id}}, $_) } @ids]};
}, [
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{tasks}[0], $case->{truths}[0]) }],
	['atelier_dispatcher', sub ($db, $case) { report($db, $case->{tasks}[1], $case->{truths}[1]) }],
], sub ($case, @got) {
	my ($first) = $pg->value(q{SELECT payment_id FROM ledger.transfer WHERE person_id = ? AND kind = 'topup' ORDER BY id LIMIT 1}, $case->{who});
	return $first == $case->{ids}[0] ? 0 : 1;
}, sub ($case, @got) {
	my $balance = $till->purse($case->{who})->{rub};
	return $balance == 10000 ? undef : "balance $balance";
});
done_testing;
