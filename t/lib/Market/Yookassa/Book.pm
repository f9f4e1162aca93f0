package Market::Yookassa::Book;
use Mojo::Base -base, -signatures;

# Payments and refunds of the shop, and how they move. What is final stays so.
use Market::Clock;
use Market::Yookassa::Check qw(refuse);
use Mojo::JSON qw(to_json true false);
use Mojo::Util qw(encode);

has [qw(world shop)];
has payments => sub { {} };
has refunds  => sub { {} };
has unsettled => sub { {} };    # ids that time can still change

my $HOUR = 3600;
my $next = 1;

# The first part of an id is the time, in seconds since 2000.
sub new_id ($self, $kind) {
    return sprintf '%08x-%s-5000-%04x-%04x%08x', $self->world->clock->now - 946_684_800, $kind,
        0x8000 + int rand 0x4000, int rand 2**16, int rand 2**32;
}

sub value_text ($value) { return sprintf '%d.%02d', int($value / 100), $value % 100 }

sub value_of ($text) {
    my ($whole, $rest) = ($text // '') =~ /^(\d+)(?:\.(\d{1,2}))?\z/a or return 0;
    return $whole * 100 + substr(($rest // '') . '00', 0, 2);
}

sub amount ($self, $value, $currency) {
    return {value => value_text($value), currency => $currency};
}

sub open_payment ($self, $given, $value, $key) {
    my $payment = {id => $self->new_id('000f'), n => $next++, value => $value, key => $key,
        currency => $given->{amount}{currency}, capture => $given->{capture} ? 1 : 0,
        at => $self->world->clock->now, status => 'pending', refunded => 0,
        description => $given->{description}, metadata => $given->{metadata},
        customer => $given->{merchant_customer_id}, order => order_of($given->{metadata}),
        return_url => $given->{confirmation}{return_url},
        receipt => $given->{receipt}, test => $self->shop->{test} ? true : false};
    $self->unsettled->{$payment->{id}} = 1;
    return $self->payments->{$payment->{id}} = $payment;
}

sub order_of ($metadata) {
    return undef unless ref $metadata eq 'HASH';
    return (grep {defined} map { $metadata->{$_} } qw(order_id order orderId))[0];
}

sub person_of ($metadata) {
    return undef unless ref $metadata eq 'HASH';
    return (grep {defined} map { $metadata->{$_} } qw(person_id person tg_user_id))[0];
}

# By id, or the newest one of an order.
sub find ($self, $id, $order = undef) {
    my $payment = defined $id ? $self->payments->{$id} : undef;
    ($payment) = sort { $b->{n} <=> $a->{n} } grep { ($_->{order} // '') eq $order }
        values %{$self->payments} if !$payment && defined $order;
    $self->settle($payment) if $payment;
    return $payment;
}

# What time does by itself.
sub settle ($self, $payment) {
    return if $payment->{fixed};
    my $now = $self->world->clock->now;
    $self->cancel($payment, 'yoo_money', 'expired_on_confirmation')
        if $payment->{status} eq 'pending' && $now >= $payment->{at} + $HOUR;
    $self->cancel($payment, 'yoo_money', 'expired_on_capture')
        if $payment->{status} eq 'waiting_for_capture' && $now >= $payment->{expires};
    return;
}

sub settle_all ($self) {
    $self->settle($self->payments->{$_}) for keys %{$self->unsettled};
    return;
}

sub object ($self, $payment) {
    return $payment->{fixed} if $payment->{fixed};
    my ($status, $currency) = @$payment{qw(status currency)};
    my $paid = $status =~ /^(?:succeeded|waiting_for_capture)$/;
    my $left = $payment->{value} - $payment->{refunded};
    my %object = (id => $payment->{id}, status => $status, paid => $paid ? true : false,
        amount => $self->amount($payment->{value}, $currency),
        created_at => Market::Clock::iso($payment->{at}), test => $payment->{test},
        recipient => {account_id => $self->shop->{id}, gateway_id => '1' . $self->shop->{id}},
        refundable => $status eq 'succeeded' && $left > 0 ? true : false,
        metadata => $payment->{metadata} // {});
    $object{description} = $payment->{description} if defined $payment->{description};
    $object{merchant_customer_id} = $payment->{customer} if defined $payment->{customer};
    $object{confirmation} = {type => 'redirect', return_url => $payment->{return_url},
        confirmation_url => $self->url($payment)} if $status eq 'pending';
    $object{cancellation_details} = $payment->{cancel} if $payment->{cancel};
    $object{expires_at} = Market::Clock::iso($payment->{expires})
        if $status eq 'waiting_for_capture';
    if ($payment->{paid_at}) {
        @object{qw(payment_method authorization_details)} = _card($payment);
    }
    if ($status eq 'succeeded') {
        $object{captured_at} = Market::Clock::iso($payment->{captured});
        $object{refunded_amount} = $self->amount($payment->{refunded}, $currency);
        $object{income_amount} = $self->amount(int($payment->{value} * 0.965), $currency);
        $object{receipt_registration} = 'succeeded' if $payment->{receipt};
    }
    return \%object;
}

sub url ($self, $payment) { return $self->world->http . "/checkout/yookassa/$payment->{id}" }

sub _card ($payment) {
    my $card = {first6 => '555555', last4 => '4444', expiry_year => '2030', expiry_month => '12',
        card_type => 'MasterCard', issuer_country => 'RU'};
    return ({type => 'bank_card', id => $payment->{id}, saved => false, status => 'inactive',
        title => 'Bank card *4444', card => $card},
        {rrn => sprintf('%012d', $payment->{n} + 603_668_680_000), auth_code => '000000',
            three_d_secure => {applied => false}});
}

# A person paid: without capture it waits for the shop.
sub pay ($self, $payment, $value = undef) {
    $payment->{value} = $value if defined $value;
    my $now = $self->world->clock->now;
    $payment->{paid_at} = $now;
    delete $payment->{cancel};
    if ($payment->{capture}) {
        @$payment{qw(status captured)} = ('succeeded', $now);
        delete $self->unsettled->{$payment->{id}};
    }
    else { @$payment{qw(status expires)} = ('waiting_for_capture', $now + 7 * 24 * $HOUR) }
    $self->tell($payment);
    return;
}

sub cancel ($self, $payment, $party, $reason) {
    $payment->{status} = 'canceled';
    $payment->{cancel} = {party => $party, reason => $reason};
    delete $self->unsettled->{$payment->{id}};
    $self->tell($payment);
    return;
}

sub capture ($self, $payment, $given) {
    refuse('payment_id', 'You can not capture payment with autocapture') if $payment->{capture};
    refuse('payment_id', 'Payment can not be captured in current status.')
        if $payment->{status} ne 'waiting_for_capture';
    if ($given->{amount}) {
        my $value = Market::Yookassa::Check::money($given->{amount}, 'amount',
            $payment->{currency});
        refuse('amount', 'Illegal amount for capture') if $value > $payment->{value};
        $payment->{value} = $value;
    }
    @$payment{qw(status captured)} = ('succeeded', $self->world->clock->now);
    delete $self->unsettled->{$payment->{id}};
    $self->tell($payment);
    return;
}

sub cancel_by_shop ($self, $payment) {
    refuse('payment_id', 'You can not cancel payment with autocapture') if $payment->{capture};
    refuse('payment_id', 'Payment can not be canceled in current status')
        if $payment->{status} ne 'waiting_for_capture';
    $self->cancel($payment, 'merchant', 'canceled_by_merchant');
    return;
}

# What a refund would be refused for; the sum counts refunds that are still pending.
sub check_refund ($self, $payment, $value, $currency) {
    refuse('payment_id', 'Payment can not be refunded in current status.')
        if $payment->{status} ne 'succeeded';
    refuse('amount.currency', 'Currencies do not match') if $currency ne $payment->{currency};
    refuse('payment_id', 'Refund for given sum is not available')
        if $self->world->clock->now - $payment->{at} > 3 * 365 * 24 * $HOUR;
    my $held = 0;
    $held += $_->{value} for grep { $_->{payment_id} eq $payment->{id}
        && $_->{status} eq 'pending' } values %{$self->refunds};
    my $left = $payment->{value} - $payment->{refunded} - $held;
    refuse('payment_id', 'Payment is already completely refunded') if $left <= 0;
    refuse('amount', 'Refund sum exceeded') if $value > $left;
    refuse('amount', 'Remaining payment amount after refund must be greater than 1.00 RUB')
        if $value < $left && $left - $value <= 100;
    return;
}

sub open_refund ($self, $payment, $value, $given, $key = undef) {
    my $refund = {id => $self->new_id('0015'), n => $next++, payment_id => $payment->{id},
        value => $value, currency => $payment->{currency}, at => $self->world->clock->now,
        status => 'pending', key => $key, map { $_ => $given->{$_} } qw(description metadata)};
    $self->refunds->{$refund->{id}} = $refund;
    my $end = $self->world->setting->{yookassa_refund};
    $self->end_refund($refund, $end) if $end ne 'pending';
    return $refund;
}

sub end_refund ($self, $refund, $status, $reason = 'insufficient_funds') {
    $refund->{status} = $status;
    $refund->{cancel} = {party => 'yoo_money', reason => $reason} if $status eq 'canceled';
    return if $status ne 'succeeded';
    my $payment = $self->payments->{$refund->{payment_id}};
    if ($payment) {
        $payment->{refunded} += $refund->{value};
        $payment->{fixed}{refunded_amount} = $self->amount(@$payment{qw(refunded currency)})
            if $payment->{fixed};
    }
    $self->tell_of('refund.succeeded', $refund->{id}, $self->refund_object($refund));
    return;
}

sub refund_object ($self, $refund) {
    return $refund->{fixed} if $refund->{fixed};
    my %object = (id => $refund->{id}, payment_id => $refund->{payment_id},
        status => $refund->{status}, created_at => Market::Clock::iso($refund->{at}),
        amount => $self->amount(@$refund{qw(value currency)}));
    $object{cancellation_details} = $refund->{cancel} if $refund->{cancel};
    for my $name (qw(description metadata)) {
        $object{$name} = $refund->{$name} if defined $refund->{$name};
    }
    return \%object;
}

# Anything as given becomes the truth for its id. It moves no more by itself.
sub seed ($self, $object, $kind) {
    my $id = $object->{id} // die "no id\n";
    my %record = (id => $id, n => $next++, fixed => $object, status => $object->{status} // '',
        value => value_of(($object->{amount} // {})->{value}), refunded => 0,
        currency => ($object->{amount} // {})->{currency} // 'RUB',
        at => Market::Clock::epoch($object->{created_at}) // $self->world->clock->now);
    if ($kind eq 'refund') {
        $record{payment_id} = $object->{payment_id} // '';
        return $self->refunds->{$id} = \%record;
    }
    my $old = $self->payments->{$id} // {};
    delete $self->unsettled->{$id};
    return $self->payments->{$id} = {%$old, %record, n => $old->{n} // $record{n},
        order => order_of($object->{metadata}), metadata => $object->{metadata},
        refunded => value_of(($object->{refunded_amount} // {})->{value}),
        description => $object->{description}};
}

sub tell ($self, $payment) {
    my $event = "payment.$payment->{status}";
    return $self->tell_of($event, $payment->{id}, $self->object($payment));
}

# The body says what was so at the time of the event, however late it comes.
sub tell_of ($self, $event, $id, $object, %more) {
    my $bytes = to_json($object);
    my $render = sub ($over) {
        my $said = Mojo::JSON::from_json($bytes);
        my $name = $over->{event} // $event;
        if (my $kind = $over->{kind}) {
            if ($kind eq 'foreign') {
                $said->{id} = $self->new_id('000f');
                $said->{recipient} = {account_id => '100500', gateway_id => '1100500'};
            }
            elsif (!$over->{object}) {
                $said->{status} = $name =~ /^payment/ ? 'succeeded' : $said->{status};
                $name = 'payment.succeeded' if $name =~ /^payment/;
                $said->{amount} = {value => '99999.00', currency => 'RUB'};
            }
            $said = {%$said, %{$over->{object} // {}}};
        }
        return ['application/json', encode 'UTF-8', sprintf(
            '{"type":"notification","event":%s,"object":%s}', to_json($name), to_json($said))];
    };
    return $self->world->notice->push_item(provider => 'yookassa', id => $id, event => $event,
        url => $self->world->setting->{yookassa_url}, render => $render, %more);
}

1;
