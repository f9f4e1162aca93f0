#!/usr/bin/perl
# render chart: figures of some days as one picture, whatever the figures; what is no chart is refused.
use v5.36;
use utf8;
use File::Temp ();
use Test::More;

my $render = ($ENV{top_builddir} // '.') . '/render';
my $dir = File::Temp->newdir('atelier-chart-XXXXXX', TMPDIR => 1);

sub slurp ($path) { open my $in, '<:raw', $path or die "$path: $!"; local $/; return scalar <$in> }
sub draw ($text) {
	utf8::encode($text);
	open my $out, '>:raw', "$dir/in" or die "in: $!";
	print {$out} $text;
	close $out or die "in: $!";
	my $status = system 'sh', '-c', '"$0" chart </dev/null >"$1" 2>"$2" 3<"$3"', $render, "$dir/out.png", "$dir/err", "$dir/in";
	return {status => $status >> 8, line => slurp("$dir/err")};
}
# How dark the picture is on the whole: the mean of its gray.
sub mean () { return (unpack 'C', qx(ffmpeg -loglevel error -i '$dir/out.png' -vf scale=1:1:flags=area -f rawvideo -pix_fmt gray -)) }

sub chart ($days, $panels, %with) {
	my $text = "title\t" . ($with{title} // 'Последние две недели') . "\ndays" . join('', map { sprintf "\t%02d.11", $_ } 1 .. $days) . "\n";
	for my $panel (1 .. $panels) {
		$text .= "panel\t" . ($with{name} // "Панель $panel") . "\t₽\n";
		$text .= "series\tряд $_" . join('', map { "\t" . ($with{value} // ($_ * 7 + $panel) % 23) } 1 .. $days) . "\n" for 1 .. 1 + $panel % 2;
	}
	return $text;
}

for my $case ([1, 1], [14, 4], [31, 6]) {
	my ($days, $panels) = @$case;
	my $got = draw(chart($days, $panels));
	is $got->{status}, 0, "$days days, $panels panels" or diag $got->{line};
	my $height = 84 + int(($panels + 1) / 2) * 342;
	like $got->{line}, qr/^width=1200 height=$height bytes=\d+$/, 'its size';
	like qx(file -b '$dir/out.png'), qr/^PNG image data, 1200 x $height,/, 'and a PNG';
	cmp_ok -s "$dir/out.png", '<', 300_000, 'not large';
}
draw(chart(14, 4, value => 0));
my $empty = mean();
is draw(chart(14, 4, value => 1_000_000_000_000))->{status}, 0, 'the largest numbers';
cmp_ok mean(), '<', $empty - 10, 'bars are seen, and none where there is nothing';
is draw(chart(3, 1, title => q{<svg onload="x"> & </text><script>} . 'я' x 300, name => '&lt;"\'>'))->{status}, 0, 'words that look like markup are words';
my @wrong = ('', "\n", 'title', "title\tx\n", "title\tx\ndays\t1\n", chart(32, 1), chart(3, 7), chart(3, 1) . "series\tx\t1\t2\n",
	chart(3, 1) =~ s/\t(\d+)\n\z/\t-$1\n/r, chart(3, 1) =~ s/\t(\d+)\n\z/\t$1.5\n/r, chart(3, 1) =~ s/\n\z//r, chart(3, 1) . "\0\n",
	chart(3, 1) . "picture\thttp://127.0.0.1/x.png\n", "series\tx\t1\n" . chart(3, 1), chart(3, 1, value => '9' x 20), 'x' x 20_000);
for my $i (0 .. $#wrong) {
	my $got = draw($wrong[$i]);
	is "$got->{status} $got->{line}", $i == $#wrong ? "1 no-text\n" : "1 no-chart\n", "refused: $i";
}
# Nobody's picture is an SVG: the loader that draws ours is shut for them.
my $svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>';
open my $out, '>', "$dir/x.svg" or die $!;
print {$out} $svg;
close $out or die $!;
is system('sh', '-c', '"$0" picture <"$1" >"$2" 2>/dev/null', $render, "$dir/x.svg", "$dir/out.png") >> 8, 1, 'an SVG of somebody is no picture';
done_testing;
