package Market::Telegram::Markup;
use Mojo::Base -strict, -signatures;

# Keyboards: what the description can't say about them.
use Market::Refusal;
use Mojo::Util qw(encode);

my @KIND = qw(url callback_data web_app login_url switch_inline_query
    switch_inline_query_current_chat switch_inline_query_chosen_chat copy_text callback_game pay);

sub check ($markup, $notes, %is) {
    return undef unless $markup;
    if (!$markup->{inline_keyboard}) {
        Market::Refusal->bad('inline keyboard expected') if $is{edit};
        return $markup;
    }
    my @rows = grep {@$_} @{$markup->{inline_keyboard}};
    my $all  = 0;
    for my $row (@rows) {
        push @$notes, 'more than 8 buttons in a row' if @$row > 8;
        _button($_, $notes) for @$row;
        $all += @$row;
    }
    push @$notes, 'empty row in a keyboard' if @rows != @{$markup->{inline_keyboard}};
    Market::Refusal->bad('reply markup is too long') if $all > 100;
    return @rows ? {inline_keyboard => \@rows} : undef;
}

sub _button ($button, $notes) {
    my @kind = grep { exists $button->{$_} } @KIND;
    Market::Refusal->bad('text buttons are unallowed in the inline keyboard') unless @kind;
    Market::Refusal->bad('field "text" must be non-empty') if $button->{text} eq '';
    push @$notes, "button has both @kind" if @kind > 1;
    if (defined $button->{callback_data}) {
        my $length = length encode 'UTF-8', $button->{callback_data};
        Market::Refusal->bad('BUTTON_DATA_INVALID') if $length < 1 || $length > 64;
    }
    my $url = $button->{url} // ($button->{web_app} // {})->{url};
    if (defined $url && $url !~ m{^(?:https?|tg|ton)://[^\s/]}i) {
        Market::Refusal->bad('BUTTON_URL_INVALID');
    }
    if (my $copy = $button->{copy_text}) {
        my $length = length $copy->{text};
        Market::Refusal->bad('BUTTON_COPY_TEXT_INVALID') if $length < 1 || $length > 256;
    }
    return;
}

1;
