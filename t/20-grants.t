#!/usr/bin/perl
# Who may do what in the database: everything that is not granted is tried, and everything granted works.
use v5.36;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use Test::More;

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my @roles = qw(responder dispatcher ctl);
my %session = map { $_ => $pg->connect("atelier_$_") } @roles;

# Something in every table.
$life->seen([1, 2]);
my $job = $life->job(1);
$life->lead($job, 'poll');

# The SQLSTATE of a statement of a role, undone; '' when it succeeds.
sub state_of ($role, $sql) {
	my $db = $session{$role};
	$db->begin_work;
	my $state = eval { $db->do($sql); '' } // $db->state;
	$db->rollback;
	return $state;
}

subtest 'tables' => sub {
	for my $table ($pg->rows(q{SELECT c.oid::regclass AS name, n.nspname AS schema, c.relkind FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'S')
		AND n.nspname IN ('ledger', 'store', 'report') ORDER BY 1}))
	{
		my $name = $table->{name};
		for my $role (@roles) {
			my @try = $table->{relkind} eq 'S' ? ("SELECT nextval('$name')", "SELECT * FROM $name")
				: ("SELECT * FROM $name", "INSERT INTO $name DEFAULT VALUES", "DELETE FROM $name",
					"TRUNCATE $name", "UPDATE $name SET id = id", "SELECT * FROM $name FOR UPDATE",
					"LOCK TABLE $name");
			my $may_read = $role eq 'ctl' && $table->{schema} eq 'report';
			my @not = grep { !($may_read && $_ eq "SELECT * FROM $name") } @try;
			my @got = map { state_of($role, $_) . " $_" } @not;
			# A view that nobody could write is refused as such, to one who may see that it is there.
			my $refused = $table->{relkind} eq 'v' ? qr/^(42501|55000|42809|42703|428C9) / : qr/^42501 /;
			is_deeply [grep { !/$refused/ } @got], [], "$role may not touch $name";
			is state_of($role, "SELECT * FROM $name"), '', "$role may read $name" if $may_read;
		}
	}
};

subtest 'functions' => sub {
	for my $function ($pg->rows(q{SELECT p.oid, p.oid::regprocedure AS name, n.nspname AS schema,
		p.prosecdef, array_to_string(p.proconfig, ';') AS config, p.proacl::text AS acl,
		pg_get_userbyid(p.proowner) AS owner
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname IN ('ledger', 'store', 'report', 'responder', 'dispatcher', 'ctl') ORDER BY 2}))
	{
		my ($name, $schema) = @$function{qw(name schema)};
		is $function->{owner}, 'atelier_owner', "$name: owner";
		is $function->{config}, 'search_path=pg_catalog, pg_temp', "$name: search path";
		is $function->{prosecdef} ? 1 : 0, $session{$schema} ? 1 : 0, "$name: runs as its owner";
		for my $role (@roles) {
			my $may = $pg->value('SELECT has_function_privilege(?, ?::oid, ?) AND has_schema_privilege(?, ?, ?)',
				"atelier_$role", $function->{oid}, 'EXECUTE', "atelier_$role", $schema, 'USAGE');
			is $may ? 1 : 0, $role eq $schema ? 1 : 0, "$name: $role";
		}
		unlike $function->{acl} // '=X/', qr/[{,]=X/, "$name: not for all" or diag $function->{acl};
	}
};

