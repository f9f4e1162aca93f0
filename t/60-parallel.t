# Many at once: the same update, the same button, and one poisoned update among good ones.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP qw(encode_json);
use Mojo::Promise;
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 400, settings => {RATE_LIMIT_PER_MINUTE => 1000});
$stack->start;
my $pg = $stack->pg;
my $update_id = 500_000_000;

sub message {
	my ($person, $text) = @_;
	my %who = (id => $person, is_bot => \0, first_name => 'П', language_code => 'ru');
	return encode_json({update_id => ++$update_id, message => {message_id => $update_id % 100_000, date => time, text => $text,
		from => \%who, chat => {id => $person, type => 'private', first_name => 'П'}}});
}

# Posts bodies over many connections at once; returns the statuses in order.
sub post_all {
	my (@bodies) = @_;
	my $ua = Mojo::UserAgent->new(ca => $stack->ca, max_connections => 64, request_timeout => 30);
	my @status;
	Mojo::Promise->map({concurrency => 64}, sub {
		my ($index) = $_;
		return $ua->post_p($stack->base . '/telegram' => {'Content-Type' => 'application/json',
			'X-Telegram-Bot-Api-Secret-Token' => $Atelier::Stack::SECRET} => $bodies[$index])
			->then(sub { $status[$index] = $_[0]->res->code });
	}, 0 .. $#bodies)->wait;
	return @status;
}

# The same update 50 times in parallel.
my $person = $stack->person(id => 5001, first_name => 'П', language_code => 'ru')->{id};
my $body = message($person, '/balance');
my @status = post_all(($body) x 50);
is_deeply([grep { $_ != 200 } @status], [], 'fifty copies of one update are all answered 200');
is($pg->value('SELECT count(*) FROM store.update WHERE id = $1', $update_id), 1, 'and recorded once');
is($pg->value('SELECT count(*) FROM store.task WHERE chat_id = $1 AND kind = \'say\'', $person), 1, 'with one effect');
is($pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = $1', $person), 1, 'and one grant');

# Twenty presses of «Запустить».
$stack->say($person, 'двадцать нажатий');
my $confirm = $stack->wait_message($person, 'the offer', sub { ($_[0]{text} // '') =~ /Создать картинку/ });
my @presses = map { encode_json({update_id => ++$update_id, callback_query => {id => "7$_", chat_instance => '1',
	data => $confirm->{buttons}[0][0]{data}, from => {id => $person, is_bot => \0, first_name => 'П', language_code => 'ru'},
	message => {message_id => $confirm->{message_id}, date => time, chat => {id => $person, type => 'private'}}}}) } 1 .. 20;
@status = post_all(@presses);
is_deeply([grep { $_ != 200 } @status], [], 'twenty presses are all answered 200');
is($pg->value('SELECT count(*) FROM store.job WHERE person_id = $1', $person), 1, 'they make one job');
is($pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = $1 AND kind = \'hold\'', $person), 1, 'and one hold');
await('the job to end', 30, sub { $pg->value('SELECT count(*) FROM store.job WHERE finished_at IS NULL') == 0 });
is($stack->counts->{fal}{submits}, 1, 'and one order');

# One person's messages in parallel: each gets its answer, in some order, none lost.
@status = post_all(map { message($person, '/balance') } 1 .. 40);
is_deeply([grep { $_ != 200 } @status], [], 'forty messages of one person at once');
is($pg->value('SELECT count(*) FROM store.task WHERE chat_id = $1 AND payload->>\'notice\' = \'balance\'', $person), 41,
	'have forty answers');

# A poisoned update among 31 good ones: the database refuses it, whatever we do.
$pg->do(<<'SQL');
CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.id = 666000666 THEN RAISE EXCEPTION 'poisoned' USING ERRCODE = '22023'; END IF; RETURN NEW; END $$;
CREATE TRIGGER poison BEFORE INSERT ON store.update FOR EACH ROW EXECUTE FUNCTION public.poison();
SQL
for my $round (1 .. 5) {
	my @people = map { 5100 + 100 * $round + $_ } 1 .. 32;
	my @bodies = map { message($_, '/balance') } @people;
	$bodies[13] =~ s/"update_id":\d+/"update_id":666000666/;
	@status = post_all(@bodies);
	is_deeply([grep { $_ != 200 } @status], [], "round $round: all 32 are answered 200, the poisoned one too");
	is($pg->value('SELECT count(*) FROM store.task WHERE chat_id = ANY ($1)', \@people), 31, "round $round: the 31 have their effect");
}
is($pg->value('SELECT count(*) FROM store.parked WHERE update_id = 666000666 AND sqlstate = \'22023\''), 1,
	'the poisoned one is kept for an engineer');
like($pg->value('SELECT convert_from(body, \'UTF8\') FROM store.parked WHERE update_id = 666000666'), qr/"update_id":666000666/,
	'with its body, to be played again');
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
done_testing;
