#!/usr/bin/perl
# atelierctl verify reads the whole ledger: it was cut off by the time-outs that are meant for requests.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Test qw(program run_command spew temp_dir);
use Test::More;

my $pg = Atelier::Pg->ready;
my $dir = temp_dir('verify');
spew("$dir/ctl.conf", 'DATABASE_URL=' . $pg->url . "\n");
$pg->do('ALTER FUNCTION ctl.verify() RENAME TO verify_quick');
$pg->do(q{CREATE FUNCTION ctl.verify() RETURNS TABLE (invariant text, what text) LANGUAGE sql SECURITY DEFINER AS
	$$ SELECT v.* FROM pg_sleep(9), ctl.verify_quick() AS v $$});
my ($status, $out, $err) = run_command([program('atelierctl'), '-c', "$dir/ctl.conf", 'verify']);
is $status, 0, 'a ledger that takes nine seconds to read is read' or diag $err;
is $out, "every invariant holds\n", 'to its end';
done_testing;
