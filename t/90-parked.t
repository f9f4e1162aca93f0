# An update that the database refuses: the person hears of it, and it is parked only when nothing else would help.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(settings => {RATE_LIMIT_PER_MINUTE => 1000, RESPONDERS => 1});
$stack->start;
my $pg = $stack->pg;
my ($update, $person) = (700_000, 7001);
my $json = JSON::PP->new->ascii;
my %who = (id => $person, is_bot => JSON::PP::false, first_name => 'Ж', language_code => 'ru');
my %chat = (id => $person, type => 'private', first_name => 'Ж');

sub message { return $json->encode({update_id => ++$update, message => {message_id => 7, date => 1789000000, text => $_[0], from => \%who, chat => \%chat}}) }
sub press { return $json->encode({update_id => ++$update, callback_query => {id => "q$update", from => \%who, chat_instance => '1', data => $_[0]}}) }
sub call_of { return decode_json($_[0]->body || '{}') }

my $parked = sub { $pg->value('SELECT count(*) FROM store.parked') };

# A function whose result has another type now: the plan a session keeps is stale, the update is not to blame.
my $gone = {method => 'answerCallbackQuery', callback_query_id => 'q700001', text => 'Эта кнопка уже не действует'};
is_deeply(call_of($stack->post_update(press('check:1'))), $gone, 'a button that is gone');
$pg->do('DROP FUNCTION responder.payment_check(bigint, bigint)');
$pg->do('CREATE FUNCTION responder.payment_check(bigint, bigint) RETURNS varchar LANGUAGE sql AS $$ SELECT \'gone\'::varchar $$');
$pg->do('GRANT EXECUTE ON FUNCTION responder.payment_check(bigint, bigint) TO atelier_responder');
is_deeply(call_of($stack->post_update(press('check:1'))), {%$gone, callback_query_id => 'q700002'}, 'is still gone after functions were replaced');
is($parked->(), 0, 'and nothing was parked');

# What is refused for good is kept for the operator, and the person is not left in silence.
$pg->do(<<'SQL');
CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.person_id = 7001 THEN RAISE EXCEPTION 'poisoned' USING ERRCODE = '22023'; END IF; RETURN NEW; END $$;
CREATE TRIGGER poison BEFORE INSERT ON store.update FOR EACH ROW EXECUTE FUNCTION public.poison();
SQL
my $answer = $stack->post_update(message('/balance'));
is($answer->code, 200, 'a poisoned message does not block its chat');
my $call = call_of($answer);
is("$call->{method} $call->{chat_id}", "sendMessage $person", 'and is answered in its chat');
like($call->{text}, qr/на нашей стороне/, 'with an apology');
$answer = $stack->post_update(press('menu'));
$call = call_of($answer);
is("$call->{method} $call->{callback_query_id}", "answerCallbackQuery q$update", 'a poisoned press gets its spinner stopped');
like($call->{text}, qr/на нашей стороне/, 'with the same words');
is($parked->(), 2, 'both are kept');
my $counted = $stack->{hook_ua}->get($stack->base . '/metrics')->result->body;
like($counted, qr/^atelier_updates_parked_total 2$/m, 'and counted');
like($counted, qr/^atelier_turn_failures_total\{why="broken"\} [2-9]/m, 'as are the turns that were rolled back');

# A schema that is another's by now: whatever fails is for the program that knows it.
$pg->do(q{INSERT INTO store.migration (number, name, sha256) VALUES (99, '0099_later', repeat('0', 64))});
is($stack->post_update(message('/balance'))->code, 503, 'with another schema Telegram is to repeat');
is($parked->(), 2, 'and nothing more was parked');
$pg->do('DELETE FROM store.migration WHERE number = 99');
$pg->do('DROP TRIGGER poison ON store.update');
my $late = message('/balance');
await('the responder to be back', 10, sub { $stack->post_update($late)->code == 200 });
is($pg->value(q{SELECT count(*) FROM store.task WHERE payload->>'notice' = 'balance'}), 1, 'then it is taken');
done_testing;
