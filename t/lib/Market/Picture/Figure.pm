package Market::Picture::Figure;
use Mojo::Base -strict, -signatures;

# Who or what stands in the picture, drawn on a square of 1024 around the middle.
use Market::Picture::Brush qw(fill disc oval linear radial path stroke glow);

# light, main, dark, stripe, muzzle, iris
my %FUR = (
    ginger => [qw(ffc879 f39a3e c9692a b8561c fff3e2 6fcf6a)],
    grey   => [qw(c3ccd9 8d99ab 5d687a 4b5566 f3f5f9 f0b440)],
    black  => [qw(5a5d70 34364a 1b1c2b 14141f f0f0f4 f2d04a)],
    white  => [qw(ffffff eef0f6 b9bfd2 cfd4e3 ffffff 55b4ee)],
);

sub cat ($cr, $random, %is) { return _animal($cr, 'cat', $random, %is) }
sub fox ($cr, $random, %is) { return _animal($cr, 'fox', $random, %is) }
sub dog ($cr, $random, %is) { return _animal($cr, 'dog', $random, %is) }

sub _animal ($cr, $kind, $random, %is) {
    my $fur = $FUR{$is{fur}};
    if (!$is{helmet}) {
        $cr->save;
        $cr->translate(-92, -30);
        $cr->scale(1.18, 1.18);
        _body($cr, $fur);
        _head($cr, $kind, $fur);
        $cr->restore;
        return;
    }
    _suit($cr, $random);
    _helmet_back($cr);
    $cr->save;
    oval($cr, 512, 440, 268, 268);
    $cr->clip;
    _head($cr, $kind, $fur);
    $cr->restore;
    _helmet_front($cr);
    return;
}

sub _body ($cr, $fur) {
    path($cr, [330, 1000], [322, 760, 400, 640, 512, 640], [624, 640, 702, 760, 694, 1000]);
    fill($cr, linear(330, 640, 694, 1000, 0 => $fur->[0], 0.5 => $fur->[1], 1 => $fur->[2]));
    oval($cr, 512, 800, 96, 150);
    fill($cr, $fur->[4], 0.85);
    return;
}

sub _ears ($cr, $kind, $fur) {
    for my $side (-1, 1) {
        $cr->save;
        $cr->translate(512, 0);
        $cr->scale($side, 1);
        if ($kind eq 'dog') {
            path($cr, [96, 350], [210, 310, 262, 430, 232, 560], [206, 590, 160, 560, 150, 480]);
            fill($cr, linear(96, 330, 240, 580, 0 => $fur->[1], 1 => $fur->[2]));
            $cr->restore;
            next;
        }
        path($cr, [52, 366], [80, 300, 120, 252, 152, 238], [172, 238, 190, 330, 186, 440]);
        fill($cr, linear(60, 250, 190, 430, 0 => $fur->[0], 0.6 => $fur->[1], 1 => $fur->[2]));
        path($cr, [88, 354], [104, 312, 128, 284, 146, 276], [158, 290, 166, 350, 164, 404]);
        fill($cr, linear(90, 280, 160, 400, 0 => 'ffb9bd', 1 => 'd9777f'));
        $cr->restore;
    }
    return;
}

sub _head ($cr, $kind, $fur) {
    _ears($cr, $kind, $fur);
    my $round = sub {
        path($cr, [512, 318], [628, 318, 714, 398, 714, 492], [716, 584, 632, 640, 512, 640],
            [392, 640, 308, 584, 310, 492], [310, 398, 396, 318, 512, 318]);
    };
    $round->();
    fill($cr, radial(470, 400, 330, 0 => $fur->[0], 0.55 => $fur->[1], 1 => $fur->[2]));
    $cr->save;
    $round->();
    $cr->clip;
    _stripes($cr, $fur) if $kind eq 'cat';
    $cr->restore;
    for my $side (-1, 1) {
        oval($cr, 512 + $side * 47, 563, 66, 52);
        fill($cr, radial(512 + $side * 40, 548, 80, 0 => 'ffffff', 1 => $fur->[4]));
        glow($cr, 512 + $side * 146, 560, 56, 'ff8f8f', 0.42);
        _eye($cr, 512 + $side * 93, 474, $side, $fur, $kind);
    }
    oval($cr, 512, 592, 44, 34);
    fill($cr, $fur->[4]);
    _muzzle($cr, $kind);
    return;
}

