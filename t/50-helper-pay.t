#!/usr/bin/perl
# The pay lane: payments, refunds and lists at ЮKassa and Betatransfer.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Helper qw($market $ann $SHOP desk done ended begin fault outcome tells_no_secret);
use Test::More;

my $pay = desk('pay');
my $cashier = begin('pay', $pay);

sub order ($provider, $n, %more) {
	return {payment => $n, provider => $provider, order => "a$n", key => "pay-$n", amount => 29_900,
		currency => 'RUB', description => "Пополнение №$n", person => $ann, %more};
}

subtest 'YooKassa' => sub {
	my $made = done($pay, 'pay_create', payload => order('yookassa', 1));
	outcome($made, 'done', '', 'opened');
	my $id = $made->{result}{ext_id};
	like $made->{result}{url}, qr{^http://127\.0\.0\.1:\d+/checkout/}, 'where the payer goes';
	delete @{$made->{result}}{qw(url ext_id)};
	is_deeply $made->{result}, {found => JSON::PP::true, order => 'a1', status => 'pending', raw => 'pending',
		amount => 29_900, currency => 'RUB', paid => 0, refunded => 0, test => JSON::PP::true, shop => $SHOP}, 'the truth';
	is done($pay, 'pay_create', payload => order('yookassa', 1))->{result}{ext_id}, $id, 'the same key, the same payment';
	outcome(done($pay, 'pay_create', payload => order('yookassa', 1, amount => 100_00)), 'refused', 'ours',
		'the same key for something else');
	outcome(done($pay, 'pay_create', payload => order('yookassa', 2, amount => 50)), 'refused', 'input', 'too little');
	$market->control(pay => {provider => 'yookassa', id => $id});
	my $asked = done($pay, 'pay_ask', payload => {provider => 'yookassa', order => 'a1', ext_id => $id});
	outcome($asked, 'done', '', 'asked');
	is_deeply [@{$asked->{result}}{qw(status paid refunded)}], ['succeeded', 29_900, 0], 'paid';
	my $refund = done($pay, 'pay_refund', payload => {refund => 1, payment => 1, provider => 'yookassa',
		ext_id => $id, key => 'refund-1', amount => 10_000, currency => 'RUB', description => 'Возврат'});
	outcome($refund, 'done', '', 'given back');
	is_deeply [@{$refund->{result}}{qw(status payment amount)}], ['succeeded', $id, 10_000], 'a part of it';
	is_deeply done($pay, 'pay_refund_ask', payload => {provider => 'yookassa',
		refund_ext_id => $refund->{result}{ext_id}})->{result}, $refund->{result}, 'asked for';
	outcome(done($pay, 'pay_refund', payload => {refund => 2, payment => 1, provider => 'yookassa',
		ext_id => $id, key => 'refund-2', amount => 29_900, currency => 'RUB', description => 'Возврат'}),
		'refused', 'input', 'not more than is left');
	my $none = done($pay, 'pay_ask', payload => {provider => 'yookassa', ext_id => '2f3a1b20-000f-5000-8000-000000000000'});
	outcome($none, 'done', '', 'unknown');
	is_deeply $none->{result}, {found => JSON::PP::false}, 'and told so';
	my %page = (provider => 'yookassa', since => int(time) - 3600, until => int(time) + 3600, cursor => undef);
	is_deeply [map { $_->{ext_id} } @{done($pay, 'pay_list', payload => {%page, what => 'payments'})->{result}{items}}],
		[$id], 'listed';
	is_deeply [map { $_->{payment} } @{done($pay, 'pay_list', payload => {%page, what => 'refunds'})->{result}{items}}],
		[$id], 'the refunds, too';
};

subtest 'YooKassa, in trouble' => sub {
	for my $fault ([action => 'lose'], [action => 'status', status => 500], [action => 'reset'], [action => 'wrong'],
		[action => 'status', status => 502, done => JSON::PP::true]) {
		fault(side => 'yookassa', match => '^POST /payments', @$fault);
		my $n = 10 + state $count++;
		outcome(done($pay, 'pay_create', payload => order('yookassa', $n)), 'later', 'busy', "@$fault: later");
		outcome(done($pay, 'pay_create', payload => order('yookassa', $n)), 'done', '', 'then it is opened');
	}
	fault(side => 'yookassa', match => '^POST /payments', action => '429');
	outcome(done($pay, 'pay_create', payload => order('yookassa', 20)), 'later', 'rate', 'too many');
	fault(side => 'yookassa', match => '^POST /payments', action => 'status', status => 202,
		body => {type => 'processing', retry_after => 900});
	my $wait = done($pay, 'pay_create', payload => order('yookassa', 20));
	outcome($wait, 'later', 'rate', 'still working on it');
	is $wait->{retry_ms}, 900, 'as long as it was told';
	$market->control(set => {yookassa_account => 'bad'});
	outcome(done($pay, 'pay_create', payload => order('yookassa', 20)), 'refused', 'funds', 'a key that is not taken');
	$market->control(set => {yookassa_account => 'good'});
	outcome(done($pay, 'pay_create', payload => {%{order('yookassa', 20)}, provider => 'nobody'}), 'refused', 'ours',
		'an unknown provider');
	my $count = $market->look('payments')->{counts}{yookassa} // {};
	is_deeply [grep { $_ > 1 } values %{$count->{payments_by_order} // {}}], [], 'one payment for each order';
};

subtest 'Betatransfer' => sub {
	my $made = done($pay, 'pay_create', payload => order('betatransfer', 31));
	outcome($made, 'done', '', 'opened');
	my $id = $made->{result}{ext_id};
	like $made->{result}{url}, qr{/checkout/betatransfer/\Q$id\E$}, 'where the payer goes';
	my %ask = (provider => 'betatransfer', order => 'a31');
	my $asked = done($pay, 'pay_ask', payload => {%ask, ext_id => $id});
	is_deeply [@{$asked->{result}}{qw(status amount paid)}], ['pending', 29_900, 0], 'nothing is paid';
	$market->control(pay => {provider => 'betatransfer', order => 'a31', action => 'partial', amount => '100.00'});
	is_deeply [@{done($pay, 'pay_ask', payload => \%ask)->{result}}{qw(status amount paid)}],
		['partial', 29_900, 10_000], 'a part, asked for by the order';
	$market->control(pay => {provider => 'betatransfer', order => 'a31'});
	is_deeply [@{done($pay, 'pay_ask', payload => \%ask)->{result}}{qw(status amount paid)}],
		['succeeded', 29_900, 29_900], 'all of it';
	is done($pay, 'pay_create', payload => order('betatransfer', 31))->{result}{ext_id}, $id,
		'the order once more: the payment that is there';
	is_deeply done($pay, 'pay_ask', payload => {%ask, order => 'a32'})->{result}, {found => JSON::PP::false}, 'unknown';
	fault(side => 'betatransfer', match => '^POST /payment', action => 'lose');
	my $lost = done($pay, 'pay_create', payload => order('betatransfer', 33));
	outcome($lost, 'later', 'busy', 'its answer is lost');
	my $found = done($pay, 'pay_create', payload => order('betatransfer', 33), memo => $lost->{result});
	outcome($found, 'done', '', 'found again');
	is $found->{result}{order}, 'a33', 'by its order';
	fault(side => 'betatransfer', match => '^POST /payment', action => 'reset');
	$lost = done($pay, 'pay_create', payload => order('betatransfer', 34));
	outcome(done($pay, 'pay_create', payload => order('betatransfer', 34), memo => $lost->{result}), 'done', '',
		'never came: sent again');
	$market->control(set => {betatransfer_account => 'bad'});
	outcome(done($pay, 'pay_ask', payload => \%ask), 'refused', 'funds', 'a token that is not taken');
	$market->control(set => {betatransfer_account => 'good'});
	outcome(done($pay, 'pay_refund', payload => {provider => 'betatransfer'}), 'refused', 'gone', 'no refunds there');
	my $list = done($pay, 'pay_list', payload => {provider => 'betatransfer', what => 'payments', since => 0,
		until => 1, cursor => undef});
	is_deeply [sort map { $_->{order} } @{$list->{result}{items}}], [qw(a31 a33 a34)], 'listed';
	close $cashier->{life};
	is ended($cashier), 0, 'leaves well';
	close $pay->{socket};
};

subtest 'secrets' => sub {
	my $logs = tells_no_secret('pay', [], 'pay_list', payload => {provider => 'betatransfer', what => 'payments', since => 0,
		until => 1, cursor => undef});
	like $logs, qr/task=\d+ kind=pay_create job=\d+ outcome=done class=- ms=\d+/, 'the log tells the ends';
};

is_deeply $market->look('strange')->{strange}, [], 'nothing that a careful client never does';
done_testing;
