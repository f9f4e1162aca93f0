# Roubles from the chat: what is missing, the top-up, the waiting job with one tap, the statement, a failure that
# gives back to the purse it came from.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 600, settings => {RATE_LIMIT_PER_MINUTE => 1000, FREE_OPERATIONS_COUNT => 0});
$stack->start;
my $pg = $stack->pg;
my $anna = $stack->person(id => 3301, first_name => 'Аня', language_code => 'ru')->{id};

sub has { my ($words) = @_; return sub { ($_[0]{text} // '') =~ /$words/ } }
sub purse { my ($role) = @_; return $pg->value('SELECT coalesce(sum(balance), 0) FROM ledger.account WHERE person_id = $1 AND unit = \'rub\' AND role = $2::ledger.role', $anna, $role) }

$stack->say($anna, 'дом у моря');
my $short = $stack->wait_message($anna, 'what is missing', has('Не хватает: 10 ₽'));
like($short->{text}, qr/Цена: 10 ₽.*У вас: 0 ₽/s, 'price, balance and what is missing');
is($pg->value('SELECT count(*) FROM store.job'), 0, 'no job is made');
$stack->press($anna, data => $short->{buttons}[0][0]{data});
$stack->wait_message($anna, 'the payment menu', has('Пополнение баланса'));
$stack->press($anna, data => 'sum');
$stack->wait_message($anna, 'the question for a sum', has('от 10 до 15000'));
for my $wrong ('9', '15001', '12,5', 'сто', '1e2', '-50') {
	my $before = @{$stack->chat($anna)};
	$stack->say($anna, $wrong);
	await("an answer to $wrong", 10, sub { grep { has('Такую сумму принять не могу')->($_) && $_->{message_id} > $before } @{$stack->chat($anna)} });
}
is($pg->value('SELECT count(*) FROM store.payment'), 0, 'no wrong sum made a payment');
$stack->say($anna, '25 руб');
my $link = $stack->wait_message($anna, 'the invoice', has('Счёт на 25 ₽'));
is($link->{buttons}[0][0]{url} =~ /checkout/ ? 1 : 0, 1, 'with its link');
$stack->press($anna, data => $link->{buttons}[1][0]{data});
$stack->wait_message($anna, 'not yet', has('пока не поступил'));
my $ext = $pg->value('SELECT ext_id FROM store.payment WHERE person_id = $1', $anna);
$stack->pay(provider => 'yookassa', id => $ext, action => 'pay');
my $done = $stack->wait_message($anna, 'the word that the money is there', has('Платёж поступил: 25 ₽'));
like($done->{text}, qr/Теперь у вас: 25 ₽.*можно запустить/s, 'and that the waiting job can start');
is($done->{buttons}[0][0]{text}, 'Запустить', 'with one tap');
$stack->press($anna, data => $done->{buttons}[0][0]{data});
$stack->wait_message($anna, 'the picture', sub { $_[0]{photo} }, 30);
my $end = $stack->wait_message($anna, 'the end', has('Списано: 10 ₽. Осталось: 15 ₽'));
is(purse('available'), 1500, 'ten roubles were taken');
is(purse('held'), 0, 'nothing is on hold');

for my $why ('policy', 'fail') {
	$stack->say($anna, "[$why] дракон");
	my $confirm = $stack->wait_message($anna, 'an offer for roubles', sub { has('Цена: 10 ₽')->($_[0]) && has($why)->($_[0]) });
	$stack->press($anna, data => $confirm->{buttons}[0][0]{data});
	$stack->wait_message($anna, 'the return', sub { $_[0]{message_id} == $confirm->{message_id} && has('Возвращено: 10 ₽. У вас: 15 ₽')->($_[0]) }, 40);
	is(purse('available'), 1500, "$why: it came back to the purse it came from");
}

$stack->say($anna, '/balance');
$stack->wait_message($anna, 'the balance', has('Рубли: 15 ₽'));
$stack->say($anna, '/statement');
my $statement = $stack->wait_message($anna, 'the statement', has('Движения по балансу'));
my $moscow = $pg->value(q{SELECT to_char(min(at) AT TIME ZONE 'Europe/Moscow', 'DD.MM.YYYY HH24:MI') FROM ledger.transfer WHERE kind = 'topup'});
like($statement->{text}, qr/московское.*^\Q$moscow\E · \+25 ₽/ms, 'in a time that is named, not the server\'s');
like($statement->{text}, qr/\+25 ₽ · пополнение, платёж № 1 · остаток 25 ₽/, 'the top-up');
like($statement->{text}, qr/−10 ₽ · резерв на задание № 1/, 'the hold');
like($statement->{text}, qr/\+10 ₽ · возврат резерва, задание № 2/, 'the return');
for my $n (1 .. 6) {
	$stack->say($anna, "[policy] дракон $n");
	my $confirm = $stack->wait_message($anna, 'an offer', has("дракон $n"));
	$stack->press($anna, data => $confirm->{buttons}[0][0]{data});
	$stack->wait_message($anna, 'the return', sub { $_[0]{message_id} == $confirm->{message_id} && has('Возвращено')->($_[0]) }, 40);
}
$stack->say($anna, '/statement');
my $page = $stack->wait_message($anna, 'the first page', sub { $_[0]{message_id} > $statement->{message_id} && has('Движения')->($_[0]) });
is(scalar(() = $page->{text} =~ /остаток/g), 10, 'ten movements on a page');
is($page->{buttons}[0][0]{text}, 'Раньше', 'and a way to older ones');
$stack->press($anna, data => $page->{buttons}[0][0]{data});
my $older = $stack->wait_message($anna, 'the second page', sub { $_[0]{message_id} > $page->{message_id} && has('Движения')->($_[0]) });
like($older->{text}, qr/пополнение, платёж № 1/, 'with the oldest');
my ($csv) = grep { $_->{text} eq 'Скачать файлом' } map { @$_ } @{$older->{buttons}};
$stack->press($anna, data => $csv->{data});
my $file = $stack->wait_message($anna, 'the file', sub { $_[0]{document} });
my $text = $stack->{ua}->get($stack->market_url . $file->{document}{url})->result->text;
my $rows = $pg->value('SELECT count(*) FROM ledger.transfer t WHERE t.person_id = $1 AND t.kind <> \'take\'', $anna);
is(scalar(split /\r?\n/, $text) - 1, $rows, 'the CSV has every movement of the purse');

$stack->wait_quiet;
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
