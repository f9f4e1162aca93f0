#!/usr/bin/perl
# The way of a job through the database, by hand-made reports: every outcome of every kind, leases,
# order and budget of chats.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Test::More;
use Time::HiRes qw(time);

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my $person = 100;

# A new person with free operations; each subtest has one.
sub somebody (%option) {
	$life->seen(++$person, free => 50, %option);
	return $person;
}

sub notices ($job) {
	return join ' ', map { $_->{notice} . (defined $_->{args}{progress} ? ".$_->{args}{progress}" : '')
		. (defined $_->{args}{reason} ? ".$_->{args}{reason}" : '') } $life->look($job)->{notices}->@*;
}

sub state_of ($job) { return join ' ', @{$life->look($job)}{qw(status step progress)} }

# A job led to a step, and the task of that step in hand.
sub at ($kind, %option) {
	my $who = delete $option{who} // somebody();
	my $job = $life->job($who, %option);
	return ($job, $life->lead($job, $kind), $who);
}

sub tasks ($job) {
	return join ' ', map { "$_->{kind}:$_->{state}" }
		$pg->rows(q{SELECT kind, state FROM store.task WHERE job_id = ? AND lane = 'media' ORDER BY id}, $job);
}

# Ends what is open, so that the next subtest has the queue for itself; nothing may be broken.
sub whole ($name = 'nothing is broken') {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply [$pg->broken], [], $name;
	$pg->do(q{SELECT store.job_fail(id, 'ours', 'end of a subtest') FROM store.job
		WHERE status IN ('pending', 'processing')});
	$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		done_at = now() WHERE state IN ('ready', 'leased')});
	return;
}

