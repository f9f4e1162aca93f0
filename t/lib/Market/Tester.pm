package Market::Tester;
use Mojo::Base -base, -signatures;

# A market of one's own for a test: certificates, the process, short ways to call it, and a
# webhook server that remembers what it was told. Nothing here sleeps a fixed time.
use Mojo::File qw(path tempdir);
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json);
use Mojo::Server::Daemon;
use Mojo::UserAgent;
use Mojolicious;
use POSIX ();
use Time::HiRes qw(time);

has dir     => sub { tempdir(CLEANUP => 1) };
has token   => '7000000001:AAtest_token-0123456789abcdefghijkl';
has fal_key => 'key-id:key-secret';
has fal_ms  => 150;
has [qw(pid about)];
has ua => sub ($self) {
    return Mojo::UserAgent->new(ca => $self->dir->child('ca.pem'), max_response_size => 64 << 20,
        inactivity_timeout => 20);
};
has hooks  => sub { [] };                       # every request the webhook got, in order
has reply  => sub { sub ($hook) { return {} } };    # {status, headers, json|body, after}
has hook_port => undef;

my %running;
END { local $?; kill TERM => keys %running if %running }

sub start ($self) {
    $self->certificates;
    my $dir  = $self->dir;
    my @args = ('--dir', $dir, '--cert', "$dir/cert.pem", '--key', "$dir/key.pem", '--ca',
        "$dir/ca.pem",
        '--token', $self->token, '--fal-key', $self->fal_key, '--fal-ms', $self->fal_ms);
    my $program = path(__FILE__)->to_abs->dirname->dirname->sibling('market', 'market');
    my $pid = fork // die "fork: $!";
    if (!$pid) {    # not our output: whoever waits for its end would wait for the market's
        open STDOUT, '>', "$dir/market.out";
        open STDERR, '>&', \*STDOUT;
        exec $^X, $program, @args, '--child' or POSIX::_exit(1);
    }
    $running{$self->pid($pid)->pid} = 1;
    my $about = $dir->child('market.json');
    my $until = time + 20;
    until (-e $about) {
        die "the market did not start\n" if time > $until || waitpid($pid, 1) > 0;
        select undef, undef, undef, 0.02;
    }
    return $self->about(decode_json($about->slurp));
}

# A CA, and a certificate of it for 127.0.0.1 and localhost.
sub certificates ($self) {
    my $dir = $self->dir;
    my $run = sub ($command) { system("cd $dir && openssl $command >openssl.log 2>&1") == 0
        or die "openssl\n" };
    my $new = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
    $run->("req -x509 $new -days 30 -keyout ca.key -out ca.pem -subj '/CN=Market test CA'");
    $run->("req $new -keyout key.pem -out cert.csr -subj /CN=localhost");
    $dir->child('ext')->spurt("subjectAltName=IP:127.0.0.1,DNS:localhost\n");
    $run->('x509 -req -in cert.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30'
        . ' -extfile ext -out cert.pem');
    return;
}

sub stop ($self) {
    my $pid = $self->pid or return;
    kill TERM => $pid;
    waitpid $pid, 0;
    delete $running{$pid};
    return $self->pid(undef);
}

sub url ($self, $path) { return $self->about->{https} . $path }

# A Bot API call: (code, body). Values that are references go as JSON.
sub bot ($self, $method, $given = {}) {
    my $res = $self->ua->post($self->url('/bot' . $self->token
        . "/$method") => json => $given)->result;
    return wantarray ? ($res->code, $res->json, $res) : $res->json;
}

sub form ($self, $method, $given) {
    my $res = $self->ua->post($self->url('/bot' . $self->token
        . "/$method") => form => $given)->result;
    return wantarray ? ($res->code, $res->json, $res) : $res->json;
}

sub control ($self, $path, $given) {
    return $self->ua->post($self->about->{http} . "/control/$path" => json => $given)->result->json;
}

sub look ($self, $path) { return $self->ua->get($self->about->{http}
    . "/control/$path")->result->json }

sub fault ($self, %fault) { return $self->control(fault => \%fault) }

sub clear_faults ($self) { return $self->ua->delete($self->about->{http}
    . '/control/fault')->result->json }

sub fal ($self, $method, $url, $json = undef) {
    $url = $self->url($url) unless $url =~ /^https/;
    my %head = (Authorization => 'Key ' . $self->fal_key);
    my $tx = $self->ua->build_tx($method => $url => \%head => defined $json ? (json => $json) : ());
    $tx = $self->ua->start($tx);
    return wantarray ? ($tx->res->code, $tx->res->json, $tx->res) : $tx->res->json;
}

# Runs the loop (and so the webhook) until something is true.
sub until ($self, $true, $seconds = 10) {
    my $end = time + $seconds;
    my $beat = Mojo::IOLoop->recurring(0.01 => sub { });
    my $found;
    Mojo::IOLoop->one_tick until ($found = $true->()) || time > $end;
    Mojo::IOLoop->remove($beat);
    return $found;
}

sub listen ($self) {
    my $dir = $self->dir;
    my $app = Mojolicious->new(mode => 'production');
    $app->log->level('fatal');
    $app->routes->any('/*any' => {any => ''} => sub ($c) { $self->_hooked($c) });
    my $daemon = Mojo::Server::Daemon->new(app => $app, silent => 1, max_requests => 1e6,
        listen => ["https://127.0.0.1:0?verify=0x00&ca=$dir/ca.pem&"
            . "cert=$dir/cert.pem&key=$dir/key.pem"]);
    $self->{daemon} = $daemon->start;
    $self->hook_port($daemon->ports->[0]);
    return 'https://127.0.0.1:' . $self->hook_port . '/telegram/webhook';
}

sub _hooked ($self, $c) {
    my $req  = $c->req;
    my $hook = {at => time, body => $req->body, json => scalar eval { decode_json($req->body) },
        headers => $req->headers->to_hash, path => $req->url->path->to_string,
        connection => $c->tx->connection};
    push @{$self->hooks}, $hook;
    my $answer = $self->reply->($hook);
    my $give   = sub {
        $hook->{answered} = time;
        $c->res->headers->header($_ => $answer->{headers}{$_}) for keys %{$answer->{headers} // {}};
        return $c->render(json => $answer->{json}, status => $answer->{status} // 200)
            if $answer->{json};
        $c->render(data => $answer->{body} // '', status => $answer->{status} // 200);
    };
    return $give->() unless $answer->{after};
    my $tx = $c->render_later->tx;
    if (ref $answer->{after}) {    # held until something is so
        my $poll;
        $poll = sub { $answer->{after}->() ? $give->() : Mojo::IOLoop->timer(0.02 => $poll) };
        return $poll->();
    }
    Mojo::IOLoop->timer($answer->{after} => sub { $tx && $give->() });
    return;
}

1;
