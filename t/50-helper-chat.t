#!/usr/bin/perl
# The chat lane: what the helper says to Telegram and brings from there, and how it holds to its dispatcher.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Helper qw($market $ann $dir $json $SECRET @pids desk desk_open desk_accept desk_close
	put frame find of_type task report done start ready ended begin messages fault met outcome tells_no_secret);
use Atelier::Test qw(slurp spew alive);
use Test::More;

# ---- Telegram -----------------------------------------------------------------------------------

my $chat = desk('chat');
my $helper = begin('chat', $chat);
my $say = {notice => 'job_status', args => {job => 7, progress => 0, place => 2}};
my $long = {notice => 'confirm', args => {quote => 1, mode => 'generate', models => 1, formats => 1, prompt => 'кот <b> & co', model => 'M', price => {n => 1, unit => 'free'},
	have => {n => 4, unit => 'free'}}};

subtest 'words' => sub {
	my $report = done($chat, 'say', chat => $ann, payload => $say);
	outcome($report, 'done', '', 'said');
	my ($message) = grep { $_->{message_id} == $report->{result}{message_id} } @{messages()};
	like $message->{text}, qr/7/, 'the person sees it';
	my $edit = done($chat, 'edit', chat => $ann, message => $report->{result}{message_id},
		payload => {notice => 'job_status', args => {job => 7, progress => 50}});
	outcome($edit, 'done', '', 'edited');
	is $edit->{result}{message_id}, $report->{result}{message_id}, 'the same message';
	my $again = done($chat, 'edit', chat => $ann, message => $report->{result}{message_id},
		payload => {notice => 'job_status', args => {job => 7, progress => 50}});
	outcome($again, 'done', '', 'an edit that changes nothing is done');
	outcome(done($chat, 'edit', chat => $ann, message => 999_999, payload => $say), 'refused', 'gone', 'no such message');
	my $keyboard = done($chat, 'say', chat => $ann, payload => $long, lang => 'en');
	outcome($keyboard, 'done', '', 'with a keyboard and hostile words');
	($message) = grep { $_->{message_id} == $keyboard->{result}{message_id} } @{messages()};
	like $message->{text}, qr/кот <b> & co/, 'escaped once';
	is scalar @{$message->{buttons}[1]}, 2, 'the keyboard is there';
	my $plain = done($chat, 'say', chat => $ann, payload => $long, lang => 'en', memo => {plain => JSON::PP::true});
	outcome($plain, 'done', '', 'without markup');
	($message) = grep { $_->{message_id} == $plain->{result}{message_id} } @{messages()};
	like $message->{text}, qr/кот <b> & co/, 'the same words';
	is_deeply $message->{entities} // [], [], 'nothing but words';
};

subtest 'refusals' => sub {
	fault(side => 'telegram', match => 'sendMessage', action => '429', retry_after => 3);
	my $report = done($chat, 'say', chat => $ann, payload => $say);
	outcome($report, 'later', 'rate', 'too many');
	is $report->{retry_ms}, 3000, 'as long as it was told';
	my $bob = $market->control(person => {first_name => 'Bob'})->{id};
	$market->control(block => {chat => $bob});
	outcome(done($chat, 'say', chat => $bob, payload => $say), 'refused', 'unreachable', 'blocked');
	outcome(done($chat, 'say', chat => 404, payload => $say), 'refused', 'unreachable', 'no such chat');
	fault(side => 'telegram', match => 'sendMessage', action => 'status', status => 400,
		body => {ok => \0, error_code => 400, description => "Bad Request: can't parse entities: Unsupported start tag"});
	outcome(done($chat, 'say', chat => $ann, payload => $say), 'refused', 'markup', 'markup');
	fault(side => 'telegram', match => 'sendMessage', action => 'status', status => 502);
	outcome(done($chat, 'say', chat => $ann, payload => $say), 'failed', 'busy', 'a page of HTML');
	fault(side => 'telegram', match => 'sendMessage', action => 'status', status => 401,
		body => {ok => \0, error_code => 401, description => 'Unauthorized'});
	outcome(done($chat, 'say', chat => $ann, payload => $say), 'failed', 'funds', 'a revoked token');
};

