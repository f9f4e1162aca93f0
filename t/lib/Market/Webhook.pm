package Market::Webhook;
use Mojo::Base 'Mojo::EventEmitter', -signatures;

# Updates on their way to the bot, as Telegram's own server does it: a queue for each key with one
# update in flight, many queues at once, and the same update again until it is taken or too old.
use Market::Refusal;
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json to_json encode_json true false);
use Mojo::Parameters;
use Mojo::UserAgent;
use Mojo::Util qw(encode);
use Scalar::Util qw(blessed);
use Time::HiRes qw(time);

has [qw(world ca)];
has hook      => undef;                  # {url, secret, max, allowed, ip_address}
has queue     => sub { {} };             # key => {items, busy, timer}
has ready     => sub { [] };             # keys that may go now, in order
has in_flight => 0;
has error     => undef;                  # last one: {date, message}
has count => sub { {pushed => 0, confirmed => 0, redelivered => 0, expired => 0, dropped => 0} };
has next_id   => sub { 2_000_001 + int rand 997_000_000 };
has set_at    => 0;
has ua        => sub ($self) {
    return Mojo::UserAgent->new(ca => $self->ca, max_connections => 100, max_redirects => 0,
        connect_timeout => 10, inactivity_timeout => 60, request_timeout => 60);
};

my @DEFAULT_OFF = qw(chat_member message_reaction message_reaction_count);
my %LIFE = (callback_query => 150, pre_checkout_query => 150, shipping_query => 150,
    chosen_inline_result => 600, inline_query => 30);
my $DAY = 24 * 3600;

