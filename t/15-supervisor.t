#!/usr/bin/perl
# The real atelierd with roles that only speak the contract of base/proc.h and write down what they got.
use v5.36;
use Test::More;
use Atelier::Test qw(program temp_dir wait_until run_command start_command slurp spew alive);
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ();
use Socket qw(SOCK_DGRAM SOCK_STREAM SOCK_SEQPACKET MSG_DONTWAIT);
use Time::HiRes qw(time);

my $atelierd = program('atelierd');
my $dir = temp_dir('supervisor');
my ($run, $file, $log) = ("$dir/run", "$dir/atelier.conf", "$dir/log");
mkdir "$dir/$_" for qw(libexec record mode);

# ---- The roles: one script under three names. ----

my $script = "#!$^X\n" . <<'END';
use v5.36;
use JSON::PP;
use Fcntl ':flock';
use Time::HiRes qw(time);
my ($dir, $program) = $0 =~ m{^(.*)/libexec/([^/]+)$};
my $role = join '-', $program, @ARGV;
sub mode { return -e "$dir/mode/$role.$_[0]" }
sub note {
	open my $out, '>>', "$dir/record/log" or die;
	syswrite $out, sprintf "%s %s %d %.3f\n", $_[0], $role, $$, time;
}
note('start');
exit 3 if mode('die');
# Two dispatchers at a time would show here.
open my $lock, '>', "$dir/record/lock.$role" or die;
note('overlap') if $role eq 'dispatcher' && !flock $lock, LOCK_EX | LOCK_NB;
open my $lifeline, '<&=', 3 or die "3: $!";
open my $status, '>&=', 4 or die "4: $!";
open my $settings, '<&=', 5 or die "5: $!";
my $text = do { local $/; <$settings> };
opendir my $list, '/proc/self/fd' or die;
my %fd;
for (grep { /^\d+$/ } readdir $list) {
	$fd{$_} = readlink "/proc/self/fd/$_";
}
# Not what we opened ourselves.
delete $fd{$_} for grep { !defined $fd{$_} || $fd{$_} =~ m{/record/|^/proc/} } keys %fd;
my $record = {role => $role, pid => $$, env => {%ENV}, settings => $text, fds => \%fd};
if ($program ne 'helper') {
	open my $socket, '+<&', 6 or die "6: $!";
	$record->{path6} = (unpack 'S Z*', getsockname $socket)[1];
}
open my $out, '>', "$dir/record/new.$$" or die;
print $out encode_json($record);
close $out;
rename "$dir/record/new.$$", "$dir/record/$$.json" or die;
if ($program eq 'responder') {
	open my $wake, '+<&=', 7 or die "7: $!";
	send $wake, 'x', 0;
}
syswrite $status, 'R';
my $wake;
open $wake, '+<&=', 6 if $program eq 'dispatcher';
while (1) {
	my $watch = '';
	vec($watch, 3, 1) = 1;
	vec($watch, 6, 1) = 1 if $wake;
	select $watch, undef, undef, undef;
	if ($wake && vec $watch, 6, 1) {
		recv $wake, my $bytes, 10, 0;
		note('woken');
	}
	last if vec $watch, 3, 1;
}
note('told');
select undef, undef, undef, 0.01 while mode('linger');
note('leave');
END
for (qw(responder dispatcher helper)) {
	spew("$dir/libexec/$_", $script, 0700);
}

# ---- What the tests below use. ----

my %secret = (BOT_TOKEN => '12345:chat-lane-token', FAL_KEY => 'media-lane-key',
	TELEGRAM_SECRET_TOKEN => 'telegram-header-secret');

sub settings (%more) {
	my %all = (%secret, WEBHOOK_BASE_URL => 'https://bot.example.org', RUN_DIR => $run,
		DRAIN_SECONDS => 5, %more);
	spew($file, join '', map { "$_=$all{$_}\n" } sort keys %all);
}

my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "$dir/notify") or die $!;
my $told = '';

# Everything told so far; '' forgets after reading.
sub told () {
	while (defined $notify->recv(my $bytes, 4096, MSG_DONTWAIT)) {
		$told .= "$bytes\n";
	}
	return $told;
}

sub wait_told ($what, $seconds = 10) {
	my $good = wait_until("systemd is told $what", $seconds, sub { told() =~ /^\Q$what\E/m });
	$told = '' if $good;
	return $good;
}

sub start () {
	my $pid = start_command([$atelierd, '-c', $file, '-l', "$dir/libexec"], err => $log,
		env => {NOTIFY_SOCKET => "$dir/notify", LEAK => 'from-our-environment'});
	return $pid;
}

# What happened, as [what, role, pid, time].
sub notes ($what = '', $role = '') {
	return grep { $_->[0] =~ /^$what/ && $_->[1] =~ /^$role/ } map { [split ' '] }
		split /\n/, slurp("$dir/record/log");
}

