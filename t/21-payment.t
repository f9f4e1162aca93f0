#!/usr/bin/perl
# Payments: whatever arrives, from wherever, in whatever order, money is there once, and only what was ordered.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use List::Util qw(shuffle);
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $next = 10;

sub somebody () { $till->seen(++$next); return $next }

# Nothing is broken, and nothing is left over for the next subtest.
sub whole () {
	is_deeply [$pg->broken], [], 'nothing is broken';
	$pg->do(q{UPDATE store.payment SET state = 'canceled', next_ask_at = NULL WHERE state IN ('created', 'pending')});
	$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		done_at = now() WHERE state IN ('ready', 'leased') AND lane = 'pay'});
	$till->forget;
	return;
}

subtest 'the way of a payment' => sub {
	my $who = somebody();
	my $row = $till->open($who);
	my $id = $row->{payment};
	is_deeply $row, {outcome => 'opened', payment => $id, url => undef}, 'opened';
	my $y = $till->payment($id);
	is "$y->{order_name} $y->{state}", "a$id created", 'written before the provider is asked';
	my ($create) = $till->asked($id);
	is_deeply $create->{payload}, {payment => $id, provider => 'yookassa', order => "a$id", key => $y->{key},
		amount => 10000, currency => 'RUB', description => 'test', person => $who}, 'what the pay lane is to create';
	my ($wait) = $till->talk;
	is_deeply $wait->{payload}, {notice => 'pay_wait', args => {payment => $id,
		amount => {unit => 'rub', amount => 10000}}}, 'the person is told to wait';
	is $till->open($who)->{outcome}, 'again', 'two taps are one payment';
	is $till->tell($create, 'done', result => $till->truth($id, 'pending', url => 'https://pay.example/1')), 'ok',
		'created';
	my ($link) = $till->talk;
	is_deeply $link->{payload}, {notice => 'pay_link', args => {payment => $id, url => 'https://pay.example/1',
		amount => {unit => 'rub', amount => 10000}}}, 'the link';
	is "$link->{kind} $link->{message_id}", 'edit ' . $till->payment($id)->{status_message_id}, 'in the same message';
	is_deeply $till->open($who), {outcome => 'again', payment => $id, url => 'https://pay.example/1'}, 'asked again';
	($link) = $till->talk;
	is "$link->{kind} $link->{payload}{notice}", 'say pay_link', 'the link is said once more, at the end of the chat';
	is $till->heard($id, $till->truth($id, 'pending')), 'queued', 'a hint';
	is $till->state($id), 'pending', 'is only a hint';
	is $till->balance($who), 0, 'and no money';
	is $till->heard($id, $till->truth($id, 'succeeded')), 'queued', 'another';
	is $till->balance($who), 10000, 'the truth is';
	my ($done) = $till->talk;
	is_deeply $done->{payload}, {notice => 'pay_done', args => {payment => $id,
		amount => {unit => 'rub', amount => 10000}, balance => {unit => 'rub', amount => 10000}}}, 'told';
	is $till->hint($id), 'known', 'a hint that can tell nothing new';
	my $check = sub ($as = $who, $what = $id) {
		return ($till->call(responder => 'SELECT responder.payment_check(?, ?) AS o', $as, $what))[0]{o};
	};
	is $check->(), 'done', '«Проверить статус» afterwards';
	is_deeply [map { $_->{payload}{notice} } $till->talk], ['pay_done'], 'says it again';
	is $check->(1), 'gone', 'to another there is no such payment';
	is $check->($who, 9999), 'gone', 'nor is one that is none';
	is $till->open($who)->{outcome}, 'opened', 'the next is another payment';
	whole;
};

