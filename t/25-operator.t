#!/usr/bin/perl
# What the operator's side does in the database: admins and the audit, the breaker, broadcasts, alerts, the digest.
use v5.36;
use utf8;
use Atelier::Life;
use Atelier::Pg;
use JSON::PP;
use Test::More;

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my $json = JSON::PP->new->utf8(0)->canonical;
my ($admin, $update, $next) = (900, 5000, 1000);
$life->call(dispatcher => 'SELECT dispatcher.admins_set(?)', [$admin]);
$life->seen($admin);

# A command as the responder gives it; returns the decoded answer.
sub does ($what, $args = {}, $who = $admin, $key = ++$update) {
	my ($row) = $life->call(responder => 'SELECT responder.admin(?, ?, ?, ?) AS answer', $who, $key, $what, $json->encode($args));
	return defined $row->{answer} ? $json->decode($row->{answer}) : undef;
}

# What has been put for somebody to be told since the last look, by notice; alerts by what they are about.
my $looked = 0;
sub told ($who) {
	my @rows = $pg->rows(q{SELECT id, payload FROM store.task WHERE chat_id = ? AND id > ? AND kind IN ('say', 'edit') ORDER BY id},
		$who, $looked);
	return map { my $p = $json->decode($_->{payload}); $p->{notice} eq 'alert' ? $p->{args}{what} : $p->{notice} } @rows;
}
sub looked () { $looked = $pg->value('SELECT coalesce(max(id), 0) FROM store.task'); return }
sub audit () { return ($pg->rows('SELECT * FROM store.audit ORDER BY id DESC LIMIT 1'))[0] }

subtest 'purses' => sub {
	my $who = ++$next;
	$life->seen($who);
	looked;
	my $args = {person => $who, unit => 'rub', amount => 10050, why => 'за ожидание'};
	my $key = ++$update;
	is does(add => $args, $admin, $key)->{outcome}, 'added', 'given';
	is does(add => $args, $admin, $key)->{args}{again}, 1, 'the same update again gives nothing';
	is $life->purse($who)->{rub}, 10050, 'once';
	is_deeply [told($who)], ['balance_added'], 'the person is told, once';
	my ($row) = $pg->rows('SELECT actor, note FROM ledger.transfer WHERE person_id = ? ORDER BY id DESC LIMIT 1', $who);
	is "$row->{actor} $row->{note}", "$admin за ожидание", 'the ledger has who and why';
	is does(sub => {person => $who, unit => 'rub', amount => -20000})->{outcome}, 'short', 'not below zero';
	is does(sub => {person => $who, unit => 'rub', amount => -10050})->{outcome}, 'taken', 'taken';
	is_deeply [told($who)], [qw(balance_added balance_taken)], 'and told';
	is does(add => {person => 5, unit => 'rub', amount => 1})->{outcome}, 'user', 'to nobody';
	my $last = audit();
	is "$last->{actor} $last->{command} $last->{outcome}", "$admin add user", 'what came to nothing is in the audit too';
	is does(add => $args, $who), undef, 'a stranger does nothing';
	is $life->purse($who)->{rub}, 0, 'really';
	my @got = $pg->at_once(8, 'atelier_responder', sub ($i, $db) {
		return $json->decode($db->selectrow_array('SELECT responder.admin(?, ?, ?, ?)', undef, $admin, 777_000, 'add',
			$json->encode($args)))->{args}{again} ? 'again' : 'new';
	});
	is join(' ', sort @got), 'again again again again again again again new', 'eight at once: one movement';
};

