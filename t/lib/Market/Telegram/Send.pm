package Market::Telegram::Send;
use Mojo::Base -strict, -signatures;

# Everything that puts a new message into a chat.
use Market::Markup;
use Market::Media;
use Market::Refusal;
use Market::Telegram::Markup;

my %LIMIT = (photo => 10 << 20, document => 50 << 20, video => 50 << 20);
my %ACTION = map { $_ => 1 } qw(typing upload_photo record_video upload_video record_voice
    upload_voice upload_document choose_sticker find_location record_video_note upload_video_note);

sub methods {
    return (
        sendMessage    => \&send_message,
        sendPhoto      => sub { send_media('photo',    @_) },
        sendDocument   => sub { send_media('document', @_) },
        sendVideo      => sub { send_media('video',    @_) },
        copyMessage    => \&copy_message,
        sendMediaGroup => \&send_media_group,
        sendChatAction => \&send_chat_action,
    );
}

sub send_message ($tg, $p, $notes) {
    my $person = $tg->person($p);
    my ($text, $entities)
        = Market::Markup::formatted($p->{text}, @$p{qw(parse_mode entities)}, 4096, 'text');
    Market::Refusal->bad('message text is empty') if $text eq '';
    my %more = common($tg, $person, $p, $notes);
    $tg->flood->spend($person->{id});
    my $chat = $tg->world->chat;
    my $sent = $chat->add($person, from => 'bot', text => $text, entities => $entities, %more);
    return $chat->message_object($person, $sent);
}

sub common ($tg, $person, $p, $notes) {
    my %more = (reply_markup => Market::Telegram::Markup::check($p->{reply_markup}, $notes));
    if (my $reply = $p->{reply_parameters}) {
        my $there = $person->{message}{$reply->{message_id}};
        Market::Refusal->bad('message to be replied not found')
            unless $there || $reply->{allow_sending_without_reply};
        $more{reply_to} = $reply->{message_id} if $there;
    }
    return %more;
}

sub caption ($p) {
    my ($text, $entities) = Market::Markup::formatted($p->{caption} // '',
        @$p{qw(parse_mode caption_entities)}, 1024, 'caption');
    return $text eq '' ? () : (caption => $text, entities => $entities);
}

sub send_media ($kind, $tg, $p, $notes) {
    my $person  = $tg->person($p);
    my %caption = caption($p);
    my %more    = common($tg, $person, $p, $notes);
    my %media   = media($tg, $kind, $p->{$kind}, $p);
    $tg->flood->spend($person->{id});
    my $chat = $tg->world->chat;
    my $sent = $chat->add($person, from => 'bot', %media, %caption, %more);
    return $chat->message_object($person, $sent);
}

# An upload, a file_id, attach://name or a URL becomes (file => ..., photo|document|video => ...).
sub media ($tg, $kind, $given, $p) {
    my $media = $tg->world->media;
    if (!ref $given && $given =~ m{^attach://(.+)}s) {
        $given = $p->{files}{$1}
            or Market::Refusal->bad("attached file $1 is not found in the request");
    }
    if (ref $given) {
        $given->{used} = 1;
        my $bytes = $given->{asset}->slurp;
        Market::Refusal->bad('file must be non-empty') if $bytes eq '';
        Market::Refusal->throw(413, 'Request Entity Too Large') if length $bytes > $LIMIT{$kind};
        return shown($tg, $kind, $media->keep($bytes, file_name => $given->{file_name}), $p);
    }
    if ($given =~ m{^https?://}i) {
        my $bytes = $tg->world->own_url($given)
            // Market::Refusal->bad('failed to get HTTP URL content');
        Market::Refusal->bad('wrong type of the web page content')
            if $kind eq 'photo' && length $bytes > 5 << 20;
        return shown($tg, $kind, $media->keep($bytes), $p);
    }
    my $known = $media->by_id->{$given}
        or Market::Refusal->bad('wrong file identifier/HTTP URL specified');
    my %other = (photo => 'Photo', document => 'Document', video => 'Video');
    Market::Refusal->bad("can't use file of type $other{$known->{kind}} as $other{$kind}")
        if $known->{kind} ne $kind;
    return shown($tg, $kind, $known->{file}, $p);
}

sub shown ($tg, $kind, $file, $p) {
    my $media = $tg->world->media;
    if ($kind eq 'photo') {
        Market::Refusal->bad('IMAGE_PROCESS_FAILED')
            unless $file->{ext} =~ /^(?:png|jpg|webp)$/ && $file->{width} && $file->{height};
        my ($w, $h) = @$file{qw(width height)};
        Market::Refusal->bad('PHOTO_INVALID_DIMENSIONS')
            if $w + $h > 10_000 || $w > 20 * $h || $h > 20 * $w;
        return (file => $file, photo => $file->{sizes} //= $media->photo_sizes($file));
    }
    return (file => $file, document => $media->document($file)) if $kind eq 'document';
    my %more = map { $_ => $p->{$_} } grep { $p->{$_} } qw(width height duration);
    return (file => $file, video => $media->video($file, %more));
}

sub send_media_group ($tg, $p, $notes) {
    my $person = $tg->person($p);
    my @items  = @{$p->{media}};
    Market::Refusal->bad('there must be from 2 to 10 media in an album')
        if @items < 2 || @items > 10;
    my %family = map { ($_->{type} =~ /^(?:photo|video|live_photo)$/ ? 'visual'
        : $_->{type}) => 1 } @items;
    Market::Refusal->bad('this type of media cannot be mixed in an album') if keys %family > 1;
    my %more = common($tg, $person, $p, $notes);
    my @ready = map { +{input_media($tg, $_, $p), %more} } @items;
    $tg->flood->spend($person->{id}, scalar @ready);
    my $group = join '', 1 + int rand 9, map { int rand 10 } 1 .. 16;
    my $chat  = $tg->world->chat;
    return [map {
        my $sent = $chat->add($person, from => 'bot', media_group_id => $group, %$_);
        $chat->message_object($person, $sent)
    } @ready];
}

sub input_media ($tg, $item, $p) {
    Market::Refusal->bad("the market does not play media of type $item->{type}")
        unless $item->{type} =~ /^(?:photo|document|video)$/;
    return (media($tg, $item->{type}, $item->{media}, {%$item, files => $p->{files}}),
        caption($item));
}

# What any message holds, once more and without saying whose it was; keyboards are not copied.
sub copy_message ($tg, $p, $notes) {
    my $person = $tg->person($p);
    my $chat   = $tg->world->chat;
    my $source = $chat->person($p->{from_chat_id}) or Market::Refusal->bad('chat not found');
    my $from   = $source->{message}{$p->{message_id}}
        or Market::Refusal->bad('message to copy not found');
    my %more = common($tg, $person, $p, $notes);
    my %what = map { $_ => $from->{$_} } grep { defined $from->{$_} }
        qw(text caption entities file photo video document);
    Market::Refusal->bad("message can't be copied") unless %what;
    $tg->flood->spend($person->{id});
    $chat->copies->{$person->{id}}++;
    my $sent = $chat->add($person, from => 'bot', %what, %more);
    return {message_id => $sent->{message_id}};
}

sub send_chat_action ($tg, $p, $notes) {
    my $person = $tg->person($p);
    Market::Refusal->bad('wrong parameter action in request') unless $ACTION{$p->{action}};
    $tg->world->chat->action($person, $p->{action});
    return \1;
}

1;
