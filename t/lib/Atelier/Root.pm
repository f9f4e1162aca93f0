# A clean root to install into: this machine under an overlay that forgets, with a systemd of its own as its first
# process. The network is this machine's; its kernel settings, processes and files are out of reach.
package Atelier::Root;
use v5.36;
use Atelier::Test qw(run_command start_command spew slurp wait_until);
use POSIX ();
use Time::HiRes qw(time);

# What a machine starts beside is not wanted here: targets keep their names and lose what they pull in.
my $script = <<'SH';
set -e
root=$1/root
mkdir -p "$root"
mount -t tmpfs -o mode=0755 tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/all"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/all"
cd "$root/all"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
if grep -q name=systemd /proc/self/cgroup; then
	mkdir sys/fs/cgroup/systemd
	mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
else
	mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=0755 tmpfs dev
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for name in null zero full random urandom tty; do
	touch "dev/$name"
	mount --bind "/dev/$name" "dev/$name"
done
# What is ours: packages, and the private PostgreSQL under its own name and where Debian has one.
mkdir -p srv run/postgresql ".$1/pg"
mount --bind "$1/shared" srv
mount --bind "$1/pg" ".$1/pg"
mount --bind "$1/pg" run/postgresql
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires lib/systemd/system/*.wants \
	lib/systemd/system-generators usr/sbin/policy-rc.d etc/fstab
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' > etc/systemd/journald.conf
mkdir old
pivot_root . old
cd /
umount -l /old
rmdir /old
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target \
	--log-target=null --show-status=0
SH

# Options: dir (of ours; its subdirectories `shared` and `pg` are /srv and /run/postgresql in the root).
# Returns nothing when this machine does not let us: then the reason is in `$Atelier::Root::why`.
our $why = '';
sub new ($class, %option) {
	my $dir = $option{dir};
	my $self = bless {dir => $dir, owner => $$}, $class;
	if ($> != 0) {
		$why = 'not root';
		return;
	}
	mkdir "$dir/$_" for qw(shared pg root);
	spew("$dir/root.sh", $script);
	# A place of its own among the control groups, which is all that its systemd sees of them.
	my ($groups) = grep { -e "$_/cgroup.procs" } '/sys/fs/cgroup/systemd', '/sys/fs/cgroup';
	$self->{group} = "$groups/atelier-test-$$" if $groups && mkdir "$groups/atelier-test-$$";
	my @grouped = $self->{group} ? ('sh', '-c', 'echo $$ >"$0/cgroup.procs"; exec "$@"', $self->{group}) : ();
	$self->{unshare} = start_command([@grouped, qw(setpriv --pdeathsig=KILL unshare --mount --pid --cgroup --uts --ipc),
		qw(--fork --kill-child --propagation=private sh), "$dir/root.sh", $dir],
		out => "$dir/root.log", err => "$dir/root.log");
	my $end = time + 20;
	while (time < $end) {
		if (waitpid($self->{unshare}, POSIX::WNOHANG()) != 0) {
			delete $self->{unshare};
			last;
		}
		($self->{init}) = split ' ', slurp("/proc/$self->{unshare}/task/$self->{unshare}/children");
		return $self if $self->{init} && slurp("/proc/$self->{init}/comm") eq "systemd\n"
			&& ($self->run('systemctl', 'start', 'systemd-journald.socket', 'systemd-journald.service'))[0] == 0;
		select undef, undef, undef, 0.05;
	}
	$why = slurp("$dir/root.log") || 'systemd does not start';
	$self->stop;
	return;
}

# The command that runs a command in the root.
sub inside ($self, @command) {
	return ('nsenter', "--target=$self->{init}", qw(--mount --pid --uts --ipc --root --wdns=/ --), @command);
}

# Runs a command in the root; returns exit status and what it said.
sub run ($self, @command) {
	my ($status, $out, $err) = run_command([$self->inside('env', 'LC_ALL=C.UTF-8', @command)], seconds => 60);
	return ($status, "$out$err");
}

# Where a path of the root is from outside, for reading and writing files.
sub path ($self, $path) { return "/proc/$self->{init}/root$path" }

sub stop ($self) {
	return if $self->{owner} != $$;
	if (my $pid = delete $self->{unshare}) {
		kill KILL => $self->{init} // (), $pid;
		waitpid $pid, 0;
	}
	# What is still ending holds its group for a moment.
	my $group = delete $self->{group} or return;
	wait_until('the groups are empty', 10, sub {
		system "find '$group' -depth -type d -delete 2>/dev/null";
		return !-e $group;
	});
	return;
}

sub DESTROY ($self) {
	local ($?, $@, $!);
	$self->stop;
	return;
}

1;
