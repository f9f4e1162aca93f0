package Market::Payments;
use Mojo::Base -base, -signatures;

# Control over money: what a person or a provider does to a payment, the truth as a test wants it,
# notifications at will, and the clock.
use Market::Yookassa::Book;
use Mojo::IOLoop;
use Mojo::JSON qw(true false);

has 'world';

my %POST = (pay => \&pay, payment => \&payment, refund => \&refund, notify => \&notify,
    clock => \&clock);

sub routes ($self, $r) {
    my $control = $r->any('/control');
    for my $name (sort keys %POST) {
        $control->post("/$name" => sub ($c) {
            $self->world->control->answer($c, sub ($given) { $POST{$name}->($self, $given) });
        });
    }
    $control->get('/payments' => sub ($c) { $c->render(json => $self->payments) });
    # Time moves payments even when nobody asks; a jump of the clock does it at once.
    Mojo::IOLoop->recurring(0.5 => sub { $self->settle });
    $self->world->clock->on(moved => sub { $self->settle; $self->world->notice->run });
    return;
}

sub settle ($self) {
    $_->settle_all for $self->world->yookassa->book, $self->world->betatransfer;
    return;
}

sub _side ($self, $given) {
    my $provider = $given->{provider} // '';
    return $self->world->yookassa->book if $provider eq 'yookassa';
    return $self->world->betatransfer if $provider eq 'betatransfer';
    die "provider is yookassa or betatransfer\n";
}

sub _find ($self, $given) {
    return $self->_side($given)->find($given->{id}, $given->{order}) // die "no such payment\n";
}

