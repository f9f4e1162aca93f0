package Market::Picture::Place;
use Mojo::Base -strict, -signatures;

# Where a picture plays: each fills the whole canvas.
use Market::Picture::Brush qw(fill disc oval linear radial path stroke glow);

sub _all ($cr, $w, $h, $paint) {
    $cr->rectangle(0, 0, $w, $h);
    fill($cr, $paint);
    return;
}

sub space ($cr, $w, $h, $random) {
    _all($cr, $w, $h, linear(0, 0, $w * 0.25, $h, 0 => '070b24', 0.45 => '1b1850', 0.8 => '4a2374',
        1 => '7a2f7d'));
    for my $blob (['3b6fe0', 0.34], ['c2478f', 0.30], ['5a39c9', 0.36], ['2ea3c7', 0.20]) {
        glow($cr, $random->(0, $w), $random->(0, $h * 0.75), $random->(260, 480), @$blob);
    }
    for (1 .. $w * $h / 3600) {
        my ($x, $y, $size) = ($random->(0, $w), $random->(0, $h), $random->(0.5, 1.9));
        disc($cr, $x, $y, $size, $random->() < 0.2 ? 'ffd9a8' : 'ffffff', $random->(0.35, 0.95));
    }
    for (1 .. 13) {
        my ($x, $y, $size) = ($random->(0, $w), $random->(0, $h * 0.7), $random->(8, 20));
        glow($cr, $x, $y, $size, 'cfe0ff', 0.55);
        for my $turn (0, 1) {
            my ($dx, $dy) = $turn ? ($size, 0) : (0, $size);
            path($cr, [$x - $dx, $y - $dy], [$x + $dx, $y + $dy]);
            stroke($cr, 1.6, 'ffffff', 0.75);
        }
        disc($cr, $x, $y, 2.4, 'ffffff');
    }
    _planet($cr, $w - 190, 196, 96);
    disc($cr, 150, 250, 46, radial(136, 232, 70, 0 => 'fdf4dc', 1 => 'b9a7a0'));
    disc($cr, @$_, 'a4938f', 0.5) for [136, 262, 10], [166, 240, 7], [158, 272, 5];
    _comet($cr, $w * 0.42, 80);
    _ground($cr, $w, $h, $random);
    return;
}

sub _planet ($cr, $x, $y, $r) {
    glow($cr, $x, $y, $r * 1.7, 'ffb27a', 0.35);
    _ring($cr, $x, $y, $r, 0, 6.2832);
    $cr->save;
    oval($cr, $x, $y, $r, $r);
    $cr->clip;
    $cr->rectangle($x - $r, $y - $r, 2 * $r, 2 * $r);
    fill($cr, linear($x - $r, $y - $r, $x + $r, $y + $r, 0 => 'ffd9a0', 0.5 => 'f2935c',
        1 => '8c3b62'));
    for my $band ([-52, 13, 'fff0cf'], [-18, 18, 'd86f4c'], [22, 12, 'ffdcaa'],
        [54, 20, 'a84a5c']) {
        oval($cr, $x - 12, $y + $band->[0], $r * 1.3, $band->[1]);
        fill($cr, $band->[2], 0.42);
    }
    disc($cr, $x, $y, $r * 1.02, radial($x - $r * 0.45, $y - $r * 0.45, $r * 1.9,
        0.35 => '1a0f3a/0', 1 => '1a0f3a/0.85'));
    $cr->restore;
    _ring($cr, $x, $y, $r, -0.3, 3.44);
    return;
}

# The whole ring goes behind the planet, its near half over it.
sub _ring ($cr, $x, $y, $r, $from, $to) {
    for my $band ([1.5, 13, 'ffe2b8'], [1.72, 6, 'e8b894']) {
        $cr->save;
        $cr->translate($x, $y);
        $cr->rotate(-0.32);
        $cr->scale(1, 0.26);
        $cr->new_path;
        $cr->arc(0, 0, $r * $band->[0], $from, $to);
        $cr->restore;
        stroke($cr, @$band[1, 2], 0.95);
    }
    return;
}

