# render text: words are drawn, readable on anything, in bounded memory; hostile pictures and words end kindly.
use v5.36;
use utf8;
use File::Temp ();
use Test::More;

my $build = $ENV{top_builddir} // '.';
my $render = "$build/render";
my $sanitized = ($ENV{sanitizers} // '') eq 'yes';
plan skip_all => 'render is not built' unless -x $render;
my $dir = File::Temp->newdir('atelier-caption-XXXXXX', TMPDIR => 1);

sub spew ($name, $bytes) {
	open my $out, '>:raw', "$dir/$name" or die "$name: $!";
	print {$out} $bytes;
	close $out or die "$name: $!";
	return "$dir/$name";
}
sub slurp ($path) { open my $in, '<:raw', $path or die "$path: $!"; local $/; return scalar <$in> }
sub ffmpeg (@words) { return system('ffmpeg', '-loglevel', 'error', '-y', @words) == 0 || die "ffmpeg @words\n" }

# Draws a text on a picture: its status, line, peak memory in KiB, and the path of what came out.
sub draw ($picture, $text) {
	utf8::encode($text) if utf8::is_utf8($text);
	my $words = spew('text', $text);
	my $status = system 'sh', '-c', '/usr/bin/time -o "$5" -f %M "$1" text <"$2" >"$3" 2>"$4" 3<"$6"', 'sh', $render,
		$picture, "$dir/out", "$dir/err", "$dir/memory", $words;
	my ($memory) = slurp("$dir/memory") =~ /(\d+)\s*\z/;
	return {status => $status >> 8, line => slurp("$dir/err"), memory => $memory, out => "$dir/out"};
}

# A picture's pixels as gray or rgb bytes, scaled to w × h.
sub pixels ($path, $w, $h, $format) {
	ffmpeg('-i', $path, '-vf', "scale=$w:$h", '-f', 'rawvideo', '-pix_fmt', $format, "$dir/raw");
	return [unpack 'C*', slurp("$dir/raw")];
}

ffmpeg('-f', 'lavfi', '-i', "color=$_:s=800x600", '-frames:v', 1, "$dir/$_.png") for qw(white black);
for my $colour (qw(white black)) {
	my $got = draw("$dir/$colour.png", 'Привет, Hello');
	is $got->{status}, 0, "on $colour: drawn" or diag $got->{line};
	my $gray = pixels($got->{out}, 800, 600, 'gray');
	my @lower = @$gray[800 * 300 .. $#$gray];
	my @upper = @$gray[0 .. 800 * 290];
	my ($dark, $light) = (scalar(grep { $_ < 100 } @lower), scalar(grep { $_ > 200 } @lower));
	ok $dark > 500 && $light > 500, "on $colour: there is light on dark below ($dark dark, $light light)";
	my $ground = $colour eq 'white' ? 255 : 0;
	is scalar(grep { abs($_ - $ground) > 20 } @upper), 0, "on $colour: the upper half is as it was";
}
my $emoji = draw("$dir/white.png", '🎉🙂🌈');
my $rgb = pixels($emoji->{out}, 400, 300, 'rgb24');
my $coloured = 0;
for (my $i = 0; $i < $#$rgb; $i += 3) {
	my ($least, $most) = (sort { $a <=> $b } @$rgb[$i .. $i + 2])[0, 2];
	$coloured++ if $most - $least > 80;
}
cmp_ok $coloured, '>', 300, "emoji have their colours ($coloured pixels)";
my $other = pixels(draw("$dir/white.png", 'ёжик')->{out}, 200, 150, 'gray');
my $same = pixels(draw("$dir/white.png", 'йоги')->{out}, 200, 150, 'gray');
ok "@$other" ne "@$same", 'letters are letters, not boxes';
my $markup = draw("$dir/white.png", '<b>&amp; "кавычки" </span>');
is $markup->{status}, 0, 'markup is words';
like $markup->{line}, qr/^width=800 height=600 bytes=\d+$/, 'and the picture keeps its size';

# ---- twelve megapixels, in under 200 MB ----

ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=4000x3000', '-frames:v', 1, "$dir/large.$_") for qw(jpg png webp);
for my $kind (qw(jpg png webp)) {
	my $got = draw("$dir/large.$kind", 'С днём рождения, Аня! 🎉 ' x 4);
	is $got->{status}, 0, "12 megapixels as $kind" or diag $got->{line};
	note sprintf '12 megapixels as %s: %.0f MB', $kind, $got->{memory} / 1024;
	cmp_ok $got->{memory}, '<', 200 * 1024, 'in under 200 MB' unless $sanitized;
}

# ---- hostile ones ----

ffmpeg('-f', 'lavfi', '-i', 'color=black:s=16000x12000', '-frames:v', 1, "$dir/bomb.png");
cmp_ok -s "$dir/bomb.png", '<', 3 << 20, 'a bomb is small';
my $bomb = draw("$dir/bomb.png", 'бум');
is "$bomb->{status} $bomb->{line}", "1 too-large\n", 'and refused from its header';
cmp_ok $bomb->{memory}, '<', 120 * 1024, 'without being decoded' unless $sanitized;
my $cut = spew('cut.png', substr(slurp("$dir/large.png"), 0, 20));
is draw($cut, 'x')->{line}, "broken\n", 'a broken picture';
is draw(spew('none', 'x' x 1000), 'x')->{line}, "not-an-image\n", 'no picture';
my %long = (letters => 'ж' x 5000, marks => 'а' . "\x{301}" x 500, emoji => '🎉' x 500, lines => "а\n" x 500, words => 'слово ' x 500);
for my $what (sort keys %long) {
	my $got = draw("$dir/white.png", substr $long{$what}, 0, 1000);
	ok $got->{status} == 0 || $got->{line} eq "no-caption\n", "many $what end well: $got->{line}";
	cmp_ok $got->{memory}, '<', 300 * 1024, "many $what: memory is bounded" unless $sanitized;
}
is draw("$dir/white.png", $_)->{line}, "no-caption\n", 'nothing to draw' for " \n", "\x{200b}", '';
like draw("$dir/white.png", "\xff\xfeабв")->{line}, qr/^width=800/, 'what is no UTF-8 is left out';
done_testing;
