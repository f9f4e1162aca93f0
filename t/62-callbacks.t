# Every callback of t/data/callbacks, good and hostile, through nginx: what is answered and what it does to money.
# A case: order (pending, paid, closed or none), truth (what the provider will say: action, or set over its object),
# event/form/body/make (what is posted), copies at once; then http, state, credited (minor units), alert.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Digest::MD5 qw(md5_hex);
use JSON::PP;
use Mojo::Promise;
use Mojo::UserAgent;
use Mojo::Util qw(url_escape);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {ADMIN_IDS => '900001', RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
$stack->market(post => '/control/set', {notify => JSON::PP::false});
$stack->person(id => 900001, first_name => 'Админ', language_code => 'ru');
my $pg = $stack->pg;
my $web = $pg->connect('atelier_responder');
my ($secret) = $Atelier::Stack::BETATRANSFER[1];
open my $file, '<:raw', "$stack->{src}/t/data/callbacks/cases.json" or die $!;
my @cases = @{decode_json(do { local $/ = undef; <$file> })->{cases}};

# ---- seeds: all orders first, so that they wait together ---------------------------------------------------

my $person = 800_000;
for my $case (@cases) {
	$case->{person} = ++$person;
	$web->do('SELECT * FROM responder.update_open(ARRAY[$1::bigint], ARRAY[$2::bigint], ARRAY[\'П\'], ARRAY[NULL::text],'
		. ' ARRAY[\'ru\'], 4, 1000)', undef, 10_000_000 + $person, $person);
	next if $case->{order} eq 'none';
	my @what = $case->{provider} eq 'yookassa' ? (29900, 'RUB', 'rub', 29900, undef) : (700, 'USD', 'credit', 1000, 'small');
	$web->do('SELECT * FROM responder.payment_open($1, $2, $3, $4, $5, $6, $7, false, $8)', undef, $person, $case->{provider}, @what,
		"case $case->{name}");
	($case->{payment}) = $pg->value('SELECT id FROM store.payment WHERE person_id = $1', $person);
}
await('all payments to be created at the providers', 60, sub {
	$pg->value('SELECT count(*) FROM store.payment WHERE ext_id IS NULL OR url IS NULL') == 0 });
for my $case (grep { $_->{payment} } @cases) {
	@$case{qw(ext order_name)} = @{$pg->table('SELECT ext_id, order_name FROM store.payment WHERE id = $1', $case->{payment})->[0]};
	next if $case->{order} ne 'paid';
	$stack->pay(provider => $case->{provider}, id => $case->{ext}, action => 'pay');
	$web->do('SELECT responder.payment_check($1, $2)', undef, $case->{person}, $case->{payment});
}
await('the paid ones to be credited', 60, sub { $pg->value('SELECT count(*) FROM store.payment WHERE state = \'succeeded\'')
	== grep { $_->{order} eq 'paid' } @cases });
$pg->do('UPDATE store.payment SET state = \'canceled\', reason = \'expired\', next_ask_at = NULL WHERE id = $1', $_->{payment})
	for grep { $_->{order} eq 'closed' } @cases;

# ---- playing a case ----------------------------------------------------------------------------------------

sub set_truth {
	my ($case) = @_;
	my $truth = $case->{truth};
	my $provider = $case->{provider};
	$stack->pay(provider => $provider, id => $case->{ext}, action => $truth->{action}, ($truth->{amount} ? (amount => $truth->{amount}) : ()))
		if $truth && $truth->{action};
	if ($truth && $truth->{set}) {
		my ($view) = grep { $_->{provider} eq $provider && $_->{id} eq $case->{ext} } @{$stack->payments};
		$stack->market(post => '/control/payment', {provider => $provider, object => {%{$view->{object}}, %{$truth->{set}}}});
	}
	if ($case->{foreign}) {
		$case->{ext} = '30aa0004-000f-5000-9000-1bb000000004';
		$stack->market(post => '/control/payment', {provider => $provider, object => {id => $case->{ext}, status => 'succeeded', paid => JSON::PP::true,
			amount => {value => $case->{foreign}{amount}, currency => 'RUB'}, created_at => '2026-11-20T10:00:00.000Z', test => JSON::PP::true,
			refundable => JSON::PP::true, recipient => {account_id => $Atelier::Stack::YOOKASSA[0], gateway_id => '1'}}});
	}
	if ($case->{refund}) {
		my $answer = $stack->pay(provider => $provider, id => $case->{ext}, action => 'refund', amount => $case->{refund});
		$case->{refund_id} = $answer->{refund}{id};
	}
	$stack->fault(side => 'yookassa', match => '^GET', times => $case->{down}, action => 'status', status => 500) if $case->{down};
	return;
}

my %made = (
	huge => sub { 'x' x 1_300_000 },
	deep => sub { '{"event":"payment.succeeded","object":' . '[' x 20_000 . ']' x 20_000 . '}' },
	bytes => sub { my ($case) = @_; qq({"event":"payment.succeeded","object":{"id":"$case->{ext}","description":"\x01\xff\xfe\\u0000"}}) },
);

sub body_of {
	my ($case) = @_;
	return $made{$case->{make}}->($case) if $case->{make};
	if ($case->{form}) {
		my %field = (id => $case->{ext}, orderId => $case->{order_name}, orderAmount => '7.00', amount => '6.50', paidAmount => '7.00',
			commission => '0.50', currency => 'USD', paymentSystem => 'Card', %{$case->{form}});
		$field{sign} //= md5_hex($field{amount} . $field{orderId} . ($case->{secret} // $secret));
		$field{sign} = uc $field{sign} if $case->{capitals};
		return join('&', map { "$_=" . url_escape($field{$_}) } sort keys %field) . ($case->{append} // '');
	}
	return encode_json({type => 'notification', event => $case->{event}, object => {id => $case->{refund_id} // $case->{ext}, status => 'succeeded',
		amount => {value => '299.00', currency => 'RUB'}}}) if $case->{event};
	my $body = $case->{body};
	$body =~ s/\{ext\}/$case->{ext} \/\/ ''/ge;
	$body =~ s/\{order\}/$case->{order_name} \/\/ ''/ge;
	return $body;
}

my $ua = Mojo::UserAgent->new(ca => $stack->ca, max_connections => 64, request_timeout => 30);

sub post {
	my ($case, $body) = @_;
	my $yookassa = $case->{provider} eq 'yookassa';
	my $url = $stack->base . ($yookassa ? '/yookassa/webhook' : '/betatransfer/callback');
	my %header = ('Content-Type' => $case->{type} // ($yookassa ? 'application/json' : 'application/x-www-form-urlencoded'),
		'X-Played-Address' => $case->{from} // ($yookassa ? '185.71.76.5' : '198.51.100.20'));
	my @answers;
	Mojo::Promise->map({concurrency => 32}, sub {
		return $ua->start_p($ua->build_tx(($case->{method} // 'POST') => $url, \%header, $body))
			->then(sub { push @answers, $_[0]->res });
	}, 1 .. ($case->{copies} // 1))->wait;
	return @answers;
}

my $quiet = "SELECT count(*) FROM store.task WHERE lane = 'pay' AND (state = 'leased' OR state = 'ready' AND run_at < now() + interval '8 seconds')";
# What comes in comes in by callbacks: the poller would find all of it.
$pg->do("UPDATE store.payment SET next_ask_at = now() + interval '1 hour' WHERE next_ask_at IS NOT NULL");
for my $case (@cases) {
	my $name = $case->{name};
	set_truth($case);
	my @answers = post($case, body_of($case));
	my %allowed = map { $_ => 1 } @{$case->{http}};
	is_deeply([grep { !$allowed{$_} } map { $_->code } @answers], [], "$name: answered " . join ' or ', @{$case->{http}});
	is_deeply([grep { $_ ne 'OK' } map { $_->body } @answers], [], "$name: with OK") if $case->{ok};
	is(scalar(grep { $_->body eq 'OK' } @answers), 0, "$name: not with OK") if $answers[0]->code >= 400;
}
await('every hint to be followed', 60, sub { $pg->value($quiet) == 0 });

# Asking again after a failure takes its time.
for my $case (grep { ($_->{state} // '') =~ /succeeded|refunded|review|canceled/ } @cases) {
	eval { await('its state', 40, sub { $pg->value('SELECT state::text FROM store.payment WHERE id = $1', $case->{payment}) eq $case->{state} }) };
}
for my $case (@cases) {
	my $name = $case->{name};
	if (exists $case->{credited}) {
		my $unit = $case->{provider} eq 'yookassa' ? 'rub' : 'credit';
		is($pg->value('SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE person_id = $1 AND unit = $2::ledger.unit AND role = \'available\'',
			$case->{person}, $unit), $case->{credited}, "$name: credited $case->{credited}");
	}
	if ($case->{state}) {
		my $state = $pg->value('SELECT state::text FROM store.payment WHERE id = $1', $case->{payment});
		is($state, $case->{state}, "$name: the payment is $case->{state}");
		is($pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = $1 AND kind = \'topup\'', $case->{person}),
			($case->{credited} || $state eq 'refunded' || $case->{refund}) ? 1 : 0, "$name: topped up once or never");
	}
	if ($case->{alert}) {
		cmp_ok($pg->value('SELECT count(*) FROM store.task WHERE chat_id = 900001 AND payload->>\'notice\' = \'alert\''
			. ' AND payload->\'args\'->>\'what\' = $1', $case->{alert}), '>=', 1, "$name: the admins are told ($case->{alert})");
	}
}
my @wrong = grep { $_->{order} eq 'none' } @cases;
is($pg->value('SELECT count(*) FROM store.payment WHERE person_id = ANY ($1)', [map { $_->{person} } @wrong]), 0, 'unknown ones made nothing');
is($stack->post_update('{"update_id":1,"message":{"message_id":1,"date":1,"text":"/balance","from":{"id":800001,"is_bot":false,"first_name":"P"},'
	. '"chat":{"id":800001,"type":"private"}}}')->code, 200, 'the responders still answer');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
open my $log, '<', $stack->log_path('atelierd') or die $!;
my $said = do { local $/ = undef; <$log> };
unlike($said, qr/\Q$secret\E|\Q$Atelier::Stack::YOOKASSA[1]\E/, 'no secret in the log');
unlike($said, qr/role=\S+ .*signal=/, 'no process died');
done_testing;