# {provider, id | order, action: open | pay | partial | decline | close | expire | refund, amount?}
# What is final at ЮKassa moves only with "force", for tests of the impossible.
sub pay ($self, $given) {
    my $payment = $self->_find($given);
    my $action  = $given->{action} // 'pay';
    die "a seeded payment does not move\n" if $payment->{fixed} && $action ne 'refund';
    my $value = defined $given->{amount}
        ? Market::Yookassa::Book::value_of($given->{amount}) || die "amount is like 299.00\n"
        : undef;
    my $do = $self->can("_$given->{provider}_$action") // die "no action $action\n";
    my $more = $self->$do($payment, $value, $given);
    return {%{$self->view($given->{provider}, $payment)}, %{$more // {}}};
}

sub _pending ($payment, $given) {
    die "the payment is $payment->{status}\n"
        if $payment->{status} ne 'pending' && !$given->{force};
    return;
}

sub _yookassa_open ($self, $payment, $value, $given) {return}
sub _yookassa_close ($self, $payment, $value, $given) {return}

sub _yookassa_pay ($self, $payment, $value, $given) {
    _pending($payment, $given);
    $self->world->yookassa->book->pay($payment, $value);
    return;
}

sub _yookassa_decline ($self, $payment, $value, $given) {
    _pending($payment, $given);
    $payment->{paid_at} = $self->world->clock->now;
    $self->world->yookassa->book->cancel($payment, $given->{party} // 'payment_network',
        $given->{reason} // 'general_decline');
    return;
}

sub _yookassa_expire ($self, $payment, $value, $given) {
    _pending($payment, $given);
    $self->world->yookassa->book->cancel($payment, 'yoo_money', 'expired_on_confirmation');
    return;
}

# As from the shop's cabinet; the whole rest if no amount is given.
sub _yookassa_refund ($self, $payment, $value, $given) {
    my $book = $self->world->yookassa->book;
    $value //= $payment->{value} - $payment->{refunded};
    eval { $book->check_refund($payment, $value, $payment->{currency}); 1 }
        or die(ref $@ eq 'ARRAY' ? "$@->[2]\n" : $@);
    return {refund => $book->refund_object($book->open_refund($payment, $value, $given))};
}

sub _betatransfer_open ($self, $payment, $value, $given) {
    $self->world->betatransfer->become($payment, 'processing')
        if $payment->{status} eq 'new' && $payment->{full};
    return;
}

sub _betatransfer_close ($self, $payment, $value, $given) {return}

sub _betatransfer_pay ($self, $payment, $value, $given) {
    die "the payment is $payment->{status}\n"
        if $payment->{status} =~ /^(?:success|refund)$/ && !$given->{force};
    $self->world->betatransfer->pay($payment, $value);
    return;
}

sub _betatransfer_partial ($self, $payment, $value, $given) {
    $value //= int(($payment->{value} - $payment->{paid}) * 0.6) || die "nothing is missing\n";
    return $self->_betatransfer_pay($payment, $value, $given);
}

sub _betatransfer_end ($self, $payment, $status, $given) {
    die "the payment is $payment->{status}\n"
        if $payment->{status} !~ /^(?:new|processing)$/ && !$given->{force};
    $self->world->betatransfer->become($payment, $status);
    return;
}

sub _betatransfer_decline ($self, $payment, $value, $given) {
    return $self->_betatransfer_end($payment, $given->{reason} // 'cancel', $given);
}

sub _betatransfer_expire ($self, $payment, $value, $given) {
    return $self->_betatransfer_end($payment, 'not_paid_timeout', $given);
}

sub _betatransfer_refund ($self, $payment, $value, $given) {
    $payment->{fixed}{status} = 'refund' if $payment->{fixed};
    $self->world->betatransfer->become($payment, 'refund');
    return;
}

# {provider, object} is the truth from now on; {provider, id, missing: true} is a 404;
# {provider: yookassa, kind: refund, object} is a refund.
sub payment ($self, $given) {
    my $side   = $self->_side($given);
    my $object = $given->{object} // {};
    $object = {id => $given->{id}, orderId => $given->{order}, missing => true}
        if $given->{missing};
    my $kind   = $given->{kind} // 'payment';
    my $record = $given->{provider} eq 'yookassa' ? $side->seed($object, $kind)
        : $side->seed($object);
    return {id => $record->{id}};
}

# {provider: yookassa, id, status: succeeded | canceled, reason?} ends a refund that is pending.
sub refund ($self, $given) {
    my $book   = $self->world->yookassa->book;
    my $refund = $book->refunds->{$given->{id} // ''} // die "no such refund\n";
    die "the refund is $refund->{status}\n" if $refund->{status} ne 'pending';
    my $status = $given->{status} // 'succeeded';
    die "status is succeeded or canceled\n" if $status !~ /^(?:succeeded|canceled)$/;
    $book->end_refund($refund, $status, $given->{reason} // 'insufficient_funds');
    return $book->refund_object($refund);
}

# A notification now, whatever has been sent before: of a payment as it is ({provider, id | order,
# event?}), of a refund ({kind: refund, id}), or as given ({provider, event, object} or, for forms,
# {provider, url, fields}; its sign is made unless given).
sub notify ($self, $given) {
    my $side = $self->_side($given);
    my %more = (anyway => 1);
    $more{url} = $given->{url} if $given->{url};
    if ($given->{provider} eq 'yookassa') {
        my $object = $given->{object};
        my $event  = $given->{event};
        if (!$object && ($given->{kind} // '') eq 'refund') {
            my $refund = $side->refunds->{$given->{id} // ''} // die "no such refund\n";
            $object = $side->refund_object($refund);
            $event //= "refund.$object->{status}";
        }
        elsif (!$object) {
            $object = $side->object($self->_find($given));
            $event //= "payment.$object->{status}";
        }
        return $side->tell_of($event // 'payment.succeeded', $object->{id} // '', $object, %more);
    }
    my $payment = eval { $self->_find($given) };
    die "no such payment\n" unless $payment || $given->{fields};
    return $side->tell($payment, %more) unless $given->{fields};
    my $place = {id => $given->{fields}{id} // '', status => $given->{fields}{status} // 'success',
        url_result => ($payment // {})->{url_result}};
    return $side->tell_of($place, $given->{fields}, %more);
}

sub clock ($self, $given) {
    my $seconds = $given->{advance_s} // 0;
    die "advance_s is a number\n" if $seconds !~ /^-?\d+(?:\.\d+)?$/;
    my $now = $self->world->clock->advance($seconds);
    return {now => Market::Clock::iso($now), offset_s => $self->world->clock->offset};
}

sub view ($self, $provider, $payment) {
    my $side  = $self->_side({provider => $provider});
    my $count = $provider eq 'yookassa' ? $self->world->yookassa->count : $side->count;
    my $order = $payment->{order};
    return {provider => $provider, id => $payment->{id}, order => $order,
        status => $payment->{status}, currency => $payment->{currency},
        amount => Market::Yookassa::Book::value_text($payment->{value}),
        paid => Market::Yookassa::Book::value_text($payment->{paid}
            // ($payment->{status} eq 'succeeded' ? $payment->{value} : 0)),
        refunded => Market::Yookassa::Book::value_text($payment->{refunded} // 0),
        key => $payment->{key}, url => $side->url($payment), history => $payment->{history},
        created_at => Market::Clock::iso($payment->{at}),
        creates => $count->{creates_by_order}{$order // ''} // 0,
        asks => $count->{asks_by_id}{$payment->{id}} // 0,
        seeded => $payment->{fixed} ? true : false, object => $side->object($payment),
        notices => $self->world->notice->history->{"$provider $payment->{id}"} // []};
}

sub payments ($self) {
    $self->settle;
    my $book = $self->world->yookassa->book;
    my @all = map { $self->view(yookassa => $_) }
        sort { $a->{n} <=> $b->{n} } values %{$book->payments};
    push @all, map { $self->view(betatransfer => $_) }
        sort { $a->{id} <=> $b->{id} } values %{$self->world->betatransfer->payments};
    my @refunds = map { +{%{$book->refund_object($_)}, key => $_->{key},
        notices => $self->world->notice->history->{"yookassa $_->{id}"} // []} }
            sort { $a->{n} <=> $b->{n} } values %{$book->refunds};
    return {payments => \@all, refunds => \@refunds,
        now => Market::Clock::iso($self->world->clock->now)};
}

sub counts ($self) {
    return {yookassa => $self->world->yookassa->count,
        betatransfer => $self->world->betatransfer->count, notices => $self->world->notice->view};
}

1;