subtest 'lost answers' => sub {
	for my $action (qw(lose reset)) {
		fault(side => 'telegram', match => 'sendMessage', action => $action);
		outcome(done($chat, 'say', chat => $ann, payload => $say), 'unknown', 'busy', "$action of a new message");
	}
	my $report = done($chat, 'say', chat => $ann, payload => $say);
	my $sent = $market->look('counts')->{sends}{sendMessage};
	fault(side => 'telegram', match => 'sendMessage', action => 'lose');
	outcome(done($chat, 'say', chat => $ann, payload => $say), 'unknown', 'busy', 'lost on a kept connection');
	is $market->look('counts')->{sends}{sendMessage}, $sent + 1, 'and not sent again behind our back';
	fault(side => 'telegram', match => 'editMessageText', action => 'lose');
	outcome(done($chat, 'edit', chat => $ann, message => $report->{result}{message_id},
		payload => {notice => 'job_status', args => {job => 7, progress => 10}}), 'failed', 'busy', 'a lost edit may be repeated');
};

subtest 'the webhook' => sub {
	outcome(done($chat, 'webhook', payload => {do => 'set'}), 'done', '', 'set');
	my $info = done($chat, 'webhook', payload => {do => 'info'});
	is $info->{result}{url}, 'https://localhost:8443/telegram', 'where we wanted it';
	is_deeply [sort @{$info->{result}{allowed_updates}}],
		[sort qw(message edited_message callback_query my_chat_member pre_checkout_query)], 'what we want';
	ok scalar(grep { $_->{command} eq 'start' } @{$market->look("chat/$ann")->{commands}}), 'commands';
	outcome(done($chat, 'webhook', payload => {do => 'delete'}), 'done', '', 'deleted');
};

# ---- Files of people ----------------------------------------------------------------------------

# A person sends a file; its id.
sub sent ($kind, %more) {
	my $message = $market->control(photo => {chat => $ann, kind => $kind, %more})->{message_id} // die 'not sent';
	my ($found) = grep { $_->{message_id} == $message } @{messages()};
	return $found->{$kind}{file_id};
}

# A document with these bytes; its id.
sub document ($name, $bytes) {
	spew("$dir/$name", $bytes);
	return sent('document', path => "$dir/$name", file_name => $name);
}

sub take ($job, @ids) {
	return done($chat, 'take', job => $job, fence => 2, payload => {job => $job, files => [map { {file_id => $_} } @ids]});
}

subtest 'files come into the spool' => sub {
	my $film = "\0\0\0\x14ftypqt  \0\0\2\0" . 'film' x 1000;
	my $taken = take(7, sent('photo'), document('film.mov', $film));
	outcome($taken, 'done', '', 'taken');
	my ($photo, $clip) = @{$taken->{result}{files}};
	like $photo->{path}, qr{^7/\d+\.2/0\.png$}, 'a photo, by the name of task and fence';
	is "$photo->{type} $photo->{width}x$photo->{height}", 'image/png 1024x768', 'looked at';
	is -s "$dir/spool/$photo->{path}", $photo->{bytes}, 'whole';
	like $clip->{path}, qr{^7/\d+\.2/1\.mp4$}, "a telephone's film";
	is slurp("$dir/spool/$clip->{path}"), $film, 'as it was';
	is((stat "$dir/spool/$photo->{path}")[2] & 07777, 0640, 'nginx may read it, others may not');
	is((stat "$dir/spool/7/" . ($photo->{path} =~ m{/(.+)/})[0])[2] & 07777, 0750, 'nor its directory');
	ok !glob("$dir/spool/7/*/*.part*"), 'nothing is left half done';
	my $again = take(7, sent('photo'));
	isnt $again->{result}{files}[0]{path}, $photo->{path}, 'another task, another place';
};

