# The real helper under test, between the market and a dispatcher of a page of Perl: what the supervisor hands it, and
# the frames that go to and fro. One market a test; it and all helpers end with the test.
package Atelier::Helper;
use v5.36;
use utf8;
use Atelier::Test qw(source_dir program temp_dir wait_until slurp alive);
use Exporter 'import';
use IO::Select;
use JSON::PP;
use Market::Tester;
use POSIX ();
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(time);

our @EXPORT_OK = qw($market $https $port $ann $dir $json $SECRET $SHOP @pids
	desk desk_open desk_accept desk_close put frame find of_type task report done
	start ready ended stop begin messages fault met outcome tells_no_secret);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
$SIG{PIPE} = 'IGNORE';
$^F = 20;                       # descriptors we hand over must survive exec

my $program = program('helper');
our $dir = temp_dir('helper');
mkdir "$dir/$_" for qw(run spool);
our $json = JSON::PP->new->utf8->canonical;

my %TYPE = (HELLO => 1, CREDIT => 2, TASK => 3, CANCEL => 4, REPORT => 5, ACK => 6, BEAT => 7, BYE => 8);
my %NAME = reverse %TYPE;
our $SECRET = 'hook-secret-0123456789';
# The market's own, unless it is told others.
our ($SHOP, $SHOP_KEY) = ('506751', 'test_market_secret_key');
our ($TOKEN, $SIGNS) = ('pub_test_0123456789abcdef', 'sec_test_fedcba9876543210');

our $market = Market::Tester->new;
$market->start;
our $https = $market->about->{https};
our ($port) = $https =~ /:(\d+)$/;
our $ann = $market->control(person => {first_name => 'Аня'})->{id};
$market->control(set => {limits => {chat_burst => 1e6, bot_burst => 1e6, set_webhook_gap => 0}});
our @pids;                      # killed at the end

# ---- A dispatcher -------------------------------------------------------------------------------

# {listener, socket, path, seen: frames not asked for yet, hello, credit}
sub desk ($lane) {
	my $desk = {path => "$dir/run/$lane.sock", seen => []};
	desk_open($desk);
	return $desk;
}

sub desk_open ($desk) {
	unlink $desk->{path};
	socket $desk->{listener}, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
	bind $desk->{listener}, pack_sockaddr_un($desk->{path}) or die "bind: $!";
	listen $desk->{listener}, 8 or die "listen: $!";
	return;
}

sub desk_accept ($desk, $seconds = 5) {
	IO::Select->new($desk->{listener})->can_read($seconds) or return 0;
	accept $desk->{socket}, $desk->{listener} or die "accept: $!";
	$desk->{seen} = [];
	return 1;
}

sub desk_close ($desk) {
	close $desk->{socket} if $desk->{socket};
	delete $desk->{socket};
	return;
}

sub put ($desk, $type, $task = 0, $fence = 0, $body = '') {
	return send $desk->{socket}, pack('n n N Q> a*', $TYPE{$type}, 1, $fence, $task, $body), 0;
}

