package Market::Kling;
use Mojo::Base -base, -signatures;

# Kling's two APIs: the newer one with the model in the path, the older one with it in the body.
#
# Scripted ends, by words in the prompt:
#   [policy] code 1301 at the submit      [risk]  the task fails with words of risk control
#   [fail]   the task fails               [stuck] it stays processing
#   [gone]   code 1203                    [1303]  too many at once, the first time
#   [funds]  code 1102                    [busy]  code 5001, HTTP 503
use Digest::SHA qw(hmac_sha256);
use Market::Media;
use Mojo::JSON qw(decode_json encode_json);
use Mojo::Util qw(b64_decode b64_encode);
use Time::HiRes qw(time);

has [qw(world key access secret)];
has tasks     => sub { {} };
has by_name   => sub { {} };    # external_task_id => task
has submits   => 0;
has by_prompt => sub { {} };
has asked     => sub { {} };
has last      => 0;

my %NEW = ('text-to-video' => [qw(kling-3.0 kling-2.6 kling-3.0-turbo)],
    'image-to-video' => [qw(kling-3.0 kling-2.6 kling-2.5-turbo)], 'omni-video' => [qw(kling-3.0-omni kling-o1)],
    'motion-control' => [qw(kling-3.0 kling-2.6)]);

sub routes ($self, $r) {
    my $k = $r->any('/kling');
    for my $kind (keys %NEW) {
        $k->post("/$kind/#model" => sub ($c) { $self->serve($c, "submit $kind", sub { $self->submit($c, $kind) }) });
    }
    $k->get('/tasks' => sub ($c) { $self->serve($c, 'query', sub { $self->query($c) }) });
    for my $kind (qw(text2video image2video)) {
        $k->post("/v1/videos/$kind" => sub ($c) { $self->serve($c, "submit $kind", sub { $self->submit_old($c, $kind) }) });
        $k->get("/v1/videos/$kind/#id" => sub ($c) { $self->serve($c, 'query old', sub { $self->query_old($c, $kind) }) });
    }
    $r->get('/kling/files/#name' => sub ($c) {
        my $bytes = $self->world->work->film_ready($c->stash('name') =~ s/\.mp4$//r);
        $self->world->log->note(kling => 'media', 'the key was sent to the file host') if $c->req->headers->authorization;
        return $c->render(text => 'not found', status => 404) if !$bytes;
        $c->res->headers->content_type('video/mp4');
        $c->render(data => $bytes);
    });
    return;
}

sub serve ($self, $c, $what, $do) {
    return $self->world->fault->serve($c, 'kling', $what, sub {
        my $answer = $self->guard($c) // $do->();
        $self->world->log->add(kling => $what, status => $answer->[0], path => $c->req->url->path->to_string);
        return $answer;
    });
}

sub json ($status, $body) { return [$status, {'Content-Type' => 'application/json'}, encode_json($body)] }
sub refuse ($status, $code, $message) { return json($status, {code => $code, message => $message, request_id => 'r1'}) }

# The key, or (for the older API only) a token signed with the secret.
sub guard ($self, $c) {
    my ($given) = ($c->req->headers->authorization // '') =~ /^Bearer (.+)$/ or return refuse(401, 1001, 'Authorization is empty');
    return undef if $given eq $self->key;
    my ($head, $claims, $mac) = split /\./, $given;
    return refuse(401, 1002, 'Authorization is invalid')
        if !defined $mac || $c->req->url->path !~ m{/v1/videos/};
    my $right = b64_encode(hmac_sha256("$head.$claims", $self->secret), '') =~ tr{+/=}{-_}dr;
    my $said = eval { decode_json(b64_decode($claims =~ tr{-_}{+/}r)) } // {};
    return refuse(401, 1002, 'Authorization is invalid') if $mac ne $right || ($said->{iss} // '') ne $self->access;
    return refuse(401, 1003, 'Authorization is not yet valid') if $said->{nbf} > time;
    return refuse(401, 1004, 'Authorization has expired') if $said->{exp} < time;
    return undef;
}

sub submit ($self, $c, $kind) {
    my $model = $c->stash('model');
    return refuse(404, 1203, "model $model does not exist") if !grep { $_ eq $model } $NEW{$kind}->@*;
    my $body = eval { decode_json($c->req->body) };
    return refuse(400, 1201, 'the body is no JSON object') if ref $body ne 'HASH';
    my @extra = grep { !/^(?:prompt|contents|settings|options)$/ } keys %$body;
    return refuse(400, 1201, "unknown field $extra[0]") if @extra;
    my $settings = $body->{settings} // {};
    @extra = grep { !/^(?:resolution|aspect_ratio|duration|audio|multi_shot)$/ } keys %$settings;
    return refuse(400, 1201, "unknown setting $extra[0]") if @extra;
    return refuse(400, 1201, 'duration must be an integer')
        if defined $settings->{duration} && encode_json([$settings->{duration}]) !~ /^\[\d+\]$/;
    return refuse(400, 1201, 'duration is out of range') if defined $settings->{duration}
        && ($settings->{duration} < 3 || $settings->{duration} > 15);
    my %content;
    for my $one (@{$body->{contents} // []}) {
        return refuse(400, 1201, 'a content is wrong') if !defined($one->{text} // $one->{url}) || $content{$one->{type}}++;
    }
    my ($prompt) = grep {defined} $body->{prompt}, map { $_->{text} } grep { $_->{type} eq 'prompt' } @{$body->{contents} // []};
    my %want = ('text-to-video' => [], 'image-to-video' => ['first_frame'], 'omni-video' => ['base_video'],
        'motion-control' => [qw(image motion_video)]);
    for my $type ($want{$kind}->@*) {
        return refuse(400, 1201, "$type is required") if !$content{$type};
    }
    return refuse(400, 1201, 'prompt is required') if $kind eq 'text-to-video' && !length($prompt // '');
    my %file = map { $_->{type} => $_->{url} } grep { defined $_->{url} } @{$body->{contents} // []};
    return $self->_take($prompt // '', $body->{options}{external_task_id}, $settings->{duration} // 5, \%file, 0,
        $settings->{aspect_ratio});
}

sub submit_old ($self, $c, $kind) {
    my $body = eval { decode_json($c->req->body) };
    return refuse(400, 1201, 'the body is no JSON object') if ref $body ne 'HASH';
    my @extra = grep { !/^(?:model_name|prompt|negative_prompt|mode|duration|aspect_ratio|cfg_scale|image|image_tail
        |external_task_id|callback_url)$/x } keys %$body;
    return refuse(400, 1201, "unknown field $extra[0]") if @extra;
    return refuse(404, 1203, 'model does not exist') if ($body->{model_name} // '') ne 'kling-v1-5';
    return refuse(400, 1201, 'model is not supported with this endpoint') if $kind eq 'text2video';
    return refuse(400, 1201, 'duration must be "5" or "10"') if ref \($body->{duration} // 5) ne 'SCALAR'
        || ($body->{duration} // '') !~ /^(?:5|10)$/;
    return refuse(400, 1201, 'image is required') if !length($body->{image} // '');
    return $self->_take($body->{prompt} // '', $body->{external_task_id}, $body->{duration}, {image => $body->{image}}, 1);
}

sub _take ($self, $prompt, $name, $seconds, $file, $old, $ratio = undef) {
    my ($script) = $prompt =~ /\[(policy|risk|fail|stuck|gone|1303|funds|busy)\]/;
    $script //= '';
    return refuse(400, 1301, 'the content is not allowed by platform policy') if $script eq 'policy';
    return refuse(404, 1203, 'the model does not exist') if $script eq 'gone';
    return refuse(429, 1102, 'resource pack is used up') if $script eq 'funds';
    return refuse(503, 5001, 'service is under maintenance') if $script eq 'busy';
    return refuse(429, 1303, 'parallel task over resource pack limit') if $script eq '1303' && !$self->asked->{$prompt}++;
    return refuse(400, 1201, 'external_task_id already exists') if defined $name && $self->by_name->{$name};
    my $frame;
    for my $type (sort keys %$file) {
        my ($bytes, $ext, $w, $h) = $self->world->work->fetch($file->{$type});
        return refuse(400, 1201, "$type cannot be read: $ext") if !defined $bytes;
        if ($type =~ /video/) {
            return refuse(400, 1201, "$type is no mp4") if $ext ne 'mp4';
        } else {
            return refuse(400, 1201, "$type must be jpg or png") if $ext !~ /^(?:jpg|png)$/;
            return refuse(400, 1201, "$type is too small: 300 px at least") if $w < 300 || $h < 300;
        }
        $frame = $self->world->work->png($bytes, 1024) if !$frame || $type !~ /video/;
    }
    my $id = 8_000_000 + $self->last($self->last + 1)->last;
    my ($w, $h) = ($ratio // '') eq '9:16' ? (360, 640) : ($ratio // '') eq '1:1' ? (480, 480) : (640, 360);
    $frame //= $self->world->picture->png($prompt, $w, $h);
    my $task = {id => "$id", name => $name, prompt => $prompt, script => $script, at => time, old => $old,
        seconds => $seconds, film => $self->world->work->film($frame, $seconds, $w, $h)};
    $self->tasks->{$id} = $task;
    $self->by_name->{$name} = $task if defined $name;
    $self->submits($self->submits + 1);
    $self->by_prompt->{$prompt}++;
    return json(200, {code => 0, message => 'SUCCEED', request_id => 'r1', data => $old
        ? {task_id => "$id", task_status => 'submitted', task_info => {external_task_id => $name}}
        : {id => "$id", status => 'submitted', external_id => $name}});
}

# submitted, processing, then the end.
sub state_of ($self, $task) {
    my $age = time - $task->{at};
    my $takes = $self->world->setting->{fal_ms} / 1000;
    return 'submitted' if $age < $takes / 3;
    return 'processing' if $age < $takes || $task->{script} eq 'stuck';
    return 'failed' if $task->{script} =~ /^(?:fail|risk)$/;
    return -s $self->world->work->films->{$task->{film}} ? 'succeeded' : 'processing';
}

sub _words ($task) {
    return $task->{script} eq 'risk' ? 'Failure to pass the risk control system' : 'Generation failed';
}

sub _url ($self, $task) { return $self->world->https . "/kling/files/$task->{film}.mp4" }

sub query ($self, $c) {
    my ($ids, $names) = map { $c->param($_) } qw(task_ids external_task_ids);
    return refuse(400, 1201, 'one of task_ids and external_task_ids') if defined $ids == defined $names;
    my @found = grep {defined} map { defined $ids ? $self->tasks->{$_} : $self->by_name->{$_} } split /,/, $ids // $names;
    return json(200, {code => 0, message => 'SUCCEED', data => [map {
        my $state = $self->state_of($_);
        +{id => $_->{id}, external_id => $_->{name}, status => $state,
            $state eq 'failed' ? (message => _words($_)) : (),
            $state eq 'succeeded' ? (outputs => [{type => 'audio', url => $self->world->https . '/kling/files/none.mp3'},
                {type => 'video', id => "v$_->{id}", url => $self->_url($_), duration => "$_->{seconds}"}]) : ()}
    } @found]});
}

sub query_old ($self, $c, $kind) {
    my $id = $c->stash('id');
    my $task = $self->tasks->{$id} // $self->by_name->{$id} or return refuse(404, 1201, 'task not found');
    my $state = $self->state_of($task) =~ s/succeeded/succeed/r;
    return json(200, {code => 0, message => 'SUCCEED', data => {task_id => $task->{id}, task_status => $state,
        $state eq 'failed' ? (task_status_msg => _words($task)) : (), task_info => {external_task_id => $task->{name}},
        $state eq 'succeed' ? (task_result => {videos => [{id => "v$task->{id}", url => $self->_url($task),
            duration => "$task->{seconds}"}]}) : ()}});
}

1;