subtest 'bans' => sub {
	my $who = ++$next;
	$life->seen($who);
	looked;
	is does(ban => {person => $who, why => 'спам'})->{outcome}, 'banned', 'banned';
	is does(ban => {person => $who})->{outcome}, 'banned', 'twice';
	my ($seen) = $life->seen($who);
	is "$seen->{gate} " . ($seen->{ban_reason} // '-'), 'banned -', 'the gate is shut, with the last reason';
	is does(unban => {person => $who})->{outcome}, 'unbanned', 'let in';
	is_deeply [told($who)], [qw(banned unbanned)], 'told when it changed';
	is does(ban => {person => $admin})->{outcome}, 'ban_admin', 'not an admin';
	is +($life->seen($who))[0]{gate}, 'ok', 'open';
};

subtest 'maintenance' => sub {
	my $who = ++$next;
	$life->seen($who);
	is does(maintenance => {on => JSON::PP::true})->{outcome}, 'maintenance_on', 'closed';
	is join(' ', map { $_->{gate} } map { $life->seen($_) } $who, $admin), 'closed ok', 'to all but admins';
	is does(maintenance => {on => JSON::PP::false})->{outcome}, 'maintenance_off', 'opened';
	is +($life->seen($who))[0]{gate}, 'ok', 'to all';
};

subtest 'cards, pages and prices' => sub {
	my $who = ++$next;
	$life->seen($who);
	my $job = $life->job($who);
	my $card = does(user => {person => $who});
	is "$card->{notice} $card->{args}{jobs} $card->{args}{free}", 'admin_user 1 3', 'a person';
	is does(job => {job => $job})->{args}{person}, $who, 'a job';
	is does(job => {job => 999_999})->{outcome}, 'job', 'no such job';
	is does(payment => {payment => 999_999})->{outcome}, 'payment', 'no such payment';
	is does($_->[0] => $_->[1])->{outcome}, 'shown', "/$_->[0]" for [admin => {}], [weather => {}], [margin => {rate => 9000}], [audit => {}],
		[statement => {person => $who}], [jobs => {person => $who}], [payments => {person => $who}], [prices => {}];
	is does(stats => {})->{args}{d_jobs} > 0, 1, 'figures';
	is $pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'chart'}), 1, 'and a picture is ordered';
	is does(job_cancel => {job => $job})->{outcome}, 'job_cancel', 'a job is withdrawn';
	is does(job_cancel => {job => $job})->{outcome}, 'job_done', 'once';
	my ($chart) = grep { $_->{kind} eq 'chart' } $life->next('media');
	$life->tell($chart, 'refused', class => 'ours');
	is $pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'sweep' AND payload -> 'job' = ?::jsonb}, $chart->{payload}{job}), 1,
		'one that cannot be drawn leaves nothing behind';

	is does(price => {offer => 'generate.fast', do => 'rub', amount => 1500})->{outcome}, 'price_set', 'a price';
	is does(price => {offer => 'generate.fast', do => 'off'})->{outcome}, 'price_off', 'off';
	is_deeply $json->decode(($life->seen($who))[0]{offers}), {'generate.fast' => {rub => 1500, off => JSON::PP::true}}, 'for everybody';
	is does(price => {offer => 'generate.fast', do => 'on'})->{outcome}, 'price_on', 'on, with its price';
	is does(price => {offer => 'generate.fast', do => 'reset'})->{outcome}, 'price_reset', 'as in the catalogue';
	is +($life->seen($who))[0]{offers}, undef, 'nothing differs';
	is does(export => {})->{outcome}, 'sent', 'exported';
	is $pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'document' AND chat_id = ? AND payload ->> 'text' ~ '^id,'}, $admin), 3,
		'three files';
	is does(usage => {command => 'add', bad => 'x'})->{notice}, undef, 'what could not be read is on record';
	is audit()->{outcome}, 'usage', 'as that';
};

# ---- the breaker ----

sub fails ($model, $count, $class = 'busy') {
	for (1 .. $count) {
		my $who = ++$next;
		$life->seen($who);
		my $job = $life->order($who, $life->quote($who, model => $model), 77, 1000)->{job};
		$life->tell($life->lead($job, 'submit'), 'refused', class => $class, text => 'no answer');
	}
	return;
}
sub watch () { $life->call(dispatcher => q{SELECT dispatcher.watch('{}', '{chat}', '{1}')}); return }
sub outcome ($model) {
	my $who = ++$next;
	$life->seen($who);
	my ($row) = $life->call(responder => q{SELECT * FROM responder.quote_open(?, 'o', 'generate', 'O', 'fal', ?, 'x', '', '[]', 0, '[]', '{}',
		'free', 1, 60, '{}')}, $who, $model);
	return $row->{outcome};
}

subtest 'a model that keeps failing is not sold, tried again, and sold again' => sub {
	looked;
	fails('fal/bad', 4);
	watch;
	is outcome('fal/bad'), 'ok', 'four failures are no weather';
	fails('fal/bad', 3, 'policy');
	watch;
	is outcome('fal/bad'), 'ok', 'nor are refusals of what people asked for';
	my $who = ++$next;
	$life->seen($who);
	my $quote = $life->quote($who, model => 'fal/bad');
	fails('fal/bad', 1);
	watch;
	is outcome('fal/bad'), 'weather', 'the fifth';
	is outcome('fal/good'), 'ok', 'others are sold';
	is $life->order($who, $quote)->{outcome}, 'weather', 'what was shown before is not started';
	is $life->purse($who)->{free}, 4, 'and costs nothing';
	is_deeply [told($admin)], ['breaker_open'], 'the admins hear it';
	ok $json->decode(($life->seen($who))[0]{offers})->{'@fal/fal/bad'}{off}, 'the catalogue says so';
	$pg->do(q{UPDATE store.breaker SET until = clock_timestamp()});
	is outcome('fal/bad'), 'ok', 'after a while it is sold on trial';
	fails('fal/bad', 1);
	watch;
	is outcome('fal/bad'), 'weather', 'one failure then is enough';
	is $pg->value('SELECT trips FROM store.breaker'), 2, 'for longer';
	is_deeply [told($admin)], ['breaker_open'], 'without another word';
	$pg->do(q{UPDATE store.breaker SET until = clock_timestamp()});
	my $job = $life->order($who, $life->quote($who, model => 'fal/bad'))->{job};
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 5, file_id => 'F', file_unique_id => 'U'});
	watch;
	is_deeply [told($admin)], [qw(breaker_open breaker_closed)], 'a good result ends it, and the admins hear it';
	watch;
	is outcome('fal/bad'), 'ok', 'what was before does not count any more';
};

