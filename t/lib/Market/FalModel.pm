package Market::FalModel;
use Mojo::Base -strict, -signatures;

# What the models take, as fal's client types have it. A field is required when it ends in '!'.
#   s string   i integer   n number   b boolean   [a b] one of   s* list of strings
#   size  the name of a preset, or {width, height}   u address of a picture   u* list of them
# Without a prompt there is one made of the model's name, for the picture's caption.
no warnings 'experimental::builtin';
use Scalar::Util qw(blessed);

my @RATIO = qw(21:9 16:9 3:2 4:3 5:4 1:1 4:5 3:4 2:3 9:16);
my %SIZE = (square_hd => [1024, 1024], square => [512, 512], portrait_4_3 => [768, 1024],
    portrait_16_9 => [576, 1024], landscape_4_3 => [1024, 768], landscape_16_9 => [1024, 576],
    auto => [1024, 1024], auto_2K => [1024, 1024], auto_4K => [1024, 1024]);

my %SEEDREAM = ('prompt!' => 's', image_size => 'size', num_images => 'i', max_images => 'i',
    enhance_prompt_mode => [qw(standard fast)], enable_safety_checker => 'b', seed => 'i',
    sync_mode => 'b');
my %IMAGEN = ('prompt!' => 's', aspect_ratio => [qw(1:1 16:9 9:16 4:3 3:4)], seed => 'i',
    resolution => [qw(1K 2K)], output_format => [qw(jpeg png webp)], num_images => 'i',
    safety_tolerance => [1 .. 6], negative_prompt => 's', sync_mode => 'b');
my %MODEL = (
    'fal-ai/bytedance/seedream/v4/text-to-image' => {takes => \%SEEDREAM, gives_seed => 1},
    'fal-ai/bytedance/seedream/v4.5/text-to-image' => {takes => \%SEEDREAM, gives_seed => 1},
    'fal-ai/bytedance/seedream/v5/lite/text-to-image' => {takes => \%SEEDREAM, gives_seed => 1},
    'fal-ai/nano-banana-pro' => {gives_description => 1, takes => {'prompt!' => 's',
        num_images => 'i', aspect_ratio => ['auto', @RATIO], resolution => [qw(1K 2K 4K)],
        output_format => [qw(jpeg png webp)], safety_tolerance => [1 .. 6], seed => 'i',
        limit_generations => 'b', enable_web_search => 'b', sync_mode => 'b'}},
    'fal-ai/ideogram/v3' => {gives_seed => 1, takes => {'prompt!' => 's',
        rendering_speed => [qw(TURBO BALANCED QUALITY)], image_size => 'size', seed => 'i',
        style => [qw(AUTO GENERAL REALISTIC DESIGN)], style_preset => 's', style_codes => 's*',
        negative_prompt => 's', expand_prompt => 'b', image_urls => 's*', num_images => 'i',
        sync_mode => 'b'}},
    'fal-ai/flux-pro/kontext/text-to-image' => {gives_seed => 1, gives_nsfw => 1, takes => {
        'prompt!' => 's', aspect_ratio => [@RATIO, '9:21'], guidance_scale => 'n', seed => 'i',
        safety_tolerance => [1 .. 6], output_format => [qw(jpeg png)], enhance_prompt => 'b',
        num_images => 'i', sync_mode => 'b'}},
    (map { $_ => {gives_seed => 1, makes => 'collage', takes => {%SEEDREAM, 'image_urls!' => 'u*'}} }
        'fal-ai/bytedance/seedream/v4/edit', 'fal-ai/bytedance/seedream/v4.5/edit'),
    'fal-ai/flux-pro/kontext' => {gives_seed => 1, gives_nsfw => 1, makes => 'collage', takes => {
        'prompt!' => 's', 'image_url!' => 'u', aspect_ratio => [@RATIO, '9:21'], guidance_scale => 'n',
        seed => 'i', safety_tolerance => [1 .. 6], output_format => [qw(jpeg png)], num_images => 'i'}},
    'half-moon-ai/ai-face-swap/faceswapimage' => {makes => 'collage', one => 1, takes => {
        'source_face_url!' => 'u', 'target_image_url!' => 'u'}},
    'fal-ai/retoucher' => {gives_seed => 1, makes => 'retouch', one => 1, takes => {'image_url!' => 'u', seed => 'i'}},
    'fal-ai/seedvr/upscale/image' => {gives_seed => 1, makes => 'upscale', one => 1, takes => {'image_url!' => 'u',
        upscale_mode => [qw(factor target)], upscale_factor => 'n', target_resolution => 's', noise_scale => 'n',
        output_format => [qw(png jpg webp)], seed => 'i'}},
    map { $_ => {gives_seed => 1, gives_description => 1, takes => \%IMAGEN} }
        map {"fal-ai/imagen4/preview$_"} '', '/fast', '/ultra',
);

