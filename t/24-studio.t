#!/usr/bin/perl
# The studio in the database: files of jobs, jobs that cost nothing, cancelling, results again, albums, being forgotten.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Life;
use Atelier::Pg;
use JSON::PP qw(decode_json encode_json);
use Test::More;

my $pg = Atelier::Pg->ready;
my $life = Atelier::Life->new($pg);
my $person = 500;

sub somebody (%option) { $life->seen(++$person, free => 50, %option); return $person }
sub call ($sql, @bind) { return $life->call(responder => $sql, @bind) }
sub one ($sql, @bind) { my ($row) = call($sql, @bind); return $row ? (values %$row)[0] : undef }
sub state_of ($job) { return join ' ', map { $_ // '-' } $life->look($job)->@{qw(status step progress)} }
sub kinds ($job) {
	return join ' ', map { $_->{kind} } $pg->rows(q{SELECT kind FROM store.task
		WHERE job_id = ? AND state IN ('ready', 'leased') AND lane <> 'chat' OR (kind = 'take' AND job_id = ? AND
		state IN ('ready', 'leased')) ORDER BY id}, $job, $job);
}
my @given = ({file_id => 'f1', form => 'photo'}, {file_id => 'f2', form => 'photo'});
my @taken = map { {path => "1/2.1/$_.jpg", type => 'image/jpeg', bytes => 9, width => 1, height => 1} } 0, 1;

subtest 'what a person sent, to the provider and not a moment longer' => sub {
	my $who = somebody();
	my $job = $life->job($who, files => \@given, places => ['image_urls[]']);
	is state_of($job), 'pending take 0', 'first the files are taken';
	my $take = $life->lead($job, 'take');
	is_deeply $take->{payload}, {job => $job, files => \@given}, 'by the lane that may speak to Telegram';
	is $life->tell($take, 'done', result => {files => \@taken}), 'ok', 'taken';
	is state_of($job), 'pending clean 0', 'then they are made anew';
	my $clean = $life->lead($job, 'clean');
	$life->tell($clean, 'done', result => {files => \@taken});
	my $submit = $life->lead($job, 'submit');
	is_deeply [map { $_->{path} } $submit->{payload}{files}->@*], [map { $_->{path} } @taken], 'then the provider is asked';
	my @tokens = map { $_->{token} } $submit->{payload}{files}->@*;
	is_deeply [grep { !/^[0-9a-f]{32}$/ } @tokens], [], 'each file has a token';
	is_deeply [call('SELECT * FROM responder.media_view(?)', $tokens[1])], [{path => '1/2.1/1.jpg', type => 'image/jpeg'}],
		'which opens it';
	is scalar(call('SELECT * FROM responder.media_view(?)', 'x' x 32)), 0, 'another opens nothing';
	$life->tell($submit, 'unknown');
	my $lookup = $life->lead($job, 'lookup');
	is_deeply [@{$lookup->{payload}}{qw(order files places)}], [@{$submit->{payload}}{qw(order files places)}],
		'what is looked for is what was ordered';
	$life->tell($lookup, 'done', result => {request_id => 'r1'});
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
	is state_of($job), 'completed done 100', 'delivered';
	is scalar(call('SELECT * FROM responder.media_view(?)', $tokens[0])), 0, 'and nothing is open any more';
	is_deeply [$pg->broken], [], 'nothing is broken';
};

subtest 'an answer that is the result' => sub {
	my $job = $life->job(somebody());
	$life->tell($life->lead($job, 'submit'), 'done', result => {files => \@taken});
	is state_of($job), 'processing deliver 10', 'goes to the person at once';
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
	is_deeply [$pg->broken], [], 'nothing is broken';
};

subtest 'a job that costs nothing' => sub {
	my $who = somebody();
	my %free = (unit => 'rub', amount => 0, provider => 'local', model => 'add_text', files => [$given[0]], prompt => 'ура');
	my $job = $life->job($who, %free);
	$life->tell($life->lead($job, 'take'), 'done', result => {files => [$taken[0]]});
	is state_of($job), 'processing render 10', 'is done on our own machine';
	my $render = $life->lead($job, 'render');
	is_deeply $render->{payload}, {job => $job, do => 'add_text', text => 'ура', files => [$taken[0]]}, 'with its words';
	$life->tell($render, 'done', result => {files => [$taken[1]]});
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
	is_deeply $life->look($job)->{notices}[-1], {notice => 'job_done', args => {job => $job}}, 'no price is told';
	$job = $life->job($who, %free);
	$life->tell($life->lead($job, 'take'), 'refused', class => 'input');
	is_deeply $life->look($job)->{notices}[-1]{args}, {job => $job, mode => 'generate', reason => 'input'}, 'nothing comes back';
	is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE person_id = ? AND kind <> 'grant'}, $who), 0, 'no money moved';
	is_deeply [$pg->broken], [], 'nothing is broken';
};

