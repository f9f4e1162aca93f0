# 500 jobs at once in the media lane, with answers after 5 to 30 seconds: all end, and waiting costs little memory.
use strict;
use warnings;
use utf8;

use Atelier::Life;
use Atelier::Stack qw(await);
use Test::More;
use Time::HiRes qw(time);

my $jobs = 500;
my $stack = Atelier::Stack->new(fal_ms => 5000, payments => 0, settings => {CHAT_PER_SECOND => 1000});
$stack->start;
my $pg = $stack->pg;
$stack->market(post => '/control/set', {fal_ms_to => 30_000, limits => {bot_rate => 5000, bot_burst => 5000}});

# Resident memory of the media helper, in KiB.
sub memory {
	my ($pid) = $stack->role_pids('helper media');
	open my $status, '<', "/proc/$pid/status" or die "helper: $!";
	my ($size) = join('', <$status>) =~ /^VmRSS:\s*(\d+)/m;
	return $size;
}

my $life = Atelier::Life->new($pg);
my $before = memory();
for my $from (0 .. $jobs / 20 - 1) {
	my @people = map { 9_000_000 + $from * 20 + $_ } 1 .. 20;
	$stack->market(post => '/control/person', {id => $_, first_name => 'П', language_code => 'ru'}) for @people;
	$life->seen(\@people);
}
my $began = time;
for my $person (map { 9_000_000 + $_ } 1 .. $jobs) {
	my $quote = $life->quote($person, offer => 'generate.standard', model => 'fal-ai/bytedance/seedream/v4/text-to-image',
		prompt => "лес $person", input => {prompt => "лес $person", seed => $person});
	$life->order($person, $quote, undef);
}
my $peak = $before;
my $waiting = 0;
await('all jobs to be with the provider', 60, sub {
	my $now = memory();
	$peak = $now if $now > $peak;
	$waiting = $pg->value("SELECT count(*) FROM store.job WHERE request IS NOT NULL");
	return $waiting >= $jobs;
});
await('all jobs to end', 200, sub {
	my $now = memory();
	$peak = $now if $now > $peak;
	return $pg->value("SELECT count(*) FROM store.job WHERE finished_at IS NULL") == 0;
});
diag sprintf '%d jobs ended in %.0f s; media helper: %d KiB before, %d KiB at most, %.1f KiB a job', $jobs, time - $began,
	$before, $peak, ($peak - $before) / $jobs;
is($pg->value("SELECT count(*) FROM store.job WHERE status = 'completed'"), $jobs, 'all were delivered');
is($stack->counts->{fal}{submits}, $jobs, 'each was ordered once');
cmp_ok(($peak - $before) / $jobs, '<', 100, 'a waiting job costs less than 100 KiB of the helper');
my $polls = $pg->value("SELECT count(*) FROM store.task WHERE kind = 'poll'");
$stack->wait_quiet(60);
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
