package Market::Betatransfer;
use Mojo::Base -base, -signatures;

# Betatransfer, the V1 form API: payment, info, history, account-info, payment-system, and the
# callback to urlResult. A sign is made of the values in the order they were sent.
#
# Assumptions, where the facts give no names:
#   wrong token or sign      422 with errors.token, errors.sign
#   unknown payment          404 {"status":"error","error":"Payment not found"}
#   nobody paid for an hour  not_paid_timeout; money may still come after it (late success)
#   with fullCallback the opened page makes it "processing"
use Digest::MD5 qw(md5_hex);
use Market::Clock;
use Market::Yookassa::Book;
use Mojo::JSON qw(encode_json true false);
use Mojo::Parameters;
use Mojo::Util qw(decode encode url_unescape);

has [qw(world token secret)];
has payments  => sub { {} };
has by_order  => sub { {} };
has unsettled => sub { {} };
has next_id   => 9_100_001;
has count     => sub { {calls => {}, creates => 0, creates_by_order => {}, payments_by_order => {},
    asks => 0, asks_by_id => {}, lists => 0} };

my $HOUR   = 3600;
my %SYSTEM = map { $_ => 1 } qw(Card P2R P2R_KZT YooMoney USDT_TRC20 USDT_ERC20 CRYPTO BTC ETH),
    map {"Card$_"} 1 .. 9;
my %CURRENCY = map { $_ => 1 } qw(RUB EUR UAH USD KZT UZS BYN AZN TJS KGS);
my %FIELD    = map { $_ => 1 } qw(amount currency orderId paymentSystem urlResult urlSuccess urlFail
    locale redirect payerId payerPhone payerName payerEmail payer_firstname payer_lastname
    payer_postcode payer_address payer_country ip user_comment fullCallback sign);

sub routes ($self, $r) {
    $r->any('/betatransfer/api/*rest' => sub ($c) { $self->request($c) });
    return;
}

sub json ($status, $body) {
    return [$status, {'Content-Type' => 'application/json'}, encode_json($body)];
}

sub errors ($self, %errors) {
    return json(422, {status => 'error', errors => {map { $_ => [$errors{$_}] } keys %errors}});
}

my %CALL = (payment => ['POST', 'create'], info => ['POST', 'info'],
    history => ['POST', 'history'], 'account-info' => ['GET', 'account'],
    'payment-system' => ['GET', 'systems']);

