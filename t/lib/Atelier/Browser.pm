# A real browser: Chromium driven through chromedriver by the W3C WebDriver protocol.
package Atelier::Browser;
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Carp qw(croak);
use File::Temp ();
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64);
use Mojo::UserAgent;
use POSIX ();

my $ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';   # the name WebDriver gives to references

sub new {
	my ($class, %option) = @_;
	my $self = bless {
		owner => $$,
		ua => Mojo::UserAgent->new(request_timeout => 40, inactivity_timeout => 40),
		dir => File::Temp->newdir('atelier-browser-XXXXXX', TMPDIR => 1),
	}, $class;
	$self->{port} = Atelier::Stack::free_port();
	$self->spawn_driver;
	my ($width, $height) = @option{qw(width height)};
	my @arguments = (qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
		--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars
		--force-device-scale-factor=1), '--window-size=' . ($width // 1100) . ',' . ($height // 900),
		"--user-data-dir=$self->{dir}/profile");
	my $value = $self->call(post => '/session', {capabilities => {alwaysMatch => {
		browserName => 'chrome', 'goog:chromeOptions' => {args => \@arguments}}}});
	$self->{session} = "/session/$value->{sessionId}";
	return $self;
}

sub spawn_driver {
	my ($self) = @_;
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		setpgrp 0, 0;
		open STDOUT, '>', "$self->{dir}/driver.log" or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		exec 'setpriv', '--pdeathsig', 'TERM', '--', 'chromedriver', "--port=$self->{port}" or POSIX::_exit(127);
	}
	$self->{pid} = $pid;
	await('chromedriver', 20, sub { defined IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) });
	return;
}

sub call {
	my ($self, $verb, $path, $body) = @_;
	my $url = "http://127.0.0.1:$self->{port}$path";
	my $result = $self->{ua}->$verb($url => ($body ? (json => $body) : ()))->result;
	my $value = ($result->json // {})->{value};
	croak "browser: $path: " . (ref $value eq 'HASH' ? $value->{message} // '' : $result->body) if !$result->is_success;
	return $value;
}

sub open_page { my ($self, $url) = @_; return $self->call(post => "$self->{session}/url", {url => $url}) }

# Runs JavaScript in the page; arguments arrive as arguments[0]…
sub run {
	my ($self, $script, @args) = @_;
	return $self->call(post => "$self->{session}/execute/sync", {script => $script, args => \@args});
}

# Waits until the script returns something true, and returns that.
sub wait_for {
	my ($self, $what, $script, $seconds) = @_;
	return await($what, $seconds // 20, sub { $self->run($script) });
}

sub element {
	my ($self, $css) = @_;
	my $found = await("an element $css", 10, sub {
		my $all = $self->call(post => "$self->{session}/elements", {using => 'css selector', value => $css});
		return @$all ? $all->[-1] : undef;
	});
	return "$self->{session}/element/$found->{$ELEMENT}";
}

sub type { my ($self, $css, $text) = @_; return $self->call(post => $self->element($css) . '/value', {text => $text}) }
sub click { my ($self, $css) = @_; return $self->call(post => $self->element($css) . '/click', {}) }

sub screenshot {
	my ($self, $path) = @_;
	my $png = decode_base64($self->call(get => "$self->{session}/screenshot"));
	open my $file, '>:raw', $path or croak "$path: $!";
	print {$file} $png;
	close $file or croak "$path: $!";
	return length $png;
}

sub DESTROY {
	my ($self) = @_;
	return if $self->{owner} != $$;
	local ($?, $@);
	eval { $self->call(delete => $self->{session}) } if $self->{session};
	kill 'TERM', -$self->{pid} if $self->{pid};
	waitpid $self->{pid}, 0 if $self->{pid};
	return;
}

1;
