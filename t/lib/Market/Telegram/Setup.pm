package Market::Telegram::Setup;
use Mojo::Base -strict, -signatures;

# The bot itself: who it is, where its webhook is, its files and commands.
use Market::Refusal;

sub methods {
    return (
        getMe          => sub ($tg, $p, $notes) { return me($tg) },
        setWebhook     => \&set_webhook,
        deleteWebhook  => \&delete_webhook,
        getWebhookInfo => sub ($tg, $p, $notes) { return $tg->world->webhook->info },
        getFile        => \&get_file,
        setMyCommands  => \&set_my_commands,
    );
}

sub me ($tg) {
    my %me = (%{$tg->world->chat->bot}, can_join_groups => \1);
    $me{$_} = \0 for qw(can_read_all_group_messages supports_inline_queries can_connect_to_business
        has_main_web_app has_topics_enabled);
    return \%me;
}

# The market lives on loopback: any host and port will do, but https it must be.
sub set_webhook ($tg, $p, $notes) {
    my $url = $p->{url};
    return delete_webhook($tg, $p, $notes) if $url eq '';
    Market::Refusal->bad('bad webhook: An HTTPS URL must be provided for webhook')
        unless $url =~ m{^https://[^\s/:]+(?::\d+)?(?:/|$)}i;
    my $secret = $p->{secret_token} // '';
    Market::Refusal->bad('secret token is too long') if length $secret > 256;
    Market::Refusal->bad('secret token contains unallowed characters')
        if $secret =~ /[^A-Za-z0-9_-]/;
    if (ref $p->{certificate}) {
        $p->{certificate}{used} = 1;
        push @$notes, 'certificate given: Telegram would trust nothing else';
    }
    my $max = $p->{max_connections} // 40;
    $max = $max < 1 ? 1 : $max > 100 ? 100 : $max;
    my $said = $tg->world->webhook->set(url => $url, secret => $secret, max => $max,
        allowed => $p->{allowed_updates}, drop => $p->{drop_pending_updates},
        ip_address => $p->{ip_address});
    return {description => $said};
}

sub delete_webhook ($tg, $p, $notes) {
    return {description => $tg->world->webhook->remove($p->{drop_pending_updates})};
}

sub get_file ($tg, $p, $notes) {
    my $media   = $tg->world->media;
    my $variant = $media->by_id->{$p->{file_id}}
        or Market::Refusal->bad('wrong file_id or the file is temporarily unavailable');
    my $file = $variant->{file};
    Market::Refusal->bad('file is too big') if $file->{size} > 20 << 20;
    return {file_id => $p->{file_id}, file_unique_id => $variant->{unique},
        file_size => $file->{size}, file_path => $media->path_of($variant)};
}

sub set_my_commands ($tg, $p, $notes) {
    my $commands = $p->{commands};
    Market::Refusal->bad('BOT_COMMANDS_TOO_MUCH') if @$commands > 100;
    for my $command (@$commands) {
        Market::Refusal->bad('BOT_COMMAND_INVALID')
            unless $command->{command} =~ /^[a-z0-9_]{1,32}$/;
        my $length = length $command->{description};
        Market::Refusal->bad('BOT_COMMAND_DESCRIPTION_INVALID') if $length < 1 || $length > 256;
    }
    my $scope = join ' ', ($p->{scope} // {})->{type} // 'default', $p->{language_code} // '';
    $tg->world->chat->commands($commands) if $scope eq 'default ' || !@{$tg->world->chat->commands};
    $tg->world->chat->emit(commands => $commands);
    return \1;
}

1;
