# An administrator in a real browser: the menu, the statistics with their chart, the preview of a broadcast.
use strict;
use warnings;
use utf8;

use Atelier::Browser;
use Atelier::Stack qw(await);
use File::Path qw(make_path);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $output = ($ENV{top_builddir} // '.') . '/t-output';
make_path($output);
my $admin = 4001;
my $stack = Atelier::Stack->new(settings => {ADMIN_IDS => $admin});
$stack->start;
my $pg = $stack->pg;
# Two weeks of people, so that there is something to see.
$pg->do(q{INSERT INTO store.person (id, created_at, lang, seen_at)
	SELECT 10000 + n, now() - interval '1 day' * (13 * random() ^ 2), CASE WHEN n % 5 = 0 THEN 'en' ELSE 'ru' END, now()
	FROM generate_series(1, 300) AS n});
$stack->person(id => $admin, first_name => 'Админ', language_code => 'ru');
await('the admins to be known', 10, sub { $pg->value('SELECT count(*) FROM store.admin') == 1 });
my $browser = Atelier::Browser->new(width => 1000, height => 1180);
$browser->open_page($stack->market_url . "/chat/$admin");
my $bubbles = 'Array.from(document.querySelectorAll("[data-message-id]")).map(b => b.innerText)';
sub says {
	my ($words, $what, $reads) = @_;
	$browser->type('#input', $words);
	$browser->click('#send');
	ok($browser->wait_for($what, "return $bubbles.some(t => t.includes('$reads'))", 20), $what);
	return;
}

$browser->click('#start');
ok($browser->wait_for('the greeting', "return $bubbles.some(t => t.includes('Здравствуйте'))", 20), 'greeted');
says('/admin', 'the menu of administrators', 'Администратору');
is($browser->run('return Array.from(document.querySelectorAll(".button[data-data^=\"a:\"]")).length'), 8, 'has its eight buttons');
$browser->screenshot("$output/admin-menu.png");
$browser->click('.button[data-data="a:stats"]');
ok($browser->wait_for('the chart', 'return Array.from(document.querySelectorAll(".photo img")).some(i => i.complete && i.naturalWidth == 1200)', 30),
	'the statistics come with a chart');
$browser->screenshot("$output/admin-stats.png");
says('/broadcast', 'the question for a message', 'Пришлите сообщение');
says('Скидка на видео до воскресенья: 5 секунд за 80 ₽. Попробуйте!', 'the preview', 'получит 301 человек');
$browser->click('.button[data-data$=":en"]');
ok($browser->wait_for('a segment', "return $bubbles.some(t => t.includes('получат 60 человек'))", 20), 'a segment is counted');
$browser->screenshot("$output/admin-broadcast.png");
says('/prices', 'the price list', 'generate.standard');
says('/user 10001', 'a card', 'Человек 10001');
$browser->screenshot("$output/admin-user.png");
note "screenshots: $output";
undef $browser;
done_testing;