subtest 'a provider that refuses the key stops selling all of its models at once' => sub {
	looked;
	fails('fal/any', 1, 'funds');
	is outcome('fal/other'), 'weather', 'all of them';
	is_deeply [told($admin)], ['provider_trouble'], 'the admins hear it once';
	$pg->do(q{DELETE FROM store.breaker; UPDATE store.job SET finished_at = finished_at - interval '1 hour' WHERE finished_at IS NOT NULL});
};

subtest 'a failing payment provider is told once an hour' => sub {
	looked;
	for (1 .. 2) {
		$pg->do(q{SELECT store.provider_trouble(jsonb_populate_record(NULL::store.task,
			'{"lane": "pay", "kind": "pay_ask", "payload": {"provider": "yookassa"}}'), 'wrong key')});
	}
	is scalar(grep { $_ eq 'provider_trouble' } told($admin)), 1, 'once';
	is outcome('fal/other'), 'ok', 'pictures are sold all the same';
};

# ---- broadcasts ----

# Everybody gets it who should, once, however often it is stopped; at most so many are on their way.
subtest 'a broadcast' => sub {
	$life->due;
	$life->talk;    # nothing waits in anybody's chat
	my @people = map { 20_000 + $_ } 1 .. 60;
	$life->seen($_) for @people;
	my %lost = map { $_ => 1 } $people[3], $people[40];
	$pg->do('UPDATE store.person SET banned_at = now() WHERE id = ?', $people[5]);
	$pg->do(q{UPDATE store.person SET lang = 'en' WHERE id = ?}, $people[6]);
	looked;
	my $draft = does(draft => {message => 77});
	my $id = $draft->{args}{broadcast};
	is "$draft->{notice} $draft->{args}{state}", 'broadcast draft', 'a draft';
	my ($preview) = $pg->rows(q{SELECT payload FROM store.task WHERE kind = 'copy' ORDER BY id DESC LIMIT 1});
	is_deeply $json->decode($preview->{payload}), {from => $admin, message => 77}, 'is shown to its author';
	is does(broadcast => {broadcast => $id, do => 'en'})->{args}{count}, 1, 'a segment';
	my $all = does(broadcast => {broadcast => $id, do => 'all'})->{args}{count};
	is $all, $pg->value('SELECT count(*) FROM store.person WHERE banned_at IS NULL AND unreachable_at IS NULL'), 'everybody who can be told';
	is does(broadcast => {broadcast => $id, do => 'pause'})->{outcome}, 'late', 'a draft is not paused';
	is does(broadcast => {broadcast => $id, do => 'start'})->{outcome}, 'start', 'started';
	is does(broadcast => {broadcast => $id, do => 'start'})->{outcome}, 'late', 'once';
	is does(broadcast => {broadcast => does(draft => {message => 78})->{args}{broadcast}, do => 'start'})->{outcome}, 'broadcast_busy', 'one at a time';
	my (%got, $most);
	my $round = sub {
		$pg->at_once(2, 'atelier_dispatcher', sub ($i, $db) { $db->selectrow_array('SELECT dispatcher.broadcast_due(10)') });
		my $open = $pg->value('SELECT count(*) FROM store.broadcast_person WHERE outcome IS NULL');
		$most = $open if $open > ($most // 0);
		for my $task ($life->next('chat')) {
			$life->tell($task, 'done', result => $life->sent($task)), next if !$task->{payload}{broadcast};
			$got{$task->{chat_id}}++;
			$life->tell($task, $lost{$task->{chat_id}} ? ('refused', class => 'unreachable')
				: $task->{chat_id} == $people[10] ? ('unknown', class => 'busy') : ('done', result => {message_id => 9}));
		}
	};
	$round->() for 1 .. 3;
	is does(broadcast => {broadcast => $id, do => 'pause'})->{outcome}, 'pause', 'paused';
	my $before = keys %got;
	$round->() for 1 .. 3;
	is scalar keys %got, $before, 'nobody is queued meanwhile';
	is does(broadcast => {broadcast => $id, do => 'resume'})->{outcome}, 'resume', 'and on';
	for (1 .. 60) {
		$round->();
		last if $pg->value('SELECT state FROM store.broadcast WHERE id = ?', $id) eq 'done';
	}
	is $pg->value('SELECT state FROM store.broadcast WHERE id = ?', $id), 'done', 'done';
	is scalar keys %got, $all, 'everybody';
	is_deeply [grep { $got{$_} != 1 } keys %got], [], 'once, also one whose fate was not known';
	ok !$got{$people[5]}, 'who is banned is not written to';
	cmp_ok $most, '<=', 10, 'no more than that on their way';
	is $pg->value('SELECT count(*) FROM store.person WHERE unreachable_at IS NOT NULL AND id = ANY (?)', [keys %lost]), 2, 'who is gone is marked';
	my ($row) = grep { $_->{args}{state} // '' eq 'done' } map { $json->decode($_->{payload}) } $pg->rows(
		q{SELECT payload FROM store.task WHERE payload ->> 'notice' = 'broadcast' ORDER BY id DESC LIMIT 1});
	is "$row->{args}{sent} $row->{args}{lost}", join(' ', $all - 3, 3), 'its author hears how it went';
};

subtest 'a broadcast that nobody gets is paused' => sub {
	$life->due;
	$life->talk;
	my $id = does(draft => {message => 99})->{args}{broadcast};
	does(broadcast => {broadcast => $id, do => 'start'});
	looked;
	for (1 .. 5) {
		$life->call(dispatcher => 'SELECT dispatcher.broadcast_due(10)');
		$life->tell($_, $_->{payload}{broadcast} ? ('refused', class => 'ours', text => 'message to copy not found') : ('done', result => $life->sent($_)))
			for $life->next('chat');
	}
	is $pg->value('SELECT state FROM store.broadcast WHERE id = ?', $id), 'paused', 'it is';
	is_deeply [told($admin)], ['broadcast'], 'its author hears it';
	cmp_ok $pg->value('SELECT count(*) FROM store.broadcast_person WHERE broadcast_id = ?', $id), '<=', 20, 'before many were tried';
	does(broadcast => {broadcast => $id, do => 'cancel'});
};

subtest 'who got a broadcast is forgotten after a month' => sub {
	my $before = $pg->value('SELECT count(*) FROM store.broadcast_person');
	$life->call(dispatcher => 'SELECT dispatcher.purge()');
	is $pg->value('SELECT count(*) FROM store.broadcast_person'), $before, 'not before';
	$pg->do(q{UPDATE store.broadcast SET finished_at = now() - interval '31 days' WHERE finished_at IS NOT NULL});
	$life->call(dispatcher => 'SELECT dispatcher.purge()');
	is $pg->value('SELECT count(*) FROM store.broadcast_person'), 0, 'then';
};

# ---- alerts ----

subtest 'alerts and the digest' => sub {
	looked;
	$life->call(dispatcher => q{SELECT dispatcher.watch('{media}', '{chat}', '{1}')}) for 1 .. 2;
	is scalar(grep { $_ eq 'helper_down' } told($admin)), 1, 'a lane without a helper, once an hour';
	does(stats => {});
	$pg->do(q{UPDATE store.task SET run_at = now() - interval '3 minutes' WHERE id = (SELECT id FROM store.task WHERE state = 'ready'
		AND prio < 4 LIMIT 1)});
	$life->call(dispatcher => q{SELECT dispatcher.watch('{}', '{chat}', '{1}')}) for 1 .. 2;
	is scalar(grep { $_ eq 'queue' } told($admin)), 1, 'a queue that is too long, too';
	$life->call(dispatcher => 'SELECT dispatcher.digest_due()') for 1 .. 2;
	is scalar(grep { $_ eq 'digest' } told($admin)), 0, 'no digest on the first day';
	$pg->do(q{UPDATE store.setting SET value = '2000-01-01' WHERE name = 'digest'});
	$life->call(dispatcher => 'SELECT dispatcher.digest_due()') for 1 .. 2;
	my $hour = (gmtime)[2];
	is scalar(grep { $_ eq 'digest' } told($admin)), $hour >= 6 ? 1 : 0, 'one on another, in the morning';
};
is_deeply [$pg->broken], [], 'nothing is broken';
done_testing;
