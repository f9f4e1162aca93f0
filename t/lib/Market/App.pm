package Market::App;
use Mojo::Base -base, -signatures;

# The market: the outside world in one process. One https port is what the bot's own code calls,
# one http port is for people (the chat page) and tests (control).
#
# Sides so far: Telegram, the AI providers fal.ai, Gemini and Kling, and the payment services ЮKassa and Betatransfer with their
# checkout pages. Another side is one module with routes(), made in sides() and faulted through
# Market::Fault->serve like these.
use Market::Api;
use Market::Betatransfer;
use Market::Chat;
use Market::Checkout;
use Market::Clock;
use Market::Control;
use Market::Fal;
use Market::Fault;
use Market::Gemini;
use Market::Kling;
use Market::Log;
use Market::Media;
use Market::Notice;
use Market::Page;
use Market::Payments;
use Market::Picture;
use Market::Telegram;
use Market::Webhook;
use Market::Work;
use Market::Yookassa;
use Mojo::File qw(path);
use Mojo::JSON qw(encode_json);
use Mojo::Server::Daemon;
use Mojo::Util qw(url_escape);
use Mojolicious;

has [qw(dir cert key ca token fal_key fal_ms gemini_key kling_key kling_access kling_secret home http https yookassa_shop yookassa_key
    betatransfer_token betatransfer_secret)];
has limits => sub {
    return {chat_burst => 20, chat_rate => 1, bot_burst => 30, bot_rate => 30, callback_age => 15,
        set_webhook_gap => 1};
};
has setting => sub ($self) {
    return {fal_ms => $self->fal_ms // 3000, fal_ms_to => 0, fal_keep_s => 3600, retry_scale => 1, expiry => {},
        yookassa_url => undef, yookassa_test => 1, yookassa_account => 'good',
        yookassa_receipt => 0, yookassa_refund => 'succeeded', notify => 1,
        betatransfer_account => 'good', betatransfer_numbers => 'cents', betatransfer_status => 1};
};
has log     => sub ($self) { Market::Log->new(path => $self->dir->child('market.log'))->open_file };
has fault   => sub { Market::Fault->new };
has media   => sub ($self) { Market::Media->new(dir => $self->dir->child('files')) };
has picture => sub { Market::Picture->new };
has chat    => sub ($self) { Market::Chat->new(media => $self->media) };
has api     => sub ($self) {
    Market::Api->new(file => $self->home->sibling('data', 'telegram-api.json'));
};
has webhook  => sub ($self) { Market::Webhook->new(world => $self, ca => $self->ca) };
has telegram => sub ($self) {
    Market::Telegram->new(world => $self, token => $self->token, api => $self->api);
};
has fal     => sub ($self) { Market::Fal->new(world => $self, key => $self->fal_key) };
has gemini  => sub ($self) { Market::Gemini->new(world => $self, key => $self->gemini_key // '') };
has kling   => sub ($self) {
    return Market::Kling->new(world => $self, key => $self->kling_key // '', access => $self->kling_access // '',
        secret => $self->kling_secret // '');
};
has work    => sub ($self) { Market::Work->new(world => $self) };
has clock    => sub { Market::Clock->new };
has notice   => sub ($self) { Market::Notice->new(world => $self, ca => $self->ca) };
has yookassa => sub ($self) {
    return Market::Yookassa->new(world => $self, shop_id => $self->yookassa_shop,
        key => $self->yookassa_key);
};
has betatransfer => sub ($self) {
    return Market::Betatransfer->new(world => $self, token => $self->betatransfer_token,
        secret => $self->betatransfer_secret);
};
has payments => sub ($self) { Market::Payments->new(world => $self) };
has checkout => sub ($self) { Market::Checkout->new(world => $self) };
has control => sub ($self) { Market::Control->new(world => $self) };
has page    => sub ($self) { Market::Page->new(world => $self) };

sub sides ($self) {
    return ($self->fal, $self->gemini, $self->kling, $self->yookassa, $self->betatransfer, $self->telegram);
}

sub start ($self) {
    $self->dir(path($self->dir)->to_abs->make_path);
    # With a CA named, a new connection does not load the system's store (0.1 s each).
    my $tls = join '&', 'verify=0x00', map { "$_="
        . url_escape(path($self->$_)->to_abs) } qw(cert key ca);
    my $outside = $self->_app;
    $_->routes($outside->routes) for $self->sides;
    $self->https('https://127.0.0.1:' . $self->_listen($outside, "https://127.0.0.1:0?$tls"));
    my $inside = $self->_app;
    @{$inside->static->paths} = ($self->home->child('public'));
    push @{$inside->renderer->paths}, $self->home->child('pages');
    $_->routes($inside->routes) for $self->control, $self->payments, $self->checkout, $self->page;
    $self->http('http://127.0.0.1:' . $self->_listen($inside, 'http://127.0.0.1:0'));
    $self->api->names;
    my $about = $self->dir->child('market.json');
    my $new   = $self->dir->child('market.json.new');
    $new->spurt(encode_json({http => $self->http, https => $self->https, pid => $$}) . "\n");
    rename $new, $about or die "$about: $!\n";
    return $self;
}

# 50 MB uploads, and keep-alive that outlives the clients' idle time.
sub _app ($self) {
    my $app = Mojolicious->new(mode => 'production', max_request_size => 64 << 20);
    $app->log->level('warn');
    $app->secrets([Market::Media::random_name()]);
    $app->hook(after_build_tx => sub ($tx, $app) { $tx->req->max_line_size(64 << 10) });
    return $app;
}

sub _listen ($self, $app, $where) {
    my $daemon = Mojo::Server::Daemon->new(app => $app, listen => [$where], silent => 1,
        max_clients => 4000, max_requests => 1e9, keep_alive_timeout => 75,
            inactivity_timeout => 75);
    push @{$self->{daemons}}, $daemon->start;
    return $daemon->ports->[0];
}

# A URL of the market's own file host, for sendPhoto by URL; the market fetches nothing else.
sub own_url ($self, $url) {
    my ($path) = $url =~ m{^\Q@{[$self->https]}\E/fal/media/files/(.+)$} or return undef;
    my $file = $self->fal->files->{$path};
    return $file && $$file;
}

1;