subtest 'files that do not come' => sub {
	outcome(take(8, document('a.txt', 'words')), 'refused', 'input', 'no picture or film');
	ok !glob("$dir/spool/8/*/*"), 'and not kept';
	my $huge = take(8, document('large.png', "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\4\0\0\0\3\0" . 'x' x (20 << 20)));
	outcome($huge, 'refused', 'input', 'more than Telegram hands out');
	like $huge->{text}, qr/too big/, 'in its words';
	outcome(take(8, 'AgAC-unknown'), 'refused', 'input', 'an id of nobody');
	outcome(take(8), 'refused', 'ours', 'no files');
	outcome(take(8, ''), 'refused', 'ours', 'no id');
	my %bad = (404 => 'refused input', 502 => 'failed busy', 401 => 'failed funds');
	for my $step ('^getFile', '^file/') {
		my $id = sent('photo');
		for my $status (sort keys %bad) {
			fault(side => 'telegram', match => $step, action => 'status', status => $status);
			outcome(take(8, $id), split(' ', $bad{$status}), "$step: $status");
		}
		outcome(take(8, $id), 'done', '', 'then it comes');
	}
};

subtest 'results once more' => sub {
	my $file = take(9, sent('photo'))->{result}{files}[0];
	my $resend = sub (%more) { return done($chat, 'resend', chat => $ann, job => 9,
		payload => {notice => 'result', args => {job => 9}, %more}) };
	my $original = $resend->(form => 'document', file => $file);
	outcome($original, 'done', '', 'the original');
	my ($message) = grep { $_->{message_id} == $original->{result}{message_id} } @{messages()};
	is $message->{document}{size}, $file->{bytes}, 'is the file itself, as a file';
	is $original->{result}{form}, 'document', 'and told as one';
	my $known = $resend->(form => 'document', file_id => $original->{result}{file_id});
	outcome($known, 'done', '', 'by its id');
	my $photo = sent('photo');
	my $shown = $resend->(form => 'photo', file_id => $photo);
	outcome($shown, 'done', '', 'a photo by its id');
	is $shown->{result}{form}, 'photo', 'stays a photo';
	outcome($resend->(form => 'photo'), 'refused', 'ours', 'nothing to send');
	outcome($resend->(form => 'document', file => {%$file, path => '../settings'}), 'refused', 'ours', 'out of the spool');
};

# ---- The dispatcher goes and comes -----------------------------------------------------------------

subtest 'reports outlive the dispatcher' => sub {
	my $first = task($chat, 'say', chat => $ann, payload => $say);
	my $report = report($chat, $first, 5, 0);
	outcome($report, 'done', '', 'reported, not acknowledged');
	my $delay = fault(side => 'telegram', match => 'sendMessage', action => 'delay', ms => 400);
	my $second = task($chat, 'say', chat => $ann, payload => $say);
	met($delay);
	desk_close($chat);
	ok desk_accept($chat), 'it comes back';
	is frame($chat)->{type}, 'HELLO', 'HELLO';
	my $beat = frame($chat);
	is $beat->{type}, 'BEAT', 'BEAT';
	my %held = unpack '(Q> N)*', $beat->{body};
	is_deeply [sort { $a <=> $b } keys %held], [$first, $second], 'it holds both';
	outcome(report($chat, $first), 'done', '', 'the first report again');
	outcome(report($chat, $second), 'done', '', 'the second, worked on meanwhile');
	desk_close($chat);
	close $chat->{listener};
	unlink $chat->{path};
	desk_open($chat);
	ok desk_accept($chat), 'after the socket was gone too';
	is frame($chat)->{type}, 'HELLO', 'HELLO';
	is length(frame($chat)->{body}), 0, 'nothing is held';
	ok of_type($chat, 'CREDIT'), 'CREDIT';
};

