# A broadcast to 5,000 people through Telegram's limits: previewed, paused, resumed, and gone on with after a restart of
# everything; each person gets it once. The limits and our pace are both ten times what they are in life, to save time.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Test::More;
use Time::HiRes qw(time);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $times = $ENV{ATELIER_BROADCAST_TIMES} // 10;        # 1: as in life, four minutes
my ($admin, $first, $count) = (4001, 500_000, 5000);
my $stack = Atelier::Stack->new(settings => {ADMIN_IDS => $admin, CHAT_PER_SECOND => 25 * $times, BROADCAST_PER_SECOND => 22 * $times});
$stack->start;
my $pg = $stack->pg;
my $limits = $stack->market(get => '/control/setting')->{limits};
$stack->market(post => '/control/set', {limits => {bot_rate => $limits->{bot_rate} * $times, bot_burst => $limits->{bot_burst} * $times}});
$stack->person(id => $admin, first_name => 'Админ', language_code => 'ru');
$stack->market(post => '/control/crowd', {first => $first, count => $count});
$pg->do("INSERT INTO store.person (id) SELECT $first + n FROM generate_series(0, $count - 1) AS n");
# Three have stopped the bot and we do not know yet; two are banned.
$stack->market(post => '/control/block', {chat => $first + $_, quiet => 1}) for 10, 2000, 4999;
$pg->do('UPDATE store.person SET banned_at = now() WHERE id = ANY ($1)', [$first + 5, $first + 6]);
await('the admins to be known', 10, sub { $pg->value('SELECT count(*) FROM store.admin') == 1 });

sub text_of { return $_[0]{text} // $_[0]{caption} // '' }
$stack->say($admin, '/start');
$stack->say($admin, '/broadcast');
$stack->wait_message($admin, 'the question', sub { text_of($_[0]) =~ /Пришлите сообщение/ });
$stack->send($admin, caption => 'С праздником! Всем по картинке.');
my $panel = $stack->wait_message($admin, 'the preview', sub { text_of($_[0]) =~ /Рассылка № \d+/ });
my ($preview) = grep { $_->{from} eq 'bot' && $_->{photo} } @{$stack->chat($admin)};
is(text_of($preview), 'С праздником! Всем по картинке.', 'the preview is the message itself, with its photo');
like($panel->{text}, qr/получат 4999 человек/, 'to everybody who may be written to, the admin too');
$stack->press($admin, text => 'Кто платил');
$stack->wait_message($admin, 'a segment', sub { text_of($_[0]) =~ /получат 0 человек/ });
$stack->press($admin, text => 'Всем');
$stack->wait_message($admin, 'everybody', sub { text_of($_[0]) =~ /получат 4999 человек/ });
my $began = time;
$stack->press($admin, text => '▶️ Начать');
sub sent { return $pg->value("SELECT count(*) FROM store.broadcast_person WHERE outcome = 'sent'") }
sub open_ones { return $pg->value('SELECT count(*) FROM store.broadcast_person WHERE outcome IS NULL') }
await('the first thousand', 120, sub { sent() > 1000 });
$stack->press($admin, text => '⏸ Пауза');
await('the pause', 20, sub { $pg->value("SELECT state FROM store.broadcast WHERE id = (SELECT max(id) FROM store.broadcast)") eq 'paused' && open_ones() == 0 });
my $paused = sent();
cmp_ok($paused, '<', 4500, "paused after $paused");
is($stack->stop_program('atelierd'), 0, 'everything is stopped …');
$stack->start_atelier;
is(sent(), $paused, '… started, and still paused');
$stack->press($admin, text => '▶️ Продолжить');
await('it goes on', 20, sub { sent() > $paused + 200 });
is($stack->stop_program('atelierd'), 0, 'stopped while it runs');
$stack->start_atelier;
$stack->wait_message($admin, 'the end', sub { text_of($_[0]) =~ /закончена/ }, 600);
note sprintf '%.0f s from start to end', time - $began;
my $copies = $stack->counts->{copies};
delete $copies->{$admin};       # the preview and the broadcast
is(scalar keys %$copies, $count - 5, 'everybody who could be reached');
is_deeply([grep { $copies->{$_} != 1 } keys %$copies], [], 'each once');
is($pg->value("SELECT string_agg(outcome || ' ' || n, ', ' ORDER BY outcome) FROM (SELECT outcome, count(*) AS n FROM store.broadcast_person GROUP BY 1) AS s"),
	'sent ' . ($count - 5 + 1) . ', unreachable 3', 'as it is on record');
is($pg->value('SELECT count(*) FROM store.person WHERE unreachable_at IS NOT NULL'), 3, 'who stopped the bot is not written to again');
is($stack->counts->{floods}, 0, 'Telegram never had to say 429');
done_testing;
