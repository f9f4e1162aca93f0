# Every offer of the catalogue, from the first message to the delivered file, with the right purse moved.
use strict;
use warnings;
use utf8;

use Atelier::Stack;
use JSON::PP qw(decode_json);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 300, settings => {TERMS_VERSION => 1, FREE_OPERATIONS_COUNT => 0, RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
open my $in, '<', "$stack->{src}/etc/catalog.json" or die $!;
my $catalog = decode_json(do { local $/ = undef; <$in> });
my %price = (PRICE_PER_OPERATION => 10, IMAGE_GENERATION_PRICE => 50, IMAGE_EDIT_PRICE => 30, VIDEO_5SEC_PRICE => 100,
	'VIDEO_5SEC_PRICE*VIDEO_10SEC_MULTIPLIER' => 200);
my $next = 6100;

sub wait_text {
	my ($person, $words) = @_;
	return $stack->wait_message($person, "«$words»", sub { ($_[0]{text} // '') =~ /$words/ });
}

sub press {
	my ($person, $message, $text) = @_;
	my ($button) = grep { $_->{text} =~ /$text/ } map { @$_ } @{$message->{buttons}};
	die "no button $text in: $message->{text}\n" if !$button;
	$stack->press($person, message_id => $message->{message_id}, data => $button->{data});
	return;
}

# Leads a person to the confirm screen of an offer's mode. The mode is chosen in the menu.
my %way = (
	generate => sub { my ($p) = @_; wait_text($p, 'Опишите картинку'); $stack->say($p, 'кот на крыше') },
	edit => sub { my ($p) = @_; wait_text($p, 'Пришлите фото'); $stack->send($p); wait_text($p, 'Что изменить');
		$stack->say($p, 'добавь снег') },
	merge => sub { my ($p) = @_; wait_text($p, 'от 2 до 10'); $stack->send($p, generated => "фото $_") for 1 .. 3;
		press($p, wait_text($p, 'Получил 3 фото'), 'Готово'); wait_text($p, 'Опишите, что из них');
		$stack->say($p, 'собери вместе') },
	face_swap => sub { my ($p) = @_; wait_text($p, 'с лицом'); $stack->send($p); wait_text($p, 'Теперь пришлите');
		$stack->send($p, generated => 'сцена') },
	retouch => sub { my ($p) = @_; wait_text($p, 'для ретуши'); $stack->send($p) },
	upscale => sub { my ($p) = @_; wait_text($p, 'улучшить'); $stack->send($p) },
	add_text => sub { my ($p) = @_; wait_text($p, 'надпись'); $stack->send($p); wait_text($p, 'Что написать');
		$stack->say($p, 'С днём рождения! 🎉') },
	video => sub {
		my ($p, $offer) = @_;
		my ($title) = $offer->{title}{ru} =~ /^(.*),/;
		press($p, wait_text($p, 'Выберите модель'), "^\Q$title\E\$");
		press($p, wait_text($p, 'Какой длины'), "^$offer->{length} ");
		wait_text($p, 'Что пришлёте');
		my $takes = $offer->{takes};
		$stack->send($p, kind => 'video', duration => $offer->{length} == 5 ? 4 : 8) if $takes =~ /^(?:video|motion)$/;
		$stack->send($p, caption => 'ветер в волосах') if $takes eq 'photo';
		$stack->say($p, 'волна накрывает берег') if $takes eq 'text';
		if ($takes eq 'video') { wait_text($p, 'Видео получил'); $stack->say($p, 'сделай зиму') }
		if ($takes eq 'motion') { wait_text($p, 'Теперь пришлите фото'); $stack->send($p) }
	},
);

# Chooses the model in the list of the confirm screen, unless it is there already; returns the confirm screen.
sub choose {
	my ($person, $offer) = @_;
	my $model = $offer->{title}{ru};
	my $confirm = wait_text($person, 'Модель: ');
	return $confirm if $confirm->{text} =~ /Модель: \Q$model\E\n/;
	press($person, $confirm, 'Другая модель');
	my $list = wait_text($person, 'Выберите модель\. Цена');
	$stack->press($person, message_id => $list->{message_id}, data => (grep { /:\Q$offer->{id}\E$/ }
		map { $_->{data} } map { @$_ } @{$list->{buttons}})[0]);
	return wait_text($person, "Модель: \Q$model\E\n");
}

# All are started one after another, and made at the same time.
my (%person, %price_of);
for my $offer (@{$catalog->{offers}}) {
	my $person = $person{$offer->{id}} = $stack->person(id => ++$next, first_name => 'П', language_code => 'ru')->{id};
	my ($unit, $amount) = $offer->{price}{credit} ? ('credit', $offer->{price}{credit})
		: $offer->{price}{rub} ? ('rub', $price{$offer->{price}{rub}} * 100) : ('rub', 0);
	$price_of{$offer->{id}} = [$unit, $amount];
	$stack->say($person, '/start');
	my $menu = wait_text($person, 'Здравствуйте');
	$stack->ctl('credit', $person, $unit, $unit eq 'rub' ? sprintf('%.2f', $amount / 100) : $amount, 'test') if $amount;
	$stack->press($person, message_id => $menu->{message_id}, data => "m:$offer->{mode}");
	$way{$offer->{mode}}->($person, $offer);
	my $confirm = choose($person, $offer);
	my $shown = !$amount ? 'бесплатно' : $unit eq 'credit' ? "$amount кредит" : $amount / 100 . ' ₽';
	like($confirm->{text}, qr/Цена: (?:<b>)?$shown/, "$offer->{id}: the price is shown");
	press($person, $confirm, 'Запустить');
	press($person, wait_text($person, 'примите условия'), 'Принимаю');
}
for my $offer (@{$catalog->{offers}}) {
	my ($id, $person) = ($offer->{id}, $person{$offer->{id}});
	my ($unit, $amount) = @{$price_of{$id}};
	my $kind = $offer->{mode} eq 'video' ? 'video' : 'photo';
	my $result = $stack->wait_message($person, "the result of $id", sub {
		die "$_[0]{text}\n" if ($_[0]{text} // '') =~ /не получилось|отклонил/;
		return $_[0]{$kind} }, 60);
	like($result->{caption} // $result->{text}, qr/Задание № \d+/, "$id: it says whose it is");
	my $bytes = $stack->{ua}->get($stack->market_url . $result->{$kind}{url})->result->body;
	like($bytes, $kind eq 'video' ? qr/^.{4}ftyp/s : qr/^(?:\x89PNG|\xff\xd8\xff)/, "$id: and is a real one");
	wait_text($person, '100 %');
	is_deeply($stack->pg->table(q{SELECT kind::text, unit::text, amount FROM ledger.transfer
		WHERE person_id = $1 AND kind <> 'correction' ORDER BY id}, $person),
		$amount ? [['hold', $unit, $amount], ['take', $unit, $amount]] : [], "$id: the right purse moved");
	is($stack->pg->value('SELECT offer FROM store.job WHERE person_id = $1', $person), $id, "$id: by the right offer");
}
for my $provider (qw(fal gemini kling)) {
	is($stack->counts->{$provider}{submits}, scalar(grep { $_->{provider} eq $provider } @{$catalog->{offers}}),
		"$provider: one order for each");
}

$stack->wait_quiet(60);
is($stack->pg->value('SELECT count(*) FROM store.media'), 0, 'no file is open to providers any more');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
my $kept = $stack->pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'sweep' AND state = 'ready'});
is($kept, scalar @{$catalog->{offers}}, 'the originals are kept for a while');
is_deeply([$stack->sweep_originals], [], 'and then no file is left behind');
is_deeply($stack->market(get => '/control/strange')->{strange}, [], 'nothing strange was seen outside');
done_testing;
