# The stack of Atelier::Stack as an operator has it: installed programs in their places, run by systemd as the user
# atelier, behind an nginx of www-data that has sites of its own. Without a clean root: in a prefix, by hand.
package Atelier::Installed;
use v5.36;
use parent 'Atelier::Stack';

use Atelier::Pg;
use Atelier::Stack qw(await);
use Atelier::Test qw(run_command slurp spew);

# Options beside those of Atelier::Stack: root (an Atelier::Root, or nothing).
sub new ($class, %option) {
	my $root = delete $option{root};
	my $self = $class->SUPER::new(%option);
	$self->{root} = $root;
	my $prefix = $self->{prefix} = $root ? '/usr' : "$self->{dir}/prefix";
	my $dir = $self->{dir};
	$self->{place} = $root
		? {conf => '/etc/atelier', ca => '/etc/ssl/market.pem', nginx => '/etc/nginx', run => '/run/atelier'}
		: {conf => "$prefix/etc/atelier", ca => "$prefix/etc/ca.pem", nginx => "$dir/nginx", run => "$dir/run"};
	return $self;
}

sub place ($self, $name) { return $self->{place}{$name} }
sub program ($self, $name) { return "$self->{prefix}/$name" }
sub inside ($self, @command) { return $self->{root} ? $self->{root}->inside(@command) : @command }
# A path of the root as the test sees it.
sub path ($self, $path) { return $self->{root} ? $self->{root}->path($path) : $path }

# Runs a command inside; dies with what it says when it fails.
sub must ($self, @command) {
	my ($status, $out, $err) = run_command([$self->inside(@command)], seconds => 120);
	die "@command: $status: $out$err" if $status != 0;
	return $out;
}

# Without a clean root: what the package does, into a prefix, for the user nobody (or who runs the test).
sub install ($self, $source) {
	my ($prefix, $dir) = ($self->{prefix}, $self->{dir});
	my %with = (systemdsystemunitdir => 'systemd/system', sysusersdir => 'sysusers.d', tmpfilesdir => 'tmpfiles.d');
	my $with = join ' ', map { "--with-$_='$prefix/lib/$with{$_}'" } sort keys %with;
	$self->must('sh', '-c', "cd '$source' && ./configure --prefix='$prefix' $with && make -s clean"
		. " && make -s -j2 install rundir='$dir/run' spooldir='$dir/spool'");
	for (split /\n/, slurp("$prefix/lib/tmpfiles.d/atelier.conf")) {
		my ($path, $mode, $group) = /^d (\S+) (\S+) atelier (\S+)$/ or next;
		$self->must('install', '-d', '-m', $mode, $> == 0 ? ('-o', 'nobody', '-g', $group) : (), $path);
	}
	return;
}

# ---- nginx ----------------------------------------------------------------------------------------------

sub nginx_file ($self, $name) { return "$self->{place}{nginx}/$name" }

# Where nginx writes.
sub nginx_own ($self) {
	my $log = $self->nginx_file('log');
	return join ' ', "access_log $log/access.log;",
		map { "${_}_temp_path $log/$_;" } qw(client_body proxy fastcgi uwsgi scgi);
}

# With a site of its own name, and one whose server block is to take the locations in, too.
sub nginx_conf ($self, $port) {
	my ($tls, $log) = ($self->nginx_file('tls'), $self->nginx_file('log'));
	my $user = $> == 0 ? 'user www-data;' : '';
	my $own = $self->nginx_own;
	return <<~"CONF";
		$user
		worker_processes 1;
		pid $log/pid;
		error_log $log/error.log info;
		events { worker_connections 256; }
		http {
			$own
			ssl_certificate $tls/server.pem;
			ssl_certificate_key $tls/server.key;
			server {
				listen 127.0.0.1:$self->{other_port} ssl http2;
				server_name _;
				location / { return 200 "other site,"; }
			}
			server {
				listen 127.0.0.1:$port ssl;
				server_name localhost;
				location / { return 200 "old site,"; }
				location ~ ^/shop/ { return 200 "shop"; }
				# HERE
			}
		}
		CONF
}

sub other ($self) { return "https://127.0.0.1:$self->{other_port}" }

# The words to run nginx with our configuration.
sub nginx ($self, @words) {
	return ('/usr/sbin/nginx', '-c', $self->nginx_file('test.conf'), '-e', $self->nginx_file('log/error.log'), @words);
}

# The same with the shipped server.conf and the least around it; its certificate is the test's.
sub plain_nginx ($self, @words) {
	my $tls = $self->nginx_file('tls');
	my $server = slurp($self->path($self->program('share/atelier/nginx/server.conf')));
	$server =~ s{/etc/letsencrypt/live/bot\.example\.org/fullchain\.pem}{$tls/server.pem} or die 'no certificate';
	$server =~ s{/etc/letsencrypt/live/bot\.example\.org/privkey\.pem}{$tls/server.key} or die 'no key';
	$server =~ s/\b443\b/8443/g if $> != 0;
	spew($self->path($self->nginx_file('server.conf')), $server, 0644);
	my ($plain, $whole, $pid) = map { $self->nginx_file($_) } qw(plain.conf server.conf log/plain.pid);
	spew($self->path($plain), "pid $pid; events {} http { ${\$self->nginx_own} include $whole; }\n", 0644);
	return ('/usr/sbin/nginx', '-c', $plain, '-e', $self->nginx_file('log/error.log'), @words);
}

