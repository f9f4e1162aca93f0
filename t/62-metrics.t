# What an operator watches: /metrics parses and counts what happened, over a reload too; /healthz tells who is away;
# the dashboard and the manual name what is there.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Atelier::Test qw(slurp);
use JSON::PP qw(decode_json);
use Mojo::UserAgent;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 300);
$stack->start;
my $pg = $stack->pg;
my $source = $stack->{src};
my $ua = Mojo::UserAgent->new(ca => $stack->ca, request_timeout => 30);

# GET /metrics by the grammar of the text format: {name => {type, help, labels, samples => {'name{labels}' => value}}}.
# Anything else in it is a failure.
sub scrape {
	my $result = $ua->get($stack->base . '/metrics')->result;
	die 'metrics: ' . $result->code if $result->code != 200;
	my ($label, %metric, %seen, @wrong, $now) = qr/[a-z_]+="(?:[^"\\\n]|\\["\\n])*"/;
	for my $line (split /\n/, $result->text) {
		if ($line =~ /^# HELP (atelier_[a-z_]+) (\S.*)$/) {
			push @wrong, "again: $line" if $metric{$1};
			$now = $1;
			$metric{$now} = {help => $2, samples => {}, labels => ''};
		} elsif ($line =~ /^# TYPE (\S+) (counter|gauge|histogram)$/ && $1 eq ($now // '') && !$metric{$1}{type}) {
			$metric{$1}{type} = $2;
		} elsif ($line =~ /^(([a-z_]+?)(_bucket|_sum|_count)?(?:\{($label(?:,$label)*)\})?) (-?\d+(?:\.\d+)?)$/) {
			my ($sample, $name, $labels, $value) = ($1, $2, $4 // '', $5);
			$name .= $3 // '' if ($metric{$now // ''}{type} // '') ne 'histogram';
			push @wrong, "out of place: $line" if $name ne ($now // '') || !$metric{$now}{type};
			push @wrong, "twice: $line" if $seen{$sample}++;
			$metric{$now}{samples}{$sample} = $value;
			my @names = grep { $_ ne 'le' } $labels =~ /([a-z_]+)="/g;
			$metric{$now}{labels} = join ' and ', @names if @names;
		} else {
			push @wrong, "not understood: $line";
		}
	}
	for my $name (grep { $metric{$_}{type} eq 'histogram' } sort keys %metric) {
		my $samples = $metric{$name}{samples};
		for my $labels (map { /^\Q$name\E_count(.*)$/ ? $1 : () } keys %$samples) {
			my $inner = $labels =~ s/^\{|\}$//gr;
			my @bounds = map { /^\Q${name}_bucket{$inner\E,?le="([^"]+)"\}$/ ? $1 : () } keys %$samples;
			my @finite = sort { $a <=> $b } grep { $_ ne '+Inf' } @bounds;
			my @counts = map { $samples->{"${name}_bucket{" . ($inner eq '' ? '' : "$inner,") . "le=\"$_\"}"} } @finite, '+Inf';
			push @wrong, "$name$labels: not cumulated: @counts" if grep { $counts[$_] < $counts[$_ - 1] } 1 .. $#counts;
			push @wrong, "$name$labels: +Inf is not the count" if $counts[-1] != $samples->{"${name}_count$labels"};
			push @wrong, "$name$labels: no sum" if !defined $samples->{"${name}_sum$labels"};
		}
	}
	push @wrong, 'the last line has an end' if $result->text !~ /\n\z/;
	is_deeply(\@wrong, [], '/metrics is well formed') if @wrong;
	return \%metric;
}

sub value { my ($metrics, $sample) = @_; my ($name) = $sample =~ /^(\w+)/; $name =~ s/_(?:sum|count)$// if !$metrics->{$name};
	return $metrics->{$name}{samples}{$sample} }

sub health { my $result = $ua->get($stack->base . '/healthz')->result; return ($result->code, $result->json) }
sub await_health {
	my ($what, $code, $want) = @_;
	my @got;
	eval { await($what, 20, sub { @got = health(); return $got[0] == $code }) };
	my %is = map { ref $got[1]{$_} eq 'HASH' ? %{$got[1]{$_}} : ($_ => $got[1]{$_}) } keys %{$got[1]};
	is(join(' ', $got[0], map { "$_=" . ($is{$_} ? 'yes' : 'no') } sort keys %is), "$code $want", $what);
	return;
}
my $well = 'chat=yes database=yes dispatcher=yes media=yes pay=yes';

await_health('all is well', 200, $well);
my $first = scrape();
like($ua->get($stack->base . '/metrics')->result->headers->content_type, qr{^text/plain; version=0\.0\.4}, 'the format is named');

my $anna = $stack->person(id => 3001, first_name => 'Аня', language_code => 'ru')->{id};
my $bob = $stack->person(id => 3002, first_name => 'Bob', language_code => 'en')->{id};
$stack->say($_, '/start') for $anna, $bob;
$stack->wait_message($anna, 'the welcome', sub { ($_[0]{text} // '') =~ /Здравствуйте/ });
$stack->fault(side => 'telegram', match => 'sendMessage', times => 1, action => '429', retry_after => 1);
$stack->say($anna, 'кот');
my $confirm = $stack->wait_message($anna, 'the offer', sub { ($_[0]{text} // '') =~ /Создать картинку/ });
$stack->press($anna, data => $confirm->{buttons}[0][0]{data});
my $open = await('the job among those that are open', 10, sub {
	my $now = scrape();
	return %{$now->{atelier_model_jobs}{samples}} ? $now : undef });
$stack->wait_message($anna, 'the picture', sub { $_[0]{photo} }, 30);
$stack->wait_quiet;

my $metrics = scrape();
for my $want (['atelier_updates_total{kind="command"}', 2], ['atelier_updates_total{kind="text"}', 1],
	['atelier_updates_total{kind="press"}', 1], ['atelier_updates_parked_total', 0],
	['atelier_turn_updates_sum', 4],
	['atelier_http_requests_total{route="telegram",status="200"}', 4], ['atelier_http_request_seconds_count{route="telegram"}', 4],
	['atelier_money_minor_total{kind="grant",unit="free"}', 8], ['atelier_money_minor_total{kind="take",unit="free"}', 1],
	['atelier_money_moves_total{kind="hold",unit="free"}', 1], ['atelier_healthy{part="media"}', 1],
	['atelier_helpers{lane="chat"}', 1], ['atelier_tasks_in_flight{lane="media"}', 0],
	['atelier_task_throttled_total{lane="chat"}', 1], ['atelier_tasks{lane="chat",state="ready"}', 0])
{
	is(value($metrics, $want->[0]), $want->[1], $want->[0]);
}
my ($model) = $pg->value('SELECT model FROM store.job');
is(value($metrics, qq{atelier_model_jobs_last_hour{status="completed",model="$model"}}), 1, "a job of $model was completed");
my $leased = value($metrics, 'atelier_tasks_leased_total{lane="media"}');
cmp_ok($leased, '>=', 3, 'tasks of the job were leased');
is(value($metrics, 'atelier_task_seconds_count{lane="media"}'), $leased, 'and their time taken');
my $reports = 0;
$reports += value($metrics, qq{atelier_task_reports_total{lane="media",outcome="$_"}}) for qw(done later refused failed unknown);
is($reports, $leased, 'each lease has one report');
my ($sum, $count) = map { value($metrics, "atelier_http_request_seconds_$_\{route=\"telegram\"}") } qw(sum count);
ok($sum > 0 && $sum / $count < 2, sprintf 'an update was answered within %.4f s', $sum / $count);

# The dashboard and the manual.
my $dashboard = decode_json(slurp("$source/doc/grafana.json"));
my %used;
for my $expr (map { $_->{expr} } map { @{$_->{targets}} } @{$dashboard->{panels}}) {
	for my $name ($expr =~ /(atelier_\w+)/g) {
		my $base = $name =~ s/_(?:bucket|sum|count)$//r;
		$used{($metrics->{$base}{type} // '') eq 'histogram' ? $base : $name} = 1;
	}
}
is_deeply([grep { !$metrics->{$_} } sort keys %used], [], 'what the dashboard shows is there');
is_deeply([grep { !$used{$_} } sort keys %$metrics], [], 'and what is there it shows');
is_deeply([grep { $_->{datasource}{uid} ne '${source}' } map { $_, @{$_->{targets}} } @{$dashboard->{panels}}], [],
	'all from the source that is chosen');
my %manual;
$metrics->{atelier_model_jobs} = $open->{atelier_model_jobs};   # by now there is none to show its labels
for my $item (split /^(?=\.It |\.El)/m, slurp("$source/doc/atelier-metrics.7")) {
	my ($name, $words) = $item =~ /^\.It Sy (\w+)\n(.*)/s or next;
	$manual{$name} = $words =~ s/\s+/ /gr =~ s/ $//r;
}
is_deeply(\%manual, {map { my $m = $metrics->{$_};
	$_ => "$m->{help} " . ucfirst($m->{type}) . ($m->{labels} ? ", by $m->{labels}" : '') . '.' } keys %$metrics},
	'the manual says what each is') or diag map { "$_: $metrics->{$_}{help}\n" } grep { !$manual{$_} } sort keys %$metrics;

# A reload: other processes, the same table.
my %old = map { $_ => 1 } $stack->role_pids('responder'), $stack->role_pids('dispatcher');
kill HUP => $stack->{pids}{atelierd};
await('new processes', 30, sub {
	my @now = ($stack->role_pids('responder'), $stack->role_pids('dispatcher'));
	return @now == keys %old && !grep { $old{$_} } @now });
my $later = scrape();
my %counts = map { %{$metrics->{$_}{samples}} } grep { $metrics->{$_}{type} ne 'gauge' } keys %$metrics;
is_deeply([grep { value_of($later, $_) < $counts{$_} } sort keys %counts], [], 'no counter jumped back');
sub value_of { my ($from, $sample) = @_; for (values %$from) { return $_->{samples}{$sample} if exists $_->{samples}{$sample} } return -1 }
await_health('well again after the reload', 200, $well);

# Who is away: with its supervisor stopped, nobody is started again.
my $atelierd = $stack->{pids}{atelierd};
kill STOP => $atelierd;
kill KILL => $stack->role_pids('helper pay');
await_health('the pay helper is away', 503, $well =~ s/pay=yes/pay=no/r);
is(value(scrape(), 'atelier_healthy{part="pay"}'), 0, 'which is a figure, too');
kill CONT => $atelierd;
await_health('it was started again', 200, $well);
my ($dispatcher) = $stack->role_pids('dispatcher');
kill STOP => $dispatcher;
await_health('the dispatcher says nothing', 503, 'chat=no database=yes dispatcher=no media=no pay=no');
kill CONT => $dispatcher;
await_health('it speaks again', 200, $well);

# Money is folded by id, and a row that is committed late is not forgotten.
sub folded { return $pg->value('SELECT folded_id FROM store.tally_cursor') }
sub moved { return $pg->table("SELECT kind, unit, amount, count FROM store.money_moved() ORDER BY 1, 2") }
sub ledger { return $pg->table('SELECT kind::text, unit::text, sum(amount)::bigint, count(*)::bigint FROM ledger.transfer
	GROUP BY kind, unit ORDER BY 1, 2') }
my $late = $pg->connect('atelier_ctl', AutoCommit => 0);
$late->do(q{SELECT ctl.adjust(3001, 'rub', 700, NULL, 'late', 'late')});
$pg->do(q{SET statement_timeout = '10s'});
$pg->do(q{SELECT ctl.adjust(3002, 'credit', 5, NULL, 'soon', 'soon')});
my $id = $pg->value(q{SELECT max(id) FROM ledger.transfer});
$pg->do('SELECT dispatcher.tally()') for 1 .. 3;
cmp_ok(folded(), '<', $id - 1, 'nothing is folded past a row that is not committed');
is_deeply(moved(), ledger(), 'and the sums are right');
$late->commit;
is_deeply(moved(), ledger(), 'as they are when it is');
await('the ledger to be folded', 10, sub { $pg->do('SELECT dispatcher.tally()'); folded() >= $id });
is_deeply(moved(), ledger(), 'and when all is folded');
is($pg->value(q{SELECT count(*) FROM ledger.transfer WHERE id > (SELECT folded_id FROM store.tally_cursor)}), 0, 'so that nothing is left to read');
$pg->do(q{UPDATE store.tally_cursor SET mark_id = mark_id + 1, mark_xid = '999999999999'});
await('the mark of another cluster to be forgotten', 10, sub { $pg->do('SELECT dispatcher.tally()');
	$pg->value(q{SELECT mark_xid < '999999999999' FROM store.tally_cursor}) });
is_deeply(moved(), ledger(), 'and a backup may be restored');
done_testing;
