package Market::Control;
use Mojo::Base -base, -signatures;

# How tests (and the chat page) move the world and look at it. JSON in, JSON out, http only.
use Market::Act;
use Mojo::JSON qw(decode_json true false);

has 'world';
has act => sub ($self) { Market::Act->new(world => $self->world) };

sub routes ($self, $r) {
    my $control = $r->any('/control');
    my %post = (person => \&person, crowd => \&crowd, say => \&say, photo => \&photo, press => \&press,
        block => \&block, update => \&update, set => \&set, fault => \&fault);
    for my $name (sort keys %post) {
        $control->post("/$name" => sub ($c) {
            $self->answer($c, sub ($given) { $post{$name}->($self, $given) });
        });
    }
    my %get = (log => \&log, counts => \&counts, strange => \&strange, fault => \&faults,
        people => \&people, setting => sub ($self, $c) { return {%{$self->world->setting},
            limits => $self->world->limits, fal_account => $self->world->fal->account} },
        requests => \&requests);
    for my $name (sort keys %get) {
        $control->get("/$name" => sub ($c) { $c->render(json => $get{$name}->($self, $c)) });
    }
    $control->get('/chat/:id' => sub ($c) {
        my $chat = $self->chat($c->stash('id'));
        $c->render(json => $chat // {error => 'no such chat'}, status => $chat ? 200 : 404);
    });
    $control->delete('/fault' => sub ($c) { $self->world->fault->clear; $c->render(json =>
        {ok => true}) });
    $control->post('/raw' => sub ($c) {    # bytes that need not be an update at all
        $self->world->webhook->push_body($c->req->body, type => 'raw', key => 'raw ' . rand);
        $c->render(json => {ok => true});
    });
    $r->get('/photo/:name' => sub ($c) { $self->_file($c) });
    return;
}

sub answer ($self, $c, $do) {
    local $SIG{__DIE__};
    my $given = eval { decode_json($c->req->body || '{}') };
    return $c->render(json => {error => 'not a JSON object'}, status => 400)
        unless ref $given eq 'HASH';
    my $result = eval { $do->($given) };
    if (!$result) {
        my $error = $@ =~ s/ at \S+ line \d+.*//sr;
        return $c->render(json => {error => $error || 'failed'}, status => 400);
    }
    $c->render(json => $result);
    return;
}

sub person ($self, $given) {
    my $person = $self->world->chat->open_chat($given);
    return Market::Chat::user_object($person);
}

# Many people at once, their ids in a row.
sub crowd ($self, $given) {
    $self->world->chat->open_chat({id => $given->{first} + $_}) for 0 .. $given->{count} - 1;
    return {count => $given->{count}};
}

sub say ($self, $given) { return $self->act->say($given->{chat}, $given->{text}, $given) }

sub photo ($self, $given) {
    my $bytes;
    if (defined $given->{path}) { $bytes = Mojo::File->new($given->{path})->slurp }
    elsif (($given->{kind} // '') eq 'video') {
        my $work = $self->world->work;
        my $key = $work->film($self->world->picture->png($given->{generated} // 'film', 720, 404), $given->{duration} // 5,
            720, 404);
        my $end = time + 20;
        select undef, undef, undef, 0.05 until $work->film_ready($key) || time > $end;
        $bytes = $work->film_ready($key) // die "no film\n";
        return $self->act->send_file($given->{chat}, 'video', $bytes, {width => 720, height => 404, duration => 5, %$given});
    }
    else { $bytes = $self->world->picture->png($given->{generated} // 'photo', 1024, 768) }
    my $kind = $given->{kind} // 'photo';
    return $self->act->send_file($given->{chat}, $kind, $bytes, {%$given,
        file_name => $given->{file_name} // ($given->{path} // 'photo.png') =~ s{.*/}{}r});
}

sub press ($self, $given) { return $self->act->press($given->{chat}, $given) }

sub block ($self, $given) { return $self->act->block($given->{chat}, $given->{blocked} // 1, $given->{quiet}) }

sub update ($self, $given) {
    my %update = %$given;
    my $id = delete $update{update_id};
    my ($type, @more) = sort keys %update;
    die "exactly one member besides update_id\n" if !defined $type || @more;
    $id = $self->world->webhook->push_update($type, $update{$type}, update_id => $id, force => 1);
    return {update_id => $id};
}

sub set ($self, $given) {
    my $world = $self->world;
    my %new   = %$given;
    my $limits = delete $new{limits} // {};
    for my $name (keys %$limits) {
        die "unknown limit $name\n" unless exists $world->limits->{$name};
        $world->limits->{$name} = $limits->{$name};
    }
    $world->telegram->flood->forget if %$limits;
    if (defined(my $account = delete $new{fal_account})) {
        die "fal_account is good, no_funds or bad_key\n"
            unless $account =~ /^(?:good|no_funds|bad_key)$/;
        $world->fal->account($account);
    }
    for my $name (keys %new) {
        die "unknown setting $name\n" unless exists $world->setting->{$name};
        $world->setting->{$name} = $new{$name};
    }
    return {ok => true};
}

sub fault ($self, $given) {
    my $id = $self->world->fault->add($given) or die "not a fault\n";
    return {id => $id};
}

sub faults ($self, $c) { return {faults => $self->world->fault->open} }

sub log ($self, $c) {
    my %want = map { $_ => $c->param($_) } qw(side what);
    my $log = $self->world->log;
    return {entries => $log->since($c->param('since') // 0, %want), last => $log->last_number};
}

sub strange ($self, $c) { return {strange => $self->world->log->strange} }

sub counts ($self, $c) {
    my $world = $self->world;
    my ($webhook, $fal) = ($world->webhook, $world->fal);
    return {updates => {%{$webhook->count}, pending => $webhook->pending,
        in_flight => $webhook->in_flight},
        sends => $world->telegram->sent, floods => $world->telegram->flood->refused,
        copies => $world->chat->copies, strange => scalar @{$world->log->strange},
        fal => {submits => $fal->submits, by_prompt => $fal->by_prompt,
            by_input => $fal->by_input},
        (map { $_ => {submits => $world->$_->submits, by_prompt => $world->$_->by_prompt} } qw(gemini kling)), %{$world->payments->counts}};
}

sub requests ($self, $c) {
    my @all = sort { $a->{at} <=> $b->{at} } values %{$self->world->fal->requests};
    return {requests => [map { +{request_id => $_->{id}, model => $_->{model}, input => $_->{input},
        at => $_->{at}, state => Market::Fal::state_of($_)} } @all]};
}

sub people ($self, $c) {
    my @all = sort { $a->{since} <=> $b->{since} } values %{$self->world->chat->people};
    return {people => [map { +{%{Market::Chat::user_object($_)}, messages => scalar @{$_->{list}},
        blocked => $_->{blocked} ? true : false} } @all]};
}

sub chat ($self, $id) {
    my $person = $self->world->chat->person($id) or return undef;
    my @messages = map { $self->world->chat->view($person->{message}{$_}) } @{$person->{list}};
    return {person => Market::Chat::user_object($person), messages => \@messages,
        blocked => $person->{blocked} ? true : false, deleted => $person->{deleted} // [],
        actions => $person->{actions}, answers => $person->{answers},
        commands => $self->world->chat->commands};
}

sub _file ($self, $c) {
    my $file = $self->world->media->by_name->{$c->stash('name')};
    return $c->reply->not_found unless $file;
    $c->res->headers->content_type($file->{mime} // 'application/octet-stream');
    $c->res->headers->header('X-Content-Type-Options' => 'nosniff');
    $c->res->headers->cache_control('max-age=86400');
    my $name = ($file->{file_name} // 'file') =~ s/[^\w.-]+/_/agr;
    $c->res->headers->content_disposition(qq{attachment; filename="$name"})
        if $c->param('download');
    $c->reply->asset(Mojo::Asset::File->new(path =>
        $self->world->media->dir->child($file->{name})));
    return;
}

1;
