package Market::Markup;
use Mojo::Base -strict, -signatures;

# Formatted text: HTML in, text and entities out, the way TDLib's parse_html does it.
# Entity offsets count UTF-16 units; the length limits count code points.
use Market::Refusal;
use Mojo::Util qw(encode xml_escape);

my %TYPE = (
    b => 'bold', strong => 'bold', i => 'italic', em => 'italic', u => 'underline',
    ins => 'underline', s => 'strikethrough', strike => 'strikethrough', del => 'strikethrough',
    'tg-spoiler' => 'spoiler', span => 'spoiler', code => 'code', pre => 'pre', a => 'text_link',
    'tg-emoji' => 'custom_emoji', blockquote => 'blockquote', 'tg-time' => 'date_time',
);
my %NAMED = (lt => '<', gt => '>', amp => '&', quot => '"');

sub utf16_length ($text) { return length($text) + ($text =~ tr/\x{10000}-\x{10ffff}//) }

sub fail ($text) { Market::Refusal->bad("can't parse entities: $text") }

# A parser is a string and a place in it (pos); offsets in errors are in bytes.
sub parse_html ($html) {
    my ($text, @open, @found) = ('');
    pos($html) = 0;
    while (pos($html) < length $html) {
        if ($html =~ /\G([^<&]+)/gc) { $text .= $1 }
        elsif ($html =~ /\G&/gc) { $text .= _character(\$html) }
        else {
            my $start = _bytes(\$html);
            pos($html)++;
            if ($html =~ m{\G/}gc) { _close(\$html, $start, $text, \@open, \@found) }
            else { push @open, {_open(\$html, $start), offset => length $text} }
        }
    }
    fail(qq{Can't find end tag corresponding to start tag "$open[-1]{tag}"}) if @open;
    return ($text, \@found);
}

sub _bytes ($in) { return length encode('UTF-8', substr $$in, 0, pos $$in) }

sub _character ($in) {
    return chr $1 if $$in =~ /\G#(\d{1,7});?/gc && $1 > 0 && $1 < 0x110000;
    return chr hex $1 if $$in =~ /\G#x([0-9a-fA-F]{1,6});?/gc && hex $1;
    return $NAMED{$1} if $$in =~ /\G(lt|gt|amp|quot);?/gc;
    return '&';
}

sub _open ($in, $start) {
    $$in =~ /\G([^\s>]*)/gc;
    my $tag = lc $1;
    fail("Unclosed start tag at byte offset $start") if pos $$in >= length $$in;
    fail(qq{Unsupported start tag "$tag" at byte offset $start}) unless $TYPE{$tag};
    my %attribute = _attributes($in, $tag, $start);
    my %open = (tag => $tag, type => $TYPE{$tag});
    if ($tag eq 'span' && ($attribute{class} // '') ne 'tg-spoiler') {
        fail(qq{Tag "span" must have class "tg-spoiler" at byte offset $start});
    }
    $open{url} = $attribute{href} if $tag eq 'a';
    $open{language} = $1 if $tag eq 'code' && ($attribute{class} // '') =~ /^language-(.+)/;
    $open{custom_emoji_id} = $attribute{'emoji-id'} if $tag eq 'tg-emoji';
    $open{type} = 'expandable_blockquote' if $tag eq 'blockquote' && exists $attribute{expandable};
    return %open;
}

sub _attributes ($in, $tag, $start) {
    my %attribute;
    while (1) {
        $$in =~ /\G\s+/gc;
        return %attribute if $$in =~ /\G>/gc;
        my $at = _bytes($in);
        fail("Unclosed start tag at byte offset $start") if pos $$in >= length $$in;
        $$in =~ /\G([^\s=>]*)/gc;
        my $name = lc $1;
        fail(qq{Empty attribute name in the tag "$tag" at byte offset $at}) if $name eq '';
        $$in =~ /\G\s+/gc;
        if ($$in !~ /\G=\s*/gc) {
            $attribute{$name} = '';
            next;
        }
        my $raw;
        if ($$in =~ /\G(["'])/gc) {
            my $quote = $1;
            $$in =~ /\G([^$quote]*)$quote/gc
                or fail("Unclosed start tag at byte offset $start");
            $raw = $1;
        }
        else {
            $$in =~ /\G([^\s>]*)/gc;
            $raw = $1;
        }
        $attribute{$name} = $raw =~ s/&(?:#(\d+)|(lt|gt|amp|quot));?/$2 ? $NAMED{$2} : chr $1/ger;
    }
}

sub _close ($in, $start, $text, $open, $found) {
    fail("Unexpected end tag at byte offset $start") unless @$open;
    $$in =~ /\G([^\s>]*)\s*/gc;
    my $tag = lc $1;
    $$in =~ /\G>/gc or fail("Unclosed end tag at byte offset $start");
    my $top = pop @$open;
    if ($tag ne '' && $tag ne $top->{tag}) {
        fail("Unmatched end tag at byte offset $start, "
            . qq{expected "</$top->{tag}>", found "</$tag>"});
    }
    my $from   = $top->{offset};
    my $length = length($text) - $from;
    return if !$length;
    my %entity = (type => $top->{type}, from => $from, to => $from + $length);
    if ($top->{type} eq 'text_link') {
        my $url = $top->{url} // substr $text, $from;
        return unless $url =~ m{^(?:[a-z][a-z0-9+.-]*:)|\w\.\w}i;
        $entity{url} = $url;
    }
    $entity{language} = $top->{language} if $top->{language};
    $entity{custom_emoji_id} = $top->{custom_emoji_id} if $top->{custom_emoji_id};
    push @$found, \%entity;
    return;
}

# A code directly inside a pre only names its language; nothing else lives in code or pre.
sub _settle (@found) {
    my @block = grep { $_->{type} =~ /^(?:pre|code)$/ } @found;
    my @kept;
    for my $entity (@found) {
        my ($outer) = grep {
            $_ != $entity && $_->{from} <= $entity->{from} && $_->{to} >= $entity->{to}
                && ($_->{type} eq 'pre' || $entity->{type} ne 'pre')
        } @block;
        if ($outer && $entity->{language} && $outer->{type} eq 'pre') {
            $outer->{language} = $entity->{language};
        }
        push @kept, $entity unless $outer;
    }
    delete $_->{language} for grep { $_->{type} eq 'code' } @kept;
    return @kept;
}

# What Telegram finds by itself in a text.
sub _automatic ($text, @taken) {
    my @found;
    my $free = sub ($from, $to) {
        return !grep { $_->{from} < $to && $_->{to} > $from } grep {
            $_->{type} =~ /^(?:pre|code|text_link|url)$/
        } @taken, @found;
    };
    my @rule = ([url => qr{\bhttps?://[^\s<>"]+[^\s<>".,;:!?)]}i],
        [bot_command => qr{(?<![\w/<>])/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])}],
        [mention => qr{(?<![\w.@])@[a-zA-Z0-9_]{4,32}\b}],
            [hashtag => qr{(?<![\w&])#\w*[^\W\d]\w*}]);
    for my $rule (@rule) {
        while ($text =~ /$rule->[1]/g) {
            my ($from, $to) = ($-[0], $+[0]);
            push @found, {type => $rule->[0], from => $from, to => $to} if $free->($from, $to);
        }
    }
    return @found;
}

# Blank ends go, entities move along, and offsets become UTF-16 units.
sub finish ($text, @found) {
    $text =~ s/\r//g unless @found;
    my $lead = $text =~ /^(\s+)/ ? length $1 : 0;
    $text =~ s/^\s+//;
    $text =~ s/\s+$//;
    my @entity;
    $_->{from} -= $lead, $_->{to} -= $lead for @found;
    push @found, _automatic($text, @found);
    for my $entity (_settle(@found)) {
        my $from = $entity->{from} < 0 ? 0 : $entity->{from};
        my $to   = $entity->{to} > length $text ? length $text : $entity->{to};
        next if $to <= $from;
        my %out = %$entity;
        delete @out{qw(from to)};
        $out{offset} = utf16_length(substr $text, 0, $from);
        $out{length} = utf16_length(substr $text, $from, $to - $from);
        push @entity, \%out;
    }
    @entity = sort { $a->{offset} <=> $b->{offset} || $b->{length} <=> $a->{length} } @entity;
    return ($text, \@entity);
}

# $limit is in code points; $what names the thing in the refusal.
sub formatted ($text, $mode, $entities, $limit, $what) {
    my $bytes = length encode 'UTF-8', $text;
    Market::Refusal->bad($what eq 'caption' ? 'message caption is too long' : 'text is too long')
        if $bytes > 32_768;
    $text =~ tr/\0//d;
    my @found;
    if (defined $mode && lc $mode eq 'html') {
        ($text, my $found) = parse_html($text);
        @found = @$found;
    }
    elsif (defined $mode && $mode ne '') {
        Market::Refusal->bad('unsupported parse_mode') unless $mode =~ /^markdown(?:v2)?$/i;
        Market::Refusal->bad("the market does not play parse_mode $mode");
    }
    elsif ($entities) { @found = _given($text, $entities) }
    my ($clean, $list) = finish($text, @found);
    Market::Refusal->bad($what eq 'caption' ? 'message caption is too long' : 'message is too long')
        if length $clean > $limit;
    return ($clean, $list);
}

sub _given ($text, $entities) {
    my @at;
    my $n = 0;
    for my $c (split //, $text) {
        push @at, ($n) x (ord $c > 0xffff ? 2 : 1);
        $n++;
    }
    push @at, $n;
    return map {
        my ($from, $to) = ($at[$_->{offset}], $at[$_->{offset} + $_->{length}]);
        Market::Refusal->bad("entity begins or ends outside of the text")
            unless defined $from && defined $to;
        +{%$_, from => $from, to => $to};
    } @$entities;
}

my %TAG = (bold => 'b', italic => 'i', underline => 'u', strikethrough => 's', code => 'code',
    pre => 'pre', spoiler => 'tg-spoiler', blockquote => 'blockquote',
    expandable_blockquote => 'blockquote');

# The text with its formatting as tidy HTML, for tests to look at.
sub as_html ($text, $entities) {
    my @at;
    my $unit = 0;
    for my $c (split //, $text) {
        push @at, [$unit, $c];
        $unit += ord $c > 0xffff ? 2 : 1;
    }
    my (%before, %after);
    for my $entity (@{$entities // []}) {
        my $tag  = $TAG{$entity->{type}};
        my $open = $tag ? "<$tag>" : '';
        if ($entity->{type} eq 'text_link') {
            ($tag, $open) = ('a', '<a href="' . xml_escape($entity->{url}) . '">');
        }
        next unless $tag;
        push @{$before{$entity->{offset}}}, $open;
        unshift @{$after{$entity->{offset} + $entity->{length}}}, "</$tag>";
    }
    my $html = '';
    for my $c (@at, [$unit, '']) {
        $html .= join '', @{$after{$c->[0]} // []}, @{$before{$c->[0]} // []};
        $html .= xml_escape($c->[1]) =~ s/&#39;/'/r;
    }
    return $html;
}

1;
