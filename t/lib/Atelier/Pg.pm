# A private PostgreSQL for a test: its own cluster in a temporary directory, on a Unix socket only, with
# commits that last as in life. It dies with the process that started it.
package Atelier::Pg;
use v5.36;
use Atelier::Test qw(source_dir build_dir temp_dir wait_until run_command start_command slurp spew);
use DBI;
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my ($bin) = grep { -x "$_/initdb" } '/usr/lib/postgresql/15/bin', glob '/usr/lib/postgresql/*/bin';

# Options: dir (where to put it; one of its own when not given). Makes the cluster; start it then.
sub new ($class, %option) {
	die 'PostgreSQL is not installed' unless $bin;
	my $dir = $option{dir} // temp_dir('pg');
	mkdir $dir or die "$dir: $!" unless -d $dir;
	my $self = bless {dir => $dir, data => "$dir/data", log => "$dir/log", owner => $$}, $class;
	# The server refuses to be root: then it is the user postgres, who must get at the directory.
	if ($> == 0) {
		$self->{as} = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
		my (undef, undef, $uid, $gid) = getpwnam 'postgres' or die 'no user postgres';
		chown $uid, $gid, $dir or die "$dir: $!";
		for (my $up = $dir; $up =~ s{/[^/]+$}{} && length $up && -o $up;) {
			chmod +(stat $up)[2] & 07777 | 0011, $up;
		}
	}
	chmod 0755, $dir or die "$dir: $!";
	$self->run('initdb', '-D', $self->{data}, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8',
		'--locale=C.UTF-8', '--no-sync');
	$self->configure;
	return $self;
}

sub configure ($self) {
	open my $out, '>>', "$self->{data}/postgresql.conf" or die "postgresql.conf: $!";
	print $out <<~"END";
		listen_addresses = ''
		unix_socket_directories = '$self->{dir}'
		unix_socket_permissions = 0777
		fsync = on
		synchronous_commit = on
		full_page_writes = on
		restart_after_crash = off
		max_connections = 200
		shared_buffers = 64MB
		log_line_prefix = '%m [%p] %u '
		timezone = UTC
		END
	close $out or die "postgresql.conf: $!";
	return;
}

