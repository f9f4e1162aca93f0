#!/usr/bin/perl
# The real helper between the market and a dispatcher of a page of Perl: what it does outside, and what it reports.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Test qw(source_dir program temp_dir wait_until slurp alive);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Market::Tester;
use POSIX ();
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(time);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
$SIG{PIPE} = 'IGNORE';
$^F = 20;                       # descriptors we hand over must survive exec

my $program = program('helper');
my $dir = temp_dir('helper');
mkdir "$dir/$_" for qw(run spool);
my $json = JSON::PP->new->utf8->canonical;

my %TYPE = (HELLO => 1, CREDIT => 2, TASK => 3, CANCEL => 4, REPORT => 5, ACK => 6, BEAT => 7, BYE => 8);
my %NAME = reverse %TYPE;
my $SECRET = 'hook-secret-0123456789';
# The market's own, unless it is told others.
my ($SHOP, $SHOP_KEY) = ('506751', 'test_market_secret_key');
my ($TOKEN, $SIGNS) = ('pub_test_0123456789abcdef', 'sec_test_fedcba9876543210');

my $market = Market::Tester->new;
$market->start;
my $https = $market->about->{https};
my ($port) = $https =~ /:(\d+)$/;
my $ann = $market->control(person => {first_name => 'Аня'})->{id};
$market->control(set => {limits => {chat_burst => 1e6, bot_burst => 1e6, set_webhook_gap => 0}});

# ---- A dispatcher -------------------------------------------------------------------------------

# {listener, socket, path, seen: frames not asked for yet, hello, credit}
sub desk ($lane) {
	my $desk = {path => "$dir/run/$lane.sock", seen => []};
	desk_open($desk);
	return $desk;
}

sub desk_open ($desk) {
	unlink $desk->{path};
	socket $desk->{listener}, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!";
	bind $desk->{listener}, pack_sockaddr_un($desk->{path}) or die "bind: $!";
	listen $desk->{listener}, 8 or die "listen: $!";
	return;
}

sub desk_accept ($desk, $seconds = 5) {
	IO::Select->new($desk->{listener})->can_read($seconds) or return 0;
	accept $desk->{socket}, $desk->{listener} or die "accept: $!";
	$desk->{seen} = [];
	return 1;
}

sub desk_close ($desk) {
	close $desk->{socket} if $desk->{socket};
	delete $desk->{socket};
	return;
}

sub put ($desk, $type, $task = 0, $fence = 0, $body = '') {
	return send $desk->{socket}, pack('n n N Q> a*', $TYPE{$type}, 1, $fence, $task, $body), 0;
}