subtest 'the button asks' => sub {
	my $who = somebody();
	my $id = $till->created($who);
	my $check = sub { ($till->call(responder => 'SELECT responder.payment_check(?, ?) AS o', $who, $id))[0]{o} };
	is $check->(), 'asked', 'asked';
	is $check->(), 'asked', 'twice';
	my @tasks = $till->asked($id);
	is scalar @tasks, 1, 'is one question';
	is_deeply $tasks[0]{payload}, {payment => $id, provider => 'yookassa', order => "a$id", ext_id => "E$id"},
		'which says what to ask about';
	$check->();
	is scalar $till->asked($id), 0, 'not again within three seconds';
	$till->forget;
	$till->tell($tasks[0], 'done', result => $till->truth($id, 'pending'));
	is_deeply [$till->notices($who)], ['pay_pending'], 'nothing has come yet: told to who asked';
	$till->passes($id, '4 seconds');
	$check->();
	is $till->answered($id, $till->truth($id, 'canceled', reason => 'general_decline')), 1, 'asked again later';
	is_deeply [$till->told($who)]->[-1], {notice => 'pay_canceled', args => {payment => $id,
		reason => 'general_decline'}}, 'declined';
	is $check->(), 'done', 'its fate is known';
	is $till->notices($who), 3, 'and said once more';
	whole;
};

subtest 'a package of credits' => sub {
	my $who = somebody();
	my $id = $till->paid($who, credits => 1000);
	is $till->balance($who, 'credit'), 1000, 'credits';
	is $pg->value(q{SELECT sum(balance) FROM ledger.account WHERE role = 'sales' AND unit = 'usd'}), 700, 'are sold';
	is $till->open($who, credits => 1000)->{outcome}, 'opened', 'again';
	is $till->open($who, credits => 5000, amount => 3000)->{outcome}, 'opened', 'and another';
	is $till->open($who, amount => $_)->{outcome}, 'opened', "and $_" for 1000, 2000, 3000;
	is $till->open($who, amount => 4000)->{outcome}, 'limit', 'five are open';
	whole;
};

subtest 'a hundred at once' => sub {
	my $who = somebody();
	my @ids = map { $till->created($who, amount => 1000 + $_) } 1 .. 4;
	my (@work, %truth);
	for my $id (@ids) {
		# Answers of the creation, the poller, the button and the webhook; some know the id only.
		my @asks = map { $till->leased('pay_ask', {payment => $_ % 2 ? $id : undef, provider => 'yookassa',
			order => undef, ext_id => "E$id"}, $_ % 2 ? $id : undef) } 1 .. 20;
		push @asks, map { $till->leased('pay_create', {payment => $id}, $id) } 1 .. 5;
		$truth{$id} = [map { $till->truth($id, $_) } 'succeeded', 'pending', 'canceled'];
		push @work, map { [$id, $_] } @asks;
	}
	@work = shuffle @work;
	$pg->do(q{UPDATE store.payment SET next_ask_at = now(), asked_at = NULL WHERE state = 'pending'});
	my @got = $pg->at_once(20, 'postgres', sub ($i, $db) {
		my $own = Atelier::Life::new('Atelier::Till', $pg);
		my @answers;
		for my $k (0 .. 4) {
			my ($id, $task) = $work[$i * 5 + $k]->@*;
			my $late = $k == 4 && $i % 2;
			my $say = $truth{$id}[$late ? 1 + $i % 4 / 2 : 0];
			push @answers, eval { $own->tell($task, 'done', result => $say) } // "died: $@";
			$own->call(responder => 'SELECT responder.payment_hint(?, ?, ?, ?, ?)', 'yookassa', "E$id", undef,
				'payment', 'x') if $k % 2;
			$own->call(responder => 'SELECT responder.payment_check(?, ?)', $who, $id) if $k == 3;
			$own->call(dispatcher => 'SELECT dispatcher.pay_due(10)') if $k == 2;
		}
		return \@answers;
	});
	my %count;
	$count{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @got;
	# A deadlock is the caller's to repeat; none is expected as locks are taken in order.
	is_deeply \%count, {ok => 100}, 'each report counted';
	$till->answered($_, $truth{$_}[0]) for @ids;
	is_deeply [map { $till->state($_) } @ids], [('succeeded') x 4], 'all have come in';
	is $till->balance($who), 4010, 'each once';
	is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE kind = 'topup' AND person_id = ?}, $who), 4,
		'four top-ups';
	is scalar(grep { $_ eq 'pay_done' && 1 } $till->notices($who)) >= 4, 1, 'and told';
	is $pg->value(q{SELECT count(*) FROM store.task WHERE dedup ~ '^pay:[0-9]+:done$' AND chat_id = ?}, $who), 4,
		'once each';
	whole;
};

