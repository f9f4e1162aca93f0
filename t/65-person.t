# A person in a real browser: opens the chat page, types, presses the button, waits, sees the picture.
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
my $stack = Atelier::Stack->new(fal_ms => 5000);
$stack->start;
my $person = $stack->person(id => 2001, first_name => 'Аня', language_code => 'ru');
my $browser = Atelier::Browser->new(width => 1000, height => 1180);
$browser->open_page($stack->market_url . "/chat/$person->{id}");

my $bubbles = 'Array.from(document.querySelectorAll("[data-message-id]")).map(b => b.innerText)';
sub wait_text {
	my ($what, $words, $seconds) = @_;
	ok($browser->wait_for($what, "return $bubbles.some(t => t.includes('$words'))", $seconds), $what);
	return;
}

$browser->click('#start');
wait_text('the bot greets and tells of free operations', '4 бесплатные операции');
ok($browser->run('return document.querySelectorAll(".button").length') >= 9, 'the main menu has its nine buttons');
$browser->screenshot("$output/start.png");

$browser->type('#input', 'кот в скафандре');
$browser->click('#send');
wait_text('the confirm screen shows model and price', 'Модель: Seedream 4');
$browser->screenshot("$output/confirm.png");
$browser->click('.button[data-data^="go:"]');
wait_text('the status message moves', '10 %');
wait_text('to half', '50 %');
$browser->screenshot("$output/progress.png");
ok($browser->wait_for('the picture',
	'return Array.from(document.querySelectorAll(".photo img")).some(i => i.complete && i.naturalWidth > 500)', 30),
	'the picture arrives and is a picture');
wait_text('the ledger row is told', 'Списано: 1 бесплатная операция. Осталось: 3 бесплатные операции.');
is($browser->run('return Array.from(document.querySelectorAll(".button")).filter(b => /Ещё раз|Улучшить|Изменить|Оригинал/.test(b.innerText) && /:/.test(b.dataset.data)).length') >= 4,
	1, 'the picture has its buttons');
ok($browser->screenshot("$output/journey.png") > 20_000, 'a screenshot of the journey is kept');
note "screenshots: $output";


undef $browser;
$stack->wait_quiet;
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