subtest 'lost at any step' => sub {
	for my $step (qw(take clean render)) {
		my $job = $life->job(somebody(), files => [$given[0]], $step eq 'render' ? (provider => 'local', model => 'add_text') : ());
		my $task = $life->lead($job, $step);
		$pg->do(q{UPDATE store.task SET lease_until = now() - interval '1 second' WHERE id = ?}, $task->{id});
		call_dispatcher();
		my $again = $life->lead($job, $step);
		is $again->{fence}, $task->{fence} + 1, "$step is done again";
		is $life->tell($task, 'done', result => {files => [$taken[0]]}), 'stale', 'and the first word counts no more';
		$life->tell($again, 'done', result => {files => [$taken[0]]});
		$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
		is state_of($job), 'completed done 100', 'delivered';
	}
	is_deeply [$pg->broken], [], 'nothing is broken';
};
sub call_dispatcher { return $life->call(dispatcher => 'SELECT dispatcher.reap(300)') }

subtest 'cancelled in time, or not' => sub {
	my $who = somebody();
	my $job = $life->job($who, files => \@given);
	is one('SELECT responder.job_cancel(?, ?)', $who + 1, $job), 'gone', 'not by another person';
	$life->lead($job, 'take');
	is one('SELECT responder.job_cancel(?, ?)', $who, $job), 'cancelled', 'while the files are taken';
	is state_of($job), 'cancelled done 0', 'ended';
	is $life->purse($who)->{free}, 50, 'and the money is back';
	is_deeply $life->look($job)->{notices}[-1], {notice => 'job_cancelled', args => {job => $job,
		back => {unit => 'free', amount => 1}, left => {unit => 'free', amount => 50}}}, 'told so';
	is one('SELECT responder.job_cancel(?, ?)', $who, $job), 'done', 'twice is too late';
	$job = $life->job($who);
	my $submit = $life->lead($job, 'submit');
	is one('SELECT responder.job_cancel(?, ?)', $who, $job), 'late', 'not when the provider may have it';
	$life->tell($submit, 'done', result => {request_id => 'late'});
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
	# Cancels against claims: each job ends in one way.
	my @jobs = map { $life->job(somebody()) } 1 .. 20;
	$pg->at_once(4, 'atelier_dispatcher', sub ($i, $db) {
		$db->selectall_arrayref(q{SELECT id FROM dispatcher.claim('media', 5, ?, 30)}, undef, "h$i") if $i % 2;
		my $own = $i % 2 ? undef : $pg->connect('atelier_responder');
		for my $job ($own ? @jobs : ()) {
			$own->selectrow_array('SELECT responder.job_cancel((SELECT $1::bigint), $2)', undef, $person - 20 + 1 + $job - $jobs[0], $job);
		}
		return 1;
	});
	my ($row) = $pg->rows(q{SELECT count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
		count(*) FILTER (WHERE status = 'processing') AS going, count(*) AS all FROM store.job WHERE id = ANY (?)}, \@jobs);
	is $row->{cancelled} + $row->{going}, $row->{all}, "each was cancelled or is under way ($row->{cancelled}, $row->{going})";
	is $pg->value(q{SELECT count(*) FROM ledger.transfer WHERE kind = 'release' AND job_id = ANY (?)}, \@jobs), $row->{cancelled},
		'and what was cancelled came back';
	is_deeply [$pg->broken], [], 'nothing is broken';
};

