#!/usr/bin/perl
# The media lane: orders, results and pictures made anew, against the market's providers.
use v5.36;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Helper qw($market $https $port $ann $dir $json @pids desk desk_accept put of_type
	task report done start ended stop begin fault met outcome tells_no_secret);
use Atelier::Test qw(source_dir wait_until slurp spew);
use IO::Socket::INET;
use IO::Socket::SSL;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

my $GEMINI_KEY = 'gemini-key-0123456789';
my $chat = desk('chat');
my $clerk = begin('chat', $chat);
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
	stop($painter);
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
	push @pids, $pid;
	my %where = ('nobody listens' => {FAL_QUEUE_URL => $nobody}, 'no such name' => {FAL_QUEUE_URL => 'https://nobody.invalid'},
		'not TLS' => {FAL_QUEUE_URL => 'https://127.0.0.1:' . $plain->sockport},
		'a certificate of nobody we know' => {CA_FILE => '/dev/null'});
	for my $name (sort keys %where) {
		stop($painter);
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
subtest 'cancel' => sub {
	my $other = desk('media');
	stop($painter);
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

# ---- Pictures made anew ---------------------------------------------------------------------------

# Puts bytes where a take would have; the FILE.
sub kept ($job, $n, $ending, $type, $bytes) {
	mkdir $_ for "$dir/spool/$job", "$dir/spool/$job/1.1";
	spew("$dir/spool/$job/1.1/$n.$ending", $bytes, 0640);
	return {path => "$job/1.1/$n.$ending", type => $type, bytes => length $bytes};
}

sub picture ($name) { return slurp(source_dir() . "/t/data/pictures/$name") }

# The children of the helper at this moment.
sub children { return split ' ', slurp("/proc/$painter->{pid}/task/$painter->{pid}/children") }

my $film = "\0\0\0\x18ftypisom\0\0\2\0" . 'film' x 100;

subtest 'pictures are made anew, films are not' => sub {
	my $photo = kept(300, 0, 'jpg', 'image/jpeg', picture('turned.jpg'));
	my $clip = kept(300, 1, 'mp4', 'video/mp4', $film);
	my $made = done($media, 'clean', job => 300, fence => 4, payload => {job => 300, files => [$photo, $clip]});
	outcome($made, 'done', '', 'cleaned');
	my ($new, $same) = @{$made->{result}{files}};
	like $new->{path}, qr{^300/\d+\.4/0\.jpg$}, 'in a place of its own';
	is "$new->{type} $new->{width}x$new->{height}", 'image/jpeg 48x64', 'upright';
	like picture('turned.jpg'), qr/probe-camera/, 'a camera was named';
	unlike slurp("$dir/spool/$new->{path}"), qr/probe-camera|Exif/, 'and is no more';
	is((stat "$dir/spool/$new->{path}")[2] & 07777, 0640, 'nginx may read it');
	is_deeply $same, $clip, 'the film is where it was';
	my %bad = ('words' x 100 => 'not-an-image', substr(picture('turned.jpg'), 0, 400) => 'broken',
		"\x89PNG\r\n\x1a\n" . 'x' x 100 => 'broken');
	for my $bytes (sort keys %bad) {
		my $report = done($media, 'clean', job => 301, payload => {job => 301,
			files => [kept(301, 0, 'jpg', 'image/jpeg', $bytes)]});
		outcome($report, 'refused', 'input', "$bad{$bytes}: refused");
		is $report->{text}, $bad{$bytes}, "in render's word";
	}
	outcome(done($media, 'clean', job => 302, payload => {job => 302,
		files => [{path => '302/1.1/9.jpg', type => 'image/jpeg'}]}), 'failed', 'ours', 'a file that is not there');
	outcome(done($media, 'clean', job => 302, payload => {job => 302,
		files => [{path => '../settings', type => 'image/jpeg'}]}), 'refused', 'ours', 'a file out of the spool');
	outcome(done($media, 'clean', job => 302, payload => {job => 302, files => []}), 'refused', 'ours', 'no file');
};

subtest 'words on a picture' => sub {
	my $file = kept(310, 0, 'webp', 'image/webp', picture('lossy.webp'));
	my $secret = 'тайное-слово-7219';
	my $render = sub (%more) { return task($media, 'render', job => 310,
		payload => {job => 310, do => 'add_text', files => [$file], %more}) };
	my $id = $render->(text => $secret);
	my ($shown, $made) = ('');
	wait_until('it is drawn', 20, sub {
		$shown .= slurp("/proc/$_/cmdline") . slurp("/proc/$_/environ") for children();
		$made = report($media, $id, 0.001);
		return $made->{outcome};
	});
	outcome($made, 'done', '', 'drawn');
	is "@{$made->{result}{files}[0]}{qw(type width height)}", 'image/jpeg 64 48', 'a picture of the same size';
	like $shown, qr/render\0text\0/, 'its program was seen';
	unlike $shown, qr/7219/, 'and not the words';
	outcome(report($media, $render->(text => " \n")), 'refused', 'input', 'no words');
	outcome(report($media, $render->(text => "а\n" x 199)), 'refused', 'input', 'more lines than a picture has room for');
	outcome(report($media, $render->()), 'refused', 'ours', 'no text');
	outcome(report($media, $render->(text => 'x', do => 'chart')), 'refused', 'ours', 'another work');
};

subtest 'a chart, from figures to chat to nothing' => sub {
	my $place = 1 << 62;            # where no job's number reaches
	my %series = (name => 'chart.people', values => [0, 5, 12]);
	my %panel = (title => 'chart.revenue', unit => "₽", series => [\%series]);
	my %chart = (title => 'chart.title', days => ['19.11', '20.11', '21.11'], panels => [\%panel]);
	my $draw = sub ($chart, %more) { return done($media, 'chart', fence => 2,
		payload => {job => $place, lang => 'ru', chart => $chart, %more}) };
	my $made = $draw->(\%chart);
	outcome($made, 'done', '', 'drawn');
	my ($file) = @{$made->{result}{files}};
	like $file->{path}, qr{^$place/\d+\.2/0\.png$}, 'in a place of its own';
	is "@$file{qw(type width height)}", 'image/png 1200 450', 'a picture';
	is -s "$dir/spool/$file->{path}", $file->{bytes}, 'whole';
	my $sent = done($chat, 'photo', chat => $ann, payload => {notice => 'chart', args => {}, files => [$file], place => $place});
	outcome($sent, 'done', '', 'sent without a job');
	like $sent->{result}{file_id}, qr/^AgAC/, 'as a photo';
	outcome($draw->({%chart, days => [], panels => [{%panel, series => [{%series, values => []}]}]}), 'done', '', 'no days');
	my %wrong = ('no figures' => {}, 'no panel' => {%chart, panels => []}, 'a day that is none' => {%chart, days => [19, 20, 21]},
		'no unit' => {%chart, panels => [{%panel, unit => undef}]}, 'a title that is none' => {%chart, title => 7});
	my %values = ('a day without a figure' => [0, 5], 'less than none' => [0, 5, -1], 'a part' => [0, 5, 1.5],
		'a number in quotes' => [0, 5, '12'], 'nothing' => [0, 5, undef]);
	$wrong{$_} = {%chart, panels => [{%panel, series => [{%series, values => $values{$_}}]}]} for keys %values;
	outcome($draw->($wrong{$_}), 'refused', 'ours', $_) for sort keys %wrong;
	outcome($draw->(\%chart, job => 0), 'refused', 'ours', 'no place for it');
	outcome($draw->({%chart, panels => [(\%panel) x 7]}), 'failed', 'ours', 'more than render draws');
	outcome(done($media, 'sweep', payload => {job => $place}), 'done', '', 'swept');
	ok !-e "$dir/spool/$place", 'nothing is left';
};

subtest 'two at a time' => sub {
	my $file = kept(320, 0, 'webp', 'image/webp', picture('lossy.webp'));
	my @tasks = map { task($media, 'render', job => 320, fence => $_,
		payload => {job => 320, do => 'add_text', text => "слово $_ 😀", files => [$file]}) } 1 .. 12;
	my $dropped = pop @tasks;
	put($media, 'CANCEL', $dropped, 12);
	my ($most, %ended) = (0);
	wait_until('all are drawn', 30, sub {
		my $now = () = children();
		$most = $now if $now > $most;
		for my $id (grep { !$ended{$_} } @tasks, $dropped) {
			my $report = report($media, $id, 0.001);
			$ended{$id} = $report if $report->{outcome};
		}
		return keys %ended == @tasks + 1;
	});
	is $most, 2, 'two at once, the others wait';
	is scalar(grep { ($ended{$_}{outcome} // '') eq 'done' } @tasks), 11, 'all are done';
	outcome($ended{$dropped}, 'failed', 'late', 'but for the one that was called off');
	is_deeply [children()], [], 'no child is left';
};

subtest 'what is kept of a job' => sub {
	my @files = map { kept(330, $_, 'png', 'image/png', "file $_") } 0 .. 2;
	mkdir "$dir/spool/330/2.1";
	spew("$dir/spool/330/2.1/0.part.new", 'half');
	my $swept = done($media, 'sweep', job => 330, payload => {job => 330, keep => [$files[1]{path}, '330/9.9/0.png']});
	outcome($swept, 'done', '', 'swept');
	is_deeply [map { s{.*/spool/}{}r } glob "$dir/spool/330/*/*"], [$files[1]{path}], 'one file stays';
	ok !-d "$dir/spool/330/2.1", 'a place with nothing in it goes';
	outcome(done($media, 'sweep', job => 330, payload => {job => 330, keep => [$files[1]{path}]}), 'done', '', 'twice is fine');
	outcome(done($media, 'sweep', job => 330, payload => {job => 330}), 'done', '', 'then all of it');
	ok !-e "$dir/spool/330", 'nothing is left';
	my $mine = kept(331, 0, 'png', 'image/png', 'x');
	spew("$dir/spool/331/1.1/README", 'not ours');
	outcome(done($media, 'sweep', job => 331, payload => {job => 331}), 'refused', 'ours', 'what is not ours is told');
	ok -e "$dir/spool/331/1.1/README", 'and left alone';
};

# ---- Results within answers -----------------------------------------------------------------------

# A Gemini of a few lines, for answers that the market would not give. It keeps the last request's body.
sub gemini ($answers) {
	my $server = IO::Socket::SSL->new(Listen => 5, LocalAddr => '127.0.0.1', SSL_server => 1,
		SSL_cert_file => $market->dir->child('cert.pem')->to_string, SSL_key_file => $market->dir->child('key.pem')->to_string)
		or die "gemini: $IO::Socket::SSL::SSL_ERROR";
	my $pid = fork // die;
	if (!$pid) {
		while (1) {
			my $client = $server->accept or next;
			my ($head, $body) = ('', '');
			1 while $head !~ /\r\n\r\n\z/ && read $client, $head, 1, length $head;
			my ($length) = $head =~ /^content-length: *(\d+)/mi;
			print $client "HTTP/1.1 100 Continue\r\n\r\n" if $head =~ /^expect:/mi;
			1 while length $body < ($length // 0) && read $client, $body, $length - length $body, length $body;
			spew("$dir/gemini.body", $body);
			my ($word) = $body =~ /\[(\w+)\]/;
			my $answer = $answers->{$word // ''} // '{}';
			print $client "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " . length($answer)
				. "\r\nConnection: close\r\n\r\n$answer";
			close $client;
		}
	}
	push @pids, $pid;
	return 'https://127.0.0.1:' . $server->sockport;
}

sub inline (@data) {
	return $json->encode({candidates => [{finishReason => 'STOP',
		content => {parts => [map { {inlineData => {mimeType => 'image/png', data => $_}} } @data]}}]});
}

subtest 'a result within an answer' => sub {
	my $large = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" . pack('N N', 4096, 4096) . 'pixels' x (5 << 20);
	my $small = picture('clear16.png');
	stop($painter);
	my $url = gemini({
		small => inline(encode_base64($small, '')), large => inline(encode_base64($large, '')),
		words => inline(encode_base64('no picture', '')), junk => inline('****'),
		endless => inline('A' x (60 << 20)),
	});
	my $fake = $pids[-1];
	$painter = begin('media', $media, NANO_BANANA_API_KEY => $GEMINI_KEY, NANO_BANANA_API_URL => $url);
	my $submit = sub ($job, $word, @files) { return report($media, task($media, 'submit', job => $job, fence => 3,
		payload => {job => $job, provider => 'gemini', model => 'gemini-3-pro-image', order => "job-$job",
			input => {prompt => "кот [$word]"}, places => ['inline[]'], files => \@files}), 30) };
	my %result = (small => $small, large => $large);
	for my $word (sort keys %result) {
		my $given = kept(340, 0, 'jpg', 'image/jpeg', picture('turned.jpg'));
		my $made = $submit->(340, $word, $given);
		outcome($made, 'done', '', "$word: made");
		my $file = $made->{result}{files}[0];
		like $file->{path}, qr{^340/\d+\.3/0\.png$}, 'a file of the spool';
		ok slurp("$dir/spool/$file->{path}") eq $result{$word} && $file->{bytes} == length $result{$word}, 'byte for byte';
		is_deeply [grep { /part/ } glob "$dir/spool/340/*/*"], [], 'the answer itself is not kept';
		my ($sent) = map { $_->{inline_data}{data} // () } @{$json->decode(slurp("$dir/gemini.body"))->{contents}[0]{parts}};
		is $sent, encode_base64(picture('turned.jpg'), ''), 'it was given the picture';
	}
	outcome($submit->(341, 'words'), 'refused', 'ours', 'what is no picture');
	outcome($submit->(341, 'junk'), 'refused', 'ours', 'what is no base64');
	outcome($submit->(341, 'endless'), 'unknown', 'busy', 'more than may be');
	ok wait_until('it is deleted', 5, sub { !glob "$dir/spool/341/*/*" }), 'nothing of it is kept';
	stop({pid => $fake});
};

subtest 'drain' => sub {
	close $painter->{life};
	ok of_type($media, 'BYE'), 'with nothing in hand at once';
	is ended($painter), 0, 'leaves well';
	close $clerk->{life};
	is ended($clerk), 0, 'the other, too';
};

subtest 'secrets' => sub {
	my $logs = tells_no_secret('media', [$GEMINI_KEY], 'sweep', job => 1, payload => {job => 1});
	like $logs, qr/task=\d+ kind=submit job=\d+ outcome=done class=- ms=\d+/, 'the log tells the ends';
};

is_deeply $market->look('strange')->{strange}, [], 'nothing that a careful client never does';
done_testing;
