package Market::Refusal;
use Mojo::Base -base, -signatures;

# A refusal in Telegram's error form. Thrown, so that a check can stand anywhere.
has [qw(code description parameters)];

my %TITLE = (400 => 'Bad Request', 403 => 'Forbidden', 404 => 'Not Found',
    409 => 'Conflict', 413 => 'Request Entity Too Large', 429 => 'Too Many Requests');

sub throw ($class, $code, $text, $parameters = undef) {
    my $title = $TITLE{$code} // 'Error';
    die $class->new(code => $code, description => "$title: $text", parameters => $parameters);
}

sub bad ($class, $text) { $class->throw(400, $text) }

sub answer ($self) {
    my %body = (ok => \0, error_code => $self->code, description => $self->description);
    $body{parameters} = $self->parameters if $self->parameters;
    return \%body;
}

1;