# The next frame; undef after the time, {type => 'CLOSED'} at the end.
sub frame ($desk, $seconds = 5) {
	IO::Select->new($desk->{socket})->can_read($seconds) or return undef;
	my $got = recv $desk->{socket}, my $bytes, 70_000, 0;
	return {type => 'CLOSED'} if !defined $got || $bytes eq '';
	my ($type, $version, $fence, $task, $body) = unpack 'n n N Q> a*', $bytes;
	my $frame = {type => $NAME{$type} // $type, version => $version, fence => $fence, task => $task, body => $body};
	$frame->{report} = $json->decode($body) if $frame->{type} eq 'REPORT';
	$desk->{credit} = unpack 'N', $body if $frame->{type} eq 'CREDIT';
	return $frame;
}

# The next frame that satisfies, others are kept for later calls.
sub find ($desk, $want, $seconds = 5) {
	my $end = time + $seconds;
	for my $i (0 .. $#{$desk->{seen}}) {
		return splice @{$desk->{seen}}, $i, 1 if $want->($desk->{seen}[$i]);
	}
	while ((my $left = $end - time) > 0) {
		my $frame = frame($desk, $left) or last;
		return $frame if $want->($frame);
		return undef if $frame->{type} eq 'CLOSED';
		push @{$desk->{seen}}, $frame;
	}
	return undef;
}

sub of_type ($desk, $type, $seconds = 5) {
	return find($desk, sub ($f) { $f->{type} eq $type }, $seconds);
}

my $next_task = 1000;

sub task ($desk, $kind, %more) {
	my $id = $more{id} // ++$next_task;
	my $fence = $more{fence} // 1;
	put($desk, 'TASK', $id, $fence, $json->encode({task => $id, fence => $fence, kind => $kind,
		chat => $more{chat} // 0, message => $more{message} // 0, job => $more{job} // 0, attempts => 1,
		lang => $more{lang} // 'ru', payload => $more{payload} // {}, memo => $more{memo} // {}}));
	return $id;
}

sub report ($desk, $id, $seconds = 5, $ack = 1) {
	my $found = find($desk, sub ($f) { $f->{type} eq 'REPORT' && $f->{task} == $id }, $seconds) or return {};
	put($desk, 'ACK', $id, $found->{fence}) if $ack;
	return $found->{report};
}

sub done ($desk, $kind, %more) { return report($desk, task($desk, $kind, %more)) }

# ---- A supervisor -------------------------------------------------------------------------------

sub settings ($lane, %more) {
	my %all = (CA_FILE => $market->dir->child('ca.pem'), RUN_DIR => "$dir/run", SPOOL_DIR => "$dir/spool",
		DRAIN_SECONDS => 5, LOG_LEVEL => 'debug');
	%all = (%all, BOT_TOKEN => $market->token, TELEGRAM_SECRET_TOKEN => $SECRET,
		WEBHOOK_BASE_URL => 'https://localhost:8443', TELEGRAM_API_URL => $https,
		TEXTS_DIR => source_dir() . '/etc/texts') if $lane eq 'chat';
	%all = (%all, FAL_KEY => $market->fal_key, FAL_QUEUE_URL => "$https/fal/queue",
		FAL_API_URL => "$https/fal/api", WEBHOOK_BASE_URL => 'https://localhost:8443', MEDIA_HOSTS => "127.0.0.1:$port", MEDIA_PRIVATE => 'yes') if $lane eq 'media';
	%all = (%all, WEBHOOK_BASE_URL => 'https://localhost:8443', YOOKASSA_SHOP_ID => $SHOP, YOOKASSA_SECRET_KEY => $SHOP_KEY,
		YOOKASSA_API_URL => "$https/yookassa/v3", BETATRANSFER_API_KEY => $TOKEN, BETATRANSFER_SECRET_KEY => $SIGNS,
		BETATRANSFER_API_URL => "$https/betatransfer/api") if $lane eq 'pay';
	%all = (%all, %more);
	delete $all{SPOOL_DIR} if $lane eq 'pay';
	return join '', map { "$_=$all{$_}\n" } sort keys %all;
}

sub start ($lane, %more) {
	my $log = "$dir/$lane." . ++(state $count) . '.log';
	pipe my $lifeline, my $life or die;
	pipe my $status, my $told or die;
	open my $settings, '+>', "$dir/settings" or die;
	print $settings settings($lane, %more);
	$settings->flush;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>', $log;
		open STDOUT, '>&', \*STDERR;
		# Out of the way of 3, 4 and 5 first.
		my @high = map { my $fd = POSIX::dup(fileno $_); while ($fd < 10) { $fd = POSIX::dup($fd) } $fd }
			$lifeline, $told, $settings;
		POSIX::dup2($high[$_], 3 + $_) for 0 .. 2;
		POSIX::close($_) for 6 .. 60;
		exec { $program } 'helper', $lane or POSIX::_exit(127);
	}
	close $lifeline;
	close $told;
	return {pid => $pid, life => $life, status => $status, log => $log, lane => $lane};
}

sub ready ($helper) {
	IO::Select->new($helper->{status})->can_read(10) or return '';
	sysread $helper->{status}, my $byte, 1;
	return $byte;
}

# Waits for its end; the wait status, or undef.
sub ended ($helper, $seconds = 10) {
	my $status;
	wait_until('the helper ends', $seconds, sub {
		waitpid($helper->{pid}, POSIX::WNOHANG()) == $helper->{pid} or return 0;
		$status = $?;
		return 1;
	});
	return $status;
}

$SIG{$_} = sub { exit 1 } for qw(INT TERM);
END {
	local $?;
	kill KILL => $_ for grep { alive($_) } our @pids;
	$market->stop;
}

sub begin ($lane, $desk, %more) {
	my $helper = start($lane, %more);
	push our @pids, $helper->{pid};
	desk_accept($desk) or die "$lane: no connection: " . slurp($helper->{log});
	my $hello = frame($desk);
	is $hello->{type}, 'HELLO', "$lane: HELLO first";
	my ($number, $capacity, $pid) = unpack 'N N N', $hello->{body};
	is $pid, $helper->{pid}, "$lane: its pid";
	is frame($desk)->{type}, 'BEAT', "$lane: then BEAT";
	is frame($desk)->{type}, 'CREDIT', "$lane: then CREDIT";
	is $desk->{credit}, $capacity, "$lane: as much as it can take";
	is ready($helper), 'R', "$lane: ready";
	return $helper;
}

sub messages { return $market->look("chat/$ann")->{messages} }
sub fault (%fault) { return $market->fault(%fault)->{id} }

# Waits until a call has met the fault.
sub met ($id) {
	return wait_until('it is on its way', 5, sub { !grep { $_->{id} == $id } @{$market->look('fault')->{faults}} });
}

sub outcome ($report, $outcome, $class, $name) {
	my $got = ($report->{outcome} // 'none') . ' ' . ($report->{class} // '');
	return is($got, "$outcome $class", $name) || diag($json->encode($report));
}

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

# ---- fal ----------------------------------------------------------------------------------------

my $media = desk('media');
my $painter = begin('media', $media);
my $model = 'fal-ai/bytedance/seedream/v4/text-to-image';
my %order = (provider => 'fal', model => $model);

sub input ($prompt, $seed = int rand 2**31) { return {prompt => $prompt, image_size => 'square', seed => $seed} }

# Asks until it is made; the last report.
sub polled ($job, $request) {
	my ($memo, $report) = ({});
	wait_until('fal to end', 10, sub {
		$report = done($media, 'poll', job => $job, payload => {%order, job => $job, request => $request}, memo => $memo);
		$memo = {%$memo, %{$report->{result} // {}}};
		return ($report->{outcome} // '') ne 'later';
	});
	return $report;
}

subtest 'a picture, from order to chat to nothing' => sub {
	my $report = done($media, 'submit', job => 42, payload => {%order, job => 42, input => input('кот')});
	outcome($report, 'done', '', 'ordered');
	my $request = $report->{result};
	like $request->{status_url}, qr{^\Q$https\E/fal/queue/fal-ai/bytedance/requests/[^/]+/status$}, 'where to ask';
	my $first = done($media, 'poll', job => 42, payload => {%order, job => 42, request => $request});
	if (($first->{outcome} // '') eq 'later') {
		like $first->{result}{state}, qr/^(?:queued|running)$/, 'not yet';
		is $first->{retry_ms}, 2000, 'ask again in two seconds';
	}
	my $made = polled(42, $request);
	outcome($made, 'done', '', 'made');
	is scalar @{$made->{result}{files}}, 1, 'one file';
	my $fetched = done($media, 'fetch', job => 42, fence => 3, payload => {job => 42, files => $made->{result}{files}});
	outcome($fetched, 'done', '', 'fetched');
	my $file = $fetched->{result}{files}[0];
	like $file->{path}, qr{^42/\d+\.3/0\.png$}, 'in its place';
	is "$file->{type} $file->{width}x$file->{height}", 'image/png 512x512', 'looked at';
	is -s "$dir/spool/$file->{path}", $file->{bytes}, 'whole';
	is((stat "$dir/spool/42")[2] & 07777, 0750, 'nobody but the group may look');
	my $sent = done($chat, 'photo', chat => $ann, job => 42,
		payload => {notice => 'result', args => {job => 42}, files => [$file]});
	outcome($sent, 'done', '', 'delivered');
	like $sent->{result}{file_id}, qr/^AgAC/, 'as a photo';
	ok $sent->{result}{file_unique_id}, 'with its unique id';
	fault(side => 'telegram', match => 'sendPhoto', action => 'status', status => 400,
		body => {ok => \0, error_code => 400, description => 'Bad Request: PHOTO_INVALID_DIMENSIONS'});
	my $as_file = done($chat, 'photo', chat => $ann, job => 42,
		payload => {notice => 'result', args => {job => 42}, files => [$file]});
	outcome($as_file, 'done', '', 'as a file when it is no photo for Telegram');
	like $as_file->{result}{file_id}, qr/^BQAC/, 'a document';
	outcome(done($media, 'sweep', job => 42, payload => {job => 42}), 'done', '', 'swept');
	ok !-e "$dir/spool/42", 'nothing is left';
	outcome(done($media, 'sweep', job => 42, payload => {job => 42}), 'done', '', 'twice is fine');
	outcome(done($chat, 'photo', chat => $ann, job => 42,
		payload => {notice => 'result', args => {job => 42}, files => [$file]}), 'refused', 'ours', 'nothing to send');
};

subtest 'ends without a picture' => sub {
	my %end = (policy => 'refused policy', nsfw => 'refused policy', fail => 'refused busy', nothing => 'refused empty',
		422 => 'refused input');
	my %request = map {
		$_ => done($media, 'submit', job => 50, payload => {%order, job => 50, input => input("a cat [$_]")})->{result}
	} sort keys %end;
	for my $word (sort keys %end) {
		my $report = polled(50, $request{$word});
		outcome($report, split(' ', $end{$word}), "ends with $word");
	}
	my $running = done($media, 'submit', job => 51, payload => {%order, job => 51, input => input('a cat [stuck]')})->{result};
	my $cancelled = done($media, 'cancel', job => 51, payload => {%order, job => 51, request => $running});
	outcome($cancelled, 'done', '', 'called off');
	outcome(polled(51, $running), 'refused', 'gone', 'and asked about afterwards');
	my $html = done($media, 'submit', job => 52, payload => {%order, job => 52, input => input('a cat [notimage]')})->{result};
	my $files = polled(52, $html)->{result}{files};
	outcome(done($media, 'fetch', job => 52, payload => {job => 52, files => $files}), 'refused', 'ours', 'not a picture');
	ok !glob("$dir/spool/52/*/*"), 'and not kept';
	outcome(done($media, 'fetch', job => 53, payload => {job => 53, files => [{url => "$https/fal/media/files/x/y.png"}]}),
		'refused', 'empty', 'a file that is gone');
	my $huge = done($media, 'submit', job => 54, payload => {%order, job => 54, input => input('a cat [huge]')})->{result};
	$files = polled(54, $huge)->{result}{files};
	my $large = done($media, 'fetch', job => 54, payload => {job => 54, files => $files});
	outcome($large, 'done', '', '30 MB are fetched');
	my $document = done($chat, 'photo', chat => $ann, job => 54,
		payload => {notice => 'result', args => {job => 54}, files => $large->{result}{files}});
	like $document->{result}{file_id}, qr/^BQAC/, 'and sent as a file';
};

subtest 'orders' => sub {
	my @bad = ([status => 401, 'refused', 'funds'], [status => 403, 'refused', 'funds'], [status => 404, 'refused', 'gone'],
		[status => 422, 'refused', 'input'], [status => 503, 'unknown', 'busy'], ['429', 429, 'later', 'rate'],
		[wrong => 200, 'unknown', 'busy'], [reset => 0, 'unknown', 'busy']);
	my $before = $market->look('counts')->{fal}{submits};
	for my $bad (@bad) {
		my ($action, $status, $outcome, $class) = @$bad;
		fault(side => 'fal', match => '^submit', action => $action, status => $status, body => {detail => 'no'});
		my $report = done($media, 'submit', job => 60, payload => {%order, job => 60, input => input('x')});
		outcome($report, $outcome, $class, "answer: $action $status");
	}
	is $market->look('counts')->{fal}{submits}, $before, 'none was placed';
	outcome(done($media, 'submit', job => 60, payload => {%order, model => '../../etc', input => input('x')}),
		'refused', 'ours', 'a model that is none');
};

subtest 'an order whose answer was lost' => sub {
	my $since = int time;
	my $input = input('a lost cat');
	my $before = $market->look('counts')->{fal}{submits};
	fault(side => 'fal', match => '^submit', action => 'lose');
	outcome(done($media, 'submit', job => 61, payload => {%order, job => 61, input => $input}), 'unknown', 'busy', 'unknown');
	is $market->look('counts')->{fal}{submits}, $before + 1, 'ordered once';
	my %look = (%order, job => 61, since => $since);
	outcome(done($media, 'lookup', job => 61, payload => {%look, input => input('nobody asked for this')}),
		'later', '', 'another input is not found');
	my $found;
	wait_until('it is in the history', 5, sub {
		$found = done($media, 'lookup', job => 61, payload => {%look, input => $input});
		return ($found->{outcome} // '') ne 'later';
	});
	outcome($found, 'done', '', 'found');
	outcome(polled(61, $found->{result}), 'done', '', 'and taken over');
	done($media, 'submit', job => 62, payload => {%order, job => 62, input => $input});
	wait_until('the twin is in the history', 5, sub {
		$found = done($media, 'lookup', job => 61, payload => {%look, input => $input});
		return ($found->{outcome} // '') eq 'failed';
	});
	outcome($found, 'failed', 'ours', 'two alike are not guessed between');
};

subtest 'addresses from outside' => sub {
	my $refused = sub ($url, $name) {
		outcome(done($media, 'fetch', job => 70, payload => {job => 70, files => [{url => $url}]}), 'refused', 'ours', $name);
	};
	$refused->("https://localhost:$port/fal/media/files/x/y.png", 'a host that is not listed');
	$refused->("https://127.0.0.1:$port\@example.com/x.png", 'a user');
	$refused->("http://127.0.0.1:$port/x.png", 'not https');
	$refused->('file:///etc/passwd', 'a file');
	outcome(done($media, 'poll', job => 70, payload => {%order, request => {request_id => 'abc',
		status_url => "https://evil.example/requests/abc/status", response_url => '', cancel_url => ''}}),
		'refused', 'ours', 'the key goes to the queue only');
	my $strict = desk('media');
	kill KILL => $painter->{pid};
	waitpid $painter->{pid}, 0;
	$painter = begin('media', $strict, MEDIA_PRIVATE => 'no', FAL_KEY => '');
	my $report = done($strict, 'fetch', job => 71, payload => {job => 71, files => [{url => "$https/fal/media/files/x/y.png"}]});
	outcome($report, 'refused', 'ours', 'a private address');
	like $report->{text}, qr/private/, 'says so';
	outcome(done($strict, 'submit', job => 71, payload => {%order, input => input('x')}), 'refused', 'funds', 'no key');
};

subtest 'nothing was sent' => sub {
	my $desk = desk('media');
	my $closed = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die;
	my $nobody = 'https://127.0.0.1:' . $closed->sockport;
	close $closed;
	# Takes every connection and says something that is not TLS.
	my $plain = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
	my $pid = fork // die;
	if (!$pid) {
		while (my $client = $plain->accept) { print $client "HTTP/1.1 200 OK\r\n\r\n"; close $client }
		POSIX::_exit(0);
	}
	our @pids;
	push @pids, $pid;
	my %where = ('nobody listens' => {FAL_QUEUE_URL => $nobody}, 'no such name' => {FAL_QUEUE_URL => 'https://nobody.invalid'},
		'not TLS' => {FAL_QUEUE_URL => 'https://127.0.0.1:' . $plain->sockport},
		'a certificate of nobody we know' => {CA_FILE => '/dev/null'});
	for my $name (sort keys %where) {
		kill KILL => $painter->{pid};
		waitpid $painter->{pid}, 0;
		$painter = start('media', %{$where{$name}});
		push @pids, $painter->{pid};
		desk_accept($desk) or die;
		of_type($desk, 'CREDIT') or die;
		my $report = done($desk, 'submit', job => 90, payload => {%order, input => input('x')});
		outcome($report, 'failed', 'busy', "$name: surely not ordered");
		unlike $report->{text}, qr/127\.0|invalid|https/, 'without the address';
	}
	kill KILL => $pid;
	waitpid $pid, 0;
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

subtest 'cancel' => sub {
	my $other = desk('media');
	kill KILL => $painter->{pid};
	waitpid $painter->{pid}, 0;
	$painter = begin('media', $other);
	my $delay = fault(side => 'fal', match => '^status', action => 'delay', ms => 3000);
	my $request = done($other, 'submit', job => 80, payload => {%order, job => 80, input => input('x')})->{result};
	my $poll = task($other, 'poll', job => 80, payload => {%order, request => $request});
	met($delay);
	my $at = time;
	put($other, 'CANCEL', $poll, 1);
	outcome(report($other, $poll), 'failed', 'late', 'a question is dropped');
	ok time - $at < 2, 'at once';
	$media = $other;
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
	close $painter->{life};
	ok of_type($media, 'BYE'), 'with nothing in hand at once';
	is ended($painter), 0, 'leaves well';
};

# ---- Payments -----------------------------------------------------------------------------------

my $pay = desk('pay');
my $cashier = begin('pay', $pay);

sub order ($provider, $n, %more) {
	return {payment => $n, provider => $provider, order => "a$n", key => "pay-$n", amount => 29_900,
		currency => 'RUB', description => "Пополнение №$n", person => $ann, %more};
}

subtest 'YooKassa' => sub {
	my $made = done($pay, 'pay_create', payload => order('yookassa', 1));
	outcome($made, 'done', '', 'opened');
	my $id = $made->{result}{ext_id};
	like $made->{result}{url}, qr{^http://127\.0\.0\.1:\d+/checkout/}, 'where the payer goes';
	delete @{$made->{result}}{qw(url ext_id)};
	is_deeply $made->{result}, {found => JSON::PP::true, order => 'a1', status => 'pending', raw => 'pending',
		amount => 29_900, currency => 'RUB', paid => 0, refunded => 0, test => JSON::PP::true, shop => $SHOP}, 'the truth';
	is done($pay, 'pay_create', payload => order('yookassa', 1))->{result}{ext_id}, $id, 'the same key, the same payment';
	outcome(done($pay, 'pay_create', payload => order('yookassa', 1, amount => 100_00)), 'refused', 'ours',
		'the same key for something else');
	outcome(done($pay, 'pay_create', payload => order('yookassa', 2, amount => 50)), 'refused', 'input', 'too little');
	$market->control(pay => {provider => 'yookassa', id => $id});
	my $asked = done($pay, 'pay_ask', payload => {provider => 'yookassa', order => 'a1', ext_id => $id});
	outcome($asked, 'done', '', 'asked');
	is_deeply [@{$asked->{result}}{qw(status paid refunded)}], ['succeeded', 29_900, 0], 'paid';
	my $refund = done($pay, 'pay_refund', payload => {refund => 1, payment => 1, provider => 'yookassa',
		ext_id => $id, key => 'refund-1', amount => 10_000, currency => 'RUB', description => 'Возврат'});
	outcome($refund, 'done', '', 'given back');
	is_deeply [@{$refund->{result}}{qw(status payment amount)}], ['succeeded', $id, 10_000], 'a part of it';
	is_deeply done($pay, 'pay_refund_ask', payload => {provider => 'yookassa',
		refund_ext_id => $refund->{result}{ext_id}})->{result}, $refund->{result}, 'asked for';
	outcome(done($pay, 'pay_refund', payload => {refund => 2, payment => 1, provider => 'yookassa',
		ext_id => $id, key => 'refund-2', amount => 29_900, currency => 'RUB', description => 'Возврат'}),
		'refused', 'input', 'not more than is left');
	my $none = done($pay, 'pay_ask', payload => {provider => 'yookassa', ext_id => '2f3a1b20-000f-5000-8000-000000000000'});
	outcome($none, 'done', '', 'unknown');
	is_deeply $none->{result}, {found => JSON::PP::false}, 'and told so';
	my %page = (provider => 'yookassa', since => int(time) - 3600, until => int(time) + 3600, cursor => undef);
	is_deeply [map { $_->{ext_id} } @{done($pay, 'pay_list', payload => {%page, what => 'payments'})->{result}{items}}],
		[$id], 'listed';
	is_deeply [map { $_->{payment} } @{done($pay, 'pay_list', payload => {%page, what => 'refunds'})->{result}{items}}],
		[$id], 'the refunds, too';
};

subtest 'YooKassa, in trouble' => sub {
	for my $fault ([action => 'lose'], [action => 'status', status => 500], [action => 'reset'], [action => 'wrong'],
		[action => 'status', status => 502, done => JSON::PP::true]) {
		fault(side => 'yookassa', match => '^POST /payments', @$fault);
		my $n = 10 + state $count++;
		outcome(done($pay, 'pay_create', payload => order('yookassa', $n)), 'later', 'busy', "@$fault: later");
		outcome(done($pay, 'pay_create', payload => order('yookassa', $n)), 'done', '', 'then it is opened');
	}
	fault(side => 'yookassa', match => '^POST /payments', action => '429');
	outcome(done($pay, 'pay_create', payload => order('yookassa', 20)), 'later', 'rate', 'too many');
	fault(side => 'yookassa', match => '^POST /payments', action => 'status', status => 202,
		body => {type => 'processing', retry_after => 900});
	my $wait = done($pay, 'pay_create', payload => order('yookassa', 20));
	outcome($wait, 'later', 'rate', 'still working on it');
	is $wait->{retry_ms}, 900, 'as long as it was told';
	$market->control(set => {yookassa_account => 'bad'});
	outcome(done($pay, 'pay_create', payload => order('yookassa', 20)), 'refused', 'funds', 'a key that is not taken');
	$market->control(set => {yookassa_account => 'good'});
	outcome(done($pay, 'pay_create', payload => {%{order('yookassa', 20)}, provider => 'nobody'}), 'refused', 'ours',
		'an unknown provider');
	my $count = $market->look('payments')->{counts}{yookassa} // {};
	is_deeply [grep { $_ > 1 } values %{$count->{payments_by_order} // {}}], [], 'one payment for each order';
};

subtest 'Betatransfer' => sub {
	my $made = done($pay, 'pay_create', payload => order('betatransfer', 31));
	outcome($made, 'done', '', 'opened');
	my $id = $made->{result}{ext_id};
	like $made->{result}{url}, qr{/checkout/betatransfer/\Q$id\E$}, 'where the payer goes';
	my %ask = (provider => 'betatransfer', order => 'a31');
	my $asked = done($pay, 'pay_ask', payload => {%ask, ext_id => $id});
	is_deeply [@{$asked->{result}}{qw(status amount paid)}], ['pending', 29_900, 0], 'nothing is paid';
	$market->control(pay => {provider => 'betatransfer', order => 'a31', action => 'partial', amount => '100.00'});
	is_deeply [@{done($pay, 'pay_ask', payload => \%ask)->{result}}{qw(status amount paid)}],
		['partial', 29_900, 10_000], 'a part, asked for by the order';
	$market->control(pay => {provider => 'betatransfer', order => 'a31'});
	is_deeply [@{done($pay, 'pay_ask', payload => \%ask)->{result}}{qw(status amount paid)}],
		['succeeded', 29_900, 29_900], 'all of it';
	is done($pay, 'pay_create', payload => order('betatransfer', 31))->{result}{ext_id}, $id,
		'the order once more: the payment that is there';
	is_deeply done($pay, 'pay_ask', payload => {%ask, order => 'a32'})->{result}, {found => JSON::PP::false}, 'unknown';
	fault(side => 'betatransfer', match => '^POST /payment', action => 'lose');
	my $lost = done($pay, 'pay_create', payload => order('betatransfer', 33));
	outcome($lost, 'later', 'busy', 'its answer is lost');
	my $found = done($pay, 'pay_create', payload => order('betatransfer', 33), memo => $lost->{result});
	outcome($found, 'done', '', 'found again');
	is $found->{result}{order}, 'a33', 'by its order';
	fault(side => 'betatransfer', match => '^POST /payment', action => 'reset');
	$lost = done($pay, 'pay_create', payload => order('betatransfer', 34));
	outcome(done($pay, 'pay_create', payload => order('betatransfer', 34), memo => $lost->{result}), 'done', '',
		'never came: sent again');
	$market->control(set => {betatransfer_account => 'bad'});
	outcome(done($pay, 'pay_ask', payload => \%ask), 'refused', 'funds', 'a token that is not taken');
	$market->control(set => {betatransfer_account => 'good'});
	outcome(done($pay, 'pay_refund', payload => {provider => 'betatransfer'}), 'refused', 'gone', 'no refunds there');
	my $list = done($pay, 'pay_list', payload => {provider => 'betatransfer', what => 'payments', since => 0,
		until => 1, cursor => undef});
	is_deeply [sort map { $_->{order} } @{$list->{result}{items}}], [qw(a31 a33 a34)], 'listed';
	close $cashier->{life};
	is ended($cashier), 0, 'leaves well';
	close $pay->{socket};
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
	push our @pids, $alone->{pid};
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
	my $spy = desk('chat');
	my $again = begin('chat', $spy);
	outcome(done($spy, 'say', chat => $ann, payload => $say), 'done', '', 'works');
	my $shown = slurp("/proc/$again->{pid}/cmdline") . slurp("/proc/$again->{pid}/environ");
	close $again->{life};
	is ended($again), 0, 'leaves';
	my $logs = join '', map { slurp($_) } glob "$dir/*.log";
	my ($key) = $market->fal_key =~ /^(.*)$/;
	for my $secret ($market->token, $SECRET, $key, $SHOP_KEY, $TOKEN, $SIGNS) {
		unlike $shown, qr/\Q$secret\E/, 'not in arguments or environment';
		unlike $logs, qr/\Q$secret\E/, 'not in the log';
	}
	like $logs, qr/task=\d+ kind=say job=\d+ outcome=done class=- ms=\d+/, 'the log tells the ends';
};

is_deeply $market->look('strange')->{strange}, [], 'nothing that a careful client never does';
done_testing;
