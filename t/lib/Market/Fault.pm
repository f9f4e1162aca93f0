package Market::Fault;
use Mojo::Base -base, -signatures;

# Misbehaviour on command. A fault waits for matching calls and is used up by them.
#   delay      wait ms, then as usual              429    refuse with retry_after
#   status     answer this status, do nothing      lose   do it, then cut without an answer
#   reset      cut before doing anything           slow   do it, drip the answer over ms
#   wrong      200 with a body of another shape    duplicate   (webhook) push it twice
# A status with done: true comes after the work has been done. Payment services are matched on
# "VERB /path"; what their webhooks can do besides is in Market::Notice.
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json);
use Socket qw(SOL_SOCKET SO_LINGER);

has open => sub { [] };

my $next  = 1;
my %KNOWN = map { $_ => 1 } qw(delay status 429 reset lose duplicate wrong slow event forged
    foreign);
my %SIDE = map { $_ => 1 } qw(telegram fal gemini kling webhook yookassa betatransfer yookassa-webhook
    betatransfer-webhook);
my %CODE = (400 => 'invalid_request', 401 => 'invalid_credentials', 403 => 'forbidden',
    404 => 'not_found', 429 => 'too_many_requests', 500 => 'internal_server_error');
my $PAGE  = "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>"
    . "\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n";

sub add ($self, $fault) {
    my $action = $fault->{action} // '';
    return undef unless $KNOWN{$action} && $SIDE{$fault->{side} // ''};
    return undef unless defined eval { qr/$fault->{match}/ if defined $fault->{match}; 1 };
    my $entry = {times => 1, match => '', %$fault, id => $next++};
    push @{$self->open}, $entry;
    return $entry->{id};
}

sub clear ($self) { return $self->open([]) }

sub take ($self, $side, $key) {
    my ($fault) = grep { $_->{side} eq $side && $key =~ /(?:$_->{match})/ } @{$self->open};
    return undef unless $fault;
    $self->open([grep { $_ != $fault } @{$self->open}]) if --$fault->{times} <= 0;
    return $fault;
}

# An answer is [status, headers, bytes]; $do makes it.
sub serve ($self, $c, $side, $key, $do) {
    my $fault = $self->take($side, $key) or return give($c, $do->());
    my $action = $fault->{action};
    $c->stash->{fault} = $fault->{id};
    if ($action eq 'delay') {
        my $tx = $c->render_later->tx;
        Mojo::IOLoop->timer(($fault->{ms} // 1000) / 1000 => sub { $tx && give($c, $do->()) });
        return;
    }
    $do->() if $action eq 'status' && $fault->{done};
    return give($c, refusal($fault, $side)) if $action eq 'status' || $action eq 'wrong';
    return give($c, too_many($side, $fault)) if $action eq '429';
    return cut($c) if $action eq 'reset';
    my $answer = $do->();
    return cut($c) if $action eq 'lose';
    return drip($c, $answer, $fault->{ms} // 1000) if $action eq 'slow';
    return give($c, $answer);
}

sub refusal ($fault, $side = '') {
    my $status = $fault->{action} eq 'wrong' ? 200 : $fault->{status} // 503;
    my $body   = $fault->{body};
    $body //= yookassa($status) if $side eq 'yookassa';
    return [$status, {'Content-Type' => 'application/json'}, encode_json($body)] if ref $body;
    my $title = "$status " . (Mojo::Message::Response->new->default_message($status) || 'Error');
    $body //= sprintf $PAGE, $title, $title;
    return [$status, {'Content-Type' => 'text/html'}, $body];
}

# Its own error form, for statuses that it gives itself; a 502 is its front's page.
sub yookassa ($status) {
    return {type => 'processing', description => 'Request accepted, but not processed yet. Please '
        . 'retry.', retry_after => 1800} if $status == 202;
    return undef unless $CODE{$status};
    my %body = (type => 'error', id => error_id(), code => $CODE{$status});
    $body{description} = $status == 429 ? 'Too many requests' : 'Internal server error'
        if $status >= 429;
    return \%body;
}

sub error_id {
    my $hex = join '', map { sprintf '%04x', int rand 65536 } 1 .. 8;
    return $hex =~ s/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/$1-$2-4$3-a$4-$5/r;
}

sub too_many ($side, $fault) {
    my $wait = $fault->{retry_after} // 1;
    my $body = {detail => 'Too many requests', error_type => 'concurrent_requests_limit'};
    $body = yookassa(429) if $side eq 'yookassa';
    $body = {ok => \0, error_code => 429, description => "Too Many Requests: retry after $wait",
        parameters => {retry_after => $wait + 0}} if $side eq 'telegram';
    return [429, {'Content-Type' => 'application/json', 'Retry-After' => $wait},
        encode_json($body)];
}

sub give ($c, $answer) {
    my ($status, $headers, $bytes) = @$answer;
    my $out = $c->res->headers;
    $out->header($_ => $headers->{$_}) for keys %$headers;
    $c->render(data => $bytes, status => $status);
    return;
}

# Linger 0 makes it a reset and not an orderly end.
sub cut ($c) {
    $c->render_later;
    my $stream = Mojo::IOLoop->stream($c->tx->connection) or return;
    setsockopt $stream->handle, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $stream->close;
    return;
}

sub drip ($c, $answer, $ms) {
    my ($status, $headers, $bytes) = @$answer;
    my $res = $c->render_later->res->code($status);
    $res->headers->header($_ => $headers->{$_}) for keys %$headers;
    $res->headers->content_length(length $bytes);
    my $steps = length $bytes < 20 ? length $bytes || 1 : 20;
    my $size  = 1 + int(length($bytes) / $steps);
    my ($tx, $step) = $c->tx;
    $step = sub {
        return undef $step if !length $bytes || $tx->is_finished;
        $c->write(substr $bytes, 0, $size, '');
        Mojo::IOLoop->timer($ms / 1000 / $steps => $step);
    };
    $step->();
    return;
}

1;
