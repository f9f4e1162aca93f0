# The newcomer's command: the journey without a person, Ctrl-C that leaves nothing, and the same command with a
# settings file that names other services.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP qw(decode_json);
use POSIX qw(WNOHANG);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $world = Atelier::Stack->new(fal_ms => 800);
my $stage = "$world->{src}/scripts/stage";
my @perl = ($^X, "-I$world->{src}/t/lib", $stage);

# Runs the demo in the background with its words in a file; returns its pid.
sub demo {
	my ($log, @words) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		setpgrp 0, 0;
		open STDOUT, '>', $log or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		$ENV{top_srcdir} = $world->{src};
		$ENV{top_builddir} = $world->{bin};
		exec @perl, @words or POSIX::_exit(127);
	}
	return $pid;
}

sub words { my ($log) = @_; open my $file, '<:encoding(UTF-8)', $log or return ''; local $/ = undef; return <$file> // '' }

# Everything that runs from a directory of a stack: by the command lines that name it.
sub living {
	my ($dir) = @_;
	return grep { open my $file, '<', "$_/cmdline" or next; local $/ = undef; (<$file> // '') =~ /\Q$dir\E/ } glob '/proc/[0-9]*';
}

my $log = $world->dir . '/once.log';
my $pid = demo($log, '--once', 'кот в скафандре');
await('the journey to end', 120, sub { waitpid($pid, WNOHANG) == $pid });
is($?, 0, 'demo --once: exit 0');
my $said = words($log);
like($said, qr/Sum of all accounts: .*free 0.*\n/, 'the ledger sums to zero');
like($said, qr/grant.*\n.*hold.*\n.*take/, 'with grant, hold and take');
like($said, qr/demo-picture\.png: PNG image data, 1024 x 1024/, 'and `file` recognises the picture');
unlink "$world->{bin}/demo-picture.png";

$log = $world->dir . '/hand.log';
$pid = demo($log);
await('the address', 60, sub { words($log) =~ m{Open the chat page:\s+(http://\S+/chat/1001)} });
my ($address) = words($log) =~ m{(http://\S+/chat/1001)};
is($world->{ua}->get($address)->result->code, 200, 'the chat page opens');
open my $children, '<', "/proc/$pid/task/$pid/children" or die $!;
my @children = split ' ', <$children>;
my ($dir) = map { open my $file, '<', "/proc/$_/cmdline" or next; local $/ = undef; (<$file> // '') =~ m{(/[^\0\s]*?/atelier-stack-\w+)} ? $1 : () } @children;
ok($dir && living($dir), 'everything runs from a directory of its own');
kill 'INT', $pid;
await('the demo to leave', 60, sub { waitpid($pid, WNOHANG) == $pid });
await('everything to be gone', 20, sub { !living($dir) });
ok(!grep({ kill 0, $_ } @children), 'Ctrl-C leaves nothing running');
ok(!-e $dir, 'and no files');

# Services named by a settings file: here another market, as real ones would be.
$world->certificates;
$world->start_market;
$world->{port} = Atelier::Stack::free_port();
$world->{pg} = bless {}, 'Atelier::Stack::NoDatabase';
sub Atelier::Stack::NoDatabase::url { 'postgresql:///nowhere' }
sub Atelier::Stack::NoDatabase::stop { }
$world->write_settings;
$log = $world->dir . '/settings.log';
$pid = demo($log, '--settings', $world->settings_path, '--port', $world->{port}, '--cert', $world->dir . '/tls/server.pem',
	'--key', $world->dir . '/tls/server.key');
await('the stack to be up', 60, sub { words($log) =~ /nginx listens at/ || waitpid($pid, WNOHANG) == $pid });
my $person = $world->person(id => 4711, first_name => 'Аня', language_code => 'ru')->{id};
$world->say($person, '/start');
ok($world->wait_message($person, 'the welcome', sub { ($_[0]{text} // '') =~ /Здравствуйте/ }, 30), 'with a settings file the same command serves its services');
kill 'INT', $pid;
await('it to leave', 60, sub { waitpid($pid, WNOHANG) == $pid });
done_testing;
