package Market::Clock;
use Mojo::Base 'Mojo::EventEmitter', -signatures;

# The market's own time for payments: the real one and what control has added to it, so that an
# hour or a day passes at once.
use Mojo::Date;
use POSIX qw(strftime);
use Time::HiRes ();

has offset => 0;

sub now ($self) { return Time::HiRes::time() + $self->offset }

sub advance ($self, $seconds) {
    $self->offset($self->offset + $seconds);
    $self->emit('moved');
    return $self->now;
}

# UTC with milliseconds, as payment services write it.
sub iso ($time) {
    my $ms = int($time * 1000 + 0.5);
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime int($ms / 1000)) . sprintf '.%03dZ', $ms % 1000;
}

sub epoch ($text) {
    return undef if ref $text || ($text // '') !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?/;
    $text =~ s/T(\d\d:\d\d)(?!:)/T$1:00/;
    return Mojo::Date->new($text)->epoch;
}

1;
