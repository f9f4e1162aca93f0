package Market::Telegram;
use Mojo::Base -base, -signatures;

# api.telegram.org: one call in, one answer out. What a method does is in Telegram/*.pm.
use Market::Flood;
use Market::Refusal;
use Market::Telegram::Edit;
use Market::Telegram::Send;
use Market::Telegram::Setup;
use Mojo::JSON qw(decode_json encode_json);
use Mojo::Parameters;
use Mojo::Util qw(decode url_unescape);
use Scalar::Util qw(blessed);

has [qw(world token api)];
has flood => sub ($self) { Market::Flood->new(limits => $self->world->limits) };
has sent  => sub { {} };                                     # calls that were done, by method
has plays => sub {
    return {Market::Telegram::Send::methods(), Market::Telegram::Edit::methods(),
        Market::Telegram::Setup::methods()};
};

sub routes ($self, $r) {
    $r->any('/file/*rest' => sub ($c) { $self->download($c) });
    $r->any(['GET', 'POST'] => '/*rest' => sub ($c) { $self->request($c) });
    return;
}

sub request ($self, $c) {
    my ($token, $name) = $c->stash('rest') =~ m{^bot([^/]+)/(\w+)$};
    return $c->render(data => '{"ok":false,"error_code":404,"description":"Not Found"}',
        format => 'json', status => 404) unless defined $token;
    my $method = $self->api->known($name) // $name;
    return $self->world->fault->serve($c, 'telegram', $method, sub {
        my $error = {ok => \0, error_code => 401, description => 'Unauthorized'};
        return _json(401, $error) if $token ne $self->token;
        my ($given, $files) = eval { _read($c->req) };
        return _json($@->code, $@->answer) if ref $@;
        die $@ if $@;
        return $self->answer($name, $given, $files, $c->stash('fault'));
    });
}

sub answer ($self, $name, $given, $files, $fault = undef) {
    my ($status, $body) = $self->call($name, $given, $files, fault => $fault);
    my $answer = _json($status, $body);
    my $wait   = ($body->{parameters} // {})->{retry_after};
    $answer->[1]{'Retry-After'} = $wait if $wait;
    return $answer;
}

sub _json ($status, $body) {
    return [$status, {'Content-Type' => 'application/json'}, encode_json($body)];
}

# Query, urlencoded, JSON or multipart: all the same to a method. Text must be UTF-8.
sub _read ($req) {
    my $given = _pairs($req->url->query->to_string);
    my $type  = $req->headers->content_type // '';
    my %files;
    if ($type =~ m{^application/json}i) {
        my $body = $req->body;
        my $json = $body eq '' ? {} : eval { decode_json($body) };
        Market::Refusal->bad(q{can't parse JSON object}) unless ref $json eq 'HASH';
        return ({%$given, %$json}, {});
    }
    if ($type =~ m{^application/x-www-form-urlencoded}i) {
        return ({%$given, %{_pairs($req->body)}}, {});
    }
    if ($req->content->is_multipart) {
        for my $part (@{$req->content->parts}) {
            my $head = $part->headers->content_disposition // '';
            my ($name) = $head =~ /[; ]name="?([^";]*)"?/;
            next unless defined $name;
            if ($head =~ /filename="((?:[^"\\]|\\.)*)"/) {
                my $file = decode('UTF-8', $1) // $1;
                $files{$name} = {asset => $part->asset, file_name => $file, part => $name};
            }
            else { $given->{$name} = _text($part->asset->slurp) }
        }
    }
    return ($given, \%files);
}

sub _text ($bytes) {
    return decode('UTF-8', $bytes) // Market::Refusal->bad('strings must be encoded in UTF-8');
}

sub _pairs ($string) {
    my %pairs;
    for my $pair (split /&/, $string // '') {
        my ($name, $value) = map { _text(url_unescape(tr/+/ /r)) } split /=/, $pair, 2;
        $pairs{$name} = $value // '' if defined $name;
    }
    return \%pairs;
}

# The outcome of a method: (status, body). Also how the webhook's answers are carried out.
sub call ($self, $name, $given, $files, %more) {
    my $world  = $self->world;
    my $method = $self->api->known($name);
    my (@notes, $result);
    my $done = eval {
        Market::Refusal->throw(404, 'method not found') unless $method;
        my $params = $self->api->check($method, $given, $files, \@notes);
        my $play   = $self->plays->{$method};
        if (!$play) {
            push @notes, "the market does not play $method";
            Market::Refusal->bad("the market does not play $method");
        }
        $params->{files} = $files;
        $result = $play->($self, $params, \@notes);
        push @notes,
            map {"file part $_ is not used"} grep { !$files->{$_}{used} } sort keys %$files;
        1;
    };
    die $@ if !$done && !(blessed $@ && $@->isa('Market::Refusal'));
    my ($status, $body) = $done ? (200, {ok => \1, result => $result}) : ($@->code, $@->answer);
    $body->{description} = delete $result->{description}, $body->{result} = \1
        if $done && ref $result eq 'HASH' && $result->{description} && $method =~ /Webhook$/;
    $self->sent->{$method // $name}++ if $done;
    my %seen = map { $_ => _brief($given->{$_}) } keys %$given;
    $seen{$_} = "<file $files->{$_}{file_name}, " . $files->{$_}{asset}->size . ' bytes>'
        for keys %$files;
    my %entry = (params => \%seen, status => $status, %more);
    $entry{error} = $body->{description} if !$done;
    $entry{message_id} = $result->{message_id} if ref $result eq 'HASH' && $result->{message_id};
    $world->log->add(telegram => $method // $name, %entry);
    $world->log->note(telegram => $method // $name, $_) for @notes;
    return ($status, $body);
}

sub _brief ($value) {
    return $value if ref $value || !defined $value || length $value < 2000;
    return substr($value, 0, 2000) . '…';
}

# Checks every sending method shares; gives the person.
sub person ($self, $p) {
    my $id = $p->{chat_id};
    Market::Refusal->bad('chat not found') if $id !~ /^-?\d+$/;
    my $person = $self->world->chat->person($id) or Market::Refusal->bad('chat not found');
    Market::Refusal->throw(403, 'bot was blocked by the user') if $person->{blocked};
    return $person;
}

sub message ($self, $person, $id, $verb) {
    Market::Refusal->bad('message identifier is not specified') unless $id;
    my $message = $person->{message}{$id};
    Market::Refusal->bad("message to $verb not found") unless $message;
    Market::Refusal->bad("message can't be ${verb}ed")
        if $verb eq 'edit' && $message->{from} ne 'bot';
    return $message;
}

sub download ($self, $c) {
    my ($token, $path) = $c->stash('rest') =~ m{^bot([^/]+)/(.+)$};
    return $self->world->fault->serve($c, 'telegram', "file/" . ($path // ''), sub {
        my $error = {ok => \0, error_code => 404, description => 'Not Found'};
        return _json(401, {%$error, error_code => 401, description => 'Unauthorized'})
            if ($token // '') ne $self->token;
        my $file = $self->world->media->by_path->{$path};
        $self->world->log->add(telegram => 'file', path => $path, status => $file ? 200 : 404);
        return _json(404, $error) unless $file;
        return [200, {'Content-Type' => 'application/octet-stream'},
            $self->world->media->bytes($file)];
    });
}

1;
