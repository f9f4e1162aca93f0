#!/usr/bin/perl
# The market is what other tests believe, so it is tested itself.
use Mojo::Base -strict, -signatures;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use Market::Tester;
use Mojo::JSON qw(decode_json encode_json to_json);
use Test::More;
use Time::HiRes qw(time);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $market = Market::Tester->new;
$market->start;
my $ann = $market->control(person => {first_name => 'Аня', username => 'anya'})->{id};
$market->control(set => {limits => {chat_burst => 1e6, bot_burst => 1e6, set_webhook_gap => 0}});

sub refused ($method, $given, $code, $like, $name) {
    my ($status, $body, $res) = $market->bot($method, $given);
    my $right = $status == $code && !$body->{ok} && $body->{error_code} == $code;
    ok $right && $body->{description} =~ $like, "$name: $code" or diag explain $body;
    return $res;
}

sub sent ($method, $given = {}, $name = $method) {
    my ($status, $body) = $market->bot($method, $given);
    ok $body->{ok}, $name or diag explain $body;
    return $body->{result};
}

sub picture ($prompt = 'тест') {
    my $file = $market->control(photo => {chat => $ann, generated => $prompt});
    my ($message) = grep { $_->{message_id} == $file->{message_id} }
        @{$market->look("chat/$ann")->{messages}};
    return $market->ua->get($market->about->{http} . $message->{photo}{url})->result->body;
}

subtest 'the account' => sub {
    is sent('getMe')->{username}, 'atelier_market_bot', 'name';
    ok sent('GETME'), 'names of methods do not care about case';
    refused('noSuchMethod', {}, 404, qr/^Not Found/, 'unknown method');
    refused('sendDice', {chat_id => $ann}, 400, qr/the market does not play sendDice/,
        'not played');
    my $res = $market->ua->get($market->url('/bot1:wrong/getMe'))->result;
    is $res->code, 401, 'wrong token';
    is $res->json->{description}, 'Unauthorized', 'says so';
};

