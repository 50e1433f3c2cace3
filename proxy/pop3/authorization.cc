#include "proxy/pop3/authorization.h"

#include <cassert>

#include "proxy/pop3/limits.h"
#include "proxy/pop3/reply.h"

namespace poplar::pop3 {
namespace {

using Step = Authorization::Step;

Step Say(std::string_view reply) { return {Step::Kind::kReply, reply, EndCause::kNone}; }

}  // namespace

Step Authorization::OnLine(std::string_view line) {
  assert(!login_under_way_ && !ended_);
  const Command command = ParseCommand(line);
  switch (command.verb) {
    case Verb::kUser:
      return OnUser(command);
    case Verb::kPass:
      return OnPass(command);
    case Verb::kCapa:
      return Say(policy_.capa_reply);
    case Verb::kNoop:
      return Say(kReplyNoop);
    case Verb::kQuit:
      ended_ = true;
      return {.kind = Step::Kind::kReplyAndEnd, .reply = kReplyQuit, .cause = EndCause::kQuit};
    // Clients try these unasked, advertised or not, and go on with USER: an answer at once, no
    // count.
    case Verb::kAuth:
    case Verb::kApop:
      return Say(kReplyMechanismUnavailable);
    case Verb::kStls:
      return Say(kReplyStlsUnavailable);
    case Verb::kUtf8:
    case Verb::kLang:
      return Say(kReplyNotSupported);
    case Verb::kStat:
    case Verb::kList:
    case Verb::kUidl:
    case Verb::kRetr:
    case Verb::kTop:
    case Verb::kDele:
    case Verb::kRset:
    case Verb::kLast:
      return BadCommand(kReplyNotLoggedIn);
    case Verb::kUnknown:
    case Verb::kMalformed:
      break;
  }
  return BadCommand(kReplyBadCommand);
}

Step Authorization::OnLineTooLong() {
  assert(!login_under_way_ && !ended_);
  return BadCommand(kReplyLineTooLong);
}

Step Authorization::OnLoginRefused() {
  OnLoginUnavailable();
  if (++failed_logins_ < policy_.failed_logins_max) return Say({});
  ended_ = true;
  return {Step::Kind::kReplyAndEnd, {}, EndCause::kTooManyFailedLogins};
}

void Authorization::OnLoginUnavailable() {
  assert(login_under_way_);
  login_under_way_ = false;
  ForgetCredential();
}

Step Authorization::OnUser(const Command& command) {
  if (!policy_.login_allowed) return Say(kReplyLoginNeedsTls);
  if (!command.has_argument || command.argument.size() > kUserBytesMax) {
    return BadCommand(kReplyBadArgument);
  }
  user_ = command.argument;
  return Say(kReplyUserAccepted);
}

// An empty password is refused here: many a directory takes it for an anonymous bind and says yes.
Step Authorization::OnPass(const Command& command) {
  if (!policy_.login_allowed) return Say(kReplyLoginNeedsTls);
  if (user_.empty()) return BadCommand(kReplyUserFirst);
  if (command.argument.empty()) return BadCommand(kReplyBadArgument);
  password_ = Secret(command.argument);
  login_under_way_ = true;
  return {Step::Kind::kLogin, {}, EndCause::kNone};
}

Step Authorization::BadCommand(std::string_view reply) {
  if (++bad_commands_ < policy_.bad_commands_max) return Say(reply);
  ended_ = true;
  return {.kind = Step::Kind::kReplyAndEnd,
          .reply = kReplyTooManyBadCommands,
          .cause = EndCause::kTooManyBadCommands};
}

void Authorization::ForgetCredential() {
  user_.clear();
  password_.Clear();
}

}  // namespace poplar::pop3
