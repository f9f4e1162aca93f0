package Market::Gemini;
use Mojo::Base -base, -signatures;

# Google's Gemini API for images: one call that answers when the picture is made.
#
# Scripted ends, by words in the prompt:
#   [policy]  200, finishReason IMAGE_SAFETY       [blocked] 200, promptFeedback.blockReason SAFETY
#   [words]   200, STOP and only words             [noimage] 200, finishReason NO_IMAGE
#   [busy]    503 overloaded                       [quota]   429 with RetryInfo, once a prompt
#   [day]     429 of a daily quota                 [gone]    404
#   [cut]     the connection breaks when the picture is made
use Market::Fault;
use Market::Media;
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json encode_json true);
use Mojo::Util qw(b64_decode b64_encode);

has [qw(world key)];
has submits   => 0;
has by_prompt => sub { {} };
has asked     => sub { {} };

my %SIZE = ('1K' => 1024, '2K' => 2048, '4K' => 4096);
my %RATIO = map { $_ => 1 } qw(1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9);

sub routes ($self, $r) {
    $r->get('/gemini/v1beta/models' => sub ($c) {
        my $good = ($c->req->headers->header('x-goog-api-key') // '') eq $self->key;
        $self->world->fault->serve($c, 'gemini', 'models', sub {
            $good ? json(200, {models => [{name => 'models/gemini-3-pro-image'}]})
                : json(400, {error => {code => 400, message => 'API key not valid. Please pass a valid API key.', status => 'INVALID_ARGUMENT',
                    details => [{reason => 'API_KEY_INVALID'}]}});
        });
    });
    $r->post('/gemini/v1beta/models/*call' => sub ($c) {
        $c->render_later;
        my $wait = $self->world->setting->{fal_ms} / 1000;
        my $tx = $c->tx;
        Mojo::IOLoop->timer($wait => sub {
            return if $tx->is_finished;
            $self->world->fault->serve($c, 'gemini', 'generate ' . $c->stash('call'), sub { $self->answer($c) });
        });
    });
    return;
}

sub json ($status, $body) { return [$status, {'Content-Type' => 'application/json'}, encode_json($body)] }

sub error ($code, $status, $message, @details) {
    return json($code, {error => {code => $code, status => $status, message => $message,
        @details ? (details => \@details) : ()}});
}

sub answer ($self, $c) {
    my $answer = $self->_answer($c);
    $self->world->log->add(gemini => 'generate', status => $answer->[0] // 0);
    return $answer;
}

sub _answer ($self, $c) {
    my ($model) = $c->stash('call') =~ /^([\w.-]+):generateContent$/;
    $self->world->log->note(gemini => 'key', 'the key was sent in the address') if $c->req->url->query->param('key');
    return error(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.',
        {'@type' => 'type.googleapis.com/google.rpc.ErrorInfo', reason => 'API_KEY_INVALID'})
        if ($c->req->headers->header('x-goog-api-key') // '') ne $self->key;
    return error(404, 'NOT_FOUND', 'models/' . ($model // '?') . ' is not found') if ($model // '') ne 'gemini-3-pro-image';
    return error(400, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.')
        if length $c->req->body > 20 << 20;
    my $body = eval { decode_json($c->req->body) };
    my ($wrong, $prompt, @pictures) = _read($body);
    return error(400, 'INVALID_ARGUMENT', $wrong) if $wrong;
    return $self->_made($c, $prompt, \@pictures, $body->{generationConfig}{imageConfig} // {});
}

sub _read ($body) {
    return 'Invalid JSON payload received.' unless ref $body eq 'HASH';
    my @extra = grep { !/^(?:contents|generationConfig|safetySettings)$/ } keys %$body;
    return qq{Unknown name "$extra[0]"} if @extra;
    my $parts = $body->{contents}[0]{parts};
    return 'contents is required' unless ref $parts eq 'ARRAY' && @$parts;
    my ($prompt, @pictures) = ('');
    for my $part (@$parts) {
        my $data = $part->{inline_data} // $part->{inlineData};
        if (defined $part->{text}) { $prompt .= $part->{text} }
        elsif (ref $data eq 'HASH') {
            my $bytes = b64_decode($data->{data} // '');
            my ($ext) = Market::Media::sniff($bytes);
            return 'Unable to process input image.' if $ext !~ /^(?:png|jpg|webp)$/;
            push @pictures, $bytes;
        }
        else { return 'a part has no data' }
    }
    return 'too many images' if @pictures > 14;
    my $image = $body->{generationConfig}{imageConfig} // {};
    return 'imageSize must be 1K, 2K or 4K' if defined $image->{imageSize} && !$SIZE{$image->{imageSize}};
    return 'aspectRatio is not supported' if defined $image->{aspectRatio} && !$RATIO{$image->{aspectRatio}};
    return (undef, $prompt, @pictures);
}

sub _made ($self, $c, $prompt, $pictures, $image) {
    my ($script) = $prompt =~ /\[(policy|blocked|words|noimage|busy|quota|day|gone|cut)\]/;
    $script //= '';
    return error(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.') if $script eq 'busy';
    return error(404, 'NOT_FOUND', 'models/gemini-3-pro-image is not found') if $script eq 'gone';
    return error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.',
        {'@type' => 'type.googleapis.com/google.rpc.QuotaFailure',
            violations => [{quotaId => 'GenerateRequestsPerDayPerProjectPerModel'}]}) if $script eq 'day';
    return error(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted.',
        {'@type' => 'type.googleapis.com/google.rpc.RetryInfo', retryDelay => '1.5s'})
        if $script eq 'quota' && !$self->asked->{$prompt}++;
    $self->submits($self->submits + 1);
    $self->by_prompt->{$prompt}++;
    return json(200, {promptFeedback => {blockReason => 'SAFETY'}}) if $script eq 'blocked';
    return json(200, {candidates => [{finishReason => 'IMAGE_SAFETY', content => {parts => []}}]}) if $script eq 'policy';
    return json(200, {candidates => [{finishReason => 'NO_IMAGE'}]}) if $script eq 'noimage';
    return json(200, {candidates => [{finishReason => 'STOP', content => {role => 'model',
        parts => [{text => 'I can describe it in words.'}]}}]}) if $script eq 'words';
    if ($script eq 'cut') {
        Market::Fault::cut($c);
        die "cut\n";
    }
    my ($w, $h) = (1024, 1024);
    if (($image->{aspectRatio} // '') =~ /^(\d+):(\d+)$/) {
        ($w, $h) = $1 > $2 ? (1024, int(1024 * $2 / $1)) : (int(1024 * $1 / $2), 1024);
    }
    my $png = @$pictures ? $self->world->work->collage($prompt, $pictures, $w, $h)
        : $self->world->picture->png($prompt, $w, $h);
    my $draft = $self->world->picture->png('draft', 64, 64);
    my $part = sub ($bytes, %more) { +{inlineData => {mimeType => 'image/png', data => b64_encode($bytes, '')}, %more} };
    return json(200, {candidates => [{finishReason => 'STOP', content => {role => 'model', parts => [
        $part->($draft, thought => true), {text => 'Here it is.'}, $part->($png)]}}],
        usageMetadata => {totalTokenCount => 1290}});
}

1;
