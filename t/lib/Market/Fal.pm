package Market::Fal;
use Mojo::Base -base, -signatures;

# fal.ai's queue, history and files. State is a function of the clock: a request knows when it
# was submitted and how long it takes, and nothing has to tick.
#
# Scripted ends, by words in the prompt:
my %SCRIPT = (
    policy   => 'completes; the result is 422 content_policy_violation',
    nsfw     => 'completes; 200 with has_nsfw_concepts true',
    fail     => 'completes; the result is 500 internal_server_error, x-fal-retryable true',
    stuck    => 'stays IN_PROGRESS for ever',
    notimage => 'completes; the file says image/png and is HTML',
    huge     => 'completes; the file is 30 MB',
    nothing  => 'completes; 422 no_media_generated',
    422      => 'completes; the result is 422 with an ordinary input error',
);

# Assumptions, where the facts give no names:
#   result before the end      400 {"detail":"Request is still in progress"}
#   unknown request            404 {"detail":"Request not found"}
#   cancelled                  COMPLETED with error_type client_cancelled; result 400 in shape B
#   history                    {items:[{request_id, endpoint_id, status, status_code, sent_at,
#                              started_at, ended_at, duration, json_input, json_output}],
#                              has_more, next_cursor}; start is inclusive, end is not
#   a result is kept for an hour, as with payload storage off (setting fal_keep_s)
use Market::FalModel;
use Market::Media;
use Mojo::Date;
use Mojo::JSON qw(decode_json encode_json to_json true false);
use Mojo::Util qw(encode);
use Time::HiRes qw(time);

has [qw(world key)];
has requests  => sub { {} };
has by_input  => sub { {} };
has by_prompt => sub { {} };
has files     => sub { {} };
has submits   => 0;
has account   => 'good';       # good | no_funds | bad_key, by control

