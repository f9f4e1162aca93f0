#!/usr/bin/perl
# What must not be believed, repeated or forgotten: answers that never came, helpers that lie, rows that should not
# be there.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Till;
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
my $next = 10;

sub somebody () { $till->seen(++$next, free => 0); return $next }

sub whole () {
	is_deeply [$pg->broken], [], 'nothing is broken';
	$pg->do(q{UPDATE store.payment SET state = 'canceled', next_ask_at = NULL WHERE state IN ('created', 'pending')});
	$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL,
		done_at = now() WHERE state IN ('ready', 'leased') AND lane = 'pay'});
	$till->forget;
	return;
}

sub admin_refund ($id, $amount) {
	return ($pg->rows('SELECT * FROM ctl.refund(?, ?, 900, ?)', $id, $amount, 'asked for it'))[0]{refund};
}
sub wait_of_ready ($kind) {
	return $pg->value(q{SELECT round(extract(epoch FROM run_at - now())) FROM store.task
		WHERE kind = ? AND state = 'ready'}, $kind);
}

# The adapters say "later" to an answer that was lost, and to a 500.
subtest 'a refund whose answer is lost for a day is not ordered under a dead key' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	my $refund = admin_refund($id, 4000);
	my ($task) = $till->asked($id, 'pay_refund');
	$till->tell($task, 'later', class => 'busy', retry_ms => 2000, result => {tries => 1});
	is wait_of_ready('pay_refund'), 2, 'again under its key';
	($task) = $till->asked($id, 'pay_refund');
	is $task->{memo}{tries}, 1, 'the waits may grow';
	$pg->do(q{UPDATE store.refund SET created_at = created_at - interval '23 hours' WHERE id = ?}, $refund);
	$till->tell($task, 'later', class => 'busy', retry_ms => 60000, result => {tries => 2});
	is scalar(() = $till->asked($id, 'pay_refund')), 0, 'a key is good for a day';
	is $till->balance($who), 6000, 'what was held is held';
	is $till->pay_due, 1, 'it is looked for';
	($task) = $till->asked($id, 'pay_list');
	$till->tell($task, 'done', result => {items => [$till->refund_truth($id, 'R1', 'succeeded', 4000)]});
	is $till->refund($refund)->{state}, 'succeeded', 'and found';
	is $till->balance($who), 6000, 'once';
	whole;
};

subtest 'a refund refused after a lost answer is not given back before it was looked for' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	my $refund = admin_refund($id, 4000);
	$till->tell(($till->asked($id, 'pay_refund'))[0], 'later', class => 'busy', retry_ms => 1, result => {tries => 1});
	$till->tell(($till->asked($id, 'pay_refund'))[0], 'refused', class => 'funds');
	is $till->balance($who), 6000, 'held on: the first may have been heard';
	$till->pay_due;
	$till->tell(($till->asked($id, 'pay_list'))[0], 'done', result => {items => []});
	is $till->balance($who), 10000, 'not there: given back';
	whole;
};

subtest 'a refund answered with another sum is asked about' => sub {
	my $id = $till->paid(somebody());
	my $refund = admin_refund($id, 4000);
	$till->tell(($till->asked($id, 'pay_refund'))[0], 'done', result => $till->refund_truth($id, 'S1', 'succeeded', 40));
	is $till->refund($refund)->{state}, 'pending', 'not believed';
	isnt $till->refund($refund)->{next_ask_at}, undef, 'nor forgotten with what it holds';
	whole;
};

subtest 'a creation in doubt' => sub {
	my $who = somebody();
	my $id = $till->open($who, credits => 1000)->{payment};
	$till->tell(($till->asked($id))[0], 'later', class => 'busy', retry_ms => 1, result => {sent => \1, tries => 1});
	my ($task) = $till->asked($id);
	ok $task->{memo}{sent}, 'the adapter is told that it was sent: it looks before it sends again';
	$till->passes($id, '16 minutes');
	$till->tell($task, 'later', class => 'busy', retry_ms => 1, result => {sent => \1});
	is_deeply [$till->notices($who)], ['pay_failed'], 'after a quarter of an hour the person is not left waiting';
	($task) = $till->asked($id);
	$till->tell($task, 'later', class => 'busy', retry_ms => 1);
	is_deeply [$till->notices($who)], ['pay_failed'], 'told once';
	$till->passes($id, '23 hours');
	$till->tell(($till->asked($id))[0], 'later', class => 'busy', retry_ms => 1);
	is scalar(() = $till->asked($id)), 0, 'not for ever';
	$till->passes($id, '6 seconds');
	$till->pay_due;
	is $till->answered($id, $till->truth($id, 'pending', url => 'https://bt.example/')), 1, 'asked about instead';
	is [$till->notices($who)]->[-1], 'pay_link', 'and here is the link';
	whole;
};