subtest 'ways around' => sub {
	for my $role (@roles) {
		my @got = map { state_of($role, $_) . " $_" }
			q{SELECT ledger.post('x:1', 'correction', 'rub', 1, 1, 'issue', 'available')},
			q{SELECT ledger.adjust(1, 'rub', 1, 1, 'x', 'x')}, "SELECT ledger.take($job)",
			"SELECT ledger.release($job, 'x')", "SELECT store.job_fail($job, 'ours', 'x')",
			"SELECT store.job_complete($job, '{}')",
			(map { my $other = $_; $other eq $role ? () : "SELECT * FROM $other.hello()" } @roles),
			'CREATE TABLE public.x (id int)', 'CREATE SCHEMA x', 'CREATE TEMP TABLE x (id int)',
			"CREATE FUNCTION $role.x() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'CREATE EXTENSION pgcrypto SCHEMA ctl',
			'SET ROLE atelier_owner', 'SET SESSION AUTHORIZATION postgres', 'SET ROLE postgres',
			'SET session_replication_role = replica', 'ALTER ROLE postgres PASSWORD NULL',
			'ALTER TABLE ledger.transfer DISABLE TRIGGER ALL', 'DROP SCHEMA ledger CASCADE',
			'GRANT SELECT ON ledger.transfer TO PUBLIC', "COPY (SELECT 1) TO '/tmp/x'",
			"COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')",
			"SELECT lo_import('/etc/passwd')", "ALTER FUNCTION $role.hello() SECURITY INVOKER",
			'DROP TRIGGER no_change ON ledger.transfer', "SELECT * FROM pg_authid",
			'ALTER SYSTEM SET fsync = off', 'VACUUM store.person';
		is_deeply [grep { !/^(42501|25001) / } @got], [], "$role finds none";
		is state_of($role, $_), '', "$role: $_" for "SELECT * FROM $role.hello()";
		my ($row) = $session{$role}->selectrow_hashref("SELECT * FROM $role.hello()");
		is_deeply $row, {schema => 6, fsync => 'on', full_page_writes => 'on', synchronous_commit => 'on'},
			"$role is greeted";
	}
	my @others = $pg->rows(q{SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'
		AND (has_schema_privilege('public', oid, 'USAGE') OR has_schema_privilege('public', oid, 'CREATE'))});
	is_deeply \@others, [], 'PUBLIC has no schema';
	is $pg->value(q{SELECT has_database_privilege('public', 'atelier', 'CONNECT')
		OR has_database_privilege('public', 'atelier', 'TEMP')}) ? 1 : 0, 0, 'nor the database';
	ok !eval { $pg->connect('atelier_owner') }, 'the owner can\'t log in';
};

# A name the caller could plant must not be found by a function that runs as its owner.
subtest 'a planted name' => sub {
	my $db = $session{ctl};
	ok !eval { $db->do('CREATE TEMP TABLE person (id int)'); 1 }, 'no temporary tables';
	$db->do('SET search_path = ctl, report');
	is scalar $db->selectrow_array('SELECT count(*) FROM ctl.verify()'), 0, 'the caller\'s path does not matter';
};

