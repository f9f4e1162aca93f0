# What every test of ours needs: a private directory, waiting without sleeping, running commands.
package Atelier::Test;
use v5.36;
use Cwd ();
use Exporter 'import';
use File::Path ();
use File::Temp ();
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(source_dir build_dir program temp_dir wait_until run_command start_command
	slurp spew alive);

# Absolute, whoever started the test and wherever.
sub source_dir () { return Cwd::abs_path($ENV{top_srcdir} // '.') }
sub build_dir () { return Cwd::abs_path($ENV{top_builddir} // '.') }

# The path of a built program. One that is not built is a failure, never a skip.
sub program ($name) {
	my $path = build_dir() . "/$name";
	die "$name is not built" unless -x $path;
	return $path;
}

# A directory that goes at the end, unless the test failed: then it says where to look.
sub temp_dir ($name = 'test') {
	my $dir = File::Temp::tempdir("atelier-$name-XXXXXX", TMPDIR => 1);
	my $owner = $$;
	push our @dirs, [$owner, $dir];
	return $dir;
}

END {
	my $status = $?;
	for (@Atelier::Test::dirs) {
		my ($owner, $dir) = @$_;
		next unless $owner == $$;
		if ($status || !Test::More->builder->is_passing) {
			diag "kept: $dir";
		} else {
			File::Path::remove_tree($dir);
		}
	}
	$? = $status;
}

# Calls $check until it gives something true, and returns that; fails the test after $seconds.
sub wait_until ($what, $seconds, $check) {
	my $end = time + $seconds;
	while (1) {
		my $got = $check->();
		return $got if $got;
		last if time >= $end;
		select undef, undef, undef, 0.01;
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	fail "$what (waited $seconds s)";
	return;
}

# Starts a command; options: out, err (files), env (added; undef removes). Returns the pid.
sub start_command ($command, %option) {
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	my %env = ($option{env} // {})->%*;
	for (keys %env) {
		defined $env{$_} ? ($ENV{$_} = $env{$_}) : delete $ENV{$_};
	}
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', $option{out} // '/dev/null' or POSIX::_exit(126);
	open STDERR, '>>', $option{err} // '/dev/null' or POSIX::_exit(126);
	exec { $command->[0] } @$command or POSIX::_exit(127);
}

# Runs a command to its end, or kills it after $seconds. Returns (exit status or -signal, stdout, stderr).
sub run_command ($command, %option) {
	my $dir = File::Temp->newdir;
	my $seconds = delete $option{seconds} // 30;
	my $pid = start_command($command, %option, out => "$dir/out", err => "$dir/err");
	my $end = time + $seconds;
	while (waitpid($pid, POSIX::WNOHANG()) == 0) {
		if (time >= $end) {
			kill KILL => $pid;
			waitpid $pid, 0;
			last;
		}
		select undef, undef, undef, 0.005;
	}
	my $status = $? & 127 ? -($? & 127) : $? >> 8;
	return ($status, slurp("$dir/out"), slurp("$dir/err"));
}

# The bytes of a file; '' when it is not there.
sub slurp ($path) {
	open my $in, '<:raw', $path or return '';
	local $/;
	return <$in> // '';
}

# Writes a file whole, so that no reader meets half of it.
sub spew ($path, $bytes, $mode = 0600) {
	open my $out, '>:raw', "$path.new" or die "$path: $!";
	print $out $bytes;
	chmod $mode, "$path.new" or die "$path: $!";
	close $out or die "$path: $!";
	rename "$path.new", $path or die "$path: $!";
	return;
}

# Whether a process runs; a zombie that nobody fetched does not.
sub alive ($pid) {
	my ($state) = slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) (\S)/s;
	return defined $state && $state !~ /[ZX]/;
}

1;