# The pids of a role that run now, oldest first.
sub running ($role = '') {
	return grep { alive($_) } map { $_->[2] } notes('start', $role);
}

sub record ($pid) {
	return decode_json(slurp("$dir/record/$pid.json") || '{}');
}

sub ended ($pid) {
	my $status = wait_until('atelierd ends', 15,
		sub { waitpid($pid, POSIX::WNOHANG()) == $pid ? [$?] : undef });
	return $status ? $status->[0] : -1;
}

my $pid;
END { kill KILL => $pid if $pid; }
$SIG{ALRM} = sub { die "this test takes too long\n" };
alarm 120;

subtest 'the settings file' => sub {
	my $test = sub (@more) { return run_command([$atelierd, '-t', '-c', $file, @more]) };
	settings();
	my ($status, $out, $err) = $test->();
	is $status, 0, 'a good file';
	is $err, "atelierd: settings $file: is fine\n", 'is fine';
	spew($file, "# first\n\nPRICE_PER_OPERATION=dear\nLOG_LEVEL=loud\n");
	($status, $out, $err) = $test->();
	is $status, 1, 'a bad file';
	like $err, qr/^atelierd: settings \Q$file\E: line 3: PRICE_PER_OPERATION: is not a whole number/m,
		'with the line and the name';
	like $err, qr/^atelierd: settings \Q$file\E: BOT_TOKEN: must be set$/m, 'and what is missing';
	unlike $err, qr/dear/, 'but not the value';
	settings(LOG_LEVEL => 'loud');
	($status, $out, $err) = $test->();
	like $err, qr/LOG_LEVEL: is none of/, 'a level that does not exist';
	for my $case (
		[{YOOKASSA_SHOP_ID => '100500'}, 'YOOKASSA_SECRET_KEY: must be set when YOOKASSA_SHOP_ID is'],
		[{YOOKASSA_SECRET_KEY => 'live_key_000000'}, 'YOOKASSA_SHOP_ID: must be set when YOOKASSA_SECRET_KEY is'],
		[{YOOKASSA_SHOP_ID => '1', YOOKASSA_SECRET_KEY => 'test_key_000000'}, 'YOOKASSA_TEST_MODE: must be yes'],
		[{YOOKASSA_SHOP_ID => '1', YOOKASSA_SECRET_KEY => 'live_key_000000', YOOKASSA_TEST_MODE => 'yes'}, 'YOOKASSA_TEST_MODE: must be'],
		[{YOOKASSA_CURRENCY => 'USD'}, 'YOOKASSA_CURRENCY: only RUB'],
		[{YOOKASSA_SHOP_ID => '1', YOOKASSA_SECRET_KEY => 'live_key_000000', YOOKASSA_RECEIPT_EMAIL => 'nobody'}, 'YOOKASSA_RECEIPT_EMAIL: is not'],
		[{BETATRANSFER_API_KEY => 'key0000000'}, 'BETATRANSFER_SECRET_KEY: must be set'],
		[{BETATRANSFER_SECRET_KEY => 'key0000000'}, 'BETATRANSFER_API_KEY: must be set'],
		[{BETATRANSFER_CURRENCY => 'EUR'}, 'BETATRANSFER_CURRENCY: is neither'],
		[{TELEGRAM_SECRET_TOKEN => 'with.a.dot.in.it.0'}, 'TELEGRAM_SECRET_TOKEN: may hold'],
	) {
		my ($set, $said) = @$case;
		settings(%$set);
		($status, $out, $err) = $test->();
		is $status, 1, "refused: @{[sort keys %$set]}";
		like $err, qr/\Q$said\E/, "  $said";
		unlike $err, qr/key_?0000/, '  without the secret';
	}
	($status, $out, $err) = run_command([$atelierd, '-t', '-c', "$dir/none"]);
	is $err, "atelierd: settings $dir/none: No such file or directory\n", 'no file';
	settings();
	chmod 0644, $file;
	($status, $out, $err) = $test->();
	is $status, 0, 'a file that others can read passes the test';
	like $err, qr/its mode is 0644/, 'with a warning';
	($status, $out, $err) = run_command([$atelierd, '-c', $file, '-l', "$dir/libexec"]);
	is $status, 1, 'but not the start';
	ok !-e $run, 'which made nothing';
	($status, $out, $err) = run_command([$atelierd, '--nonsense']);
	is $status, 64, 'an option that does not exist';
	chmod 0600, $file;
};

