# Payments by hand: what a responder asks for, what the pay lane answers, from a test.
package Atelier::Till;
use v5.36;
use parent 'Atelier::Life';
use JSON::PP ();

my $json = JSON::PP->new->canonical->allow_nonref;
my $shop = '100500';

sub new ($class, $pg) {
	my $self = $class->SUPER::new($pg);
	$self->settings;
	$self->call(dispatcher => 'SELECT dispatcher.admins_set(?)', [900, 901]);
	return $self;
}

sub settings ($self, %more) {
	$self->call(dispatcher => 'SELECT dispatcher.settings_set(?)',
		$json->encode({yookassa_shop_id => $shop, yookassa_test => 'false', betatransfer_test => 'false', %more}));
	return;
}

# payment_open; returns its row. Kopecks of ЮKassa, or a package of 1000 credits for $7.
sub open ($self, $person, %option) {
	my $credits = $option{credits};
	my $amount = $option{amount} // ($credits ? 700 : 10000);
	my ($row) = $self->call(responder => 'SELECT * FROM responder.payment_open(?, ?, ?, ?, ?, ?, ?, ?, ?)',
		$person, $option{provider} // ($credits ? 'betatransfer' : 'yookassa'), $amount,
		$option{currency} // ($credits ? 'USD' : 'RUB'), $credits ? 'credit' : 'rub', $credits // $amount,
		$credits ? "c$credits" : undef, $option{test} // 0, 'test');
	return $row;
}

# The row of a payment or refund; the whole is there to be looked at.
sub payment ($self, $id) { return ($self->{pg}->rows('SELECT * FROM store.payment WHERE id = ?', $id))[0] }
sub refund ($self, $id) { return ($self->{pg}->rows('SELECT * FROM store.refund WHERE id = ?', $id))[0] }
sub state ($self, $id) { return $self->payment($id)->{state} }

# What the provider says of a payment, as it was ordered unless told otherwise.
sub truth ($self, $id, $status, %more) {
	my $y = $self->payment($id);
	my %truth = (found => \1, ext_id => $y->{ext_id} // "E$id", order => $y->{order_name}, status => $status,
		amount => $y->{amount} + 0, paid => $y->{amount} + 0, refunded => 0, currency => $y->{currency},
		raw => $status);
	%truth = (%truth, test => $y->{test} ? \1 : \0, shop => $shop) if $y->{provider} eq 'yookassa';
	%truth = (%truth, %more);
	delete @truth{grep { !defined $truth{$_} } keys %truth};
	return \%truth;
}

sub refund_truth ($self, $id, $ext, $status, $amount, %more) {
	my $y = $self->payment($id);
	return {found => \1, ext_id => $ext, payment => $y->{ext_id}, status => $status, amount => $amount,
		currency => $y->{currency}, %more};
}

# The ready tasks of the pay lane, leased: of one payment (0: of none) and kind when given. The others stay.
sub asked ($self, $payment = undef, $kind = undef) {
	$self->due;
	my $pg = $self->{pg};
	$pg->do(q{UPDATE store.task SET run_at = 'infinity' WHERE lane = 'pay' AND state = 'ready'
		AND NOT (($1::bigint IS NULL OR coalesce(payment_id, 0) = $1::bigint) AND ($2::text IS NULL OR kind = $2))},
		$payment, $kind);
	my @tasks = $self->claim('pay');
	$self->due;
	return @tasks;
}

# Answers every question about a payment with this truth; returns how many there were.
sub answered ($self, $payment, $truth) {
	my @tasks = $self->asked($payment);
	$self->tell($_, 'done', result => $truth) for @tasks;
	return scalar @tasks;
}

# An open payment that its provider has created; returns its id.
sub created ($self, $person, %option) {
	my $id = $self->open($person, %option)->{payment} // die 'not opened';
	my ($task) = $self->asked($id, 'pay_create');
	my $answer = $self->tell($task, 'done', result => $self->truth($id, 'pending', paid => 0,
		url => "https://pay.example/$id"));
	die "created: $answer" if $answer ne 'ok';
	return $id;
}

# The provider was asked by a hint, and said this. Returns the hint's outcome.
sub heard ($self, $id, $truth) {
	my $outcome = $self->hint($id);
	$self->answered($id, $truth);
	return $outcome;
}

sub hint ($self, $id, %more) {
	my $y = $self->payment($id);
	my ($row) = $self->call(responder => 'SELECT responder.payment_hint(?, ?, ?, ?, ?) AS o', $y->{provider},
		$more{ext_id} // $y->{ext_id}, $y->{order_name}, $more{kind} // 'payment', 'test');
	return $row->{o};
}

# A payment that has come in; returns its id.
sub paid ($self, $person, %option) {
	my $id = $self->created($person, %option);
	$self->heard($id, $self->truth($id, 'succeeded'));
	die 'paid: ' . $self->state($id) if $self->state($id) ne 'succeeded';
	return $id;
}

# A task of the pay lane that is leased already: what another session asked. Returns it as claim does.
sub leased ($self, $kind, $payload, $payment = undef) {
	my ($task) = $self->{pg}->rows(q{INSERT INTO store.task (lane, kind, payload, payment_id, state, holder, fence,
		attempts, lease_until) VALUES ('pay', ?, ?, ?, 'leased', 'test', 1, 1, now() + interval '1 hour')
		RETURNING id, fence, kind, payment_id}, $kind, $json->encode($payload), $payment);
	return $task;
}

# The notices a person has been told or is to be told, oldest first; alerts as "alert.<what>".
sub notices ($self, $person) {
	return map { $_->{notice} . ($_->{notice} eq 'alert' ? ".$_->{args}{what}" : '') } $self->told($person);
}
sub told ($self, $person) {
	return map { $json->decode($_->{payload}) } $self->{pg}->rows(
		q{SELECT payload FROM store.task WHERE chat_id = ? ORDER BY id}, $person);
}
sub forget ($self) {
	$self->{pg}->do(q{UPDATE store.task SET chat_id = chat_id + 1000000, state = 'dead', fence = fence + 1,
		lease_until = NULL, holder = NULL, done_at = now() WHERE lane = 'chat'});
	return;
}

# Lets time pass for a payment: everything that has a date is put back.
sub passes ($self, $id, $interval) {
	$self->{pg}->do(q{UPDATE store.payment SET created_at = created_at - $2::interval,
		expires_at = expires_at - $2::interval, next_ask_at = next_ask_at - $2::interval,
		asked_at = asked_at - $2::interval, answered_at = answered_at - $2::interval WHERE id = $1}, $id, $interval);
	return;
}

# Fails an open job as a provider would.
sub job_fail ($self, $job) {
	my $task = $self->lead($job, 'submit');
	return $self->tell($task, 'refused', class => 'busy');
}

sub pay_due ($self) { return ($self->call(dispatcher => 'SELECT dispatcher.pay_due(1000) AS n'))[0]{n} }

sub balance ($self, $person, $unit = 'rub') {
	return $self->{pg}->value('SELECT ledger.balance(?, ?)', $person, $unit);
}

1;
