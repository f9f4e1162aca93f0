#!/usr/bin/perl
# atelierctl verify: clean after honest work, and each of ten corruptions, made in a copy of the database behind the
# triggers' back, makes it fail and name the row.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Pg;
use Atelier::Test qw(build_dir run_command spew);
use Atelier::Till;
use Test::More;

my $pg = Atelier::Pg->ready;
my $till = Atelier::Till->new($pg);
$till->seen($_, free => 4) for 1, 2;
my $rub = $till->payment($till->paid(1, amount => 5000));
my $usd = $till->payment($till->paid(1, credits => 1000));
my $job = $till->job(2);
$till->talk;
my ($hold) = $pg->value('SELECT hold_id FROM store.job WHERE id = ?', $job);
my ($account) = $pg->value(q{SELECT id FROM ledger.account WHERE person_id = 1 AND unit = 'rub' AND role = 'available'});

sub verify ($database) {
	my $conf = "$pg->{dir}/verify.conf";
	spew($conf, "DATABASE_URL=postgresql:///$database?host=$pg->{dir}\n");
	return run_command([build_dir() . '/atelierctl', '-c', $conf, 'verify']);
}

my ($status, $out) = verify('atelier');
is $status, 0, 'clean after honest work';
like $out, qr/every invariant holds/, 'and says so';

my @corruptions = (
	['a balance is bumped', qr/^L1.*\b$account\b/m, "UPDATE ledger.account SET balance = balance + 1 WHERE id = $account"],
	['an amount is changed', qr/^L1/m, "UPDATE ledger.transfer SET amount = amount + 1 WHERE id = $rub->{credit_tx}"],
	['a top-up is deleted', qr/^P1.*\b$rub->{id}\b/m, 'ALTER TABLE store.payment DROP CONSTRAINT payment_credit_tx_fkey',
		"DELETE FROM ledger.transfer WHERE id = $rub->{credit_tx}"],
	['a hold has lost its job', qr/^J2.*\b$hold\b/m, 'DELETE FROM store.task WHERE job_id IS NOT NULL',
		q{UPDATE store.quote SET job_id = NULL, state = 'cancelled'}, "DELETE FROM store.job WHERE id = $job"],
	['credited to another', qr/^P1.*\b$rub->{id}\b/m, "UPDATE store.payment SET person_id = 2 WHERE id = $rub->{id}"],
	['the order is changed afterwards', qr/^P1.*\b$usd->{id}\b/m, "UPDATE store.payment SET grant_amount = 9999 WHERE id = $usd->{id}"],
	['credits without their money', qr/^P3.*\b$usd->{id}\b/m,
		"DELETE FROM ledger.transfer WHERE payment_id = $usd->{id} AND kind = 'sale'"],
	['a refund that is not there', qr/^P6.*\b$rub->{id}\b/m, "UPDATE store.payment SET refunded = 1 WHERE id = $rub->{id}"],
	['a second grant', qr/^G1.*\b2\b/m, 'UPDATE store.person SET free_granted = 8 WHERE id = 2'],
	['an open job has lost its task', qr/^J5.*\b$job\b/m, "DELETE FROM store.task WHERE job_id = $job AND lane = 'media'"],
);
$till->{$_} && eval { $till->{$_}->disconnect } for keys %$till;
for my $case (@corruptions) {
	my ($name, $named, @sql) = @$case;
	delete($pg->{super})->disconnect if $pg->{super};
	my $maker = DBI->connect("dbi:Pg:dbname=postgres;host=$pg->{dir}", 'postgres', '', {RaiseError => 1, PrintError => 0});
	$maker->do(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'atelier'});
	$maker->do('CREATE DATABASE copy TEMPLATE atelier');
	my $db = DBI->connect("dbi:Pg:dbname=copy;host=$pg->{dir}", 'postgres', '', {RaiseError => 1, PrintError => 0});
	$db->do('SET session_replication_role = replica');
	$db->do('ALTER TABLE ledger.transfer DISABLE TRIGGER ALL');
	$db->do($_) for @sql;
	$db->disconnect;
	my ($code, $said, $error) = verify('copy');
	isnt $code, 0, "$name: verify fails";
	like $said, $named, "$name: and names the row";
	$maker->do('DROP DATABASE copy WITH (FORCE)');
	$maker->disconnect;
}
done_testing;
