# The disaster: the database is lost, and restored from a backup in a cluster of its own. What was open then and has been
# paid since is credited, numbers are not given twice, and verify and reconcile pass.
use strict;
use warnings;
use utf8;

use Atelier::Pg;
use Atelier::Stack qw(await);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 300, settings => {RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
my $anna = $stack->person(id => 5101, first_name => 'Аня', language_code => 'ru')->{id};
sub text_of { return $_[0]{text} // $_[0]{caption} // '' }
sub has { my ($words) = @_; return sub { text_of($_[0]) =~ $words } }
sub backup {
	my (@words) = @_;
	local @ENV{qw(PGHOST PGUSER ATELIERCTL ATELIER_SQL)} = ($stack->pg->dir, 'postgres', "$stack->{bin}/atelierctl", "$stack->{src}/sql");
	my $out = qx(sh '$stack->{src}/scripts/atelier-backup' @words 2>&1);
	return ($? >> 8, $out);
}
sub top_up {
	my ($roubles) = @_;
	$stack->press($anna, text => '💰 Оплатить / Баланс');
	$stack->wait_message($anna, 'the menu', has(qr/Пополнение баланса/));
	$stack->press($anna, data => "top:$roubles");
	$stack->wait_message($anna, 'the link', has(qr/Счёт на $roubles ₽/));
	return $stack->pg->value('SELECT ext_id FROM store.payment ORDER BY id DESC LIMIT 1');
}

# A life: a picture, a payment that came in, one that is open.
$stack->say($anna, '/start');
$stack->wait_message($anna, 'the greeting', has(qr/Здравствуйте/));
$stack->say($anna, 'кот');
$stack->press($anna, data => $stack->wait_message($anna, 'an offer', has(qr/Создать картинку/))->{buttons}[0][0]{data});
$stack->wait_message($anna, 'the end', has(qr/Списано/));
my $first = top_up(100);
$stack->pay(provider => 'yookassa', id => $first, action => 'pay');
$stack->wait_message($anna, 'the money', has(qr/Платёж поступил: 100 ₽/));
my $open = top_up(300);
$stack->wait_quiet;

my $file = "$stack->{dir}/backup";
my ($status, $out) = backup('take', $file);
is($status, 0, 'a backup of the running database') or diag $out;
is(sprintf('%o', (stat $file)[2] & 0777), '600', 'for its owner only');
($status, $out) = backup('drill', $file);
is($status, 0, 'a drill') or diag $out;
like($out, qr/^people 1\npayments 2\njobs 1\nmovements \d+\nevery invariant holds in the restored database\n\z/m, 'counts and checks');
is($stack->pg->value(q{SELECT count(*) FROM pg_database WHERE datname LIKE '%drill%'}), 0, 'and leaves nothing');
($status, $out) = backup('drill');
is($status, 0, 'one of the moment') or diag $out;
($status, $out) = backup('restore', $file);
isnt($status, 0, 'a database that is there is not written over');
my $number = $stack->pg->value('SELECT max(id) FROM store.payment');

# The disaster, after the open payment was paid and while nobody hears of it.
$stack->stop_program('atelierd');
$stack->pay(provider => 'yookassa', id => $open, action => 'pay');
$stack->pg->stop('KILL');
delete $stack->{pg};
$stack->{pg} = Atelier::Pg->new(dir => "$stack->{dir}/pg2");
$stack->{pg}->start;
$stack->pg->run('dropdb', 'atelier');        # the test's server makes one
($status, $out) = backup('restore', $file);
is($status, 0, 'restored into another cluster') or diag $out;
is(system("$stack->{bin}/atelierctl", '-c', do {
	open my $conf, '>', "$stack->{dir}/super.conf" or die $!;
	print {$conf} 'DATABASE_URL=' . $stack->pg->super_url . "\n";
	close $conf or die $!;
	"$stack->{dir}/super.conf";
}, 'migrate', '-d', "$stack->{src}/sql") >> 8, 0, 'migrated');
$stack->write_settings;
$stack->start_atelier;
$stack->wait_message($anna, 'the money that came in meanwhile', has(qr/Платёж поступил: 300 ₽/), 40);
pass('what was open and has been paid is credited');
is($stack->ctl('verify'), "every invariant holds\n", 'verify passes');
is($stack->ctl('reconcile'), "no differences\n", 'reconcile passes');
top_up(500);
cmp_ok($stack->pg->value('SELECT max(id) FROM store.payment'), '>', $number + 1000, 'no number is given twice');
$stack->say($anna, 'собака');
$stack->press($anna, data => $stack->wait_message($anna, 'an offer', has(qr/собака/))->{buttons}[0][0]{data});
$stack->wait_message($anna, 'the end', sub { text_of($_[0]) =~ /Списано/ && text_of($_[0]) =~ /Задание № \d{7}/ }, 30);
pass('life goes on');
done_testing;