subtest 'from the order to the picture' => sub {
	my $who = somebody();
	my $quote = $life->quote($who, prompt => 'кот', input => {prompt => 'кот', n => 1});
	my ($confirm) = $life->next('chat');
	is_deeply $confirm->{payload}, {notice => 'confirm', args => {price => 1, quote => $quote}}, 'the quote is shown';
	$life->tell($confirm, 'done', result => {message_id => 77});
	is_deeply $life->order($who, $quote), {outcome => 'ordered', job => 1, unit => 'free', amount => 1,
		free => 49, credit => 0, rub => 0, debt => undef, debt_unit => undef}, 'ordered';
	my $job = 1;
	is state_of($job), 'pending submit 0', 'pending';
	my ($status) = $life->next('chat');
	is_deeply [@$status{qw(kind message_id chat_id lang job_id)}], ['edit', 77, $who, 'ru', $job],
		'its status takes the place of the quote';
	is_deeply $status->{payload}, {notice => 'job_status', args => {job => 1, progress => 0, place => 1,
		mode => 'generate'}},
		'with the place in the queue';
	$life->tell($status, 'done', result => {message_id => 77});

	my ($submit) = $life->claim('media');
	like delete $submit->{payload}{order}, qr/^at-1-\d+$/, 'the order has a name of ours';
	is_deeply $submit->{payload}, {job => 1, provider => 'fal', model => 'fal-ai/fast',
		input => {prompt => 'кот', n => 1}, places => [], files => []}, 'the order to the provider';
	is_deeply [@$submit{qw(kind attempts fence memo)}], ['submit', 1, 1, {}], 'its first attempt';
	is state_of($job), 'processing submit 10', 'processing from then on';
	is $life->look($job)->{submits}, 1, 'the intent is kept before the call';
	my %request = (request_id => 'r1', status_url => 's', response_url => 'r', cancel_url => 'c');
	is $life->tell($submit, 'done', result => \%request), 'ok', 'taken by the provider';
	is state_of($job), 'processing poll 10', 'polled from then on';
	is scalar($life->claim('media')), 0, 'not at once';

	my ($poll) = $life->next('media');
	is_deeply $poll->{payload}, {job => 1, provider => 'fal', model => 'fal-ai/fast', request => \%request},
		'the poll knows the request';
	$life->tell($poll, 'later', retry_ms => 5000, result => {state => 'queued', polls => 1});
	is state_of($job), 'processing poll 10', 'queued there is no progress';
	($poll) = $life->next('media');
	is_deeply [$poll->{attempts}, $poll->{memo}], [1, {state => 'queued', polls => 1}],
		'waiting is no attempt, and is remembered';
	$life->tell($poll, 'later', result => {state => 'running'});
	is state_of($job), 'processing poll 50', 'running is';
	($poll) = $life->next('media');
	$life->tell($poll, 'done', result => {files => [{url => 'https://x/y.png'}]});
	my ($fetch) = $life->next('media');
	is_deeply $fetch->{payload}, {job => 1, provider => 'fal', files => [{url => 'https://x/y.png'}]}, 'the files are fetched';
	is state_of($job), 'processing fetch 50', 'in that step';
	my %file = (path => 'job/1/1/0', type => 'image/png', bytes => 5, width => 1, height => 2);
	$life->tell($fetch, 'done', result => {files => [\%file]});
	is state_of($job), 'processing deliver 50', 'and delivered';
	my @said = $life->next('chat');
	is join(' ', map { "$_->{kind}.$_->{payload}{args}{progress}" } @said), 'edit.50',
		'progress has coalesced, and goes before the result';
	$life->tell($_, 'done', result => {message_id => 77}) for @said;
	my ($photo) = $life->next('chat');
	is_deeply $photo->{payload}, {notice => 'result', args => {job => 1, picture => 1}, files => [\%file]}, 'the result';
	is $life->purse($who)->{free}, 49, 'held until it is there';
	$life->tell($photo, 'done', result => {message_id => 78, file_id => 'F', file_unique_id => 'U'});
	is state_of($job), 'completed done 100', 'complete';
	is_deeply $life->look($job)->{notices}[-1], {notice => 'job_done', args => {job => 1,
		price => {unit => 'free', amount => 1}, left => {unit => 'free', amount => 49}}}, 'the price is told';
	my ($end) = $life->next('chat');
	is_deeply [@$end{qw(kind message_id)}], ['edit', 77], 'where the status was';
	my ($sweep, $last) = $life->next('media');
	is_deeply [@$sweep{qw(kind payload)}], ['sweep', {job => 1, keep => ['job/1/1/0']}],
		'the files go, but for the original';
	$life->tell($_, 'done') for $end, $sweep;
	is_deeply [@$last{qw(kind payload)}], ['sweep', {job => 1}], 'and that a day later';
	$life->tell($last, 'done');
	is $pg->value(q{SELECT result ->> 'file_id' FROM store.job WHERE id = 1}), 'F', 'Telegram keeps the picture';
	my ($view) = $life->call(responder => 'SELECT * FROM responder.job_view(?, ?)', $who, $job);
	is_deeply $view, {offer => 'generate.fast', mode => 'generate', prompt => 'кот', status => 'completed', ratio => '',
		files => '[]', result => 'F', form => undef}, 'it can be looked at';
	is scalar($life->call(responder => 'SELECT * FROM responder.job_view(?, ?)', 1, $job)), 0, 'by its person';
	is $pg->value(q{SELECT count(*) FROM store.task WHERE state IN ('ready', 'leased')}), 0, 'nothing is left to do';
	whole;
};

subtest 'what is no order' => sub {
	my $who = somebody(free => 2);
	my @quotes = map { $life->quote($who) } 1 .. 4;
	is $life->order($who - 1, $quotes[0])->{outcome}, 'gone', 'another\'s quote';
	is $life->order($who, 999)->{outcome}, 'gone', 'none at all';
	my $cancel = sub ($quote, $as = $who) {
		return ($life->call(responder => 'SELECT responder.quote_cancel(?, ?, 9) AS o', $as, $quote))[0]{o};
	};
	is $cancel->($quotes[0], 1), 'gone', 'another can\'t cancel';
	is $cancel->($quotes[0]), 'cancelled', 'cancelled';
	is $cancel->($quotes[0]), 'gone', 'once';
	is $life->order($who, $quotes[0])->{outcome}, 'gone', 'then it can\'t be ordered';
	my $first = $life->order($who, $quotes[1], undef, 1);
	is $first->{outcome}, 'ordered', 'ordered';
	is $cancel->($quotes[1]), 'ordered', 'then it can\'t be cancelled';
	is_deeply [@{$life->order($who, $quotes[1], undef, 1)}{qw(outcome job)}], ['already', $first->{job}],
		'pressed again';
	is $life->order($who, $quotes[2], undef, 1)->{outcome}, 'limit', 'one too many';
	is $life->order($who, $quotes[2], undef, 3)->{outcome}, 'ordered', 'with room';
	is_deeply $life->order($who, $quotes[3]), {outcome => 'short', job => undef, unit => 'free', amount => 1,
		free => 0, credit => 0, rub => 0, debt => undef, debt_unit => undef}, 'short';
	$life->give($who, 'free', 1);
	is $life->order($who, $quotes[3])->{outcome}, 'ordered', 'started when there is enough';
	whole;
};