subtest 'what is granted works' => sub {
	my %call = (
		responder => [
			q{SELECT * FROM responder.update_open('{9}', '{1}', '{A}', '{NULL}', '{ru}', 4, 100)},
			q{SELECT responder.say('{1}', '{say}', '{NULL}', ARRAY['{"notice": "menu"}'::jsonb], '{NULL}')},
			q{SELECT responder.dialog_set('{1}', ARRAY['{"at": 1}'::jsonb])},
			q{SELECT responder.quote_open(1, 'o', 'm', 't', 'p', 'm', 'x', '', '[]', 0, '[]', '{}', 'free', 1, 60, '{}')},
			q{SELECT responder.quote_cancel(1, 1, NULL)}, q{SELECT * FROM responder.job_order(1, 1, 1, 3)},
			q{SELECT * FROM responder.job_view(1, 1)},
			q{SELECT responder.update_park(1, '22000', 'x', NULL)},
			q{SELECT responder.update_park(1, '22000', 'x', 'body')},
			q{SELECT responder.unreachable_set(1, true)}, q{SELECT * FROM responder.health()},
			q{SELECT * FROM responder.yookassa_health()},
			q{SELECT * FROM responder.payment_open(1, 'yookassa', 100, 'RUB', 'rub', 100, NULL, false, 'x')},
			q{SELECT responder.payment_check(1, 1)},
			q{SELECT responder.payment_hint('yookassa', 'x', NULL, 'payment', 'payment')},
			q{SELECT responder.payment_hint('yookassa', 'x', NULL, 'refund', 'refund')},
			q{SELECT * FROM responder.payment_order_view('a1')},
			q{SELECT * FROM responder.statement(1, 9223372036854775807, 10)},
			q{SELECT responder.statement_csv(1)},
			q{SELECT * FROM responder.quote_view(1, 1)}, q{SELECT responder.terms_accept(1, 1)},
			q{SELECT responder.album_add(1, 'g', 5, '{"file_id": "f", "form": "photo"}', 'x')},
			q{SELECT * FROM responder.album_view(1, 1)}, q{SELECT responder.lang_set(1, 'en')},
			q{SELECT responder.result_send(1, 1, false)}, (map { "SELECT responder.page(1, '$_', 9)" } qw(jobs history stats)),
			q{SELECT responder.mydata(1)}, q{SELECT responder.alert('minor', '{"person": 1, "prompt": "x"}', NULL)},
			q{SELECT * FROM responder.media_view('x')}, q{SELECT responder.job_cancel(1, 1)},
			q{SELECT responder.admin(1, 9, 'admin', '{}')}, q{SELECT responder.forget(2)}],
		dispatcher => [
			(map { "SELECT * FROM dispatcher.claim('$_', 10, 'x', 30)" } qw(chat pay media)),
			q{SELECT * FROM dispatcher.beat('{1}', '{1}', 30)},
			q{SELECT * FROM dispatcher.report('{1}', '{1}', '{done}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', 300)},
			q{SELECT dispatcher.abandon('{1}', '{1}', 300)}, q{SELECT dispatcher.abandon('{}', '{}', 300)},
			q{SELECT dispatcher.reap(300)}, q{SELECT dispatcher.purge()}, q{SELECT dispatcher.pay_due(10)},
			q{SELECT dispatcher.admins_set('{1, 2}')}, q{SELECT dispatcher.admins_set('{}')},
			q{SELECT dispatcher.settings_set('{"yookassa_shop_id": "1", "yookassa_test": "no"}')},
			q{SELECT dispatcher.reconcile_start(now())}, q{SELECT dispatcher.reconcile_due()},
			q{SELECT dispatcher.broadcast_due(10)}, q{SELECT dispatcher.watch('{chat}', '{chat}', '{1}')}, q{SELECT dispatcher.digest_due()},
			q{SELECT dispatcher.tally()}],
		ctl => [q{SELECT * FROM ctl.adjust(1, 'rub', 100, NULL, 'x', 'k')}, q{SELECT * FROM ctl.statement(1)},
			q{SELECT * FROM ctl.verify()}, q{SELECT ctl.task_put('chat', 'webhook', '{"do": "info"}')},
			q{SELECT * FROM ctl.task_get(1)}, q{SELECT * FROM ctl.status()},
			q{SELECT * FROM ctl.refund(1, NULL, 1, 'x')}, q{SELECT ctl.refund_book(1, 100, 'x', 1, 'x')},
			q{SELECT ctl.reconcile(now())}, q{SELECT * FROM ctl.reconcile_result(1)},
			q{SELECT ctl.admin('k', 'user', '{"person": 1}')}, q{SELECT ctl.offer_changes()},
			q{SELECT * FROM ctl.migrations()}, q{SELECT * FROM ctl.failures()}, q{SELECT * FROM ctl.open_work()}, q{SELECT * FROM ctl.lanes()},
			q{SELECT ctl.export_head('users')}, q{SELECT ctl.export_line('users', '{}')}],
	);
	for my $role (@roles) {
		is state_of($role, $_), '', $_ for $call{$role}->@*;
		my %there = map { $_->{proname} => 1 } $pg->rows(
			'SELECT proname FROM pg_proc WHERE pronamespace = ?::regnamespace', $role);
		delete $there{hello};
		delete @there{map { /$role\.(\w+)/ } $call{$role}->@*};
		is_deeply [keys %there], [], "$role: no function is left out of this test";
	}
	is state_of('ctl', q{SELECT ctl.task_put('media', 'submit', '{}')}), 'P0403', 'an operator has few errands';
};
is_deeply [$pg->broken], [], 'nothing is broken';
done_testing;
