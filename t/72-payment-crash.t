# kill -9 at every step of a payment: exactly one credit, and the provider was asked to create it once.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP;
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {LEASE_SECONDS => 5, RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
$stack->market(post => '/control/set', {notify => JSON::PP::false, retry_scale => 0.1});
my $pg = $stack->pg;
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 10);
my $person = 8200;

sub kill_role {
	my ($role) = @_;
	my @pids = $stack->role_pids($role) or die "no $role";
	kill 'KILL', @pids;
	await("$role to be started again", 30, sub { my %old = map { $_ => 1 } @pids; my @new = $stack->role_pids($role); @new >= @pids && !grep { $old{$_} } @new });
	return;
}

sub there { my ($who) = @_; return (grep { ($_->{object}{metadata}{person_id} // '') eq $who } @{$stack->payments})[0] }
sub state_of { my ($who) = @_; return $pg->value('SELECT state::text FROM store.payment WHERE person_id = $1', $who) // '' }
sub notify {
	my ($ext) = @_;
	$ua->post_p($stack->base . '/yookassa/webhook' => {'Content-Type' => 'application/json'}
		=> encode_json({type => 'notification', event => 'payment.succeeded', object => {id => $ext}}))->catch(sub { })->wait;
	return;
}

# The steps, and who dies at each. `before` prepares; `when` waits for the moment.
my @steps = (
	['opened, not yet taken by anybody', 'dispatcher', sub { }, sub { my ($who) = @_; state_of($who) ne '' }],
	['being created at the provider', 'helper pay', sub { $stack->fault(side => 'yookassa', match => '^POST', times => 1, action => 'delay', ms => 800) },
		sub { $pg->value("SELECT count(*) FROM store.task WHERE kind = 'pay_create' AND state = 'leased'") }],
	['created, the answer on its way', 'helper pay', sub { $stack->fault(side => 'yookassa', match => '^POST', times => 1, action => 'slow', ms => 1200) },
		sub { my ($who) = @_; there($who) }],
	['created, the answer reported', 'dispatcher', sub { }, sub { my ($who) = @_; there($who) }],
	['the link being sent', 'helper chat', sub { $stack->fault(side => 'telegram', match => 'sendMessage|editMessage', times => 1, action => 'delay', ms => 700) },
		sub { my ($who) = @_; state_of($who) eq 'pending' }],
	['the webhook arriving', 'responder', sub { }, sub { my ($who) = @_; state_of($who) eq 'pending' }, 'tell'],
	['being asked about', 'helper pay', sub { $stack->fault(side => 'yookassa', match => '^GET', times => 1, action => 'delay', ms => 800) },
		sub { my ($who) = @_; state_of($who) eq 'pending' }, 'tell'],
	['the truth reported', 'dispatcher', sub { }, sub { my ($who) = @_; state_of($who) eq 'pending' }, 'tell'],
	['credited, being told', 'helper chat', sub { }, sub { my ($who) = @_; state_of($who) eq 'pending' }, 'tell'],
	['the database, in the middle', 'PostgreSQL', sub { }, sub { my ($who) = @_; state_of($who) eq 'pending' }, 'tell'],
);
for my $step (@steps) {
	my ($name, $victim, $before, $when, $tell) = @$step;
	my $who = $stack->person(id => ++$person, first_name => 'К', language_code => 'ru')->{id};
	$stack->say($who, '/pay');
	$stack->wait_message($who, 'the payment menu', sub { ($_[0]{text} // '') =~ /Пополнение баланса/ }, 30);
	$before->();
	$stack->press($who, data => 'top:300');
	await("$name: its moment", 30, sub { $when->($who) });
	if ($tell) {
		await('the payment', 30, sub { there($who) });
		$stack->pay(provider => 'yookassa', id => there($who)->{id}, action => 'pay');
		notify(there($who)->{id});
	}
	if ($victim eq 'PostgreSQL') { $pg->kill9; $pg->start } else { kill_role($victim) }
	await("$name: the payment at the provider", 60, sub { there($who) });
	if (!$tell) {
		$stack->pay(provider => 'yookassa', id => there($who)->{id}, action => 'pay');
	}
	notify(there($who)->{id}) if !$tell;
	await("$name: the credit", 90, sub { state_of($who) eq 'succeeded' });
	is($pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = $1 AND kind = \'topup\'', $who), 1, "$victim killed, $name: exactly one credit");
	is(scalar(grep { ($_->{object}{metadata}{person_id} // '') eq $who } @{$stack->payments}), 1, "$victim killed, $name: one payment at the provider");
	my $message = $stack->wait_message($who, "$name: the word that the money is there", sub { ($_[0]{text} // '') =~ /Платёж поступил/ }, 60);
	ok($message, "$victim killed, $name: and the person is told");
}
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
