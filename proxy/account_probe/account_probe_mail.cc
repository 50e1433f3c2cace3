// What is asked of the maildrop. Everything here only looks.
#include <algorithm>
#include <charconv>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proxy/account_probe/account_probe.h"
#include "proxy/account_probe/limits.h"
#include "proxy/pop3/reply.h"
#include "proxy/pop3/uidl_reader.h"

namespace poplar::account_probe {
namespace {

Finding Refused(std::string_view line, const ShownText& shown) {
  const auto reply = pop3::ParseReply(line);
  const pop3::ResponseCode code = reply ? reply->code : pop3::ResponseCode::kNone;
  if (code == pop3::ResponseCode::kSysTemp) return {Fault::kTemporary, shown(line)};
  if (code == pop3::ResponseCode::kSysPerm) return {Fault::kPermanent, shown(line)};
  return {Fault::kCommandRefused, shown(line)};
}

// The number that the text begins with, which is cut off, with one blank.
std::optional<uint64_t> TakeNumber(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

Finding Differ(std::string_view what, uint64_t there, uint64_t by_stat) {
  return {Fault::kCountsDiffer, std::string(what) + " has " + std::to_string(there) +
                                    " messages, STAT " + std::to_string(by_stat)};
}

// The message's bytes as they pass: how many, and their hash. The status line isn't the message's.
class PassingMessage {
 public:
  PassingMessage() { XXH64_reset(&state_, 0); }
  void Take(std::string_view piece) {
    if (!in_body_) {
      const size_t end = piece.find('\n');
      if (end == piece.npos) return;
      in_body_ = true;
      piece.remove_prefix(end + 1);
    }
    bytes_ += piece.size();
    XXH64_update(&state_, piece.data(), piece.size());
  }
  // Less the terminator.
  uint64_t bytes() const { return bytes_ >= 3 ? bytes_ - 3 : 0; }
  uint64_t hash() const { return XXH64_digest(&state_); }

 private:
  XXH64_state_t state_;
  uint64_t bytes_ = 0;
  bool in_body_ = false;
};

}  // namespace

io::Task<void> AccountProbe::Read() {
  bool good = co_await Stat();
  if (good) good = co_await List();
  if (good) good = co_await Uidl();
  if (good) co_await Message();
}

io::Task<bool> AccountProbe::Stat() {
  StepResult& step = Begin(Step::kStat);
  const auto line = co_await dialogue_.Ask("STAT");
  if (!line) co_return Fail(step, line.error());
  const auto reply = pop3::ParseReply(*line);
  if (!reply->ok) co_return Fail(step, Refused(*line, shown_));
  std::string_view rest = reply->text;
  report_.messages = TakeNumber(rest);
  report_.bytes = TakeNumber(rest);
  if (!report_.messages || !report_.bytes) {
    report_.messages.reset();
    co_return Fail(step, {Fault::kNonsense, "no two numbers: " + shown_(*line)});
  }
  co_return End(step, std::to_string(*report_.messages) + " messages, " +
                          std::to_string(*report_.bytes) + " bytes");
}

io::Task<bool> AccountProbe::List() {
  StepResult& step = Begin(Step::kList);
  const auto status = co_await dialogue_.AskForMore(
      "LIST", kListingBytesMax, [this](std::string_view piece) { sizes_.Feed(piece); });
  if (!status) co_return Fail(step, status.error());
  if (!status->starts_with('+')) co_return Fail(step, Refused(*status, shown_));
  if (!sizes_.valid())
    co_return Fail(step, {Fault::kNonsense, "no list of messages 1, 2, 3 ... with their sizes"});
  if (sizes_.count() != *report_.messages)
    step.findings.push_back(Differ("LIST", sizes_.count(), *report_.messages));
  std::string detail = std::to_string(sizes_.count()) + " messages";
  if (sizes_.smallest())
    detail += ", the smallest of " + std::to_string(sizes_.smallest()->bytes) + " bytes";
  co_return End(step, std::move(detail));
}

io::Task<bool> AccountProbe::Uidl() {
  StepResult& step = Begin(Step::kUidl);
  pop3::UidlReader ids(options_.id_key);
  const auto status = co_await dialogue_.AskForMore(
      "UIDL", kListingBytesMax, [&ids](std::string_view piece) { ids.Feed(piece); });
  if (!status) co_return Fail(step, status.error());
  if (!status->starts_with('+')) {
    // Optional in RFC 1939; reading a message doesn't need it.
    step.findings.push_back(Refused(*status, shown_));
    co_return End(step, "the server gives no unique ids");
  }
  if (!ids.valid())
    co_return Fail(step, {Fault::kNonsense, "no list of messages 1, 2, 3 ... with their ids"});
  std::vector<uint64_t> hashes = ids.Take();
  if (hashes.size() != *report_.messages)
    step.findings.push_back(Differ("UIDL", hashes.size(), *report_.messages));
  report_.ids = XXH64(hashes.data(), hashes.size() * sizeof(uint64_t), 0);
  std::sort(hashes.begin(), hashes.end());
  const auto unique = std::unique(hashes.begin(), hashes.end());
  const auto repeated = static_cast<size_t>(hashes.end() - unique);
  if (repeated > 0)
    step.findings.push_back(
        {Fault::kIdsRepeat, std::to_string(repeated) + " ids are those of other messages too"});
  co_return End(step, std::to_string(hashes.size()) + " unique ids");
}

bool AccountProbe::ChooseMessage(SizeListing::Message* chosen) {
  if (options_.message == MessageChoice::kNone) {
    Skip(Step::kMessage, "not wanted");
    return false;
  }
  const bool newest = options_.message == MessageChoice::kNewest;
  const auto& found = newest ? sizes_.newest() : sizes_.smallest();
  if (!found) {
    Skip(Step::kMessage, "there is none");
    return false;
  }
  // RFC 2449 section 6.7: such a server may delete what was read.
  const std::string_view expire = offered_ ? offered_->Line("EXPIRE") : std::string_view();
  if (expire.size() > 7 && expire.substr(7).starts_with("0")) {
    Skip(Step::kMessage, "the server says EXPIRE 0: it may delete what is read");
    return false;
  }
  if (found->bytes > options_.message_bytes_max) {
    Skip(Step::kMessage, std::string(newest ? "the newest" : "the smallest") + " has " +
                             std::to_string(found->bytes) + " bytes, and no more than " +
                             std::to_string(options_.message_bytes_max) + " are wanted");
    return false;
  }
  *chosen = *found;
  return true;
}

io::Task<bool> AccountProbe::Message() {
  SizeListing::Message chosen;
  if (!ChooseMessage(&chosen)) co_return true;
  StepResult& step = Begin(Step::kMessage);
  PassingMessage message;
  const auto status = co_await dialogue_.AskForMore(
      "RETR " + std::to_string(chosen.number), options_.message_bytes_max + kMessageSlackBytes,
      [&message](std::string_view piece) { message.Take(piece); });
  if (!status) co_return Fail(step, status.error());
  if (!status->starts_with('+')) co_return Fail(step, Refused(*status, shown_));
  report_.message_bytes = message.bytes();
  report_.message = message.hash();
  if (message.bytes() < chosen.bytes / 10 * 9)
    step.findings.push_back({Fault::kIncomplete, "LIST has it with " +
                                                     std::to_string(chosen.bytes) + " bytes, " +
                                                     std::to_string(message.bytes()) + " came"});
  co_return End(step, "message " + std::to_string(chosen.number) + ", " +
                          std::to_string(message.bytes()) + " bytes");
}

io::Task<void> AccountProbe::Quit() {
  StepResult& step = Begin(Step::kQuit);
  const auto line = co_await dialogue_.Ask("QUIT");
  if (!line) {
    Fail(step, line.error());
    co_return;
  }
  if (!line->starts_with('+')) step.findings.push_back(Refused(*line, shown_));
  End(step, shown_(*line));
}

}  // namespace poplar::account_probe
