# atelierctl doctor on a whole installation: nothing to find, then mistakes planted one after the other, each found, each
# with its cure named, each gone when it is mended.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {DRAIN_SECONDS => 2});
$stack->start;
my $pg = $stack->pg;

sub doctor {
	my $out = qx('$stack->{bin}/atelierctl' -c '@{[$stack->settings_path]}' doctor -d '$stack->{src}/sql' 2>&1);
	utf8::decode($out);
	return ($? >> 8, $out);
}
my ($status, $out) = doctor();
is($status, 0, 'a sound installation') or diag $out;
unlike($out, qr/^BAD/m, 'has no finding');
for my $sound (qr/^ok   settings/, qr/schema \d/, qr/the ledger cannot be changed/, qr/atelierd: running/, qr/nginx: \/telegram comes to us/,
	qr/nginx: \/media comes to us/,
	qr/nginx: \/healthz is closed to others/, qr/nginx: \/metrics is closed to others/, (map { qr/helpers: 1 of lane $_/ } qw(chat pay media)), qr/certificate: \d+ days left/, qr/webhook: https/, map { qr/$_: takes our key/ } qw(telegram yookassa betatransfer fal gemini kling)) {
	like($out, qr/$sound/m, "looked at: $sound");
}
unlike($out, qr/\Q$_\E/, 'no secret is shown') for $Atelier::Stack::TOKEN, $Atelier::Stack::FAL_KEY, $Atelier::Stack::YOOKASSA[1];

# ---- planting -------------------------------------------------------------------------------------------

sub set_settings {
	my (%new) = @_;
	$stack->{settings} = {%{$stack->{settings}}, %new};
	$stack->write_settings;
	return;
}
# The helpers know the settings of when they were started: all of them are started anew.
sub reload {
	my @roles = ('responder', 'dispatcher', 'helper chat', 'helper pay', 'helper media');
	my %old = map { $_ => 1 } map { $stack->role_pids($_) } @roles;
	kill 'HUP', $stack->{pids}{atelierd};
	await('the reload', 30, sub { my @new = map { $stack->role_pids($_) } @roles; @new >= 6 && !grep { $old{$_} } @new });
	return;
}
sub nginx_with {
	my (%change) = @_;
	open my $in, '<', "$stack->{dir}/nginx/nginx.conf" or die $!;
	my $conf = do { local $/ = undef; <$in> };
	my $was = $conf;
	for my $from (keys %change) {
		$conf =~ s/\Q$from\E/$change{$from}/ or die "nginx.conf has no $from";
	}
	write_nginx($conf);
	return $was;
}
sub write_nginx {
	my ($conf) = @_;
	open my $file, '>', "$stack->{dir}/nginx/nginx.conf" or die $!;
	print {$file} $conf;
	close $file or die $!;
	my ($old) = split ' ', qx(pgrep -P $stack->{pids}{nginx});
	kill 'HUP', $stack->{pids}{nginx};
	await('nginx to take it', 20, sub { my @now = split ' ', qx(pgrep -P $stack->{pids}{nginx}); @now && !grep { $_ == $old } @now });
	return;
}
sub certificate {
	my ($name, $days, $subject, $authority) = @_;
	my $dir = "$stack->{dir}/tls";
	$authority //= "$dir/ca";
	system("{ openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=$subject -keyout $dir/$name.key -out $dir/$name.csr"
		. " && printf 'subjectAltName=%s\\n' '$subject' > $dir/$name.san && openssl x509 -req -in $dir/$name.csr -CA $authority.pem"
		. " -CAkey $authority.key -CAcreateserial -days $days -extfile $dir/$name.san -out $dir/$name.pem; } >>$stack->{dir}/log/openssl.log 2>&1") == 0 or die 'openssl';
	return "$dir/$name";
}
# Our locations, one of them without its guard.
sub open_to_all {
	my ($name) = @_;
	open my $in, '<', "$stack->{dir}/nginx/atelier.locations" or die $!;
	my $text = do { local $/ = undef; <$in> };
	$text =~ s/(location = \/$name \{[^}]*?)deny all;/$1allow all;/ or die "no $name";
	open my $out, '>', "$stack->{dir}/nginx/open.locations" or die $!;
	print {$out} $text;
	close $out or die $!;
	return "include $stack->{dir}/nginx/open.locations;";
}
# As another program that has the token would set it.
sub hook {
	my (%how) = @_;
	my $ua = Mojo::UserAgent->new(ca => $stack->ca);
	await('setWebhook', 10, sub { # one a second
		$ua->post("$stack->{market}{https}/bot$Atelier::Stack::TOKEN/setWebhook",
			json => {url => $stack->base . '/telegram', secret_token => $Atelier::Stack::SECRET, %how})->result->json->{ok};
	});
	return;
}
my $super = sub { $pg->super->do($_[0]) };
my $locations = "include $stack->{dir}/nginx/atelier.locations;";
my $nginx;      # as it was
my %tls = (soon => certificate('soon', 3, 'IP:127.0.0.1'), ended => certificate('ended', -1, 'IP:127.0.0.1'), other => certificate('other', 30, 'DNS:elsewhere.example'));
$tls{chain} = certificate('chain', 30, 'IP:127.0.0.1', $tls{other});     # by one that nobody knows
my $fcgi = "$stack->{dir}/run/fastcgi.sock";
my $server = "$stack->{dir}/tls/server";
sub tls { my ($name) = @_; $nginx = nginx_with("$server.pem" => "$tls{$name}.pem", "$server.key" => "$tls{$name}.key"); return }