subtest 'twenty presses' => sub {
	my $who = somebody();
	my $quote = $life->quote($who);
	my @got = $pg->at_once(20, 'atelier_responder', sub ($i, $db) {
		return $db->selectrow_hashref('SELECT * FROM responder.job_order(?, ?, 5, 3)', undef, $who, $quote);
	});
	is join(' ', sort map { $_->{outcome} } @got), join(' ', ('already') x 19, 'ordered'), 'one order';
	is scalar(keys %{{map { $_->{job} => 1 } @got}}), 1, 'one job';
	is $life->purse($who)->{free}, 49, 'one hold';
	whole;
};

subtest 'every class of failure' => sub {
	my %reason = (input => 'input', policy => 'policy', busy => 'busy', rate => 'busy', funds => 'busy',
		gone => 'busy', empty => 'busy', late => 'late', ours => 'ours', lost => 'ours', '' => 'ours');
	for my $kind (qw(submit poll fetch)) {
		for my $class ($kind eq 'submit' ? sort keys %reason : qw(policy gone)) {
			my ($job, $task, $who) = at($kind);
			is $life->tell($task, 'refused', class => $class, text => 'said no'), 'ok', "$kind refused: $class";
			is state_of($job) =~ s/ \d+$//r, 'failed done', 'failed';
			my ($said) = grep { $_->{notice} eq 'job_failed' } $life->look($job)->{notices}->@*;
			is_deeply $said->{args}, {job => $job, mode => 'generate', reason => $reason{$class}, back => {unit => 'free', amount => 1},
				left => {unit => 'free', amount => 50}}, 'told with what came back';
			is $life->purse($who)->{free}, 50, 'and it came back';
			like tasks($job), qr/ sweep:ready$/, 'swept';
			is $pg->value('DELETE FROM store.offer_change RETURNING offer'), $kind eq 'submit' && $class eq 'gone'
				? 'generate.fast' : undef, 'an offer is switched off when its model is gone, and only then';
		}
	}
	whole;
};

subtest 'roubles come back as roubles' => sub {
	my $who = somebody();
	$life->give($who, 'rub', 2500);
	my ($job, $task) = at('submit', who => $who, unit => 'rub', amount => 1000);
	is $life->purse($who)->{rub}, 1500, 'held';
	$life->tell($task, 'refused', class => 'policy');
	is_deeply $life->look($job)->{notices}[-1]{args}, {job => $job, mode => 'generate', reason => 'policy',
		back => {unit => 'rub', amount => 1000}, left => {unit => 'rub', amount => 2500}}, 'all of them';
	whole;
};

subtest 'retries' => sub {
	my ($job, $task) = at('submit');
	for my $attempt (1 .. 5) {
		is $life->tell($task, 'failed', class => 'busy', retry_ms => 3000), 'ok', "failed $attempt";
		is $life->look($job)->{submits}, 0, 'surely not ordered';
		my ($wait) = $pg->rows('SELECT extract(epoch FROM run_at - now()) AS s, attempts FROM store.task WHERE id = ?',
			$task->{id});
		cmp_ok $wait->{s}, '>', 2.5, 'not before what was wished';
		cmp_ok $wait->{s}, '<=', 60, 'nor after a minute';
		($task) = $life->next('media');
		is $task->{attempts}, $attempt + 1, 'counted';
	}
	$life->tell($task, 'failed', class => 'busy');
	is $life->look($job)->{reason}, 'busy', 'the sixth is the last';
	($job, $task) = at('poll');
	for (1 .. 30) {
		$life->tell($task, 'failed', class => 'busy');
		($task) = $life->next('media');
	}
	is state_of($job), 'processing poll 10', 'a poll goes on until the deadline';
	$life->tell($task, 'done', result => {files => []});
	is_deeply [$pg->rows('SELECT state, class FROM store.task WHERE id = ?', $task->{id})],
		[{state => 'ready', class => 'format'}], 'a result that lacks its files is a failure';
	whole;
};