subtest 'start' => sub {
	settings(FAL_KEY => $secret{FAL_KEY});
	$pid = start();
	ok wait_told('READY=1'), 'ready' or return;
	my %want = (responder => 2, dispatcher => 1, 'helper-chat' => 1, 'helper-pay' => 1,
		'helper-media' => 1);
	is scalar(running($_)), $want{$_}, "$want{$_} of $_" for sort keys %want;
	my @table;
	for my $child (running()) {
		my $got = record($child);
		my $role = $got->{role};
		is join(' ', sort keys $got->{env}->%*), join(' ', sort qw(PATH LANG TZ),
			$role eq 'responder' ? 'LIBFCGI_OS_CLOSE_POLL_TIMEOUT' : ()), "$role: clean environment";
		my $fds = join ' ', sort { $a <=> $b } keys $got->{fds}->%*;
		my %last = (responder => 7, dispatcher => 9);
		my $metrics = $last{$role} ? $last{$role} + 1 : 5;
		is $fds, join(' ', 0 .. $metrics), "$role: its descriptors and no others";
		like $got->{fds}{3}, qr/^pipe:/, "$role: lifeline";
		like $got->{fds}{5}, qr/memfd:settings/, "$role: settings";
		like $got->{fds}{$_}, qr/^socket:/, "$role: $_ is a socket" for 6 .. $last{$role} // 5;
		if ($last{$role}) {
			like $got->{fds}{$metrics}, qr/memfd:metrics/, "$role: the table of metrics";
			push @table, (stat "/proc/$child/fd/$metrics")[1];
		}
		# Bound under a temporary name that begins like this.
		like $got->{path6}, qr{^\Q$run\E/fastcgi\.sock}, 'responder: where nginx connects'
			if $role eq 'responder';
		my %knows = (BOT_TOKEN => 'helper-chat', FAL_KEY => 'helper-media',
			TELEGRAM_SECRET_TOKEN => 'helper-chat|responder');
		my $seen = slurp("/proc/$child/cmdline") . slurp("/proc/$child/environ");
		for my $name (sort keys %knows) {
			my $may = $role =~ /^(?:$knows{$name})$/;
			is $got->{settings} =~ /^$name=\Q$secret{$name}\E$/m ? 1 : 0, $may ? 1 : 0,
				"$role: " . ($may ? 'is' : 'is not') . " handed $name";
			ok index($got->{settings}, $secret{$name}) < 0, "$role: nor the value" unless $may;
			ok index($seen, $secret{$name}) < 0, "$role: $name is in no argument and no variable";
		}
		unlike $got->{settings}, qr/^(?:RESPONDERS|HELPERS_PAY)=/m, "$role: nothing of the supervisor";
	}
	is_deeply [grep { $_ != $table[0] } @table], [], 'one table for all of them';
	wait_until('the dispatcher hears both responders', 5, sub { notes('woken') >= 2 });
	is sprintf('%04o', (stat "$run/fastcgi.sock")[2] & 07777), '0660', 'nginx may connect';
	is sprintf('%04o', (stat "$run/chat.sock")[2] & 07777), '0600', 'lanes are ours alone';
};

subtest 'a second start' => sub {
	my @before = running();
	my ($status, $out, $err) = run_command([$atelierd, '-c', $file, '-l', "$dir/libexec"]);
	is $status, 1, 'refuses';
	like $err, qr/another atelierd is running/, 'and says why';
	is join(' ', running()), join(' ', @before), 'nothing else changed';
};

subtest 'restart after work' => sub {
	for my $wait (0, 100) {
		my ($victim) = running('responder');
		my ($started) = map { $_->[3] } grep { $_->[2] == $victim } notes('start');
		wait_until('it has worked for a while', 5, sub { time > $started + 1.3 });
		my $count = notes('start', 'responder');
		kill KILL => $victim;
		my $killed = time;
		wait_until('another comes', 5, sub { notes('start', 'responder') > $count });
		cmp_ok((notes('start', 'responder'))[-1][3] - $killed, '<', 1, 'soon');
		wait_until('it is told', 5,
			sub { slurp($log) =~ /event=exit role=responder n=\d pid=$victim signal=9/ });
		next unless $wait;
	}
	my @waits = slurp($log) =~ /event=backoff role=responder n=\d wait_ms=(\d+)/g;
	# Both victims may have been the same place or not: the first death of a place waits for nothing.
	ok !(grep { $_ > 100 } @waits), 'without a real wait' or diag "@waits";
	wait_until('all are there again', 5, sub { running('responder') == 2
		&& !grep { !-e "$dir/record/$_.json" } running('responder') });
};

subtest 'SIGHUP with a bad file' => sub {
	my $before = join ' ', running();
	told();
	$told = '';
	settings(RESPONDERS => 'many');
	kill HUP => $pid;
	ok wait_told('READY=1'), 'over';
	like slurp($log), qr/error="line \d+: RESPONDERS: is not a whole number/, 'the reason is logged';
	is join(' ', running()), $before, 'the old ones go on';
	settings(RUN_DIR => "$dir/elsewhere");
	kill HUP => $pid;
	ok wait_told('READY=1'), 'over';
	like slurp($log), qr/RUN_DIR: can't change while running/, 'another RUN_DIR is refused';
	is join(' ', running()), $before, 'the old ones go on';
};

