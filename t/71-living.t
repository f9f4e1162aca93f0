# A minute of load with a reload, a death of each role, a new certificate and an upgrade in the middle: every update that
# was sent is applied once, and every answer is said.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use File::Copy qw(copy);
use File::Path qw(make_path);
use IO::Handle;
use JSON::PP qw(encode_json);
use Mojo::IOLoop;
use Mojo::UserAgent;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $seconds = $ENV{ATELIER_LIVING_SECONDS} // 60;
my ($rate, $people, $first_update) = (60, 400, 700_000_000);      # updates a second
my $stack = Atelier::Stack->new(settings => {RATE_LIMIT_PER_MINUTE => 10_000, CHAT_PER_SECOND => 1000, DRAIN_SECONDS => 5});
$stack->start;
my $pg = $stack->pg;
$stack->market(post => '/control/set', {limits => {bot_rate => 5000, bot_burst => 5000, chat_rate => 500, chat_burst => 500}});
$stack->market(post => '/control/crowd', {first => 910_000, count => $people});

# Telegram, as far as it matters: each update is sent until it is answered 200, a person's one after the other.
sub send_all {
	my ($report) = @_;
	my $ua = Mojo::UserAgent->new(insecure => 1, max_connections => 64, request_timeout => 40, inactivity_timeout => 40);
	my ($began, $made, $open, %again) = (time, 0, 0);
	my @queue = map { [] } 1 .. $people;
	my @busy;
	my $post;
	$post = sub {
		my ($person) = @_;
		my $id = $queue[$person][0] or return;
		return if $busy[$person]++;
		my %who = (id => 910_000 + $person, is_bot => \0, first_name => 'Ж', language_code => 'ru');
		my $body = encode_json({update_id => $id, message => {message_id => 1 + $id % 1_000_000, date => int time, text => '/help', from => \%who,
			chat => {id => 910_000 + $person, type => 'private', first_name => 'Ж'}}});
		$ua->post($stack->base . '/telegram' => {'Content-Type' => 'application/json',
			'X-Telegram-Bot-Api-Secret-Token' => $Atelier::Stack::SECRET} => $body => sub {
			my ($agent, $tx) = @_;
			my $code = $tx->res->code // 0;
			$busy[$person] = 0;
			if ($code == 200) {
				shift @{$queue[$person]};
				$open--;
				$post->($person);
			} else {
				$again{$code}++;
				Mojo::IOLoop->timer(0.3 => sub { $post->($person) });
			}
		});
	};
	Mojo::IOLoop->recurring(0.05 => sub {
		while (time - $began < $seconds && $made < (time - $began) * $rate) {
			my $person = $made % $people;
			push @{$queue[$person]}, $first_update + $made++;
			$open++;
			$post->($person);
		}
		Mojo::IOLoop->stop if time - $began >= $seconds && $open == 0 || time - $began > $seconds + 60;
	});
	Mojo::IOLoop->start;
	print {$report} "$made $open ", join(',', map { "$_:$again{$_}" } sort keys %again), "\n";
	return;
}

pipe my $read, my $write or die "pipe: $!";
my $sender = fork // die "fork: $!";
if (!$sender) {
	close $read;
	$write->autoflush(1);
	send_all($write);
	POSIX::_exit(0);
}
close $write;
my $began = time;
sub applied { return $pg->value("SELECT count(*) FROM store.update WHERE id >= $first_update") }
# Not before a part of the minute has passed, and never without load.
sub at_second { my ($second) = @_; await("second $second", $seconds + 30, sub { time - $began >= $second * $seconds / 60 }); return }
sub goes_on { my ($what) = @_; my $before = applied(); await("updates after $what", 40, sub { applied() > $before + 20 }); pass("it goes on after $what"); return }

at_second(4);
goes_on('the beginning');
for my $victim ('responder', 'dispatcher', 'helper chat', 'helper pay', 'helper media') {
	my @pids = $stack->role_pids($victim);
	ok(@pids > 0, "$victim is there");
	kill 'KILL', @pids;
	await("$victim to be started again", 30, sub { my %old = map { $_ => 1 } @pids; my @new = $stack->role_pids($victim); @new >= @pids && !grep { $old{$_} } @new });
	goes_on("a death of each $victim");
}
at_second(22);
my %before = map { $_ => 1 } map { $stack->role_pids($_) } 'responder', 'dispatcher', 'helper chat';
$stack->{settings}{FREE_OPERATIONS_COUNT} = 7;
$stack->write_settings;
kill 'HUP', $stack->{pids}{atelierd};
await('the reload', 30, sub { my @new = map { $stack->role_pids($_) } 'responder', 'dispatcher', 'helper chat'; @new >= 4 && !grep { $before{$_} } @new });
goes_on('a reload');

at_second(32);
# A renewed certificate: what certbot's hook does.
unlink glob "$stack->{dir}/tls/server.*";
$stack->certificates if !-e "$stack->{dir}/tls/server.pem";
is(system('/usr/sbin/nginx', '-c', "$stack->{dir}/nginx/nginx.conf", '-p', "$stack->{dir}/nginx", '-e', "$stack->{dir}/log/nginx-error.log", '-s', 'reload') >> 8, 0, 'nginx takes a new certificate');
goes_on('a new certificate');

at_second(40);
# An upgrade, as the package does it: the new programs in their places, the schema, a restart.
my $new = "$stack->{dir}/new";
make_path($new);
for my $program (qw(atelierd atelierctl responder dispatcher helper render)) {
	copy("$stack->{bin}/$program", "$new/$program") or die "$program: $!";
	chmod 0755, "$new/$program";
}
$pg->migrate;
is($stack->stop_program('atelierd'), 0, 'the old version leaves in order');
$stack->{bin} = $new;
$stack->start_atelier;
my ($pid) = $stack->role_pids('responder');
is(readlink "/proc/$pid/exe", "$new/responder", 'the new one runs');
goes_on('an upgrade');

my $line = <$read> // '';
waitpid $sender, 0;
my ($made, $open, $again) = split ' ', $line;
note "updates: $made, repeated after: " . ($again // 'nothing');
is($open, 0, 'every update was taken in the end');
cmp_ok($made, '>=', $rate * $seconds * 0.9, "there was load: $made updates");
is(applied(), $made, 'updates sent = updates applied');
is($pg->value("SELECT count(*) FROM store.task WHERE kind = 'say' AND payload ->> 'notice' = 'help'"), $made, 'each once: one answer is put for each');
is($pg->value("SELECT count(*) FROM ledger.transfer WHERE kind = 'grant'"), $people, 'and one grant for each person');
await('every answer to be said', 120, sub { $pg->value("SELECT count(*) FROM store.task WHERE lane = 'chat' AND state IN ('ready', 'leased')") == 0 });
is($pg->value("SELECT count(*) FROM store.task WHERE kind = 'say' AND state = 'done' AND payload ->> 'notice' = 'help'"), $made, 'all are said');
my $sent = $stack->counts->{sends}{sendMessage};
cmp_ok($sent, '>=', $made, "Telegram has them ($sent)");
cmp_ok($sent, '<=', $made + 200, 'no more twice than what a helper that was killed had in its hands');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'every invariant holds');
done_testing;