subtest 'an order of unknown fate' => sub {
	my ($job, $submit) = at('submit');
	my $deadline = $pg->value('SELECT extract(epoch FROM deadline_at) FROM store.job WHERE id = ?', $job);
	$life->tell($submit, 'unknown', class => 'lost', text => 'cut');
	is state_of($job), 'processing lookup 10', 'is looked for';
	is $pg->value('SELECT round(extract(epoch FROM deadline_at) - ?) FROM store.job WHERE id = ?', $deadline, $job),
		300, 'the deadline moves';
	like notices($job), qr/job_finding$/, 'the person is told';
	my ($lookup) = $life->next('media');
	is $lookup->{kind}, 'lookup', 'a lookup';
	is_deeply [sort keys $lookup->{payload}->%*], [qw(files input job model order places provider since taken)],
		'knows what to look for';
	like $lookup->{payload}{since}, qr/^\d{10}$/, 'and since when';
	$life->tell($lookup, 'later', result => {seen => 1});
	($lookup) = $life->next('media');
	$life->tell($lookup, 'done', result => {request_id => 'found'});
	is state_of($job), 'processing poll 10', 'found: it goes on';
	is $life->look($job)->{submits}, 1, 'ordered once';

	my $who = $person;
	($job, $submit) = at('submit', who => $who);
	$life->tell($submit, 'unknown');
	$lookup = $life->lead($job, 'lookup');
	$pg->do(q{UPDATE store.job SET unknown_at = unknown_at - interval '301 seconds' WHERE id = ?}, $job);
	$life->tell($lookup, 'later');
	is state_of($job), 'processing submit 10', 'not found in time: once more';
	my $second = $life->lead($job, 'submit');
	is $life->look($job)->{submits}, 2, 'the second order';
	is $life->tell($submit, 'done', result => {request_id => 'late'}), 'stale', 'the first holder is too late';
	$life->tell($second, 'unknown');
	$lookup = $life->lead($job, 'lookup');
	$pg->do(q{UPDATE store.job SET unknown_at = unknown_at - interval '301 seconds' WHERE id = ?}, $job);
	$life->tell($lookup, 'later');
	is join(' ', @{$life->look($job)}{qw(status reason submits)}), 'failed ours 2', 'never a third';
	is $life->purse($who)->{free}, 49, 'and it costs nothing';

	($job, $submit) = at('submit', who => $who);
	$life->tell($submit, 'done', result => {});
	is state_of($job), 'processing lookup 10', 'an answer without a request is of unknown fate';
	($job, $submit) = at('submit', who => $who);
	$life->tell($submit, 'unknown');
	$lookup = $life->lead($job, 'lookup');
	$life->tell($lookup, 'refused', class => 'ours');
	is state_of($job), 'failed done 10', 'a lookup that is refused ends it';
	whole;
};

subtest 'an order is one job\'s' => sub {
	my $who = somebody();
	my ($one, $submit) = at('submit', who => $who);
	$life->tell($submit, 'done', result => {request_id => 'same'});
	(my $other, $submit) = at('submit', who => $who);
	$life->tell($submit, 'unknown');
	my $lookup = $life->lead($other, 'lookup');
	is_deeply [grep { $_ eq 'same' } $lookup->{payload}{taken}->@*], ['same'], 'a lookup knows what is taken';
	is $life->tell($lookup, 'done', result => {request_id => 'same'}), 'ok', 'and finds it all the same';
	is state_of($other), 'processing lookup 10', 'then it looks on';
	$lookup = $life->lead($other, 'lookup');
	$life->tell($lookup, 'done', result => {request_id => 'mine'});
	is state_of($other), 'processing poll 10', 'until it finds its own';
	whole;
};

