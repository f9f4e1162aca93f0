#!/usr/bin/perl
# A server process that hung without closing its socket kept the dispatcher waiting for ever, and all money with it.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Dispatcher;
use Atelier::Pg;
use Atelier::Test qw(wait_until);
use Test::More;

my $pg = Atelier::Pg->ready;
my $dispatcher = Atelier::Dispatcher->new(url => $pg->url)->start;
ok $dispatcher->ready, 'the dispatcher works';
my $backend = $pg->value(q{SELECT pid FROM pg_stat_activity WHERE usename = 'atelier_dispatcher'});
kill STOP => $backend or die "kill: $!";
ok wait_until('it gives up', 20, sub { $dispatcher->log =~ /event=database_refused.*no answer in time/ }),
	'a server that says nothing is away';
ok wait_until('it is back', 20, sub { (() = $dispatcher->log =~ /event=database_up/g) == 2 }), 'another session is made';
$pg->do(q{SELECT store.task_add('webhook', '{"do": "info"}')});
my $helper = Atelier::FakeHelper->new($dispatcher, 'chat', credit => 1);
ok +($helper->tasks(1))[0], 'and work goes on';
kill CONT => $backend;
done_testing;
