# A package with a new migration restarts the service before `atelierctl migrate` has run: the new programs wait, Telegram
# repeats, and nothing has to be restarted afterwards.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $person = 7001;
my $stack = Atelier::Stack->new;
$stack->start;
my $pg = $stack->pg;
sub read_log { my ($name) = @_; open my $file, '<', $stack->log_path($name) or die "$name: $!"; local $/ = undef; return scalar <$file> }
$stack->person(id => $person, first_name => 'Ж', language_code => 'ru');
$stack->say($person, '/start');
$stack->wait_message($person, 'the greeting', sub { $_[0]{text} =~ /Здравствуйте/ });
is($stack->stop_program('atelierd'), 0, 'the old version leaves in order');

# The database as the version before left it: the newest migration is taken back.
my $newest = $pg->value('SELECT max(number) FROM store.migration');
is($newest, 6, 'the newest migration is the one that is taken back here');
$pg->do('DROP TABLE store.tally, store.tally_cursor');
$pg->do("DELETE FROM store.migration WHERE number = $newest");

$stack->spawn('atelierd', {}, "$stack->{bin}/atelierd", '-c', $stack->settings_path, '-l', $stack->{bin});
await('both kinds of readers to say what is missing', 20, sub {
	my $text = read_log('atelierd');
	return !grep { $text !~ /\Q$_\E\[\d+\]: .*schema 5, this program knows 6: run atelierctl migrate/ } qw(responder dispatcher);
});
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 30);
my $health = sub { $ua->get($stack->base . '/healthz')->result->code };
$stack->say($person, '/balance');
await('Telegram to be told to repeat', 20, sub { read_log('nginx-access') =~ m{"POST /telegram HTTP/1.1" 503} });
is($health->(), 503, '/healthz says that it cannot work');
is($pg->value('SELECT count(*) FROM store.update'), 1, 'no update is taken by programs that do not know the schema');
is($pg->value('SELECT count(*) FROM store.parked'), 0, 'and none is put aside');
ok($stack->is_running('atelierd'), 'atelierd waits');

$pg->migrate;
is($pg->value('SELECT max(number) FROM store.migration'), $newest, 'atelierctl migrate');
$stack->wait_message($person, 'the answer to what was repeated', sub { $_[0]{text} =~ /Бесплатн/ && $_[0]{text} !~ /Здравствуйте/ }, 60);
is($pg->value('SELECT count(*) FROM store.update'), 2, 'what was sent meanwhile is applied');
is($pg->value(q{SELECT count(*) FROM store.task WHERE payload ->> 'notice' = 'balance'}), 1, 'once');
await('/healthz', 30, sub { $health->() == 200 });
like($stack->ctl('verify'), qr/^every invariant holds$/m, 'every invariant holds');
done_testing;
