package Market::Notice;
use Mojo::Base -base, -signatures;

# Notifications of payment services on their way to the bot: sent again until the answer is 200,
# never in any order, and given up a day after the event. Due times are by the market's clock.
#
# Faults by side (yookassa-webhook, betatransfer-webhook), matched on "EVENT ID":
#   lose        never sent                      reset    this try fails, later ones do not
#   duplicate   copies (2) at the same moment   delay    ms later
#   event       with another event name (event) or, for forms, another status
#   forged      before it a copy that says something else (object: what to lay over it)
#   foreign     before it one of a shop that is not ours
use Mojo::IOLoop;
use Mojo::JSON;
use Mojo::UserAgent;
use Time::HiRes qw(time);

has [qw(world ca)];
has open    => sub { [] };
has history => sub { {} };    # "provider id" => [{event, tries, delivered, ...}]
has count   => sub {
    return {made => 0, posted => 0, delivered => 0, failed => 0, lost => 0, given_up => 0,
        forged => 0};
};
has ua => sub ($self) {
    return Mojo::UserAgent->new(ca => $self->ca, max_connections => 100, max_redirects => 0,
        connect_timeout => 10, inactivity_timeout => 30, request_timeout => 30);
};

my @WAIT = (10, 42, 84, 168, 672, 5376, 86016);    # the older official note; today's is unknown
my $DAY  = 24 * 3600;

# An item has: provider, id, event, url, and render (sub ($over) -> [content type, bytes]).
sub push_item ($self, %item) {
    my $line = {event => $item{event}, at => $self->world->clock->now, tries => 0,
        delivered => Mojo::JSON->false, answers => []};
    push @{$self->history->{"$item{provider} $item{id}"}}, $line;
    $self->count->{made}++;
    return $self->_lost(\%item, $line, 'no address') unless length($item{url} // '');
    return $self->_lost(\%item, $line, 'switched off')
        unless $self->world->setting->{notify} || $item{anyway};
    if ($item{provider} eq 'yookassa' && $item{url} !~ m{^https://}) {
        $self->world->log->note("$item{provider}-webhook", $item{event}, 'not an https address');
        return $self->_lost(\%item, $line, 'plain http');
    }
    push @{$self->open}, {%item, line => $line, born => $line->{at}, due => $line->{at}};
    $self->run;
    return $line;
}

sub _lost ($self, $item, $line, $why) {
    $line->{lost} = $why;
    $self->count->{lost}++;
    $self->world->log->add("$item->{provider}-webhook", $item->{event}, id => $item->{id},
        lost => $why);
    return $line;
}

sub run ($self) {
    my $now = $self->world->clock->now;
    my @due = grep { !$_->{busy} && $_->{due} <= $now + 0.0005 } @{$self->open};
    for my $item (@due) {
        if ($now - $item->{born} > $DAY) {
            $self->count->{given_up}++;
            $item->{line}{given_up} = Mojo::JSON->true;
            $self->_forget($item);
            next;
        }
        $item->{busy} = 1;
        $self->_deliver($item);
    }
    $self->_arm;
    return;
}

sub _arm ($self) {
    Mojo::IOLoop->remove(delete $self->{timer}) if $self->{timer};
    my ($due) = sort { $a <=> $b } map { $_->{due} } grep { !$_->{busy} } @{$self->open};
    return unless defined $due;
    my $wait = $due - $self->world->clock->now;
    $self->{timer} = Mojo::IOLoop->timer(($wait > 0 ? $wait : 0) => sub {
        delete $self->{timer};
        $self->run;
    });
    return;
}

sub _forget ($self, $item) {
    $self->open([grep { $_ != $item } @{$self->open}]);
    return;
}

sub _deliver ($self, $item) {
    my $fault = $self->world->fault->take("$item->{provider}-webhook",
        "$item->{event} $item->{id}") // {};
    my $action = $fault->{action} // '';
    if ($action eq 'lose') {
        $self->_lost($item, $item->{line}, 'fault');
        return $self->_forget($item);
    }
    my $go = sub {
        my %over = $action eq 'event' ? (event => $fault->{event} // 'payment.unknown') : ();
        $self->_post($item, $action, \%over, $fault->{copies} // 2);
    };
    return Mojo::IOLoop->timer(($fault->{ms} // 1000) / 1000 => $go)
        if $action eq 'delay' || $action eq 'slow';
    return $go->() if $action !~ /^(?:forged|foreign|wrong)$/;
    my $kind = $action eq 'foreign' ? 'foreign' : 'forged';
    $self->count->{forged}++;
    $self->ua->start($self->_request($item, {kind => $kind, %$fault}) => sub ($ua, $tx) {
        $self->world->log->add("$item->{provider}-webhook", $kind, id => $item->{id},
            status => $tx->res->code);
        $go->();
    });
    return;
}

sub _request ($self, $item, $over) {
    my ($type, $body) = @{$item->{render}->($over)};
    my $tx = $self->ua->build_tx(POST => $item->{url}, {'Content-Type' => $type}, $body);
    $tx->req->headers->remove('User-Agent');
    return $tx;
}

sub _post ($self, $item, $action, $over, $copies) {
    my $line = $item->{line};
    $line->{tries}++;
    return $self->_outcome($item, undef, 'Connection reset by peer') if $action eq 'reset';
    my $extra = $action eq 'duplicate' ? $copies - 1 : 0;
    $self->count->{posted} += 1 + $extra;
    for (1 .. $extra) {
        $self->ua->start($self->_request($item, $over) => sub ($ua, $tx) {
            push @{$line->{answers}}, $tx->res->code // 0;
        });
    }
    my $start = time;
    $self->ua->start($self->_request($item, $over) => sub ($ua, $tx) {
        my $error = $tx->error && !$tx->res->code ? $tx->error->{message} : undef;
        $self->_outcome($item, $tx->res->code, $error, took => time - $start,
            body => substr $tx->res->body // '', 0, 200);
    });
    return;
}

sub _outcome ($self, $item, $code, $error, %more) {
    my $line = $item->{line};
    my $side = "$item->{provider}-webhook";
    push @{$line->{answers}}, $code // 0;
    $self->world->log->add($side, $item->{event}, id => $item->{id}, try => $line->{tries},
        status => $code, %more, $error ? (error => $error) : ());
    $item->{busy} = 0;
    if (($code // 0) == 200) {
        $self->world->log->note($side, $item->{event}, 'the answer is not the text OK')
            if $item->{provider} eq 'betatransfer' && $more{body} ne 'OK';
        $line->{delivered} = Mojo::JSON->true;
        $self->count->{delivered}++;
        $self->_forget($item);
    }
    elsif ($line->{tries} > @WAIT) {
        $self->count->{given_up}++;
        $line->{given_up} = Mojo::JSON->true;
        $self->_forget($item);
    }
    else {
        $self->count->{failed}++;
        $item->{due} = $self->world->clock->now
            + $WAIT[$line->{tries} - 1] * $self->world->setting->{retry_scale};
    }
    $self->_arm;
    return;
}

sub view ($self) {
    return {%{$self->count}, pending => scalar @{$self->open}};
}

1;
