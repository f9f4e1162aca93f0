package Market::Yookassa;
use Mojo::Base -base, -signatures;

# ЮKassa's API v3: who may call, idempotence, the calls. Payments and refunds are in
# Yookassa/Book.pm, what a request may hold in Yookassa/Check.pm.
#
# Assumptions, where the facts give no names:
#   unknown payment or refund    404 not_found "Incorrect payment_id. Payment doesn't exist ..."
#   a key is the shop's          the same key on another path is duplicated too
#   a stored answer              is given back as it was, whatever has happened since
use Market::Clock;
use Market::Yookassa::Book;
use Market::Yookassa::Check qw(refuse);
use Mojo::JSON qw(decode_json encode_json to_json true false);
use Mojo::Util qw(b64_decode);

has [qw(world shop_id key)];
has shop => sub ($self) {
    my $setting = $self->world->setting;
    return {id => $self->shop_id, currency => 'RUB', test => $setting->{yookassa_test},
        receipt => $setting->{yookassa_receipt}};
};
has book => sub ($self) { Market::Yookassa::Book->new(world => $self->world,
    shop => $self->shop) };
has stored  => sub { {} };    # idempotence key => {data, answer, at}
has cursors => sub { {} };
has count   => sub { {calls => {}, creates => 0, creates_by_key => {}, creates_by_order => {},
    payments_by_order => {}, asks => 0, asks_by_id => {}, lists => 0, refunds => 0,
    refunds_by_key => {}, refunds_by_payment => {}} };

