package Market::Checkout;
use Mojo::Base -base, -signatures;

# The page a payer sees: what is asked, and buttons for what may happen. One form for both
# providers; each has its own colours.
use Market::Clock;
use Market::Yookassa::Book;
use utf8;

has 'world';

my %SIGN  = (RUB => '₽', USD => '$', EUR => '€', UAH => '₴', KZT => '₸');
my %WORD  = (general_decline => 'Банк отклонил платёж', expired_on_confirmation =>
    'Время на оплату вышло', not_paid_timeout => 'Время на оплату вышло',
    insufficient_funds => 'На карте не хватило денег', canceled_by_merchant =>
    'Магазин отменил платёж');
my %BRAND = (yookassa => {name => 'ЮKassa', note => 'учебная касса'},
    betatransfer => {name => 'Betatransfer', note => 'учебный перевод'});

sub routes ($self, $r) {
    my $page = $r->any('/checkout/:provider/:id' => [provider => [qw(yookassa betatransfer)]]);
    $page->get('/' => sub ($c) { $self->show($c) });
    $page->post('/' => sub ($c) { $self->press($c) });
    return;
}

sub _find ($self, $c) {
    my ($provider, $id) = map { $c->stash($_) } qw(provider id);
    my $payment = $self->world->payments->_side({provider => $provider})->find($id);
    return $payment && ($payment->{fixed} // {})->{missing} ? undef : $payment;
}

sub money ($value, $currency) {
    my $whole = int($value / 100);
    1 while $whole =~ s/^(\d+)(\d{3})/$1\x{a0}$2/;
    my $rest = $value % 100;
    return $whole . ($rest ? sprintf ',%02d', $rest : '') . "\x{a0}"
        . ($SIGN{$currency} // $currency);
}

sub show ($self, $c) {
    my $payment = $self->_find($c);
    return $c->render(text => 'Такого платежа нет', status => 404) unless $payment;
    my $provider = $c->stash('provider');
    eval { $self->world->payments->pay({provider => $provider, id => $payment->{id},
        action => 'open'}) };
    my $state = _state($payment);
    $state = 'closed' if $state =~ /^(?:open|partial)$/ && $c->param('closed');
    my $metadata = $payment->{metadata};
    my $person = $provider eq 'yookassa' ? Market::Yookassa::Book::person_of($metadata)
        : $payment->{payer};
    my $failed = $state eq 'canceled';
    my $back = $provider eq 'yookassa' ? $payment->{return_url}
        : $failed ? $payment->{url_fail} : $payment->{url_success};
    my $value = $payment->{value};
    my $left = $value - ($payment->{paid} // 0);
    my $reason = ($payment->{cancel} // {})->{reason} // $payment->{status};
    my $until = $payment->{at} + 3600 - $self->world->clock->now;
    $c->res->headers->cache_control('no-store');
    $c->render(template => 'checkout', provider => $provider, brand => $BRAND{$provider},
        state => $state, amount => money($value, $payment->{currency}),
        left => money($left, $payment->{currency}),
        paid => money($payment->{paid} // $value, $payment->{currency}),
        description => $payment->{description} // $payment->{comment} // 'Пополнение баланса',
        order => $payment->{order}, number => $payment->{id},
        shop => $provider eq 'yookassa' ? 'Магазин № ' . $self->world->yookassa->shop_id
            : $payment->{system},
        test => $provider eq 'yookassa' && $payment->{test}, back => _safe($back),
        reason => $WORD{$reason} // 'Платёж не прошёл',
        minutes => $until > 0 ? int($until / 60 + 0.999) : 0,
        part => sprintf('%.2f', int($left * 0.6) / 100), currency => $payment->{currency},
        chat => defined $person && $self->world->chat->person($person) ? "/chat/$person" : undef);
    return;
}

sub _state ($payment) {
    my $status = $payment->{status};
    return 'open' if $status =~ /^(?:pending|new|processing)$/;
    return 'partial' if $status eq 'partial_payment';
    return 'paid' if $status =~ /^(?:succeeded|success|waiting_for_capture)$/;
    return 'refunded' if $status eq 'refund';
    return 'canceled';
}

sub _safe ($url) { return ($url // '') =~ m{^(?:https?|tg)://}i ? $url : undef }

# The amount may be written with a comma, as people do.
sub press ($self, $c) {
    my $payment = $self->_find($c);
    return $c->render(text => 'Такого платежа нет', status => 404) unless $payment;
    my $do = $c->param('do') // '';
    return $c->render(text => 'Нет такого действия', status => 400)
        if $do !~ /^(?:pay|partial|decline|close)$/;
    my $here = $c->req->url->path->to_string;
    my $amount = $do eq 'partial' ? ($c->param('amount') // '') =~ tr/,/./r : undef;
    undef $amount unless length($amount // '');
    local $SIG{__DIE__};
    eval { $self->world->payments->pay({provider => $c->stash('provider'), action => $do,
        id => $payment->{id}, amount => $amount}) };
    $c->res->headers->location($here . ($do eq 'close' ? '?closed=1' : ''));
    $c->rendered(303);
    return;
}

1;
