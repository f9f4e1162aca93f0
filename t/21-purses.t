#!/usr/bin/perl
# The hold of a failed job comes back to the purse it came from, whichever it was and however the job failed; two
# failures at once give back once.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Test::More;

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
$life->{unknown_s} = 300;
my $next = 500;

# How a job can fail: led to a step, then this is done to the task of that step.
my @ways = (
	(map { my $class = $_; map { [$_, $class, sub ($task, $job) { $life->tell($task, 'refused', class => $class) }] }
		qw(submit poll fetch photo) } qw(input policy funds gone ours)),
	['photo', 'unreachable', sub ($task, $job) { $life->tell($task, 'refused', class => 'unreachable') }],
	(map { [$_, 'late', sub ($task, $job) {
		$pg->do(q{UPDATE store.job SET deadline_at = now() - interval '1 second' WHERE id = ?}, $job);
		$life->call(dispatcher => 'SELECT dispatcher.reap(300)');
		is $life->tell($task, 'done', result => $life->answer($task)), 'stale', '  a result that comes afterwards is stale';
	}] } qw(submit poll fetch)),
	['photo', 'unknown twice', sub ($task, $job) {
		$life->tell($task, 'unknown');
		$life->tell($life->lead($job, 'photo'), 'unknown');
	}],
	['submit', 'unknown for good', sub ($task, $job) {
		for (1 .. 2) {
			$life->tell($task, 'unknown');
			my $lookup = $life->lead($job, 'lookup');
			$pg->do(q{UPDATE store.job SET unknown_at = now() - interval '1 hour' WHERE id = ?}, $job);
			$life->tell($lookup, 'later', retry_ms => 1000);
			$task = $life->lead($job, 'submit') if $_ == 1;
		}
	}],
	['poll', 'refused and too late at once', sub ($task, $job) {
		$pg->do(q{UPDATE store.job SET deadline_at = now() - interval '1 second' WHERE id = ?}, $job);
		$pg->at_once(6, 'atelier_dispatcher', sub ($i, $db) {
			$i % 2 ? $db->selectrow_array('SELECT dispatcher.reap(300)')
				: $db->selectrow_array('SELECT answer FROM dispatcher.report(?, ?, ?, ?, ?, ?, ?::jsonb[], 300)', undef,
					[$task->{id}], [$task->{fence}], ['refused'], ['policy'], [undef], [undef], [undef]);
			return 1;
		});
	}],
);

for my $unit (['free', 1], ['credit', 3], ['rub', 1000]) {
	my ($name, $price) = @$unit;
	for my $way (@ways) {
		my ($step, $how, $fail) = @$way;
		my $who = ++$next;
		$life->seen($who, free => $name eq 'free' ? 4 : 0);
		$life->give($who, $name, $price * 4) if $name ne 'free';
		my $before = $life->purse($who);
		my $job = $life->job($who, unit => $name, amount => $price);
		is $life->purse($who)->{$name}, $before->{$name} - $price, "$name, $step, $how: on hold";
		$fail->($life->lead($job, $step), $job);
		is_deeply $life->purse($who), $before, "$name, $step, $how: back in its purse";
		is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE job_id = ? AND kind IN ('take', 'release')}, $job), 1,
			"$name, $step, $how: once";
		$pg->do(q{UPDATE store.task SET state = 'dead', fence = fence + 1, lease_until = NULL, holder = NULL, done_at = now()
			WHERE state IN ('ready', 'leased') AND person_id = ? AND kind NOT IN ('say', 'edit')}, $who);
		$life->talk;
		$pg->do('DELETE FROM store.offer_change'); # a model that is gone is sold again
	}
}
is_deeply [$pg->broken], [], 'nothing is broken';
done_testing;
