#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace poplar::pop3 {

// RFC 2449 section 8 and RFC 3206.
enum class ResponseCode : uint8_t {
  kNone,
  kInUse,
  kLoginDelay,
  kAuth,
  kSysTemp,
  kSysPerm,
  kOther,
};

// A status line taken apart. `text` points into the line: what is behind the status and its code.
struct Reply {
  bool ok = false;
  ResponseCode code = ResponseCode::kNone;
  std::string_view text;
};

// `line` comes without its line end. Nothing when it isn't a status line: that begins with "+OK",
// or is
// "-ERR" alone or followed by a blank, in upper case (RFC 1939 section 3).
std::optional<Reply> ParseReply(std::string_view line);

// What Poplar itself says. Temporary trouble keeps to words on which fetchmail tries again
// ("Service ... unavailable", "wait"), and nothing else may hold them. No <...@...>: clients take
// it for an APOP stamp.
inline constexpr std::string_view kGreeting = "+OK Poplar POP3 ready\r\n";
// To other proxies only, in the place where Dovecot's look for it.
inline constexpr std::string_view kGreetingXclient = "+OK [XCLIENT] Poplar POP3 ready\r\n";
inline constexpr std::string_view kReplyXclient = "+OK Updated\r\n";
inline constexpr std::string_view kReplyLoop =
    "-ERR [SYS/PERM] The connection has come through too many proxies\r\n";
inline constexpr std::string_view kReplyUserAccepted = "+OK Send the password\r\n";
inline constexpr std::string_view kReplyBeginTls = "+OK Begin TLS negotiation\r\n";
inline constexpr std::string_view kReplyUtf8 = "+OK UTF8 enabled\r\n";
// RFC 6856 section 3: the languages that can be asked for before the node is known.
inline constexpr std::string_view kReplyLanguages = "+OK\r\ni-default The node's own\r\n.\r\n";
inline constexpr std::string_view kReplyLanguageSet = "+OK The node will be asked for it\r\n";
inline constexpr std::string_view kReplyNoop = "+OK\r\n";
inline constexpr std::string_view kReplyQuit = "+OK Goodbye\r\n";
inline constexpr std::string_view kReplyTemporary =
    "-ERR [SYS/TEMP] Service temporarily unavailable, please wait\r\n";
// To the next command of a session whose node is gone; pending deletes are void then.
inline constexpr std::string_view kReplyNodeLost =
    "-ERR [SYS/TEMP] Service temporarily unavailable, please wait and reconnect\r\n";
// At a command boundary when Poplar stops.
inline constexpr std::string_view kReplyDraining =
    "-ERR [SYS/TEMP] Service temporarily unavailable, shutting down, please wait\r\n";
// Likewise, when the user's mail has moved to other nodes.
inline constexpr std::string_view kReplyMoved =
    "-ERR [SYS/TEMP] Service temporarily unavailable, mailbox is moving, please wait\r\n";
// Likewise, when an operator has ended the session.
inline constexpr std::string_view kReplyKicked =
    "-ERR [SYS/TEMP] Service temporarily unavailable, session ended by the operator, please "
    "wait\r\n";
inline constexpr std::string_view kReplyLoginRefused = "-ERR [AUTH] Authentication failed\r\n";
inline constexpr std::string_view kReplyLoggedIn = "+OK Logged in\r\n";
// Of a message that has vanished from the maildrop, or never was in it.
// RFC 1939 section 6: to QUIT.
inline constexpr std::string_view kReplyMarksMissed =
    "-ERR Some deleted messages may not have been removed\r\n";
inline constexpr std::string_view kReplyNoSuchMessage = "-ERR No such message\r\n";
// RFC 2449 section 8.1.1: the credential may be right, but the user has too many sessions.
inline constexpr std::string_view kReplyInUse = "-ERR [IN-USE] Too many sessions of this user\r\n";
// To DELE where the operator keeps all mail: for clients that can't bear a no, which come to hear
// it at their QUIT (kReplyMarksMissed), and for all others.
inline constexpr std::string_view kReplyDeleteKept = "+OK Message stays on the server\r\n";
inline constexpr std::string_view kReplyDeletesDenied = "-ERR Messages may not be deleted here\r\n";
// To a login whose address has too many others that wait for what their wrong passwords have cost.
inline constexpr std::string_view kReplyTooManyGuesses =
    "-ERR [SYS/TEMP] Service temporarily unavailable after too many failed logins, please wait\r\n";
inline constexpr std::string_view kReplyBadCommand = "-ERR Unknown command\r\n";
inline constexpr std::string_view kReplyBadArgument = "-ERR Invalid argument\r\n";
inline constexpr std::string_view kReplyLineTooLong = "-ERR Line too long\r\n";
inline constexpr std::string_view kReplyTooManyBadCommands = "-ERR Too many bad commands\r\n";
inline constexpr std::string_view kReplyUserFirst = "-ERR Send USER first\r\n";
inline constexpr std::string_view kReplyNotLoggedIn = "-ERR Log in first\r\n";
inline constexpr std::string_view kReplyAlreadyLoggedIn = "-ERR Already logged in\r\n";
inline constexpr std::string_view kReplyLoginNeedsTls = "-ERR Login is only allowed over TLS\r\n";
inline constexpr std::string_view kReplyMechanismUnavailable =
    "-ERR Authentication mechanism not supported\r\n";
inline constexpr std::string_view kReplyStlsUnavailable =
    "-ERR STLS is not available on this connection\r\n";
// RFC 5034 section 4: to "*", and to what is no base64 or not the mechanism's message.
inline constexpr std::string_view kReplySaslCancelled = "-ERR Authentication cancelled\r\n";
inline constexpr std::string_view kReplySaslMalformed = "-ERR Invalid authentication data\r\n";
inline constexpr std::string_view kReplyNotSupported = "-ERR Not supported\r\n";

// All of the above that clients may see, for the test that holds them to RFC 1939 and to what
// clients make of them.
inline constexpr std::array kOwnReplies = {
    kGreeting,
    kReplyXclient,
    kReplyLoop,
    kReplyUserAccepted,
    kReplyBeginTls,
    kReplyUtf8,
    kReplyLanguageSet,
    kReplyNoop,
    kReplyQuit,
    kReplyTemporary,
    kReplyNodeLost,
    kReplyDraining,
    kReplyMoved,
    kReplyKicked,
    kReplyLoginRefused,
    kReplyLoggedIn,
    kReplyInUse,
    kReplyNoSuchMessage,
    kReplyDeletesDenied,
    kReplyTooManyGuesses,
    kReplyDeleteKept,
    kReplyMarksMissed,
    kReplyBadCommand,
    kReplyBadArgument,
    kReplyLineTooLong,
    kReplyUserFirst,
    kReplyTooManyBadCommands,
    kReplyNotLoggedIn,
    kReplyAlreadyLoggedIn,
    kReplyLoginNeedsTls,
    kReplyMechanismUnavailable,
    kReplySaslCancelled,
    kReplySaslMalformed,
    kReplyNotSupported,
    kReplyStlsUnavailable,
};

}  // namespace poplar::pop3
