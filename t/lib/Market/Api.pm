package Market::Api;
use Mojo::Base -base, -signatures;

# The Bot API description as data (t/data/telegram-api.json), and calls held against it.
use Market::Refusal;
use Mojo::File qw(path);
use Mojo::JSON qw(decode_json from_json);
use Mojo::Util qw(encode);
use Scalar::Util qw(blessed);

no warnings 'experimental::builtin';

has 'file';
has data => sub ($self) { decode_json(path($self->file)->slurp) };

# Names are case-insensitive on the wire.
has names => sub ($self) { return {map { lc() => $_ } keys %{$self->data->{methods}}} };

# What the real server says when these are missing; others get a general text.
my %MISSING = (
    text              => 'message text is empty',
    chat_id           => 'chat_id is empty',
    message_id        => 'message identifier is not specified',
    photo             => 'there is no photo in the request',
    document          => 'there is no document in the request',
    video             => 'there is no video in the request',
    action            => 'wrong parameter action in request',
    file_id           => 'file_id not specified',
    callback_query_id => 'query is too old and response timeout expired or query ID is invalid',
);

sub known ($self, $name) { return $self->names->{lc $name} }

# Turns what was given into typed values. Notes are things Telegram would let pass.
sub check ($self, $method, $given, $files, $notes) {
    local $SIG{__DIE__};    # Mojolicious would make objects of our plain messages
    my %field = map { $_->{name} => $_ } @{$self->data->{methods}{$method}{fields} // []};
    push @$notes, "unknown parameter $_" for sort grep { !$field{$_} } keys %$given;
    my %typed;
    for my $name (sort keys %field) {
        my $field = $field{$name};
        if ($files->{$name} && grep { $_ eq 'InputFile' } @{$field->{types}}) {
            $typed{$name} = $files->{$name};
            next;
        }
        if (!exists $given->{$name} || !defined $given->{$name}) {
            next unless $field->{required};
            my $text = $MISSING{$name} // qq{parameter "$name" is required};
            Market::Refusal->bad($text);
        }
        $typed{$name} = $self->_param($field, $given->{$name}, $notes);
    }
    return \%typed;
}

sub _param ($self, $field, $value, $notes) {
    my ($name, $types) = @$field{qw(name types)};
    if (!ref $value && grep { !_scalar($_) } @$types) {
        my $text    = $value;
        my $decoded = eval { from_json($text) };
        Market::Refusal->bad("can't parse $name JSON object") if !ref $decoded && !_any($types);
        $value = $decoded if ref $decoded;
    }
    my ($best, $fail) = $self->_union($types, $value, $name, 1);
    if (!$best) {
        Market::Refusal->bad('object expected as reply markup')
            if $name eq 'reply_markup' && !ref $value;
        Market::Refusal->bad($fail);
    }
    push @$notes, @{$best->[1]};
    return $best->[0];
}

sub _any ($types) { return grep { _scalar($_) } @$types }

sub _scalar ($type) { return $type =~ /^(?:Integer|Float|Boolean|String|InputFile)$/ }

# The member of a union with nothing wrong and the fewest notes wins.
sub _union ($self, $types, $value, $at, $top = 0) {
    my ($best, $fail);
    for my $type (@$types) {
        my @notes;
        my $typed = eval { $self->_convert($type, $value, $at, \@notes, $top) };
        if ($@) {
            $fail //= $@ =~ s/\n//r;
            next;
        }
        $best = [$typed, \@notes] if !$best || @notes < @{$best->[1]};
    }
    return ($best, $fail);
}

sub _convert ($self, $type, $value, $at, $notes, $top = 0) {
    if ($type =~ /^Array of (.+)/) {
        my $inner = [split /\s*(?:,| and | or )\s*/, $1];
        die qq{field "$at" must be an Array\n} unless ref $value eq 'ARRAY';
        my $n = 0;
        return [map { $self->_member($inner, $_, $at . '[' . $n++ . ']', $notes) } @$value];
    }
    return _plain($type, $value, $at, $notes, $top) if _scalar($type);
    my $def = $self->data->{types}{$type} or return $value;
    return $self->_member($def->{subtypes}, $value, $at, $notes) if $def->{subtypes};
    die qq{field "$at" must be an Object\n} unless ref $value eq 'HASH';
    my %field = map { $_->{name} => $_ } @{$def->{fields} // []};
    push @$notes, "unknown field $at.$_ in $type" for sort grep { !$field{$_} } keys %$value;
    my %typed;
    for my $name (sort keys %field) {
        my $field = $field{$name};
        if (!defined $value->{$name}) {
            die qq{can't find field "$name" in $at\n} if $field->{required};
            next;
        }
        _fixed($field, $value->{$name}, $at);
        $typed{$name} = $self->_member($field->{types}, $value->{$name}, "$at.$name", $notes);
    }
    return \%typed;
}

# Members of a union are told apart by a field whose only value stands in the description.
sub _fixed ($field, $value, $at) {
    return if ref $value || $field->{name} !~ /^(?:type|source|status|scope)$/;
    my ($must) = $field->{description} =~ /(?:must be|always) \W?(\w+)\W?$/ or return;
    die qq{wrong $field->{name} "$value" in $at\n} if $value ne $must;
    return;
}

sub _member ($self, $types, $value, $at, $notes) {
    my ($best, $fail) = $self->_union($types, $value, $at);
    die "$fail\n" unless $best;
    push @$notes, @{$best->[1]};
    return $best->[0];
}

sub _plain ($type, $value, $at, $notes, $top) {
    my $bool = blessed $value && $value->isa('JSON::PP::Boolean');
    if ($type eq 'Boolean') {
        return $value ? 1 : 0 if $bool;
        die qq{field "$at" must be a Boolean\n}
            if ref $value || $value !~ /^(?:true|yes|1|false|no|0)$/i;
        push @$notes, "$at: Boolean given as another type" unless $top;
        return $value =~ /^(?:true|yes|1)$/i ? 1 : 0;
    }
    die qq{field "$at" must be of type $type\n} if ref $value;
    if ($type eq 'Integer') {
        die qq{field "$at" must be of type Integer\n} if $value !~ /^-?\d{1,18}$/;
        push @$notes, "$at: Integer given as String"
            if !$top && !builtin::created_as_number($value);
        return $value + 0;
    }
    if ($type eq 'Float') {
        die qq{field "$at" must be a Number\n} if $value !~ /^-?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i;
        return $value + 0;
    }
    if (builtin::created_as_number($value)) {
        die qq{field "$at" must be of type String\n} unless $top;
        push @$notes, "$at: String given as Number";
    }
    return "$value";
}

1;
