# A payment hint that was not kept is never answered 200, and one lost connection does not lose it.
use strict;
use warnings;
use utf8;

use Atelier::Stack;
use JSON::PP;
use Mojo::UserAgent;
use Test::More;

my $stack = Atelier::Stack->new(settings => {RESPONDERS => 1});
$stack->start;
my $pg = $stack->pg;
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 30);
my $number = 0;

my $hint = sub {
	my $id = sprintf '30aa%04d-000f-5000-9000-1bb000000004', ++$number;
	return $ua->post($stack->base . '/yookassa/webhook' => {'Content-Type' => 'application/json', 'X-Played-Address' => '185.71.76.5'},
		encode_json({type => 'notification', event => 'payment.succeeded', object => {id => $id}}))->result;
};

my $asked = sub { $pg->value(q{SELECT count(*) FROM store.task WHERE kind = 'pay_ask' AND payload->>'ext_id' LIKE '30aa%'}) };
is($hint->()->code, 200, 'a hint is kept');
$pg->do(q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'atelier_responder'});
is($hint->()->code, 200, 'the next one too, over a new connection');
is($asked->(), 2, 'both are asked about');
$pg->do('BEGIN');
$pg->do(q{SELECT responder.payment_hint('yookassa', 'flood-' || i, NULL, 'payment', 'payment') FROM generate_series(1, 60) AS i});
$pg->do(q{UPDATE store.task SET run_at = 'infinity' WHERE kind = 'pay_ask'});
$pg->do('COMMIT');
my $answer = $hint->();
is($answer->code, 503, 'one that a flood leaves no room for is to be repeated');
is($answer->headers->header('Retry-After'), 10, 'later');
is($answer->body, '', 'and not with OK');
is($asked->(), 2, 'it was not kept indeed');
done_testing;