subtest 'SIGHUP with a good file' => sub {
	my @old = running();
	my ($old_dispatcher) = running('dispatcher');
	spew("$dir/mode/$_.linger", '') for qw(dispatcher responder);
	settings(RESPONDERS => 3, PRICE_PER_OPERATION => 17);
	kill HUP => $pid;
	wait_until('new responders come while the old ones leave', 10, sub { running('responder') == 5 });
	wait_until('the dispatcher is told to leave', 10,
		sub { grep { $_->[2] == $old_dispatcher } notes('told') });
	is join(' ', running('dispatcher')), $old_dispatcher, 'the dispatcher waits for the old one';
	like told(), qr/^RELOADING=1\nMONOTONIC_USEC=\d+/m, 'systemd knows';
	unlike told(), qr/^READY=1/m, 'and that it is not over';
	unlink "$dir/mode/$_.linger" for qw(dispatcher responder);
	ok wait_told('READY=1'), 'over';
	wait_until('the old ones are gone', 10, sub { !grep { alive($_) } @old });
	is scalar(running('responder')), 3, 'the new count';
	like record((running('responder'))[0])->{settings}, qr/^PRICE_PER_OPERATION=17$/m, 'new settings';
	is scalar(notes('overlap')), 0, 'never two dispatchers';
	isnt join(' ', running('dispatcher')), $old_dispatcher, 'but another';
};

subtest 'one that dies before it is ready' => sub {
	spew("$dir/mode/helper-pay.die", '');
	my $before = notes('start', 'helper-pay');
	kill HUP => $pid;
	my @starts;
	wait_until('four attempts', 10,
		sub { @starts = notes('start', 'helper-pay'); @starts >= $before + 4 });
	splice @starts, 0, $before;
	my @waits = map { $starts[$_][3] - $starts[$_ - 1][3] } 1 .. 3;
	cmp_ok $waits[0], '>=', 0.2, 'first a short wait';
	cmp_ok $waits[1], '>=', 0.4, 'then twice that';
	cmp_ok $waits[2], '>=', 0.8, 'and again';
	like slurp($log), qr/event=exit role=helper-pay n=1 pid=\d+ status=3/, 'its status is logged';
	unlike told(), qr/^READY=1/m, 'it is missed';
	unlink "$dir/mode/helper-pay.die";
	ok wait_told('READY=1'), 'until it comes';
};

subtest 'kill -9' => sub {
	my @children = running();
	kill KILL => $pid;
	waitpid $pid, 0;
	undef $pid;
	wait_until('all leave by the lifeline', 10, sub { !running() });
	ok -e "$run/chat.sock", 'its sockets are left';
	my %left = map { $_->[2] => 1 } notes('leave');
	is scalar(grep { !$left{$_} } @children), 0, 'each by itself';
};

subtest 'SIGTERM' => sub {
	$told = '';
	$pid = start();
	ok wait_told('READY=1'), 'starts over what the dead one left';
	my @children = running();
	spew("$dir/mode/helper-media.linger", '');
	kill TERM => $pid;
	ok wait_told("STOPPING=1\nSTATUS=Finishing what was begun\nEXTEND_TIMEOUT_USEC=15000000\n"),
		'systemd knows, and waits for DRAIN_SECONDS and a little more';
	wait_until('the others leave', 10, sub { running() == 1 });
	is waitpid($pid, POSIX::WNOHANG()), 0, 'it waits for the last';
	unlink "$dir/mode/helper-media.linger";
	is ended($pid), 0, 'ends with 0';
	undef $pid;
	is scalar(running()), 0, 'nobody is left';
	my %left = map { $_->[2] => 1 } notes('leave');
	is scalar(grep { !$left{$_} } @children), 0, 'nobody was killed';
	ok !-e "$run/fastcgi.sock", 'no socket is left';
};

subtest 'a second SIGTERM' => sub {
	$told = '';
	spew("$dir/mode/helper-media.linger", '');
	$pid = start();
	ok wait_told('READY=1'), 'ready';
	my ($stubborn) = running('helper-media');
	kill TERM => $pid;
	wait_until('it is told', 10, sub { grep { $_->[2] == $stubborn } notes('told') });
	kill TERM => $pid;
	is ended($pid), 0, 'ends with 0';
	undef $pid;
	ok !alive($stubborn), 'and nobody outlives it';
	like slurp($log), qr/event=exit role=helper-media n=1 pid=$stubborn signal=9/, 'killed';
	unlink "$dir/mode/helper-media.linger";
};

unlike slurp($log), qr/\Q$secret{BOT_TOKEN}\E|from-our-environment/, 'no secret in the log';
done_testing;