# Whose the workers are.
sub nginx_user ($self) {
	my $pid = $self->must('cat', $self->nginx_file('log/pid'));
	chomp $pid;
	return $self->must('sh', '-c', "ps --no-headers -o user= --ppid $pid | sort -u | tr -d '\\n'");
}

sub start_nginx ($self) {
	$self->must('mkdir', '-p', $self->nginx_file('log'), $self->nginx_file('tls'));
	spew($self->path($self->nginx_file("tls/$_")), slurp("$self->{dir}/tls/$_")) for qw(server.pem server.key);
	($self->{port}, $self->{other_port}) = map { Atelier::Stack::free_port() } 1, 2;
	spew($self->path($self->nginx_file('test.conf')), $self->nginx_conf($self->{port}), 0644);
	$self->spawn('nginx', {}, $self->inside($self->nginx('-g', 'daemon off;')));
	await('nginx', 10, sub { !$self->is_running('nginx') || $self->answers($self->{port}) });
	die 'nginx did not start: ' . slurp($self->log_path('nginx')) if !$self->is_running('nginx');
	return;
}

sub include_locations ($self) {
	my $file = $self->path($self->nginx_file('test.conf'));
	my $line = 'include ' . $self->program('share/atelier/nginx/atelier.locations') . ';';
	spew($file, slurp($file) =~ s/# HERE/$line/r, 0644);
	return;
}

# ---- PostgreSQL, settings, atelierd ---------------------------------------------------------------------

# As README says it: the system users are let in as the roles of pg_ident.conf.
sub start_database ($self) {
	my $pg = $self->{pg} = Atelier::Pg->new(dir => "$self->{dir}/pg");
	return $pg->start && $self->migrate_by_hand if !$self->{root};
	my $hba = "$pg->{data}/pg_hba.conf";
	spew($hba, "local atelier atelier_responder,atelier_dispatcher,atelier_ctl peer map=atelier\n" . slurp($hba), 0644);
	spew("$pg->{data}/pg_ident.conf", <<~'END', 0644);
		atelier atelier atelier_responder
		atelier atelier atelier_dispatcher
		atelier root atelier_ctl
		END
	# It runs inside, too, for it asks there who calls.
	$pg->{as} = [$self->inside($pg->{as}->@*)];
	$pg->start;
	$self->must('setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', 'atelierctl', 'migrate');
	return;
}

sub migrate_by_hand ($self) {
	spew("$self->{dir}/ctl.conf", 'DATABASE_URL=' . $self->{pg}->super_url . "\n");
	$self->must($self->program('bin/atelierctl'), '-c', "$self->{dir}/ctl.conf", 'migrate');
	return;
}

sub settings_inside ($self) { return "$self->{place}{conf}/atelier.conf" }
sub settings_path ($self) { return $self->path($self->settings_inside) }

sub settings ($self) {
	my $settings = $self->SUPER::settings;
	# Those that an operator leaves alone.
	delete @$settings{qw(TEXTS_DIR CATALOG_FILE), $self->{root} ? qw(DATABASE_URL RUN_DIR SPOOL_DIR) : ()};
	$settings->{CA_FILE} = $self->{place}{ca};
	return $settings;
}

sub write_settings ($self) {
	spew($self->path($self->{place}{ca}), slurp($self->ca), 0644);
	$self->SUPER::write_settings;
	$self->close_settings;
	return;
}

# The settings are root's, and the service may read them.
sub close_settings ($self) {
	my $group = $self->{root} ? 'atelier' : $> == 0 ? 'nogroup' : return;
	$self->must('chgrp', $group, $self->settings_inside);
	$self->must('chmod', '0640', $self->settings_inside);
	return;
}

sub start_atelier ($self) {
	return eval { $self->must('systemctl', 'start', 'atelier'); 1 } || die $@, $self->journal if $self->{root};
	my @as = $> == 0 ? ('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups') : ();
	$self->spawn('atelierd', {}, @as, $self->program('sbin/atelierd'), '-c', $self->settings_inside);
	my $log = $self->log_path('atelierd');
	await('atelierd to be ready', 40, sub { slurp($log) =~ /event=all_ready/ || !$self->is_running('atelierd') });
	die 'atelierd did not start: ' . slurp($log) if !$self->is_running('atelierd');
	return;
}

sub journal ($self) { return $self->must(qw(journalctl --output=cat --no-pager --unit=atelier)) }

sub ctl ($self, @words) { return $self->must($self->program('bin/atelierctl'), '-c', $self->settings_inside, @words) }

sub stop ($self) {
	$self->SUPER::stop;
	$self->{root}->stop if $self->{root};
	return;
}

1;