subtest 'results again' => sub {
	my $who = somebody();
	my $job = $life->job($who);
	is one('SELECT responder.result_send(?, ?, false)', $who, $job), 'gone', 'nothing is there yet';
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'F', form => 'photo'});
	$life->talk;
	is one('SELECT responder.result_send(?, ?, false)', $who + 1, $job), 'gone', 'not for another person';
	is one('SELECT responder.result_send(?, ?, false)', $who, $job), 'sent', 'once more';
	is one('SELECT responder.result_send(?, ?, false)', $who, $job), 'sent', 'pressed twice';
	my @again = $life->next('chat');
	is_deeply [map { [$_->{kind}, $_->{payload}{file_id}] } @again], [['resend', 'F']], 'is sent once';
	$life->tell($_, 'done', result => {message_id => 10, file_id => 'F'}) for @again;
	$pg->do(q{UPDATE store.task SET run_at = now() + interval '1 day' WHERE kind = 'sweep' AND state = 'ready'});
	is one('SELECT responder.result_send(?, ?, true)', $who, $job), 'sent', 'the original';
	my ($original) = $life->next('chat');
	is $original->{payload}{file}{path}, 'job/1/1/0', 'from the spool';
	$life->tell($original, 'done', result => {message_id => 11, file_id => 'D'});
	$pg->do(q{UPDATE store.task SET state = 'done', done_at = now() WHERE kind = 'sweep' AND state = 'ready'});
	is one('SELECT responder.result_send(?, ?, true)', $who, $job), 'sent', 'and when its file is gone';
	my ($known) = $life->next('chat');
	is $known->{payload}{file_id}, 'D', 'Telegram has it';
	$life->tell($known, 'done', result => {message_id => 12, file_id => 'D'});
	my $other = $life->job($who);
	$life->tell($life->lead($other, 'photo'), 'done', result => {message_id => 9, file_id => 'G', form => 'photo'});
	$pg->do(q{UPDATE store.task SET state = 'done', done_at = now() WHERE kind = 'sweep' AND state = 'ready'});
	is one('SELECT responder.result_send(?, ?, true)', $who, $other), 'lost', 'one that nobody asked for in time';
	is decode_json(one(q{SELECT responder.page(?, 'history', 9223372036854775807)}, $who))->{rows}[0]{job}, $other,
		'the history begins with the newest';
};

subtest 'albums from many sessions at once' => sub {
	my $who = somebody();
	my @parts = map { ($_, $_) } 1 .. 12;
	$pg->at_once(8, 'atelier_responder', sub ($i, $db) {
		for my $n (grep { $_ % 8 == $i % 8 } 0 .. $#parts) {
			$db->do(q{SELECT responder.album_add(?, 'g', ?, ?, ?)}, undef, $who, $parts[$n],
				encode_json({file_id => "f$parts[$n]", form => 'photo'}), $parts[$n] == 5 ? 'words' : '');
		}
		return 1;
	});
	my $album = $pg->value('SELECT id FROM store.album WHERE person_id = ?', $who);
	my ($view) = call('SELECT * FROM responder.album_view(?, ?)', $who, $album);
	is_deeply [map { $_->{file_id} } decode_json($view->{files})->@*], [map { "f$_" } 1 .. 10], 'ten, in order, each once';
	is $view->{caption}, 'words', 'with its words';
	my @said = grep { $_->{payload}{notice} eq 'album' } $life->next('chat');
	is_deeply [map { $_->{payload}{args} } @said], [{album => $album, count => 10, more => 2, caption => 'words'}],
		'told once, when all were there';
	is scalar(call('SELECT * FROM responder.album_view(?, ?)', $who + 1, $album)), 0, 'not for another person';
};