subtest 'bad frames' => sub {
	my @bad = ([pack('n n N Q>', 99, 1, 0, 0), 'no type'], [pack('n n N Q>', 3, 7, 1, 1) . '{}', 'another version'],
		[pack('n n N Q>', 3, 1, 1, 1) . '{"task":', 'half a task'], [pack('n n N Q>', 1, 1, 0, 0) . 'x' x 12, 'HELLO to a helper'],
		['xyz', 'too short'], [pack('n n N Q>', 3, 1, 1, 1) . $json->encode({task => 2, fence => 1, kind => 'say',
			chat => 1, message => 0, job => 0, attempts => 1, lang => 'ru'}), 'a head of another task']);
	for my $bad (@bad) {
		send $chat->{socket}, $bad->[0], 0;
		ok find($chat, sub ($f) { $f->{type} eq 'CLOSED' }), "$bad->[1] closes";
		desk_close($chat);
		desk_accept($chat) or fail 'it comes back';
		is frame($chat)->{type}, 'HELLO', 'and it comes back';
	}
	outcome(done($chat, 'submit', job => 1, payload => {}), 'refused', 'ours', 'a task of another lane is refused');
};

# ---- The end --------------------------------------------------------------------------------------

subtest 'drain' => sub {
	my $delay = fault(side => 'telegram', match => 'sendMessage', action => 'delay', ms => 300);
	my $id = task($chat, 'say', chat => $ann, payload => $say);
	met($delay);
	close $helper->{life};
	ok find($chat, sub ($f) { $f->{type} eq 'CREDIT' && unpack('N', $f->{body}) == 0 }), 'takes no more';
	ok alive($helper->{pid}), 'but stays';
	my $report = report($chat, $id, 5, 0);
	outcome($report, 'done', '', 'finishes what it has');
	ok !defined frame($chat, 0.2), 'waits for the ACK';
	put($chat, 'ACK', $id, 1);
	ok of_type($chat, 'BYE'), 'BYE';
	is ended($helper), 0, 'leaves well';
	desk_close($chat);
};

subtest 'a document' => sub {
	my $spy = desk('chat');
	my $clerk = begin('chat', $spy);
	my $report = done($spy, 'document', chat => $ann, payload => {%$say, file_name => 'payments.csv',
		text => "день;сумма\n1;299.00\n"});
	outcome($report, 'done', '', 'sent');
	my ($message) = grep { $_->{message_id} == $report->{result}{message_id} } @{messages()};
	is $message->{document}{file_name} // $message->{file_name}, 'payments.csv', 'under its name'
		or diag $json->encode($message);
	close $clerk->{life};
	is ended($clerk), 0, 'leaves';
};

subtest 'without anybody' => sub {
	unlink "$dir/run/pay.sock";
	my $alone = start('pay');
	push @pids, $alone->{pid};
	is ready($alone), 'R', 'ready though nobody listens';
	my $pay = desk('pay');
	ok desk_accept($pay), 'finds the dispatcher when it comes';
	close $pay->{socket};
	close $pay->{listener};
	unlink $pay->{path};
	close $alone->{life};
	is ended($alone), 0, 'leaves without it';
	my $wrong = start('chat', BOT_TOKEN => 'x');
	is ended($wrong) >> 8, 78, 'bad settings end it';
	unlike slurp($wrong->{log}), qr/\Q$SECRET\E/, 'and are not shown';
};

subtest 'secrets' => sub {
	my $logs = tells_no_secret('chat', [], 'say', chat => $ann, payload => $say);
	like $logs, qr/task=\d+ kind=say job=\d+ outcome=done class=- ms=\d+/, 'the log tells the ends';
};

is_deeply $market->look('strange')->{strange}, [], 'nothing that a careful client never does';
done_testing;