subtest 'delivery' => sub {
	my ($job, $photo, $who) = at('photo');
	$life->tell($photo, 'unknown');
	($photo) = grep { $_->{kind} eq 'photo' } $life->next('chat');
	is $photo->{memo}{unknown}, 1, 'of unknown fate: once more';
	$life->tell($photo, 'done', result => {message_id => 5, file_id => 'F'});
	is state_of($job), 'completed done 100', 'delivered';
	($job, $photo, $who) = at('photo');
	$life->tell($photo, 'unknown');
	($photo) = grep { $_->{kind} eq 'photo' } $life->next('chat');
	$life->tell($photo, 'unknown');
	is join(' ', @{$life->look($job)}{qw(status reason)}), 'failed ours', 'unknown twice: given back';
	($job, $photo, $who) = at('photo');
	$life->tell($photo, 'refused', class => 'input', text => 'too large');
	is join(' ', @{$life->look($job)}{qw(status reason)}), 'failed ours', 'refused: our fault';
	($job, $photo, $who) = at('photo');
	$life->call(responder => 'SELECT responder.say(?, ?, ?, ?::jsonb[], ?)', [$who], ['say'], [undef],
		['{"notice": "menu"}'], [undef]);
	$life->tell($photo, 'refused', class => 'unreachable');
	is join(' ', @{$life->look($job)}{qw(status reason)}), 'failed unreachable', 'blocked: given back';
	ok $pg->value('SELECT unreachable_at FROM store.person WHERE id = ?', $who), 'and known';
	is $pg->value(q{SELECT count(*) FROM store.task WHERE chat_id = ? AND state = 'ready'
		AND payload ->> 'notice' = 'menu'}, $who), 0, 'nothing more is said';
	is $life->purse($who)->{free}, 50, 'nothing is lost';
	whole;
};

subtest 'words' => sub {
	my $who = somebody();
	my $say = sub ($kind, $message) {
		$life->call(responder => 'SELECT responder.say(?, ?, ?, ?::jsonb[], ?)', [$who], [$kind], [$message],
			['{"notice": "menu"}'], [undef]);
		return ($life->next('chat'))[0];
	};
	my $edit = $say->('edit', 5);
	is $edit->{message_id}, 5, 'an edit';
	$life->tell($edit, 'refused', class => 'gone');
	my ($instead) = $life->next('chat');
	is_deeply [@$instead{qw(kind message_id payload)}], ['say', undef, {notice => 'menu'}],
		'of a message that is gone becomes a new one';
	$life->tell($instead, 'refused', class => 'markup');
	($instead) = $life->next('chat');
	is_deeply $instead->{memo}, {plain => JSON::PP::true}, 'once more without markup';
	$life->tell($instead, 'refused', class => 'markup', text => 'what?');
	is_deeply [$pg->rows('SELECT state, class, error FROM store.task WHERE id = ?', $instead->{id})],
		[{state => 'dead', class => 'markup', error => 'what?'}], 'then it is given up';
	my $lost = $say->('say', undef);
	$life->tell($lost, 'unknown');
	($lost) = $life->next('chat');
	$life->tell($lost, 'unknown');
	is $pg->value('SELECT state FROM store.task WHERE id = ?', $lost->{id}), 'dead', 'said twice at most';
	$edit = $say->('edit', 5);
	for (1 .. 3) {
		$life->tell($edit, 'unknown');
		($edit) = $life->next('chat');
	}
	is $edit->{attempts}, 4, 'an edit is repeated';
	$life->tell($edit, 'refused', class => 'unreachable');
	ok $pg->value('SELECT unreachable_at FROM store.person WHERE id = ?', $who), 'a person who blocked us is known';
	my $job = $life->job($who, message => undef);
	my ($confirm) = $life->next('chat');
	$life->tell($confirm, 'done', result => {message_id => 399});
	my ($first) = $life->next('chat');
	is $first->{kind}, 'say', 'a status without a message is said';
	my ($submit) = $life->claim('media');
	$life->tell($first, 'done', result => {message_id => 400});
	is $life->look($job)->{status_message_id}, 400, 'its message is remembered';
	my ($second) = $life->next('chat');
	is_deeply [@$second{qw(kind message_id)}], ['edit', 400], 'and edited';
	$life->tell($second, 'refused', class => 'gone');
	my ($third) = $life->next('chat');
	is $third->{kind}, 'say', 'deleted by the person: said anew';
	$life->tell($third, 'done', result => {message_id => 401});
	$life->tell($submit, 'refused', class => 'policy');
	my ($fourth) = $life->next('chat');
	is_deeply [@$fourth{qw(kind message_id)}], ['edit', 401], 'and edited from then on';
	whole;
};