subtest 'a hint before the creation answers' => sub {
	my $who = somebody();
	my $id = $till->open($who)->{payment};
	my ($create) = $till->asked($id, 'pay_create');
	my ($row) = $till->call(responder => q{SELECT responder.payment_hint('yookassa', ?, NULL, 'payment', 'x') AS o}, "E$id");
	is $row->{o}, 'queued', 'an id we do not know yet';
	is $till->answered(0, $till->truth($id, 'succeeded')), 1, 'is asked about';
	is $till->balance($who), 10000, 'found by our order name, and credited';
	is $till->tell($create, 'done', result => $till->truth($id, 'pending', url => 'https://pay.example/')), 'ok',
		'then the creation answers';
	is $till->state($id), 'succeeded', 'which moves nothing back';
	is_deeply [grep { $_ eq 'pay_link' } $till->notices($who)], [], 'and no link is offered';
	whole;
};

subtest 'what was not ordered is not credited' => sub {
	my @not = (
		['amount', {amount => 9999, paid => 9999}, 'pay_mismatch', qr/99\.99 RUB, not 100\.00 RUB/],
		['currency', {currency => 'USD'}, 'pay_mismatch', qr/100\.00 USD, not 100\.00 RUB/],
		['order', {order => 'a99999'}, 'pay_mismatch', qr/order a99999, not a/],
		['order', {order => undef}, 'pay_mismatch', qr/order missing/],
		['partial', {paid => 5000}, 'pay_mismatch', qr/paid 50\.00 RUB of 100\.00 RUB/],
		['partial', {status => 'partial'}, 'pay_mismatch', qr/paid 100\.00 RUB of/],
		['shop', {shop => '1'}, 'pay_mismatch', qr/shop 1, not 100500/],
		['shop', {shop => undef}, 'pay_mismatch', qr/shop missing/],
		['test', {test => \1}, 'pay_test', qr/test money/],
		['test', {test => undef}, 'pay_test', qr/test money/],
	);
	for my $case (@not) {
		my ($flaw, $over, $what, $text) = @$case;
		my $who = somebody();
		my $id = $till->created($who);
		$till->heard($id, $till->truth($id, 'succeeded', %$over)) for 1, 2;
		my $y = $till->payment($id);
		is "$y->{state} $y->{reason}", "review $flaw", $flaw;
		is $till->balance($who), 0, 'no money';
		is_deeply [grep { /review|done/ } $till->notices($who)], ['pay_review'], 'the person is told, once';
		for my $admin (900, 901) {
			my @alerts = $till->told($admin);
			is scalar @alerts, 1, "admin $admin hears of it, once";
			is "$alerts[0]{notice} $alerts[0]{args}{what} $alerts[0]{args}{payment}", "alert $what $id", 'with what';
			like $alerts[0]{args}{text}, $text, 'and why';
		}
		$till->heard($id, $till->truth($id, 'succeeded'));
		is $till->state($id), 'succeeded', 'all as ordered after all';
		is $till->balance($who), 10000, 'is credited';
		whole;
	}
	my $over = somebody();
	my $more = $till->created($over);
	$till->heard($more, $till->truth($more, 'succeeded', paid => 10001)) for 1, 2;
	is $till->state($more) . ' ' . $till->balance($over), 'succeeded 10000', 'more than ordered: what was ordered';
	is_deeply [$till->notices(900)], ['alert.pay_over'], 'and an admin hears of the rest, once';
	whole;
	my $who = somebody();
	my $id = $till->created($who, credits => 1000, test => 1);
	$till->heard($id, $till->truth($id, 'succeeded'));
	is $till->state($id), 'review', 'a test payment of Betatransfer never is';
	$till->settings(yookassa_test => 'true');
	my $test = $till->paid($who);
	is $till->payment($test)->{test}, 1, 'a test shop\'s payments are test ones, and credited there';
	$till->settings;
	my $other = $till->created($who, amount => 777, test => 1);
	$till->heard($other, $till->truth($other, 'succeeded'));
	is $till->state($other), 'review', 'but not in a shop that is none';
	whole;
};

