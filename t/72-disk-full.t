# The disk of the spool is full: jobs fail as our fault, not as the person's, are given back, and go well when there is
# room again.
use strict;
use warnings;
use utf8;

use Atelier::Stack qw(await);
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $stack = Atelier::Stack->new(fal_ms => 300, settings => {RATE_LIMIT_PER_MINUTE => 1000});
my $spool = "$stack->{dir}/spool";
# A disk of its own, of 64 KiB.
my $mounted = system("mount -t tmpfs -o size=64k,mode=0755 tmpfs '$spool' 2>/dev/null") == 0;
plan skip_all => 'nothing may be mounted here' if !$mounted;
$stack->start;
my $anna = $stack->person(id => 5301, first_name => 'Аня', language_code => 'ru')->{id};
sub text_of { return $_[0]{text} // $_[0]{caption} // '' }
sub edit {
	my ($words) = @_;
	$stack->send($anna, caption => $words);
	my $offer = $stack->wait_message($anna, 'an offer', sub { text_of($_[0]) =~ /Изменить фото/ && text_of($_[0]) =~ /\Q$words\E/ });
	$stack->press($anna, data => $offer->{buttons}[0][0]{data});
	return $stack->wait_message($anna, "the end of $words", sub { $_[0]{message_id} == $offer->{message_id} && text_of($_[0]) =~ /Возвращено|Списано/ }, 300);
}
# So that the test need not wait for the last of the attempts.
$stack->pg->do(q{CREATE FUNCTION public.once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.max_attempts := least(NEW.max_attempts, 2); RETURN NEW; END $$});
$stack->pg->do(q{CREATE TRIGGER once BEFORE INSERT ON store.task FOR EACH ROW WHEN (NEW.kind IN ('take', 'clean', 'fetch')) EXECUTE FUNCTION public.once()});
my $end = edit('зима');
like(text_of($end), qr/ошибка на нашей стороне.*Возвращено: 1 бесплатная операция/s, 'told as our fault, and given back');
like($stack->pg->value('SELECT detail FROM store.job ORDER BY id DESC LIMIT 1'), qr/^ours: /, 'and on record as that');
$stack->wait_quiet;
is(system("mount -o remount,size=64m '$spool'"), 0, 'room is made');
like(text_of(edit('весна')), qr/Списано/, 'and the next one goes well');
is($stack->ctl('verify'), "every invariant holds\n", 'every invariant holds');
END {
	$stack->stop if $mounted;
	system("umount -l '$spool' 2>/dev/null") if $mounted;
}
done_testing;
