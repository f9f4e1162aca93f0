# Administrators in the chat: every command from an admin, from a stranger and with bad arguments; what the person
# concerned is told; the audit. Through Telegram's side, nginx and all processes.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP qw(encode_json);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my ($admin, $stranger, $anna) = (4001, 4002, 4003);
my $stack = Atelier::Stack->new(fal_ms => 300, settings => {ADMIN_IDS => $admin, RATE_LIMIT_PER_MINUTE => 1000, USD_RATE => 9000});
$stack->start;
my $pg = $stack->pg;
# Telegram's limit of a chat would make this test long; the bot keeps its own all the same.
$stack->market(post => '/control/set', {limits => {chat_burst => 1000, chat_rate => 1000}});
$stack->person(id => $admin, first_name => 'Админ', language_code => 'ru');
$stack->person(id => $stranger, first_name => 'Чужой', language_code => 'ru');
$stack->person(id => $anna, first_name => 'Аня', language_code => 'ru');
await('the admins to be known', 10, sub { $pg->value('SELECT count(*) FROM store.admin') == 1 });

sub text_of { return $_[0]{text} // $_[0]{caption} // '' }
# What is said to somebody after the last thing he was told, that reads as it should; else whatever came. A chat gets a
# message a second: budgets are lifted.
sub answer_to {
	my ($who, $words, $reads) = @_;
	my $before = @{$stack->chat($who)};
	$pg->do('DELETE FROM store.chat');
	$stack->say($who, $words);
	my ($found, $any);
	eval { await("an answer to $words", 15, sub {
		my @new = grep { $_->{from} eq 'bot' } @{$stack->chat($who)}[$before .. $#{$stack->chat($who)}];
		($any) = @new;
		($found) = grep { text_of($_) =~ ($reads // qr/./) } @new;
		return $found;
	}) };
	return $found // $any // {text => 'nothing'};
}
sub last_audit { return $pg->table('SELECT command, outcome, person_id FROM store.audit ORDER BY id DESC LIMIT 1')->[0] }
sub audit_count { return $pg->value('SELECT count(*) FROM store.audit') }

answer_to($_, '/start') for $admin, $stranger, $anna;
# A job and a payment to look at.
$stack->say($anna, 'кот');
$stack->press($anna, data => $stack->wait_message($anna, 'an offer', sub { text_of($_[0]) =~ /Создать картинку/ })->{buttons}[0][0]{data});
$stack->wait_message($anna, 'the picture', sub { $_[0]{photo} });
$stack->press($anna, text => '💰 Оплатить / Баланс');
$stack->wait_message($anna, 'the payment menu', sub { text_of($_[0]) =~ /Пополнение баланса/ });
$stack->press($anna, data => 'top:100');
$stack->wait_message($anna, 'the link', sub { text_of($_[0]) =~ /Счёт на 100/ });
$stack->pay(provider => 'yookassa', id => $pg->value('SELECT ext_id FROM store.payment'), action => 'pay');
$stack->wait_message($anna, 'the money', sub { text_of($_[0]) =~ /Платёж поступил/ });
my ($job, $payment) = ($pg->value('SELECT max(id) FROM store.job'), $pg->value('SELECT max(id) FROM store.payment'));

# command, what the admin reads, the audit's command and outcome, what Аня reads, bad arguments
my @commands = (
	['/admin', qr/Администратору/, 'admin shown', undef, '/admin now'],
	['/admin_stats', qr/Статистика.*Пополнено: 100 ₽/s, 'stats shown', undef, '/admin_stats x'],
	["/user $anna", qr/Аня.*Рубли: 100 ₽/s, 'user shown', undef, '/user @anna'],
	["/payment $payment", qr/Платёж № $payment.*100 ₽ · yookassa.*succeeded/s, 'payment shown', undef, '/payment x'],
	["/job $job", qr/Задание № $job.*completed/s, 'job shown', undef, '/job'],
	["/add $anna 50 за ожидание", qr/Начислено: 50 ₽.*Теперь у него: 150 ₽/s, 'add added', qr/начислил вам: 50 ₽.*за ожидание.*150 ₽/s, "/add $anna много"],
	["/sub $anna 20.50", qr/Списано: 20,50 ₽/, 'sub taken', qr/списал у вас: 20,50 ₽.*129,50 ₽/s, "/sub $anna"],
	["/sub $anna 9999", qr/столько нет: 129,50 ₽/, 'sub short', undef, undef],
	["/add $anna 3 credit", qr/Начислено: 3 кредита/, 'add added', qr/начислил вам: 3 кредита/, "/add $anna 1.5 credit"],
	['/add 777777 5', qr/здесь нет/, 'add user', undef, undef],
	["/ban $anna реклама", qr/заблокирован/, 'ban banned', qr/Доступ к боту закрыт. Причина: реклама/, '/ban Аня'],
	["/unban $anna", qr/разблокирован/, 'unban unbanned', qr/снова открыт/, '/unban'],
	["/ban $admin", qr/администратор/, 'ban ban_admin', undef, undef],
	['/prices', qr/generate\.standard · Seedream 4 · 10 ₽/, 'prices shown', undef, '/prices all'],
	['/price generate.standard 15', qr/Новая цена generate.standard: 15 ₽/, 'price price_set', undef, '/price generate.standard дорого'],
	['/price generate.standard off', qr/снято с продажи/, 'price price_off', undef, '/price nothing 5'],
	['/price generate.standard reset', qr/как в каталоге/, 'price price_reset', undef, undef],
	['/weather', qr/🟢.*готово 1/, 'weather shown', undef, '/weather now'],
	['/margin', qr/Выручка и себестоимость/, 'margin shown', undef, '/margin x'],
	['/audit', qr/Журнал.*unban/s, 'audit shown', undef, '/audit 5'],
	['/maintenance on', qr/закрыт на технические работы/, 'maintenance maintenance_on', undef, '/maintenance'],
	['/maintenance off', qr/снова открыт/, 'maintenance maintenance_off', undef, '/maintenance maybe'],
	["/refund $payment 40", qr/Вернуть 40 ₽ по платежу/, 'refund asked', undef, "/refund $payment x"],
	["/refund $payment 4000", qr/не больше, чем осталось: 100 ₽/, 'refund refund_much', undef, undef],
	['/broadcast', qr/Пришлите сообщение для рассылки/, 'broadcast_ask shown', undef, '/broadcast всем'],
);
for my $command (@commands) {
	my ($words, $reads, $audit, $told, $bad) = @$command;
	my $count = audit_count();
	my $told_before = @{$stack->chat($anna)};
	like(text_of(answer_to($admin, $words, $reads)), $reads, "$words: the admin reads it");
	is(audit_count(), $count + 1, 'one row in the audit');
	is(join(' ', @{last_audit()}[0, 1]), $audit, "as $audit");
	if ($told) {
		await('the person to be told', 15, sub { grep { text_of($_) =~ $told } @{$stack->chat($anna)}[$told_before .. $#{$stack->chat($anna)}] });
		is(last_audit()->[2], $anna, 'and the audit knows whom it concerned');
	}
	if ($bad) {
		like(text_of(answer_to($admin, $bad, qr/Так: |без аргументов/)), qr/Так: |без аргументов/, "$bad: how it is written");
		is(last_audit()->[1], 'usage', 'on record too');
	}
	$count = audit_count();
	like(text_of(answer_to($stranger, $words)), $words eq '/maintenance on' ? qr/технические работы/ : qr/Такой команды я не знаю/,
		"$words: unknown to a stranger");
	is(audit_count(), $count, 'and nothing was done');
}
$stack->say($admin, '/cancel');

# ---- maintenance as people see it -----------------------------------------------------------------------

answer_to($admin, '/maintenance on');
like(text_of(answer_to($anna, 'собака')), qr/технические работы/, 'closed to people');
like(text_of(answer_to($admin, 'собака')), qr/Создать картинку/, 'not to admins');
answer_to($admin, '/maintenance off');
like(text_of(answer_to($anna, 'собака')), qr/Создать картинку/, 'open again');

# ---- buttons --------------------------------------------------------------------------------------------

sub press {
	my ($who, $label, $reads) = @_;
	$pg->do('DELETE FROM store.chat');
	$stack->press($who, text => $label);
	return $stack->wait_message($who, $label, sub { text_of($_[0]) =~ $reads });
}
answer_to($admin, "/user $anna");
press($admin, 'Движения', qr/Движения, человек $anna.*за ожидание/s);
press($admin, 'Задания', qr/Задание № $job/);
answer_to($admin, "/refund $payment 40");
press($admin, 'Да, вернуть 40 ₽', qr/отправлен в ЮKassa/);
$stack->wait_message($anna, 'the refund', sub { text_of($_[0]) =~ /Платёж возвращён: 40 ₽/ }, 30);
pass('a refund that was confirmed reaches the payer');
is($pg->value("SELECT refunded FROM store.payment WHERE id = $payment"), 4000, 'once');
# The same press again, as a finger that slips or an old update makes it.
my ($asked) = reverse grep { text_of($_) =~ /отправлен в ЮKassa/ } @{$stack->chat($admin)};
is($stack->post_update(encode_json({update_id => 880_000_001, callback_query => {id => '77', chat_instance => '1', data => "arf:$payment:4000",
	from => {id => $admin, is_bot => \0, first_name => 'Админ', language_code => 'ru'},
	message => {message_id => $asked->{message_id}, date => time, chat => {id => $admin, type => 'private'}}}}))->code, 200, 'pressed once more');
is(join(' ', @{last_audit()}[0, 1]), 'refund_go refund_again', 'a question is answered once');
is($pg->value('SELECT count(*) FROM store.refund'), 1, 'and one refund made');

answer_to($admin, '/export');
await('three files', 20, sub { 3 == grep { $_->{document} } @{$stack->chat($admin)} });
my ($file) = grep { $_->{document} && $_->{document}{file_name} eq 'payments.csv' } @{$stack->chat($admin)};
like($stack->{ua}->get($stack->market_url . $file->{document}{url})->result->body, qr/^id,person,.*\n$payment,$anna,yookassa,[\w-]+,100\.00,RUB,/, 'payments as CSV');

my ($chart) = grep { $_->{photo} } @{$stack->chat($admin)};
ok($chart && $chart->{photo}{width} == 1200, 'the chart of /admin_stats came as a picture');
await('its file to be deleted', 20, sub { !glob "$stack->{dir}/spool/46*" });

# ---- the person's own view of it ------------------------------------------------------------------------

like(text_of(answer_to($anna, '/statement')), qr/исправление: за ожидание/, 'the person sees the change and why in the statement');
is($stack->ctl('chargeback', $payment, '10', 'bank-17'), "booked: payment $payment, bank-17\n", 'a chargeback is booked');
is($stack->ctl('chargeback', $payment, '10', 'bank-17'), "was booked before: payment $payment, bank-17\n", 'once');
is($stack->ctl('verify'), "every invariant holds\n", 'every invariant holds');
done_testing;