subtest 'late and out of order' => sub {
	my $who = somebody();
	my $id = $till->created($who);
	$till->heard($id, $till->truth($id, 'succeeded'));
	$till->answered($id, $till->truth($id, $_)) for 'pending', 'canceled';
	$till->tell($till->leased('pay_ask', {payment => $id, provider => 'yookassa'}, $id), 'done',
		result => $till->truth($id, $_)) for 'canceled', 'pending', 'waiting';
	is $till->state($id), 'succeeded', 'paid never goes back';
	my $late = $till->created($who, amount => 500);
	$till->heard($late, $till->truth($late, 'canceled', reason => 'expired_on_confirmation'));
	is $till->state($late), 'canceled', 'canceled';
	$till->heard($late, $till->truth($late, 'succeeded'));
	my $y = $till->payment($late);
	is "$y->{state} $y->{late}", 'succeeded 1', 'a late success is honoured, and marked';
	is $till->balance($who), 10500, 'credited';
	my $failed = $till->open($who, amount => 700)->{payment};
	my ($create) = $till->asked($failed);
	$till->tell($create, 'refused', class => 'input', text => 'no');
	is $till->state($failed), 'failed', 'refused';
	is [$till->notices($who)]->[-1], 'pay_failed', 'told';
	$till->call(responder => q{SELECT responder.payment_hint('yookassa', ?, NULL, 'payment', 'x')}, "E$failed");
	$till->answered(0, $till->truth($failed, 'succeeded'));
	is $till->state($failed), 'succeeded', 'and there after all';
	whole;
};

subtest 'nobody\'s payment' => sub {
	my $ask = sub ($ext, %truth) {
		$till->call(responder => q{SELECT responder.payment_hint('yookassa', ?, NULL, 'payment', 'x')}, $ext);
		return $till->answered(0, {found => \1, ext_id => $ext, status => 'succeeded', amount => 4200,
			currency => 'EUR', paid => 4200, refunded => 0, %truth});
	};
	is $ask->('X1'), 1, 'asked';
	is $ask->('X1'), 1, 'twice';
	is_deeply [$till->told(900)], [{notice => 'alert', args => {what => 'pay_orphan', provider => 'yookassa',
		ext_id => 'X1', text => '42.00 EUR'}}], 'told once';
	$ask->('X2', status => 'pending');
	$ask->('X3', found => \0);
	$ask->('X4', order => 'zzz', status => 'canceled');
	is scalar $till->told(900), 1, 'what has not come in is nobody\'s business';
	my $who = somebody();
	my $id = $till->created($who);
	$ask->('X5', order => "a$id", currency => 'RUB');
	is $till->state($id), 'pending', 'a second payment under one order is not ours';
	is [$till->told(900)]->[-1]{args}{ext_id}, 'X5', 'and told';
	my %answer;
	$answer{(($till->call(responder => q{SELECT responder.payment_hint('yookassa', ?, NULL, 'payment', 'x') AS o},
		"flood$_"))[0]{o})}++ for 1 .. 120;
	is_deeply \%answer, {queued => 50, dropped => 70}, 'a flood of ids costs fifty questions';
	is $pg->value(q{SELECT value FROM store.health() WHERE metric = 'hints_dropped_total'}), 70, 'and is counted';
	is $till->hint($id), 'queued', 'our own are asked about all the same';
	whole;
};
done_testing;