subtest 'a provider with 500s is not hammered' => sub {
	my $id = $till->created(somebody());
	$till->hint($id);
	my @waits;
	for (1 .. 4) {
		$till->tell(($till->asked($id))[0], 'later', class => 'busy', retry_ms => 2000, result => {tries => 1});
		push @waits, wait_of_ready('pay_ask');
	}
	is_deeply \@waits, [2, 5, 10, 20], 'growing waits';
	$till->tell(($till->asked($id))[0], 'later', class => 'lost');
	is wait_of_ready('pay_ask'), 1, 'but what never left us is sent at once';
	whole;
};

subtest 'a pay helper is believed about what it was asked only' => sub {
	my ($mine, $other) = map { $till->created(somebody(), amount => 1000 * $_) } 1, 2;
	my $truth = $till->truth($other, 'succeeded');
	$till->hint($mine);
	is $till->tell(($till->asked($mine))[0], 'done', result => $truth), 'ok', 'asked about one, it speaks of another';
	is $till->state($other), 'pending', 'no money';
	is $till->tell($till->leased('pay_ask', {payment => undef, provider => 'yookassa', order => undef,
		ext_id => 'Ex'}), 'done', result => $truth), 'ok', 'asked about an unknown one';
	is $till->state($other), 'pending', 'no money';
	my $paid = $till->paid(my $who = somebody());
	is $till->tell($till->leased('pay_refund_ask', {provider => 'yookassa', refund_ext_id => 'R8'}), 'done',
		result => $till->refund_truth($paid, 'R9', 'succeeded', 10000)), 'ok', 'or about another refund';
	is $till->balance($who), 10000, 'nothing is taken';
	admin_refund($paid, 1000);
	is $till->tell(($till->asked($paid, 'pay_refund'))[0], 'done',
		result => {%{$till->refund_truth($paid, 'R9', 'succeeded', 1000)}, payment => "E$mine"}), 'ok', 'or payment';
	is $pg->value('SELECT count(*) FROM store.refund WHERE ext_id IS NOT NULL AND payment_id = ?', $paid), 0, 'nor kept';
	$till->tell(($till->asked($paid, 'pay_refund'))[0], 'done', result => $till->refund_truth($paid, 'R9', 'succeeded', 1000));
	is $till->balance($who), 9000, 'the truth counts';
	whole;
};

subtest 'a helper of another lane' => sub {
	my $id = $till->created(my $who = somebody());
	$till->hint($id);
	my ($task) = $till->asked($id);
	my $report = sub ($lane) {
		return ($till->call(dispatcher => q{SELECT answer FROM dispatcher.report(?, ?, '{done}', '{""}', '{""}', '{0}',
			?, 300, ?)}, [$task->{id}], [$task->{fence}],
			[JSON::PP->new->encode($till->truth($id, 'succeeded'))], [$lane]))[0]{answer};
	};
	my $beat = sub ($lane) {
		return scalar(() = $till->call(dispatcher => 'SELECT dispatcher.beat(?, ?, 30, ?)', [$task->{id}],
			[$task->{fence}], $lane));
	};
	is $report->('chat'), 'stale', 'a chat helper says that money has come';
	is $beat->('chat'), 0, 'or that the task is its own';
	$till->call(dispatcher => 'SELECT dispatcher.abandon(?, ?, 300, ?)', [$task->{id}], [$task->{fence}], 'media');
	is $pg->value('SELECT state FROM store.task WHERE id = ?', $task->{id}), 'leased', 'or gives it up';
	is $till->balance($who), 0, 'without effect';
	is $beat->('pay'), 1, 'its holder keeps it';
	is $report->('pay'), 'ok', 'and is heard';
	is $till->balance($who), 10000, 'credited';
	whole;
};

subtest 'one row that cannot be settled does not stop the reaper' => sub {
	my $id = $till->open(somebody())->{payment};
	my $bad = $till->leased('pay_refund', {refund => 999999}, $id);
	my ($good) = $till->asked($id, 'pay_create');
	$pg->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE state = 'leased'});
	is $pg->value('SELECT dispatcher.reap(300)'), 1, 'the other is settled';
	is $pg->value('SELECT state FROM store.task WHERE id = ?', $good->{id}), 'ready', 'and goes on';
	is $pg->value('SELECT lease_until > now() FROM store.task WHERE id = ?', $bad->{id}), 1, 'it is put off';
	whole;
};

