package Market::Log;
use Mojo::Base -base, -signatures;

# Everything the market saw, one JSON object a line, and the newest part of it in memory.
use Mojo::JSON qw(encode_json);
use Time::HiRes qw(time);

has 'path';
has entries => sub { [] };
has strange => sub { [] };
has keep    => 50_000;
has 'file';

my $count = 0;

sub open_file ($self) {
    open my $file, '>>', $self->path or die $self->path . ": $!\n";
    $file->autoflush(1);
    return $self->file($file);
}

sub add ($self, $side, $what, %more) {
    my $entry   = {%more, n => ++$count, at => time, side => $side, what => $what};
    my $entries = $self->entries;
    push @$entries, $entry;
    splice @$entries, 0, @$entries - $self->keep if @$entries > $self->keep * 1.1;
    print {$self->file} encode_json($entry), "\n" if $self->file;
    return $entry;
}

# A strange thing is one the real service lets pass and a careful client never does.
sub note ($self, $side, $what, $note, %more) {
    push @{$self->strange}, $self->add($side, $what, %more, strange => $note);
    return;
}

sub since ($self, $n, %want) {
    my @found = grep {
        my $entry = $_;
        $entry->{n} > $n
            && (!defined $want{side} || $entry->{side} eq $want{side})
            && (!defined $want{what} || $entry->{what} eq $want{what})
    } @{$self->entries};
    return \@found;
}

sub last_number ($self) { return $count }

1;
