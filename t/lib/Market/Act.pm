package Market::Act;
use Mojo::Base -base, -signatures;

# What a person can do in the chat: each becomes an update for the bot.
use Market::Markup;

has 'world';

sub _person ($self, $id) {
    my $person = $self->world->chat->person($id // 0) or die "no such chat\n";
    return $person;
}

sub _message ($self, $person, %message) {
    my $chat = $self->world->chat;
    $self->block($person->{id}, 0) if $person->{blocked};
    my $message = $chat->add($person, from => 'person', %message);
    my $object  = $chat->message_object($person, $message);
    my $id = $self->world->webhook->push_update(message => $object,
        read => [$person->{id}, $message->{message_id}]);
    $message->{update_id} = $id;
    return {update_id => $id, message_id => $message->{message_id}};
}

sub say ($self, $chat, $text, $more = {}) {
    my $person = $self->_person($chat);
    die "no text\n" unless length($text // '');
    my ($clean, $entities) = Market::Markup::finish($text);
    die "no text\n" unless length $clean;
    # A client splits a long text by itself.
    my @parts = $clean =~ /(.{1,4096})/gs;
    return $self->_message($person, text => $clean, entities => $entities, _reply($more))
        if @parts == 1;
    my $last;
    $last = $self->_message($person, text => $_, entities => [(Market::Markup::finish($_))[1]->@*])
        for @parts;
    return $last;
}

sub _reply ($more) { return $more->{reply_to} ? (reply_to => $more->{reply_to}) : () }

sub send_file ($self, $chat, $kind, $bytes, $more = {}) {
    my $person = $self->_person($chat);
    my $media  = $self->world->media;
    my $file   = $media->keep($bytes, file_name => $more->{file_name});
    my %message = (file => $file, _reply($more));
    if ($kind eq 'photo') {
        die "not a picture\n" unless $file->{ext} =~ /^(?:png|jpg|webp)$/ && $file->{width};
        $message{photo} = $media->photo_sizes($file);
    }
    elsif ($kind eq 'video') {
        my %size = map { $_ => $more->{$_} + 0 } grep { $more->{$_} } qw(width height duration);
        $message{video} = $media->video($file, %size);
    }
    else { $message{document} = $media->document($file) }
    if (length($more->{caption} // '')) {
        @message{qw(caption entities)} = Market::Markup::finish($more->{caption});
    }
    $message{media_group_id} = "$more->{media_group_id}" if $more->{media_group_id};
    my $sent = $self->_message($person, %message);
    return {%$sent, sha256 => $file->{sha256}};
}

# By message and data, or the newest message that has such a button. Data on no button is
# possible too: a client can send whatever it likes.
sub press ($self, $chat, $want) {
    my $person = $self->_person($chat);
    my ($message, $button);
    if ($want->{message_id}) {
        $message = $person->{message}{$want->{message_id}} or die "no such message\n";
        my @all = map {@$_} @{($message->{reply_markup} // {})->{inline_keyboard} // []};
        ($button) = grep { $_->{text} eq ($want->{text} // "\0") } @all;
    }
    else { ($message, $button) = $self->world->chat->newest_with($person, $want) }
    my $data = $want->{data} // ($button // {})->{callback_data};
    die "no such button\n" unless $message && defined $data;
    my $query = $self->world->chat->press($person, $message, $data);
    my $id    = $self->world->webhook->push_update(callback_query => $query);
    return {update_id => $id, callback_query_id => $query->{id},
        message_id => $message->{message_id}};
}

# quiet: the bot is not told.
sub block ($self, $chat, $blocked, $quiet = 0) {
    my $person = $self->_person($chat);
    $person->{blocked} = $blocked ? 1 : 0;
    return {ok => Mojo::JSON::true} if $quiet;
    my $world  = $self->world;
    my $member = sub ($status) {
        my %member = (user => $world->chat->bot, status => $status);
        $member{until_date} = 0 if $status eq 'kicked';
        return \%member;
    };
    my @status = $blocked ? qw(member kicked) : qw(kicked member);
    my $id = $world->webhook->push_update(my_chat_member => {
        chat => Market::Chat::chat_object($person), from => Market::Chat::user_object($person),
        date => int time, old_chat_member => $member->($status[0]),
        new_chat_member => $member->($status[1])});
    $world->chat->emit(change => $person->{id},
        {event => 'blocked', blocked => $blocked ? \1 : \0});
    return {update_id => $id};
}

1;
