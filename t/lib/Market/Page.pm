package Market::Page;
use Mojo::Base -base, -signatures;

# The chat page: static files, a websocket for each open chat, and uploads.
use Market::Act;
use Mojo::JSON qw(true false);
use Scalar::Util qw(weaken);

has 'world';
has open => sub { {} };    # chat id => {connection => controller}
has act  => sub ($self) { Market::Act->new(world => $self->world) };

sub routes ($self, $r) {
    $r->get('/' => sub ($c) { $c->reply->static('chat.html') });
    $r->get('/chat/:id' => [id => qr/\d+/] => sub ($c) { $c->reply->static('chat.html') });
    $r->websocket('/chat/:id/live' => sub ($c) { $self->live($c) });
    $r->websocket('/live' => sub ($c) { $self->live($c) });
    $r->post('/chat/:id/upload' => sub ($c) { $self->upload($c) });
    $self->world->chat->on(change => sub ($chat, $id, $event) { $self->_tell($id, $event) });
    $self->world->chat->on(commands => sub ($chat, $commands) {
        $self->_tell($_, {event => 'commands', commands => $commands}) for keys %{$self->open};
    });
    return;
}

# Everyone who has the chat open gets the event; the lists of chats get a short form of messages.
sub _tell ($self, $id, $event) {
    $_->send({json => $event}) for values %{$self->open->{$id} // {}};
    return if $event->{event} !~ /^(?:message|edit)$/;
    my $short = {event => 'chat', chat => $self->_line($id)};
    $_->send({json => $short}) for map { values %$_ } values %{$self->open};
    return;
}

sub _line ($self, $id) {
    my $person  = $self->world->chat->person($id);
    my $last    = @{$person->{list}} ? $person->{message}{$person->{list}[-1]} : undef;
    my $media   = $last && (grep { $last->{$_} } qw(photo video document))[0];
    my $text    = $last ? $last->{text} // $last->{caption} // '' : '';
    my %line    = (person => Market::Chat::user_object($person),
        count => scalar @{$person->{list}});
    @line{qw(text media date from)} = (substr($text, 0, 120), $media, @$last{qw(date from)})
        if $last;
    return \%line;
}

sub live ($self, $c) {
    my $id     = $c->stash('id') // 0;
    my $world  = $self->world;
    my $person = $world->chat->person($id);
    $person = $world->chat->open_chat({id => $id}) if $id && !$person;
    $c->inactivity_timeout(0);
    my $connection = $c->tx->connection;
    $self->open->{$id}{$connection} = $c;
    my @recent = sort { $b->{since} <=> $a->{since} } values %{$world->chat->people};
    splice @recent, 200;
    my %hello = (event => 'hello', bot => $world->chat->bot, commands => $world->chat->commands,
        chats => [map { $self->_line($_->{id}) } @recent]);
    if ($person) {
        $hello{person}   = Market::Chat::user_object($person);
        $hello{blocked}  = $person->{blocked} ? true : false;
        $hello{messages} = [map { $world->chat->view($person->{message}{$_}) } @{$person->{list}}];
    }
    $c->send({json => \%hello});
    $c->on(json => sub ($c, $said) {
        local $SIG{__DIE__};
        my $result = eval { $self->_do($id, $said) };
        my $error  = $@ =~ s/\n//r;
        $c->send({json => {event => 'done', for => $said->{n}, error => $error}}) if $error;
        $c->send({json => {event => 'done', for => $said->{n}, result => $result}}) if $result;
    });
    $c->on(finish => sub { delete $self->open->{$id}{$connection} });
    return;
}

sub _do ($self, $id, $said) {
    my $do = $said->{do} // '';
    return $self->act->say($id, $said->{text}, $said) if $do eq 'say';
    return $self->act->press($id, {message_id => $said->{message_id}, data => $said->{data}})
        if $do eq 'press';
    return $self->act->block($id, $said->{blocked}) if $do eq 'block';
    die "unknown\n";
}

# Several files at once are an album, as in Telegram; the caption goes with the first.
sub upload ($self, $c) {
    my $id      = $c->stash('id');
    my $kind    = $c->param('kind') // 'photo';
    my @files   = @{$c->req->every_upload('file')};
    my $caption = $c->param('caption');
    my $group   = @files > 1 && @files <= 10 ? join '', 1 + int rand 9, map { int rand 10 } 1 .. 16
        : undef;
    local $SIG{__DIE__};
    my @sent    = eval {
        map {
            my $file = $_;
            my $what = $kind eq 'document' ? $kind
                : ($file->headers->content_type // '') =~ /^video/ ? 'video' : 'photo';
            my %more = (file_name => $file->filename, caption => $caption, media_group_id => $group,
                map { $_ => scalar $c->param($_) } qw(width height duration));
            undef $caption;
            delete @more{qw(file_name width height duration)} if $what eq 'photo';
            $self->act->send_file($id, $what, $file->slurp, \%more);
        } @files;
    };
    return $c->render(json => {error => $@ =~ s/\n//r}, status => 400) if $@;
    $c->render(json => {sent => \@sent});
    return;
}

1;