sub _stripes ($cr, $fur) {
    for my $stripe ([512, 312, 512, 392, 17], [464, 316, 476, 384, 15], [560, 316, 548, 384, 15]) {
        my ($x0, $y0, $x1, $y1, $wide) = @$stripe;
        path($cr, [$x0 - $wide, $y0], [$x0 - $wide, $y0 + 20, $x1 - 3, $y1 - 10, $x1, $y1],
            [$x1 + 3, $y1 - 10, $x0 + $wide, $y0 + 20, $x0 + $wide, $y0]);
        fill($cr, $fur->[3], 0.75);
    }
    for my $side (-1, 1) {
        for my $y (506, 546) {
            my $x = 512 + $side * 203;
            path($cr, [$x, $y - 13], [$x - $side * 30, $y - 11, $x - $side * 46, $y - 2,
                $x - $side * 56, $y + 3],
                [$x - $side * 46, $y + 8, $x - $side * 30, $y + 11, $x, $y + 11]);
            fill($cr, $fur->[3], 0.7);
        }
    }
    return;
}

sub _eye ($cr, $x, $y, $side, $fur, $kind) {
    my $iris = $kind eq 'dog' ? '9a6236' : $fur->[5];
    oval($cr, $x, $y, 57, 61);
    fill($cr, '3a2118', 0.85);
    oval($cr, $x, $y + 1, 51, 55);
    fill($cr, radial($x, $y + 22, 74, 0 => 'f6ffd8', 0.45 => $iris, 1 => '173f3a'));
    oval($cr, $x, $y + 2, $kind eq 'cat' ? 26 : 30, $kind eq 'cat' ? 43 : 32);
    fill($cr, '0d0b16');
    disc($cr, $x - 17, $y - 20, 15, 'ffffff', 0.97);
    disc($cr, $x + 17, $y + 22, 8, 'ffffff', 0.8);
    oval($cr, $x, $y + 44, 28, 6);
    fill($cr, 'ffffff', 0.2);
    return;
}

sub _muzzle ($cr, $kind) {
    my $nose = $kind eq 'cat' ? ['ff9fab', 'd85f78'] : ['5a4a4c', '1d1719'];
    path($cr, [512, 556], [492, 550, 478, 534, 484, 526], [494, 516, 530, 516, 540, 526],
        [546, 534, 532, 550, 512, 556]);
    fill($cr, linear(512, 518, 512, 556, 0 => $nose->[0], 1 => $nose->[1]));
    oval($cr, 503, 527, 9, 4);
    fill($cr, 'ffffff', 0.65);
    path($cr, [512, 556], [512, 576]);
    stroke($cr, 5, '5a2c25');
    path($cr, [466, 574], [476, 596, 504, 596, 512, 576], [520, 596, 548, 596, 558, 574]);
    stroke($cr, 5, '5a2c25');
    path($cr, [500, 594], [504, 608, 520, 608, 524, 594]);
    fill($cr, 'f2788c', 0.9);
    for my $side (-1, 1) {
        for my $w ([-14, -26], [2, -2], [18, 22]) {
            my $x = 512 + $side * 92;
            path($cr, [$x, 560 + $w->[0]], [$x + $side * 50, 556 + $w->[0] + $w->[1] / 3,
                $x + $side * 92, 560 + $w->[0] + $w->[1] * 0.7, $x + $side * 128,
                    566 + $w->[0] + $w->[1]]);
            stroke($cr, 3, 'ffffff', 0.85);
        }
    }
    return;
}