# what, how it is planted, what is found, the cure, how it is mended
my @mistakes = (
	['a settings file that others can read', sub { chmod 0644, $stack->settings_path }, qr/others must not reach it/, qr/chmod 0640/, sub { chmod 0600, $stack->settings_path }],
	['a catalogue that is none', sub { open my $file, '>', "$stack->{dir}/catalog.json" or die $!; print {$file} '{'; close $file; set_settings(CATALOG_FILE => "$stack->{dir}/catalog.json") },
		qr/texts, catalogue or blocklist: /, qr/CATALOG_FILE/, sub { delete $stack->{settings}{CATALOG_FILE}; $stack->write_settings }],
	['no spool', sub { rename "$stack->{dir}/spool", "$stack->{dir}/spool.away" }, qr/SPOOL_DIR: .* is no directory/, qr/install -d/, sub { rename "$stack->{dir}/spool.away", "$stack->{dir}/spool" }],
	['a database elsewhere', sub { set_settings(DATABASE_URL => 'postgresql:///nothing?host=' . $pg->dir) }, qr/database: .*"nothing" does not exist/, qr/is PostgreSQL running/,
		sub { set_settings(DATABASE_URL => $pg->url) }],
	['fsync off', sub { $super->('ALTER SYSTEM SET fsync = off'); $super->('SELECT pg_reload_conf()'); await('it', 10, sub { $pg->connect->selectrow_array('SHOW fsync') eq 'off' }) },
		qr/database: fsync is off/, qr/postgresql\.conf/, sub { $super->('ALTER SYSTEM SET fsync = on'); $super->('SELECT pg_reload_conf()'); await('it', 10, sub { $pg->connect->selectrow_array('SHOW fsync') eq 'on' }) }],
	['a migration that was changed', sub { $super->(q{UPDATE store.migration SET sha256 = repeat('0', 64) WHERE number = 2}) }, qr/1 migrations are not those/, qr/install the package/,
		sub { $pg->do(q{UPDATE store.migration SET sha256 = $1 WHERE number = 2}, qx(sha256sum '$stack->{src}/sql/migrations/0002_store.sql') =~ /^(\w+)/) }],
	['a role that may do all', sub { $super->('ALTER ROLE atelier_responder SUPERUSER') }, qr/role atelier_responder may do more/, qr/NOSUPERUSER/, sub { $super->('ALTER ROLE atelier_responder NOSUPERUSER') }],
	['a role that cannot log in', sub { $super->('ALTER ROLE atelier_dispatcher NOLOGIN') }, qr/atelier_dispatcher cannot log in/, qr/pg_ident\.conf/, sub { $super->('ALTER ROLE atelier_dispatcher LOGIN') }],
	['a ledger that can be changed', sub { $super->('ALTER TABLE ledger.transfer DISABLE TRIGGER no_change') }, qr/triggers are switched off/, qr/ENABLE ALWAYS TRIGGER/,
		sub { $super->('ALTER TABLE ledger.transfer ENABLE ALWAYS TRIGGER no_change') }],
	['nginx without our locations', sub { $nginx = nginx_with($locations => '') }, qr/nginx: \/telegram does not come to us \(404\)/, qr/include atelier\.locations/, sub { write_nginx($nginx) }],
	['a certificate for another name', sub { tls('other') }, qr/certificate: it is for another name: https/, qr/certbot --nginx -d NAME/, sub { write_nginx($nginx) }],
	['a certificate that ended', sub { tls('ended') }, qr/certificate: it has ended: https/, qr/certbot renew/, sub { write_nginx($nginx) }],
	['a certificate without its chain', sub { tls('chain') }, qr/certificate: its chain is not whole: https/, qr/fullchain\.pem/, sub { write_nginx($nginx) }],
	['a certificate about to end', sub { tls('soon') }, qr/certificate: [23] days left/, qr/certbot renew/, sub { write_nginx($nginx) }],
	['nginx without TLS', sub { $nginx = nginx_with(' ssl backlog=1024;' => ' backlog=1024;') }, qr/nginx: no TLS at that port/, qr/listen 443 ssl/, sub { write_nginx($nginx) }],
	['figures that everybody may see', sub { $nginx = nginx_with($locations => open_to_all('metrics')) }, qr/nginx: \/metrics is open to everybody \(200\)/, qr/deny all/, sub { write_nginx($nginx) }],
	['a socket that nginx cannot reach', sub { rename $fcgi, "$fcgi.away" }, qr/nginx: \/telegram: it cannot reach us \(503\)/, qr/fastcgi\.sock/, sub { rename "$fcgi.away", $fcgi }],
	['a webhook that was set by somebody else', sub { hook(max_connections => 2, allowed_updates => ['message']) }, qr/webhook: .*kind edited_message/, qr/webhook set/, sub { $stack->ctl('webhook', 'set') }],
	['more connections than are set', sub { hook(max_connections => 100) }, qr/webhook: .*up to 100 connections, not 40/, qr/webhook set/, sub { $stack->ctl('webhook', 'set') }],
	['an account without money', sub { $stack->market(post => '/control/set', {fal_account => 'no_funds'}) }, qr/fal: no money of ours is left: 403 User is locked/, qr/fal\.ai\/dashboard\/billing/,
		sub { $stack->market(post => '/control/set', {fal_account => 'good'}) }],
	['wrong keys of three providers', sub { set_settings(YOOKASSA_SECRET_KEY => 'test_wrong', FAL_KEY => 'wrong:key', NANO_BANANA_API_KEY => 'wrong-key'); reload() },
		qr/yookassa: refuses the key.*fal: refuses the key.*gemini: refuses the key/s, qr/YOOKASSA_SHOP_ID and YOOKASSA_SECRET_KEY.*set FAL_KEY.*set NANO_BANANA_API_KEY/s,
		sub { delete @{$stack->{settings}}{qw(YOOKASSA_SECRET_KEY FAL_KEY NANO_BANANA_API_KEY)}; $stack->write_settings; reload() }],
	['a wrong token', sub { set_settings(BOT_TOKEN => '7712345678:AAwrong'); reload() }, qr/telegram: refuses the key/, qr/BotFather/, sub { delete $stack->{settings}{BOT_TOKEN}; $stack->write_settings; reload() }],
	['a webhook elsewhere', sub { set_settings(WEBHOOK_BASE_URL => 'https://localhost:' . $stack->{port}) }, qr/updates go to .*127\.0\.0\.1.*, not to .*localhost/, qr/webhook set/,
		sub { delete $stack->{settings}{WEBHOOK_BASE_URL}; $stack->write_settings }],
	['atelierd stopped', sub { $stack->stop_program('atelierd') }, qr/atelierd: not running.*nginx: \/telegram: it cannot reach us/s, qr/systemctl start atelier/, sub { $stack->start_atelier }],
);
for my $mistake (@mistakes) {
	my ($what, $plant, $finding, $cure, $mend) = @$mistake;
	$plant->();
	my ($bad, $said) = doctor();
	isnt($bad, 0, "$what: noticed");
	like($said, qr/^BAD  .*$finding/ms, 'found') or diag $said;
	like($said, qr/→ .*$cure/s, 'with its cure');
	$mend->();
}
my $none = qx('$stack->{bin}/atelierctl' -c '$stack->{dir}/none.conf' doctor 2>&1);
like($none, qr/^BAD  .*none\.conf: No such file.*\n.*atelier\.conf\.sample/m, 'no settings at all');
# What cannot be read at all ends the examination, with the line that is wrong.
set_settings(RESPONDERS => 'many', NONSENSE => 1);
($status, $out) = doctor();
like($out, qr/^BAD  .*RESPONDERS.*^BAD  .*NONSENSE|^BAD  .*NONSENSE.*^BAD  .*RESPONDERS/ms, 'settings that are none: each line');
is($status, 1, 'noticed');
delete @{$stack->{settings}}{qw(RESPONDERS NONSENSE)};
$stack->write_settings;
($status, $out) = doctor();
is($status, 0, 'all is mended') or diag $out;
done_testing;
