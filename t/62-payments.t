# Payments under load and in every order of events: each is credited exactly once, whatever arrives when.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP;
use List::Util qw(shuffle);
use Mojo::Promise;
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {ADMIN_IDS => '900001', RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
$stack->market(post => '/control/set', {notify => JSON::PP::false});
my $pg = $stack->pg;
my $web = $pg->connect('atelier_responder');
my $ua = Mojo::UserAgent->new(ca => $stack->ca, max_connections => 64, request_timeout => 30);
my $person = 810_000;

sub open_payment {
	my ($who, $roubles) = @_;
	$web->do('SELECT * FROM responder.payment_open($1, \'yookassa\', $2, \'RUB\', \'rub\', $2, NULL, false, \'test\')', undef, $who, $roubles * 100);
	return;
}

sub new_person {
	++$person;
	$web->do('SELECT * FROM responder.update_open(ARRAY[$1::bigint], ARRAY[$2::bigint], ARRAY[\'П\'], ARRAY[NULL::text], ARRAY[\'ru\'], 4, 1000)',
		undef, 20_000_000 + $person, $person);
	return $person;
}

sub payment_of { my ($who) = @_; return $pg->table('SELECT id, ext_id FROM store.payment WHERE person_id = $1 ORDER BY id DESC LIMIT 1', $who)->[0] }

sub notify_all {
	my ($concurrency, @ids) = @_;
	my @codes;
	Mojo::Promise->map({concurrency => $concurrency}, sub {
		return $ua->post_p($stack->base . '/yookassa/webhook' => {'Content-Type' => 'application/json'}
			=> encode_json({type => 'notification', event => 'payment.succeeded', object => {id => $_}}))->then(sub { push @codes, $_[0]->res->code });
	}, @ids)->wait;
	return grep { $_ != 200 } @codes;
}

sub purse { my ($who) = @_; return $pg->value('SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE person_id = $1 AND unit = \'rub\' AND role = \'available\'', $who) }

# ---- 1,000 notifications of 200 payments ------------------------------------------------------------------

my @people = map { new_person() } 1 .. 200;
open_payment($_, 100) for @people;
await('200 payments to be created', 90, sub { $pg->value('SELECT count(*) FROM store.payment WHERE url IS NOT NULL') == 200 });
my @ids = map { $_->[0] } @{$pg->table('SELECT ext_id FROM store.payment ORDER BY id')};
$stack->pay(provider => 'yookassa', id => $_, action => 'pay') for @ids;
is_deeply([notify_all(16, shuffle((@ids) x 5))], [], '1,000 notifications, shuffled, 16 at a time: all answered 200');
await('200 credits', 90, sub { $pg->value('SELECT count(*) FROM store.payment WHERE state = \'succeeded\'') == 200 });
is($pg->value('SELECT count(*) FROM ledger.transfer WHERE kind = \'topup\''), 200, '200 payments, 200 credits');
is(scalar(grep { $_->{creates} != 1 } @{$stack->payments}), 0, 'each was created once at the provider');
is(scalar(grep { purse($_) != 10000 } @people), 0, 'each person has what was paid');

# ---- races, each until both orders have been seen ----------------------------------------------------------

# Webhook, button and poller ask at the same moment; whoever is first credits.
my %first;
for my $round (1 .. 12) {
	my $who = new_person();
	open_payment($who, 300);
	await('the payment', 30, sub { (payment_of($who)->[1] // '') ne '' });
	my ($id, $ext) = @{payment_of($who)};
	$stack->pay(provider => 'yookassa', id => $ext, action => 'pay');
	$pg->do('UPDATE store.payment SET next_ask_at = now() WHERE id = $1', $id);
	my @acts = shuffle(sub { notify_all(4, ($ext) x 4) }, sub { $web->do('SELECT responder.payment_check($1, $2)', undef, $who, $id) });
	$_->() for @acts;
	await('the credit', 30, sub { purse($who) == 30000 });
}
is($pg->value('SELECT count(*) FROM ledger.transfer WHERE kind = \'topup\''), 212, 'webhook, button and poller together: one credit each');

# The payment is made and notified before the answer to our own create call has come.
for my $round (1 .. 4) {
	my $who = new_person();
	$stack->fault(side => 'yookassa', match => '^POST .*payments', times => 1, action => $round % 2 ? 'slow' : 'lose', ms => 1500);
	open_payment($who, 500);
	my $there;
	await('the payment at the provider', 20, sub { ($there) = grep { ($_->{object}{metadata}{person_id} // '') eq $who } @{$stack->payments}; $there });
	$stack->pay(provider => 'yookassa', id => $there->{id}, action => 'pay');
	notify_all(2, ($there->{id}) x 2);
	await('the credit', 60, sub { purse($who) == 50000 });
	await('our create call to end', 60, sub { $pg->value("SELECT count(*) FROM store.task WHERE kind = 'pay_create' AND state IN ('ready', 'leased')") == 0 });
	is(purse($who), 50000, "round $round: notified before our create answered: one credit");
	is(scalar(grep { ($_->{object}{metadata}{person_id} // '') eq $who } @{$stack->payments}), 1, "round $round: and one payment at the provider");
}

# Refund at the provider against spending: the ledger stays whole, what is missing is a debt.
for my $round (1 .. 6) {
	my $who = new_person();
	open_payment($who, 100);
	await('the payment', 30, sub { (payment_of($who)->[1] // '') ne '' });
	my ($id, $ext) = @{payment_of($who)};
	$stack->pay(provider => 'yookassa', id => $ext, action => 'pay');
	notify_all(1, $ext);
	await('the credit', 30, sub { purse($who) == 10000 });
	my $refund = $stack->pay(provider => 'yookassa', id => $ext, action => 'refund')->{refund}{id};
	$pg->do('SELECT ctl.adjust($1, \'rub\', -6000, NULL, \'spent\', $2)', $who, "spend:$round") if $round % 2;
	my $body = encode_json({type => 'notification', event => 'refund.succeeded', object => {id => $refund, payment_id => $ext}});
	$ua->post($stack->base . '/yookassa/webhook' => {'Content-Type' => 'application/json'} => $body);
	await('the refund', 30, sub { $pg->value('SELECT state::text FROM store.payment WHERE id = $1', $id) eq 'refunded' });
	is(purse($who), 0, "round $round: nothing is left, nothing below zero");
}

# All notifications are lost: the poller finds the money by itself.
my $lost = new_person();
open_payment($lost, 1000);
await('the payment', 30, sub { (payment_of($lost)->[1] // '') ne '' });
$stack->pay(provider => 'yookassa', id => payment_of($lost)->[1], action => 'pay');
await('the poller to credit it', 40, sub { purse($lost) == 100000 });
pass('all notifications lost: credited by the poller');

# The provider is down for an hour: asked again and again, credited afterwards.
my $down = new_person();
open_payment($down, 1000);
await('the payment', 30, sub { (payment_of($down)->[1] // '') ne '' });
my ($down_id, $down_ext) = @{payment_of($down)};
$stack->pay(provider => 'yookassa', id => $down_ext, action => 'pay');
$stack->fault(side => 'yookassa', match => '.', times => 10_000, action => 'status', status => 503);
$stack->market(post => '/control/clock', {advance_s => 3600});
for (1 .. 3) {
	$pg->do('UPDATE store.payment SET next_ask_at = now() WHERE id = $1', $down_id);
	notify_all(1, $down_ext);
}
is(purse($down), 0, 'provider down: nothing is credited on a word alone');
my $health = sub { return $ua->get($stack->base . '/yookassa/health')->result->json };
await('/yookassa/health to notice', 30, sub { !$health->()->{reachable} });
ok($health->()->{configured}, '/yookassa/health: configured, not reachable');
$stack->market(delete => '/control/fault');
$pg->do('UPDATE store.payment SET next_ask_at = now() WHERE id = $1', $down_id);
await('the credit after the outage', 60, sub { purse($down) == 100000 });
pass('provider down for an hour: nothing is lost');
await('/yookassa/health to notice', 30, sub { $health->()->{reachable} });
like($health->()->{last_answer}, qr/^\d{4}-\d\d-\d\dT/, '/yookassa/health: reachable again, and when it last answered');

like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