# The next frame; undef after the time, {type => 'CLOSED'} at the end.
sub frame ($desk, $seconds = 5) {
	IO::Select->new($desk->{socket})->can_read($seconds) or return undef;
	my $got = recv $desk->{socket}, my $bytes, 70_000, 0;
	return {type => 'CLOSED'} if !defined $got || $bytes eq '';
	my ($type, $version, $fence, $task, $body) = unpack 'n n N Q> a*', $bytes;
	my $frame = {type => $NAME{$type} // $type, version => $version, fence => $fence, task => $task, body => $body};
	$frame->{report} = $json->decode($body) if $frame->{type} eq 'REPORT';
	$desk->{credit} = unpack 'N', $body if $frame->{type} eq 'CREDIT';
	return $frame;
}

# The next frame that satisfies, others are kept for later calls.
sub find ($desk, $want, $seconds = 5) {
	my $end = time + $seconds;
	for my $i (0 .. $#{$desk->{seen}}) {
		return splice @{$desk->{seen}}, $i, 1 if $want->($desk->{seen}[$i]);
	}
	while ((my $left = $end - time) > 0) {
		my $frame = frame($desk, $left) or last;
		return $frame if $want->($frame);
		return undef if $frame->{type} eq 'CLOSED';
		push @{$desk->{seen}}, $frame;
	}
	return undef;
}

sub of_type ($desk, $type, $seconds = 5) {
	return find($desk, sub ($f) { $f->{type} eq $type }, $seconds);
}

my $next_task = 1000;

sub task ($desk, $kind, %more) {
	my $id = $more{id} // ++$next_task;
	my $fence = $more{fence} // 1;
	put($desk, 'TASK', $id, $fence, $json->encode({task => $id, fence => $fence, kind => $kind,
		chat => $more{chat} // 0, message => $more{message} // 0, job => $more{job} // 0, attempts => 1,
		lang => $more{lang} // 'ru', payload => $more{payload} // {}, memo => $more{memo} // {}}));
	return $id;
}

sub report ($desk, $id, $seconds = 5, $ack = 1) {
	my $found = find($desk, sub ($f) { $f->{type} eq 'REPORT' && $f->{task} == $id }, $seconds) or return {};
	put($desk, 'ACK', $id, $found->{fence}) if $ack;
	return $found->{report};
}

sub done ($desk, $kind, %more) { return report($desk, task($desk, $kind, %more)) }

# ---- A supervisor -------------------------------------------------------------------------------

sub settings ($lane, %more) {
	my %all = (CA_FILE => $market->dir->child('ca.pem'), RUN_DIR => "$dir/run", SPOOL_DIR => "$dir/spool",
		DRAIN_SECONDS => 5, LOG_LEVEL => 'debug');
	%all = (%all, BOT_TOKEN => $market->token, TELEGRAM_SECRET_TOKEN => $SECRET,
		WEBHOOK_BASE_URL => 'https://localhost:8443', TELEGRAM_API_URL => $https) if $lane eq 'chat';
	$all{TEXTS_DIR} = source_dir() . '/etc/texts' if $lane ne 'pay';
	%all = (%all, FAL_KEY => $market->fal_key, FAL_QUEUE_URL => "$https/fal/queue",
		FAL_API_URL => "$https/fal/api", WEBHOOK_BASE_URL => 'https://localhost:8443', MEDIA_HOSTS => "127.0.0.1:$port", MEDIA_PRIVATE => 'yes') if $lane eq 'media';
	%all = (%all, WEBHOOK_BASE_URL => 'https://localhost:8443', YOOKASSA_SHOP_ID => $SHOP, YOOKASSA_SECRET_KEY => $SHOP_KEY,
		YOOKASSA_API_URL => "$https/yookassa/v3", BETATRANSFER_API_KEY => $TOKEN, BETATRANSFER_SECRET_KEY => $SIGNS,
		BETATRANSFER_API_URL => "$https/betatransfer/api") if $lane eq 'pay';
	%all = (%all, %more);
	delete $all{SPOOL_DIR} if $lane eq 'pay';
	return join '', map { "$_=$all{$_}\n" } sort keys %all;
}

sub start ($lane, %more) {
	my $log = "$dir/$lane." . ++(state $count) . '.log';
	pipe my $lifeline, my $life or die;
	pipe my $status, my $told or die;
	open my $settings, '+>', "$dir/settings" or die;
	print $settings settings($lane, %more);
	$settings->flush;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>', $log;
		open STDOUT, '>&', \*STDERR;
		# Out of the way of 3, 4 and 5 first.
		my @high = map { my $fd = POSIX::dup(fileno $_); while ($fd < 10) { $fd = POSIX::dup($fd) } $fd }
			$lifeline, $told, $settings;
		POSIX::dup2($high[$_], 3 + $_) for 0 .. 2;
		POSIX::close($_) for 6 .. 60;
		exec { $program } 'helper', $lane or POSIX::_exit(127);
	}
	close $lifeline;
	close $told;
	return {pid => $pid, life => $life, status => $status, log => $log, lane => $lane};
}

sub ready ($helper) {
	IO::Select->new($helper->{status})->can_read(10) or return '';
	sysread $helper->{status}, my $byte, 1;
	return $byte;
}

# Waits for its end; the wait status, or undef.
sub ended ($helper, $seconds = 10) {
	my $status;
	wait_until('the helper ends', $seconds, sub {
		waitpid($helper->{pid}, POSIX::WNOHANG()) == $helper->{pid} or return 0;
		$status = $?;
		return 1;
	});
	return $status;
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM);
END {
	local $?;
	kill KILL => $_ for grep { alive($_) } @pids;
	$market->stop;
}

# At once, as a crash would.
sub stop ($helper) {
	kill KILL => $helper->{pid};
	waitpid $helper->{pid}, 0;
	return;
}

sub begin ($lane, $desk, %more) {
	my $helper = start($lane, %more);
	push @pids, $helper->{pid};
	desk_accept($desk) or die "$lane: no connection: " . slurp($helper->{log});
	my $hello = frame($desk);
	is $hello->{type}, 'HELLO', "$lane: HELLO first";
	my ($number, $capacity, $pid) = unpack 'N N N', $hello->{body};
	is $pid, $helper->{pid}, "$lane: its pid";
	is frame($desk)->{type}, 'BEAT', "$lane: then BEAT";
	is frame($desk)->{type}, 'CREDIT', "$lane: then CREDIT";
	is $desk->{credit}, $capacity, "$lane: as much as it can take";
	is ready($helper), 'R', "$lane: ready";
	return $helper;
}

sub messages { return $market->look("chat/$ann")->{messages} }
sub fault (%fault) { return $market->fault(%fault)->{id} }

# Waits until a call has met the fault.
sub met ($id) {
	return wait_until('it is on its way', 5, sub { !grep { $_->{id} == $id } @{$market->look('fault')->{faults}} });
}

sub outcome ($report, $outcome, $class, $name) {
	my $got = ($report->{outcome} // 'none') . ' ' . ($report->{class} // '');
	return is($got, "$outcome $class", $name) || diag($json->encode($report));
}

# After one more task that works: no secret, ours or one of $more, in arguments, environment or any log. Returns the logs.
sub tells_no_secret ($lane, $more, $kind, %task) {
	my $spy = desk($lane);
	my $again = begin($lane, $spy);
	outcome(done($spy, $kind, %task), 'done', '', 'works');
	my $shown = slurp("/proc/$again->{pid}/cmdline") . slurp("/proc/$again->{pid}/environ");
	close $again->{life};
	is ended($again), 0, 'leaves';
	my $logs = join '', map { slurp($_) } glob "$dir/*.log";
	for my $secret ($market->token, $SECRET, $market->fal_key, $SHOP_KEY, $TOKEN, $SIGNS, @$more) {
		unlike $shown, qr/\Q$secret\E/, 'not in arguments or environment';
		unlike $logs, qr/\Q$secret\E/, 'not in the log';
	}
	return $logs;
}

1;