sub _suit ($cr, $random) {
    for my $side (-1, 1) {    # the pack behind the shoulders
        $cr->save;
        $cr->translate(512, 0);
        $cr->scale($side, 1);
        path($cr, [150, 700], [240, 660, 320, 700, 322, 780], [322, 1024], [150, 1024]);
        fill($cr, linear(150, 660, 330, 1024, 0 => '8a93b0', 1 => '4d5577'));
        $cr->restore;
    }
    path($cr, [196, 1024], [204, 836, 330, 700, 512, 700], [694, 700, 820, 836, 828, 1024]);
    fill($cr, linear(200, 700, 830, 1024, 0 => 'ffffff', 0.45 => 'e4e8f3', 1 => '9aa3c2'));
    for my $side (-1, 1) {
        my $x = 512 + $side * 188;
        path($cr, [$x, 1024], [$x - $side * 6, 930, $x - $side * 10, 880, $x - $side * 30, 820]);
        stroke($cr, 5, '9ca5c4', 0.9);
        path($cr, [512 + $side * 262, 858], [512 + $side * 222, 880, 512 + $side * 190, 900,
            512 + $side * 180, 930]);
        stroke($cr, 20, 'ff7a4d');
    }
    $cr->save;                # the control panel
    $cr->translate(404, 806);
    _round($cr, 0, 0, 216, 104, 22);
    fill($cr, linear(0, 0, 0, 104, 0 => '4a5480', 1 => '2c3358'));
    disc($cr, 38 + $_->[0] * 34, 34, 11, $_->[1]) for [0, 'ff5d5d'], [1, 'ffd34f'], [2, '5fe08a'];
    _round($cr, 132, 20, 66, 30, 8);
    fill($cr, linear(132, 20, 198, 50, 0 => '8ff0ff', 1 => '2f9ac0'));
    path($cr, [26, 76], [80, 76], [90, 62], [102, 90], [112, 76], [192, 76]);
    stroke($cr, 4, '7cf5c4');
    $cr->restore;
    return;
}

sub _round ($cr, $x, $y, $w, $h, $r) {
    $cr->new_path;
    $cr->arc($x + $w - $r, $y + $r, $r, -1.5708, 0);
    $cr->arc($x + $w - $r, $y + $h - $r, $r, 0, 1.5708);
    $cr->arc($x + $r, $y + $h - $r, $r, 1.5708, 3.1416);
    $cr->arc($x + $r, $y + $r, $r, 3.1416, 4.7124);
    $cr->close_path;
    return;
}

sub _helmet_back ($cr) {
    path($cr, [324, 214], [288, 150]);
    stroke($cr, 9, 'c7cde0');
    glow($cr, 286, 146, 54, 'ff6a5a', 0.8);
    disc($cr, 286, 146, 15, 'ff7465');
    disc($cr, 281, 141, 5, 'ffffff', 0.8);
    oval($cr, 512, 716, 236, 62);    # the collar
    fill($cr, linear(276, 700, 748, 740, 0 => 'eef1f8', 0.5 => 'b5bdd6', 1 => '7d86a8'));
    disc($cr, 512, 440, 314, radial(420, 300, 560, 0 => 'ffffff', 0.55 => 'e3e7f2', 1 => '9098b8'));
    for my $side (-1, 1) {
        $cr->save;
        $cr->translate(512 + $side * 304, 452);
        _round($cr, -34, -74, 68, 148, 30);
        fill($cr, linear(-34, -74, 34, 74, 0 => 'ff9a63', 1 => 'd6512f'));
        _round($cr, -16, -44, 32, 88, 15);
        fill($cr, 'ffffff', 0.28);
        $cr->restore;
    }
    disc($cr, 512, 440, 282, linear(260, 200, 760, 690, 0 => '7a83a6', 0.5 => 'c9cfe2',
        1 => '5c6488'));
    disc($cr, 512, 440, 268, radial(512, 380, 300, 0 => '4b6fae', 0.65 => '24386f', 1 => '111a40'));
    return;
}

