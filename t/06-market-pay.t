#!/usr/bin/perl
# The payment services of the market: what other tests of money believe.
use Mojo::Base -strict, -signatures;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Market::Tester;
use Mojo::JSON qw(decode_json encode_json true false);
use Mojo::Parameters;
use Mojo::Util qw(encode);
use Test::More;
use Time::HiRes qw(time);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $market = Market::Tester->new;
$market->start;
$market->listen;
my $hook = 'https://127.0.0.1:' . $market->hook_port;
$market->control(set => {yookassa_url => "$hook/yookassa/webhook", retry_scale => 0.002});

my ($SHOP, $KEY)     = ('506751', 'test_market_secret_key');
my ($PUBLIC, $SECRET) = ('pub_test_0123456789abcdef', 'sec_test_fedcba9876543210');
my $keys = 0;

sub yoo ($verb, $path, $body = undef, %more) {
    my %head = (Authorization => 'Basic ' . Mojo::Util::b64_encode($more{auth} // "$SHOP:$KEY",
        ''));
    delete $head{Authorization} if exists $more{auth} && !defined $more{auth};
    $head{'Idempotence-Key'} = $more{key} // 'key-' . ++$keys if $verb eq 'POST';
    delete $head{'Idempotence-Key'} if exists $more{key} && !defined $more{key};
    my @body = !defined $body ? () : ref $body ? (json => $body) : $body;
    $head{'Content-Type'} = $more{type} // 'application/json' if defined $body && !ref $body;
    my $tx = $market->ua->build_tx($verb => $market->url("/yookassa/v3$path") => \%head => @body);
    $tx = $market->ua->start($tx);
    return wantarray ? ($tx->res->code, $tx->res->json, $tx) : $tx->res->json;
}

sub order ($order, %more) {
    return {amount => {value => '299.00', currency => 'RUB'}, capture => true,
        description => '299 рублей на баланс', metadata => {order_id => $order},
        confirmation => {type => 'redirect', return_url => 'https://bot.example/pay/return'},
        %more};
}