sub _comet ($cr, $x, $y) {
    path($cr, [$x, $y], [$x - 150, $y - 52], [$x - 146, $y - 60]);
    $cr->close_path;
    fill($cr, linear($x, $y, $x - 150, $y - 55, 0 => 'ffffff/0.9', 1 => '9fc4ff/0'));
    glow($cr, $x, $y, 16, 'ffffff', 0.9);
    return;
}

sub _ground ($cr, $w, $h, $random) {
    path($cr, [0, $h - 150], [$w * 0.3, $h - 235, $w * 0.7, $h - 215, $w, $h - 120], [$w, $h],
        [0, $h]);
    fill($cr, linear(0, $h - 230, 0, $h, 0 => 'a69bd0', 0.4 => '6f63a5', 1 => '382f66'));
    for (1 .. 11) {
        my ($x, $y, $r) = ($random->(0, $w), $random->($h - 120, $h), $random->(14, 52));
        oval($cr, $x, $y, $r, $r * 0.3);
        fill($cr, '2b2455', 0.55);
        oval($cr, $x, $y + 4, $r * 0.94, $r * 0.25);
        fill($cr, '8f84c0', 0.35);
    }
    return;
}

sub sea ($cr, $w, $h, $random) {
    my $line = $h * 0.5;
    _all($cr, $w, $h, linear(0, 0, 0, $line, 0 => '3f78c9', 0.5 => '9cc4ea', 0.85 => 'ffe0b5',
        1 => 'ffc58a'));
    my $sun = $w * $random->(0.6, 0.8);
    glow($cr, $sun, $line - 60, 330, 'fff3c4', 0.9);
    disc($cr, $sun, $line - 60, 62, 'fffbe6');
    _clouds($cr, $w, $line * 0.7, $random);
    $cr->rectangle(0, $line, $w, $h - $line);
    fill($cr, linear(0, $line, 0, $h, 0 => '8fd0d8', 0.25 => '3a9fbd', 1 => '0d3f74'));
    for my $n (0 .. 16) {
        my $y = $line + 8 + $n**1.75 * 3.9;
        my $wide = 16 + $n * 9;
        for my $k (0 .. 22) {
            my $x = $k * $w / 20 + $random->(-40, 40);
            path($cr, [$x, $y], [$x + $wide / 3, $y - $wide / 8, $x + $wide * 2 / 3, $y - $wide / 8,
                $x + $wide, $y]);
            stroke($cr, 1.4 + $n * 0.22, 'ffffff', 0.14 + 0.2 * (abs($x - $sun) < 90 + $n * 8));
        }
    }
    return;
}

sub _clouds ($cr, $w, $low, $random) {
    for (1 .. 6) {
        my ($x, $y, $s) = ($random->(0, $w), $random->(50, $low), $random->(0.6, 1.3));
        my @puff = ([-70, 8, 44], [-20, -14, 58], [44, -4, 50], [92, 12, 34]);
        $cr->new_path;
        oval($cr, $x + $_->[0] * $s, $y + $_->[1] * $s, ($_->[2] * $s) x 2) for @puff;
        fill($cr, 'ffffff', 0.72);
    }
    return;
}

sub forest ($cr, $w, $h, $random) {
    _all($cr, $w, $h, linear(0, 0, 0, $h, 0 => '8fc7d4', 0.5 => 'dff0d0', 1 => 'f7f3c6'));
    glow($cr, $w * 0.7, $h * 0.24, 300, 'fffbd8', 0.95);
    my @green = (['a9cdb4', 0.46], ['7fb08f', 0.58], ['4f8a68', 0.70], ['2c6248', 0.85]);
    for my $row (0 .. $#green) {
        my ($colour, $at) = @{$green[$row]};
        my $base = $h * ($at + 0.1);
        for (my $x = -40; $x < $w + 60; $x += 62 + $row * 16) {
            _fir($cr, $x + $random->(-20, 20), $base + $random->(-14, 14),
                130 + $row * 58 + $random->(0, 70), $colour);
        }
        $cr->rectangle(0, $base - 12, $w, $h);
        fill($cr, $colour);
    }
    return;
}

