package Market::Picture;
use Mojo::Base -base, -signatures;

# A real picture for any prompt: the same prompt gives the same picture. Some words are drawn
# (a place, a figure, what it wears); for the rest there is a pleasant pattern. The prompt is
# written at the bottom, so that a person sees that this picture is the one asked for.
use Cairo;
use Digest::SHA qw(sha256);
use Market::Picture::Figure;
use Market::Picture::Place;
use Pango;

has cache => sub { {} };
has order => sub { [] };

my @PLACE = (
    [space => qr/косм|скафандр|астронавт|зв[её]зд|галакти|планет|\bлун[аеуы]\b|\bмарс|ракет
        |space|astronaut|star|planet|moon|rocket/x],
    [sea    => qr/\bмор[еяюс]|океан|пляж|берег|парус|лодк|кораб|\bsea\b|ocean|beach|boat|ship/],
    [forest => qr/\bлес[ауеом]*\b|дерев|\b[её]лк|сосн|forest|tree|wood/],
    [hills  => qr/\bгор[аыеу]\b|холм|пол[еяю]\b|луг|дом|изб|деревн|hill|mountain|field|house|home/],
);
my @FIGURE = (
    [cat   => qr/\bкот(?:а|у|ом|е|ы|ов|ик\w*|[её]н\w*|ят\w*)?\b|\bкош[еак]\w*|\bcats?\b|kitten/],
    [fox   => qr/\bлис[аыуёеонкч]\w*|\bfox/],
    [dog   => qr/\bсобак|\bп[её]с\b|\bпс[аёу]|\bщен|\bdog|puppy/],
    [boat  => qr/парус|лодк|кораб|boat|ship/],
    [rocket => qr/ракет|rocket/],
    [house => qr/\bдом(?:а|у|ом|е|ик\w*)?\b|\bизб|house|home/],
);
my $HELMET = qr/скафандр|косм|астронавт|шлем|astronaut|spacesuit|space/;
my @FUR = ([ginger => qr/рыж|ginger|orange/], [grey => qr/сер(?:ый|ая|ого|ой)|grey|gray/],
    [black => qr/ч[её]рн|black/], [white => qr/бел(?:ый|ая|ого|ой)|white/]);

sub png ($self, $prompt, $w = 1024, $h = 1024, $n = 1) {
    my $key   = join "\0", $prompt, $w, $h, $n;
    my $cache = $self->cache;
    return $cache->{$key} if $cache->{$key};
    push @{$self->order}, $key;
    delete $cache->{shift @{$self->order}} if @{$self->order} > 64;
    return $cache->{$key} = draw($prompt, $w, $h, $n);
}

sub _first ($text, @rules) {
    for my $rule (@rules) { return $rule->[0] if $text =~ $rule->[1] }
    return undef;
}

# All drawing is in units where the short side is 1024.
sub draw ($prompt, $w, $h, $n) {
    my $surface = Cairo::ImageSurface->create('rgb24', $w, $h);
    my $cr      = Cairo::Context->create($surface);
    my $scale   = ($w < $h ? $w : $h) / 1024;
    $cr->scale($scale, $scale);
    my ($uw, $uh) = ($w / $scale, $h / $scale);
    my $random = _random("$prompt\0$n");
    my $text   = lc $prompt;
    my $place  = _first($text, @PLACE);
    my $figure = _first($text, @FIGURE);
    $place //= 'hills' if $figure;
    Market::Picture::Place->can($place // 'pattern')->($cr, $uw, $uh, $random);
    if ($figure) {
        $cr->save;
        $cr->translate(($uw - 1024) / 2, ($uh - 1024) * 0.75);
        my @fur = grep { defined } _first($text, @FUR), $figure eq 'fox' ? 'ginger' : undef;
        Market::Picture::Figure->can($figure)->($cr, $random, fur => $fur[0] // 'ginger',
            helmet => scalar($text =~ $HELMET));
        $cr->restore;
    }
    _caption($cr, $prompt, $uw, $uh);
    my $png = '';
    $surface->write_to_png_stream(sub ($closure, $bytes) { $png .= $bytes });
    return $png;
}

# A small generator of our own: the same numbers on every machine.
sub _random ($seed) {
    $seed = "$seed";
    utf8::encode($seed);
    my ($state) = unpack 'V', sha256($seed);
    $state ||= 1;
    return sub ($from = 0, $to = 1) {
        $state ^= ($state << 13) & 0xffffffff;
        $state ^= $state >> 17;
        $state ^= ($state << 5) & 0xffffffff;
        return $from + ($to - $from) * ($state & 0xffffff) / 0x1000000;
    };
}

sub _caption ($cr, $prompt, $w, $h) {
    my $layout = Pango::Cairo::create_layout($cr);
    my $size   = length $prompt < 60 ? 34 : 26;
    $layout->set_font_description(Pango::FontDescription->from_string("DejaVu Sans $size"));
    $layout->set_width(($w - 120) * Pango->scale);
    $layout->set_alignment('center');
    $layout->set_wrap('word-char');
    $layout->set_height(-3);
    $layout->set_ellipsize('end');
    $layout->set_text($prompt =~ s/[\x00-\x1f]+/ /gr);
    my (undef, $high) = $layout->get_pixel_size;
    my $top   = $h - $high - 46;
    my $shade = Cairo::LinearGradient->create(0, $top - 120, 0, $h);
    $shade->add_color_stop_rgba(0,    0.02, 0.02, 0.08, 0);
    $shade->add_color_stop_rgba(0.55, 0.02, 0.02, 0.08, 0.62);
    $shade->add_color_stop_rgba(1,    0.02, 0.02, 0.08, 0.85);
    $cr->set_source($shade);
    $cr->rectangle(0, $top - 120, $w, $h - $top + 120);
    $cr->fill;
    $cr->move_to(60, $top);
    $cr->set_source_rgb(1, 1, 1);
    Pango::Cairo::show_layout($cr, $layout);
    return;
}

1;
