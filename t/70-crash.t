# kill -9 of each process and of PostgreSQL in the middle of jobs: each job still ends in exactly one of delivered
# or returned, the provider was asked once, and nothing is said twice beyond what an ambiguous send allows.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Test::More;
use Time::HiRes qw(sleep);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 1800, settings => {LEASE_SECONDS => 5, UNKNOWN_SECONDS => 60});
$stack->start;
$stack->market(post => '/control/set', {retry_scale => 0.1});
my $pg = $stack->pg;
my $next = 7000;
my @orders;

sub order {
	my ($prompt) = @_;
	my $person = $stack->person(id => ++$next, first_name => 'К', language_code => 'ru')->{id};
	$stack->say($person, $prompt);
	my $confirm = $stack->wait_message($person, "an offer for $prompt", sub { ($_[0]{text} // '') =~ /Создать картинку/ }, 40);
	$stack->press($person, data => $confirm->{buttons}[0][0]{data});
	push @orders, {person => $person, prompt => $prompt, message => $confirm->{message_id}};
	return $person;
}

sub step_of { my ($person) = @_; return $pg->value('SELECT step::text FROM store.job WHERE person_id = $1', $person) // '' }

sub kill_role {
	my ($role) = @_;
	my @pids = $stack->role_pids($role) or die "no $role to kill";
	kill 'KILL', @pids;
	await("$role to be started again", 30, sub {
		my %old = map { $_ => 1 } @pids;
		my @new = $stack->role_pids($role);
		return @new >= @pids && !grep { $old{$_} } @new;
	});
	return;
}

# Each victim at each moment of a job. "submit" is the moment the provider is being asked.
for my $victim ('responder', 'dispatcher', 'helper chat', 'helper media', 'helper pay') {
	for my $moment (qw(ordered poll delivery)) {
		my $prompt = "гибель $victim: $moment";
		$stack->fault(side => 'telegram', match => 'sendPhoto', times => 1, action => 'delay', ms => 700) if $moment eq 'delivery';
		my $person = order($prompt);
		my %until = (ordered => sub { step_of($person) ne '' }, poll => sub { step_of($person) =~ /poll/ },
			delivery => sub { step_of($person) eq 'deliver' });
		await("$prompt: its moment", 40, $until{$moment});
		kill_role($victim);
		pass("$victim killed: $moment");
		# One at a time: what a killing may do to a job is known only if no other one meets it.
		await("$prompt: its end", 90, sub { step_of($person) eq 'done' });
		$stack->market(delete => '/control/fault') if $moment eq 'delivery';
	}
}

# The helper dies while the provider has the order and our answer is on the way: unknown, found again, not repeated.
$stack->fault(side => 'fal', match => '^submit', times => 1, action => 'delay', ms => 900);
my $person = order('гибель посреди заказа');
await('the submit to be under way', 20, sub { $pg->value(
	"SELECT count(*) FROM store.task WHERE person_id = \$1 AND kind = 'submit' AND state = 'leased'", $person)
	|| $pg->value("SELECT count(*) FROM store.task t JOIN store.job j ON j.id = t.job_id WHERE j.person_id = \$1 AND t.kind = 'submit' AND t.state = 'leased'", $person) });
kill_role('helper media');
pass('helper media killed in the middle of a submit');
$stack->fault(side => 'fal', match => '^submit', times => 1, action => 'lose');
order('ответ потерян');

# PostgreSQL dies and comes back in the middle of two jobs.
order('гибель базы: заказ');
order('гибель базы: работа');
await('the job to be polled', 30, sub { step_of($next) =~ /poll/ });
$pg->kill9;
$pg->start;
pass('PostgreSQL killed and started again');

# The supervisor dies: everything leaves by its lifeline; a new one goes on.
order('гибель супервизора');
await('the job to be polled', 30, sub { step_of($next) =~ /poll/ });
my @children = map { $stack->role_pids($_) } 'responder', 'dispatcher', 'helper chat', 'helper pay', 'helper media';
$stack->stop_program('atelierd', 'KILL');
await('its children to leave', 40, sub { !grep { kill 0, $_ } @children });
$stack->start_atelier;
pass('the supervisor killed and started again');

$stack->wait_quiet(120);
my $counts = $stack->counts->{fal}{by_prompt};
for my $order (@orders) {
	my ($who, $prompt) = @$order{qw(person prompt)};
	my $rows = $pg->table('SELECT kind::text FROM ledger.transfer WHERE person_id = $1 ORDER BY id', $who);
	my $end = join ' ', map { $_->[0] } @$rows;
	like($end, qr/^grant hold (take|release)$/, "$prompt: ends in exactly one of delivered or returned");
	ok(($counts->{$prompt} // 0) <= 1, "$prompt: asked of the provider once");
	my $chat = $stack->chat($who);
	my $photos = grep { $_->{photo} } @$chat;
	my $delivered = $end =~ /take/;
	# Only a sendPhoto that was cut off with its helper may be repeated; the market took the first, nobody could know.
	my $most = $prompt =~ /helper chat: delivery|гибель супервизора|гибель базы/ ? 2 : 1;
	ok($delivered ? $photos >= 1 && $photos <= $most : $photos == 0, "$prompt: $photos picture(s) for $end");
	my %said;
	$said{$_->{text}}++ for grep { $_->{from} eq 'bot' && defined $_->{text} } @$chat;
	my @twice = grep { $said{$_} > ($prompt =~ /helper chat|супервизор|баз/ ? 2 : 1) } keys %said;
	is("@twice", '', "$prompt: nothing is said twice beyond what an ambiguous send allows");
	my ($status) = grep { $_->{message_id} == $order->{message} } @$chat;
	like($status->{text}, $delivered ? qr/Списано/ : qr/Возвращено/, "$prompt: the last word agrees with the ledger");
}
my $delivered = $pg->value("SELECT count(*) FROM store.job WHERE status = 'completed'");
cmp_ok($delivered, '>=', @orders - 1, 'nearly all were delivered in spite of it all');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
my @left = $stack->sweep_originals;
is("@left", '', 'no file is left behind');
done_testing;
