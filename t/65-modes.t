# A person in a real browser walks through every mode of the menu; a screenshot of each is kept.
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
my $stack = Atelier::Stack->new(fal_ms => 1200, settings => {TERMS_VERSION => 1, RATE_LIMIT_PER_MINUTE => 1000,
	FREE_OPERATIONS_COUNT => 20, SUPPORT_CONTACT => '@atelier_help'});
$stack->start;
my $person = $stack->person(id => 2101, first_name => 'Аня', language_code => 'ru')->{id};
my $browser = Atelier::Browser->new(width => 900, height => 1250);

# Things to send, as they lie on a person's disk.
my $things = $stack->dir . '/things';
make_path($things);
sub ffmpeg { return system('ffmpeg', '-loglevel', 'error', '-y', @_) == 0 || die "ffmpeg @_\n" }
ffmpeg('-f', 'lavfi', '-i', "gradients=s=900x700:c0=0x4466aa:c1=0xffcc88:seed=$_", '-frames:v', 1, "$things/photo$_.jpg") for 1 .. 3;
ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=720x720:r=24', '-t', 4, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', "$things/clip.mp4");

my $bubbles = 'Array.from(document.querySelectorAll("[data-message-id]")).map(b => b.innerText)';
my $seen = 0;

# Waits for words in a message that is newer than those seen before.
sub wait_text {
	my ($words, $seconds) = @_;
	eval { $browser->wait_for("«$words»", "return $bubbles.slice($seen).some(t => t.includes('$words'))", $seconds); 1 }
		or BAIL_OUT("$@ after: " . join ' | ', @{$browser->run("return $bubbles.slice($seen)")});
	$seen = $browser->run("const all = $bubbles; return all.length - 1 - [...all].reverse().findIndex(t => t.includes('$words'))");
	return;
}
sub press { my ($data) = @_; return $browser->click(".button[data-data^='$data']") }
sub say_words { my ($words) = @_; $browser->type('#input', $words); $browser->click('#send'); return }
sub attach {
	my ($caption, @files) = @_;
	# The page's own button, without the dialog of the operating system.
	$browser->run('document.getElementById("file").click = () => {};'
		. 'document.querySelector("#attachments button[data-kind=photo]").click()');
	$browser->type('#file', join "\n", map { "$things/$_" } @files);
	$browser->wait_for('the preview', 'return document.querySelector("#draft").open');
	$browser->type('#draft-caption', $caption) if length $caption;
	$browser->click('#draft [value="yes"]');
	return;
}
sub mode {
	my ($word, $question) = @_;
	say_words('/start');
	wait_text('Здравствуйте');
	press("m:$word");
	wait_text($question);
	return;
}
my %count = (photo => 0, video => 0);
my $finished = 0;

# Starts what is offered and waits for the result; a screenshot is kept.
sub finish {
	my ($name, $kind) = @_;
	wait_text('Модель: ');
	press('go:');
	if ($name eq 'generate') {
		wait_text('примите условия');
		press('terms');
		wait_text('Личные данные');
		$browser->screenshot("$output/terms.png");
		press('yes:');
	}
	# The status stands where the terms or the offer stood.
	$browser->wait_for("$name: 100 %", "return $bubbles.filter(t => t.includes('100 %')).length > $finished", 60);
	$finished++;
	my $shown = $kind eq 'video' ? 'Array.from(document.querySelectorAll(".video video")).filter(v => v.readyState > 0 && v.duration > 3)'
		: 'Array.from(document.querySelectorAll(".photo img")).filter(i => i.complete && i.naturalWidth > 300)';
	$browser->wait_for("the $kind is shown", "return $shown.length > $count{$kind}", 20);
	$count{$kind} = $browser->run("return $shown.length");
	ok($browser->screenshot("$output/mode-$name.png") > 20_000, "$name: a result is shown, a screenshot is kept");
	return;
}

$browser->open_page($stack->market_url . "/chat/$person");
$stack->say($person, '/start');
wait_text('20 бесплатных операций');
$stack->ctl('credit', $person, 'rub', '500.00', 'test');

mode('generate', 'Опишите картинку');
say_words('кот в скафандре');
wait_text('Модель: Seedream 4');
press('mod:');
wait_text('Nano Banana Pro');
$browser->screenshot("$output/models.png");
press('of:');
wait_text('Модель: ');
press('rats:');
wait_text('16:9');
press('ra:');
finish('generate', 'photo');

mode('edit', 'Пришлите фото');
attach('сделай фон зимним лесом', 'photo1.jpg');
finish('edit', 'photo');

mode('merge', 'от 2 до 10');
attach('', map { "photo$_.jpg" } 1 .. 3);
wait_text('Получил 3 фото');
$browser->screenshot("$output/merge-photos.png");
press('ok:');
wait_text('Опишите, что из них');
say_words('собери в одну открытку');
finish('merge', 'photo');

mode('face_swap', 'с лицом');
attach('', 'photo1.jpg');
wait_text('Теперь пришлите фото');
attach('', 'photo2.jpg');
finish('face_swap', 'photo');

mode('retouch', 'для ретуши');
attach('', 'photo2.jpg');
finish('retouch', 'photo');

mode('upscale', 'улучшить');
attach('', 'photo3.jpg');
finish('upscale', 'photo');

mode('add_text', 'надпись');
attach('', 'photo3.jpg');
wait_text('Что написать');
say_words('С днём рождения, Аня! 🎉');
finish('add_text', 'photo');

mode('video', 'Выберите модель');
$browser->screenshot("$output/video-model.png");
$browser->click('.button[data-data$=":kling-3.0"]');
wait_text('Какой длины');
press('vl:');
wait_text('Что пришлёте');
attach('сделай зиму', 'clip.mp4');
finish('video', 'video');

# What is beside the modes.
attach('', 'photo1.jpg');
wait_text('Что сделать с этим фото');
$browser->screenshot("$output/choice.png");
press('x:');
wait_text('отменил');
attach('', 'photo1.jpg', 'photo2.jpg');
wait_text('Получил альбом: 2 фото');
$browser->screenshot("$output/album.png");
for my $page (['/history', 'Ваши задания'], ['/stats', 'Ваши цифры'], ['/jobs', 'ничего не делается'], ['/support', '@atelier_help'],
	['/language', 'На каком языке'], ['/deleteme', 'Забыть вас'])
{
	say_words($page->[0]);
	wait_text($page->[1]);
	my ($name) = $page->[0] =~ /(\w+)/;
	$browser->screenshot("$output/$name.png");
}
pass('pages');
note "screenshots: $output";
undef $browser;
$stack->wait_quiet;
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
