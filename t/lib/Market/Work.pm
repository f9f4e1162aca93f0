package Market::Work;
use Mojo::Base -base, -signatures;

# What the played providers make out of what they are given: the pictures they were sent are in the result, so that a
# person (and a test) sees what was worked on. Films are real H.264, made by ffmpeg in a process of its own.
use Cairo;
use Digest::SHA qw(sha256_hex);
use Market::Media;
use Mojo::File qw(path);
use Mojo::UserAgent;
use Mojo::Util qw(encode);

has 'world';
has ua => sub ($self) {
    Mojo::UserAgent->new(ca => $self->world->ca, request_timeout => 10, max_redirects => 0);
};
has films => sub { {} };        # key => path of a film, there when it is ready

# A file given by address, as a provider fetches it: (bytes, extension), or nothing and the reason.
sub fetch ($self, $url) {
    return (undef, 'not an https URL') if ref $url || $url !~ m{^https://};
    my $res = eval { $self->ua->get($url)->result } or return (undef, 'no answer');
    return (undef, 'status ' . $res->code) if $res->code != 200;
    my ($ext, $width, $height) = Market::Media::sniff($res->body);
    $self->world->log->add(work => 'fetch', path => $url =~ s{/media/.*}{/media/…}r, ext => $ext,
        bytes => length $res->body, width => $width, height => $height);
    return ($res->body, $ext, $width, $height);
}

# Any picture as PNG, at most `box` wide and high.
sub png ($self, $bytes, $box = 480) {
    my $dir  = path($self->world->dir, 'work')->make_path;
    my $name = sha256_hex($bytes) . "-$box";
    my ($in, $out) = map { $dir->child("$name.$_") } qw(in png);
    if (!-s $out) {
        $in->spurt($bytes);
        system('ffmpeg', '-loglevel', 'error', '-y', '-i', "$in", '-frames:v', 1, '-vf',
            "scale='min($box,iw)':'min($box,ih)':force_original_aspect_ratio=decrease", "$out") == 0
            or return undef;
    }
    return $out->slurp;
}

# A picture of the prompt with the given pictures on it, side by side.
sub collage ($self, $prompt, $pictures, $w = 1024, $h = 1024) {
    my $base = Cairo::ImageSurface->create_from_png_stream(_reader($self->world->picture->png($prompt, $w, $h)));
    my $cr   = Cairo::Context->create($base);
    my $n    = @$pictures;
    my $columns = $n > 4 ? 4 : $n || 1;
    my $cell = ($w - 80) / $columns;
    for my $i (0 .. $n - 1) {
        my $png = $self->png($pictures->[$i]) // next;
        my $one = Cairo::ImageSurface->create_from_png_stream(_reader($png));
        my $scale = ($cell - 30) / ($one->get_width > $one->get_height ? $one->get_width : $one->get_height);
        $cr->save;
        $cr->translate(40 + ($i % $columns) * $cell + 15, 40 + int($i / $columns) * $cell + 15);
        $cr->set_source_rgb(1, 1, 1);
        $cr->rectangle(-8, -8, $one->get_width * $scale + 16, $one->get_height * $scale + 16);
        $cr->fill;
        $cr->scale($scale, $scale);
        $cr->set_source_surface($one, 0, 0);
        $cr->paint;
        $cr->restore;
    }
    my $png = '';
    $base->write_to_png_stream(sub ($closure, $bytes) { $png .= $bytes });
    return $png;
}

# The picture itself, made larger or (1) as it is, a little brighter.
sub scaled ($self, $bytes, $factor) {
    my $dir  = path($self->world->dir, 'work')->make_path;
    my ($in, $out) = map { $dir->child(sha256_hex($bytes) . "-x$factor.$_") } qw(in jpg);
    $in->spurt($bytes);
    my $filter = "scale='trunc(iw*$factor/2)*2':-2" . ($factor == 1 ? ',eq=brightness=0.06' : '');
    system('ffmpeg', '-loglevel', 'error', '-y', '-i', "$in", '-frames:v', 1, '-vf', $filter, '-q:v', 3, "$out") == 0
        or return undef;
    return $out->slurp;
}

sub _reader ($bytes) {
    my $at = 0;
    return sub ($closure, $length) { my $part = substr $bytes, $at, $length; $at += $length; return $part };
}

# Begins a film of so many seconds that moves over a picture (PNG bytes); returns its key.
sub film ($self, $png, $seconds, $w = 640, $h = 360) {
    my $key = sha256_hex($png) . "-$seconds-${w}x$h";
    return $key if $self->films->{$key};
    my $dir = path($self->world->dir, 'work')->make_path;
    my $in  = $dir->child("$key.png");
    my $out = $self->films->{$key} = $dir->child("$key.mp4");
    $in->spurt($png);
    my $wide = int($w * 1.25 / 2) * 2;
    my $pan  = $w / 5 / $seconds;
    # In the background: the market goes on meanwhile.
    system('sh', '-c', 'ffmpeg -loglevel error -y -loop 1 -framerate 12 -i "$1" -t "$2" -vf "$3" -c:v libx264 '
        . '-preset ultrafast -pix_fmt yuv420p -movflags +faststart -f mp4 "$4.new" </dev/null && mv "$4.new" "$4" &',
        'film', "$in", $seconds, "scale=$wide:$h*5/4:force_original_aspect_ratio=increase,crop=$w:$h:'min(t*$pan,iw-$w)':0,setsar=1", "$out");
    return $key;
}

sub film_ready ($self, $key) {
    my $path = $self->films->{$key} // return undef;
    return -s $path ? $path->slurp : undef;
}

1;
