# The whole of Atelier on this machine: PostgreSQL, the market, nginx with TLS and atelierd, all private.
package Atelier::Stack;
use strict;
use warnings;
use utf8;

use Atelier::Pg;
use Carp qw(croak);
use Exporter 'import';
use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP qw(decode_json);
use Mojo::UserAgent;
use POSIX qw(WNOHANG);
use Socket qw(SOCK_DGRAM);
use Time::HiRes qw(time);

our @EXPORT_OK = qw(await);

our $TOKEN = '7712345678:AAEstandInTokenOfTheMarketOnly000000';
our $SECRET = 'market-secret_0123456789';
our $FAL_KEY = 'market-fal-key:0123456789abcdef';
our $GEMINI_KEY = 'market-gemini-key-0123456789';
our @KLING = ('market-kling-key-0123456789', 'market-access', 'market-kling-secret');
our @YOOKASSA = ('506751', 'test_market_secret_key');
our @BETATRANSFER = ('pub_test_0123456789abcdef', 'sec_test_fedcba9876543210');

# Calls the test until it gives something true, and returns that; dies after so many seconds.
sub await {
	my ($what, $seconds, $test) = @_;
	my $end = time + $seconds;
	while (1) {
		my $got = $test->();
		return $got if $got;
		croak "waited $seconds s for $what" if time >= $end;
		select undef, undef, undef, 0.02;
	}
}

# Options: settings (hash of NAME => value, undef removes), market (0: none), fal_ms, fsync is always on,
# market_options (more words for its command line), payments (0: neither provider is set),
# bin (build directory), dir (else a private one that is removed at the end unless something failed).
sub new {
	my ($class, %option) = @_;
	my $self = bless {
		bin => $option{bin} // $ENV{top_builddir} // '.',
		src => $option{src} // $ENV{top_srcdir} // '.',
		market_wanted => $option{market} // 1,
		fal_ms => $option{fal_ms} // 900,
		market_options => $option{market_options} // [],
		payments_wanted => $option{payments} // 1,
		settings => $option{settings} // {},
		pids => {},
		owner => $$,
		ua => Mojo::UserAgent->new(request_timeout => 20, max_redirects => 0),
	}, $class;
	$self->{temp} = File::Temp->newdir('atelier-stack-XXXXXX', TMPDIR => 1, CLEANUP => 0) if !$option{dir};
	$self->{dir} = $option{dir} // "$self->{temp}";
	make_path(map { "$self->{dir}/$_" } qw(run spool log nginx market));
	chmod 0755, $self->{dir};
	return $self;
}

sub dir { $_[0]{dir} }
sub pg { $_[0]{pg} }
sub log_path { "$_[0]{dir}/log/$_[1].log" }

# Everything, in order; returns when a person could write to the bot.
sub start {
	my ($self) = @_;
	$self->certificates;
	$self->start_database;
	$self->start_market if $self->{market_wanted};
	$self->start_nginx;
	$self->market(post => '/control/set', {yookassa_url => $self->base . '/yookassa/webhook'}) if $self->{market_wanted};
	$self->write_settings;
	$self->start_atelier;
	$self->ctl('webhook', 'set');
	return $self;
}

sub start_database {
	my ($self) = @_;
	$self->{pg} = Atelier::Pg->new(dir => "$self->{dir}/pg");
	$self->{pg}->start->migrate;
	return;
}

# ---- processes ------------------------------------------------------------------------------------------

# Runs a program in the background, its output in log/NAME.log; it is killed when we die.
sub spawn {
	my ($self, $name, $environment, @command) = @_;
	my $log = $self->log_path($name);
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		setpgrp 0, 0;
		open STDIN, '<', '/dev/null' or POSIX::_exit(126);
		open STDOUT, '>>', $log or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		local @ENV{keys %$environment} = values %$environment;
		exec 'setpriv', '--pdeathsig', 'TERM', '--', @command or POSIX::_exit(127);
	}
	$self->{pids}{$name} = $pid;
	return $pid;
}

sub is_running {
	my ($self, $name) = @_;
	my $pid = $self->{pids}{$name} or return 0;
	if (waitpid($pid, WNOHANG) == $pid) {
		delete $self->{pids}{$name};
		return 0;
	}
	return 1;
}