sub refused ($status, $code, $parameter, $like, $name, @call) {
    my ($got, $body) = yoo(@call);
    my $right = $got == $status && $body->{type} eq 'error' && $body->{id} =~ /^[0-9a-f-]{36}$/
        && ($body->{code} // '') eq $code && ($body->{parameter} // '') eq $parameter;
    ok $right && $body->{description} =~ $like, "$name: $status" or diag explain $got, $body;
    return;
}

sub pay ($provider, $order, $action, %more) {
    return $market->control(pay => {provider => $provider, order => $order, action => $action,
        %more});
}

sub advance ($seconds) { return $market->control(clock => {advance_s => $seconds}) }

sub notices ($true, $name, $seconds = 10) {
    my $found = $market->until(sub { my @got = grep { $true->($_) } @{$market->hooks}; \@got
        if @got }, $seconds);
    ok $found, $name;
    return ref $found ? @$found : ();
}

# Nothing is on its way, so that a fault meets what it was made for.
sub quiet { return $market->until(sub { !$market->look('counts')->{notices}{pending} }) }

sub of_event ($event, $id) {
    return sub ($hook) { my $said = $hook->{json} // {};
        ($said->{event} // '') eq $event && ($said->{object}{id} // '') eq $id };
}

sub seen ($id) {
    my ($payment) = grep { $_->{id} eq $id } @{$market->look('payments')->{payments}};
    return $payment;
}

subtest 'who may call' => sub {
    refused(401, 'invalid_credentials', 'Authorization', qr/not found/, 'nobody', 'GET', '/me',
        undef, auth => undef);
    refused(401, 'invalid_credentials', 'Authorization', qr/^Error in shopId or secret key/,
        'wrong key', 'GET', '/payments', undef, auth => "$SHOP:other");
    my ($code, $me) = yoo('GET', '/me');
    is $code, 200, 'the shop';
    is_deeply [@$me{qw(account_id status test)}], [$SHOP, 'enabled', true], 'is itself';
    refused(405, '', '', qr/./, 'DELETE', 'DELETE', '/payments');
    refused(404, 'not_found', '', qr/./, 'another path', 'GET', '/nothing');
    $market->control(set => {yookassa_account => 'bad_key'});
    refused(401, 'invalid_credentials', 'Authorization', qr/./, 'key taken away', 'GET', '/me');
    $market->control(set => {yookassa_account => 'good'});
};

subtest 'what a payment may hold' => sub {
    my $bad = sub ($parameter, $like, %more) {
        refused(400, 'invalid_request', $parameter, $like, $parameter, 'POST', '/payments',
            order('bad', %more));
    };
    my $sum = sub ($value, $currency = 'RUB') { return (amount => {value => $value,
        currency => $currency}) };
    $bad->('amount.value', qr/amount is illegal/, $sum->($_))
        for '299', '299.0', 299, '-1.00', '0.00', '0.99', '350000.01', "299.00\n", '1e3', '٢.00';
    $bad->('amount.currency', qr/code is illegal/, $sum->('1.00', 'XXX'));
    $bad->('amount.currency', qr/Incorrect currency/, $sum->('10.00', 'USD'));
    $bad->('amount', qr/Invalid/, amount => undef);
    $bad->('capture', qr/Invalid/, capture => 'true');
    $bad->('description', qr/too long/, description => 'ж' x 129);
    $bad->('metadata', qr/16 keys/, metadata => {map { $_ => 'x' } 1 .. 17});
    $bad->('metadata', qr/key names/, metadata => {'k' x 33 => 'x'});
    $bad->('metadata', qr/key values/, metadata => {k => 'x' x 513});
    $bad->('metadata.k', qr/Invalid/, metadata => {k => 1});
    $bad->('confirmation.type', qr/Illegal/, confirmation => {type => 'other'});
    $bad->('confirmation.return_url', qr/missing/, confirmation => {type => 'redirect'});
    $bad->('confirmation.return_url', qr/Invalid/,
        confirmation => {type => 'redirect', return_url => 'https://x/' . 'y' x 2048});
    $bad->('payment_method_data.type', qr/not available/, payment_method_data => {type => 'sbp'});
    $bad->('payment_method_data.type', qr/Illegal/, payment_method_data => {type => 'gold'});
    $bad->('payment_method_id', qr/only one of/, payment_method_id => 'x',
        payment_method_data => {type => 'bank_card'});
    my $item = {description => 'Пополнение', quantity => '1', vat_code => 1,
        amount => {value => '299.00', currency => 'RUB'}};
    my $receipt = sub (%over) { return (receipt => {customer => {email => 'a@b.example'},
        items => [{%$item, %over}]}) };
    $bad->('receipt.items[0].vat_code', qr/Receipt is/, $receipt->(vat_code => 13));
    $bad->('receipt.items[0].vat_code', qr/Receipt is/, $receipt->(vat_code => '1'));
    $bad->('receipt.items', qr/Receipt is/, $receipt->(quantity => 2));
    $bad->('receipt.customer', qr/Receipt is/, receipt => {customer => {}, items => [$item]});
    $bad->('receipt.customer.email', qr/Receipt is/,
        receipt => {customer => {email => 'nobody'}, items => [$item]});
    is scalar(yoo('POST', '/payments', order('receipt', $receipt->())))->{status}, 'pending',
        'a right receipt';
    $market->control(set => {yookassa_receipt => 1});
    $bad->('receipt', qr/missing/);
    $market->control(set => {yookassa_receipt => 0});
    refused(400, 'invalid_request', '', qr/parse/, 'not JSON', 'POST', '/payments', '{');
    refused(415, '', '', qr/media type/, 'a form', 'POST', '/payments', 'a=b',
        type => 'application/x-www-form-urlencoded');
    my $strange = $market->look('counts')->{strange};
    is scalar(yoo('POST', '/payments', order('odd', colour => 'red')))->{status}, 'pending',
        'an unknown field passes';
    is $market->look('counts')->{strange}, $strange + 1, 'and is noted';
};

subtest 'keys' => sub {
    my $refuse = sub ($key, $like) { refused(400, 'invalid_request', 'Idempotence-Key', $like,
        'key ' . ($key // 'none'), 'POST', '/payments', order('keys'), key => $key) };
    $refuse->(undef, qr/empty/);
    $refuse->('k' x 65, qr/Max. length is 64/);
    $refuse->('a key', qr/Invalid/);
    my $first = yoo('POST', '/payments', order('keys'), key => 'k' x 64);
    is_deeply scalar yoo('POST', '/payments', order('keys'), key => 'k' x 64), $first,
        'the same answer';
    pay(yookassa => 'keys', 'pay');
    is scalar(yoo('POST', '/payments', order('keys'), key => 'k' x 64))->{status}, 'pending',
        'as it was at first, though it is paid';
    refused(400, 'invalid_request', 'Idempotence-Key', qr/^Idempotence key duplicated$/,
        'other data', 'POST', '/payments', order('keys', description => 'другое'),
            key => 'k' x 64);
    advance(24 * 3600 + 1);
    my $again = yoo('POST', '/payments', order('keys'), key => 'k' x 64);
    isnt $again->{id}, $first->{id}, 'after a day it is another payment';
    my $bad = order('stored', description => 'x' x 129);
    my $one = yoo('POST', '/payments', $bad, key => 'stored');
    is scalar(yoo('POST', '/payments', $bad, key => 'stored'))->{id}, $one->{id},
        'a refusal is stored too';
    my $count = $market->look('counts')->{yookassa};
    is $count->{creates_by_key}{'k' x 64}, 5, 'counted by key';
    is $count->{payments_by_order}{keys}, 2, 'two payments for the order';
};

subtest 'life' => sub {
    my $payment = yoo('POST', '/payments', order('life'));
    my $id = $payment->{id};
    like $id, qr/^[0-9a-f]{8}-000f-5000-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'id';
    like $payment->{created_at}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'time';
    is $payment->{recipient}{account_id}, $SHOP, 'shop';
    ok $payment->{test} && !$payment->{paid} && !$payment->{refundable}, 'flags';
    like $payment->{confirmation}{confirmation_url}, qr{/checkout/yookassa/$id$}, 'where to pay';
    is_deeply scalar yoo('GET', "/payments/$id"), $payment, 'asked';
    is pay(yookassa => 'life', 'pay')->{status}, 'succeeded', 'paid';
    my $paid = yoo('GET', "/payments/$id");
    ok $paid->{paid} && $paid->{refundable} && $paid->{captured_at} && !$paid->{confirmation},
        'flags';
    is $paid->{income_amount}{value}, '288.53', 'what the shop gets';
    is $paid->{refunded_amount}{value}, '0.00', 'nothing back';
    my ($notice) = notices(of_event('payment.succeeded', $id), 'a notification');
    is_deeply $notice->{json}{object}, $paid, 'with the object';
    is $notice->{json}{type}, 'notification', 'of the right type';
    like $notice->{headers}{'Content-Type'}, qr{^application/json}, 'in JSON';
    like pay(yookassa => 'life', 'decline')->{error}, qr/succeeded/, 'final';

    my $declined = yoo('POST', '/payments', order('declined'));
    pay(yookassa => 'declined', 'decline');
    my $after = yoo('GET', "/payments/$declined->{id}");
    is_deeply [$after->{status}, $after->{paid}, $after->{cancellation_details}], ['canceled',
        false, {party => 'payment_network', reason => 'general_decline'}], 'declined';
    notices(of_event('payment.canceled', $declined->{id}), 'said so');

    my $late = yoo('POST', '/payments', order('late'));
    advance(3500);
    is scalar(yoo('GET', "/payments/$late->{id}"))->{status}, 'pending', 'not yet an hour';
    advance(101);
    is seen($late->{id})->{object}{cancellation_details}{reason}, 'expired_on_confirmation',
        'an hour';
    notices(of_event('payment.canceled', $late->{id}), 'said so without being asked');
    like pay(yookassa => 'late', 'pay')->{error}, qr/canceled/, 'final';
    refused(404, 'not_found', 'payment_id', qr/doesn't exist/, 'unknown', 'GET', '/payments/none');
    is seen($late->{id})->{asks}, 1, 'asked once';
};

subtest 'two stages' => sub {
    my $open = sub ($order) { my $one = yoo('POST', '/payments', order($order, capture => false));
        pay(yookassa => $order, 'pay'); return $one->{id} };
    my $id = $open->('stage');
    my $waiting = yoo('GET', "/payments/$id");
    ok $waiting->{status} eq 'waiting_for_capture' && $waiting->{paid} && $waiting->{expires_at},
        'waits';
    notices(of_event('payment.waiting_for_capture', $id), 'said so');
    refused(400, 'invalid_request', 'amount', qr/Illegal amount/, 'more than paid', 'POST',
        "/payments/$id/capture", {amount => {value => '300.00', currency => 'RUB'}});
    my $done = yoo('POST', "/payments/$id/capture",
        {amount => {value => '200.00', currency => 'RUB'}});
    is_deeply [$done->{status}, $done->{amount}{value}], ['succeeded', '200.00'], 'a part';
    notices(of_event('payment.succeeded', $id), 'said so');
    my $other = $open->('stage2');
    is scalar(yoo('POST', "/payments/$other/cancel", {}))->{cancellation_details}{reason},
        'canceled_by_merchant', 'cancelled';
    refused(400, 'invalid_request', 'payment_id', qr/current status/, 'twice', 'POST',
        "/payments/$other/cancel", {});
    my $auto = yoo('POST', '/payments', order('auto'))->{id};
    refused(400, 'invalid_request', 'payment_id', qr/autocapture/, 'with autocapture', 'POST',
        "/payments/$auto/$_", {}) for qw(capture cancel);
};

subtest 'refunds' => sub {
    my $id = yoo('POST', '/payments', order('back'))->{id};
    my $ask = sub ($value, %more) { return ('POST', '/refunds', {payment_id => $id,
        amount => {value => $value, currency => 'RUB'}, %more}) };
    my $bad = sub ($parameter, $like, @call) { refused(400, 'invalid_request', $parameter, $like,
        "refund: $like", @call) };
    $bad->('payment_id', qr/current status/, $ask->('10.00'));
    pay(yookassa => 'back', 'pay');
    $bad->('amount', qr/sum exceeded/, $ask->('299.01'));
    $bad->('amount', qr/greater than 1.00 RUB/, $ask->('298.00'));
    $bad->('amount.currency', qr/do not match/, $ask->('10.00',
        amount => {value => '10.00', currency => 'USD'}));
    refused(404, 'not_found', 'payment_id', qr/doesn't exist/, 'unknown', 'POST', '/refunds',
        {payment_id => 'none', amount => {value => '1.00', currency => 'RUB'}});
    my $part = yoo($ask->('100.00', description => 'часть'), key => 'refund-1');
    is_deeply [@$part{qw(status payment_id)}], ['succeeded', $id], 'a part';
    is_deeply scalar yoo($ask->('100.00', description => 'часть'), key => 'refund-1'), $part,
        'once for a key';
    my ($notice) = notices(of_event('refund.succeeded', $part->{id}), 'said so');
    is $notice->{json}{object}{payment_id}, $id, 'of which payment';
    my $payment = yoo('GET', "/payments/$id");
    is_deeply [$payment->{status}, $payment->{refunded_amount}{value}], ['succeeded', '100.00'],
        'the payment stays as it was';
    $market->control(set => {yookassa_refund => 'pending'});
    my $slow = yoo($ask->('199.00'));
    is $slow->{status}, 'pending', 'a slow one';
    $bad->('payment_id', qr/completely refunded/, $ask->('1.00'));
    $market->control(refund => {provider => 'yookassa', id => $slow->{id}, status => 'canceled'});
    is scalar(yoo('GET', "/refunds/$slow->{id}"))->{cancellation_details}{reason},
        'insufficient_funds', 'failed';
    $market->control(set => {yookassa_refund => 'succeeded'});
    my $rest = pay(yookassa => 'back', 'refund')->{refund};
    is $rest->{amount}{value}, '199.00', 'the rest, from the cabinet';
    ok !yoo('GET', "/payments/$id")->{refundable}, 'nothing is left';
    my $list = yoo('GET', "/refunds?payment_id=$id&status=succeeded");
    is_deeply [map { $_->{amount}{value} } @{$list->{items}}], ['199.00', '100.00'], 'listed';
};

subtest 'lists' => sub {
    advance(100);
    my $since = $market->look('payments')->{now};
    my @ids = map { yoo('POST', '/payments', order("list$_"))->{id} } 1 .. 5;
    pay(yookassa => 'list3', 'pay');
    my $page = yoo('GET', "/payments?created_at.gte=$since&limit=2");
    is_deeply [map { $_->{id} } @{$page->{items}}], [@ids[4, 3]], 'newest first';
    yoo('POST', '/payments', order('list6'));
    my $next = yoo('GET', "/payments?created_at.gte=$since&limit=3&cursor=$page->{next_cursor}");
    is_deeply [map { $_->{id} } @{$next->{items}}], [@ids[2, 1, 0]],
        'a page after it, though one came';
    ok !$next->{next_cursor}, 'the last';
    my $paid = yoo('GET', "/payments?created_at.gte=$since&status=succeeded");
    is_deeply [map { $_->{id} } @{$paid->{items}}], [$ids[2]], 'by status';
    is @{scalar(yoo('GET', "/payments?created_at.lt=2020-01-01T00:00:00Z"))->{items}}, 0,
        'by time';
    refused(400, 'invalid_request', 'limit', qr/./, 'limit', 'GET', '/payments?limit=101');
    refused(400, 'invalid_request', 'cursor', qr/./, 'cursor', 'GET', '/payments?cursor=x');
};

subtest 'notifications' => sub {
    my $paid = sub ($order) { my $id = yoo('POST', '/payments', order($order))->{id};
        pay(yookassa => $order, 'pay'); return $id };
    ok quiet(), 'all is delivered';
    my $fail = 3;
    $market->reply(sub ($hook) { return {status => $fail-- > 0 ? 503 : 200} });
    my $id = $paid->('again');
    ok $market->until(sub { seen($id)->{notices}[0]{delivered} }), 'until it is 200';
    is_deeply seen($id)->{notices}[0]{answers}, [503, 503, 503, 200], 'not earlier';
    $market->reply(sub ($hook) { return {} });
    my $fault = sub (%fault) { quiet(); $market->fault(side => 'yookassa-webhook', %fault) };
    my $say = sub ($id) { return grep { ($_->{json}{object}{id} // '') eq $id }
        @{$market->hooks} };
    $fault->(action => 'lose', match => 'payment.succeeded');
    my $lost = $paid->('lost');
    is seen($lost)->{notices}[0]{lost}, 'fault', 'lost';
    $fault->(action => 'duplicate', copies => 4);
    my $many = $paid->('many');
    ok $market->until(sub { $say->($many) == 4 }), 'four at once';
    $fault->(action => 'event', event => 'payment.canceled');
    my $wrong = $paid->('wrong');
    my ($name) = notices(of_event('payment.canceled', $wrong), 'another name');
    is $name->{json}{object}{status}, 'succeeded', 'over the same object';
    $fault->(action => 'forged');
    my $forged = $paid->('forged');
    ok $market->until(sub { $say->($forged) == 2 }), 'a forged copy before it';
    is_deeply [map { $_->{json}{object}{amount}{value} } $say->($forged)],
        ['99999.00', '299.00'], 'that lies';
    $fault->(action => 'foreign');
    my $foreign = $paid->('foreign');
    notices(sub ($hook) { my $object = ($hook->{json} // {})->{object};
        ($object->{recipient}{account_id} // '') eq '100500' && $object->{id} ne $foreign },
        'one of another shop');
    $fault->(action => 'delay', ms => 300);
    my ($start, $slow) = (time, $paid->('slow'));
    notices(of_event('payment.succeeded', $slow), 'a late one');
    cmp_ok time - $start, '>', 0.29, 'is late';
    $market->control(set => {notify => 0});
    my $silent = $paid->('silent');
    is seen($silent)->{notices}[0]{lost}, 'switched off', 'all lost';
    $market->control(notify => {provider => 'yookassa', order => 'silent'});
    notices(of_event('payment.succeeded', $silent), 'but one may be sent at will');
    $market->control(notify => {provider => 'yookassa', event => 'payment.succeeded',
        object => {id => 'anything'}});
    notices(of_event('payment.succeeded', 'anything'), 'of anything');
    $market->control(set => {notify => 1});
    $market->reply(sub ($hook) { return {status => 500} });
    $market->control(set => {retry_scale => 100});
    my $never = $paid->('never');
    ok $market->until(sub { @{seen($never)->{notices}[0]{answers}} == 1 }), 'refused';
    advance(1001);
    ok $market->until(sub { @{seen($never)->{notices}[0]{answers}} == 2 }), 'the clock brings it';
    advance(25 * 3600);
    ok seen($never)->{notices}[0]{given_up}, 'a day later it is given up';
    $market->control(set => {retry_scale => 0.002});
    $market->reply(sub ($hook) { return {} });
};

subtest 'trouble' => sub {
    my $fault = sub (%fault) { $market->fault(side => 'yookassa', %fault) };
    my $create = sub ($order) { return yoo('POST', '/payments', order($order), key => $order) };
    $fault->(action => 'lose', match => '^POST /payments$');
    is +($create->('cut'))[0], undef, 'done and then cut';
    my $id = $create->('cut')->{id};
    is seen($id)->{creates}, 2, 'two calls';
    is $market->look('counts')->{yookassa}{payments_by_order}{cut}, 1, 'one payment';
    $fault->(action => 'status', status => 500, match => 'POST');
    my ($code, $body) = $create->('five');
    is_deeply [$code, $body->{code}], [500, 'internal_server_error'], 'an error of its own';
    is +($create->('five'))[0], 200, 'is not stored';
    $fault->(action => 'status', status => 500, done => true, match => 'POST');
    is +($create->('done'))[0], 500, 'an error though it was done';
    ok $create->('done')->{id}, 'is found by the key';
    is $market->look('counts')->{yookassa}{payments_by_order}{done}, 1, 'once';
    $fault->(action => 'status', status => 202, match => 'POST');
    ($code, $body) = $create->('process');
    is_deeply [$code, @$body{qw(type retry_after)}], [202, 'processing', 1800], 'in processing';
    $fault->(action => '429', match => "GET /payments/$id");
    ($code, $body) = yoo('GET', "/payments/$id");
    is_deeply [$code, $body->{code}], [429, 'too_many_requests'], 'too many';
    $fault->(action => 'status', status => 502, match => 'GET');
    is +(yoo('GET', "/payments/$id"))[0], 502, 'a page of its front';
    $fault->(action => 'wrong', match => 'GET', body => {id => $id, status => 'succeeded'});
    is_deeply scalar yoo('GET', "/payments/$id"), {id => $id, status => 'succeeded'}, 'a lie';
    $fault->(action => 'reset', match => 'GET');
    is +(yoo('GET', "/payments/$id"))[0], undef, 'reset';
    my $truth = {id => $id, status => 'succeeded', amount => {value => '1.00', currency => 'USD'},
        metadata => {order_id => 'cut'}};
    $market->control(payment => {provider => 'yookassa', object => $truth});
    is_deeply scalar yoo('GET', "/payments/$id"), $truth, 'the truth as given';
    $market->control(payment => {provider => 'yookassa', id => $id, missing => true});
    is +(yoo('GET', "/payments/$id"))[0], 404, 'no such payment any more';
    my $refund = {id => 'r1', payment_id => $id, status => 'succeeded',
        amount => {value => '1.00', currency => 'RUB'}};
    $market->control(payment => {provider => 'yookassa', kind => 'refund', object => $refund});
    is_deeply scalar yoo('GET', '/refunds/r1'), $refund, 'a refund as given';
};

# ---- Betatransfer

sub sign (@values) { return md5_hex(encode 'UTF-8', join '', @values, $SECRET) }

sub bt ($name, @pairs) {
    my @values = map { $pairs[2 * $_ + 1] } 0 .. @pairs / 2 - 1;
    push @pairs, sign => sign(@values) unless grep { $_ eq 'sign' } @pairs;
    return raw($name, Mojo::Parameters->new(@pairs)->to_string);
}

sub raw ($name, $body, $token = $PUBLIC) {
    my $tx = $market->ua->post($market->url("/betatransfer/api/$name?token=$token") =>
        {'Content-Type' => 'application/x-www-form-urlencoded'} => $body);
    return wantarray ? ($tx->res->code, $tx->res->json, $tx->res) : $tx->res->json;
}

sub package_of ($order, %over) {
    my %field = (amount => '7.00', currency => 'USD', orderId => $order, paymentSystem => 'Card4',
        urlResult => "$hook/betatransfer/callback", urlSuccess => 'https://bot.example/ok',
        urlFail => 'https://bot.example/no', locale => 'ru', redirect => '0', payerId => '777001',
        user_comment => 'тысяча кредитов', fullCallback => '1', %over);
    my @order = qw(amount currency orderId paymentSystem urlResult urlSuccess urlFail locale
        redirect payerId user_comment fullCallback);
    return map { $_ => $field{$_} } grep { defined $field{$_} } @order;
}

sub callbacks ($order, $true = sub ($form) {1}) {
    return grep { ($_->{orderId} // '') eq $order && $true->($_) }
        map { Mojo::Parameters->new($_->{body})->to_hash }
        grep { $_->{path} eq '/betatransfer/callback' } @{$market->hooks};
}

subtest 'Betatransfer: calls' => sub {
    is sign('500.00', 'RUB', 'BT1001', 'Card4', 'https://bot.example/cb/bt',
        'https://t.me/example_bot', 'https://t.me/example_bot', 'ru', '0', '777001', '1'),
        '0ff7f47c100dd46ababe82a6ce75afa7', 'the known sign';
    $market->reply(sub ($hook) { return {body => 'OK'} });
    my $bad = sub ($field, $like, @pairs) {
        my ($code, $body) = bt('payment', @pairs);
        ok $code == 422 && $body->{status} eq 'error' && $body->{errors}{$field}[0] =~ $like,
            "$field: 422" or diag explain $code, $body;
    };
    my ($code, $body) = bt('payment', package_of('BT1'));
    is_deeply [$code, $body->{status}], [200, 'success'], 'made' or diag explain $body;
    like $body->{url}, qr{/checkout/betatransfer/$body->{id}$}, 'where to pay';
    ok $body->{urlPayment} eq $body->{url} && $body->{hash} && $body->{id} =~ /^\d+$/, 'answer';
    $bad->('orderId', qr/taken/, package_of('BT1'));
    $bad->('orderId', qr/letters and numbers/, package_of('BT_2'));
    $bad->('amount', qr/invalid/, package_of('BT2', amount => $_)) for '7,00', '-1', '1e3', '0.00';
    $bad->('amount', qr/required/, package_of('BT2', amount => undef));
    $bad->('currency', qr/invalid/, package_of('BT2', currency => 'XXX'));
    $bad->('paymentSystem', qr/invalid/, package_of('BT2', paymentSystem => 'Gold'));
    $bad->('payerId', qr/40/, package_of('BT2', payerId => '1' x 41));
    $bad->('sign', qr/invalid/, package_of('BT2'), sign => '0' x 32);
    $bad->('orderId', qr/twice/, package_of('BT2'), orderId => 'BT3');
    my @moved = reverse package_of('BT2');
    @moved = map { @moved[2 * $_ + 1, 2 * $_] } 0 .. @moved / 2 - 1;
    is scalar(bt('payment', @moved))->{status}, 'success', 'in another order, signed so';
    is +(raw('payment', 'a=b', 'wrong'))[0], 422, 'wrong token';
    my ($there, undef, $res) = bt('payment', package_of('BT5', redirect => '1'));
    ok $there == 302 && $res->headers->location =~ m{/checkout/}, 'redirect';
    my ($first) = bt('info', id => $body->{id});
    is $first, 200, 'info by id';
    is scalar(bt('info', orderId => 'BT1'))->{id}, $body->{id}, 'by order';
    is scalar(bt('info', id => $body->{id}, orderId => 'BT1'))->{orderAmount}, '7.00', 'by both';
    is +(bt('info', orderId => 'BT404'))[0], 404, 'unknown';
    my $list = bt('history', type => 'deposit', limit => 2);
    is scalar @{$list->{items}}, 2, 'history';
    my $url = $market->url("/betatransfer/api/account-info?token=$PUBLIC&sign=");
    ok $market->ua->get($url . sign($PUBLIC))->result->json->{balance}, 'account';
    is $market->ua->get($url . 'x')->result->code, 422, 'signed';
    my $count = $market->look('counts')->{betatransfer};
    is_deeply [$count->{creates_by_order}{BT1}, $count->{payments_by_order}{BT1}], [2, 1],
        'counted';
};

subtest 'Betatransfer: callbacks' => sub {
    pay(betatransfer => 'BT1', 'pay');
    ok $market->until(sub { callbacks('BT1', sub ($form) { $form->{status} eq 'success' }) }),
        'paid';
    my ($form) = callbacks('BT1', sub ($form) { $form->{status} eq 'success' });
    is_deeply [@$form{qw(orderAmount paidAmount amount commission currency)}],
        ['7.00', '7.00', '6.37', '0.63', 'USD'], 'sums';
    is $form->{sign}, sign($form->{amount}, 'BT1'), 'sign';
    ok $market->until(sub { seen($form->{id})->{notices}[-1]{delivered} }), 'taken';
    my $strange = grep { $_->{strange} =~ /text OK/ } @{$market->look('strange')->{strange}};
    is $strange, 0, 'with the text OK';
    bt('payment', package_of('BT6', fullCallback => '0'));
    is pay(betatransfer => 'BT6', 'partial', amount => '3.00')->{status}, 'partial_payment',
        'a part';
    is pay(betatransfer => 'BT6', 'pay')->{paid}, '7.00', 'and the rest';
    ok $market->until(sub { callbacks('BT6') }), 'success is said';
    is_deeply [map { $_->{status} } callbacks('BT6')], ['success'], 'and nothing else';
    my $id = bt('payment', package_of('BT7'))->{id};
    advance(3601);
    is scalar(bt('info', id => $id))->{status}, 'not_paid_timeout', 'an hour';
    ok $market->until(sub { callbacks('BT7') }), 'is said';
    is pay(betatransfer => 'BT7', 'pay')->{status}, 'success', 'late money is money';
    is pay(betatransfer => 'BT7', 'refund')->{status}, 'refund', 'given back';
    quiet();
    $market->fault(side => 'betatransfer-webhook', action => 'forged');
    $market->control(set => {betatransfer_numbers => 'short', betatransfer_status => 0});
    bt('payment', package_of('BT8'));
    pay(betatransfer => 'BT8', 'pay');
    ok $market->until(sub { callbacks('BT8') == 2 }), 'a forged copy';
    my ($false, $true) = callbacks('BT8');
    isnt $false->{sign}, sign($false->{amount}, 'BT8'), 'is signed wrong';
    is_deeply [$true->{orderAmount}, $true->{status}], ['7', undef], 'short, without a status';
    my $truth = {id => 9, orderId => 'BT9', status => 'success', orderAmount => '1.00'};
    $market->control(payment => {provider => 'betatransfer', object => $truth});
    is_deeply scalar bt('info', orderId => 'BT9'), $truth, 'the truth as given';
    $market->control(notify => {provider => 'betatransfer', url => "$hook/betatransfer/callback",
        fields => {id => 9, orderId => 'BT9', amount => '455.00'}});
    ok $market->until(sub { callbacks('BT9', sub ($form) {
        $form->{sign} eq sign('455.00', 'BT9') }) }), 'a callback as given';
    $market->fault(side => 'betatransfer', action => 'status', status => 503,
        match => 'POST /info');
    is +(bt('info', orderId => 'BT9'))[0], 503, 'trouble';
};

subtest 'checkout' => sub {
    my $ua  = $market->ua;
    my $ann = $market->control(person => {first_name => 'Аня'})->{id};
    my $open = sub ($order) { yoo('POST', '/payments', order($order, description => '<b>сто</b>',
        metadata => {order_id => $order, person_id => "$ann"}))->{confirmation}{confirmation_url}};
    my $press = sub ($url, $do, %more) {
        my $res = $ua->post($url => form => {do => $do, %more})->result;
        is $res->code, 303, $do;
        return $ua->get(Mojo::URL->new($res->headers->location)->to_abs(Mojo::URL->new($url)))
            ->result->dom;
    };
    my $url = $open->('page');
    my $dom = $ua->get($url)->result->dom;
    is $dom->at('#amount')->text, "299\x{a0}₽", 'amount';
    is $dom->at('#description')->text, '<b>сто</b>', 'description, escaped';
    ok $dom->at("#$_"), "#$_" for qw(pay decline close shop);
    ok !$dom->at('#partial'), 'no part';
    my $closed = $press->($url, 'close');
    ok $closed->at('#again') && $closed->at('#back'), 'closed: nothing happened';
    my $paid = $press->($url, 'pay');
    is $paid->at('main')->attr('data-state'), 'paid', 'paid';
    is $paid->at('#back')->attr('href'), 'https://bot.example/pay/return', 'back';
    is $paid->at('#chat')->attr('href'), "/chat/$ann", 'to the chat';
    is $press->($url, 'decline')->at('main')->attr('data-state'), 'paid', 'stays paid';
    is $press->($open->('page2'), 'decline')->at('main')->attr('data-state'), 'canceled',
        'declined';
    my $bt = bt('payment', package_of('BTpage', payerId => $ann))->{url};
    is $ua->get($bt)->result->dom->at('main')->attr('data-state'), 'open', 'Betatransfer';
    my $part = $press->($bt, 'partial', amount => '3,5');
    like $part->at('#status')->text, qr/осталось 3,50/, 'a part';
    is $press->($bt, 'pay')->at('#chat')->attr('href'), "/chat/$ann", 'the rest';
    is_deeply seen($bt =~ s{.*/}{}r)->{history}, [qw(processing partial_payment success)],
        'every state';
    is $ua->get($url =~ s/[^\/]+$/none/r)->result->code, 404, 'unknown';
    my $button = {inline_keyboard => [[{text => 'Оплатить', url => $url}]]};
    ok $market->bot(sendMessage => {chat_id => $ann, text => 'счёт', reply_markup => $button})
        ->{ok}, 'a button with the link';
};

is_deeply [grep { $_->{side} !~ /^telegram/ && $_->{strange} !~ /colour|text OK/ }
    @{$market->look('strange')->{strange}}], [], 'nothing else was strange';
done_testing;
