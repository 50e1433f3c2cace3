#include "proxy/account_probe/explain.h"

#include <array>
#include <optional>

namespace poplar::account_probe {
namespace {

struct Entry {
  Fault fault;
  std::string_view name;
  Explanation words;
};

constexpr std::array kEntries = {
    Entry{Fault::kNone, "none", {"Nothing is known of it.", "Try again."}},
    Entry{Fault::kNameUnknown,
          "name_unknown",
          {"The name is misspelt, or its record isn't in the DNS (yet).",
           "Compare the name with the provider's settings; ask with: dig NAME A, dig NAME AAAA."}},
    Entry{Fault::kNameServerSilent,
          "name_server_silent",
          {"No name server of this machine gives an answer, so nothing is known of the name.",
           "Look at /etc/resolv.conf and at the network of this machine; or name a server with "
           "--name-server."}},
    Entry{Fault::kServiceUnanswered,
          "service_unanswered",
          {"The question for the SRV record has failed; the host itself was found.",
           "Give the port (HOST:PORT) to do without the record, or mend the domain's name "
           "servers."}},
    Entry{Fault::kRefused,
          "refused",
          {"The machine is there, and nothing listens at this port.",
           "Start the server, or correct the port: 995 for TLS, 110 for STLS."}},
    Entry{Fault::kSilent,
          "silent",
          {"A firewall drops the connection, or the machine is down.",
           "Try from another network; let the port through in the firewall; look whether the "
           "machine is up."}},
    Entry{Fault::kUnreachable,
          "unreachable",
          {"This machine has no way to that address: no route, or no IPv6.",
           "Look at this machine's routes (ip route get ADDRESS), or take the address out of the "
           "DNS."}},
    Entry{Fault::kAddressFailed,
          "address_failed",
          {"The name has several addresses, and not all of them serve mail.",
           "Mend the server at that address, or take the address out of the DNS: clients that try "
           "it first wait."}},
    Entry{Fault::kLocal,
          "local",
          {"This machine itself can't do it.",
           "Look at what the system says of it: file descriptors, permissions, memory."}},
    Entry{Fault::kPlainPop3,
          "plain_pop3",
          {"The port speaks POP3 without TLS, and TLS was due from the first byte.",
           "Use port 995, or --stls if the server begins TLS with STLS (port 110)."}},
    Entry{Fault::kSpeaksTls,
          "speaks_tls",
          {"The port speaks TLS from the first byte.", "Leave out --stls and --plain."}},
    Entry{Fault::kSpeaksSsh,
          "speaks_ssh",
          {"An SSH server answers at this port.", "Correct the port: 995 for TLS, 110 for STLS."}},
    Entry{Fault::kSpeaksHttp,
          "speaks_http",
          {"A web server answers at this port, or a captive portal on the way.",
           "Correct the host and port; log in to the network if it asks for that."}},
    Entry{Fault::kSpeaksImap,
          "speaks_imap",
          {"An IMAP server answers at this port.",
           "POP3 has ports of its own: 995 for TLS, 110 for STLS."}},
    Entry{Fault::kSpeaksSmtp,
          "speaks_smtp",
          {"A server for sending mail (SMTP), or FTP, answers at this port.",
           "POP3 has ports of its own: 995 for TLS, 110 for STLS."}},
    Entry{Fault::kSpeaksOther,
          "speaks_other",
          {"What answers at this port is no POP3 server, or a broken one.",
           "Correct the host and port; look at what serves there."}},
    Entry{
        Fault::kTurnedAway,
        "turned_away",
        {"The server works and doesn't want this connection: too many from here, maintenance, or "
         "this address is blocked.",
         "Read its words above; look for this machine's address in the server's log and limits."}},
    Entry{Fault::kStlsRefused,
          "stls_refused",
          {"The server offers no STLS on this port, or its certificate isn't configured.",
           "Use port 995 without --stls, or switch TLS on in the server."}},
    Entry{Fault::kStlsInjection,
          "stls_injection",
          {"Somebody on the way puts words into the connection, or the server is broken.",
           "Don't log in over this network; try from another one, or port 995."}},
    Entry{Fault::kTlsVersion,
          "tls_version",
          {"The server speaks only TLS versions that are no longer safe (older than 1.2).",
           "Allow TLS 1.2 and 1.3 in the server (Dovecot: ssl_min_protocol = TLSv1.2)."}},
    Entry{Fault::kTlsCipher,
          "tls_cipher",
          {"The server has no cipher, curve or certificate in common with modern clients.",
           "Allow ECDHE with AES-GCM or ChaCha20 in the server, and a certificate of RSA 2048 or "
           "ECDSA P-256."}},
    Entry{Fault::kTlsAlpn,
          "tls_alpn",
          {"The server speaks TLS for another protocol than POP3.",
           "Correct the host and port: perhaps a web server answers there."}},
    Entry{Fault::kTlsWantsCertificate,
          "tls_wants_certificate",
          {"The server wants a certificate of the client, which a password doesn't replace.",
           "Make it optional in the server, or probe a listener that wants none."}},
    Entry{Fault::kTlsBroken,
          "tls_broken",
          {"The handshake broke off: the server's TLS is misconfigured, or something on the way "
           "meddles with it.",
           "Look at the server's log for this connection; try: openssl s_client -connect "
           "HOST:PORT."}},
    Entry{Fault::kExpired,
          "expired",
          {"The certificate wasn't renewed, or the server wasn't told of the new one; else this "
           "machine's clock is wrong.",
           "Renew the certificate and have the server load it; compare this machine's date."}},
    Entry{Fault::kNotYetValid,
          "not_yet_valid",
          {"The certificate's first day hasn't come: this machine's clock is slow, or the "
           "certificate was made for later.",
           "Compare this machine's date; show a certificate that is valid now."}},
    Entry{Fault::kWrongName,
          "wrong_name",
          {"The certificate is for other names than the one that was asked for.",
           "Use a name that it bears, give that with --server-name, or get a certificate for this "
           "name."}},
    Entry{Fault::kSelfSigned,
          "self_signed",
          {"The server has made its certificate itself, so that no authority vouches for it.",
           "Get one from an authority, or name this very certificate with --ca FILE."}},
    Entry{Fault::kIncompleteChain,
          "incomplete_chain",
          {"The server shows its own certificate alone, and whoever issued it isn't among the "
           "authorities: an intermediate one is missing, or the authority is a private one.",
           "Give the server the full chain (fullchain.pem); for a private authority name its "
           "certificate with --ca FILE."}},
    Entry{Fault::kUnknownAuthority,
          "unknown_authority",
          {"The chain ends at an authority that isn't trusted here.",
           "Name the authority's certificate with --ca FILE, or get a certificate from a public "
           "one."}},
    Entry{Fault::kUnacceptable,
          "unacceptable_certificate",
          {"The certificate can't be used for a mail server as it is.",
           "Get one that is made for servers (extended key usage: serverAuth)."}},
    Entry{Fault::kExpiresSoon,
          "expires_soon",
          {"The certificate runs out soon and wasn't renewed yet.",
           "See why the renewal hasn't run; have the server load the new one."}},
    Entry{Fault::kWrongCredential,
          "wrong_credential",
          {"The user name or the password is wrong, the account is locked, or the provider wants "
           "an app password for POP3.",
           "Try the name with and without its domain; type the password anew; see in the account's "
           "settings whether POP3 is switched on."}},
    Entry{
        Fault::kWrongToken,
        "wrong_token",
        {"The token has expired, is another user's, or lacks the scope for POP3.",
         "Get a fresh access token (not a refresh token) for this user, with the scope for POP."}},
    Entry{Fault::kNoTokenMechanism,
          "no_token_mechanism",
          {"The server takes no tokens: it offers neither XOAUTH2 nor OAUTHBEARER.",
           "Use a password, or switch one of them on in the server."}},
    Entry{Fault::kNeedsTls,
          "needs_tls",
          {"The server takes passwords over TLS only.",
           "Leave out --plain: use port 995, or --stls on port 110."}},
    Entry{Fault::kInUse,
          "in_use",
          {"Another session has the maildrop, which the server gives to one at a time.",
           "Wait until the other client is done; look for one that polls all the time or hangs."}},
    Entry{Fault::kLoginDelay,
          "login_delay",
          {"The account was asked too soon after the last time.",
           "Probe, and poll, less often than the server's LOGIN-DELAY."}},
    Entry{Fault::kUnwritable,
          "unwritable_credential",
          {"The user name, password or token has a character that POP3 can't carry.",
           "Look for line ends and control characters in the file that it came from."}},
    Entry{Fault::kTemporary,
          "temporary",
          {"The server has trouble of its own and says that it passes: storage, a directory, a "
           "node, or load.",
           "Try again in some minutes; look at the server's log."}},
    Entry{Fault::kPermanent,
          "permanent",
          {"The server has trouble of its own that doesn't pass by itself.",
           "Look at the server's log: the mailbox may be damaged or its place wrong."}},
    Entry{Fault::kCommandRefused,
          "command_refused",
          {"The server refuses a command that mail clients rely on.",
           "Read its words above; look at the server's log for this session."}},
    Entry{Fault::kNonsense,
          "nonsense",
          {"The answer breaks POP3's rules: the server, or something between, is broken.",
           "Look at the server's log; leave out what is on the way (virus scanners, proxies)."}},
    Entry{Fault::kTooMuch,
          "too_much",
          {"The answer is larger than it may be.",
           "Look at the mailbox; for a message see --message-bytes."}},
    Entry{Fault::kCountsDiffer,
          "counts_differ",
          {"The server contradicts itself about one session's mail: its index is damaged.",
           "Have the server rebuild the mailbox's index (Dovecot: doveadm force-resync)."}},
    Entry{Fault::kIdsRepeat,
          "ids_repeat",
          {"Messages share a unique id: clients that leave mail on the server miss some of it.",
           "Look at how the server makes its ids (Dovecot: pop3_uidl_format), and for copied "
           "mail."}},
    Entry{Fault::kIncomplete,
          "incomplete",
          {"The message is shorter than it is listed: cut off, or sizes from a stale cache.",
           "Read the message on the server; rebuild the mailbox's index."}},
    Entry{Fault::kClosed,
          "closed",
          {"The server hung up: it crashed, restarted, or something on the way cut in.",
           "Look at the server's log for this connection."}},
    Entry{Fault::kReset,
          "reset",
          {"The connection was cut hard: by a crash, a firewall, or a limit.",
           "Look at the server's log for this connection, and at firewalls on the way."}},
    Entry{Fault::kTimeout,
          "timeout",
          {"The server, or what it waits for, is too slow or stuck.",
           "Look at the server's load and log; a longer --timeout shows whether it ends at all."}},
    Entry{Fault::kSlow,
          "slow",
          {"All of it works, and takes longer than it should.",
           "See which step takes the time; look at that part of the server, or allow more with "
           "--warning and --critical."}},
};

// What the same fault means in a certain step.
std::optional<Explanation> InThisStep(Step step, Fault fault, Security security) {
  if (step == Step::kGreeting && fault == Fault::kTimeout && security != Security::kTls)
    return Explanation{
        "The port takes the connection and says nothing: perhaps it waits for TLS from the first "
        "byte.",
        "Try without --stls and --plain (port 995); else look at the server's load and log."};
  if (step == Step::kGreeting && (fault == Fault::kClosed || fault == Fault::kReset))
    return Explanation{
        "The server hangs up before it says a word: this address is blocked (fail2ban, access "
        "lists), it has too many connections, or it wants a PROXY header first.",
        "Look for this machine's address in the server's log, its limits and its firewall."};
  if (step == Step::kTls && fault == Fault::kClosed)
    return Explanation{
        "The server hangs up in the handshake: it has no TLS at this port, no certificate for this "
        "name, or blocks this address.",
        "Look at the server's log; try --server-name with the name of its certificate, or --stls."};
  if (step == Step::kTls && fault == Fault::kTimeout)
    return Explanation{"The port takes the connection and doesn't answer TLS.",
                       "Look at what listens there; if it is a server for STLS, use --stls."};
  if (step == Step::kLogin && fault == Fault::kTimeout)
    return Explanation{
        "The login hangs: the directory of users or the storage behind the server doesn't answer, "
        "or wrong passwords from here are slowed down.",
        "Look at the server's authentication log; wait some minutes if passwords were tried."};
  if (step == Step::kLogin && (fault == Fault::kClosed || fault == Fault::kReset))
    return Explanation{
        "The server hangs up in the login: too many failed ones, or its login process crashed.",
        "Look at the server's authentication log; wait some minutes if passwords were tried."};
  if (step == Step::kQuit)
    return Explanation{"All was read; only the goodbye went wrong.",
                       "Look at the server's log: with QUIT a client's deletes take effect, and "
                       "they would be lost here."};
  return std::nullopt;
}

const Entry& EntryOf(Fault fault) { return kEntries[static_cast<size_t>(fault)]; }

static_assert(kEntries.size() == static_cast<size_t>(Fault::kSlow) + 1, "each fault has its words");
static_assert([] {
  for (size_t i = 0; i < kEntries.size(); ++i) {
    if (kEntries[i].fault != static_cast<Fault>(i)) return false;
  }
  return true;
}());

}  // namespace

Explanation Explain(Step step, Fault fault, Security security) {
  if (const auto special = InThisStep(step, fault, security)) return *special;
  return EntryOf(fault).words;
}

std::string_view Name(Fault fault) { return EntryOf(fault).name; }

}  // namespace poplar::account_probe
