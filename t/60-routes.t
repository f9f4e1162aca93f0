# The routes through nginx: who may, which method, how large, and what is said when the database is away.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use IO::Socket::SSL;
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(payments => 0);
$stack->start;
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 30, max_redirects => 0);
my $base = $stack->base;
my $secret = $Atelier::Stack::SECRET;

sub status { my ($verb, $path, @rest) = @_; return $ua->start($ua->build_tx($verb => "$base$path", @rest))->res->code }

is(await('/healthz', 10, sub { my $code = status(GET => '/healthz'); $code == 200 && $code }), 200, '/healthz');
is(status(GET => '/metrics'), 200, '/metrics');
like($ua->get("$base/metrics")->res->body, qr/^atelier_\w+.* \d+$/m, 'in Prometheus form');
is(status(GET => '/pay/return'), 200, '/pay/return');
like($ua->get("$base/pay/return")->res->text, qr/вернуться в чат/, 'leads back to the chat');
is(status(GET => '/yookassa/health'), 200, '/yookassa/health');
is(status(POST => '/yookassa/webhook', {} => '{}'), 503, 'payments are not connected: the sender keeps its word');
is(status(POST => '/betatransfer/callback', {} => 'a=1'), 503, 'likewise');
is(status(GET => '/media/abcdefghijklmnopqrstuvwxyz'), 404, 'no token is good yet');
is(status(GET => $_), 404, "$_: 404") for '/', '/telegram/', '/telegram;x', '/media/short', '/media/../telegramx', '/admin', '/metrics/x';
is(status(GET => '/telegram'), 405, 'GET /telegram: 405');
is(status(PUT => '/telegram', {} => 'x'), 405, 'PUT /telegram: 405');
is(status(POST => '/healthz', {} => ''), 405, 'POST /healthz: 405');
is(status(DELETE => '/pay/return'), 405, 'DELETE /pay/return: 405');

my $body = '{"update_id":770001,"poll":{"id":"1"}}';
sub hook { my (%header) = @_; return status(POST => '/telegram', \%header => $body) }
is(hook('X-Telegram-Bot-Api-Secret-Token' => $secret), 200, 'the secret opens');
is(hook(), 403, 'no secret: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => ''), 403, 'an empty one: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => substr $secret, 0, -1), 403, 'one short of a letter: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => $secret . 'x'), 403, 'one letter more: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => lc $secret), 403, 'other case: 403') if lc $secret ne $secret;
is(hook('X-Telegram-Bot-Api-Secret-Token' => 'x' x 300), 403, 'a long one: 403');
is(hook('X_Telegram_Bot_Api_Secret_Token' => $secret), 403, 'underscores instead of dashes: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => [$secret, 'other']), 403, 'the header twice, right one first: 403');
is(hook('X-Telegram-Bot-Api-Secret-Token' => ['other', $secret]), 403, 'the header twice, right one last: 403');

# The path may be written in many ways; nginx makes one of it, and the route is ours.
is(status(POST => $_, {'X-Telegram-Bot-Api-Secret-Token' => $secret} => $body), 200, "$_ is /telegram") for '/%74elegram', '/telegram?x=1';

# Raw requests that no client library would send.
sub raw {
	my ($text) = @_;
	my $socket = IO::Socket::SSL->new(PeerAddr => '127.0.0.1', PeerPort => $stack->{port}, SSL_ca_file => $stack->ca,
		SSL_verifycn_scheme => 'none') or die "tls: $SSL_ERROR";
	print {$socket} $text;
	my $answer = '';
	while (sysread $socket, my $piece, 65536) { $answer .= $piece; last if $answer =~ /\r\n\r\n/ }
	return $answer =~ m{^HTTP/1.1 (\d+)} ? $1 : "nothing: $answer";
}
my $head = "Host: localhost\r\nX-Telegram-Bot-Api-Secret-Token: $secret\r\n";
is(raw("POST /telegram HTTP/1.1\r\n${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"), 400,
	'two ways to say how long: 400');
is(raw("POST /telegram HTTP/1.1\r\n${head}Content-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabcdef"), 400, 'two lengths: 400');
is(raw("POST /telegram HTTP/1.1\r\n${head}Content-Length: 104857600\r\nConnection: close\r\n\r\n"), 413, '100 MB declared: 413');
is(raw("POST /telegram HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
	. sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body)), 200, 'a body in chunks is a body');

# The database away: 503 with Retry-After, quickly, and everything works again by itself.
$stack->pg->stop;
my $update = '{"update_id":770002,"message":{"message_id":1,"date":1789000000,"text":"/balance",'
	. '"from":{"id":6001,"is_bot":false,"first_name":"D"},"chat":{"id":6001,"type":"private"}}}';
my $answer = $stack->post_update($update);
is($answer->code, 503, 'database away: 503');
ok($answer->headers->header('Retry-After'), 'with Retry-After');
my $health = $ua->get("$base/healthz")->res;
is($health->code, 503, '/healthz tells the truth');
is($health->json->{database}, 0, 'it is the database that is away');
my $metrics = $ua->get("$base/metrics")->res;
is($metrics->code, 200, 'what is counted is told without it');
like($metrics->body, qr/^atelier_healthy\{part="database"\} 0$/m, 'and that it is away');
like($metrics->body, qr/^atelier_http_requests_total\{route="telegram",status="503"\} [1-9]/m, 'the 503s are counted');
like($metrics->body, qr/^atelier_database_lost_total\{program="responder"\} [1-9]/m, 'and the connections that were lost');
unlike($metrics->body, qr/^# HELP atelier_money_minor_total/m, 'but for what the database knows');
$stack->pg->start;
await('the responders to find the database again', 15, sub { $stack->post_update($update)->code == 200 });
is($stack->pg->value('SELECT count(*) FROM store.task WHERE chat_id = 6001'), 1, 'the repeated update has its one effect');

# The responders away: nginx says the same.
$stack->stop_program('atelierd');
$answer = $stack->post_update($update);
is($answer->code, 503, 'responders away: 503');
ok($answer->headers->header('Retry-After'), 'with Retry-After');
done_testing;
