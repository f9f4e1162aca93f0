#!/usr/bin/perl
# Installation: the package is built, put into a clean root and run there by systemd, behind an nginx that serves
# another site, too; then it is upgraded and purged. Where no such root can be made, `make install` into a prefix.
use v5.36;
use utf8;

use Atelier::Installed;
use Atelier::Root;
use Atelier::Stack qw(await);
use Atelier::Test qw(run_command slurp source_dir spew temp_dir);
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $source = source_dir();
my $dir = temp_dir('install');
chmod 0755, $dir;
$ENV{LC_ALL} = 'C.UTF-8';

# What a command says, which must succeed.
sub says ($what, @command) {
	my ($status, $out, $err) = run_command(\@command, seconds => 300);
	is($status, 0, $what) or diag "@command:\n", "$out$err" =~ /((?:.*\n){0,40}.*)\z/;
	return "$out$err";
}

# ---- the package ----------------------------------------------------------------------------------------

# From a copy of what git knows or, in an unpacked release, of all.
sub copy_source ($to) {
	mkdir $to or die "$to: $!";
	my $list = -e "$source/.git" ? 'git ls-files -z' : 'find . -path ./build -prune -o "(" -type f -o -type l ")" -print0';
	system("cd '$source' && $list | xargs -0 cp --parents --no-dereference --target-directory='$to'") == 0
		or die "no copy of $source";
	return;
}

copy_source("$dir/source");
says('dpkg-buildpackage', 'sh', '-c',
	"cd '$dir/source' && DEB_BUILD_OPTIONS='nocheck parallel=2' dpkg-buildpackage -us -uc -b");
my ($deb) = grep { !/dbgsym/ } glob "$dir/atelier_*.deb";
my ($changes) = glob "$dir/*.changes";
my $lint = (run_command(['lintian', '--info', $changes], seconds => 120))[1];
unlike($lint, qr/^[EW]: /m, 'lintian finds no error and nothing to warn of') or diag $lint;
my @units = map { m{^\S+ .*\./lib/systemd/system/(\S+)$} } split /\n/, says('its contents', 'dpkg-deb', '--contents', $deb);
is("@units", 'atelier.service', 'its units');
says('it is unpacked', 'dpkg-deb', '--raw-extract', $deb, "$dir/next");
ok(!-e "$dir/next/etc/atelier/atelier.conf", 'no live settings are shipped');

for my $unit (@units) {
	my $said = says("$unit is understood", 'systemd-analyze', 'security', '--offline=yes', '--no-pager',
		"$dir/next/lib/systemd/system/$unit");
	my ($exposure) = $said =~ /exposure level for \Q$unit\E: ([\d.]+)/;
	cmp_ok($exposure // 10, '<', 1.5, "$unit: exposure");
}

# ---- a root to install into -----------------------------------------------------------------------------

my $root = Atelier::Root->new(dir => $dir);
note $root ? 'a clean root with a systemd of its own'
	: "NO CLEAN ROOT HERE ($Atelier::Root::why): `make install` into a prefix instead, without dpkg and systemd";
my $stack = Atelier::Installed->new(dir => $dir, root => $root, payments => 0, fal_ms => 2500);

sub inside ($what, @command) { return says($what, $stack->inside(@command)) }

# Mode, owner and group of places, as one text.
sub modes (@paths) {
	my (undef, $said) = run_command([$stack->inside('stat', '-c', '%a %U %G %n', @paths)]);
	return $said;
}

# The package as the next version, which differs in nothing else.
sub next_package () {
	my $control = slurp("$dir/next/DEBIAN/control");
	$control =~ s/^Version: (.*)$/Version: $1+next/m;
	spew("$dir/next/DEBIAN/control", $control, 0644);
	says('the next version', 'dpkg-deb', '-Zgzip', '-z1', '--root-owner-group', '--build', "$dir/next", "$dir/shared/next.deb");
	return;
}

if ($root) {
	says('the package is at hand', 'cp', $deb, "$dir/shared/atelier.deb");
	inside('dpkg --install', 'dpkg', '--install', '/srv/atelier.deb');
	like(inside('the user', 'getent', 'passwd', 'atelier'), qr{:/nonexistent:/usr/sbin/nologin$}, 'nobody logs in as it');
	is(inside('its groups', 'id', '-nG', 'atelier'), "atelier\n", 'it is in no group but its own');
	unlike(inside('groups of nginx', 'id', '-nG', 'www-data'), qr/atelier/, 'nor is nginx in that');
	my @places = qw(/run/atelier /var/spool/atelier /etc/atelier /etc/atelier/atelier.conf.sample);
	is(modes(@places), <<~'END', 'its directories');
		2750 atelier www-data /run/atelier
		2750 atelier www-data /var/spool/atelier
		755 root root /etc/atelier
		644 root root /etc/atelier/atelier.conf.sample
		END
	inside("systemd-analyze verify $_", 'systemd-analyze', 'verify', '--man=no', $_) for @units;
	inside('it will start with the machine', 'systemctl', 'is-enabled', 'atelier');
	like(inside('without settings', 'systemctl', 'show', '-p', 'ActiveState', '-p', 'ConditionResult', 'atelier'),
		qr/ActiveState=inactive\nConditionResult=no/, 'it does not start');
} else {
	$stack->install("$dir/source");
	says("systemd-analyze verify $_", 'systemd-analyze', 'verify', '--man=no', $stack->program("lib/systemd/system/$_"))
		for @units;
}

# ---- behind an nginx that is there ----------------------------------------------------------------------

$stack->certificates;
$stack->start_nginx;
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 30, max_redirects => 0);
sub other_sites () {
	return join ' ', map { $ua->get($_)->result->body } $stack->other . '/', $stack->base . '/', $stack->base . '/shop/1';
}
is(other_sites(), 'other site, old site, shop', 'nginx serves what it always did');
$stack->include_locations;
inside('nginx -t with atelier.locations in a server of another site', $stack->nginx('-t'));
inside('nginx reloads', $stack->nginx('-s', 'reload'));
await('nginx to know the locations', 10, sub { $ua->get($stack->base . '/pay/return')->result->code == 503 });
pass('which are away: no atelierd runs yet');
inside('nginx -t with server.conf in a plain nginx.conf', $stack->plain_nginx('-t'));

