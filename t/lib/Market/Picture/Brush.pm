package Market::Picture::Brush;
use Mojo::Base -strict, -signatures;

# Short ways to say common things to Cairo. Colours are 'rrggbb' with an optional opacity.
use Cairo;
use Exporter qw(import);

our @EXPORT_OK = qw(rgba fill disc oval linear radial path stroke glow);

sub rgba ($hex, $alpha = 1) {
    return ((map { hex($_) / 255 } $hex =~ /(..)(..)(..)/), $alpha);
}

sub fill ($cr, $paint, $alpha = 1) {
    ref $paint ? $cr->set_source($paint) : $cr->set_source_rgba(rgba($paint, $alpha));
    $cr->fill;
    return;
}

sub oval ($cr, $x, $y, $rx, $ry) {
    $cr->save;
    $cr->translate($x, $y);
    $cr->scale($rx, $ry);
    $cr->new_sub_path;
    $cr->arc(0, 0, 1, 0, 6.2832);
    $cr->restore;
    return;
}

sub disc ($cr, $x, $y, $r, $paint, $alpha = 1) {
    oval($cr, $x, $y, $r, $r);
    fill($cr, $paint, $alpha);
    return;
}

sub _stops ($gradient, @stops) {
    while (my ($at, $colour) = splice @stops, 0, 2) {
        my ($hex, $alpha) = split m{/}, $colour;
        $gradient->add_color_stop_rgba($at, rgba($hex, $alpha // 1));
    }
    return $gradient;
}

sub linear ($x0, $y0, $x1, $y1, @stops) {
    return _stops(Cairo::LinearGradient->create($x0, $y0, $x1, $y1), @stops);
}

sub radial ($x, $y, $r, @stops) {
    return _stops(Cairo::RadialGradient->create($x, $y, 0, $x, $y, $r), @stops);
}

sub glow ($cr, $x, $y, $r, $hex, $alpha = 1) {
    disc($cr, $x, $y, $r, radial($x, $y, $r, 0 => "$hex/$alpha", 1 => "$hex/0"));
    return;
}

# Two numbers a line or move, six a curve.
sub path ($cr, @points) {
    $cr->new_path;
    for my $n (0 .. $#points) {
        my @p = @{$points[$n]};
        if (@p == 6) { $cr->curve_to(@p) }
        elsif ($n == 0) { $cr->move_to(@p) }
        else { $cr->line_to(@p) }
    }
    return;
}

sub stroke ($cr, $width, $paint, $alpha = 1) {
    ref $paint ? $cr->set_source($paint) : $cr->set_source_rgba(rgba($paint, $alpha));
    $cr->set_line_width($width);
    $cr->set_line_cap('round');
    $cr->set_line_join('round');
    $cr->stroke;
    return;
}

1;
