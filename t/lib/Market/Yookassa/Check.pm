package Market::Yookassa::Check;
use Mojo::Base -strict, -signatures;

# What a request to ЮKassa may hold. The texts are those of its published list of errors; where
# that list has none, "Invalid request parameter". Unknown fields are noted, not refused.
use Exporter qw(import);
use Mojo::JSON qw(true);
use Scalar::Util qw(blessed);

no warnings 'experimental::builtin';

our @EXPORT_OK = qw(refuse money text_of object_of bool_of);

my %CURRENCY = map { $_ => 1 } qw(RUB EUR USD KZT BYN UAH UZS TRY INR MDL AZN AMD);
my %METHOD = map { $_ => 1 } qw(bank_card sbp yoo_money sberbank tinkoff_bank mobile_balance
    b2b_sberbank cash sber_loan sber_bnpl electronic_certificate);
my %FIELD = map { $_ => 1 } qw(amount capture confirmation description metadata receipt client_ip
    payment_method_data payment_method_id payment_token save_payment_method merchant_customer_id
    recipient statements receiver transfers deal airline discounts);
my $INVALID = 'Invalid request parameter';

sub refuse ($parameter, $text = $INVALID, $code = 'invalid_request', $status = 400) {
    die [$status, $code, $text, $parameter];
}

sub is_text ($value) {
    return defined $value && !ref $value && !builtin::created_as_number($value);
}

sub is_bool ($value) { return blessed $value && $value->isa('JSON::PP::Boolean') }

sub text_of ($value, $at, $max, $text = $INVALID) {
    refuse($at) unless is_text($value);
    refuse($at, $text) if length $value > $max;
    return $value;
}

sub object_of ($value, $at) {
    refuse($at) unless ref $value eq 'HASH';
    return $value;
}

sub bool_of ($value, $at) {
    refuse($at) unless is_bool($value);
    return $value ? 1 : 0;
}

