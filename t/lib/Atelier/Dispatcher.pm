# A real dispatcher under test, with all that the supervisor would hand it, and helpers of a page of Perl.
package Atelier::Dispatcher;
use v5.36;
use Atelier::Test qw(program temp_dir slurp spew);
use Fcntl qw(F_DUPFD);
use IO::Select;
use JSON::PP;
use POSIX ();
use Socket qw(AF_UNIX SOCK_DGRAM SOCK_SEQPACKET MSG_DONTWAIT pack_sockaddr_un);
use Time::HiRes qw(time);

my @LANES = qw(chat pay media);
my @mine;

# Options: url (of the database), settings (hash). Not started yet.
sub new ($class, %option) {
	my $self = bless {
		program => program('dispatcher'), dir => temp_dir('dispatcher'), url => $option{url},
		settings => {LEASE_SECONDS => 60, LOG_LEVEL => 'debug', ($option{settings} // {})->%*},
		owner => $$,
	}, $class;
	for (@LANES) {
		socket $self->{listen}{$_}, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
		bind $self->{listen}{$_}, pack_sockaddr_un("$self->{dir}/$_") or die "bind: $!";
		listen $self->{listen}{$_}, 64 or die "listen: $!";
	}
	socketpair $self->{wake}, $self->{wake_take}, AF_UNIX, SOCK_DGRAM, 0 or die "socketpair: $!";
	push @mine, $self;
	return $self;
}

# Hands over descriptors 3 to 9; settings change what new said.
sub start ($self, %settings) {
	my $text = join '', map { "$_->[0]=$_->[1]\n" } ['DATABASE_URL', $self->{url}],
		map { [$_, $settings{$_} // $self->{settings}{$_}] }
		sort keys %{{%settings, $self->{settings}->%*}};
	spew("$self->{dir}/settings", $text);
	pipe my $lifeline, $self->{lifeline} or die "pipe: $!";
	pipe $self->{status}, my $status or die "pipe: $!";
	open my $file, '<', "$self->{dir}/settings" or die "settings: $!";
	$self->{pid} = fork // die "fork: $!";
	if (!$self->{pid}) {
		my @fds = map { fcntl $_, F_DUPFD, 100 or POSIX::_exit(126) } $lifeline, $status, $file,
			$self->{wake_take}, $self->{listen}->@{@LANES};
		open STDERR, '>>', "$self->{dir}/log" or POSIX::_exit(126);
		POSIX::dup2($fds[$_], 3 + $_) for 0 .. $#fds;
		POSIX::close($_) for 3 + @fds .. 199;
		exec { $self->{program} } $self->{program} or POSIX::_exit(127);
	}
	return $self;
}

# Whether it said that it is ready within so many seconds.
sub ready ($self, $seconds = 15) {
	return 0 unless IO::Select->new($self->{status})->can_read($seconds);
	sysread $self->{status}, my $byte, 1;
	return $byte eq "R";
}

sub wake ($self) { send $self->{wake}, 'x', MSG_DONTWAIT; return $self }
sub log ($self) { return slurp("$self->{dir}/log") }
sub pid ($self) { return $self->{pid} }

# Ends it: by the lifeline, or by a signal. Returns the wait status, or nothing after so many seconds.
sub stop ($self, $signal = undef, $seconds = 20) {
	$signal ? kill $signal => $self->{pid} : delete $self->{lifeline};
	return $self->ended($seconds);
}

sub ended ($self, $seconds = 20) {
	my $end = time + $seconds;
	while (time < $end) {
		if (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
			delete $self->{pid};
			return $?;
		}
		select undef, undef, undef, 0.005;
	}
	return;
}

END {
	my $status = $?;
	for (grep { $_->{owner} == $$ && $_->{pid} } @mine) {
		kill KILL => $_->{pid};
		waitpid $_->{pid}, 0;
	}
	$? = $status;
}

# ---- Helpers ----

package Atelier::FakeHelper;
use v5.36;
use IO::Select;
use JSON::PP;
use POSIX ();
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Time::HiRes qw(time);

our %TYPE = (HELLO => 1, CREDIT => 2, TASK => 3, CANCEL => 4, REPORT => 5, ACK => 6, BEAT => 7, BYE => 8);
my %NAME = reverse %TYPE;
my %LANE = (chat => 0, pay => 1, media => 2);
my $json = JSON::PP->new->utf8->canonical;

# Connects to a lane; says HELLO unless hello => 0, and CREDIT when credit is given.
sub new ($class, $dispatcher, $lane, %option) {
	my $self = bless {lane => $lane, seen => []}, $class;
	socket $self->{socket}, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
	connect $self->{socket}, pack_sockaddr_un("$dispatcher->{dir}/$lane") or die "connect: $!";
	$self->hello($option{capacity} // 100) if $option{hello} // 1;
	$self->credit($option{credit}) if defined $option{credit};
	return $self;
}

sub frame ($type, $task = 0, $fence = 0, $body = '', $version = 1) {
	return pack('n n N Q>', $TYPE{$type} // $type, $version, $fence, $task) . $body;
}

# Whether the frame went; a closed connection is no reason to die.
sub raw ($self, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	return defined syswrite $self->{socket}, $bytes;
}

sub send ($self, @frame) { return $self->raw(frame(@frame)) }
sub hello ($self, $capacity = 100, $lane = $LANE{$self->{lane}}, $pid = $$) {
	return $self->send('HELLO', 0, 0, pack 'N N N', $lane, $capacity, $pid);
}
sub credit ($self, $credit) { return $self->send('CREDIT', 0, 0, pack 'N', $credit) }
sub beat ($self, @tasks) {
	return $self->send('BEAT', 0, 0, join '', map { pack 'Q> N', $_->{task}, $_->{fence} } @tasks);
}
sub report ($self, $task, %report) {
	return $self->send('REPORT', $task->{task}, $task->{fence}, $json->encode({task => $task->{task},
		fence => $task->{fence}, outcome => 'done', class => '', text => '', %report}));
}

# The next frame: {type, task, fence, body}; {type => 'closed'}; nothing after so many seconds.
sub next ($self, $seconds = 10) {
	return shift $self->{seen}->@* if $self->{seen}->@*;
	return unless IO::Select->new($self->{socket})->can_read($seconds);
	# An error is told before what was still sent, and only once.
	my $got = sysread $self->{socket}, my $bytes, 70000;
	$got = sysread $self->{socket}, $bytes, 70000 unless defined $got;
	return {type => 'closed'} unless $got;
	my ($type, $version, $fence, $task) = unpack 'n n N Q>', $bytes;
	my $body = substr $bytes, 16;
	return {type => $NAME{$type}, version => $version, task => $task, fence => $fence,
		body => length $body ? $json->decode($body) : undef};
}

# The next frame of a type; others are kept for later. Nothing when it does not come.
sub await ($self, $type, $seconds = 10) {
	my $end = time + $seconds;
	my @others;
	my $found;
	while (time < $end) {
		my $frame = $self->next($end - time) or last;
		$found = $frame if $frame->{type} eq $type;
		last if $found;
		push @others, $frame;
		last if $frame->{type} eq 'closed';
	}
	unshift $self->{seen}->@*, @others;
	return $found;
}

# So many TASKs, or as many as came.
sub tasks ($self, $count, $seconds = 10) {
	my @tasks;
	while (@tasks < $count) {
		push @tasks, $self->await('TASK', $seconds) // last;
	}
	return @tasks;
}

# Returns when the dispatcher has done all that this helper and wake-ups had told it before: it answers a BEAT of
# a lease that never was, twice, as the first may be answered in the round in which the rest is begun.
sub settle ($self) {
	for (1 .. 2) {
		$self->beat({task => 9_000_000_000, fence => 1});
		$self->await('CANCEL') // return 0;
	}
	return 1;
}

# What came of a type until now, without waiting.
sub count ($self, $type) {
	push $self->{seen}->@*, $_ while !(grep { $_->{type} eq 'closed' } $self->{seen}->@*)
		&& IO::Select->new($self->{socket})->can_read(0) && defined($_ = $self->read_one);
	return scalar grep { $_->{type} eq $type } $self->{seen}->@*;
}

sub read_one ($self) {
	local $self->{seen} = [];
	return $self->next(0);
}

sub closed ($self, $seconds = 10) { return defined $self->await('closed', $seconds) }
sub close ($self) { return CORE::close(delete $self->{socket}) }

# A helper in a process of its own, which takes what it is given and says which tasks over a pipe, reports the
# first of them when report_first is set, and then hangs until it is killed. Returns {pid, tasks}.
sub process ($dispatcher, $lane, $credit, $count, %option) {
	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		$SIG{__DIE__} = sub { POSIX::_exit(1) };
		POSIX::close($_) for grep { $_ != fileno $write } 3 .. 99;
		my $self = Atelier::FakeHelper->new($dispatcher, $lane, credit => $credit);
		$dispatcher->{wake} = undef;
		my @tasks = $self->tasks($count);
		$self->report($tasks[0]) if $option{report_first};
		syswrite $write, encode_json([map { {task => $_->{task}, fence => $_->{fence}} } @tasks]);
		POSIX::close(fileno $write);
		sleep 60;
		POSIX::_exit(0);
	}
	CORE::close($write);
	my $text = do { local $/; <$read> };
	return {pid => $pid, tasks => length $text ? decode_json($text) : []};
}

1;
