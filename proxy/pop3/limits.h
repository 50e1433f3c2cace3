#pragma once

#include <cstddef>

// Every bound on what a stranger can make the protocol code hold, in one place.
namespace poplar::pop3 {

// Bytes of a client's command line, its line end included. RFC 2449 section 4 says 255; generated
// passwords and tokens are longer than that.
inline constexpr size_t kCommandLineBytesMax = 1024;

// Bytes of a line within SASL, and of AUTH with its initial response, its line end included: tokens
// are long. RFC 5034 section 4 wants 12 KiB at least.
inline constexpr size_t kSaslLineBytesMax = size_t{16} * 1024;

// Bytes of a node's status line, its line end included. RFC 1939 section 3 says 512; nodes echo
// long user names and referrals, so twice that is taken before the node counts as broken.
inline constexpr size_t kReplyLineBytesMax = 1024;

// Bytes of an AUTH line with its initial response, CRLF included, that a node is sent: RFC 5034
// section 4 (RFC 2449's limit of a command).
inline constexpr size_t kAuthLineBytesMax = 255;

// Questions of a node's within one AUTH that a client is asked. SCRAM has two, a refused token one.
inline constexpr int kSaslQuestionsMax = 4;

// Bytes of a node's whole CAPA reply: the only multi-line reply that is ever held in memory.
inline constexpr size_t kCapaReplyBytesMax = size_t{8} * 1024;

// Commands relayed to a node and not yet answered, per session. mpop keeps up to 100 in flight.
inline constexpr size_t kCommandsInFlightMax = 256;

// Messages of a maildrop that a session can be resumed with: 8 bytes each, so at most 1.6 MB a
// session, and only for users who have that many. A session with more ends with its node.
inline constexpr size_t kViewMessagesMax = 200'000;

// Bytes of a line of a LIST or UIDL answer, its line end included: RFC 1939 section 7 lets a unique
// id have 70.
inline constexpr size_t kListingLineBytesMax = 512;

// Bytes of a line that Poplar writes itself, CRLF included: RFC 1939 section 3.
inline constexpr size_t kOwnLineBytesMax = 512;

// Bytes of a CAPA line that Poplar writes itself, CRLF excluded: fetchmail reads them into 64
// bytes.
inline constexpr size_t kCapaLineBytesMax = 62;

// Bytes of a status line that are kept for the log and for its response code, per session.
inline constexpr size_t kStatusPrefixBytes = 64;

// Bytes of a user name: the longest address that RFC 5321 section 4.5.3.1 lets exist is 254.
inline constexpr size_t kUserBytesMax = 255;

// Of a dialogue's transcript. Bytes of one line that are shown, before they are escaped.
inline constexpr size_t kTranscriptLineBytesMax = 512;
// Lines of a listing that are shown; the others are counted.
inline constexpr size_t kTranscriptListingLinesMax = 32;
// Commands without an answer that are kept count of: what Poplar reads at once, and more in flight
// than it has. A dialogue with more isn't understood from there on.
inline constexpr size_t kTranscriptCommandsMax = 1024;
// Bytes of what isn't shown that are remembered, until it is answered.
inline constexpr size_t kTranscriptHiddenBytesMax = size_t{64} * 1024;

// A keyword nobody knows is relayed in opaque mode only if it looks like one: letters and digits,
// this many. RFC 1939 has 3 or 4; extensions such as XCLIENT are longer; an HTTP header or a TLS
// record is no keyword.
inline constexpr size_t kKeywordBytesMin = 3;
inline constexpr size_t kKeywordBytesMax = 16;

static_assert(kCommandLineBytesMax >= 255, "RFC 2449 section 4: clients may send 255 bytes");
static_assert(kSaslLineBytesMax >= 12288, "RFC 5034 section 4");
static_assert(kReplyLineBytesMax >= 512, "RFC 1939 section 3: nodes may send 512 bytes");
static_assert(kTranscriptCommandsMax > kCommandsInFlightMax);
static_assert(kTranscriptHiddenBytesMax >= 2 * kSaslLineBytesMax);
static_assert(kCapaReplyBytesMax > kReplyLineBytesMax);
static_assert(kCapaLineBytesMax + 2 <= 64, "fetchmail's buffer, with its CRLF");
static_assert(kOwnLineBytesMax <= 512, "RFC 1939 section 3");
static_assert(kStatusPrefixBytes >= sizeof("-ERR [LOGIN-DELAY]"),
              "response codes must survive the cut");
static_assert(kUserBytesMax + sizeof("USER \r\n") <= kCommandLineBytesMax);

}  // namespace poplar::pop3
