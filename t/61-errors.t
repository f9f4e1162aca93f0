# Gemini and Kling fail, in every way they can: the right words, the money back, one order and no second.
use strict;
use warnings;
use utf8;

use Atelier::Stack;
use JSON::PP qw(decode_json encode_json);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $admin = 8001;
my $stack = Atelier::Stack->new(fal_ms => 300, settings => {UNKNOWN_SECONDS => 5, ADMIN_IDS => $admin, FREE_OPERATIONS_COUNT => 0});
# Nano Banana Pro and one film, with a deadline that comes within the test.
open my $in, '<', "$stack->{src}/etc/catalog.json" or die $!;
my $catalog = decode_json(do { local $/ = undef; <$in> });
$catalog->{offers} = [grep { $_->{id} =~ /^(?:generate\.banana|edit\.banana|video\.kling-3\.0\.text\.5|video\.kling-2\.6\.text\.5)$/ }
	@{$catalog->{offers}}];
$_->{seconds} = 15 for @{$catalog->{offers}};
open my $out, '>', $stack->dir . '/catalog.json' or die $!;
print {$out} encode_json($catalog);
close $out;
$stack->{settings}{CATALOG_FILE} = $stack->dir . '/catalog.json';
$stack->start;
$stack->person(id => $admin, first_name => 'Админ', language_code => 'ru');
$stack->say($admin, '/start');
my $next = 8100;

sub text_like { my ($words) = @_; return sub { ($_[0]{text} // '') =~ /$words/ } }

# Orders as a new person with 100 roubles on top of the price; returns [person, status message, price].
sub order {
	my ($provider, $prompt) = @_;
	my $person = $stack->person(id => ++$next, first_name => 'П', language_code => 'ru')->{id};
	my $price = $provider eq 'gemini' ? 5000 : 10000;
	$stack->fair_weather;
	$stack->say($person, '/start');
	my $menu = $stack->wait_message($person, 'the menu', text_like('Здравствуйте'));
	$stack->ctl('credit', $person, 'rub', sprintf('%.2f', $price / 100 + 100), 'test');
	if ($provider eq 'kling') {
		$stack->press($person, message_id => $menu->{message_id}, data => 'm:video');
		for my $step (['Выберите модель', qr/^vm:/], ['Какой длины', qr/^vl:\d+:5$/]) {
			my $asked = $stack->wait_message($person, $step->[0], text_like($step->[0]));
			$stack->press($person, message_id => $asked->{message_id},
				data => (grep { $_ =~ $step->[1] } map { $_->{data} } map { @$_ } @{$asked->{buttons}})[0]);
		}
		$stack->wait_message($person, 'the question', text_like('Что пришлёте'));
	}
	$stack->say($person, $prompt);
	my $confirm = $stack->wait_message($person, "an offer for $prompt", text_like('Модель: '));
	$stack->press($person, message_id => $confirm->{message_id}, data => $confirm->{buttons}[0][0]{data});
	return [$person, $confirm->{message_id}, $price, $prompt, $provider];
}

sub check {
	my ($order, $why, $submits) = @_;
	my ($person, $message, $price, $prompt, $provider) = @$order;
	my $end = $stack->wait_message($person, "$prompt: the end", sub {
		$_[0]{message_id} == $message && $_[0]{text} =~ /Возвращено|Списано/ }, 60);
	my $roubles = $price / 100;
	my $name = "$provider, $prompt";
	if ($why) {
		like($end->{text}, qr/$why.*Возвращено: $roubles ₽\. У вас: @{[$roubles + 100]} ₽/s, "$name: told why and what came back");
	} else {
		like($end->{text}, qr/Списано: $roubles ₽\. Осталось: 100 ₽/, "$name: it was delivered in the end");
	}
	is_deeply($stack->pg->table(q{SELECT kind::text FROM ledger.transfer WHERE person_id = $1 AND kind <> 'correction'
		ORDER BY id}, $person), [['hold'], [$why ? 'release' : 'take']], "$name: the ledger agrees");
	is($stack->counts->{$provider}{by_prompt}{$prompt} // 0, $submits, "$name: ordered $submits times");
	return;
}

my $rules = 'отклонил запрос по своим правилам';
my $busy = 'сейчас недоступен';
my %gemini = map { $_ => order(gemini => "[$_] лиса") } qw(policy blocked words noimage quota busy cut day);    # the last stops all of Gemini's
my %kling = map { $_ => order(kling => "[$_] волна") } qw(policy risk fail stuck 1303 busy funds);
check($gemini{policy}, $rules, 1);
check($gemini{blocked}, $rules, 1);
check($gemini{words}, $busy, 1);
check($gemini{noimage}, $busy, 1);
check($gemini{day}, $busy, 0);
check($gemini{quota}, undef, 1);
check($gemini{busy}, "$busy|не пришёл вовремя", 0);
check($gemini{cut}, $busy, 1);
check($kling{policy}, $rules, 0);
check($kling{risk}, $rules, 1);
check($kling{fail}, $busy, 1);
check($kling{stuck}, 'не пришёл вовремя', 1);
check($kling{1303}, undef, 1);
check($kling{funds}, $busy, 0);
check($kling{busy}, 'ошибка на нашей стороне|не пришёл вовремя', 0);

$stack->fair_weather;
# The answer to a paid order is lost: Kling is asked by our own name of it; Gemini can't be asked, and is not paid twice.
$stack->fault(side => 'kling', match => '^submit', times => 1, action => 'lose');
check(order(kling => 'потерянный ответ'), undef, 1);
$stack->market(delete => '/control/fault');
$stack->fault(side => 'gemini', match => '^generate', times => 1, action => 'lose');
check(order(gemini => 'потерянная картинка'), $busy, 1);
$stack->fair_weather;
$stack->market(delete => '/control/fault');
# Somebody on the way answers for Kling.
$stack->fault(side => 'kling', match => '^submit', times => 1, action => 'status', status => 502);
check(order(kling => 'чужой ответ'), undef, 1);
$stack->market(delete => '/control/fault');

# A model that is no more is given back, switched off, and told to the admin.
check(order(gemini => '[gone] лиса'), $busy, 0);
ok($stack->wait_message($admin, 'the alert', text_like('generate\.banana отключено')), 'the admin hears that a model is gone');
is($stack->pg->value(q{SELECT string_agg(offer, ' ') FROM store.offer_change WHERE off}), 'generate.banana', 'it is switched off');
my $later = $stack->person(id => ++$next, first_name => 'П', language_code => 'ru')->{id};
$stack->say($later, 'лиса');
ok($stack->wait_message($later, 'the refusal', text_like('режим сейчас недоступен')), 'and nobody is offered it any more');

$stack->wait_quiet(60);
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
open my $log, '<', $stack->log_path('atelierd') or die $!;
my $said = do { local $/ = undef; <$log> };
unlike($said, qr/\Q$Atelier::Stack::GEMINI_KEY\E|\Q$Atelier::Stack::KLING[0]\E/, 'no key in the log');
done_testing;
