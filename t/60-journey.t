# The whole way: a message through Telegram, nginx, responder, dispatcher, helpers and provider, to the picture.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP ();
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 5000);
$stack->start;
my $pg = $stack->pg;
my $anna = $stack->person(id => 3001, first_name => 'Аня <b>', language_code => 'ru')->{id};
my $bob = $stack->person(id => 3002, first_name => 'Bob', language_code => 'en')->{id};

sub text_of { my ($message) = @_; return $message->{text} // '' }
sub has { my ($words) = @_; return sub { text_of($_[0]) =~ /$words/ } }

$stack->say($anna, '/start');
my $welcome = $stack->wait_message($anna, 'the welcome', has('Здравствуйте, Аня <b>!'));
like(text_of($welcome), qr/4 бесплатные операции/, 'the free grant is told');
is_deeply([map { $_->{data} } map { @$_ } @{$welcome->{buttons}}],
	[qw(m:generate m:edit m:merge m:face_swap m:retouch m:upscale m:add_text m:video pay)], 'the main menu is whole');

$stack->say($bob, '/start');
ok($stack->wait_message($bob, 'an English welcome', has('Hello, Bob!')), 'English for who speaks it');

for my $mode (qw(edit merge face_swap retouch upscale add_text video)) {
	$stack->press($bob, data => "m:$mode");
}
await('seven questions', 20, sub { 7 == grep { text_of($_) =~ /^(?:Send|Choose a model)/ } @{$stack->chat($bob)} });
pass('every mode asks for what it needs');
$stack->press($anna, data => 'm:generate');
$stack->wait_message($anna, 'the question for a description', has('Опишите картинку'));
is($pg->value('SELECT dialog->>\'state\' FROM store.person WHERE id = $1', $anna), 'prompt', 'the dialog is kept');
$stack->say($anna, '/cancel');
$stack->wait_message($anna, 'the way out', has('отменил'));
is($pg->value('SELECT dialog->>\'state\' FROM store.person WHERE id = $1', $anna), 'idle', 'and left by /cancel');

await('a pause: one message a second is the limit of a chat', 10, sub {
	$pg->value('SELECT coalesce(max(next_at) < now() - interval \'4 seconds\', true) FROM store.chat WHERE id = $1', $anna) });
$stack->say($anna, 'кот в скафандре');
my $confirm = $stack->wait_message($anna, 'the confirm screen', has('Создать картинку'));
like(text_of($confirm), qr/кот в скафандре.*Модель: Seedream 4.*Цена: 1 бесплатная операция.*Сейчас у вас: 4/s,
	'it shows prompt, model, price and purse');
is($pg->value('SELECT count(*) FROM ledger.transfer WHERE kind = \'hold\''), 0, 'nothing is held before the start');
$stack->press($anna, data => $confirm->{buttons}[0][0]{data});
my $done = $stack->wait_message($anna, 'the end', has('Списано: 1 бесплатная операция. Осталось: 3 бесплатные операции'), 30);
is($done->{message_id}, $confirm->{message_id}, 'one message moved from the offer to the end');
my @steps = map { $_->{text} =~ /(\d+) %/ ? $1 : () } @{$done->{edits}}, $done;
is_deeply([sort { $a <=> $b } do { my %seen; grep { !$seen{$_}++ } @steps }], [0, 10, 50, 100], 'through 0, 10, 50 and 100 %');
my ($photo) = grep { $_->{photo} } @{$stack->chat($anna)};
ok($photo && $photo->{photo}{width} >= 1024, 'the picture is there');
is_deeply([map { $_->{data} =~ /^(\w+):/ } map { @$_ } @{$photo->{buttons}}], [qw(again up ch orig)], 'with its buttons');
is_deeply($pg->table('SELECT kind::text, unit::text, amount FROM ledger.transfer WHERE person_id = $1 ORDER BY id', $anna),
	[['grant', 'free', 4], ['hold', 'free', 1], ['take', 'free', 1]], 'the ledger: grant, hold, take');
is($stack->counts->{fal}{submits}, 1, 'the provider was asked once');

$stack->press($anna, data => $photo->{buttons}[0][0]{data});
my $again = $stack->wait_message($anna, 'the offer to do it again', sub {
	text_of($_[0]) =~ /Создать картинку/ && $_[0]{message_id} > $photo->{message_id} });
like(text_of($again), qr/кот в скафандре.*Сейчас у вас: 3/s, 'again: the same prompt, the purse as it is now');
$stack->press($anna, data => (grep { /^no:/ } map { $_->{data} } map { @$_ } @{$again->{buttons}})[0]);
$stack->wait_message($anna, 'the cancelled offer', sub { $_[0]{message_id} == $again->{message_id} && text_of($_[0]) =~ /Отменено/ });
is_deeply($stack->market(get => '/control/strange')->{strange}, [], 'the Bot API and the provider saw nothing strange');
$stack->market(post => '/control/update', {callback_query => {id => '77', chat_instance => '1', data => 'go:1',
	from => {id => $bob, is_bot => JSON::PP::false, first_name => 'Bob', language_code => 'en'},
	message => {message_id => 1, date => time, chat => {id => $bob, type => 'private'}}}});
await('the forged press to be taken', 10, sub { $pg->value('SELECT count(*) FROM store.update WHERE person_id = $1', $bob) >= 9 });
is($pg->value('SELECT count(*) FROM store.job WHERE person_id = $1', $bob), 0, 'another\'s button does nothing');

$stack->say($anna, '/balance');
my $balance = $stack->wait_message($anna, 'the balance', has('Ваш баланс'));
like(text_of($balance), qr/Рубли: 0 ₽.*Кредиты: 0.*Бесплатные операции: 3 из 4/s, '/balance');

$stack->wait_quiet;
my @left = $stack->sweep_originals;
is("@left", '', 'the files of the job are gone');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
open my $log, '<', $stack->log_path('atelierd') or die $!;
my $said = do { local $/ = undef; <$log> };
unlike($said, qr/\Q$Atelier::Stack::TOKEN\E|\Q$Atelier::Stack::FAL_KEY\E|\Q$Atelier::Stack::SECRET\E/, 'no secret in the log');
done_testing;