subtest 'progress coalesces' => sub {
	my ($job, $poll) = at('poll');
	$life->talk;
	my $count = sub { $pg->value(q{SELECT count(*) FROM store.task WHERE job_id = ? AND kind IN ('say', 'edit')
		AND state = 'ready'}, $job) };
	$life->tell($poll, 'later', result => {state => 'running'});
	is $count->(), 1, 'one edit waits';
	$life->tell($life->lead($job, 'poll'), 'refused', class => 'policy');
	is notices($job) =~ s/.* //r, 'job_failed.policy', 'the end is said';
	$pg->do(q{SELECT store.job_notice(?, 'job_status', '{"progress": 50}')}, $job);
	is scalar(grep { $_->{notice} eq 'job_failed' } $life->look($job)->{notices}->@*), 1, 'and not overwritten';
	my ($other, $submit) = at('submit');
	my ($leased) = grep { $_->{job_id} == $other } $life->next('chat');
	$leased //= ($pg->rows(q{SELECT id, fence FROM store.task WHERE job_id = ? AND lane = 'chat'}, $other))[0];
	$life->tell($submit, 'refused', class => 'input');
	is $pg->value(q{SELECT count(*) FROM store.task WHERE job_id = ? AND lane = 'chat'
		AND payload ->> 'notice' = 'job_failed' AND state = 'ready'}, $other), 1, 'a leased one is not overwritten';
	whole;
};

subtest 'fences' => sub {
	my ($job, $old) = at('submit');
	my ($held) = $life->call(dispatcher => 'SELECT * FROM dispatcher.beat(?, ?, ?)',
		[$old->{id}, $old->{id}, 99999], [$old->{fence}, $old->{fence} - 1, 1], 30);
	is_deeply $held, {beat => $old->{id}}, 'a beat keeps what is held';
	$life->tell($old, 'failed', class => 'busy');
	my $new = $life->lead($job, 'submit');
	is $new->{fence}, $old->{fence} + 1, 'the fence grows';
	is_deeply [$life->call(dispatcher => 'SELECT * FROM dispatcher.beat(?, ?, ?)', [$old->{id}], [$old->{fence}],
		30)], [], 'an old one is not kept';
	is $life->tell($old, $_, result => {request_id => 'x'}), 'stale', "an old $_ is stale"
		for qw(done later failed refused unknown);
	is $life->tell({id => 424242, fence => 1}, 'done'), 'stale', 'so is what never was';
	is state_of($job), 'processing submit 10', 'and has no effect';
	is $life->tell($new, 'done', result => {request_id => 'y'}), 'ok', 'the current one counts';
	is $life->tell($new, 'done', result => {request_id => 'y'}), 'stale', 'once';
	my ($poll) = grep { $_->{job_id} == $job } $life->next('media');
	$pg->do(q{SELECT store.job_fail(?, 'late', 'test')}, $job);
	is $life->tell($poll, 'done', result => {files => [{url => 'u'}]}), 'stale', 'a failed job takes no result';
	whole;
};

subtest 'a bad report harms itself only' => sub {
	my ($one, $a) = at('submit');
	my ($two, $b) = at('submit');
	my ($three, $c) = at('fetch');
	is_deeply [$life->report([$a, 'done', {result => {request_id => 'good'}}],
		[$b, 'dance', {}], [$c, 'done', {result => {files => 'none'}}])], ['ok', 'ok', 'ok'], 'all are settled';
	is state_of($one), 'processing poll 10', 'the good one';
	is state_of($two), 'processing lookup 10', 'an order nobody understands';
	is state_of($three), 'processing fetch 10', 'files that are none';
	whole;
};

subtest 'the dead' => sub {
	my ($job, $submit) = at('submit');
	my ($other, $poll) = at('poll');
	my ($third, $photo) = at('photo');
	$life->call(dispatcher => 'SELECT dispatcher.abandon(?, ?, 300)', [map { $_->{id} } $submit, $poll],
		[map { $_->{fence} } $submit, $poll]);
	is state_of($job), 'processing lookup 10', 'an abandoned order is looked for';
	is $pg->value('SELECT state FROM store.task WHERE id = ?', $poll->{id}), 'ready', 'an abandoned poll is repeated';
	my $reap = sub { ($life->call(dispatcher => 'SELECT dispatcher.reap(300) AS n'))[0]{n} };
	$pg->do(q{UPDATE store.task SET lease_until = now() + interval '1 hour' WHERE state = 'leased'});
	is $reap->(), 0, 'a lease that runs is left';
	$pg->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE id = ?}, $photo->{id});
	is $reap->(), 1, 'one that ran out is not';
	is $life->tell($photo, 'done', result => {message_id => 1, file_id => 'F'}), 'stale', 'its holder is too late';
	($photo) = grep { $_->{kind} eq 'photo' } $life->next('chat');
	is $photo->{job_id}, $third, 'the result goes out again';
	is $photo->{memo}{unknown}, 1, 'for the last time';
	$life->tell($photo, 'done', result => {message_id => 1, file_id => 'F'});
	whole;
};

