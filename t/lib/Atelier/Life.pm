# The life of jobs by hand: what responders and dispatchers ask of the database, from a test.
package Atelier::Life;
use v5.36;
use JSON::PP ();

my $json = JSON::PP->new->canonical->allow_nonref;
my $last_update = 1000;

# Over a started Atelier::Pg; sessions as the two roles are made.
sub new ($class, $pg) {
	return bless {pg => $pg, responder => $pg->connect('atelier_responder'),
		dispatcher => $pg->connect('atelier_dispatcher')}, $class;
}

sub call ($self, $role, $sql, @bind) {
	return $self->{$role}->selectall_arrayref($sql, {Slice => {}}, @bind)->@*;
}

# update_open for one or more people with new update ids; returns its rows.
sub seen ($self, $people, %option) {
	my @people = ref $people ? @$people : $people;
	return $self->call(responder => 'SELECT * FROM responder.update_open(?, ?, ?, ?, ?, ?, ?)',
		$option{updates} // [map { ++$last_update } @people], \@people,
		$option{names} // [map { "P$_" } @people], $option{usernames} // [map { undef } @people],
		$option{langs} // [map { 'ru' } @people], $option{free} // 4, $option{rate} // 10000);
}

# An open quote; returns its id.
sub quote ($self, $person, %option) {
	my ($row) = $self->call(responder => 'SELECT * FROM responder.quote_open(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '
		. '?, ?, ?, ?, ?)', $person, $option{offer} // 'generate.fast', $option{mode} // 'generate', 'Fast',
		$option{provider} // 'fal', $option{model} // 'fal-ai/fast', $option{prompt} // 'a cat', '',
		$json->encode($option{files} // []), 0, $json->encode($option{places} // []),
		$json->encode($option{input} // {prompt => 'a cat'}), $option{unit} // 'free', $option{amount} // 1,
		$option{deadline_s} // 600, '{"price": 1}', 'false', $option{replaces}, $option{message});
	return $row->{quote};
}

# job_order; returns its row.
sub order ($self, $person, $quote, $message = 77, $max = 3) {
	my ($row) = $self->call(responder => 'SELECT * FROM responder.job_order(?, ?, ?, ?)',
		$person, $quote, $message, $max);
	return $row;
}

# A quote ordered at once, whatever failed before; returns the job's id.
sub job ($self, $person, %option) {
	$self->{pg}->do('DELETE FROM store.breaker');
	return $self->order($person, $self->quote($person, %option),
		exists $option{message} ? $option{message} : 77, 1000)->{job};
}

# Leases what is due, with payload and memo decoded.
sub claim ($self, $lane, $limit = 100, $lease_s = 30) {
	my @tasks = $self->call(dispatcher => 'SELECT * FROM dispatcher.claim(?, ?, ?, ?)',
		$lane, $limit, 'test', $lease_s);
	for my $task (@tasks) {
		$task->{$_} = $json->decode($task->{$_}) for qw(payload memo);
	}
	return @tasks;
}

# Makes everything ready due now, whatever it waits for: tests do not sleep.
sub due ($self) {
	$self->{pg}->do(q{UPDATE store.task SET run_at = now() - interval '1 second' WHERE state = 'ready'});
	$self->{pg}->do(q{UPDATE store.chat SET next_at = now() - interval '1 minute'});
	$self->{pg}->do(q{UPDATE store.lane SET pause_until = '-infinity'});
	return;
}

# due, then claim.
sub next ($self, $lane, $limit = 100) {
	$self->due;
	return $self->claim($lane, $limit);
}

# Reports [task, outcome, {class, text, retry_ms, result}] …; returns the answers in the given order.
sub report ($self, @reports) {
	my @rows = $self->call(dispatcher => 'SELECT * FROM dispatcher.report(?, ?, ?, ?, ?, ?, ?::jsonb[], ?)',
		[map { $_->[0]{id} } @reports], [map { $_->[0]{fence} } @reports],
		[map { $_->[1] } @reports], [map { $_->[2]{class} } @reports],
		[map { $_->[2]{text} } @reports], [map { $_->[2]{retry_ms} } @reports],
		[map { $_->[2]{result} ? $json->encode($_->[2]{result}) : undef } @reports],
		$self->{unknown_s} // 300);
	my %answer = map { $_->{id} => $_->{answer} } @rows;
	return map { $answer{$_->[0]{id}} } @reports;
}

# One report; returns its answer.
sub tell ($self, $task, $outcome, %more) { return ($self->report([$task, $outcome, \%more]))[0] }

# Says everything the chat lane has to say; returns the tasks in order.
sub talk ($self) {
	my @said;
	while (my @tasks = $self->next('chat')) {
		$self->report(map { [$_, 'done', {result => $self->sent($_)}] } @tasks);
		push @said, @tasks;
	}
	return @said;
}

# What Telegram answers to a message.
sub sent ($self, $task) {
	my $id = $task->{message_id} // ++$self->{message};
	return $task->{kind} eq 'photo'
		? {message_id => $id, file_id => "F$id", file_unique_id => "U$id"} : {message_id => $id};
}

my @files = ({url => 'https://v3.fal.media/a.png'});
my @spool = ({path => 'job/1/1/0', type => 'image/png', bytes => 10, width => 1, height => 1});

# What a provider answers to the steps of the chain.
sub answer ($self, $task) {
	return $task->{kind} eq 'poll' ? {files => \@files} : $task->{kind} =~ /^(?:fetch|take|clean|render)$/ ? {files => \@spool}
		: $task->{kind} =~ /^(submit|lookup)$/ ? {request_id => "R$task->{job_id}-$task->{id}"} : {};
}

# Leads one job on until a task of that kind is leased, and returns the task. Other jobs stay where they
# are, but what else waits to be said in its chat is said.
sub lead ($self, $job, $kind) {
	for (1 .. 20) {
		$self->due;
		$self->{pg}->do(q{UPDATE store.task t SET run_at = 'infinity' WHERE state = 'ready'
			AND job_id IS DISTINCT FROM $1 AND chat_id IS DISTINCT FROM
			(SELECT person_id FROM store.job WHERE id = $1)}, $job);
		my @tasks = ($self->claim('media'), $self->claim('chat'));
		$self->due;
		my ($wanted) = grep { $_->{kind} eq $kind && $_->{job_id} == $job } @tasks;
		for my $task (grep { !$wanted || $_ != $wanted } @tasks) {
			$self->tell($task, 'done', result => $task->{kind} =~ /^(say|edit|photo)$/
				? $self->sent($task) : $self->answer($task));
		}
		return $wanted if $wanted;
	}
	die "job $job has no $kind";
}

# The row of a job, with the notices it has to say still or has said, newest last.
sub look ($self, $job) {
	my ($row) = $self->{pg}->rows('SELECT * FROM store.job WHERE id = ?', $job);
	$row->{notices} = [map { $json->decode($_->{payload}) } $self->{pg}->rows(
		q{SELECT payload FROM store.task WHERE job_id = ? AND kind IN ('say', 'edit') ORDER BY id}, $job)];
	return $row;
}

# What a person has available: free, credit, rub.
sub purse ($self, $person) {
	my ($row) = $self->{pg}->rows('SELECT * FROM ledger.purse(?)', $person);
	return $row;
}

# Gives a person something through the operator's function.
sub give ($self, $person, $unit, $amount, $key = 'give:' . ++$last_update) {
	my ($row) = $self->{pg}->rows('SELECT * FROM ctl.adjust(?, ?, ?, 1, ?, ?)', $person, $unit, $amount,
		'test', $key);
	return $row;
}

1;