# Runs one of PostgreSQL's programs as its owner; dies with what it said when it fails.
sub run ($self, $program, @args) {
	my ($status, $out, $err) = run_command([($self->{as} // [])->@*, "$bin/$program", @args],
		seconds => 60, env => {PGHOST => $self->{dir}, PGUSER => 'postgres', LC_ALL => 'C.UTF-8'});
	die "$program: $status: $out$err" if $status != 0;
	return $out;
}

sub dir ($self) { return $self->{dir} }
sub log ($self) { return slurp($self->{log}) }
sub url ($self) { return "postgresql:///atelier?host=$self->{dir}" }
sub super_url ($self) { return "postgresql://postgres@/atelier?host=$self->{dir}" }

# Starts the server and waits until it answers; makes the database atelier the first time.
sub start ($self) {
	my @death = $self->{as} ? ($self->{as}->@*, '--pdeathsig=INT')
		: ('setpriv', '--pdeathsig=INT');
	my $end = time + 60;
	while (1) {
		$self->{pid} = start_command([@death, "$bin/postgres", '-D', $self->{data}],
			out => $self->{log}, err => $self->{log}) unless $self->{pid};
		my $db = DBI->connect("dbi:Pg:dbname=postgres;host=$self->{dir}", 'postgres', '',
			{PrintError => 0, RaiseError => 0, AutoInactiveDestroy => 1});
		if ($db) {
			my ($there) = $db->selectrow_array(
				q{SELECT count(*) FROM pg_database WHERE datname = 'atelier'});
			$db->do('CREATE DATABASE atelier') unless $there;
			$db->disconnect;
			return $self;
		}
		# After a kill it may have to wait until the last backend has let go of the memory.
		$self->{pid} = 0 if waitpid($self->{pid}, POSIX::WNOHANG()) != 0;
		die 'PostgreSQL does not start: ' . $self->log if time >= $end;
		select undef, undef, undef, 0.02;
	}
}

# Ends the server: INT is a fast shutdown, QUIT an immediate one, KILL a crash.
sub stop ($self, $signal = 'INT') {
	my $pid = delete $self->{pid} or return;
	delete $self->{super};
	kill $signal => $pid;
	my $end = time + 30;
	while (waitpid($pid, POSIX::WNOHANG()) == 0) {
		kill KILL => $pid if time >= $end;
		select undef, undef, undef, 0.01;
	}
	return;
}

sub kill9 ($self) { return $self->stop('KILL') }

sub restart ($self) {
	$self->stop;
	return $self->start;
}

sub DESTROY ($self) {
	local ($?, $@, $!);
	$self->stop('QUIT') if $self->{owner} == $$;
	return;
}

# Ours go before the directories do (END blocks run last in, first out), also after die.
my @running;
END {
	my $status = $?;
	for (grep { defined && $_->{owner} == $$ } @running) {
		my $kept = $status || !Test::More->builder->is_passing;
		diag "the end of $_->{log}:\n", $_->log =~ /((?:.*\n){0,20})\z/ if $kept;
		$_->stop('QUIT');
	}
	$? = $status;
}

# A started and migrated server: what most tests begin with.
sub ready ($class, %option) {
	my $self = $class->new(%option);
	push @running, $self;
	return $self->start->migrate;
}

# Brings the database to the schema of the sources, as an operator does.
sub migrate ($self) {
	my $sql = source_dir() . '/sql';
	spew("$self->{dir}/ctl.conf", 'DATABASE_URL=' . $self->super_url . "\n");
	my ($status, $out, $err) = run_command([build_dir() . '/atelierctl', '-c', "$self->{dir}/ctl.conf",
		'migrate', '-d', $sql]);
	die "atelierctl migrate: $status: $out$err" if $status != 0;
	return $self;
}

# Runs psql as the superuser with these arguments; dies when it fails. Returns what it printed.
sub psql ($self, @args) {
	my ($status, $out, $err) = run_command(['psql', @args], seconds => 60,
		env => {PGHOST => $self->{dir}, PGUSER => 'postgres', PGDATABASE => 'atelier'});
	die "psql: $err" if $status != 0;
	return $out;
}

# A DBI session as a role (postgres when not given); errors die.
sub connect ($self, $role = 'postgres', %option) {
	return DBI->connect("dbi:Pg:dbname=atelier;host=$self->{dir}", $role, '',
		{RaiseError => 1, PrintError => 0, AutoInactiveDestroy => 1, pg_server_prepare => 1,
			%option});
}

# The superuser's own session, made when first needed.
sub super ($self) {
	delete $self->{super} if $self->{super_pid} && $self->{super_pid} != $$;
	$self->{super_pid} = $$;
	return $self->{super} //= $self->connect;
}

# One value, all rows (as hashes), or no answer, as the superuser.
sub value ($self, $sql, @bind) { return scalar $self->super->selectrow_array($sql, undef, @bind) }
sub rows ($self, $sql, @bind) {
	return $self->super->selectall_arrayref($sql, {Slice => {}}, @bind)->@*;
}
sub table ($self, $sql, @bind) { return $self->super->selectall_arrayref($sql, undef, @bind) }   # rows as arrays
sub do ($self, $sql, @bind) { return $self->super->do($sql, undef, @bind) }

# The invariants that do not hold, as lines.
sub broken ($self) {
	return map { "$_->{invariant}: $_->{what}" }
		$self->rows('SELECT * FROM ledger.broken ORDER BY 1, 2');
}

# Runs $code->($i, $session) in $n processes at once, each with a session of its own as $role; all wait
# for the last one to be connected. Returns what each returned (JSON in between), in order; one that
# died gives {died => text, state => SQLSTATE}.
sub at_once ($self, $n, $role, $code) {
	pipe my $ready, my $tell or die "pipe: $!";
	pipe my $gate, my $open or die "pipe: $!";
	my @from;
	for my $i (0 .. $n - 1) {
		pipe my $read, my $write or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			close $open;
			my $db = eval { $self->connect($role) };
			syswrite $tell, '.';
			close $tell;
			sysread $gate, my $start, 1;
			my $got = eval { $code->($i, $db) };
			$got = {died => "$@", state => $db ? $db->state : ''} if $@;
			print $write JSON::PP->new->allow_nonref->encode($got);
			close $write;
			POSIX::_exit(0);
		}
		push @from, [$pid, $read];
	}
	close $tell;
	for my $i (1 .. $n) {
		sysread $ready, my $one, 1;
	}
	close $open;
	return map {
		my ($pid, $read) = @$_;
		my $text = do { local $/; <$read> };
		waitpid $pid, 0;
		defined $text && length $text ? JSON::PP->new->allow_nonref->decode($text) : undef;
	} @from;
}

1;
