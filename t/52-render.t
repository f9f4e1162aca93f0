#!/usr/bin/perl
# render: pictures of every kind come out fit for sendPhoto; hostile ones are refused by a caged process.
use v5.36;
use Compress::Zlib;
use File::Temp ();
use IO::Select;
use IPC::Run ();
use Test::More;

my $build = $ENV{top_builddir} // '.';
my $source = $ENV{top_srcdir} // '.';
my $render = "$build/render";
my $sanitized = ($ENV{sanitizers} // '') eq 'yes';
plan skip_all => 'render is not built' unless -x $render;

# Status (as the shell would have it), output and words of one run.
sub render ($input, @args) {
	my ($out, $err) = ('', '');
	IPC::Run::run([$render, @args ? @args : 'picture'], \$input, \$out, \$err, IPC::Run::timeout(120));
	return {status => $? >> 8, signal => $? & 127, out => $out, err => $err};
}

sub read_file ($name) {
	open my $in, '<:raw', "$source/t/data/pictures/$name" or die "$name: $!";
	local $/;
	return scalar <$in>;
}

# A PNG of the given kind; row gives the bytes of line y.
sub png ($width, $height, $depth, $kind, $row) {
	my $z = deflateInit(-Level => 1);
	my $data = '';
	for my $y (0 .. $height - 1) {
		$data .= ($z->deflate("\0" . $row->($y)))[0];
	}
	$data .= ($z->flush)[0];
	my $chunk = sub ($type, $bytes) { pack('N', length $bytes) . $type . $bytes . pack('N', crc32("$type$bytes")) };
	return "\x89PNG\r\n\x1a\n" . $chunk->(IHDR => pack 'NNCCCCC', $width, $height, $depth, $kind, 0, 0, 0)
		. $chunk->(IDAT => $data) . $chunk->(IEND => '');
}

# The frame header of a JPEG, and whether it has any application data beside JFIF.
sub jpeg ($bytes) {
	my %jpeg = (good => $bytes =~ /^\xff\xd8\xff/ && $bytes =~ /\xff\xd9\z/, extra => '');
	my $at = 2;
	while ($at + 4 < length $bytes) {
		my ($mark, $length) = unpack 'xCn', substr $bytes, $at, 4;
		@jpeg{qw(bits height width colours)} = unpack 'CnnC', substr $bytes, $at + 4, 6 if $mark =~ /^19[2-5]$/ && $mark != 196;
		$jpeg{extra} .= sprintf 'APP%d ', $mark - 0xe0 if $mark > 0xe0 && $mark <= 0xef;
		$jpeg{extra} .= 'comment' if $mark == 0xfe;
		last if $mark == 0xda;
		$at += 2 + $length;
	}
	return \%jpeg;
}

sub ok_picture ($input, $width, $height, $what) {
	my $got = render($input);
	my $jpeg = jpeg($got->{out});
	my $bytes = length $got->{out};
	is "$got->{status}/$got->{signal}", '0/0', "$what: done" or diag $got->{err};
	ok $jpeg->{good} && $jpeg->{bits} == 8 && $jpeg->{colours} == 3, "$what: a JPEG of three colours";
	is "$jpeg->{width}x$jpeg->{height}", "${width}x$height", "$what: its size" if $width;
	is $got->{err}, "width=$jpeg->{width} height=$jpeg->{height} bytes=$bytes\n", "$what: the facts";
	is $jpeg->{extra}, '', "$what: nothing but the picture";
	my ($long, $short) = sort { $b <=> $a } @$jpeg{qw(width height)};
	ok $long + $short <= 10000 && $long <= 20 * $short && $bytes <= 10_000_000, "$what: fit for sendPhoto";
	return $got->{out};
}

sub ok_refused ($input, $word, $what) {
	my $got = render($input);
	is "$got->{status}/$got->{signal}", '1/0', "$what: refused";
	is $got->{err}, "$word\n", "$what: the reason";
	is $got->{out}, '', "$what: nothing comes out";
}

# ---- good ones ----

my @files = qw(clear.webp clear16.png cmyk.jpg display-p3.jpg grey.jpg lossy.webp progressive.jpg turned.jpg);
my %made = map { $_ => ok_picture(read_file($_), $_ eq 'turned.jpg' ? (48, 64) : (64, 48), $_) } @files;
like read_file('turned.jpg'), qr/probe-camera/, 'turned.jpg has a camera';
my $white = ok_picture(png(64, 48, 8, 2, sub { "\xff" x 192 }), 64, 48, 'a white PNG');
# display-p3.jpg is all white in another colour space.
ok $made{$_} eq $white, "$_: what is clear or white becomes white" for qw(clear.webp clear16.png display-p3.jpg);
ok_picture(png(1, 1, 1, 0, sub { "\0" }), 1, 1, 'one point');
ok_picture(png(20000, 12, 8, 0, sub ($y) { "\x40" x 20000 }), 0, 0, 'a line wider than all');
ok_picture(png(3, 9000, 8, 2, sub ($y) { "\x40" x 9 }), 450, 9000, 'a line higher than all');
ok_picture(png(6000, 5000, 1, 0, sub ($y) { chr($y % 256) x 750 }), 0, 0, 'more than sides of 10000');
SKIP: {
	eval { require Cairo } or skip 'Cairo is not there', 6;
	my $surface = Cairo::ImageSurface->create('argb32', 320, 200);
	my $brush = Cairo::Context->create($surface);
	$brush->set_source_rgba(1, 0.2, 0, 0.5);
	$brush->arc(160, 100, 80, 0, 6.3);
	$brush->fill;
	my $bytes = '';
	$surface->write_to_png_stream(sub ($closure, $piece) { $bytes .= $piece });
	ok_picture($bytes, 320, 200, 'a PNG by Cairo');
}
open my $random, '<:raw', '/dev/urandom' or die $!;
my $noise = png(2600, 2600, 8, 2, sub ($y) { read $random, my $row, 7800; $row });
ok_picture($noise, 0, 0, 'noise that must be made smaller');

# ---- hostile ones ----

my $jpeg = read_file('progressive.jpg');
ok_refused('', 'not-an-image', 'nothing');
ok_refused("\xff\xd8\xff", 'not-an-image', 'three bytes');
read $random, my $junk, 5000;
ok_refused("x$junk", 'not-an-image', 'random bytes');
ok_refused("\xff\xd8\xff\xe0$junk", 'broken', 'random bytes that begin as JPEG');
ok_refused("\x89PNG\r\n\x1a\n$junk", 'broken', 'random bytes that begin as PNG');
ok_refused('RIFF' . pack('V', 5004) . "WEBPVP8 $junk", 'broken', 'random bytes that begin as WebP');
ok_refused('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
	'not-an-image', 'SVG');
ok_refused(pack('N', 24) . 'ftypheic' . pack('N', 0) . 'mif1heic' . $junk, 'not-an-image', 'HEIC');
ok_refused("GIF89a\1\0\1\0\0\0\0;", 'not-an-image', 'GIF');
ok_refused("%PDF-1.4\n", 'not-an-image', 'PDF');
ok_refused("II*\0$junk", 'not-an-image', 'TIFF');
ok_refused(substr($jpeg, 0, length($jpeg) - 60), 'broken', 'a JPEG that was cut');
# One scan, as most cameras write it: each part of it is a picture for a decoder that does not mind.
my $camera = render($noise)->{out};
ok_refused(substr($camera, 0, length($camera) * $_ / 100), 'broken', "the first $_ % of a JPEG") for 1, 50, 99;
ok_picture($camera . "\0" x 100, 0, 0, 'a JPEG with something behind it');
ok_refused(png(20000, 20000, 1, 0, sub ($y) { "\0" x 2500 }), 'too-large', 'a bomb of 20000 x 20000');
ok_refused($jpeg . "\0" x (64 << 20), 'too-large', 'more than 64 MB');

# Damage anywhere may end in a picture or a word, never in a signal: that would be a call outside the cage.
my ($worst, $runs) = (0, 0);
srand 20261121;
for my $file (@files) {
	my $whole = read_file($file);
	for my $round (1 .. 4) {
		my $cut = substr $whole, 0, int(rand length $whole);
		my $spoilt = $whole;
		substr $spoilt, int(rand length $whole), 1, chr int rand 256 for 1 .. $round;
		for my $input ($cut, $spoilt) {
			my $got = render($input);
			$runs++;
			$worst++ if $got->{signal} || $got->{status} > 1 || $got->{err} !~ /^(?:width=\d+ height=\d+ bytes=\d+|not-an-image|too-large|broken)\n\z/;
		}
	}
}
is $worst, 0, "$runs damaged pictures end with a word or a picture";

# ---- words ----

# Without fonts Pango draws boxes and says nothing: render must.
SKIP: {
	my $dir = File::Temp->newdir;
	my @hide = ('unshare', '--user', '--map-root-user', '--mount', 'sh', '-c',
		'mount --bind "$2" /usr/share/fonts && { [ ! -d /usr/local/share/fonts ]'
		. ' || mount -t tmpfs none /usr/local/share/fonts; } && exec "$1" text 3<"$3"', 'sh');
	open my $words, '>', "$dir/words" or die $!;
	print {$words} 'Hi';
	close $words;
	my $plain = png(64, 48, 8, 2, sub { "\x80" x 192 });
	my %family = (none => '', letters => 'DejaVu Sans:bold', emoji => 'Noto Color Emoji');
	for my $kind (sort keys %family) {
		my $file = $family{$kind} && qx(fc-match -f '%{file}' '$family{$kind}');
		mkdir "$dir/$kind" or die $!;
		IPC::Run::run(['cp', $file, "$dir/$kind"]) if $file;
		my ($out, $err) = ('', '');
		IPC::Run::run([@hide, $render, "$dir/$kind", "$dir/words"], \$plain, \$out, \$err);
		skip 'no name spaces here', 1 if $err !~ /^no-|^width=/;
		is $err, "no-fonts\n", "fonts: $kind is not enough";
	}
}

# ---- the cage ----

# A run that waits for its input: the filter is on before the first byte.
pipe my $theirs_in, my $ours_out or die $!;
pipe my $ours_in, my $theirs_out or die $!;
my $pid = fork // die $!;
if (!$pid) {
	open STDIN, '<&', $theirs_in or die $!;
	open STDOUT, '>&', $theirs_out or die $!;
	open STDERR, '>', '/dev/null' or die $!;
	exec $render, 'picture' or die $!;
}
close $_ for $theirs_in, $theirs_out;

sub proc ($name) {
	open my $in, '<', "/proc/$pid/$name" or return '';
	local $/;
	return scalar(<$in>) // '';
}

my $deadline = time + 60;
my $never = IO::Select->new($ours_in);
$never->can_read(0.02) while proc('status') !~ /^Seccomp:\s+2$/m && time < $deadline;
my $status = proc('status');
like $status, qr/^Seccomp:\s+2$/m, 'a filter of system calls is on while it waits for input';
like $status, qr/^NoNewPrivs:\s+1$/m, 'and it can gain no rights';
my ($threads) = $status =~ /^Threads:\s+(\d+)$/m;
my @each = map { open my $in, '<', $_ or die $!; local $/; scalar <$in> } glob "/proc/$pid/task/*/status";
is scalar(grep { /^Seccomp:\s+2$/m } @each), $threads, "for all of its threads ($threads)";
SKIP: {
	my $limits = proc('limits');
	skip 'its limits are not shown to us', 4 if $limits eq '';
	like $limits, qr/^Max core file size\s+0\s+0/m, 'no core';
	like $limits, qr/^Max open files\s+3\s+3/m, 'no file beyond the three it was given';
	like $limits, qr/^Max cpu time\s+30\s+30/m, 'processor time ends';
	SKIP: {
		skip 'sanitizers need address space', 1 if $sanitized;
		like $limits, qr/^Max address space\s+2147483648\s+2147483648/m, 'memory ends';
	}
}
SKIP: {
	my @open = map { m{/(\d+)$} } glob "/proc/$pid/fd/*" or skip 'its descriptors are not shown to us', 1;
	is "@open", '0 1 2', 'it has three descriptors';
}
print {$ours_out} $jpeg;
close $ours_out;
my $out = do { local $/; <$ours_in> };
waitpid $pid, 0;
ok $? == 0 && jpeg($out)->{good}, 'and then it does its work';

# ---- options ----

my $help = render('', '--help');
ok $help->{status} == 0 && $help->{out} =~ /^Usage: render picture\|text\|chart\n/, '--help';
like render('', '--version')->{out}, qr/^render \(Atelier\) \S+$/, '--version';
is render('', @$_)->{status}, 64, "a wrong way to call it: @$_" for ['paint'], ['picture', 'x'], ['-x'];
done_testing;
