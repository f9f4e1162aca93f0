# Every kind of update, good and hostile, posted through nginx: what it leaves behind.
use strict;
use warnings;
use utf8;

use Atelier::Stack;
use JSON::PP;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
my $pg = $stack->pg;
my $data = "$stack->{src}/t/data/updates";

# file → [status, notices said, then more to check]. Bodies made here: too long to keep.
my %made = (
	'28-text-4096-astral' => sub { text_update(91028, '🚀' x 4096) },
	'29-huge-text' => sub { text_update(91029, 'a' x 1_100_000) },
	'36-deep-nesting' => sub { '{"update_id":991036,"message":' . '[' x 20_000 . ']' x 20_000 . '}' },
);
my %expected = (
	'01-start-deep-link' => [200, ['welcome']],
	'02-text-many-scripts' => [200, ['confirm'], sub { my ($update) = @_;
		is($pg->value('SELECT prompt FROM store.quote ORDER BY id DESC LIMIT 1'), $update->{message}{text}, '  byte for byte') }],
	'03-photo-caption-like-markup' => [200, ['confirm']],
	'04-album-photo-with-caption' => [200, ['album']],
	# Told together with the first part, or once more when that was told already.
	'05-album-photo' => [200, undef, sub { is($pg->value('SELECT count(*) FROM store.album_file'), 2, '  kept beside the first') }],
	'06-album-video' => [200, ['album_film']],
	'07-video-too-large' => [200, ['video_large']],
	'08-document-png' => [200, ['choice']],
	'09-document-heic-bare' => [200, ['image_kind', 'choice']],
	'10-reply-to-a-prompt' => [200, ['confirm']],
	'11-edited-message' => [200, []],
	'12-press' => [200, [], sub { answers_query($_[1]) }],
	'13-press-inaccessible-message' => [200, undef, sub { answers_query($_[1]) }],
	'14-press-inline-message' => [200, ['menu'], sub { answers_query($_[1]) }],
	'15-blocked' => [200, [], sub { my ($update) = @_; ok(unreachable($update), '  the person is marked unreachable') }],
	'16-unblocked' => [200, [], sub { my ($update) = @_; ok(!unreachable($update), '  and reachable again') }],
	'17-pre-checkout-query' => [200, [], sub { my ($update, $answer) = @_; my $call = decode_json($answer->body);
		is($call->{method}, 'answerPreCheckoutQuery', '  answered at once'); ok(!$call->{ok}, '  and refused: we issue no such invoices') }],
	'18-successful-payment' => [200, [], sub { my ($update) = @_; parked($update) }],
	'19-refunded-payment' => [200, [], sub { my ($update) = @_; parked($update) }],
	'20-inline-query' => [200, []],
	'21-chosen-inline-result' => [200, []],
	'22-channel-post' => [200, []],
	'23-added-to-a-group' => [200, []],
	'24-command-in-a-group' => [200, []],
	'25-poll' => [200, []],
	'26-message-reaction' => [200, []],
	'27-business-message' => [200, []],
	'28-text-4096-astral' => [200, ['prompt_long']],
	'29-huge-text' => [413, []],
	'30-no-update-id' => [200, []],
	'31-message-bare' => [200, []],
	'32-wrong-types' => [200, []],
	'33-null-members' => [200, undef],
	'34-not-utf-8' => [200, undef],
	'35-surrogates-and-nul' => [200, undef],
	'36-deep-nesting' => [200, []],
	'37-members-twice' => [200, undef],
	'38-unknown-kind' => [200, []],
	'39-cut' => [200, []],
	'40-not-an-object' => [200, []],
);

sub text_update {
	my ($person, $text) = @_;
	my %who = (id => $person, is_bot => JSON::PP::false, first_name => 'Ж', language_code => 'ru');
	return JSON::PP->new->ascii->encode({update_id => 900_000 + $person, message => {message_id => 7, date => 1789000000,
		text => $text, from => \%who, chat => {id => $person, type => 'private', first_name => 'Ж'}}});
}

sub answers_query {
	my ($answer) = @_;
	is(decode_json($answer->body)->{method}, 'answerCallbackQuery', '  the spinner is stopped in the answer');
	return;
}

sub unreachable {
	my ($update) = @_;
	return $pg->value('SELECT unreachable_at IS NOT NULL FROM store.person WHERE id = $1', $update->{my_chat_member}{from}{id});
}

sub parked {
	my ($update) = @_;
	is($pg->value('SELECT count(*) FROM store.parked WHERE update_id = $1 AND reason LIKE \'payment nobody ordered%\'',
		$update->{update_id}), 1, '  kept for the operator, credited to nobody');
	return;
}

sub body_of {
	my ($name) = @_;
	return $made{$name}->() if $made{$name};
	open my $file, '<:raw', "$data/$name.json" or die "$name: $!";
	local $/ = undef;
	return <$file>;
}

my %there = map { m{([^/]+)\.json$} => 1 } glob "$data/*.json";
$there{$_} = 1 for keys %made;
is_deeply([sort keys %there], [sort keys %expected], 'every file has its row');
for my $name (sort keys %expected) {
	my ($status, $notices, $more) = @{$expected{$name}};
	my $body = body_of($name);
	my $before = $pg->value('SELECT coalesce(max(id), 0) FROM store.task');
	my $answer = $stack->post_update($body);
	is($answer->code, $status, "$name: $status");
	my $said = $pg->table('SELECT payload->>\'notice\' FROM store.task WHERE lane = \'chat\' AND id > $1 ORDER BY id', $before);
	is_deeply([map { $_->[0] } @$said], $notices, "$name: says " . (@$notices ? "@$notices" : 'nothing')) if $notices;
	$more->(eval { decode_json($body) }, $answer) if $more;
	my $copy = $stack->post_update($body);
	is($copy->code, $status, "$name: a copy is answered the same") if $status == 200;
}
is($pg->value('SELECT count(*) FROM store.task WHERE payload->>\'notice\' = \'welcome\''), 1, 'copies had no effect');
is($stack->post_update(text_update(91099, '/balance'))->code, 200, 'and the responders still answer');
my @deaths = grep { /event=exit role=responder/ } do { open my $log, '<', $stack->log_path('atelierd') or die $!; <$log> };
is("@deaths", '', 'none of them died');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