subtest 'deadlines' => sub {
	my $reap = sub { ($life->call(dispatcher => 'SELECT dispatcher.reap(300) AS n'))[0]{n} };
	my %at = map { my ($job, $task) = at($_); $_ => {job => $job, task => $task} } qw(submit poll fetch photo);
	my $waiting = $life->job(somebody());
	$pg->do(q{UPDATE store.job SET deadline_at = now() - interval '1 second'
		WHERE status IN ('pending', 'processing')});
	is $reap->(), 4, 'four are late';
	for my $kind (qw(submit poll fetch)) {
		is join(' ', @{$life->look($at{$kind}{job})}{qw(status reason)}), 'failed late', "late in $kind";
		is $life->tell($at{$kind}{task}, 'done', result => $life->answer($at{$kind}{task})), 'stale',
			'and what comes then is not taken';
	}
	is join(' ', @{$life->look($waiting)}{qw(status reason)}), 'failed late', 'late before it began';
	like tasks($at{poll}{job}), qr/cancel:ready/, 'the provider is told to stop';
	unlike tasks($at{submit}{job}), qr/cancel/, 'when it has the order';
	is state_of($at{photo}{job}), 'processing deliver 10', 'a result on its way is never late';
	my ($cancel) = grep { $_->{kind} eq 'cancel' } $life->next('media');
	is ref $cancel->{payload}{request}, 'HASH', 'a cancel knows the request';
	$life->tell($cancel, 'done');
	whole;
};

subtest 'order and budget of a chat' => sub {
	my @people = map { somebody() } 1 .. 3;
	my $say = sub ($who, @names) {
		$life->call(responder => 'SELECT responder.say(?, ?, ?, ?::jsonb[], ?)', [map { $who } @names],
			[map { 'say' } @names], [map { undef } @names], [map { qq({"notice": "$_"}) } @names],
			[map { undef } @names]);
	};
	$say->($people[0], 1 .. 8);
	$say->($people[1], 1 .. 2);
	my @first = $life->claim('chat');
	is join(' ', map { "$_->{chat_id}.$_->{payload}{notice}" } @first), "$people[0].1 $people[1].1",
		'the oldest of each chat';
	is scalar($life->claim('chat')), 0, 'none while they are under way';
	$life->tell($first[0], 'failed', class => 'busy');
	is scalar(grep { $_->{chat_id} == $people[0] } $life->claim('chat')), 0, 'nor while the oldest waits';
	$life->due;
	my ($begin, @order) = time;
	for my $turn (1 .. 6) {
		my ($task) = grep { $_->{chat_id} == $people[0] } $life->claim('chat') or last;
		push @order, $task->{payload}{notice};
		$life->tell($task, 'done', result => {message_id => 1}) if $turn < 6;
	}
	like "@order", time - $begin < 1 ? qr/^1 2 3 4 5$/ : qr/^1 2 3 4 5/, 'five at once, then one a second';
	$pg->do(q{UPDATE store.task SET state = 'ready', lease_until = NULL, holder = NULL, attempts = 0
		WHERE state = 'leased' AND chat_id = ?}, $people[0]);
	$pg->do(q{UPDATE store.chat SET next_at = now() + interval '1 minute' WHERE id = ?}, $people[0]);
	is scalar(grep { $_->{chat_id} == $people[0] } $life->claim('chat')), 0, 'not before its time';
	my ($sixth) = $life->next('chat');
	is $sixth->{payload}{notice}, 6, 'in its order';

	is $life->tell($sixth, 'later', class => 'rate', retry_ms => 7000), 'ok', 'told to wait';
	is $pg->value(q{SELECT next_at BETWEEN t.run_at AND t.run_at + interval '1 second'
		FROM store.chat c, store.task t WHERE c.id = ? AND t.id = ?}, $people[0], $sixth->{id}), 1, 'the chat waits';
	($sixth) = $life->next('chat');
	is $sixth->{attempts}, 1, 'and that is no attempt';
	$say->($people[2], 1);
	$life->tell($sixth, 'later', class => 'rate', retry_ms => 60000, result => {all => JSON::PP::true});
	is scalar($life->claim('chat')), 0, 'the whole bot waits';
	$life->due;
	is scalar(grep { $_->{chat_id} == $people[2] } $life->claim('chat')), 1, 'and goes on';
	whole;

	$say->($_, 1 .. 5) for @people;
	my @got = $pg->at_once(4, 'atelier_dispatcher', sub ($i, $db) {
		my ($super, $end, @mine) = ($pg->super, time + 20);
		while (time < $end && $super->selectrow_array(q{SELECT count(*) FROM store.task
			WHERE lane = 'chat' AND state IN ('ready', 'leased')}))
		{
			# a second a message is not for a test
			$super->do(q{UPDATE store.chat SET next_at = now() - interval '1 minute'});
			my $tasks = $db->selectall_arrayref('SELECT * FROM dispatcher.claim(?, 2, ?, 30)', {Slice => {}}, 'chat',
				"h$i");
			push @mine, map { $_->{id} } @$tasks;
			$db->do(q{SELECT * FROM dispatcher.report(?, ?, ?, ?, ?, ?, ?::jsonb[], 300)}, undef,
				[map { $_->{id} } @$tasks], [map { $_->{fence} } @$tasks], [map { 'done' } @$tasks],
				map { [map { undef } @$tasks] } 1 .. 4) if @$tasks;
		}
		return \@mine;
	});
	my @all = map { ref eq 'ARRAY' ? @$_ : $_->{died} } @got;
	is scalar @all, 15, 'four dispatchers: each task once';
	my @sent = $pg->rows(q{SELECT chat_id, payload ->> 'notice' AS n FROM store.task WHERE state = 'done'
		AND chat_id >= ? ORDER BY done_at DESC LIMIT 15}, $people[0]);
	my %order;
	unshift @{$order{$_->{chat_id}}}, $_->{n} for @sent;
	is_deeply [map { "@$_" } values %order], [('1 2 3 4 5') x 3], 'in order in each chat';
	whole;
};

