package Market::Media;
use Mojo::Base -base, -signatures;

# Files: what bytes really are, and a place on disk that knows them by file_id.
use Mojo::File qw(path);
use Mojo::Util qw(sha1_sum b64_encode);
use Digest::SHA qw(sha256_hex);

has 'dir';
has by_id   => sub { {} };    # file_id => variant {file, kind, width, height}
has by_path => sub { {} };    # Telegram's file_path => file
has by_name => sub { {} };    # name under /photo => file

my %MIME = (png => 'image/png', jpg => 'image/jpeg', webp => 'image/webp', gif => 'image/gif',
    mp4 => 'video/mp4', pdf => 'application/pdf', zip => 'application/zip', txt => 'text/plain',
    bin => 'application/octet-stream', heic => 'image/heic');

# (extension, width, height) by the bytes alone.
sub sniff ($bytes) {
    return (png => unpack 'x16 N N', $bytes) if $bytes =~ /^\x89PNG\r\n\x1a\n.{4}IHDR.{8}/s;
    return (jpg => _jpeg_size($bytes)) if $bytes =~ /^\xff\xd8\xff/;
    return (webp => _webp_size($bytes)) if $bytes =~ /^RIFF.{4}WEBP/s;
    return (gif => unpack 'x6 v v', $bytes) if $bytes =~ /^GIF8[79]a.{4}/s;
    return ('heic') if $bytes =~ /^.{4}ftyp(?:heic|heix|mif1)/s;
    return ('mp4') if $bytes =~ /^.{4}ftyp/s;
    return ('pdf') if $bytes =~ /^%PDF/;
    return ('zip') if $bytes =~ /^PK\x03\x04/;
    return ('bin');
}

sub _jpeg_size ($bytes) {
    my $at = 2;
    while ($at + 9 < length $bytes) {
        my ($mark, $code, $length) = unpack "x$at C C n", $bytes;
        last if $mark != 0xff;
        if ($code == 0xff) { $at++; next }
        if ($code >= 0xc0 && $code <= 0xcf && $code !~ /^(?:196|200|204)$/) {
            my ($height, $width) = unpack 'x' . ($at + 5) . ' n n', $bytes;
            return ($width, $height);
        }
        $at += 2 + $length;
    }
    return;
}

sub _webp_size ($bytes) {
    my $kind = substr $bytes, 12, 4;
    if ($kind eq 'VP8X' && length $bytes >= 30) {
        my ($w, $wh, $h, $hh) = unpack 'x24 v C v C', $bytes;
        return (1 + $w + ($wh << 16), 1 + $h + ($hh << 16));
    }
    if ($kind eq 'VP8 ' && length $bytes >= 30) {
        my ($w, $h) = unpack 'x26 v v', $bytes;
        return ($w & 0x3fff, $h & 0x3fff);
    }
    if ($kind eq 'VP8L' && length $bytes >= 25) {
        my $bits = unpack 'x21 V', $bytes;
        return (1 + ($bits & 0x3fff), 1 + (($bits >> 14) & 0x3fff));
    }
    return;
}

sub random_name ($n = 18) {
    open my $random, '<:raw', '/dev/urandom' or die "urandom: $!";
    read $random, (my $bytes), $n;
    return b64_encode($bytes, '') =~ tr{+/=}{-_}dr;
}

# Keeps bytes under a new name. The file record is shared by everything that shows it.
sub keep ($self, $bytes, %more) {
    my ($ext, $width, $height) = sniff($bytes);
    my $name = random_name(12);
    $self->dir->make_path;
    $self->dir->child($name)->spurt($bytes);
    my $file = {name => $name, ext => $ext, width => $width, height => $height,
        size => length $bytes, sha256 => sha256_hex($bytes), mime => $MIME{$ext}, %more};
    $file->{unique} = 'AQAD' . substr sha1_sum($file->{sha256}), 0, 12;
    return $self->by_name->{$name} = $file;
}

sub bytes ($self, $file) { return $self->dir->child($file->{name})->slurp }

sub _register ($self, $prefix, $kind, $file, $unique) {
    my $id = $prefix . random_name(42);
    $self->by_id->{$id} = {file => $file, kind => $kind, unique => $unique};
    return (file_id => $id, file_unique_id => $unique);
}

# Telegram's sizes of one photo. Smaller ones serve the same bytes: the market does not rescale.
sub photo_sizes ($self, $file) {
    my ($w, $h) = @$file{qw(width height)};
    my $long = $w > $h ? $w : $h;
    my @edges = ((grep { $_ < $long } 90, 320, 800), $long);
    my @sizes;
    for my $n (0 .. $#edges) {
        my ($sw, $sh) = map { int($_ * $edges[$n] / $long + 0.5) || 1 } $w, $h;
        push @sizes, {$self->_register(AgACAgIAAxkB => 'photo', $file, $file->{unique}
            . chr(0x78 - $n)),
            width => $sw, height => $sh,
            file_size => $n == $#edges ? $file->{size} : int($file->{size} * $sw * $sh / $w / $h)};
    }
    return \@sizes;
}

sub document ($self, $file) {
    my %document = ($self->_register(BQACAgIAAxkB => 'document', $file, "$file->{unique}d"),
        file_size => $file->{size}, mime_type => $file->{mime});
    $document{file_name} = $file->{file_name} if defined $file->{file_name};
    return \%document;
}

sub video ($self, $file, %more) {
    return {$self->_register(BAACAgIAAxkB => 'video', $file, "$file->{unique}v"),
        file_size => $file->{size}, width => 1280,
        height => 720, duration => 5, mime_type => 'video/mp4',
        defined $file->{file_name} ? (file_name => $file->{file_name}) : (), %more};
}

# getFile's path is made at the first question.
sub path_of ($self, $variant) {
    my $file   = $variant->{file};
    my $folder = $variant->{kind} . 's';
    my $path   = $file->{"path_$folder"} //= "$folder/file_" . keys(%{$self->by_path})
        . ".$file->{ext}";
    $self->by_path->{$path} = $file;
    return $path;
}

1;
