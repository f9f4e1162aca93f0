#!/usr/bin/perl
# render chart: figures of some days as one picture, whatever the figures; what is no chart is refused.
use v5.36;
use utf8;
use File::Temp ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Atelier::Test qw(wait_until slurp);
use Encode ();
use POSIX ();
use Test::More;

my $render = ($ENV{top_builddir} // '.') . '/render';
my $sanitized = ($ENV{sanitizers} // '') eq 'yes';
plan skip_all => 'render is not built' unless -x $render;
my $dir = File::Temp->newdir('atelier-chart-XXXXXX', TMPDIR => 1);

# Draws: its status, line, seconds and peak memory in KiB.
sub draw ($text) {
	utf8::encode($text);
	open my $out, '>:raw', "$dir/in" or die "in: $!";
	print {$out} $text;
	close $out or die "in: $!";
	my $status = system 'sh', '-c', '/usr/bin/time -o "$4" -f "%e %M" "$0" chart </dev/null >"$1" 2>"$2" 3<"$3"', $render,
		"$dir/out.png", "$dir/err", "$dir/in", "$dir/spent";
	my ($seconds, $memory) = slurp("$dir/spent") =~ /(\S+) (\d+)\s*\z/;
	return {status => $status >> 8, line => slurp("$dir/err"), seconds => $seconds, memory => $memory};
}
# The picture's pixels as gray bytes, after a filter of ffmpeg's.
sub gray ($filter) { return unpack 'C*', qx(ffmpeg -loglevel error -i '$dir/out.png' -vf '$filter' -f rawvideo -pix_fmt gray -) }
# How light it is on the whole.
sub mean () { return (gray('scale=1:1:flags=area'))[0] }
# How many pixels are not white right of the panels and between their two columns; undef when there is no picture.
sub astray () {
	my @room = gray('split[a][b];[a]crop=34:ih-84:1166:0[c];[b]crop=34:ih-84:583:84[d];[c][d]hstack');
	return @room ? scalar grep { $_ < 255 } @room : undef;
}

sub chart ($days, $panels, %with) {
	my $name = $with{name} // 'ряд';
	my $text = "title\t" . ($with{title} // 'Последние две недели') . "\ndays" . join('', map { sprintf "\t%02d.11", $_ } 1 .. $days) . "\n";
	for my $panel (1 .. $panels) {
		$text .= "panel\t" . ($with{name} // "Панель $panel") . "\t₽\n";
		$text .= "series\t$name" . join('', map { "\t" . ($with{value} // ($_ * 7 + $panel) % 23) } 1 .. $days) . "\n" for 1 .. 1 + $panel % 2;
	}
	return $text;
}

for my $case ([0, 2], [1, 1], [14, 4], [31, 6]) {
	my ($days, $panels) = @$case;
	my $got = draw(chart($days, $panels));
	is $got->{status}, 0, "$days days, $panels panels" or diag $got->{line};
	my $height = 84 + int(($panels + 1) / 2) * 366;
	like $got->{line}, qr/^width=1200 height=$height bytes=\d+$/, 'its size';
	like qx(file -b '$dir/out.png'), qr/^PNG image data, 1200 x $height,/, 'and a PNG';
	cmp_ok -s "$dir/out.png", '<', 300_000, 'not large';
	is astray(), 0, 'and in its place';
}
draw(chart(14, 4, value => 0));
my $empty = mean();
is draw(chart(14, 4, value => 1_000_000_000_000))->{status}, 0, 'the largest numbers';
cmp_ok mean(), '<', $empty - 10, 'bars are seen, and none where there is nothing';
is astray(), 0, 'and they have room';
my $markup = q{<svg onload="x"> & </text><script>};
my %words = (markup => q{&lt;"'></text>]]>}, wide => 'Щ' x 200, less => 'Щ' x 30, emoji => '🎉' x 100);
for my $what (sort keys %words) {
	my $got = draw(chart(31, 6, title => $words{$what} . $markup, name => $words{$what}, value => 1_000_000_000_000));
	is $got->{status}, 0, "$what: words that are words" or diag $got->{line};
	is astray(), 0, "$what: they stay in their place";
	cmp_ok -s "$dir/out.png", '<', 300_000, "$what: not large";
	cmp_ok $got->{memory}, '<', 200 * 1024, "$what: memory is bounded" unless $sanitized;
	cmp_ok $got->{seconds}, '<', 10, "$what: time, too";
	note sprintf '%s: %.2f s, %.0f MB, %d bytes', $what, $got->{seconds}, $got->{memory} / 1024, -s "$dir/out.png";
}
my @wrong = ('', "\n", 'title', "title\tx\n", "title\tx\ndays\t1\n", "title\tx\ty" . substr(chart(1, 1), 7), chart(32, 1), chart(3, 7), chart(3, 1) . "series\tx\t1\t2\n",
	chart(3, 1) =~ s/\t(\d+)\n\z/\t-$1\n/r, chart(3, 1) =~ s/\t(\d+)\n\z/\t$1.5\n/r, chart(3, 1) =~ s/\n\z//r, chart(3, 1) =~ s/₽/roubles, /r,
	chart(3, 1) =~ s/02\.11/2 November/r, chart(3, 1) =~ s/(days.*\n)/$1$1/r, chart(3, 1) . "title\tx\n", chart(3, 1) =~ s/ряд/\x{1}/r,
	chart(3, 1) . "\0\n",
	chart(3, 1) . "picture\thttp://127.0.0.1/x.png\n", "series\tx\t1\n" . chart(3, 1), chart(3, 1, value => '9' x 20), 'x' x 20_000);
for my $i (0 .. $#wrong) {
	my $got = draw($wrong[$i]);
	is "$got->{status} $got->{line}", $i == $#wrong ? "1 no-text\n" : "1 no-chart\n", "refused: $i";
}
# Its limits stand before it knows what it is to draw.
$^F = 20;
pipe my $figures, my $ours or die $!;
my $pid = fork // die $!;
if (!$pid) {
	close $ours;
	POSIX::dup2(fileno $figures, 3);
	open STDIN, '<', '/dev/null' or die $!;
	open STDOUT, '>', "$dir/out.png" or die $!;
	open STDERR, '>', "$dir/err" or die $!;
	exec $render, 'chart' or die $!;
}
close $figures;
wait_until('limits of processor time', 30, sub { slurp("/proc/$pid/limits") =~ /^Max cpu time\s+30\s+30/m });
like slurp("/proc/$pid/limits"), qr/^Max address space\s+2147483648\s+2147483648/m, 'and of memory' unless $sanitized;
print {$ours} Encode::encode_utf8(chart(14, 4));
close $ours;
waitpid $pid, 0;
is $?, 0, 'and then it draws';

# Nobody's picture is an SVG: the loader that draws ours is shut for them.
my $svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>';
open my $out, '>', "$dir/x.svg" or die $!;
print {$out} $svg;
close $out or die $!;
is system('sh', '-c', '"$0" picture <"$1" >"$2" 2>/dev/null', $render, "$dir/x.svg", "$dir/out.png") >> 8, 1, 'an SVG of somebody is no picture';
done_testing;