sub _fir ($cr, $x, $y, $tall, $colour) {
    for my $tier (0 .. 3) {
        my $low  = $y - $tall * $tier * 0.21;
        my $wide = $tall * (0.27 - $tier * 0.052);
        path($cr, [$x - $wide, $low], [$x, $low - $tall * 0.42], [$x + $wide, $low]);
        $cr->close_path;
        fill($cr, $colour);
    }
    return;
}

sub hills ($cr, $w, $h, $random) {
    _all($cr, $w, $h, linear(0, 0, 0, $h * 0.75, 0 => '5fa8e8', 0.6 => 'bfe2fa', 1 => 'fff1d2'));
    glow($cr, $w * 0.18, $h * 0.2, 250, 'fff6c8', 0.95);
    disc($cr, $w * 0.18, $h * 0.2, 58, 'fff3b8');
    _clouds($cr, $w, $h * 0.35, $random);
    my @hill = (['a6cfe0', 0.52], ['86c29a', 0.6], ['62ad6c', 0.7], ['3f8f55', 0.82]);
    for my $hill (@hill) {
        my ($colour, $at) = @$hill;
        my @y = map { $h * $at + $random->(-70, 50) } 0 .. 3;
        path($cr, [0, $y[0]], [$w * 0.33, $y[1] - 60, $w * 0.66, $y[2] + 40, $w, $y[3]], [$w, $h],
            [0, $h]);
        fill($cr, linear(0, $h * $at - 80, 0, $h, 0 => $colour, 1 => '2c6b45'));
    }
    for (1 .. 90) {
        my ($x, $y) = ($random->(0, $w), $random->($h * 0.84, $h));
        disc($cr, $x, $y, $random->(3, 6), (qw(ffffff ffd94f ff8fa8 c9a7ff))[$random->(0, 4)], 0.9);
    }
    return;
}

my @PALETTE = ([qw(2d1e5f 8a3a8f ff7f6b ffd08a)], [qw(0b3c5d 1f7a8c 9bd1c0 fff1c9)],
    [qw(1d2b53 3f5fa8 8fb8de ffe3c2)], [qw(3a1c3f 9d2f5f f0736a ffd6a5)],
        [qw(123524 2f7d5b a7d49b fff4c4)]);

# Nothing in the prompt that we can draw: soft hills of colour under a sun.
sub pattern ($cr, $w, $h, $random) {
    my @tone = @{$PALETTE[$random->(0, scalar @PALETTE)]};
    _all($cr, $w, $h, linear(0, 0, $w * 0.3, $h, 0 => $tone[3], 0.5 => $tone[2], 1 => $tone[1]));
    my ($x, $y) = ($w * $random->(0.3, 0.7), $h * $random->(0.24, 0.4));
    glow($cr, $x, $y, 420, 'ffffff', 0.55);
    disc($cr, $x, $y, $random->(90, 150), $tone[3], 0.95);
    for my $n (1 .. 26) {
        disc($cr, $random->(0, $w), $random->(0, $h * 0.7), $random->(6, 70),
            $tone[$random->(0, 4)], $random->(0.05, 0.2));
    }
    for my $n (0 .. 5) {
        my $base = $h * (0.5 + $n * 0.09);
        my @p = map { $random->(-110, 110) } 1 .. 4;
        path($cr, [0, $base + $p[0]], [$w * 0.3, $base + $p[1], $w * 0.6, $base + $p[2], $w,
            $base + $p[3]], [$w, $h], [0, $h]);
        fill($cr, $n < 3 ? $tone[1] : $tone[0], 0.3 + $n * 0.1);
    }
    return;
}

1;
