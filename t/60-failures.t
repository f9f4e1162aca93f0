# The provider fails, in every way it can: the hold is released, the person is told why and what came back.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use JSON::PP qw(decode_json encode_json);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 400, settings => {UNKNOWN_SECONDS => 5, MAX_ACTIVE_JOBS_PER_USER => 20});
# The same catalogue with a short deadline, so that "too late" comes within the test.
open my $in, '<', "$stack->{src}/etc/catalog.json" or die $!;
my $catalog = decode_json(do { local $/ = undef; <$in> });
$_->{seconds} = 12 for @{$catalog->{offers}};
open my $out, '>', $stack->dir . '/catalog.json' or die $!;
print {$out} encode_json($catalog);
close $out;
$stack->{settings}{CATALOG_FILE} = $stack->dir . '/catalog.json';
$stack->start;
my $next = 4000;

# Orders a prompt as a new person; returns [person, quote message].
sub order {
	my ($prompt) = @_;
	my $person = $stack->person(id => ++$next, first_name => 'П', language_code => 'ru')->{id};
	$stack->say($person, $prompt);
	my $confirm = $stack->wait_message($person, "an offer for $prompt", sub { ($_[0]{text} // '') =~ /Создать картинку/ });
	$stack->press($person, data => $confirm->{buttons}[0][0]{data});
	return [$person, $confirm->{message_id}, $prompt];
}

sub check_returned {
	my ($order, $why, $name, $seconds) = @_;
	my ($person, $message) = @$order;
	my $end = $stack->wait_message($person, "$name: the end", sub {
		$_[0]{message_id} == $message && $_[0]{text} =~ /Возвращено|Списано/ }, $seconds // 30);
	like($end->{text}, qr/$why/, "$name: the person is told why");
	like($end->{text}, qr/Возвращено: 1 бесплатная операция\. У вас: 4 бесплатные операции/, "$name: and what came back");
	is_deeply($stack->pg->table('SELECT kind::text FROM ledger.transfer WHERE person_id = $1 ORDER BY id', $person),
		[['grant'], ['hold'], ['release']], "$name: the ledger agrees");
	is(scalar(grep { $_->{photo} } @{$stack->chat($person)}), 0, "$name: and no picture came");
	return;
}

# All at once: they wait for one another nowhere.
# (That six failures switch a model off is looked at in t/25-operator.t; here the next orders come after.)
my %order = map { $_ => order($_) } '[policy] дракон', '[nsfw] дракон', '[422] дракон', '[notimage] дракон', '[stuck] дракон',
	'[fail] дракон';
check_returned($order{'[policy] дракон'}, 'отклонил запрос по своим правилам', 'refused by the rules');
check_returned($order{'[nsfw] дракон'}, 'отклонил запрос по своим правилам', 'a picture the provider hides');
check_returned($order{'[422] дракон'}, 'работать не выходит', 'input the provider cannot use');
check_returned($order{'[notimage] дракон'}, 'ошибка на нашей стороне|недоступен', 'a result that is no picture');
check_returned($order{'[fail] дракон'}, 'недоступен', 'the provider fails');
check_returned($order{'[stuck] дракон'}, 'не пришёл вовремя', 'too late', 40);
$stack->fair_weather;

$stack->fault(side => 'fal', match => '^submit', times => 1, action => 'status', status => 401);
check_returned(order('дом у моря'), 'недоступен', 'our key is refused');
is($stack->pg->value('SELECT provider || model FROM store.breaker WHERE closed_at IS NULL AND model = $1', '*'), 'fal*', 'and none of its models is sold for a while');
$stack->fair_weather;
$stack->fault(side => 'fal', match => '^submit', times => 2, action => 'status', status => 503);
check_returned(order('замок в облаках'), 'ошибка на нашей стороне|недоступен', 'a 5xx whose fate is unknown', 60);
is($stack->counts->{fal}{by_prompt}{'замок в облаках'} // 0, 0, 'and it was never ordered');

$stack->market(delete => '/control/fault');
$stack->fair_weather;
$stack->fault(side => 'fal', match => '^submit', times => 1, action => 'lose');
my $lost = order('маяк');
my $end = $stack->wait_message($lost->[0], 'the end of the lost order', sub { $_[0]{message_id} == $lost->[1] && $_[0]{text} =~ /Списано|Возвращено/ }, 60);
like($end->{text}, qr/Списано/, 'an order whose answer was lost is found again and delivered');
is($stack->counts->{fal}{by_prompt}{'маяк'}, 1, 'and was ordered once');

$stack->fault(side => 'telegram', match => 'sendPhoto', times => 2, action => 'status', status => 502);
my $bumpy = order('лес');
$stack->wait_message($bumpy->[0], 'delivery after 502', sub { $_[0]{message_id} == $bumpy->[1] && $_[0]{text} =~ /Списано/ }, 60);
is($stack->counts->{fal}{by_prompt}{'лес'}, 1, 'a delivery that fails does not order again');

$stack->market(post => '/control/set', {fal_ms => 4000});
my $gone = order('озеро');
$stack->market(post => '/control/block', {chat => $gone->[0], blocked => JSON::PP::true});
await('the blocked one\'s job to end', 40, sub {
	$stack->pg->value('SELECT count(*) FROM store.job WHERE person_id = $1 AND finished_at IS NOT NULL', $gone->[0]) == 1 });
is($stack->pg->value('SELECT status || \' \' || reason FROM store.job WHERE person_id = $1', $gone->[0]), 'failed unreachable',
	'who blocked the bot pays nothing');

$stack->wait_quiet(60);
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'atelierctl verify: every invariant holds');
my @left = $stack->sweep_originals;
is("@left", '', 'no file is left behind');
done_testing;