sub request ($self, $c) {
    my ($verb, $name) = ($c->req->method, $c->stash('rest'));
    my ($pairs, $wrong) = read_pairs($verb eq 'GET' ? $c->req->url->query->to_string
        : $c->req->body);
    my %given = @{$pairs // []};
    $self->_count($verb, $name, \%given);
    return $self->world->fault->serve($c, 'betatransfer', "$verb /$name", sub {
        $self->settle_all;
        my $call   = $CALL{$name};
        my $answer = !$call ? json(404, {status => 'error', error => 'Not found'})
            : $call->[0] ne $verb ? json(405, {status => 'error', error => 'Method not allowed'})
            : $wrong ? $self->errors(%$wrong)
            : $self->guard($c, $verb, $pairs) // $self->can($call->[1])->($self, \%given);
        $self->world->log->add(betatransfer => "$verb /$name", status => $answer->[0],
            order => $given{orderId}, id => $given{id}, fault => $c->stash('fault'));
        return $answer;
    });
}

sub _count ($self, $verb, $name, $given) {
    my $count = $self->count;
    my ($order, $id) = @$given{qw(orderId id)};
    $count->{calls}{"$verb /$name"}++;
    if ($name eq 'payment') {
        $count->{creates}++;
        $count->{creates_by_order}{$order}++ if defined $order;
    }
    elsif ($name eq 'info') {
        $count->{asks}++;
        my $payment = defined $order ? $self->by_order->{$order} : undef;
        $id //= $payment->{id} if $payment;
        $count->{asks_by_id}{$id // $order // ''}++;
    }
    elsif ($name eq 'history') { $count->{lists}++ }
    return;
}

# Names and values in the order sent; a name twice is refused.
sub read_pairs ($text) {
    my @pairs = map { defined ? decode('UTF-8', url_unescape(tr/+/ /r)) : '' }
        map { (split(/=/, $_, 2))[0, 1] } grep {length} split /&/, $text;
    my %seen;
    for (my $n = 0; $n < @pairs; $n += 2) {
        my $name = $pairs[$n];
        return (undef, {request => 'not UTF-8'}) if !defined $name || !defined $pairs[$n + 1];
        return (undef, {$name => 'given twice'}) if $seen{$name}++;
    }
    return (\@pairs, undef);
}

sub sign ($self, @values) { return md5_hex(encode 'UTF-8', join '', @values, $self->secret) }

# GET: md5(public key and secret). POST: every value but sign and token.
sub guard ($self, $c, $verb, $pairs) {
    my $token = $c->req->url->query->param('token');
    return $self->errors(token => 'The token is invalid')
        if $self->world->setting->{betatransfer_account} ne 'good'
            || ($token // '') ne $self->token;
    my @pairs  = @$pairs;
    my ($sign, @values);
    while (my ($name, $value) = splice @pairs, 0, 2) {
        if    ($name eq 'sign')  { $sign = $value }
        elsif ($name ne 'token') { push @values, $value }
    }
    return $self->errors(sign => 'The sign field is required') unless length($sign // '');
    my $right = $verb eq 'GET' ? $self->sign($self->token) : $self->sign(@values);
    return lc $sign eq $right ? undef : $self->errors(sign => 'The sign is invalid');
}

sub _check ($self, $given) {
    my %wrong;
    for my $name (qw(amount currency orderId)) {
        $wrong{$name} = "The $name field is required" unless length($given->{$name} // '');
    }
    return \%wrong if %wrong;
    $wrong{amount} = 'The amount format is invalid'
        if $given->{amount} !~ /^\d{1,9}(?:\.\d{1,2})?\z/a || $given->{amount} <= 0;
    $wrong{currency} = 'The selected currency is invalid' unless $CURRENCY{$given->{currency}};
    $wrong{orderId} = 'The orderId may only contain letters and numbers'
        if $given->{orderId} !~ /^[A-Za-z0-9]{1,40}\z/;
    $wrong{orderId} //= 'The orderId has already been taken'
        if $self->by_order->{$given->{orderId}};
    $wrong{paymentSystem} = 'The selected paymentSystem is invalid'
        if length($given->{paymentSystem} // '') && !$SYSTEM{$given->{paymentSystem}};
    for my $name (qw(urlResult urlSuccess urlFail)) {
        $wrong{$name} = "The $name format is invalid"
            if length($given->{$name} // '') && $given->{$name} !~ m{^https?://[^\s/]+\S*\z};
    }
    $wrong{locale} = 'The selected locale is invalid'
        if length($given->{locale} // '') && $given->{locale} !~ /^(?:ru|en|ua|uk)\z/;
    $wrong{payerId} = 'The payerId may not be greater than 40 characters'
        if length($given->{payerId} // '') > 40;
    for my $name (qw(redirect fullCallback)) {
        $wrong{$name} = "The $name field must be true or false"
            if ($given->{$name} // '0') !~ /^(?:0|1|true|false|)\z/;
    }
    return \%wrong;
}

sub create ($self, $given) {
    my $wrong = $self->_check($given);
    return $self->errors(%$wrong) if %$wrong;
    $self->world->log->note(betatransfer => 'POST /payment', "unknown field $_")
        for sort grep { !$FIELD{$_} && $_ ne 'token' } keys %$given;
    my $id = $self->next_id;
    $self->next_id($id + 1);
    my $payment = {id => $id, order => $given->{orderId}, status => 'new', paid => 0,
        value => Market::Yookassa::Book::value_of($given->{amount}),
        currency => $given->{currency}, system => $given->{paymentSystem} || 'Card',
        payer => $given->{payerId}, at => $self->world->clock->now, history => [],
        url_result => $given->{urlResult}, url_success => $given->{urlSuccess},
        url_fail => $given->{urlFail},
        full => ($given->{fullCallback} // '') =~ /^(?:1|true)\z/ ? 1 : 0,
        comment => $given->{user_comment}, hash => md5_hex("$id " . rand)};
    $self->payments->{$id} = $self->by_order->{$payment->{order}} = $payment;
    $self->unsettled->{$id} = 1;
    $self->count->{payments_by_order}{$payment->{order}}++;
    my $url = $self->url($payment);
    return [302, {Location => $url}, ''] if ($given->{redirect} // '') =~ /^(?:1|true)\z/;
    return json(200, {status => 'success', id => $id, url => $url, urlPayment => $url,
        orderId => $payment->{order}, hash => $payment->{hash}});
}

sub url ($self, $payment) { return $self->world->http . "/checkout/betatransfer/$payment->{id}" }

sub find ($self, $id, $order = undef) {
    my $payment = defined $id && length $id ? $self->payments->{$id} : undef;
    $payment //= $self->by_order->{$order} if defined $order && length $order;
    $self->settle($payment) if $payment;
    return $payment;
}

sub info ($self, $given) {
    my ($id, $order) = @$given{qw(id orderId)};
    return $self->errors(id => 'The id or orderId field is required')
        unless length($id // '') || length($order // '');
    my $payment = $self->find($id, length($id // '') ? undef : $order);
    undef $payment if $payment && length($order // '') && $payment->{order} ne $order;
    return json(404, {status => 'error', error => 'Payment not found'})
        if !$payment || ($payment->{fixed} // {})->{missing};
    return json(200, $self->object($payment));
}

# "500.00", or in the shortest form, as some callbacks have it.
sub number ($self, $value) {
    return $value / 100 . '' if $self->world->setting->{betatransfer_numbers} eq 'short';
    return Market::Yookassa::Book::value_text($value);
}

sub object ($self, $payment) {
    return $payment->{fixed} if $payment->{fixed};
    my %object = (id => $payment->{id}, type => 'deposit', %{$self->_sums($payment)},
        status => $payment->{status}, createdAt => Market::Clock::iso($payment->{at}));
    $object{balanceAmount} = $object{amount};
    return \%object;
}

# The fee is 9 % of what was paid.
sub _sums ($self, $payment) {
    my $fee = int($payment->{paid} * 0.09 + 0.5);
    return {orderId => $payment->{order}, orderAmount => $self->number($payment->{value}),
        amount => $self->number($payment->{paid} - $fee),
        paidAmount => $self->number($payment->{paid}), commission => $self->number($fee),
        currency => $payment->{currency}, paymentSystem => $payment->{system}};
}

sub history ($self, $given) {
    my $limit = $given->{limit} || 50;
    return $self->errors(limit => 'The limit must be between 1 and 100')
        if $limit !~ /^\d{1,3}\z/ || $limit < 1 || $limit > 100;
    return json(200, {items => []}) if ($given->{type} || 'deposit') ne 'deposit';
    my @all = grep { !length($given->{status} // '') || $_->{status} eq $given->{status} }
        map { $self->object($_) } sort { $b->{id} <=> $a->{id} }
            grep { !($_->{fixed} // {})->{missing} } values %{$self->payments};
    splice @all, $limit if @all > $limit;
    return json(200, {items => [map { +{%$_, address => undef, paymentCard => undef} } @all]});
}

sub account ($self, $given) {
    my %balance = map { $_ => 0 } qw(RUB USD UAH EUR);
    for my $payment (values %{$self->payments}) {
        next if $payment->{status} !~ /^(?:success|partial_payment)$/;
        $balance{$payment->{currency}} += $payment->{paid} - int($payment->{paid} * 0.09 + 0.5);
    }
    return json(200, {balance => {map { $_ => $self->number($balance{$_}) } keys %balance},
        balance_on_hold => {map { $_ => '0.00' } keys %balance},
        account => {lockWithdrawal => false, lockAccount => false}});
}

sub systems ($self, $given) {
    return json(200, [map { +{code => $_, min => '1.00', max => '100000.00'} } sort keys %SYSTEM]);
}

# ---- what happens to a payment

sub settle ($self, $payment) {
    return if $payment->{fixed} || !$self->unsettled->{$payment->{id}};
    $self->become($payment, 'not_paid_timeout')
        if $payment->{status} =~ /^(?:new|processing)$/
            && $self->world->clock->now >= $payment->{at} + $HOUR;
    return;
}

sub settle_all ($self) {
    $self->settle($self->payments->{$_}) for keys %{$self->unsettled};
    return;
}

# What was paid is added up: a part first, the rest later.
sub pay ($self, $payment, $value = undef) {
    my $before = $payment->{paid};
    $payment->{paid} += $value // $payment->{value} - $before;
    $self->become($payment, $payment->{paid} < $payment->{value} ? 'partial_payment' : 'success');
    return;
}

sub become ($self, $payment, $status) {
    $payment->{status} = $status;
    push @{$payment->{history}}, $status;
    delete $self->unsettled->{$payment->{id}} if $status !~ /^(?:new|processing)$/;
    $self->tell($payment) if $payment->{full} || $status eq 'success';
    return;
}

sub tell ($self, $payment, %more) {
    my $sums   = $self->_sums($payment);
    my %fields = (%$sums, id => $payment->{id}, status => $payment->{status},
        user_comment => $payment->{comment});
    delete $fields{status} unless $self->world->setting->{betatransfer_status};
    return $self->tell_of($payment, \%fields, %more);
}

my @ORDER = qw(id orderId orderAmount amount paidAmount commission currency paymentSystem status
    exchangeRate paymentCard payeeCard user_comment);

sub tell_of ($self, $payment, $fields, %more) {
    my $render = sub ($over) {
        my %said = %$fields;
        my $kind = $over->{kind} // '';
        $said{status} = $over->{event} if defined $over->{event};
        @said{qw(amount paidAmount status)} = ('99999.00', '99999.00', 'success')
            if $kind eq 'forged' && !$over->{object};
        @said{qw(id orderId)} = (8_000_000 + int rand 1e6, 'F' . int rand 1e9)
            if $kind eq 'foreign';
        %said = (%said, %{$over->{object} // {}});
        $said{sign} //= $kind eq '' || $over->{signed}
            ? $self->sign(@said{qw(amount orderId)}) : md5_hex("$said{amount}$said{orderId}");
        my %rest = %said;
        my @pairs = map { defined $rest{$_} ? ($_ => delete $rest{$_}) : () } @ORDER;
        push @pairs, map { $_ => $rest{$_} } grep { defined $rest{$_} } sort keys %rest;
        return ['application/x-www-form-urlencoded', Mojo::Parameters->new(@pairs)->to_string];
    };
    return $self->world->notice->push_item(provider => 'betatransfer', id => $payment->{id},
        event => $payment->{status}, url => $payment->{url_result}, render => $render, %more);
}

# The truth for an id, exactly as given. It moves no more by itself.
sub seed ($self, $object) {
    my $id = $object->{id} // die "no id\n";
    my $order = $object->{orderId} // '';
    my $paid = $object->{paidAmount} // 0;
    my $old = $self->payments->{$id} // {};
    delete $self->unsettled->{$id};
    my $payment = $self->payments->{$id} = {at => $self->world->clock->now, history => [],
        system => 'Card', hash => '', full => 1, %$old, id => $id, order => $order,
        fixed => $object, status => $object->{status} // '',
        value => Market::Yookassa::Book::value_of($object->{orderAmount}),
        paid => Market::Yookassa::Book::value_of($paid),
        currency => $object->{currency} // 'RUB'};
    $self->by_order->{$order} = $payment if length $order;
    return $payment;
}

1;