subtest 'place and usual time' => sub {
	my $who = somebody();
	my @jobs = map { $life->job($who, offer => 'slow', message => 70 + $_) } 1 .. 3;
	is join(' ', map { $life->look($_)->{notices}[0]{args}{place} } @jobs), '1 2 3', 'places in the queue';
	for my $job (@jobs) {
		$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F'})
			if $life->look($job)->{status} ne 'completed';
	}
	is_deeply [map { state_of($_) } @jobs], [('completed done 100') x 3], 'completed';
	my $seconds = 10;
	$pg->do(q{UPDATE store.job SET started_at = finished_at - interval '1 second' * ? WHERE id = ?}, $seconds++, $_)
		for @jobs;
	is $life->look($life->job($who, offer => 'slow'))->{notices}[0]{args}{usual_s}, 11, 'the median of the last';
	is $life->look($life->job($who, offer => 'other'))->{notices}[0]{args}{usual_s}, undef, 'of that offer';
	whole;
};

subtest 'an errand' => sub {
	my $ctl = $pg->connect('atelier_ctl');
	my ($id) = $ctl->selectrow_array('SELECT ctl.task_put(?, ?, ?)', undef, 'chat', 'webhook', '{"do": "info"}');
	my ($task) = $life->claim('chat');
	is_deeply [@$task{qw(id kind chat_id payload)}], [$id, 'webhook', undef, {do => 'info'}], 'is leased';
	$life->tell($task, 'done', result => {url => 'https://x'});
	is_deeply $ctl->selectrow_hashref('SELECT * FROM ctl.task_get(?)', undef, $id),
		{state => 'done', class => undef, error => undef, result => '{"url": "https://x"}'}, 'and answered';
	whole;
};

subtest 'the left edge' => sub {
	my $who = somebody();
	$life->job($who);
	$life->call(dispatcher => 'SELECT dispatcher.reap(300)');
	is $pg->value(q{SELECT count(*) FROM store.lane l WHERE EXISTS (SELECT 1 FROM store.task t
		WHERE t.lane = l.name AND t.state = 'ready' AND t.run_at < l.floor_at)}), 0, 'nothing ready is left of it';
	is scalar($life->claim('media')), 1, 'and it is found';
	whole;
};

is $pg->value(q{SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')}), 0, 'every job has ended';
unlike $pg->log, qr/deadlock|internal error/i, 'no deadlock';
done_testing;