sub routes ($self, $r) {
    $r->any('/fal/queue/*rest' => sub ($c) { $self->queue($c) });
    $r->get('/fal/api/v1/models/requests/by-endpoint' => sub ($c) {
        $self->world->fault->serve($c, 'fal', 'history',
            sub { $self->guard($c) // $self->history($c) });
    });
    $r->get('/fal/media/files/:random/:name' => [name => qr{[^/]+}] => sub ($c) {
        $self->world->fault->serve($c, 'fal', 'media', sub { $self->media($c) });
    });
    return;
}

sub json ($status, $body, %head) {
    return [$status, {'Content-Type' => 'application/json', %head}, encode_json($body)];
}

# Shape A: the model's errors.
sub model_error ($status, $type, $msg, $loc, %more) {
    my $retry = $more{retry} ? 'true' : 'false';
    my %item = (loc => $loc, msg => $msg, type => $type,
        url => "https://docs.fal.ai/errors/#$type");
    $item{input} = $more{input} if exists $more{input};
    return json($status, {detail => [\%item]}, 'X-Fal-Retryable' => $retry,
        'X-Fal-Error-Type' => $type);
}

# Shape B: errors of the queue itself.
sub queue_error ($status, $type, $text) {
    return json($status, {detail => $text, error_type => $type}, 'X-Fal-Error-Type' => $type);
}

sub guard ($self, $c) {
    my $given = $c->req->headers->authorization // '';
    my $bad   = json(401, {detail => 'Cannot access application. Authentication is required.'});
    my $answer
        = $given ne 'Key ' . $self->key || $self->account eq 'bad_key' ? $bad
        : $self->account eq 'no_funds' ? json(403, {detail => 'User is locked. Reason: Exhausted '
            . 'balance. Top up your balance at fal.ai/dashboard/billing.'})
        : return undef;
    $self->world->log->add(fal => 'guard', path => $c->req->url->path->to_string,
        status => $answer->[0]);
    return $answer;
}

sub queue ($self, $c) {
    my $rest   = $c->stash('rest');
    my $method = $c->req->method;
    my ($app, $id, $tail) = $rest =~ m{^(.+)/requests/([^/]+)(?:/(.+))?$};
    my $what = !defined $id ? 'submit' : ($tail // 'result');
    return $self->world->fault->serve($c, 'fal', "$what $rest", sub {
        my $refused = $self->guard($c);
        return $refused if $refused;
        my $answer
            = $what eq 'submit' && $method eq 'POST' ? $self->submit($c, $rest)
            : $what eq 'result' && $method eq 'GET'  ? $self->result($app, $id)
            : $what eq 'status' && $method eq 'GET'  ? $self->status($c, $app, $id)
            : $what eq 'cancel' && $method eq 'PUT'  ? $self->cancel($app, $id)
            :                                          json(405, {detail => 'Method Not Allowed'});
        $self->world->log->add(fal => $what, path => $rest, status => $answer->[0],
            request_id => $id // $self->{last_id}, fault => $c->stash('fault'));
        return $answer;
    });
}

sub submit ($self, $c, $model) {
    delete $self->{last_id};
    my $known = Market::FalModel::find($model)
        or return json(404, {detail => "Application \"$model\" not found"});
    my $type = $c->req->headers->content_type // '';
    $self->world->log->note(fal => 'submit', "content type '$type'")
        if $type !~ m{^application/json}i;
    my $input = eval { decode_json($c->req->body) };
    return model_error(422, 'json_invalid', 'JSON decode error', ['body'])
        unless ref $input eq 'HASH';
    if (my $wrong = Market::FalModel::wrong($known, $input)) {
        return model_error(422, @$wrong{qw(type msg loc)}, input => $wrong->{input});
    }
    return json(404, {detail => "Application \"$model\" not found"}) if ($input->{prompt} // '') =~ /\[gone\]/;
    my @given;
    for my $url (Market::FalModel::urls($known, $input)) {
        my ($bytes, $ext) = $self->world->work->fetch($url);
        return model_error(422, 'file_download_error', "Failed to download the file: $ext", ['body']) if !defined $bytes;
        return model_error(422, 'image_load_error', 'Failed to load the image', ['body']) if $ext !~ /^(?:png|jpg|webp)$/;
        push @given, $bytes;
    }
    my $id      = _uuid();
    my $base    = join '/', (split m{/}, $model)[0, 1];
    my ($least, $most) = @{$self->world->setting}{qw(fal_ms fal_ms_to)};
    my $seconds = ($least + ($most > $least ? rand($most - $least) : 0)) / 1000;
    $self->requests->{$id} = {id => $id, model => $model, base => $base, input => $input,
        given => \@given, at => time, takes => $seconds, script => _script($input->{prompt} // '')};
    $self->{last_id} = $id;
    $self->submits($self->submits + 1);
    $self->by_input->{to_json($input)}++;
    $self->by_prompt->{$input->{prompt} // ''}++;
    my $url = $self->world->https . "/fal/queue/$base/requests/$id";
    return json(200, {status => 'IN_QUEUE', request_id => $id, response_url => $url,
        status_url => "$url/status", cancel_url => "$url/cancel", queue_position => 0},
        'X-Fal-Request-Id' => $id);
}

sub _script ($prompt) {
    my ($word) = grep { index($prompt, "[$_]") >= 0 } sort keys %SCRIPT;
    return $word // '';
}

sub _uuid {
    my $hex = join '', map { sprintf '%04x', int rand 65536 } 1 .. 8;
    $hex =~ /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/;
    return "$1-$2-4$3-a$4-$5";
}

# The URL has the first two segments of the model only; anything else is not found.
sub _find ($self, $app, $id) {
    my $request = $self->requests->{$id} or return undef;
    $self->world->log->note(fal => 'path', "$app is not the first two segments of the model")
        if $app ne $request->{base};
    return $app eq $request->{base} ? $request : undef;
}

my $UNKNOWN = {detail => 'Request not found'};

sub state_of ($request) {
    return 'COMPLETED' if $request->{cancelled};
    my $age = time - $request->{at};
    return 'IN_QUEUE' if $age < $request->{takes} / 3;
    return 'COMPLETED' if $age >= $request->{takes} && $request->{script} ne 'stuck';
    return 'IN_PROGRESS';
}

sub ended_at ($request) { return $request->{cancelled} // $request->{at} + $request->{takes} }

sub status ($self, $c, $app, $id) {
    my $request = $self->_find($app, $id) or return json(404, $UNKNOWN);
    my $state   = state_of($request);
    my $url     = $self->world->https . "/fal/queue/$request->{base}/requests/$id";
    my %body = (status => $state, request_id => $id, response_url => $url,
        status_url => "$url/status",
        cancel_url => "$url/cancel");
    $body{queue_position} = 0 if $state eq 'IN_QUEUE';
    $body{logs} = $c->param('logs') ? [] : undef if $state ne 'IN_QUEUE';
    return json(202, \%body) if $state ne 'COMPLETED';
    $body{metrics} = {inference_time => $request->{takes} * 2 / 3};
    @body{qw(error error_type)} = ('Request was cancelled', 'client_cancelled')
        if $request->{cancelled};
    return json(200, \%body);
}

sub cancel ($self, $app, $id) {
    my $request = $self->_find($app, $id) or return json(404, {status => 'NOT_FOUND'});
    my $state = state_of($request);
    return json(400, {status => 'ALREADY_COMPLETED'}) if $state eq 'COMPLETED';
    $request->{cancelled} = time;
    return json(202, {status => 'CANCELLATION_REQUESTED'});
}

sub result ($self, $app, $id) {
    my $request = $self->_find($app, $id) or return json(404, $UNKNOWN);
    return json(400, {detail => 'Request is still in progress'})
        if state_of($request) ne 'COMPLETED';
    return json(404, $UNKNOWN) if time - ended_at($request) > $self->world->setting->{fal_keep_s};
    my ($status, $body, %head) = $self->outcome($request);
    return json($status, $body, 'X-Fal-Request-Id' => $id, %head);
}

# The model's own answer, made once.
sub outcome ($self, $request) {
    return @{$request->{outcome} //= [$self->_make($request)]};
}

sub _make ($self, $request) {
    my ($script, $prompt) = ($request->{script}, $request->{input}{prompt});
    my $refused = sub ($status, $type, $msg, $loc, $retry = 'false') {
        my $item = {loc => $loc, msg => $msg, type => $type, input => $prompt};
        return ($status, {detail => [$item]}, 'X-Fal-Retryable' => $retry,
            'X-Fal-Error-Type' => $type);
    };
    return (400, {detail => 'Request was cancelled', error_type => 'client_cancelled'},
        'X-Fal-Error-Type' => 'client_cancelled') if $request->{cancelled};
    return $refused->(422, 'content_policy_violation', 'The content could not be processed because '
        . 'it contained material flagged by a content checker.', ['body', 'prompt'])
            if $script eq 'policy';
    return $refused->(500, 'internal_server_error', 'Internal server error', ['body'], 'true')
        if $script eq 'fail';
    return $refused->(422, 'no_media_generated', 'No media was generated', ['body'])
        if $script eq 'nothing';
    return $refused->(422, 'value_error', 'Input should be something else', ['body', 'prompt'])
        if $script eq '422';
    my $model = Market::FalModel::find($request->{model});
    my $seed  = $request->{input}{seed} // int rand 2**31;
    my @images = map { $self->_image($request, $_) } 1 .. ($request->{input}{num_images} // 1);
    my %body = $model->{one} ? (image => $images[0]) : (images => \@images);
    $body{seed} = $seed + 0 if $model->{gives_seed};
    $body{description} = '' if $model->{gives_description};
    $body{prompt} = $prompt if $model->{gives_nsfw};
    $body{has_nsfw_concepts} = [map { $script eq 'nsfw' ? true : false } @images]
        if $model->{gives_nsfw} || $script eq 'nsfw';
    return (200, \%body, 'X-Fal-Billable-Units' => scalar @images);
}

sub _image ($self, $request, $n) {
    my ($w, $h) = Market::FalModel::size($request->{input});
    my $bytes = $self->_bytes($request, $w, $h, $n);
    my $script = $request->{script};
    $bytes = '<!doctype html><title>Not a picture</title>' if $script eq 'notimage';
    $bytes .= "\0" x ((30 << 20) - length $bytes) if $script eq 'huge';
    my $path = Market::Media::random_name(12) . '/' . Market::Media::random_name(9) . '.png';
    $self->files->{$path} = \$bytes;
    return {url => $self->world->https . "/fal/media/files/$path", content_type => 'image/png',
        file_name => $path =~ s{.*/}{}r, file_size => length $bytes, width => $w, height => $h};
}

# What the model makes: out of what it was given, or of words alone.
sub _bytes ($self, $request, $w, $h, $n) {
    my $makes  = Market::FalModel::find($request->{model})->{makes} // '';
    my $prompt = $request->{input}{prompt} // '';
    my $work   = $self->world->work;
    return $work->collage($prompt, $request->{given}, $w, $h) if $makes eq 'collage';
    return $work->scaled($request->{given}[0], 1) if $makes eq 'retouch';
    return $work->scaled($request->{given}[0], 2) if $makes eq 'upscale';
    return $self->world->picture->png($prompt, $w, $h, $n);
}

sub media ($self, $c) {
    my $path = $c->stash('random') . '/' . $c->stash('name');
    my $file = $self->files->{$path};
    $self->world->log->note(fal => 'media', 'the key was sent to the file host')
        if $c->req->headers->authorization;
    $self->world->log->add(fal => 'media', path => $path, status => $file ? 200 : 404);
    return json(404, {detail => 'Not found'}) unless $file;
    return [200, {'Content-Type' => 'image/png'}, $$file];
}

sub history ($self, $c) {
    my %want = map { $_ => $c->param($_) } qw(endpoint_id start end expand limit cursor status);
    return queue_error(422, 'bad_request', 'endpoint_id is required')
        unless length($want{endpoint_id} // '');
    my $limit = $want{limit} || 50;
    return queue_error(422, 'bad_request', 'limit must be 1..100')
        if $limit !~ /^\d+$/ || $limit > 100;
    my $start = _when($want{start}, time - 24 * 3600);
    my $end   = _when($want{end}, time);
    return queue_error(422, 'bad_request', 'start and end are ISO 8601 times')
        unless defined $start && defined $end;
    my @found = sort { ended_at($a) <=> ended_at($b) || $a->{id} cmp $b->{id} } grep {
        $_->{model} eq $want{endpoint_id} && state_of($_) eq 'COMPLETED'
            && ended_at($_) >= $start && ended_at($_) < $end
    } values %{$self->requests};
    my $skip = $want{cursor} ? ($want{cursor} =~ /^c(\d+)$/)[0] // 0 : 0;
    my @page = grep {defined} @found[$skip .. $skip + $limit - 1];
    my $more = @found > $skip + $limit;
    my @items = map { $self->_item($_, index($want{expand} // '', 'payloads') >= 0) } @page;
    $self->world->log->add(fal => 'history', path => $want{endpoint_id}, status => 200,
        items => scalar @items);
    return json(200, {items => \@items, has_more => $more ? true : false,
        next_cursor => $more ? 'c' . ($skip + $limit) : undef});
}

sub _when ($text, $else) {
    return $else unless length($text // '');
    return Mojo::Date->new($text =~ s/([+-]\d\d)(\d\d)$/$1:$2/r)->epoch;
}

sub _iso ($time) { return Mojo::Date->new(sprintf '%.3f', $time)->to_datetime }

sub _item ($self, $request, $payloads) {
    my ($code, $body) = $self->outcome($request);
    my $status = $code == 200 ? 'success' : $code >= 500 ? 'error' : 'user_error';
    my %item = (request_id => $request->{id}, endpoint_id => $request->{model}, status => $status,
        status_code => $code, sent_at => _iso($request->{at}),
        started_at => _iso($request->{at} + $request->{takes} / 3),
            ended_at => _iso(ended_at($request)),
        duration => $request->{takes} * 2 / 3);
    @item{qw(json_input json_output)} = ($request->{input}, $body) if $payloads;
    return \%item;
}

1;
