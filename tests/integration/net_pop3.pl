# Fetches a maildrop with Perl's Net::POP3 (libnet) into numbered files.
# Usage: net_pop3.pl PORT CA_FILE USER PASSWORD FOLDER tls|stls keep|delete
use strict;
use warnings;
use Net::POP3;

my ($port, $ca_file, $user, $password, $folder, $tls, $what) = @ARGV;
my %tls = (SSL_ca_file => $ca_file, SSL_verifycn_name => 'localhost', SSL_verifycn_scheme => 'pop3');
my $session = Net::POP3->new('localhost', Port => $port, Timeout => 60, ($tls eq 'tls' ? (SSL => 1, %tls) : ()))
  or die "no connection: $@";
$tls ne 'stls' || $session->starttls(%tls) or die 'STLS: ' . $session->message;
defined $session->login($user, $password) or die 'login: ' . $session->message;
my $uids = $session->uidl or die 'UIDL: ' . $session->message;
my $sizes = $session->list or die 'LIST: ' . $session->message;
for my $number (sort { $a <=> $b } keys %$sizes) {
  defined $uids->{$number} or die "no UID for $number";
  my $lines = $session->get($number) or die "RETR $number: " . $session->message;
  open my $file, '>:raw', sprintf('%s/%05d', $folder, $number) or die $!;
  print $file @$lines or die $!;
  close $file or die $!;
  $what ne 'delete' || $session->delete($number) or die "DELE $number: " . $session->message;
}
$session->quit or die 'QUIT: ' . $session->message;