sub _helmet_front ($cr) {
    disc($cr, 512, 440, 268, radial(512, 440, 268, 0.6 => '9fd4ff/0', 0.9 => '9fd4ff/0.22',
        1 => 'd6efff/0.55'));
    path($cr, [312, 400], [326, 300, 400, 226, 498, 204], [420, 244, 356, 310, 338, 412],
        [334, 430, 310, 424, 312, 400]);
    fill($cr, linear(310, 400, 500, 204, 0 => 'ffffff/0.12', 1 => 'ffffff/0.72'));
    oval($cr, 338, 470, 9, 20);
    fill($cr, 'ffffff', 0.5);
    $cr->new_path;
    $cr->arc(512, 440, 244, 0.35, 1.05);
    stroke($cr, 9, 'ffffff', 0.3);
    oval($cr, 512, 440, 274, 274);
    stroke($cr, 12, linear(260, 200, 760, 690, 0 => 'ffffff', 0.5 => 'aab2cd', 1 => '6d769b'));
    return;
}

sub boat ($cr, $random, %is) {
    path($cr, [250, 700], [300, 800, 720, 800, 780, 690]);
    $cr->close_path;
    fill($cr, linear(250, 690, 780, 800, 0 => 'a85a3a', 1 => '5f2d23'));
    path($cr, [500, 690], [500, 250]);
    stroke($cr, 12, '6b4630');
    path($cr, [516, 270], [640, 400, 720, 560, 730, 660], [516, 660]);
    fill($cr, linear(516, 270, 730, 660, 0 => 'ffffff', 1 => 'f3d9c0'));
    path($cr, [484, 330], [420, 460, 350, 580, 310, 660], [484, 660]);
    fill($cr, linear(300, 660, 484, 330, 0 => 'ff9a7a', 1 => 'ffe1cf'));
    return;
}

sub rocket ($cr, $random, %is) {
    $cr->save;
    $cr->translate(512, 460);
    $cr->rotate(0.5);
    glow($cr, 0, 330, 190, 'ffb14a', 0.9);
    path($cr, [-52, 230], [-40, 330, -14, 400, 0, 450], [14, 400, 40, 330, 52, 230]);
    fill($cr, linear(0, 230, 0, 450, 0 => 'fff6c0', 0.4 => 'ffb03a', 1 => 'ff4d2e/0.2'));
    for my $side (-1, 1) {
        path($cr, [$side * 80, 90], [$side * 170, 150, $side * 180, 240, $side * 170, 290],
            [$side * 80, 220]);
        fill($cr, 'e8503a');
    }
    path($cr, [0, -320], [110, -200, 130, 40, 80, 240], [-80, 240],
        [-130, 40, -110, -200, 0, -320]);
    fill($cr, linear(-120, 0, 120, 0, 0 => 'ffffff', 0.6 => 'dfe4f0', 1 => '9aa2bd'));
    path($cr, [0, -320], [50, -266, 80, -210, 92, -160], [-92, -160],
        [-80, -210, -50, -266, 0, -320]);
    fill($cr, 'e8503a');
    disc($cr, 0, -40, 62, '3a4a78');
    disc($cr, 0, -40, 48, radial(-14, -56, 80, 0 => 'c9f2ff', 1 => '2f86c4'));
    $cr->restore;
    return;
}

sub house ($cr, $random, %is) {
    $cr->rectangle(320, 520, 390, 290);
    fill($cr, linear(320, 520, 710, 810, 0 => 'fff3df', 1 => 'e3bd92'));
    $cr->rectangle(620, 330, 56, 140);
    fill($cr, 'a6543f');
    for my $n (0 .. 3) { disc($cr, 652 + $n * 26, 300 - $n * 46, 24 + $n * 9, 'ffffff',
        0.6 - $n * 0.12) }
    path($cr, [270, 540], [515, 330], [760, 540]);
    $cr->close_path;
    fill($cr, linear(270, 330, 760, 540, 0 => 'e2694f', 1 => 'a33c35'));
    _round($cr, 476, 650, 90, 162, 12);
    fill($cr, '7a4b32');
    disc($cr, 550, 734, 6, 'ffd34f');
    for my $x (356, 594) {
        _round($cr, $x, 590, 84, 84, 8);
        fill($cr, radial($x + 42, 630, 70, 0 => 'fff6b8', 1 => 'f7c45a'));
        path($cr, [$x + 42, 590], [$x + 42, 674]);
        stroke($cr, 6, 'ffffff');
        path($cr, [$x, 632], [$x + 84, 632]);
        stroke($cr, 6, 'ffffff');
    }
    return;
}

1;