# Stops a program with a signal and waits for its end; returns its wait status.
sub stop_program {
	my ($self, $name, $signal, $seconds) = @_;
	my $pid = delete $self->{pids}{$name} or return;
	kill $signal // 'TERM', $pid;
	my $status;
	my $ended = eval {
		await("$name to end", $seconds // 30, sub { waitpid($pid, WNOHANG) == $pid && defined($status = $?) });
		1;
	};
	if (!$ended) {
		kill 'KILL', $pid;
		waitpid $pid, 0;
		$status = $?;
	}
	return $status;
}

sub stop {
	my ($self) = @_;
	$self->stop_program($_) for grep { exists $self->{pids}{$_} } qw(atelierd nginx market);
	$self->{pg}->stop if $self->{pg};
	delete $self->{pg};
	return;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	# A test that failed leaves its logs.
	my $failed = $? > 0;      # -1 is of a wait for who was gone
	local ($?, $@);
	$failed ||= eval { !Test::More->builder->is_passing };   # it may be gone at the very end
	$self->stop;
	if ($self->{temp} && ($self->{keep} || $failed)) {
		print STDERR "# kept: $self->{dir}\n";
	} elsif ($self->{temp}) {
		system 'rm', '-rf', '--', $self->{dir};
	}
	return;
}

# ---- certificates ---------------------------------------------------------------------------------------

# A private authority and one certificate for 127.0.0.1 and localhost.
sub certificates {
	my ($self) = @_;
	my $dir = "$self->{dir}/tls";
	return if -e "$dir/server.pem";
	make_path($dir);
	my $log = $self->log_path('openssl');
	my @steps = (
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=Atelier test authority'"
			. " -addext basicConstraints=critical,CA:TRUE -keyout $dir/ca.key -out $dir/ca.pem",
		"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost"
			. " -keyout $dir/server.key -out $dir/server.csr",
		"printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\n' > $dir/san",
		"openssl x509 -req -in $dir/server.csr -CA $dir/ca.pem -CAkey $dir/ca.key -CAcreateserial -days 30"
			. " -extfile $dir/san -out $dir/server.pem",
	);
	system("{ $_; } >>$log 2>&1") == 0 or croak "certificates failed, see $log" for @steps;
	return;
}

sub ca { "$_[0]{dir}/tls/ca.pem" }

# ---- the market -----------------------------------------------------------------------------------------

sub start_market {
	my ($self) = @_;
	unlink "$self->{dir}/market/market.json";
	$self->spawn('market', {}, $^X, "$self->{src}/t/market/market", '--dir', "$self->{dir}/market",
		'--cert', "$self->{dir}/tls/server.pem", '--key', "$self->{dir}/tls/server.key", '--ca', $self->ca,
		'--token', $TOKEN, '--fal-key', $FAL_KEY, '--fal-ms', $self->{fal_ms},
		'--gemini-key', $GEMINI_KEY, '--kling-key', $KLING[0], '--kling-access', $KLING[1], '--kling-secret', $KLING[2],
		'--yookassa-shop', $YOOKASSA[0], '--yookassa-key', $YOOKASSA[1], '--betatransfer-token', $BETATRANSFER[0],
		'--betatransfer-secret', $BETATRANSFER[1], @{$self->{market_options}});
	await('the market', 30, sub { -s "$self->{dir}/market/market.json" || !$self->is_running('market') });
	open my $file, '<', "$self->{dir}/market/market.json" or croak 'the market did not start: ' . $self->log_path('market');
	local $/ = undef;
	$self->{market} = decode_json(<$file>);
	return;
}

sub market_url { $_[0]{market}{http} }

# A control call to the market: market('post', '/control/say', {...}) → decoded answer.
sub market {
	my ($self, $verb, $path, $body) = @_;
	my @args = ("$self->{market}{http}$path", $body ? (json => $body) : ());
	my $result = $self->{ua}->$verb(@args)->result;
	croak "market: $verb $path: " . $result->code . ' ' . $result->body if !$result->is_success;
	return $result->json;
}

sub person { my ($self, %person) = @_; return $self->market(post => '/control/person', \%person) }
sub say { my ($self, $chat, $text) = @_; return $self->market(post => '/control/say', {chat => $chat, text => $text}) }
sub press { my ($self, $chat, %what) = @_; return $self->market(post => '/control/press', {chat => $chat, %what}) }
# send(1, caption => 'зима'): a photo drawn on the spot; kind => 'video', duration => 5; kind => 'document', …
sub send { my ($self, $chat, %what) = @_; return $self->market(post => '/control/photo', {chat => $chat, %what}) }
sub fault { my ($self, %fault) = @_; return $self->market(post => '/control/fault', \%fault) }
sub chat { my ($self, $chat) = @_; return $self->market(get => "/control/chat/$chat")->{messages} }
# pay(provider => 'yookassa', order => 'a1', action => 'decline'): what a payer or the provider does.
sub pay { my ($self, %what) = @_; return $self->market(post => '/control/pay', \%what) }
sub payments { $_[0]->market(get => '/control/payments')->{payments} }
sub counts { $_[0]->market(get => '/control/counts') }

# Waits until a message of the bot in the chat satisfies the test; returns the newest such one.
sub wait_message {
	my ($self, $chat, $what, $test, $seconds) = @_;
	my $found;
	await($what, $seconds // 20, sub {
		($found) = grep { ($_->{from} // '') eq 'bot' && $test->($_) } reverse @{$self->chat($chat)};
		return $found;
	});
	return $found;
}

# ---- nginx ----------------------------------------------------------------------------------------------

sub free_port {
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => 0) or croak "port: $!";
	return $socket->sockport;
}

# The files of nginx/ with their places filled in, as an operator's installation does it.
sub fill_nginx {
	my ($self) = @_;
	for my $name (qw(atelier.locations atelier.fastcgi atelier.yookassa)) {
		open my $in, '<', "$self->{src}/nginx/$name.in" or croak "nginx/$name.in: $!";
		open my $out, '>', "$self->{dir}/nginx/$name" or croak "$name: $!";
		print {$out} "allow 127.0.0.1; # the market\n" if $name eq 'atelier.yookassa';
		while (my $line = <$in>) {
			$line =~ s/\@nginxdir\@/$self->{dir}\/nginx/g;
			$line =~ s/\@rundir\@/$self->{dir}\/run/g;
			$line =~ s/\@spooldir\@/$self->{dir}\/spool/g;
			print {$out} $line;
		}
		close $out or croak "$name: $!";
	}
	return;
}

sub nginx_conf {
	my ($self, $port) = @_;
	my $user = $> == 0 ? "user root;\n" : '';
	my $dir = $self->{dir};
	my ($cert, $key) = ($self->{cert} // "$dir/tls/server.pem", $self->{key} // "$dir/tls/server.key");
	return <<"CONF";
${user}daemon off;
worker_processes 1;
pid $dir/nginx/pid;
error_log $dir/log/nginx-error.log info;
events { worker_connections 1024; }
http {
	access_log $dir/log/nginx-access.log;
	client_body_temp_path $dir/nginx/body;
	proxy_temp_path $dir/nginx/proxy;
	fastcgi_temp_path $dir/nginx/fastcgi;
	uwsgi_temp_path $dir/nginx/uwsgi;
	scgi_temp_path $dir/nginx/scgi;
	server {
		listen 127.0.0.1:$port ssl backlog=1024;
		server_name localhost;
		ssl_certificate $cert;
		ssl_certificate_key $key;
		ssl_protocols TLSv1.2 TLSv1.3;
		# A test may play another address.
		set_real_ip_from 127.0.0.1;
		real_ip_header X-Played-Address;
		keepalive_timeout 75s;
		keepalive_requests 1000000;
		include $dir/nginx/atelier.locations;
		location / { return 404; }
	}
}
CONF
}

sub start_nginx {
	my ($self) = @_;
	$self->fill_nginx;
	for (1 .. 5) {
		my $port = $self->{port} = $self->{wanted_port} // free_port();
		open my $file, '>', "$self->{dir}/nginx/nginx.conf" or croak "nginx.conf: $!";
		print {$file} $self->nginx_conf($port);
		close $file or croak "nginx.conf: $!";
		$self->spawn('nginx', {}, '/usr/sbin/nginx', '-c', "$self->{dir}/nginx/nginx.conf", '-p', "$self->{dir}/nginx",
			'-e', "$self->{dir}/log/nginx-error.log");
		await('nginx', 10, sub { !$self->is_running('nginx') || $self->answers($port) });
		return if $self->is_running('nginx');
	}
	croak 'nginx did not start: ' . $self->log_path('nginx');
}

sub answers {
	my ($self, $port) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1);
	return defined $socket;
}

sub base { "https://127.0.0.1:$_[0]{port}" }

# An update as Telegram sends it, through nginx; returns the Mojo transaction's result.
sub post_update {
	my ($self, $body, %header) = @_;
	my $ua = $self->{hook_ua} //= Mojo::UserAgent->new(ca => $self->ca, request_timeout => 30);
	return $ua->post($self->base . '/telegram' => {
		'Content-Type' => 'application/json', 'X-Telegram-Bot-Api-Secret-Token' => $SECRET, %header} => $body)->result;
}

# ---- atelier --------------------------------------------------------------------------------------------

sub settings {
	my ($self) = @_;
	my $out = $self->{market}{https} // 'https://127.0.0.1:9';
	my ($place) = $out =~ m{^https://([^/]+)};
	my %settings = (
		DATABASE_URL => $self->{pg}->url,
		RUN_DIR => "$self->{dir}/run",
		SPOOL_DIR => "$self->{dir}/spool",
		TEXTS_DIR => "$self->{src}/etc/texts",
		CATALOG_FILE => "$self->{src}/etc/catalog.json",
		TERMS_VERSION => 0,     # but in tests about them
		!$self->{market_wanted} ? () : (
			BOT_TOKEN => $TOKEN,
			TELEGRAM_SECRET_TOKEN => $SECRET,
			WEBHOOK_BASE_URL => 'https://127.0.0.1:' . ($self->{port} // 9),
			TELEGRAM_API_URL => $out,
			FAL_KEY => $FAL_KEY,
			FAL_QUEUE_URL => "$out/fal/queue",
			FAL_API_URL => "$out/fal/api",
			NANO_BANANA_API_KEY => $GEMINI_KEY,
			NANO_BANANA_API_URL => "$out/gemini",
			KLING_API_KEY => $KLING[0],
			KLING_API_URL => "$out/kling",
			MEDIA_HOSTS => $place,
			MEDIA_PRIVATE => 'yes',
			CA_FILE => $self->ca,
			!$self->{payments_wanted} ? () : (
				YOOKASSA_SHOP_ID => $YOOKASSA[0],
				YOOKASSA_SECRET_KEY => $YOOKASSA[1],
				YOOKASSA_API_URL => "$out/yookassa/v3",
				YOOKASSA_TEST_MODE => 'yes',
				BETATRANSFER_API_KEY => $BETATRANSFER[0],
				BETATRANSFER_SECRET_KEY => $BETATRANSFER[1],
				BETATRANSFER_API_URL => "$out/betatransfer/api",
			),
		),
		%{$self->{settings}},
	);
	return \%settings;
}

sub settings_path { "$_[0]{dir}/atelier.conf" }

sub write_settings {
	my ($self) = @_;
	my $settings = $self->settings;
	open my $file, '>', $self->settings_path or croak "settings: $!";
	chmod 0600, $self->settings_path;
	print {$file} map { "$_=$settings->{$_}\n" } grep { defined $settings->{$_} } sort keys %$settings;
	close $file or croak "settings: $!";
	return;
}

# The programs are found where make leaves them.
sub start_atelier {
	my ($self) = @_;
	my $path = "$self->{dir}/notify.sock";
	unlink $path;
	my $notify = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or croak "notify socket: $!";
	$notify->blocking(0);
	$self->spawn('atelierd', {NOTIFY_SOCKET => $path}, "$self->{bin}/atelierd", '-c', $self->settings_path, '-l', $self->{bin});
	my $said = '';
	await('atelierd to be ready', 40, sub {
		$said .= "$_\n" while defined $notify->recv(local $_, 4096);
		return $said =~ /^READY=1/m || !$self->is_running('atelierd');
	});
	croak 'atelierd did not start: ' . $self->log_path('atelierd') if !$self->is_running('atelierd');
	return;
}

# Process ids of a role: 'responder', 'dispatcher', 'helper chat', … found among atelierd's children.
sub role_pids {
	my ($self, $role) = @_;
	my $parent = $self->{pids}{atelierd} or return;
	open my $children, '<', "/proc/$parent/task/$parent/children" or return;
	my @pids = split ' ', <$children> // '';
	return grep {
		my $line = '';
		if (open my $file, '<', "/proc/$_/cmdline") { local $/ = undef; $line = <$file> // '' }
		my @words = split /\0/, $line;
		$words[0] =~ s{.*/}{} if @words;
		"@words" eq $role;
	} @pids;
}

sub ctl {
	my ($self, @words) = @_;
	my @command = ("$self->{bin}/atelierctl", '-c', $self->settings_path, @words);
	open my $out, '-|', @command or croak "atelierctl: $!";
	local $/ = undef;
	my $text = <$out>;
	close $out or croak "@command: exit " . ($? >> 8) . ": $text";
	return $text;
}

# What failed so far stops no model from being sold: a test that fails on purpose goes on.
sub fair_weather {
	my ($self) = @_;
	$self->{pg}->do("UPDATE store.job SET finished_at = finished_at - interval '1 hour' WHERE finished_at IS NOT NULL");
	$self->{pg}->do('DELETE FROM store.breaker');
	return;
}

# Lets a day pass for the originals that are kept; returns what is in the spool after that.
sub sweep_originals {
	my ($self) = @_;
	$self->{pg}->do("UPDATE store.task SET run_at = now() WHERE kind = 'sweep' AND state = 'ready'");
	$self->wait_quiet(60);
	return glob("$self->{dir}/spool/*");
}

# Nothing is left to do: no open job, no open task but for the sweep that is due when originals need not be kept.
sub wait_quiet {
	my ($self, $seconds) = @_;
	await('all work to end', $seconds // 40, sub {
		$self->{pg}->value("SELECT count(*) FROM store.job WHERE status IN ('pending', 'processing')") == 0
			&& $self->{pg}->value("SELECT count(*) FROM store.task WHERE state IN ('ready', 'leased')
				AND (kind <> 'sweep' OR run_at < now() + interval '1 hour')") == 0;
	});
	return;
}

1;
