package Market::Flood;
use Mojo::Base -base, -signatures;

# Telegram's sending limits as token buckets: one per chat, one for the bot. A call that comes
# before retry_after is over makes the wait longer, as it does in life.
use Market::Refusal;
use POSIX qw(ceil);
use Time::HiRes qw(time);

has 'limits';
has buckets => sub { {} };
has refused => 0;

sub forget ($self) { return $self->buckets({}) }

sub spend ($self, $chat, $n = 1) {
    my $limits = $self->limits;
    my @bucket = (
        $self->_bucket("chat $chat", @$limits{qw(chat_burst chat_rate)}),
        $self->_bucket('bot',        @$limits{qw(bot_burst bot_rate)}),
    );
    my $now = time;
    for my $bucket (@bucket) {
        if ($bucket->{until} > $now) { $bucket->{until} += 1 }
        elsif ($bucket->{tokens} < $n) {
            $bucket->{until} = $now + ($n - $bucket->{tokens}) / ($bucket->{rate} || 0.001);
        }
        else { next }
        $self->refused($self->refused + 1);
        my $wait = ceil($bucket->{until} - $now) || 1;
        Market::Refusal->throw(429, "retry after $wait", {retry_after => $wait});
    }
    $_->{tokens} -= $n for @bucket;
    return;
}

sub _bucket ($self, $name, $burst, $rate) {
    my $now    = time;
    my $bucket = $self->buckets->{$name} //= {tokens => $burst, at => $now, until => 0};
    $bucket->{tokens} += ($now - $bucket->{at}) * $rate;
    $bucket->{tokens} = $burst if $bucket->{tokens} > $burst;
    @$bucket{qw(at rate)} = ($now, $rate);
    return $bucket;
}

1;