# {value, currency} into hundredths. The value is text with a dot and two decimals.
sub money ($amount, $at, $shop_currency) {
    object_of($amount, $at);
    refuse("$at.value", 'Payment amount is illegal')
        unless is_text($amount->{value}) && $amount->{value} =~ /^(\d{1,9})\.(\d\d)\z/a;
    my $value = $1 * 100 + $2;
    refuse("$at.value", 'Payment amount is illegal') unless $value;
    refuse("$at.currency", 'Currency code is illegal')
        unless is_text($amount->{currency}) && $CURRENCY{$amount->{currency}};
    refuse("$at.currency", 'Incorrect currency of payment. The value of the amount.currency '
        . q{parameter doesn't correspond with the settings of your store})
            if $amount->{currency} ne $shop_currency;
    return $value;
}

sub payment ($given, $shop) {
    my @notes = map {"unknown field $_"} sort grep { !$FIELD{$_} } keys %$given;
    my $value = money($given->{amount}, 'amount', $shop->{currency});
    refuse('amount.value', 'Payment amount is illegal') if $value < 100 || $value > 350_000_00;
    bool_of($given->{capture}, 'capture') if exists $given->{capture};
    text_of($given->{description}, 'description', 128,
        'Description is too long. Max. length is 128') if exists $given->{description};
    text_of($given->{merchant_customer_id}, 'merchant_customer_id', 200)
        if exists $given->{merchant_customer_id};
    bool_of($given->{save_payment_method}, 'save_payment_method')
        if exists $given->{save_payment_method};
    metadata($given->{metadata}) if exists $given->{metadata};
    _method($given, $shop);
    _confirmation($given->{confirmation}, \@notes);
    receipt($given->{receipt}, $value, $shop) if $shop->{receipt} || exists $given->{receipt};
    if (exists $given->{recipient}) {
        my $account = object_of($given->{recipient}, 'recipient')->{account_id};
        refuse('recipient.account_id', q{Request issuer doesn't match recipient.account_id})
            if defined $account && $account ne $shop->{id};
    }
    return ($value, \@notes);
}

sub metadata ($metadata) {
    object_of($metadata, 'metadata');
    refuse('metadata', 'Metadata object is limited to 16 keys') if keys %$metadata > 16;
    for my $key (sort keys %$metadata) {
        refuse('metadata', 'The key names length in metadata object is limited to 32 characters')
            if length $key > 32;
        refuse("metadata.$key") unless is_text($metadata->{$key});
        refuse('metadata', 'The key values length in metadata object is limited to 512 characters')
            if length $metadata->{$key} > 512;
    }
    return;
}

sub _method ($given, $shop) {
    my @how = grep { exists $given->{$_} } qw(payment_method_data payment_method_id payment_token);
    refuse($how[1], 'Request should contain only one of: payment_method_data, payment_method_id, '
        . 'payment_token') if @how > 1;
    return unless @how;
    refuse($how[0], 'Forbidden to use saved payment method', 'forbidden', 403)
        if $how[0] ne 'payment_method_data';
    my $type = object_of($given->{payment_method_data}, 'payment_method_data')->{type} // '';
    refuse('payment_method_data.type', 'Illegal payment method type') unless $METHOD{$type};
    refuse('payment_method_data.type', 'Payment method is not available')
        if $shop->{test} && $type !~ /^(?:bank_card|yoo_money)$/;
    return;
}

sub _confirmation ($confirmation, $notes) {
    refuse('confirmation.type', 'Illegal confirmation type') unless ref $confirmation eq 'HASH';
    my $type = $confirmation->{type} // '';
    refuse('confirmation.type', 'Illegal confirmation type')
        unless $type =~ /^(?:redirect|external|qr|embedded|mobile_application)\z/;
    refuse('confirmation.type', 'Confirmation type must be: redirect') if $type ne 'redirect';
    refuse('confirmation.return_url', 'Return url is missing')
        unless defined $confirmation->{return_url};
    my $url = text_of($confirmation->{return_url}, 'confirmation.return_url', 2048);
    refuse('confirmation.return_url') unless $url =~ m{^[a-z][a-z0-9+.-]*://[^\s/]+\S*\z}i;
    refuse('confirmation.locale') if ($confirmation->{locale} // 'ru_RU') !~ /^(?:ru_RU|en_US)\z/;
    bool_of($confirmation->{enforce}, 'confirmation.enforce') if exists $confirmation->{enforce};
    push @$notes, map {"unknown field confirmation.$_"}
        sort grep { !/^(?:type|return_url|locale|enforce)$/ } keys %$confirmation;
    return;
}

# 54-ФЗ: who, what, how much, and the sum must be the payment's.
sub receipt ($receipt, $value, $shop) {
    my $wrong = sub ($at) { refuse($at, 'Receipt is missing or illegal') };
    $wrong->('receipt') unless ref $receipt eq 'HASH';
    my $who = $receipt->{customer};
    $wrong->('receipt.customer') unless ref $who eq 'HASH' && ($who->{email} || $who->{phone});
    $wrong->('receipt.customer.email')
        if exists $who->{email} && ($who->{email} // '') !~ /^[^\s@]+@[^\s@]+\.[^\s@]+\z/;
    $wrong->('receipt.customer.phone')
        if exists $who->{phone} && ($who->{phone} // '') !~ /^\d{5,15}\z/a;
    $wrong->('receipt.tax_system_code') if exists $receipt->{tax_system_code}
        && !_integer($receipt->{tax_system_code}, 1, 6);
    my $items = $receipt->{items};
    $wrong->('receipt.items') unless ref $items eq 'ARRAY' && @$items && @$items <= 80;
    my $sum = 0;
    for my $n (0 .. $#$items) {
        my ($item, $at) = ($items->[$n], "receipt.items[$n]");
        $wrong->($at) unless ref $item eq 'HASH';
        $wrong->("$at.description") unless is_text($item->{description})
            && length $item->{description} && length $item->{description} <= 128;
        $wrong->("$at.quantity")
            if ref $item->{quantity} || ($item->{quantity} // 0) !~ /^\d{1,6}(?:\.\d{1,3})?\z/a
            || $item->{quantity} <= 0;
        $wrong->("$at.vat_code") unless _integer($item->{vat_code}, 1, 12);
        $sum += int(money($item->{amount}, "$at.amount", $shop->{currency})
            * $item->{quantity} + 0.5);
    }
    $wrong->('receipt.items') if $sum != $value;
    return;
}

sub _integer ($value, $least, $most) {
    return defined $value && !ref $value && builtin::created_as_number($value)
        && $value == int $value && $value >= $least && $value <= $most;
}

1;