sub find ($name) { return $MODEL{$name} }

# The first thing wrong with an input, in the words of Pydantic; undef when all is well.
sub wrong ($model, $input) {
    my %takes = map { my $type = $model->{takes}{$_}; (s/!$//r => [$type,
        /!$/]) } keys %{$model->{takes}};
    for my $name (sort keys %takes) {
        my ($type, $must) = @{$takes{$name}};
        my $value = $input->{$name};
        if (!defined $value) {
            next unless $must;
            return {type => 'missing', msg => 'Field required', loc => ['body', $name],
                input => $input};
        }
        my $bad = _bad($type, $value) or next;
        return {type => $bad->[0], msg => $bad->[1], loc => ['body', $name], input => $value};
    }
    for my $name (sort keys %$input) {
        next if $takes{$name};
        return {type => 'extra_forbidden', msg => 'Extra inputs are not permitted',
            loc => ['body', $name], input => $input->{$name}};
    }
    if (my ($tall) = grep { ($input->{$_} // 1) < 1
        || ($input->{$_} // 1) > 6 } qw(num_images max_images)) {
        return {type => 'less_than_equal', msg => 'Input should be from 1 to 6',
            loc => ['body', $tall], input => $input->{$tall}};
    }
    return undef unless length($input->{prompt} // '') > 5000;
    return {type => 'sequence_too_long', msg => 'Prompt is too long', loc => ['body', 'prompt']};
}

sub _bad ($type, $value) {
    my $number = !ref $value && builtin::created_as_number($value);
    my $bool   = blessed $value && $value->isa('JSON::PP::Boolean');
    if (ref $type) {
        return undef if !ref $value && !$number && grep { $_ eq $value } @$type;
        return ['literal_error', 'Input should be ' . join ' or ', map {"'$_'"} @$type];
    }
    if ($type eq 's' || $type eq 'u') {
        return ['string_type', 'Input should be a valid string'] if ref $value || $number;
        return $value eq '' ? ['string_too_short', 'String should have at least 1 character']
            : undef;
    }
    return $number && $value == int $value ? undef : ['int_type', 'Input should be a valid integer']
        if $type eq 'i';
    return $number ? undef : ['float_type', 'Input should be a valid number'] if $type eq 'n';
    return $bool ? undef : ['bool_type', 'Input should be a valid boolean'] if $type eq 'b';
    return ref $value eq 'ARRAY' && !grep({ref} @$value) ? undef
        : ['list_type', 'Input should be a valid list'] if $type =~ /^[su]\*$/;
    return undef if !ref $value && $SIZE{$value};
    return undef if ref $value eq 'HASH' && 2 ==
        grep { ($value->{$_} // '') =~ /^\d{2,4}$/ } qw(width height);
    return ['value_error', 'Input should be a preset or an object with width and height'];
}

# The addresses of pictures in an input, in the order of their fields' names, lists as they are.
sub urls ($model, $input) {
    my @fields = grep { $model->{takes}{"$_!"} && $model->{takes}{"$_!"} =~ /^u/ } sort keys %$input;
    return map { ref $input->{$_} ? $input->{$_}->@* : $input->{$_} } @fields;
}

# Never more than 1024 on the long side: the market's pictures are drawn in a moment.
sub size ($input) {
    my $size = $input->{image_size};
    my ($w, $h) = ref $size ? @$size{qw(width height)} : @{$SIZE{$size // 'square_hd'}};
    ($w, $h) = ($1, $2) if ($input->{aspect_ratio} // '') =~ /^(\d+):(\d+)$/;
    my $long = $w > $h ? $w : $h;
    my $edge = ref $size && $long < 1024 ? $long : $long <= 512 && $size && !ref $size ? $long
        : 1024;
    return map { int($_ * $edge / $long / 2 + 0.5) * 2 } $w, $h;
}

1;
