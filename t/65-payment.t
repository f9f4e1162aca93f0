# A person pays in a real browser: from the chat page to the checkout page and back, and sees the balance change.
use strict;
use warnings;
use utf8;

use Atelier::Browser;
use Atelier::Stack;
use File::Path qw(make_path);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $output = ($ENV{top_builddir} // '.') . '/t-output';
make_path($output);
my $stack = Atelier::Stack->new;
$stack->start;
my $person = $stack->person(id => 2101, first_name => 'Аня', language_code => 'ru');
my $browser = Atelier::Browser->new(width => 1000, height => 1100);
my $chat = $stack->market_url . "/chat/$person->{id}";
my $bubbles = 'Array.from(document.querySelectorAll("[data-message-id]")).map(b => b.innerText)';

sub wait_text {
	my ($what, $words) = @_;
	ok($browser->wait_for($what, "return $bubbles.some(t => t.includes('$words'))", 20), $what);
	return;
}

sub last_link { return $browser->run('return Array.from(document.querySelectorAll("a[href*=checkout]")).map(a => a.href).pop()') }

$browser->open_page($chat);
$browser->click('#start');
wait_text('the menu', '4 бесплатные операции');
$browser->click('.button[data-data="pay"]');
wait_text('the payment menu', 'Пополнение баланса');
$browser->screenshot("$output/pay-menu.png");
$browser->click('.button[data-data="top:300"]');
wait_text('the invoice', 'Счёт на 300 ₽');
my $link = $browser->wait_for('the link', 'const a = Array.from(document.querySelectorAll("a[href*=checkout]")).pop(); return a && a.href');
$browser->screenshot("$output/pay-link.png");
$browser->open_page($link);
$browser->screenshot("$output/checkout.png");
$browser->click('#pay');
ok($browser->wait_for('the way back', 'return document.querySelector("#back") !== null'), 'paid');
$browser->open_page($chat);
wait_text('the message that the money is there', 'Платёж поступил: 300 ₽');
wait_text('and what there is now', 'Теперь у вас: 300 ₽');
$browser->type('#input', '/balance');
$browser->click('#send');
wait_text('the balance has changed', 'Рубли: 300 ₽');
$browser->type('#input', '/statement');
$browser->click('#send');
wait_text('the statement tells why', 'пополнение, платёж № 1');
$browser->screenshot("$output/pay-done.png");

$browser->click('.button[data-data="pay"]');
$browser->click('.button[data-data="pack:small"]');
wait_text('an invoice for credits', 'Счёт на $7');
$browser->open_page($browser->wait_for('the link', 'const a = Array.from(document.querySelectorAll("a[href*=\"checkout/betatransfer\"]")).pop(); return a && a.href'));
$browser->click('#pay');
ok($browser->wait_for('the way back', 'return document.querySelector("#back") !== null'), 'paid for credits');
$browser->open_page($chat);
wait_text('credits have come', 'Теперь у вас: 1000 кредитов');

$browser->click('.button[data-data="pay"]');
$browser->click('.button[data-data="top:100"]');
wait_text('one more invoice', 'Счёт на 100 ₽');
$browser->open_page($browser->wait_for('the link', 'const a = Array.from(document.querySelectorAll("a[href*=\"checkout/yookassa\"]")).pop(); return a && a.href'));
$browser->click('#decline');
# The next page must not overtake the press.
ok($browser->wait_for('the way back', 'return document.querySelector("#back") !== null'), 'declined');
$browser->open_page($chat);
wait_text('a declined payment is told', 'Платёж не прошёл');
undef $browser;
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