subtest 'parameters' => sub {
    my $before = $market->look('counts')->{strange};
    refused('sendMessage', {chat_id => $ann}, 400, qr/^Bad Request: message text is empty$/,
        'no text');
    refused('sendMessage', {text => 'x'}, 400, qr/chat_id is empty/, 'no chat');
    refused('sendMessage', {chat_id => 404, text => 'x'}, 400, qr/^Bad Request: chat not found$/,
        'no such chat');
    refused('sendMessage', {chat_id => $ann, text => 'x', reply_markup => '{'}, 400,
        qr/can't parse/, 'broken JSON');
    refused('sendMessage', {chat_id => $ann, text => 'x', message_thread_id => 'one'}, 400,
        qr/must be of type Integer/, 'wrong type');
    refused('sendMessage', {chat_id => $ann, text => 'x',
        reply_markup => {inline_keyboard => [{text => 'a'}]}}, 400, qr/must be an Array/,
        'wrong shape');
    is $market->look('counts')->{strange}, $before, 'refusals are not strange';
    sent('sendMessage', {chat_id => $ann, text => 'x', no_such_field => 1},
        'unknown parameter passes');
    sent('sendMessage', {chat_id => $ann, text => 'x',
        link_preview_options => {is_disabled => \1, nope => 1}});
    my @strange = @{$market->look('strange')->{strange}};
    like $strange[-2]{strange}, qr/unknown parameter no_such_field/, 'and is noted';
    like $strange[-1]{strange}, qr/link_preview_options\.nope/, 'and so deep inside';
    ok $market->form(sendMessage => {chat_id => $ann, text => 'форма',
        disable_notification => 'true',
        reply_markup => to_json({inline_keyboard =>
            [[{text => 'Ж', callback_data => 'ж'}]]})})->{ok}, 'a form';
    ok $market->ua->get($market->url('/bot' . $market->token
        . '/sendMessage') => form => {chat_id => $ann, text => 'q'})
        ->result->json->{ok}, 'a query';
    my $bad = $market->ua->post($market->url('/bot' . $market->token . '/sendMessage') =>
        {'Content-Type' => 'application/x-www-form-urlencoded'} =>
            "chat_id=$ann&text=%ff")->result->json;
    like $bad->{description}, qr/strings must be encoded in UTF-8/, 'not UTF-8';
};

subtest 'text' => sub {
    my $say = sub ($text, %more) { return {chat_id => $ann, text => $text, %more} };
    my $html = sub ($text) { return $say->($text, parse_mode => 'HTML') };
    sent('sendMessage', $say->("\x{1f600}" x 4096), '4096 code points');
    refused('sendMessage', $say->("\x{1f600}" x 4097), 400, qr/message is too long/, '4097');
    refused('sendMessage', $html->('x' . '<b></b>' x 4700), 400, qr/text is too long/,
        'over 32768 bytes raw');
    refused('sendMessage', $say->(" \n "), 400, qr/text is empty/, 'blank');
    my $message = sent('sendMessage', $html->('<b>Привет</b> 😀 <i>мир &lt;3 &#9731;</i> '
        . '<a href="https://x.y/?a=1&amp;b=2">тут</a>'));
    is $message->{text}, 'Привет 😀 мир <3 ☃ тут', 'parsed';
    is_deeply [map { [@$_{qw(type offset length)}] } @{$message->{entities}}],
        [['bold', 0, 6], ['italic', 10, 8], ['text_link', 19, 3]], 'offsets in UTF-16';
    is $message->{entities}[2]{url}, 'https://x.y/?a=1&b=2', 'attribute unescaped';
    is sent('sendMessage',
        $html->('<pre><code class="language-c">int x;</code></pre>'))->{entities}[0]{language}, 'c',
        'pre language';
    my %wrong = ('<b>x' => qr/Can't find end tag corresponding to start tag "b"/,
        'ёж <div>x</div>' => qr/Unsupported start tag "div" at byte offset 5/,
        '<b><i>x</b></i>' => 
            qr{Unmatched end tag at byte offset 7, expected "</i>", found "</b>"},
        'x</b>' => qr/Unexpected end tag at byte offset 1/, '<b' => qr/Unclosed start tag/,
        '<span>x</span>' => qr/must have class "tg-spoiler"/, '1 < 2' => qr/entities/);
    for my $text (sort keys %wrong) {
        refused('sendMessage', $html->($text), 400,
            qr/can't parse entities: .*$wrong{$text}|$wrong{$text}/, $text);
    }
    is sent('sendMessage', $html->('a &xyz; &amp b </> c' =~ s{</>}{}r))->{text}, 'a &xyz; & b  c',
        'unknown names stay';
    sent('sendMessage', $say->('1 < 2 <b>'), 'no parse_mode, no parsing');
};

subtest 'keyboards and edits' => sub {
    my $keys = sub (@row) { return {inline_keyboard => [[@row]]} };
    my $say  = sub ($markup) { return {chat_id => $ann, text => 'кнопки',
        reply_markup => $markup} };
    refused('sendMessage', $say->($keys->({text => 'a', callback_data => 'ж' x 33})), 400,
        qr/BUTTON_DATA_INVALID/, '66 bytes of data');
    refused('sendMessage', $say->($keys->({text => 'a', callback_data => ''})), 400,
        qr/BUTTON_DATA_INVALID/, 'empty data');
    refused('sendMessage', $say->($keys->({text => 'a', url => 'no url'})), 400,
        qr/BUTTON_URL_INVALID/, 'bad url');
    refused('sendMessage', $say->($keys->({text => 'a'})), 400, qr/text buttons are unallowed/,
        'a button that does nothing');
    my $message = sent('sendMessage', $say->($keys->({text => 'Ж', callback_data => 'ж' x 32})),
        '64 bytes');
    my %id = (chat_id => $ann, message_id => $message->{message_id});
    refused('editMessageText', {%id, text => 'кнопки', reply_markup => $message->{reply_markup}},
        400, qr/message is not modified: specified new .* exactly the same as a current .*message$/,
        'same again');
    refused('editMessageText', {%id, text => 'x', reply_markup => {keyboard => [['a']]}}, 400,
        qr/./, 'reply keyboard in an edit');
    ok !sent('editMessageText', {%id, text => 'новое'})->{reply_markup},
        'an edit without a keyboard removes it';
    ok sent('editMessageReplyMarkup', {%id, reply_markup =>
        $keys->({text => 'a', callback_data => 'b'})})->{edit_date}, 'edit date';
    refused('editMessageText', {%id, message_id => 99999, text => 'x'}, 400,
        qr/^Bad Request: message to edit not found$/, 'no such message');
    refused('editMessageCaption', {%id, caption => 'x'}, 400, qr/there is no caption/,
        'no caption to edit');
    my $mine = $market->control(say => {chat => $ann, text => 'моё'});
    refused('editMessageText', {chat_id => $ann, message_id => $mine->{message_id}, text => 'x'},
        400, qr/can't be edited/, 'not the bot’s own');
    sent('deleteMessage', {%id});
    refused('deleteMessage', {%id}, 400, qr/message to delete not found/, 'deleted already');
    my ($view) = grep { ($_->{text} // '') eq 'x' } @{$market->look("chat/$ann")->{messages}};
    ok $view, 'control shows the chat';
};

subtest 'presses' => sub {
    my $menu = {inline_keyboard => [[{text => 'Да', callback_data => 'yes'},
        {text => 'Нет', callback_data => 'no'}]]};
    sent('sendMessage', {chat_id => $ann, text => 'Точно?', reply_markup => $menu});
    my $press = $market->control(press => {chat => $ann, text => 'Да'});
    ok $press->{update_id} && $press->{callback_query_id}, 'pressed by its text';
    my %id = (callback_query_id => $press->{callback_query_id});
    refused('answerCallbackQuery', {%id, text => 'x' x 201}, 400, qr/MESSAGE_TOO_LONG/,
        'too long an answer');
    is sent('answerCallbackQuery', {%id, text => 'Ладно', show_alert => \1}), 1, 'answered';
    my $old = qr/query is too old and response timeout expired or query ID is invalid/;
    refused('answerCallbackQuery', {%id}, 400, $old, 'answered twice');
    my $answer = $market->look("chat/$ann")->{answers}[-1];
    is_deeply [@$answer{qw(text data show_alert)}], ['Ладно', 'yes', Mojo::JSON->true],
        'the person sees it';
    $market->control(set => {limits => {callback_age => 0}});
    $press = $market->control(press => {chat => $ann, data => 'no'});
    refused('answerCallbackQuery', {callback_query_id => $press->{callback_query_id}}, 400, $old,
        'too old');
    $market->control(set => {limits => {callback_age => 15}});
    ok $market->control(press => {chat => $ann, text => 'Нет такой'})->{error}, 'no such button';
};

subtest 'files' => sub {
    my $png = picture();
    my ($code, $body) = $market->form(sendPhoto => {chat_id => $ann, caption => '<b>Кот</b>',
        parse_mode => 'HTML',
        photo => {content => $png, filename => 'cat.png', 'Content-Type' => 'image/png'}});
    is $code, 200, 'photo' or diag explain $body;
    my @sizes = @{$body->{result}{photo}};
    ok @sizes >= 3 && $sizes[-1]{width} == 1024
        && $sizes[-1]{file_unique_id} ne $sizes[0]{file_unique_id}, 'sizes';
    is $body->{result}{caption}, 'Кот', 'caption';
    my $again = sent('sendPhoto', {chat_id => $ann, photo => $sizes[-1]{file_id}},
        'again by file_id');
    is $again->{photo}[-1]{file_unique_id}, $sizes[-1]{file_unique_id}, 'the same file';
    refused('sendDocument', {chat_id => $ann, document => $sizes[-1]{file_id}}, 400,
        qr/can't use file of type Photo as Document/, 'another kind');
    refused('sendPhoto', {chat_id => $ann, photo => 'AgACnonsense'}, 400, qr/wrong file identifier/,
        'bad file_id');
    refused('sendPhoto', {chat_id => $ann}, 400, qr/there is no photo in the request/, 'no photo');
    my $upload = sub ($bytes) { return scalar $market->form(sendPhoto => {chat_id => $ann,
        photo => {content => $bytes, filename => 'x.png'}}) };
    like $upload->('<html>' x 99)->{description}, qr/IMAGE_PROCESS_FAILED/, 'HTML is no photo';
    like $upload->("\x89PNG\r\n\x1a\n" . pack('N a4 N N', 13, 'IHDR', 9000, 2000))->{description},
        qr/PHOTO_INVALID_DIMENSIONS/, 'too large';
    like $upload->("\x89PNG\r\n\x1a\n" . pack('N a4 N N', 13, 'IHDR', 2100, 100))->{description},
        qr/PHOTO_INVALID_DIMENSIONS/, 'too narrow';
    is $upload->($png . "\0" x (10 << 20))->{error_code}, 413, 'over 10 MB';
    my $file = sent('getFile', {file_id => $sizes[-1]{file_id}});
    my $got = $market->ua->get($market->url('/file/bot' . $market->token
        . "/$file->{file_path}"))->result;
    is sha256_hex($got->body), sha256_hex($png), 'download';
    refused('getFile', {file_id => 'nope'}, 400, qr/wrong file_id/, 'unknown file');
    my $document = $market->form(sendDocument => {chat_id => $ann,
        document => {content => 'x' x (21 << 20), filename => 'отчёт.bin'}})->{result};
    is $document->{document}{file_name}, 'отчёт.bin', 'document keeps its name';
    refused('getFile', {file_id => $document->{document}{file_id}}, 400, qr/file is too big/,
        'over 20 MB');
    my $album = $market->form(sendMediaGroup => {chat_id => $ann,
        a => {content => $png, filename => 'a.png'},
        media => to_json([{type => 'photo', media => 'attach://a', caption => 'раз'},
            {type => 'photo', media => $sizes[0]{file_id}}])});
    ok $album->{ok} && $album->{result}[0]{media_group_id} eq $album->{result}[1]{media_group_id},
        'album' or diag explain $album;
    my $edit = $market->form(editMessageMedia => {chat_id => $ann,
        message_id => $again->{message_id},
        media => to_json({type => 'document', media => 'attach://f'}),
            f => {content => 'hello', filename => 'a.txt'}});
    ok $edit->{result}{document} && !$edit->{result}{photo}, 'another medium in its place'
        or diag explain $edit;
    refused('sendChatAction', {chat_id => $ann, action => 'dancing'}, 400,
        qr/wrong parameter action/, 'unknown action');
    sent('sendChatAction', {chat_id => $ann, action => 'upload_photo'});
    is $market->look("chat/$ann")->{actions}[-1]{action}, 'upload_photo', 'seen by the person';
    refused('setMyCommands', {commands => [{command => 'Bad', description => 'x'}]}, 400,
        qr/BOT_COMMAND_INVALID/, 'bad command');
    sent('setMyCommands', {commands => [{command => 'start', description => 'Меню'}]});
};

subtest 'flood' => sub {
    $market->control(set => {limits => {chat_burst => 3, chat_rate => 1}});
    my $bob = $market->control(person => {first_name => 'Боб'})->{id};
    sent('sendMessage', {chat_id => $bob, text => $_}) for 1 .. 3;
    my $res = refused('sendMessage', {chat_id => $bob, text => 'x'}, 429,
        qr/^Too Many Requests: retry after 1$/, 'fourth');
    is $res->headers->header('Retry-After'), 1, 'header';
    is $res->json->{parameters}{retry_after}, 1, 'parameter';
    my $more = refused('sendMessage', {chat_id => $bob, text => 'x'}, 429, qr/retry after 2/,
        'not waiting makes it longer');
    sent('sendMessage', {chat_id => $ann, text => 'x'}, 'others are not stopped');
    $market->control(set => {limits => {chat_burst => 1e6, bot_burst => 2, bot_rate => 0.5}});
    sent('sendMessage', {chat_id => $_, text => 'x'}) for $ann, $bob;
    refused('sendMessage', {chat_id => $ann, text => 'x'}, 429, qr/retry after 2/,
        'the bot as a whole');
    $market->control(set => {limits => {bot_burst => 1e6}});
};

subtest 'webhook' => sub {
    my $url = $market->listen;
    $market->control(set => {retry_scale => 0.02});
    refused('setWebhook', {url => 'http://127.0.0.1/'}, 400, qr/HTTPS URL must be provided/,
        'plain http');
    refused('setWebhook', {url => $url, secret_token => 'a b'}, 400, qr/unallowed characters/,
        'secret');
    refused('setWebhook', {url => $url, secret_token => 'a' x 257}, 400,
        qr/secret token is too long/, 'long secret');
    my $set = $market->bot(setWebhook => {url => $url, secret_token => 's3cret_-',
        max_connections => 500,
        allowed_updates => ['message', 'callback_query', 'my_chat_member'],
            drop_pending_updates => \1});
    is $set->{description}, 'Webhook was set', 'set' or diag explain $set;
    my $info = sent('getWebhookInfo');
    is_deeply [@$info{qw(url max_connections pending_update_count)}], [$url, 100, 0], 'info';
    my $hooks = $market->hooks;

    my $said = $market->control(say => {chat => $ann, text => 'Привет 😀 /start'});
    ok $market->until(sub { @$hooks == 1 }), 'pushed';
    my $hook = $hooks->[0];
    is $hook->{json}{update_id}, $said->{update_id}, 'id';
    is $hook->{json}{message}{text}, 'Привет 😀 /start', 'text';
    is $hook->{json}{message}{entities}[0]{type}, 'bot_command', 'entities';
    unlike $hook->{body}, qr/[^\x00-\x7f]/, 'nothing but ASCII';
    like $hook->{body}, qr/^\{"update_id":\d+,\n"message":\{/, 'Telegram’s form';
    like $hook->{body}, qr/\\ud83d\\ude00/, 'surrogate pair';
    is $hook->{headers}{'X-Telegram-Bot-Api-Secret-Token'}, 's3cret_-', 'secret header';
    is $hook->{headers}{'Content-Type'}, 'application/json', 'type';
    is $hook->{headers}{'User-Agent'}, undef, 'no agent';
    my $next = $market->control(say => {chat => $ann, text => 'ещё'});
    ok $market->until(sub { @$hooks == 2 }), 'next';
    is $next->{update_id}, $said->{update_id} + 1, 'plus one';
    is $hooks->[1]{connection}, $hook->{connection}, 'kept alive';
    ok $market->until(sub { $market->look("chat/$ann")->{messages}[-1]{read} }), 'tick';

    @$hooks = ();    # the first of two is refused twice; the second must wait for it
    my $failures = 2;
    $market->reply(sub ($hook) {
        return {after => 0.05} if $hook->{json}{message}{chat}{id} != $ann;
        return $failures-- > 0 ? {status => 502} : {after => 0.05};
    });
    my @id = map { $market->control(say => {chat => $ann, text => $_})->{update_id} } 'раз', 'два';
    my $bob = $market->control(person => {})->{id};
    my $other = $market->control(say => {chat => $bob, text => 'мимо'})->{update_id};
    ok $market->until(sub { @$hooks >= 5 && $hooks->[-1]{answered} }), 'all came';
    my @order = map { $_->{json}{update_id} } grep { $_->{json}{message}{chat}{id} ==
        $ann } @$hooks;
    my @rest  = map { $_->{json}{update_id} } grep { $_->{json}{message}{chat}{id} !=
        $ann } @$hooks;
    is_deeply \@order, [@id[0, 0, 0, 1]], 'one chat is in order, the same id again';
    is_deeply \@rest, [$other], 'another chat goes its way';
    is $hooks->[0]{body}, (grep { $_->{json}{update_id} == $id[0] } @$hooks)[-1]{body},
        'the same bytes';
    ok $market->until(sub { sent('getWebhookInfo')->{pending_update_count} == 0 }),
        'nothing pending';
    is sent('getWebhookInfo')->{last_error_message},
        'Wrong response from the webhook: 502 Bad Gateway', 'last error stays';

    @$hooks = ();
    my $first = 1;
    $market->reply(sub ($hook) { return $first-- > 0
        ? {status => 503, headers => {'Retry-After' => 20}} : {} });
    $market->control(say => {chat => $ann, text => 'позже'});
    ok $market->until(sub { @$hooks == 2 }), 'again';
    cmp_ok $hooks->[1]{at} - $hooks->[0]{at}, '>', 0.3, 'Retry-After was honoured';

    @$hooks = ();    # one chat's message and press are different queues
    $market->reply(sub ($hook) { return {after => 0.2} });
    sent('sendMessage', {chat_id => $ann, text => '?',
        reply_markup => {inline_keyboard => [[{text => 'ok', callback_data => 'ok'}]]}});
    $market->control(say => {chat => $ann, text => 'текст'});
    my $press = $market->control(press => {chat => $ann, data => 'ok'});
    ok $market->until(sub { @$hooks == 2 && $hooks->[1]{answered} }), 'both';
    cmp_ok $hooks->[1]{at}, '<', $hooks->[0]{answered}, 'at the same time';
    my ($query) = map { $_->{json}{callback_query} // () } @$hooks;
    is $query->{message}{text}, '?', 'press carries its message';

    $market->reply(sub ($hook) { return {json => {method => 'answerCallbackQuery',
        text => 'из ответа',
        callback_query_id => $hook->{json}{callback_query}{id}}} });
    $market->control(press => {chat => $ann, data => 'ok'});
    ok $market->until(sub { ($market->look("chat/$ann")->{answers}[-1]{text}
        // '') eq 'из ответа' }), 'method in the answer';
    $market->reply(sub ($hook) { return {json => {method => 'deleteWebhook'}} });
    $market->control(say => {chat => $ann, text => 'x'});
    ok $market->until(sub {
        return grep { $_->{strange} =~ /deleteWebhook is not carried out/ }
            @{$market->look('strange')->{strange}};
    }), 'but not every one';
    $market->reply(sub ($hook) { return {} });

    @$hooks = ();
    $market->control(block => {chat => $ann, blocked => \1});
    ok $market->until(sub { @$hooks == 1 }), 'blocked';
    is $hooks->[0]{json}{my_chat_member}{new_chat_member}{status}, 'kicked', 'the bot is told';
    refused('sendMessage', {chat_id => $ann, text => 'x'}, 403,
        qr/^Forbidden: bot was blocked by the user$/, 'and may not write');
    $market->control(block => {chat => $ann, blocked => \0});
    sent('sendMessage', {chat_id => $ann, text => 'снова'});
    ok $market->until(sub { @$hooks == 2 }), 'unblocked';

    @$hooks = ();
    is $market->control(update => {update_id => 77, poll => {id => 'p'}})->{update_id}, 77,
        'a raw update';
    ok $market->until(sub { @$hooks == 1 }), 'pushed as it is';
    $market->ua->post($market->about->{http} . '/control/raw' => '{"update_id":')->result;
    ok $market->until(sub { @$hooks == 2 }), 'even if it is none';
    is $hooks->[1]{body}, '{"update_id":', 'bytes unchanged';

    @$hooks = ();
    $market->control(set => {expiry => {message => 0.3}, retry_scale => 0.1});
    $market->reply(sub ($hook) { return {status => 500} });
    $market->control(say => {chat => $ann, text => 'старое'});
    ok $market->until(sub { $market->look('counts')->{updates}{expired} }), 'too old is forgotten';
    $market->control(set => {expiry => {}, retry_scale => 0.02});
    $market->reply(sub ($hook) { return {} });
};

subtest 'many at once' => sub {
    my $hooks = $market->hooks;
    @$hooks = ();
    my ($now, $most) = (0, 0);    # answers are held until as many wait as ever will
    $market->reply(sub ($hook) {
        $most = $now if ++$now > $most;
        return {after => sub { $most >= 64 && $now-- }};
    });
    my $url = sent('getWebhookInfo')->{url};
    sent('setWebhook', {url => $url, max_connections => 64});
    my @id = map { $market->control(person => {})->{id} } 1 .. 150;
    $market->control(say => {chat => $_, text => 'все'}) for @id;
    ok $market->until(sub { @$hooks >= 150 && !$now }, 20), 'all came';
    is scalar(@$hooks), 150, 'once each';
    is $most, 64, 'max_connections at once';
    is scalar(keys %{{map { $_->{connection} => 1 } @$hooks}}) <= 68, 1,
        'connections are used again';
    $market->reply(sub ($hook) { return {} });
};

subtest 'faults of the webhook' => sub {
    my $hooks = $market->hooks;
    for my $case (['duplicate', 2, 'the same twice'], ['lose', 2, 'taken, and repeated'],
        ['reset', 1, 'cut, and repeated'],
        ['wrong', 2, 'a forged one first']) {
        my ($action, $times, $name) = @$case;
        @$hooks = ();
        $market->fault(side => 'webhook', match => '^message$', action => $action);
        my $id = $market->control(say => {chat => $ann, text => $action})->{update_id};
        ok $market->until(sub { @$hooks >= $times
            && !$market->look('counts')->{updates}{pending} }), $name;
        is_deeply [map { $_->{json}{update_id} } @$hooks], [($id) x $times], "$action: one id";
    }
    is scalar(grep { ($_->{headers}{'X-Telegram-Bot-Api-Secret-Token'}
        // '') eq 'forged' } @$hooks), 1, 'its secret is wrong';
    @$hooks = ();
    $market->fault(side => 'webhook', action => 'delay', ms => 300);
    my $start = time;
    $market->control(say => {chat => $ann, text => 'потом'});
    ok $market->until(sub { @$hooks == 1 }), 'delayed';
    cmp_ok $hooks->[0]{at} - $start, '>', 0.25, 'by so much';
};

subtest 'faults of the Bot API' => sub {
    my $call = sub ($text) {
        my $url = $market->url('/bot' . $market->token . '/sendMessage');
        return $market->ua->post($url => json => {chat_id => $ann, text => $text});
    };
    my $there = sub ($text) { return scalar grep { ($_->{text}
        // '') eq $text } @{$market->look("chat/$ann")->{messages}} };
    my %fault = (side => 'telegram', match => '^sendMessage$');
    my $id = $market->fault(%fault, action => 'status', status => 502, times => 2)->{id};
    ok $id, 'has an id';
    is $call->('502')->res->code, 502, 'status';
    is $market->look('fault')->{faults}[0]{times}, 1, 'one left';
    my $tx = $call->('502');
    like $tx->res->body, qr/<html>/, 'HTML';
    ok !$there->('502'), 'not done';
    $market->fault(%fault, action => '429', retry_after => 7);
    $tx = $call->('429');
    is_deeply [$tx->res->code, $tx->res->headers->header('Retry-After'),
        $tx->res->json->{parameters}{retry_after}], [429, 7, 7], 'too many';
    $market->fault(%fault, action => 'reset');
    ok !$call->('- reset')->res->code && !$there->('- reset'), 'reset: cut and not done';
    $market->fault(%fault, action => 'lose');
    ok !$call->('- lose')->res->code && $there->('- lose') == 1, 'lose: done and cut';
    $market->fault(%fault, action => 'wrong');
    $tx = $call->('- wrong');
    ok $tx->res->code == 200 && !$tx->res->json && !$there->('- wrong'), 'wrong: another shape';
    for my $action (qw(delay slow)) {
        $market->fault(%fault, action => $action, ms => 300);
        my $start = time;
        ok $call->($action)->res->json->{ok}, "$action: works";
        cmp_ok time - $start, '>', 0.25, 'and takes its time';
    }
    $market->fault(%fault, action => 'reset', times => 9);
    $market->clear_faults;
    ok $call->('чисто')->res->json->{ok}, 'cleared';
    ok $market->fault(side => 'moon', action => 'reset')->{error}, 'no such side';
};

subtest 'fal' => sub {
    my $model = 'fal-ai/bytedance/seedream/v4/text-to-image';
    my $submit = sub ($prompt, %more) { return $market->fal(POST => "/fal/queue/$model",
        {prompt => $prompt, %more}) };
    my $wait = sub ($job) {
        my $body;
        $market->until(sub { ($body = $market->fal(GET =>
            $job->{status_url}))->{status} eq 'COMPLETED' });
        return $body;
    };
    my $bare = $market->ua->post($market->url("/fal/queue/$model") => json => {prompt => 'x'})->res;
    is $bare->code, 401, 'no key';
    is +($market->fal(POST => '/fal/queue/fal-ai/no-such', {prompt => 'x'}))[0], 404,
        'no such model';
    my %wrong = (missing => {}, extra_forbidden => {prompt => 'x', promt => 1},
        string_type => {prompt => 5},
        int_type => {prompt => 'x', seed => '5'},
            literal_error => {prompt => 'x', enhance_prompt_mode => 'slow'});
    for my $type (sort keys %wrong) {
        my ($code, $body, $res) = $market->fal(POST => "/fal/queue/$model", $wrong{$type});
        is_deeply [$code, $body->{detail}[0]{type}, $res->headers->header('X-Fal-Error-Type')],
            [422, $type, $type], "$type is refused";
    }
    my $job = $submit->('кот в скафандре', seed => 42);
    is $job->{status}, 'IN_QUEUE', 'submitted';
    like $job->{status_url},
        qr{/fal/queue/fal-ai/bytedance/requests/\Q$job->{request_id}\E/status$}, 'two segments';
    my ($code, $body) = $market->fal(GET => "$job->{status_url}?logs=1");
    is $code, 202, 'not yet';
    ($code) = $market->fal(GET => "/fal/queue/$model/requests/$job->{request_id}/status");
    is $code, 404, 'the full model in the path is not found';
    ok $wait->($job)->{metrics}{inference_time}, 'completed';
    (my $done, $body) = $market->fal(GET => $job->{response_url});
    is $done, 200, 'result';
    is $body->{seed}, 42, 'seed';
    my $image = $body->{images}[0];
    my $file = $market->ua->get($image->{url})->res;
    is $file->headers->content_type, 'image/png', 'a PNG';
    like $file->body, qr/^\x89PNG/, 'really';
    is_deeply [$image->{file_size}, @$image{qw(width height)}], [length $file->body, 1024, 1024],
        'as described';
    like $image->{url}, qr{/fal/media/files/[\w-]+/[\w-]+\.png$}, 'where';
    ok $market->bot(sendPhoto => {chat_id => $ann, photo => $image->{url}})->{ok},
        'Telegram can fetch it';

    my %end = (policy => [422, 'content_policy_violation', 'false'],
        fail => [500, 'internal_server_error', 'true'],
        422 => [422, 'value_error', 'false'], nothing => [422, 'no_media_generated', 'false']);
    my %job = map { $_ => scalar $submit->("кот [$_]") } keys %end, qw(nsfw stuck notimage huge);
    for my $word (sort keys %end) {
        $wait->($job{$word});
        my ($code, $body, $res) = $market->fal(GET => $job{$word}{response_url});
        is_deeply [$code, $body->{detail}[0]{type}, $res->headers->header('x-fal-retryable')],
            $end{$word}, "ends in $word";
    }
    ok $market->fal(GET => $job{nsfw}{response_url})->{has_nsfw_concepts}[0], 'nsfw';
    my $html = $market->fal(GET => $job{notimage}{response_url})->{images}[0];
    like $market->ua->get($html->{url})->res->body, qr/^<!doctype/, 'notimage';
    is $market->fal(GET => $job{huge}{response_url})->{images}[0]{file_size}, 30 << 20, 'huge';
    is $market->fal(GET => $job{stuck}{status_url})->{status}, 'IN_PROGRESS', 'stuck';
    is +($market->fal(GET => $job{stuck}{response_url}))[0], 400, 'no result yet';
    my @cancel = $market->fal(PUT => $job{stuck}{cancel_url});
    is_deeply [$cancel[0], $cancel[1]{status}], [202, 'CANCELLATION_REQUESTED'], 'cancel';
    is $market->fal(GET => $job{stuck}{status_url})->{error_type}, 'client_cancelled', 'cancelled';
    @cancel = $market->fal(PUT => $job->{cancel_url});
    is_deeply [$cancel[0], $cancel[1]{status}], [400, 'ALREADY_COMPLETED'], 'too late';

    my $history = "/fal/api/v1/models/requests/by-endpoint?endpoint_id=$model";
    my $all = $market->fal(GET => "$history&expand=payloads&limit=100");
    is scalar(@{$all->{items}}), 9, 'history has the ended ones';
    my ($mine) = grep { $_->{json_input}{prompt} eq 'кот в скафандре' } @{$all->{items}};
    is_deeply [@$mine{qw(request_id status json_input)}],
        [$job->{request_id}, 'success', {prompt => 'кот в скафандре', seed => 42}], 'input and all';
    is $mine->{json_output}{images}[0]{url}, $image->{url}, 'output';
    like $mine->{ended_at}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'time';
    my %status = map { $_->{json_input}{prompt} => $_->{status} } @{$all->{items}};
    is_deeply [@status{'кот [policy]', 'кот [fail]'}], ['user_error', 'error'], 'kinds of end';
    my ($cursor, @paged) = ('');
    while (defined $cursor) {
        my $page = $market->fal(GET => "$history&limit=4&cursor=$cursor");
        push @paged, @{$page->{items}};
        $cursor = $page->{next_cursor};
    }
    is_deeply [map { $_->{request_id} } @paged], [map { $_->{request_id} } @{$all->{items}}],
        'pages';
    ok !exists $paged[0]{json_input}, 'payloads only when asked for';
    is scalar(@{$market->fal(GET => "$history&end=2020-01-01T00:00:00Z")->{items}}), 0, 'by time';

    $submit->('кот в скафандре', seed => 42);
    my $counts = $market->look('counts')->{fal};
    is $counts->{by_prompt}{'кот в скафандре'}, 2, 'counted by prompt';
    my ($input) = grep {/"seed":42/} keys %{$counts->{by_input}};
    is $counts->{by_input}{$input}, 2, 'and by input';
    like $input, qr/"prompt":"кот в скафандре"/, 'as its JSON';
    for my $case ([no_funds => 403, qr/^User is locked\. Reason: Exhausted balance/],
        [bad_key => 401, qr/./]) {
        $market->control(set => {fal_account => $case->[0]});
        my ($code, $body) = $submit->('x');
        ok $code == $case->[1] && $body->{detail} =~ $case->[2], $case->[0];
    }
    $market->control(set => {fal_account => 'good'});
    $market->fault(side => 'fal', match => '^submit', action => 'lose');
    $submit->('потерян');
    is $market->look('counts')->{fal}{by_prompt}{'потерян'}, 1, 'lost answer, but submitted';
    $market->fault(side => 'fal', match => '^status', action => 'status', status => 503);
    is +($market->fal(GET => $job->{status_url}))[0], 503, 'fault by path';
    my @log = @{$market->look('log?side=fal&what=submit')->{entries}};
    is $log[-1]{status}, 200, 'log';
};

subtest 'the page' => sub {
    my $http = $market->about->{http};
    is $market->ua->get("$http/$_")->res->code, 200, "/$_"
        for '', "chat/$ann", 'chat.css', 'chat.js', 'text.js';
    my (%got, $live);
    $market->ua->websocket("$http/chat/$ann/live" =~ s/^http/ws/r => sub ($ua, $tx) {
        $live = $tx;
        $tx->on(json => sub ($tx, $event) { push @{$got{$event->{event}}}, $event });
    });
    ok $market->until(sub { $got{hello} }), 'history comes first';
    is $got{hello}[0]{person}{id}, $ann, 'of this person';
    $live->send({json => {do => 'say', text => 'со страницы'}});
    ok $market->until(sub { grep { $_->{message}{text} eq 'со страницы' } @{$got{message} // []} }),
        'said';
    my $message = sent('sendMessage', {chat_id => $ann, text => 'ответ',
        reply_markup => {inline_keyboard => [[{text => 'a', callback_data => 'page'}]]}});
    ok $market->until(sub { @{$got{message}} >= 2 }), 'heard';
    @{$market->hooks} = ();
    $live->send({json => {do => 'press', message_id => $message->{message_id}, data => 'page'}});
    ok $market->until(sub { grep { $_->{json}{callback_query} } @{$market->hooks} }), 'pressed';
    my $up = $market->ua->post("$http/chat/$ann/upload" => form => {kind => 'photo',
        caption => 'моё',
        file => [map { +{content => picture($_), filename => "$_.png",
            'Content-Type' => 'image/png'} } 'a', 'b']})->res->json;
    is scalar(@{$up->{sent}}), 2, 'an album';
    ok $market->until(sub { 2 == grep { $_->{json}{message}{media_group_id} } @{$market->hooks} }),
        'one group';
    $live->finish;
};

my @lines = map { decode_json($_) } split /\n/, $market->dir->child('market.log')->slurp;
ok @lines > 300, 'the log is JSON, line by line';
ok !(grep { encode_json($_) =~ /\Q@{[$market->token]}\E/ } @lines), 'and does not name the token';
my $pid = $market->pid;
my $start = time;
$market->stop;
cmp_ok time - $start, '<', 1, 'stops at once';
done_testing;