sub set ($self, %new) {
    my $old = $self->hook;
    my $allowed = $new{allowed} ? _allowed($new{allowed}, $self->world->api)
        : ($old // {})->{allowed};
    my %hook = (map({ $_ => $new{$_} } qw(url secret max ip_address)), allowed => $allowed);
    $self->drop if $new{drop};
    return 'Webhook is already set' if $old && to_json($old) eq to_json(\%hook);
    my $gap = $self->world->limits->{set_webhook_gap};
    Market::Refusal->throw(429, 'retry after 1', {retry_after => 1}) if time - $self->set_at < $gap;
    $self->hook(\%hook)->error(undef)->set_at(time);
    $self->wake;
    return 'Webhook was set';
}

# undef stands for the default set.
sub _allowed ($names, $api) {
    my %known = map { $_->{name} => 1 } @{$api->data->{types}{Update}{fields}};
    my @valid = grep { $_ ne 'update_id' && $known{$_} } @$names;
    return @valid ? [sort @valid] : undef;
}

sub remove ($self, $drop) {
    $self->drop if $drop;
    return 'Webhook is already deleted' unless $self->hook;
    $self->hook(undef)->error(undef);
    return 'Webhook was deleted';
}

sub drop ($self) {
    for my $queue (values %{$self->queue}) {
        Mojo::IOLoop->remove($queue->{timer}) if $queue->{timer};
        $self->count->{dropped} += @{$queue->{items}};
    }
    $self->queue({})->ready([]);
    return;
}

sub pending ($self) {
    my $n = 0;
    $n += @{$_->{items}} for values %{$self->queue};
    return $n;
}

sub info ($self) {
    my $hook = $self->hook // {};
    my %info = (url => $hook->{url} // '', has_custom_certificate => false,
        pending_update_count => $self->pending);
    return \%info unless $self->hook;
    $info{max_connections} = $hook->{max} + 0;
    $info{ip_address} = $hook->{ip_address} // '127.0.0.1';
    $info{allowed_updates} = $hook->{allowed} if $hook->{allowed};
    @info{qw(last_error_date last_error_message)} = @{$self->error}{qw(date message)}
        if $self->error;
    return \%info;
}

# Which queue an update stands in: messages by chat, queries by person, each with a salt.
sub _key ($type, $object) {
    return "poll $object->{id}" if $type eq 'poll';
    return "poll $object->{poll_id}" if $type eq 'poll_answer';
    my $chat = ref $object->{chat} eq 'HASH' ? $object->{chat}{id} : undef;
    my $from = ref $object->{from} eq 'HASH' ? $object->{from}{id} : undef;
    return 'chat ' . ($chat // 0) if $type =~ /^(?:edited_)?(?:message|channel_post)$/;
    return "$type " . ($chat // 0) if $type =~ /^(?:my_chat_member|message_reaction|.*chat_boost)/;
    $type = 'payment' if $type =~ /^(?:shipping|pre_checkout)_query$/;
    return "$type " . ($from // $chat // 0);
}

# Makes an update; returns its id, or undef when allowed_updates keeps it out.
sub push_update ($self, $type, $object, %more) {
    my $allowed = ($self->hook // {})->{allowed};
    my $wanted = $allowed ? grep { $_ eq $type } @$allowed : !grep { $_ eq $type } @DEFAULT_OFF;
    return undef unless $wanted || $more{force};
    my $id = $more{update_id} // $self->next_id;
    $self->next_id($self->next_id + 1) unless defined $more{update_id};
    my $body = qq({"update_id":$id,\n) . _ascii(to_json($type)) . ':' . _ascii(to_json($object))
        . '}';
    my $life = $self->world->setting->{expiry}{$type} // $LIFE{$type} // $DAY;
    $self->push_body($body, type => $type, update_id => $id, key => _key($type, $object),
        expires => time + $life, read => $more{read});
    return $id;
}

sub push_body ($self, $body, %item) {
    my $queue = $self->queue->{$item{key}} //= {key => $item{key}, items => []};
    $item{expires} //= time + $DAY;
    push @{$queue->{items}}, {%item, body => $body, tries => 0};
    $self->count->{pushed}++;
    $self->_ready($queue) if @{$queue->{items}} == 1;
    return;
}

# Telegram writes everything beyond ASCII as \uXXXX, in surrogate pairs where needed.
sub _ascii ($text) {
    return $text =~ s{([^\x00-\x7f])}{
        my $n = ord $1;
        $n < 0x10000 ? sprintf('\\u%04x', $n)
            : sprintf '\\u%04x\\u%04x', 0xd800 + (($n - 0x10000) >> 10), 0xdc00 + ($n & 0x3ff);
    }ger;
}

sub _ready ($self, $queue) {
    push @{$self->ready}, $queue;
    $self->wake;
    return;
}

sub wake ($self) {
    return if $self->{waking}++;
    Mojo::IOLoop->next_tick(sub { $self->{waking} = 0; $self->_pump });
    return;
}

sub _pump ($self) {
    my $hook  = $self->hook or return;
    my $ready = $self->ready;
    while (@$ready && $self->in_flight < $hook->{max}) {
        my $queue = shift @$ready;
        next if $queue->{busy} || !@{$queue->{items}}
            || ($self->queue->{$queue->{key}} // 0) != $queue;
        my $item = $queue->{items}[0];
        if ($item->{expires} <= time) {
            $self->_expire($queue, $item);
            next;
        }
        $queue->{busy} = 1;
        $self->in_flight($self->in_flight + 1);
        $self->_deliver($queue, $item);
    }
    return;
}

sub _expire ($self, $queue, $item) {
    $self->count->{expired}++;
    $self->world->log->add(webhook => $item->{type}, update_id => $item->{update_id}, expired => 1);
    $self->_shift($queue);
    return;
}

sub _shift ($self, $queue) {
    shift @{$queue->{items}};
    if (@{$queue->{items}}) { $self->_ready($queue) }
    elsif (($self->queue->{$queue->{key}} // 0) == $queue) { delete $self->queue->{$queue->{key}} }
    return;
}

sub _deliver ($self, $queue, $item) {
    my $fault  = $self->world->fault->take('webhook', $item->{type});
    my $action = ($fault // {})->{action} // '';
    my $go     = sub { $self->_post($queue, $item, $action) };
    my $seconds = (($fault // {})->{ms} // 1000) / 1000;
    $self->count->{redelivered}++ if $item->{tries};
    if ($action eq 'delay' || $action eq 'slow') { Mojo::IOLoop->timer($seconds => $go) }
    elsif ($action eq 'wrong') {
        $self->ua->start($self->_request($item, 'forged') => sub (@) { $go->() });
    }
    else { $go->() }
    return;
}

sub _request ($self, $item, $secret) {
    my $hook = $self->hook // {};
    my %head = ('Content-Type' => 'application/json', 'Connection' => 'keep-alive',
        'Accept-Encoding' => 'gzip, deflate');
    $head{'X-Telegram-Bot-Api-Secret-Token'} = $secret if length $secret;
    my $tx = $self->ua->build_tx(POST => $hook->{url}, \%head, $item->{body});
    $tx->req->headers->remove('User-Agent');
    return $tx;
}

sub _post ($self, $queue, $item, $action) {
    my $hook = $self->hook;
    if (!$hook || $action eq 'reset') {
        return $self->_outcome($queue, $item, undef, 'Connection reset by peer', {});
    }
    my $start = time;
    $item->{tries}++;
    if ($action eq 'duplicate') {
        $self->ua->start($self->_request($item, $hook->{secret}) => sub ($ua, $tx) {
            $self->world->log->add(webhook => $item->{type}, update_id => $item->{update_id},
                duplicate => 1, status => $tx->res->code);
        });
    }
    $self->ua->start($self->_request($item, $hook->{secret}) => sub ($ua, $tx) {
        my $failed = $tx->error;
        my $code   = $tx->res->code;
        my $error  = !$failed ? undef : $code ? "Wrong response from the webhook: $code "
            . ($tx->res->message // '') : _words($failed->{message});
        $error = "Wrong response from the webhook: $code " . $tx->res->default_message
            if !$error && ($code < 200 || $code > 299);
        $error = 'Read timeout expired' if !$error && $action eq 'lose';
        $self->_outcome($queue, $item, $tx, $error, {status => $code, took => time - $start});
    });
    return;
}

sub _words ($message) {
    return 'Read timeout expired' if $message =~ /(?:Inactivity|Request) timeout/;
    return 'Connection timed out' if $message =~ /Connect timeout/;
    return 'Connection refused' if $message =~ /refused/;
    return "SSL error {$message}" if $message =~ /SSL|certificate/i;
    return 'Connection reset by peer' if $message =~ /Premature|reset/;
    return $message;
}

sub _outcome ($self, $queue, $item, $tx, $error, $seen) {
    $self->in_flight($self->in_flight - 1);
    $queue->{busy} = 0;
    my $current = ($self->queue->{$queue->{key}} // 0) == $queue;
    $self->world->log->add(webhook => $item->{type}, update_id => $item->{update_id},
        key => $item->{key}, try => $item->{tries}, %$seen, $error ? (error => $error) : ());
    if ($error) {
        $self->error({date => int time, message => $error});
        $self->_again($queue, $item, $tx) if $current;
    }
    else {
        $self->count->{confirmed}++;
        $self->_shift($queue) if $current;
        $self->world->chat->read_by_bot(@{$item->{read}}) if $item->{read};
        $self->_carry_out($tx, $item);
        $self->emit(confirmed => $item);
    }
    $self->wake;
    return;
}

# The first repeat comes at once, then after 2, 4, 8 ... seconds, or when Retry-After says so.
sub _again ($self, $queue, $item, $tx) {
    my $wait = $item->{tries} < 2 ? 0 : 2**($item->{tries} - 1);
    my $cap  = 60 + rand 60;
    $wait = $cap if $wait > $cap;
    my $asked = $tx ? $tx->res->headers->header('Retry-After') // '' : '';
    $wait = $asked > 3600 ? 3600 : $asked if $asked =~ /^\d+$/;
    my $scale = $self->world->setting->{retry_scale};
    $queue->{timer} = Mojo::IOLoop->timer($wait * $scale => sub {
        delete $queue->{timer};
        $self->_ready($queue);
    });
    return;
}

# A method call may ride in the answer to an update. Nobody learns its outcome, but we note it.
sub _carry_out ($self, $tx, $item) {
    my $body = $tx->res->body;
    return if $body eq '';
    my $type = $tx->res->headers->content_type // '';
    my %note = (update_id => $item->{update_id});
    my $given
        = $type =~ m{^application/json}i ? eval { decode_json($body) }
        : $type =~ m{^application/x-www-form-urlencoded}i ? Mojo::Parameters->new($body)->to_hash
        :                                                   undef;
    my $log = $self->world->log;
    return $log->note(webhook => 'reply', "unreadable answer of type '$type'", %note)
        unless ref $given eq 'HASH';
    return unless %$given;
    my $method = delete $given->{method};
    return $log->note(webhook => 'reply', 'answer without a method', %note)
        if ref $method || !length($method // '');
    return $log->note(webhook => 'reply', "$method is not carried out from an answer", %note)
        if $method =~ /^(?:setWebhook|deleteWebhook|close|logOut|get.*)$/i;
    my $telegram = $self->world->telegram;
    my ($status, $result) = $telegram->call($method, $given, {}, via => 'webhook', %note);
    $log->note(webhook => 'reply', "$method: $result->{description}", %note) if $status != 200;
    return;
}

1;
