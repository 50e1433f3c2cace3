#include "proxy/demo/mail_session.h"

#include <charconv>
#include <optional>

#include "proxy/demo/message_text.h"
#include "proxy/demo/service_model.h"
#include "proxy/io/deadline.h"
#include "proxy/pop3/limits.h"

namespace poplar::demo {
namespace {

using pop3::Verb;

// After the last reply: how long, and for how many bytes, the client may still talk before the
// connection is closed under it. Without it, what it pipelined behind QUIT would turn our close
// into a reset that can destroy the last reply on its way.
constexpr io::Duration kLingerTimeout = std::chrono::seconds(2);
constexpr size_t kLingerBytesMax = size_t{256} * 1024;

std::string_view TrimBlanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  text = TrimBlanks(text);
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string Octets(const Message& message) {
  return "+OK " + std::to_string(message.text->size()) + " octets\r\n";
}

}  // namespace

MailSession::MailSession(io::Proactor& proactor, MailStore& store, const MailNodeOptions& options,
                         MailNodeCounters& counters, io::Stream& stream)
    : proactor_(proactor),
      store_(store),
      options_(options),
      counters_(counters),
      stream_(stream),
      out_(proactor, stream, options.write_timeout),
      lines_(pop3::kCommandLineBytesMax) {}

io::Task<void> MailSession::Run() {
  const std::string greeting =
      options_.greeting.empty() ? options_.name + " ready" : options_.greeting;
  if (options_.service != nullptr) co_await options_.service->Answer();
  co_await out_.Append("+OK " + greeting + "\r\n");
  co_await out_.Flush();
  while (state_ != State::kEnded && !out_.failed()) {
    io::Result<io::Buffer> read = co_await Read();
    if (!read || read->empty()) break;
    lines_.Feed(read->bytes());
    co_await AnswerLines();
    read->Release();
    co_await out_.Flush();
  }
  maildrop_.reset();
  if (state_ == State::kEnded && !out_.failed()) co_await Linger();
}

// RFC 1939 section 3: the autologout closes without a word and without the UPDATE state.
io::Task<io::Result<io::Buffer>> MailSession::Read() {
  const bool logged_in = state_ == State::kTransaction;
  io::Deadline deadline(proactor_, logged_in ? options_.idle_timeout : options_.login_timeout,
                        stream_);
  co_return co_await stream_.Read();
}

io::Task<void> MailSession::AnswerLines() {
  std::string_view line;
  while (state_ != State::kEnded && !out_.failed()) {
    switch (lines_.Next(&line)) {
      case pop3::LineReader::Event::kNeedMore:
        co_return;
      case pop3::LineReader::Event::kTooLong:
        co_await BadCommand("-ERR Line too long\r\n");
        break;
      case pop3::LineReader::Event::kLine: {
        const pop3::Command command = pop3::ParseCommand(line);
        if (options_.service != nullptr) co_await options_.service->Answer();
        co_await Answer(command);
        break;
      }
    }
  }
}

// What both states know.
io::Task<void> MailSession::Answer(const pop3::Command& command) {
  switch (command.verb) {
    case Verb::kCapa:
      co_return co_await Capabilities();
    case Verb::kQuit:
      co_return co_await Quit();
    // Clients try these without having seen them in CAPA; that is no offence.
    case Verb::kAuth:
    case Verb::kApop:
    case Verb::kStls:
    case Verb::kUtf8:
    case Verb::kLang:
      co_return co_await out_.Append("-ERR Not supported\r\n");
    case Verb::kUnknown:
    case Verb::kMalformed:
      co_return co_await BadCommand("-ERR Unknown command\r\n");
    default:
      break;
  }
  if (state_ == State::kAuthorization) {
    co_await AnswerInAuthorization(command);
  } else {
    co_await AnswerInTransaction(command);
  }
}

io::Task<void> MailSession::AnswerInAuthorization(const pop3::Command& command) {
  switch (command.verb) {
    case Verb::kUser:
      co_return co_await User(command.argument);
    case Verb::kPass:
      co_return co_await Pass(command.argument);
    default:
      co_return co_await BadCommand("-ERR Log in first\r\n");
  }
}

io::Task<void> MailSession::AnswerInTransaction(const pop3::Command& command) {
  switch (command.verb) {
    case Verb::kStat:
      co_return co_await Stat();
    case Verb::kList:
    case Verb::kUidl:
      co_return co_await Listing(command);
    case Verb::kRetr:
      co_return co_await Retrieve(command.argument);
    case Verb::kTop:
      co_return co_await Top(command.argument);
    case Verb::kDele:
      co_return co_await Delete(command.argument);
    case Verb::kRset:
      co_return co_await Reset();
    case Verb::kNoop:
      co_return co_await out_.Append("+OK\r\n");
    case Verb::kLast:  // RFC 1460, gone since RFC 1725
      co_return co_await out_.Append("-ERR Not supported\r\n");
    default:
      co_return co_await BadCommand("-ERR Already logged in\r\n");
  }
}

io::Task<void> MailSession::User(std::string_view name) {
  if (name.empty() || name.size() > pop3::kUserBytesMax) {
    co_return co_await out_.Append("-ERR USER takes a name\r\n");
  }
  user_ = name;
  co_await out_.Append("+OK\r\n");  // the same for everybody: it doesn't tell who exists
}

io::Task<void> MailSession::Pass(std::string_view password) {
  if (user_.empty()) co_return co_await BadCommand("-ERR USER first\r\n");
  MailStore::Login login = store_.Open(user_, password, options_.exclusive_lock,
                                       options_.sees ? options_.sees(user_) : nullptr);
  user_.clear();
  switch (login.result) {
    case MailStore::LoginResult::kAccepted:
      ++counters_.logins;
      maildrop_ = std::move(login.maildrop);
      state_ = State::kTransaction;
      co_await out_.Append("+OK Logged in, " + std::to_string(maildrop_->count()) +
                           " messages\r\n");
      break;
    case MailStore::LoginResult::kInUse:
      co_await out_.Append("-ERR [IN-USE] The maildrop is locked by another session\r\n");
      break;
    case MailStore::LoginResult::kRefused:
      ++counters_.refused_logins;
      co_await out_.Append("-ERR [AUTH] Wrong user name or password\r\n");
      if (++failed_logins_ >= options_.failed_logins_max) state_ = State::kEnded;
      break;
  }
}

io::Task<void> MailSession::Capabilities() {
  co_await out_.Append(
      "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
      "IMPLEMENTATION Poplar-demo-" +
      options_.name + "\r\n.\r\n");
}

io::Task<void> MailSession::Quit() {
  uint32_t removed = 0;
  if (state_ == State::kTransaction) {
    removed = maildrop_->Commit();
    maildrop_.reset();  // RFC 1939 section 6: the lock goes before the reply
    counters_.committed_deletes += removed;
    ++counters_.quits;
  }
  state_ = State::kEnded;
  co_await out_.Append(removed == 0
                           ? std::string("+OK Bye\r\n")
                           : "+OK Bye, " + std::to_string(removed) + " messages deleted\r\n");
}

io::Task<void> MailSession::Stat() {
  co_await out_.Append("+OK " + std::to_string(maildrop_->count()) + " " +
                       std::to_string(maildrop_->bytes()) + "\r\n");
}

// LIST and UIDL.
io::Task<void> MailSession::Listing(const pop3::Command& command) {
  const auto line = [&command](uint64_t number, const Message& message) {
    return std::to_string(number) + " " +
           (command.verb == Verb::kUidl ? message.unique_id
                                        : std::to_string(message.text->size())) +
           "\r\n";
  };
  if (command.has_argument) {
    const std::optional<uint64_t> number = ParseNumber(command.argument);
    const Message* message = number ? maildrop_->Find(*number) : nullptr;
    if (message == nullptr) co_return co_await NoSuchMessage();
    co_return co_await out_.Append("+OK " + line(*number, *message));
  }
  co_await out_.Append("+OK " + std::to_string(maildrop_->count()) + " messages\r\n");
  for (uint32_t number = 1; number <= maildrop_->last() && !out_.failed(); ++number) {
    const Message* message = maildrop_->Find(number);
    if (message != nullptr) co_await out_.Append(line(number, *message));
  }
  co_await out_.Append(".\r\n");
}

io::Task<void> MailSession::Retrieve(std::string_view argument) {
  const std::optional<uint64_t> number = ParseNumber(argument);
  const Message* message = number ? maildrop_->Find(*number) : nullptr;
  if (message == nullptr) co_return co_await NoSuchMessage();
  if (options_.service != nullptr) {
    co_await out_.Flush();  // what is ready needn't wait for this one
    co_await options_.service->Message();
  }
  ++counters_.retrieved;
  co_await out_.Append(Octets(*message));
  co_await Stuffed(*message->text);
}

io::Task<void> MailSession::Top(std::string_view argument) {
  argument = TrimBlanks(argument);
  const size_t blank = argument.find(' ');
  const std::optional<uint64_t> number = ParseNumber(argument.substr(0, blank));
  const std::optional<uint64_t> body_lines =
      blank == std::string_view::npos ? std::nullopt : ParseNumber(argument.substr(blank));
  if (!body_lines) co_return co_await out_.Append("-ERR TOP takes a message and lines\r\n");
  const Message* message = number ? maildrop_->Find(*number) : nullptr;
  if (message == nullptr) co_return co_await NoSuchMessage();
  co_await out_.Append("+OK\r\n");
  co_await Stuffed(TopOf(*message->text, *body_lines));
}

io::Task<void> MailSession::Delete(std::string_view argument) {
  const std::optional<uint64_t> number = ParseNumber(argument);
  if (!number || !maildrop_->Delete(*number)) co_return co_await NoSuchMessage();
  co_await out_.Append("+OK Marked\r\n");
}

io::Task<void> MailSession::Reset() {
  maildrop_->Reset();
  co_await out_.Append("+OK\r\n");
}

io::Task<void> MailSession::BadCommand(std::string_view reply) {
  co_await out_.Append(reply);
  if (++bad_commands_ < options_.bad_commands_max) co_return;
  state_ = State::kEnded;
}

io::Task<void> MailSession::NoSuchMessage() { co_await out_.Append("-ERR No such message\r\n"); }

io::Task<void> MailSession::Stuffed(std::string_view text) {
  DotStuffer stuffer(text);
  std::string_view piece;
  while (!out_.failed() && stuffer.Next(&piece)) co_await out_.Append(piece);
  co_await out_.Append(".\r\n");
}

io::Task<void> MailSession::Linger() {
  io::Deadline deadline(proactor_, kLingerTimeout, stream_);
  const io::Result<> ended = co_await stream_.ShutdownWrite();
  size_t drained = 0;
  while (ended && drained < kLingerBytesMax) {
    const io::Result<io::Buffer> read = co_await stream_.Read();
    if (!read || read->empty()) break;
    drained += read->size();
  }
}

}  // namespace poplar::demo