# ---- everything runs ------------------------------------------------------------------------------------

$stack->start_database;
$stack->start_market;
$stack->write_settings;
inside('atelierd -t', $stack->program('sbin/atelierd'), '-t', '-c', $stack->settings_inside);
$stack->start_atelier;
$stack->ctl('webhook', 'set');
is(other_sites(), 'other site, old site, shop', 'nginx still does');
is($ua->get($stack->base . '/pay/return')->result->code, 200, 'and the bot answers beside them');

my $anna = $stack->person(id => 8001, first_name => 'Аня', language_code => 'ru')->{id};
sub wait_text ($words) {
	return $stack->wait_message($anna, "«$words»", sub { ($_[0]{text} // '') =~ /$words/ });
}
sub choose ($message, $text) {
	my ($button) = grep { $_->{text} =~ /$text/ } map { @$_ } @{$message->{buttons}};
	$stack->press($anna, message_id => $message->{message_id}, data => $button->{data});
	return;
}

$stack->say($anna, '/start');
my $menu = wait_text('Здравствуйте, Аня');
pass('a greeting, through TLS');
choose($menu, 'Редактировать');
wait_text('Пришлите фото');
$stack->send($anna);
wait_text('Что изменить');
$stack->say($anna, 'добавь снег');
choose(wait_text('Модель: '), 'Запустить');
my $token = await('a file to be open to the provider', 20, sub { $stack->pg->value('SELECT token FROM store.media') });
my $file = $ua->get($stack->base . "/media/$token")->result;
is($file->code, 200, 'nginx may read it');
is($stack->nginx_user, $> == 0 ? 'www-data' : scalar getpwuid $>, 'as the user of its workers');
like($file->headers->content_type, qr{^image/}, 'a picture');
like($file->body, qr/^(?:\xff\xd8|\x89PNG)/, 'all in bytes');
is($ua->get($stack->base . '/atelier-spool/')->result->code, 404, 'but nobody else comes to the spool');
ok($stack->wait_message($anna, 'the picture', sub { $_[0]{photo} }, 30), 'the changed picture is delivered');
$stack->press($anna, message_id => $menu->{message_id}, data => 'm:add_text');
wait_text('надпись');
$stack->send($anna);
wait_text('Что написать');
$stack->say($anna, 'С Новым годом! 🎄');
choose(wait_text('Добавить текст'), 'Запустить');
await('the caption', 30, sub { 2 == grep { ($_->{from} // '') eq 'bot' && $_->{photo} } @{$stack->chat($anna)} });
pass('a caption is drawn inside of all the cages');
like(modes($stack->place('run') . '/fastcgi.sock', $stack->place('run') . '/chat.sock'), qr/^660 \S+ (\S+) .*\n600 /,
	'nginx reaches the socket for it and no other');

# ---- its life under systemd -----------------------------------------------------------------------------

if ($root) {
	my $settings = slurp($stack->settings_path);
	isnt((run_command([$stack->inside('setpriv', '--reuid=www-data', '--regid=www-data', '--init-groups', 'cat',
		'/etc/atelier/atelier.conf')]))[0], 0, 'nginx can\'t read the settings');
	like($stack->journal, qr/ event=all_ready children=\d+$/m, 'the journal has lines of key=value');
	inside('reload', 'systemctl', 'reload', 'atelier');
	spew($stack->settings_path, $settings . "NO_SUCH_NAME=1\n", 0600);
	isnt((run_command([$stack->inside('systemctl', 'reload', 'atelier')]))[0], 0, 'with wrong settings it fails');
	is(inside('the service', 'systemctl', 'is-active', 'atelier'), "active\n", 'everything runs on');
	spew($stack->settings_path, $settings, 0600);
	$stack->close_settings;

	my $pid = inside('its process before', 'systemctl', 'show', '-p', 'MainPID', 'atelier');
	next_package();
	inside('the upgrade', 'dpkg', '--install', '/srv/next.deb');
	is(inside('the service', 'systemctl', 'is-active', 'atelier'), "active\n", 'it runs again');
	isnt(inside('its process after', 'systemctl', 'show', '-p', 'MainPID', 'atelier'), $pid, 'anew');
	is(slurp($stack->settings_path), $settings, 'with the same settings');
	is(modes('/etc/atelier/atelier.conf'), "640 root atelier /etc/atelier/atelier.conf\n", 'as closed as before');
	$stack->say($anna, '/balance');
	wait_text('Ваш баланс');
	pass('and answers');

	my @shipped = grep { /atelier/ } split /\n/, inside('its files', 'dpkg', '--listfiles', 'atelier');
	inside('dpkg --purge', 'dpkg', '--purge', 'atelier');
	is(modes(@shipped, qw(/run/atelier /var/spool/atelier /etc/systemd/system/multi-user.target.wants/atelier.service)), '',
		'nothing is left');
	is($stack->pg->value('SELECT count(*) FROM store.person'), 1, 'but the database');
}
is_deeply([$stack->pg->broken], [], 'the invariants hold');
done_testing;