subtest 'what is to be told outlives an hour without Telegram' => sub {
	my $who = somebody();
	$till->paid($who);
	my $say = sub { return grep { $_->{payload}{notice} eq 'pay_done' } $till->next('chat') };
	$pg->do(q{UPDATE store.task SET state = 'dead', done_at = now() WHERE chat_id = ? AND state = 'ready'
		AND payload ->> 'notice' <> 'pay_done'}, $who);
	for (1 .. 40) {
		my ($task) = $say->() or last;
		$till->tell($task, 'failed', class => 'busy');
	}
	my ($task) = $say->();
	ok $task, 'forty attempts, and it is still to be said';
	$pg->do(q{UPDATE store.task SET created_at = created_at - interval '7 hours' WHERE id = ?}, $task->{id});
	$till->tell($task, 'failed', class => 'busy');
	is scalar(() = $say->()), 0, 'not for ever';
	whole;
};

subtest 'weeks later' => sub {
	my $who = somebody();
	my $id = $till->paid($who);
	$till->forget;
	$pg->do(q{UPDATE store.task SET done_at = now() - interval '40 days' WHERE state IN ('done', 'dead')});
	$pg->do(q{UPDATE store.payment SET verified_at = verified_at - interval '40 days'});
	$pg->do('SELECT dispatcher.purge()');
	is $till->hint($id), 'known', 'what was sent once is sent again';
	$till->tell($till->leased('pay_ask', {payment => undef, provider => 'yookassa', order => undef, ext_id => "E$id"}),
		'done', result => $till->truth($id, 'succeeded'));
	is $till->balance($who), 10000, 'money has no retention';
	is_deeply [$till->notices($who)], [], 'and nobody is told twice';
	whole;
};

subtest 'what was ordered is what is granted' => sub {
	my $who = somebody();
	my $old = $till->created($who, credits => 1000);
	my $new = $till->created($who, credits => 500);
	isnt $old, $new, 'a package that has become dearer is another order';
	$till->heard($_, $till->truth($_, 'succeeded')) for $new, $old;
	is $till->balance($who, 'credit'), 1500, 'each grants what its payer was shown';
	whole;
};

subtest 'what is kept for a while only' => sub {
	my $who = somebody();
	$till->give($who, 'rub', 1000);
	my ($idle, $fresh) = map { $till->quote($who, unit => 'rub', amount => 500) } 1, 2;
	my $job = $till->job($who, unit => 'rub', amount => 500);
	$pg->do(q{UPDATE store.quote SET created_at = now() - interval '31 days' WHERE id <> ?}, $fresh);
	$pg->do(q{INSERT INTO store.parked (update_id, reason, at) VALUES (1, 'x', now() - interval '31 days'), (2, 'y', now())});
	$pg->do('SELECT dispatcher.purge()');
	is_deeply [map { $_->{id} } $pg->rows('SELECT id FROM store.quote WHERE person_id = ? ORDER BY id', $who)],
		[$fresh, $pg->value('SELECT quote_id FROM store.job WHERE id = ?', $job)], 'quotes: the fresh and the ordered';
	is_deeply [map { $_->{update_id} } $pg->rows('SELECT update_id FROM store.parked')], [2], 'parked updates: the fresh';
	is $till->order($who, $idle)->{outcome}, 'gone', 'its button says so';
	whole;
};
subtest 'one payment that cannot be asked about stops no other' => sub {
	my @ids = map { $till->created(somebody()) } 1 .. 3;
	$pg->do(qq{CREATE FUNCTION public.stuck() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF NEW.payment_id = $ids[0] THEN RAISE EXCEPTION 'stuck' USING ERRCODE = '22023'; END IF; RETURN NEW; END \$\$});
	$pg->do('CREATE TRIGGER stuck BEFORE INSERT ON store.task FOR EACH ROW EXECUTE FUNCTION public.stuck()');
	$till->passes($_, '1 minute') for @ids;
	my ($row) = $till->call(dispatcher => 'SELECT dispatcher.pay_due(100) AS n');
	is $row->{n}, 2, 'the two others are asked about';
	ok $pg->value(q{SELECT next_ask_at > now() + interval '30 minutes' FROM store.payment WHERE id = ?}, $ids[0]),
		'it waits an hour';
	$pg->do('DROP TRIGGER stuck ON store.task');
	is_deeply [$pg->broken], [], 'nothing is broken';
};

done_testing;