subtest 'being forgotten' => sub {
	my $who = somebody(names => ['Лада']);
	$life->give($who, 'rub', 5000);
	my $job = $life->job($who, prompt => 'тайна', input => {prompt => 'тайна'});
	is one('SELECT responder.forget(?)', $who), 'busy', 'not while a job is open';
	$life->tell($life->lead($job, 'photo'), 'done', result => {message_id => 9, file_id => 'SECRET', form => 'photo'});
	$life->talk;
	call('SELECT responder.terms_accept(?, 1)', $who);
	call('SELECT responder.mydata(?)', $who);
	my ($file) = $life->next('chat');
	my $data = decode_json(do { my $text = $file->{payload}{text}; utf8::encode($text); $text });
	is_deeply [$data->{person}{first_name}, $data->{jobs}[0]{prompt}, $data->{person}{terms}], ['Лада', 'тайна', 1],
		'mydata holds what is known';
	$life->tell($file, 'done');
	my $rows = $pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = ?', $who);
	is one('SELECT responder.forget(?)', $who), 'forgotten', 'forgotten';
	is $pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = ?', $who), 0, 'no row of the ledger names the person';
	my $new = $pg->value('SELECT max(pseudonym) FROM store.forgotten');
	is $pg->value('SELECT count(*) FROM ledger.transfer WHERE person_id = ?', $new), $rows, 'all of them go on under a pseudonym';
	my $left = join "\n", map { $_->{t} } map { my $table = $_; $pg->rows("SELECT t::text AS t FROM $table t") }
		map { $_->{name} } $pg->rows(q{SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
			WHERE schemaname IN ('store', 'ledger') AND tablename <> 'update'});
	is_deeply [grep { /\b$who\b|тайна|Лада|SECRET/ && !/^\(\d+,(?:media|chat|pay),/ || /тайна|Лада|SECRET/ } split /\n/, $left], [],
		'nothing of the person is left in any table';
	is $pg->value('SELECT count(*) FROM store.task WHERE $1 IN (person_id, chat_id)', $who), 0, 'nor among the tasks';
	is_deeply [$pg->broken], [], 'every invariant holds';
	ok !eval { $pg->do(q{UPDATE ledger.transfer SET person_id = 1 WHERE person_id = ?}, $new); 1 },
		'the ledger is immutable again';
	my ($back) = $life->seen($who, free => 50);
	is_deeply [@$back{qw(new_person free free_granted rub)}], [1, 0, 0, 0], 'who comes back has no second gift';
	is_deeply [$pg->broken], [], 'and still every invariant holds';
};

subtest 'a quote in the place of another' => sub {
	my $who = somebody();
	my $quote = $life->quote($who);
	my @ends = $pg->at_once(6, 'atelier_responder', sub ($i, $db) {
		return $db->selectrow_array(q{SELECT outcome FROM responder.quote_open($1, 'o', 'm', 't', 'fal', 'm', 'x', '', '[]', 0, '[]',
			'{}', 'free', 1, 60, '{}', false, $2, 77)}, undef, $who, $quote);
	});
	is $pg->value(q{SELECT count(*) FROM store.quote WHERE person_id = ? AND state = 'open'}, $who), 1, 'one takes it';
	is $pg->value('SELECT state FROM store.quote WHERE id = ?', $quote), 'cancelled', 'and the first is gone';
	$pg->do(q{INSERT INTO store.offer_change (offer, off, actor) VALUES ('generate.fast', true, 1)});
	is $life->quote($who), undef, 'what is switched off is not offered';
	like join(' ', map { $_->{payload}{notice} } $life->talk), qr/offer_off/, 'and the person hears why';
	$pg->do('DELETE FROM store.offer_change');
};
done_testing;
