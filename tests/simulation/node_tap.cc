#include "tests/simulation/node_tap.h"

#include <algorithm>
#include <utility>

namespace poplar::simulation {
namespace {

// The demo node's word at the end of a session.
bool EndsWithGoodbye(std::string_view bytes) {
  if (!bytes.ends_with("\r\n")) return false;
  bytes.remove_suffix(2);
  const size_t before = bytes.rfind("\r\n");
  return bytes.substr(before == bytes.npos ? 0 : before + 2).starts_with("+OK Bye");
}

bool EndsWithWholeAnswer(std::string_view bytes) {
  const bool one_line = bytes.find("\r\n") == bytes.size() - 2;
  return bytes.ends_with("\r\n.\r\n") || (one_line && !bytes.starts_with("."));
}

// "+OK a" CRLF "+OK b" CRLF and nothing else.
bool HoldsTwoAnswers(std::string_view bytes) {
  const size_t first = bytes.find("\r\n");
  if (first == bytes.npos || !bytes.ends_with("\r\n")) return false;
  const std::string_view second = bytes.substr(first + 2);
  return second.find("\r\n") == second.size() - 2 && second.starts_with("+OK") &&
         bytes.starts_with("+OK") && bytes.substr(0, first + 2) != second;
}

}  // namespace

NodeTap::NodeTap(SimProactor& proactor, const io::Accepted& accepted, SessionLedger& ledger,
                 NodeSessions& sessions, const NodeTrouble& trouble, const Plan& plan)
    : proactor_(proactor),
      socket_(accepted.socket),
      peer_(accepted.peer),
      stream_(proactor, accepted.socket),
      ledger_(ledger),
      sessions_(sessions),
      trouble_(trouble),
      plan_(plan),
      death_(
          proactor.timers(), [](void* context) { static_cast<NodeTap*>(context)->stream_.Abort(); },
          this) {}

NodeTap::~NodeTap() {
  if (session_ != nullptr) sessions_.OnEnd(*session_);
}

// --- what comes from Poplar

io::Task<io::Result<io::Buffer>> NodeTap::Read() {
  if (delete_due_ && line_.empty()) {
    delete_due_ = false;
    swallow_next_ = true;
    co_return co_await Inject("DELE 1\r\n");
  }
  while (whole_lines_.empty()) {
    if (lines_.empty()) {
      io::Result<io::Buffer> read = co_await stream_.Read();
      const bool gone = !read || read->empty();
      if (gone && plan_.mistake == SessionMistake::kQuitsByItself && accepted_ && !quit_seen_) {
        OnBytes("QUIT\r\n");
        PassLinesOn();
        break;
      }
      if (gone) co_return read;
      OnBytes(read->bytes());
    }
    PassLinesOn();
    if (ClosesNow()) {
      stream_.Abort();
      co_return io::Fail(ECONNRESET);
    }
    if (plan_.mistake == SessionMistake::kClaimsQuit && quit_seen_ && session_ != nullptr) {
      sessions_.OnGoodbye(*session_);
      const io::Result<> said = co_await stream_.Write("+OK Bye\r\n");
      if (said) co_await stream_.ShutdownWrite();
      co_return io::Fail(ECONNRESET);
    }
  }
  io::Buffer buffer = co_await proactor_.buffers().Take(io::BufferUse::kSend);
  const size_t n = std::min(buffer.room().size(), whole_lines_.size());
  buffer.Append(std::string_view(whole_lines_).substr(0, n));
  whole_lines_.erase(0, n);
  co_return buffer;
}

io::Task<io::Buffer> NodeTap::Inject(std::string_view line) {
  io::Buffer buffer = co_await proactor_.buffers().Take(io::BufferUse::kSend);
  buffer.Append(line);
  co_return buffer;
}

bool NodeTap::ClosesNow() const {
  return (pass_seen_ && plan_.fault == NodeFault::kClosesAtPass) ||
         (quit_seen_ && plan_.fault == NodeFault::kClosesAtQuit);
}

void NodeTap::OnBytes(std::string_view bytes) {
  if (session_ != nullptr) sessions_.OnTraffic(*session_);
  for (const char c : bytes) {
    line_ += c;
    if (c != '\n') continue;
    lines_.push_back(std::exchange(line_, {}));
  }
}

// Until the login one at a time: so each answer is known for the one that it is.
void NodeTap::PassLinesOn() {
  while (!lines_.empty()) {
    whole_lines_ += OnLine(lines_.front());
    lines_.pop_front();
    if (!accepted_) return;
  }
}

// Returns what the mail session gets. What the node has trouble with it is made to refuse: a
// password becomes a wrong one, any other command a LAST.
std::string NodeTap::OnLine(const std::string& bytes) {
  const std::string_view line =
      std::string_view(bytes).substr(0, bytes.find_last_not_of("\r\n") + 1);
  if (!plan_.probe) Note("hears " + std::string(line));
  if (!accepted_) {
    if (line.starts_with("USER ")) name_ = line.substr(5);
    if (!line.starts_with("PASS ")) return bytes;
    pass_seen_ = true;
    in_trouble_ = trouble_.logins;
    return in_trouble_ ? "PASS ~\r\n" : bytes;
  }
  if (session_ == nullptr) return bytes;
  if (const uint32_t tag = Question::TagOf(line); tag != 0) OnTag(tag);
  const bool troubled = trouble_.commands > 0 && ++commands_ % trouble_.commands == 0 &&
                        line != "QUIT" && line != "RSET";
  if (troubled || line == "LAST") refusals_.push_back(troubled);
  if (troubled) return "LAST\r\n";
  OnCommand(line);
  return bytes;
}

void NodeTap::Note(const std::string& text) const {
  proactor_.world().log().Note(proactor_.world().Now(), proactor_.actor(),
                               "#" + std::to_string(static_cast<int>(socket_)) + " " + text);
}

void NodeTap::OnCommand(std::string_view line) {
  if (line.starts_with("DELE ")) {
    const size_t number = std::stoul(std::string(line.substr(5)));
    if (number > 0 && number <= view_->size()) marked_.insert((*view_)[number - 1].unique_id);
  }
  if (line == "RSET") marked_.clear();
  if (quit_seen_ || line != "QUIT") return;
  quit_seen_ = true;
  sessions_.OnQuit(*session_, marked_);
}

void NodeTap::OnTag(size_t number) {
  const bool reused = session_->attempt != 0;
  sessions_.OnTag(*session_, number);
  delete_due_ |= reused && plan_.mistake == SessionMistake::kParksWithDelete;
}

// --- what goes to Poplar

io::Task<io::Result<>> NodeTap::Write(std::string_view bytes) {
  if (!std::exchange(greeted_, true)) co_return co_await Greet(bytes);
  if (pass_seen_ && !accepted_) co_return co_await AnswerPass(bytes);
  if (silent_) co_return io::Result<>();
  if (std::exchange(swallow_next_, false)) co_return io::Result<>();
  if (!accepted_ || plan_.probe) co_return co_await stream_.Write(bytes);
  co_return co_await WriteInSession(bytes);
}

io::Task<io::Result<>> NodeTap::AnswerPass(std::string_view bytes) {
  pass_seen_ = false;
  if (bytes.starts_with("+OK")) {
    accepted_ = true;
    OnAccepted();
    if (silent_) co_return io::Result<>();
    if (session_ != nullptr) co_return co_await WriteInSession(bytes);
  } else if (std::exchange(in_trouble_, false)) {
    bytes = "-ERR [SYS/TEMP] No storage\r\n";
  }
  if (silent_) co_return io::Result<>();
  co_return co_await stream_.Write(bytes);
}

void NodeTap::OnAccepted() {
  const std::optional<size_t> user = ledger_.mail().UserCalled(name_);
  if (!user) return;
  session_ = &sessions_.OnAccepted(*user, name_, {plan_.node, plan_.at, peer_});
  view_ = plan_.view->Look(name_, proactor_.Now());
  if (plan_.fault == NodeFault::kDiesLater) death_.Arm(proactor_.Now() + plan_.later);
}

io::Task<io::Result<>> NodeTap::WriteInSession(std::string_view bytes) {
  if (quit_seen_ && EndsWithGoodbye(bytes)) {
    plan_.view->Forget(name_);
    if (plan_.fault == NodeFault::kCommitsInSilence) co_return Die();
    sessions_.OnGoodbye(*session_);
  }
  sessions_.OnTraffic(*session_);
  std::string troubled;
  if (!refusals_.empty()) bytes = troubled = WithTrouble(bytes);
  const size_t before = std::exchange(said_, said_ + bytes.size());
  if (said_ <= plan_.after) co_return co_await stream_.Write(bytes);
  const size_t at = plan_.after - std::min(plan_.after, before);
  if (plan_.mistake != SessionMistake::kNone) co_return co_await WriteWithMistake(bytes);
  if (plan_.fault == NodeFault::kClosesInAnswer || plan_.fault == NodeFault::kResetsInAnswer ||
      plan_.fault == NodeFault::kFallsSilent) {
    const io::Result<> part = co_await stream_.Write(bytes.substr(0, at));
    if (part && plan_.fault == NodeFault::kFallsSilent) {
      silent_ = true;
      co_return part;
    }
    co_return Die();
  }
  co_return co_await WriteWithFault(bytes);
}

// Puts trouble where the mail session refuses what was spoilt.
std::string NodeTap::WithTrouble(std::string_view bytes) {
  constexpr std::string_view kRefusal = "-ERR Not supported\r\n";
  std::string said;
  while (!refusals_.empty()) {
    const size_t at = bytes.find(kRefusal);
    if (at == bytes.npos) break;
    said += bytes.substr(0, at);
    bytes.remove_prefix(at + kRefusal.size());
    if (refusals_.front()) ledger_.OnTrouble(session_->user);
    said += refusals_.front() ? "-ERR [SYS/TEMP] No storage\r\n" : kRefusal;
    refusals_.pop_front();
  }
  return said.append(bytes);
}

io::Task<io::Result<>> NodeTap::Greet(std::string_view bytes) {
  switch (plan_.fault) {
    case NodeFault::kGreetsError:
      bytes = "-ERR too busy\r\n";
      break;
    case NodeFault::kGreetsGarbage:
      bytes = "SSH-2.0-OpenSSH_9.2\r\n";
      break;
    case NodeFault::kGreetsNever:
      silent_ = true;
      co_return io::Result<>();
    default:
      break;
  }
  co_return co_await stream_.Write(bytes);
}

io::Task<io::Result<>> NodeTap::WriteWithFault(std::string_view bytes) {
  if (plan_.fault == NodeFault::kAnswersTwice && EndsWithWholeAnswer(bytes)) {
    plan_.fault = NodeFault::kNone;
    Lie();
    const io::Result<> first = co_await stream_.Write(bytes);
    if (!first) co_return first;
    co_return co_await stream_.Write("+OK once more\r\n");
  }
  if (plan_.fault == NodeFault::kAnswersEndlessly &&
      bytes.substr(0, bytes.find("\r\n")).ends_with(" octets")) {
    co_return co_await SayEndlessly();
  }
  co_return co_await stream_.Write(bytes);
}

io::Task<io::Result<>> NodeTap::SayEndlessly() {
  Lie();
  io::Result<> said = co_await stream_.Write("+OK a long one\r\n");
  const std::string line = std::string(500, 'x') + "\r\n..\r\n";
  while (said) said = co_await stream_.Write(line);
  co_return said;
}

io::Task<io::Result<>> NodeTap::WriteWithMistake(std::string_view bytes) {
  constexpr std::string_view kRetrieved = " octets\r\n";
  const size_t status = bytes.find(kRetrieved);
  const size_t message = status == bytes.npos ? bytes.size() : status + kRetrieved.size();
  const size_t middle = message + (bytes.size() - message) / 2;
  std::string changed(bytes);
  switch (plan_.mistake) {
    case SessionMistake::kFlipsByte:
      if (middle < bytes.size()) changed[middle] = static_cast<char>(changed[middle] ^ 1);
      break;
    case SessionMistake::kEndsHalfMessage: {
      if (middle == bytes.size()) break;
      const io::Result<> part = co_await stream_.Write(changed.substr(0, middle) + "\r\n.\r\n");
      co_return part ? Die() : part;
    }
    case SessionMistake::kSwapsAnswers:
      if (HoldsTwoAnswers(bytes)) {
        const size_t first = bytes.find("\r\n") + 2;
        changed = std::string(bytes.substr(first)) + std::string(bytes.substr(0, first));
      }
      break;
    default:
      break;
  }
  co_return co_await stream_.Write(changed);
}

void NodeTap::Lie() { ledger_.LieTo(session_->user); }

io::Result<> NodeTap::Die() {
  if (plan_.fault == NodeFault::kResetsInAnswer) {
    proactor_.Reset(socket_);
  } else {
    stream_.Abort();
  }
  return io::Fail(ECONNRESET);
}

io::Task<io::Result<>> NodeTap::ShutdownWrite() {
  if (silent_) co_return io::Result<>();
  co_return co_await stream_.ShutdownWrite();
}

}  // namespace poplar::simulation
