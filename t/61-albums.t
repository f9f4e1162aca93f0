# Albums: ten photos whose parts arrive in any order, with duplicates, two albums interleaved; and one that is merged.
use strict;
use warnings;
use utf8;

use Atelier::Stack;
use JSON::PP qw(decode_json);
use List::Util qw(shuffle);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 300, settings => {RATE_LIMIT_PER_MINUTE => 10000});
$stack->start;
my $pg = $stack->pg;
my $json = JSON::PP->new->utf8;
my $update_id = 700_000_000;

# One part of an album as Telegram sends it: n is its place, and its message's.
sub part {
	my ($person, $group, $n, $caption) = @_;
	my %who = (id => $person, is_bot => JSON::PP::false, first_name => 'А', language_code => 'ru');
	return $json->encode({update_id => ++$update_id, message => {message_id => 1000 + $n, date => 1790000000, from => \%who,
		chat => {id => $person, type => 'private', first_name => 'А'}, media_group_id => $group,
		defined $caption ? (caption => $caption) : (),
		photo => [{file_id => "small-$group-$n", file_unique_id => "s$n", width => 90, height => 60, file_size => 900},
			{file_id => "photo-$group-$n", file_unique_id => "p$n", width => 1280, height => 960, file_size => 90000}]}});
}

sub files_of {
	my ($person, $group) = @_;
	my $files = $pg->value('SELECT (SELECT files FROM responder.album_view(a.person_id, a.id)) FROM store.album a
		WHERE person_id = $1 AND group_id = $2', $person, $group);
	return [map { $_->{file_id} } @{decode_json($files)}];
}

for my $round (1 .. 3) {
	my $person = 7700 + $round;
	$stack->person(id => $person, first_name => 'А', language_code => 'ru');
	my @bodies = map { my $group = $_; map { part($person, $group, $_ + ($group eq '900b' ? 50 : 0),
		$_ == 1 ? "подпись $group" : undef) } 1 .. 10 } qw(900a 900b);
	my @play = shuffle @bodies, @bodies[3, 7, 12, 12];
	is($stack->post_update($_)->code, 200, 'taken') for @play;
	for my $group (qw(900a 900b)) {
		my $from = $group eq '900b' ? 50 : 0;
		is_deeply(files_of($person, $group), [map { "photo-$group-" . ($_ + $from) } 1 .. 10],
			"round $round: album $group is whole, in the order of its messages, each part once");
	}
	my @said;
	$stack->wait_message($person, 'both albums', sub {
		@said = grep { /Получил альбом/ } map { $_->{text} // '' } @{$stack->chat($person)};
		return 2 == grep { /Получил альбом: 10 фото/ } @said;
	});
	is(scalar(grep { /подпись 900a/ } @said), 1, "round $round: one answer for the one");
	is(scalar(grep { /подпись 900b/ } @said), 1, "round $round: and one for the other");
}

# The eleventh photo is told.
$stack->person(id => 7710, first_name => 'А', language_code => 'ru');
$stack->post_update(part(7710, '900c', $_)) for shuffle 1 .. 12;
like($stack->wait_message(7710, 'the album of twelve', sub { ($_[0]{text} // '') =~ /Получил альбом/ })->{text},
	qr/10 фото\. Ещё 2 не поместилось/, 'more than ten are told');
is(scalar @{files_of(7710, '900c')}, 10, 'and ten are taken');

# A real one, from the album to the merged picture; an old button does it once more, and another's does nothing.
my $person = $stack->person(id => 7720, first_name => 'Аня', language_code => 'ru')->{id};
$stack->send($person, generated => "часть $_", media_group_id => '900d') for 1 .. 10;
my $album = $stack->wait_message($person, 'the album', sub { ($_[0]{text} // '') =~ /Получил альбом: 10 фото/ });
my ($button) = grep { /^al:/ } map { $_->{data} } map { @$_ } @{$album->{buttons}};
$stack->press($person, message_id => $album->{message_id}, data => $button);
$stack->wait_message($person, 'the question', sub { ($_[0]{text} // '') =~ /Получил 10 фото\. Опишите/ });
$stack->say($person, 'собери всех вместе');
my $confirm = $stack->wait_message($person, 'the offer', sub { ($_[0]{text} // '') =~ /Фото: 10/ });
$stack->press($person, message_id => $confirm->{message_id}, data => $confirm->{buttons}[0][0]{data});
my $photo = $stack->wait_message($person, 'the merged picture', sub { $_[0]{photo} }, 60);
like($photo->{caption}, qr/Задание № \d+/, 'ten photos became one');
my $requests = $stack->market(get => '/control/requests')->{requests};
is(scalar @{$requests->[-1]{input}{image_urls}}, 10, 'the provider was given all ten');
my %urls = map { $_ => 1 } @{$requests->[-1]{input}{image_urls}};
is(scalar keys %urls, 10, 'each under an address of its own');
$stack->wait_quiet;
my $ua = Mojo::UserAgent->new(ca => $stack->ca);
is($ua->get($requests->[-1]{input}{image_urls}[0])->result->code, 404, 'which opens nothing any more');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
