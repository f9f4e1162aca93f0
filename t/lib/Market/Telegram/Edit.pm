package Market::Telegram::Edit;
use Mojo::Base -strict, -signatures;

# Everything that changes or removes a message, and the answer to a press.
use Market::Markup;
use Market::Refusal;
use Market::Telegram::Markup;
use Market::Telegram::Send;
use Mojo::JSON qw(encode_json);
use Time::HiRes qw(time);

my $SAME = 'message is not modified: specified new message content and reply markup are exactly '
    . 'the same as a current content and reply markup of the message';
my $OLD = 'query is too old and response timeout expired or query ID is invalid';

sub methods {
    return (
        editMessageText        => \&edit_text,
        editMessageCaption     => \&edit_caption,
        editMessageMedia       => \&edit_media,
        editMessageReplyMarkup => \&edit_markup,
        deleteMessage          => \&delete_message,
        deleteMessages         => \&delete_messages,
        answerCallbackQuery    => \&answer_callback,
    );
}

sub target ($tg, $p) {
    Market::Refusal->bad('the market does not play inline messages')
        if defined $p->{inline_message_id};
    Market::Refusal->bad('chat_id is empty') unless defined $p->{chat_id};
    my $person = $tg->person($p);
    return ($person, $tg->message($person, $p->{message_id}, 'edit'));
}

# An edit without a keyboard takes the old one away. Nothing changed is an error.
sub apply ($tg, $person, $message, $p, $notes, %new) {
    $new{reply_markup} = Market::Telegram::Markup::check($p->{reply_markup}, $notes, edit => 1);
    my @kept = qw(text caption entities reply_markup);
    my $face = sub ($m) { encode_json([(map { $m->{$_} } @kept), ($m->{file} // {})->{sha256}]) };
    my $now  = {%$message, %new};
    Market::Refusal->bad($SAME) if $face->($now) eq $face->($message);
    $tg->flood->spend($person->{id});
    @$message{keys %new} = values %new;
    my $chat = $tg->world->chat;
    $chat->changed($person, $message);
    return $chat->message_object($person, $message);
}

sub edit_text ($tg, $p, $notes) {
    my ($person, $message) = target($tg, $p);
    Market::Refusal->bad('the market does not play rich_message') if $p->{rich_message};
    Market::Refusal->bad('message text is empty') unless defined $p->{text};
    Market::Refusal->bad('there is no text in the message to edit') unless defined $message->{text};
    my ($text, $entities)
        = Market::Markup::formatted($p->{text}, @$p{qw(parse_mode entities)}, 4096, 'text');
    Market::Refusal->bad('message text is empty') if $text eq '';
    return apply($tg, $person, $message, $p, $notes, text => $text, entities => $entities);
}

sub edit_caption ($tg, $p, $notes) {
    my ($person, $message) = target($tg, $p);
    Market::Refusal->bad('there is no caption in the message to edit') unless $message->{file};
    my %new = (caption => undef, entities => [], Market::Telegram::Send::caption($p));
    return apply($tg, $person, $message, $p, $notes, %new);
}

sub edit_media ($tg, $p, $notes) {
    my ($person, $message) = target($tg, $p);
    my %new = (text => undef, caption => undef, entities => [], photo => undef, document => undef,
        video => undef, Market::Telegram::Send::input_media($tg, $p->{media}, $p));
    my $visual = sub ($m) { $m->{photo} || $m->{video} };
    Market::Refusal->bad("can't use media of the specified type in the album")
        if $message->{media_group_id} && !$visual->(\%new) != !$visual->($message);
    return apply($tg, $person, $message, $p, $notes, %new);
}

sub edit_markup ($tg, $p, $notes) {
    my ($person, $message) = target($tg, $p);
    return apply($tg, $person, $message, $p, $notes);
}

sub delete_message ($tg, $p, $notes) {
    my $person  = $tg->person($p);
    my $message = $tg->message($person, $p->{message_id}, 'delete');
    Market::Refusal->bad("message can't be deleted for everyone")
        if $message->{at} < time - 48 * 3600;
    $tg->world->chat->remove($person, $message);
    return \1;
}

sub delete_messages ($tg, $p, $notes) {
    my $person = $tg->person($p);
    my $ids    = $p->{message_ids};
    Market::Refusal->bad('too many message identifiers specified') if @$ids < 1 || @$ids > 100;
    $tg->world->chat->remove($person, $_) for grep {$_} map { $person->{message}{$_} } @$ids;
    return \1;
}

sub answer_callback ($tg, $p, $notes) {
    my $callback = $tg->world->chat->callbacks->{$p->{callback_query_id}};
    my $age      = $tg->world->limits->{callback_age};
    Market::Refusal->bad($OLD)
        if !$callback || $callback->{answered} || $callback->{at} < time - $age;
    Market::Refusal->bad('MESSAGE_TOO_LONG') if length($p->{text} // '') > 200;
    Market::Refusal->bad('URL_INVALID') if ($p->{url} // '') !~ m{^(?:$|https?://|tg://|t\.me/)};
    $tg->world->chat->answer($callback, $p);
    return \1;
}

1;
