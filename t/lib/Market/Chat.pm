package Market::Chat;
use Mojo::Base 'Mojo::EventEmitter', -signatures;

# People, their private chats with the bot, and every message in them. Whoever shows a chat
# listens to the event "change".
use Market::Markup;
use Market::Media;
use Time::HiRes qw(time);

has people    => sub { {} };
has callbacks => sub { {} };
has bot       => sub {
    return {id => 7_000_000_001, is_bot => \1, first_name => 'Atelier',
        username => 'atelier_market_bot'};
};
has commands => sub { [] };
has copies => sub { {} };       # how many copies each person has got
has media    => undef;

my $next_person = 5_100_000_001;    # above 32 bits on purpose
my $next_update = 0;

sub open_chat ($self, $given) {
    my $id     = $given->{id} ? $given->{id} + 0 : $next_person++;
    my $person = $self->people->{$id} //= {id => $id, first_name => "Человек " . ($id % 1000),
        language_code => 'ru', next_message => 1, list => [], message => {}, actions => [],
        answers => [], instance => '-' . int(rand 9e18), since => time};
    for my $name (qw(first_name last_name username language_code)) {
        $person->{$name} = "$given->{$name}" if defined $given->{$name};
    }
    return $person;
}

sub person ($self, $id) { return $self->people->{$id} }

sub user_object ($person) {
    my %user = (id => $person->{id}, is_bot => \0);
    $user{$_} = $person->{$_} for grep { defined $person->{$_} }
        qw(first_name last_name username language_code);
    return \%user;
}

sub chat_object ($person) {
    my %chat = (id => $person->{id}, type => 'private');
    $chat{$_} = $person->{$_} for grep { defined $person->{$_} } qw(first_name last_name username);
    return \%chat;
}

sub add ($self, $person, %message) {
    my $id = $person->{next_message}++;
    my $message = {message_id => $id, date => int time, at => time, edits => [], %message};
    $person->{message}{$id} = $message;
    push @{$person->{list}}, $id;
    $person->{typing} = 0 if $message->{from} eq 'bot';
    $self->emit(change => $person->{id}, {event => 'message', message => $self->view($message)});
    return $message;
}

sub changed ($self, $person, $message) {
    push @{$message->{edits}}, {at => time, text => $message->{text} // $message->{caption}};
    $message->{edit_date} = int time;
    $self->emit(change => $person->{id}, {event => 'edit', message => $self->view($message)});
    return;
}

sub remove ($self, $person, $message) {
    delete $person->{message}{$message->{message_id}};
    $message->{deleted} = 1;
    push @{$person->{deleted}}, $message->{message_id};
    @{$person->{list}} = grep { $_ != $message->{message_id} } @{$person->{list}};
    $self->emit(change => $person->{id}, {event => 'delete', message_id => $message->{message_id}});
    return;
}

# The Message object of the Bot API.
sub message_object ($self, $person, $message) {
    my $from = $message->{from} eq 'bot' ? $self->bot : user_object($person);
    my %out = (message_id => $message->{message_id}, from => $from, date => $message->{date},
        chat => chat_object($person));
    for my $name (qw(edit_date text caption media_group_id photo document video reply_markup)) {
        $out{$name} = $message->{$name} if defined $message->{$name};
    }
    my $entities = $message->{entities} // [];
    $out{defined $message->{text} ? 'entities' : 'caption_entities'} = $entities if @$entities;
    if (my $reply = $person->{message}{$message->{reply_to} // 0}) {
        $out{reply_to_message} = $self->message_object($person, {%$reply, reply_to => undef});
    }
    delete $out{reply_markup} if $out{reply_markup} && !$out{reply_markup}{inline_keyboard};
    return \%out;
}

# The same message for people: the page and the tests.
sub view ($self, $message) {
    my %out = map { $_ => $message->{$_} }
        grep { defined $message->{$_} } qw(message_id from date edit_date text caption entities
        media_group_id edits read reply_to update_id);
    my $body = $message->{text} // $message->{caption};
    $out{html} = Market::Markup::as_html($body, $message->{entities}) if defined $body;
    if (my $file = $message->{file}) {
        my %file = (url => "/photo/$file->{name}", size => $file->{size}, sha256 => $file->{sha256},
            mime => $file->{mime}, width => $file->{width}, height => $file->{height},
            file_name => $file->{file_name});
        my ($kind) = grep { $message->{$_} } qw(photo document video);
        my $object = $message->{$kind};
        $file{file_id} = ref $object eq 'ARRAY' ? $object->[-1]{file_id} : $object->{file_id};
        $out{$kind} = \%file;
    }
    my $markup = $message->{reply_markup} // {};
    $out{buttons} = [map { [map { button_view($_) } @$_] } @{$markup->{inline_keyboard} // []}];
    for my $name (qw(keyboard remove_keyboard force_reply)) {
        $out{$name} = $markup->{$name} if $markup->{$name};
    }
    return \%out;
}

sub button_view ($button) {
    my %out = (text => $button->{text});
    $out{url} = $button->{url} // $button->{web_app}{url} if $button->{url} || $button->{web_app};
    $out{data} = $button->{callback_data} if defined $button->{callback_data} && !$out{url};
    $out{copy} = $button->{copy_text}{text} if $button->{copy_text};
    $out{style} = $button->{style} if $button->{style};
    return \%out;
}

sub newest_with ($self, $person, $want) {
    for my $id (reverse @{$person->{list}}) {
        my $rows = ($person->{message}{$id}{reply_markup} // {})->{inline_keyboard} or next;
        my ($button) = grep {
            defined $_->{callback_data} && !$_->{url} && (defined $want->{data}
                ? $_->{callback_data} eq $want->{data} : $_->{text} eq ($want->{text} // ''))
        } map { @$_ } @$rows;
        return ($person->{message}{$id}, $button) if $button;
    }
    return;
}

# A press: Telegram answers it for about 15 seconds, once.
sub press ($self, $person, $message, $data) {
    my $id  = join '', 1 + int rand 8, map { int rand 10 } 1 .. 17;
    my $now = time;
    my $all = $self->callbacks;
    if (keys %$all > 20_000) {
        delete @$all{grep { $all->{$_}{at} < $now - 60 } keys %$all};
    }
    $all->{$id} = {id => $id, chat => $person->{id}, message_id => $message->{message_id},
        data => $data, at => $now};
    my %query = (id => $id, from => user_object($person), chat_instance => $person->{instance},
        data => $data, message => $self->message_object($person, $message));
    return \%query;
}

sub action ($self, $person, $action) {
    push @{$person->{actions}}, {at => time, action => $action};
    shift @{$person->{actions}} if @{$person->{actions}} > 200;
    $self->emit(change => $person->{id}, {event => 'action', action => $action});
    return;
}

sub answer ($self, $callback, $given) {
    $callback->{answered} = 1;
    my $person = $self->people->{$callback->{chat}};
    my %answer = (at => time, callback_query_id => $callback->{id}, data => $callback->{data},
        message_id => $callback->{message_id}, text => $given->{text}, url => $given->{url},
        show_alert => $given->{show_alert} ? \1 : \0);
    push @{$person->{answers}}, \%answer;
    $self->emit(change => $person->{id}, {event => 'answer', answer => \%answer});
    return;
}

# A tick: the bot's server has taken the update that this message made.
sub read_by_bot ($self, $id, $message_id) {
    my $person  = $self->people->{$id} or return;
    my $message = $person->{message}{$message_id} or return;
    $message->{read} = \1;
    $self->emit(change => $id, {event => 'read', message_id => $message_id});
    return;
}

1;