my $DAY = 24 * 3600;
my $UNKNOWN = q{Incorrect %s. Payment doesn't exist or access denied. Specify the payment ID }
    . 'created in your store.';

sub routes ($self, $r) {
    $r->any('/yookassa/v3/*rest' => sub ($c) { $self->request($c) });
    return;
}

sub json ($status, $body) {
    return [$status, {'Content-Type' => 'application/json'}, encode_json($body)];
}

sub error ($self, $status, $code, $text, $parameter = undef) {
    my %body = (type => 'error', id => Market::Fault::error_id(), description => $text);
    $body{code} = $code if defined $code;
    $body{parameter} = $parameter if defined $parameter;
    return json($status, \%body);
}

sub request ($self, $c) {
    my ($verb, $path) = ($c->req->method, '/' . $c->stash('rest'));
    $self->shop->{test} = $self->world->setting->{yookassa_test};
    $self->shop->{receipt} = $self->world->setting->{yookassa_receipt};
    $self->_count($c, $verb, $path);
    return $self->world->fault->serve($c, 'yookassa', "$verb $path", sub {
        $self->book->settle_all;
        my $answer = $self->guard($c) // $self->dispatch($c, $verb, $path);
        $self->world->log->add(yookassa => "$verb $path", status => $answer->[0],
            key => $c->req->headers->header('Idempotence-Key'), fault => $c->stash('fault'),
            query => $c->req->url->query->to_string);
        return $answer;
    });
}

# Counted as they arrive, whatever a fault makes of them.
sub _count ($self, $c, $verb, $path) {
    my $count = $self->count;
    my $key   = $c->req->headers->header('Idempotence-Key') // '';
    $count->{calls}{"$verb $path"}++;
    if ($verb eq 'POST' && $path =~ m{^/(payments|refunds)$}) {
        my $given = eval { decode_json($c->req->body) };
        $given = {} unless ref $given eq 'HASH';
        my ($all, $what, $name) = $1 eq 'payments'
            ? ('creates', 'order', Market::Yookassa::Book::order_of($given->{metadata}))
            : ('refunds', 'payment', $given->{payment_id});
        $count->{$all}++;
        $count->{"${all}_by_key"}{$key}++;
        $count->{"${all}_by_$what"}{$name}++ if defined $name && !ref $name;
    }
    elsif ($verb eq 'GET' && $path =~ m{^/(?:payments|refunds)(?:/([^/]+))?$}) {
        $count->{defined $1 ? 'asks' : 'lists'}++;
        $count->{asks_by_id}{$1}++ if defined $1;
    }
    return;
}

sub guard ($self, $c) {
    my $denied = sub ($text) {
        return $self->error(401, 'invalid_credentials', $text, 'Authorization');
    };
    my $given = $c->req->headers->authorization // return
        $denied->('Authorization header not found');
    my ($basic) = $given =~ /^Basic ([A-Za-z0-9+\/=]+)$/
        or return $denied->('Authorization header has illegal format');
    my $account = $self->world->setting->{yookassa_account};
    return $self->error(403, 'forbidden', 'Operation forbidden') if $account eq 'forbidden';
    return $denied->('Error in shopId or secret key. Check their validity. You can reissue the key '
        . 'in the Merchant Profile')
            if $account ne 'good' || b64_decode($basic) ne $self->shop_id . ':' . $self->key;
    return undef;
}

sub dispatch ($self, $c, $verb, $path) {
    local $SIG{__DIE__};
    my ($kind, $id, $act) = $path =~ m{^/(payments|refunds|me)(?:/([^/]+)(?:/(capture|cancel))?)?$}
        or return $self->error(404, 'not_found', 'Not found');
    my $does
        = $verb eq 'GET' && $kind eq 'me' && !defined $id     ? sub { $self->me }
        : $kind eq 'me'                                       ? undef
        : $verb eq 'GET' && !defined $act                     ? sub {
            defined $id ? $self->show($kind, $id) : $self->list($c, $kind) }
        : $verb eq 'POST' && defined $act && $kind eq 'payments'
                                                       ? sub { $self->once($c, $path, sub ($given) {
            $self->move($id, $act, $given) }) }
        : $verb eq 'POST' && !defined $id                     ? sub {
            $self->once($c, $path, sub ($given) { $self->$kind($c, $given) }) }
        : undef;
    return $self->error(405, undef, 'Method is not allowed') unless $does;
    my $answer = eval { $does->() };
    return $answer if $answer;
    die $@ unless ref $@ eq 'ARRAY';
    return $self->error(@{$@});
}

# The same key with the same data is the same operation for 24 hours.
sub once ($self, $c, $path, $do) {
    return $self->error(415, undef, 'Unsupported media type')
        if ($c->req->headers->content_type // '') !~ m{^application/json\b}i;
    my $key = $c->req->headers->header('Idempotence-Key') // '';
    refuse('Idempotence-Key', 'Idempotence key is empty') if $key eq '';
    refuse('Idempotence-Key', 'Idempotence key is too long. Max. length is 64')
        if length $key > 64;
    refuse('Idempotence-Key') if $key !~ /^[0-9a-zA-Z+\-_.]+\z/;
    my $given = eval { decode_json($c->req->body || '{}') };
    refuse(undef, 'Failed to parse request body') unless ref $given eq 'HASH';
    my $data = "$path " . to_json($given);
    my $now  = $self->world->clock->now;
    my $old  = $self->stored->{$key};
    if ($old && $now - $old->{at} < $DAY) {
        refuse('Idempotence-Key', 'Idempotence key duplicated') if $old->{data} ne $data;
        return $old->{answer};
    }
    my $answer = eval { $do->($given) };
    if (!$answer) {
        die $@ unless ref $@ eq 'ARRAY';
        $answer = $self->error(@{$@});
    }
    $self->stored->{$key} = {data => $data, answer => $answer, at => $now}
        if $answer->[0] < 500;
    return $answer;
}

sub payments ($self, $c, $given) {
    my ($value, $notes) = Market::Yookassa::Check::payment($given, $self->shop);
    $self->world->log->note(yookassa => 'POST /payments', $_) for @$notes;
    my $payment = $self->book->open_payment($given, $value,
        $c->req->headers->header('Idempotence-Key'));
    $self->count->{payments_by_order}{$payment->{order}}++ if defined $payment->{order};
    return json(200, $self->book->object($payment));
}

sub refunds ($self, $c, $given) {
    my $id = $given->{payment_id};
    refuse('payment_id') unless Market::Yookassa::Check::is_text($id);
    my $payment = $self->book->find($id)
        // refuse('payment_id', sprintf($UNKNOWN, 'payment_id'), 'not_found', 404);
    my $currency = ref $given->{amount} eq 'HASH' ? $given->{amount}{currency} // '' : '';
    my $value    = Market::Yookassa::Check::money($given->{amount}, 'amount',
        $currency =~ /^(?:EUR|USD|RUB)\z/ ? $currency : $payment->{currency});
    Market::Yookassa::Check::text_of($given->{description}, 'description', 250,
        'Description is malformed') if exists $given->{description};
    Market::Yookassa::Check::metadata($given->{metadata}) if exists $given->{metadata};
    Market::Yookassa::Check::receipt($given->{receipt}, $value, $self->shop)
        if $self->shop->{receipt} || exists $given->{receipt};
    $self->book->check_refund($payment, $value, $currency);
    my $refund = $self->book->open_refund($payment, $value, $given,
        $c->req->headers->header('Idempotence-Key'));
    return json(200, $self->book->refund_object($refund));
}

sub move ($self, $id, $act, $given) {
    my $payment = $self->book->find($id)
        // refuse('payment_id', sprintf($UNKNOWN, 'payment_id'), 'not_found', 404);
    $act eq 'capture' ? $self->book->capture($payment, $given)
        : $self->book->cancel_by_shop($payment);
    return json(200, $self->book->object($payment));
}

sub show ($self, $kind, $id) {
    my ($name, $what) = $kind eq 'payments' ? ('payment_id', 'object') : ('refund_id',
        'refund_object');
    my $found = $self->book->$kind->{$id};
    refuse($name, sprintf($UNKNOWN, $name), 'not_found', 404)
        if !$found || ($found->{fixed} // {})->{missing};
    return json(200, $self->book->$what($found));
}

my %COMPARE = (gte => sub ($x) { $x >= 0 }, gt => sub ($x) { $x > 0 },
    lte => sub ($x) { $x <= 0 }, lt => sub ($x) { $x < 0 });

# Newest first. A cursor is the place after the last one shown, so that new ones move nothing.
sub list ($self, $c, $kind) {
    my %want  = %{$c->req->params->to_hash};
    my $limit = delete $want{limit} // 10;
    refuse('limit') if ref $limit || $limit !~ /^\d{1,3}\z/ || $limit < 1 || $limit > 100;
    my $cursor = delete $want{cursor};
    my $before = defined $cursor ? $self->cursors->{$cursor} // refuse('cursor') : undef;
    my $what   = $kind eq 'payments' ? 'object' : 'refund_object';
    my @all = map { [$_, $self->book->$what($_)] } sort {
        $b->{at} <=> $a->{at} || $b->{n} <=> $a->{n} } grep { !($_->{fixed} // {})->{missing} }
            values %{$self->book->$kind};
    for my $name (sort keys %want) {
        my $value = $want{$name};
        if ($name =~ /^(created_at|captured_at)\.(gte?|lte?)$/) {
            my ($field, $good) = ($1, $COMPARE{$2});
            my $time = Market::Clock::epoch($value) // refuse($name);
            @all = grep { my $at = Market::Clock::epoch($_->[1]{$field});
                defined $at && $good->($at - $time) } @all;
        }
        elsif ($name eq 'status' || $name eq 'payment_id' && $kind eq 'refunds') {
            @all = grep { $_->[1]{$name} eq $value } @all;
        }
        elsif ($name eq 'payment_method' && $kind eq 'payments') {
            @all = grep { (($_->[1]{payment_method} // {})->{type} // '') eq $value } @all;
        }
        else { $self->world->log->note(yookassa => "GET /$kind", "unknown filter $name") }
    }
    @all = grep { $_->[0]{at} < $before->[0]
        || $_->[0]{at} == $before->[0] && $_->[0]{n} < $before->[1] } @all if $before;
    my %body = (type => 'list');
    if (@all > $limit) {
        splice @all, $limit;
        $body{next_cursor} = Market::Fault::error_id();
        $self->cursors->{$body{next_cursor}} = [@{$all[-1][0]}{qw(at n)}];
    }
    $body{items} = [map { $_->[1] } @all];
    return json(200, \%body);
}

sub me ($self) {
    return json(200, {account_id => $self->shop_id, status => 'enabled',
        test => $self->shop->{test} ? true : false, fiscalization_enabled => false,
        fiscalization => {enabled => $self->shop->{receipt} ? true : false},
        payment_methods => ['bank_card', 'yoo_money'], itn => '7700000000'});
}

1;
