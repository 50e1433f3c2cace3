#include "tests/simulation/client_view.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace poplar::simulation {
namespace {

using Kind = Question::Kind;

constexpr std::string_view kCrlf = "\r\n";
constexpr std::string_view kVanishes = "a message is missing that nobody took away";

// Splits at the first blank; both are 0 if it isn't a number there.
std::string_view TakeNumber(std::string_view line, uint64_t* number) {
  const auto parsed = std::from_chars(line.data(), line.data() + line.size(), *number);
  if (parsed.ec != std::errc()) *number = 0;
  line.remove_prefix(static_cast<size_t>(parsed.ptr - line.data()));
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

std::string_view BehindOk(std::string_view status) {
  constexpr std::string_view kOk = "+OK ";
  return status.starts_with(kOk) ? status.substr(kOk.size()) : std::string_view();
}

// Whether some of these sizes, none of them twice, add up to `octets`, `count` of them.
bool SomeAddUpTo(const std::vector<uint64_t>& sizes, size_t from, uint64_t count, uint64_t octets) {
  if (count == 0) return octets == 0;
  for (size_t i = from; i + count <= sizes.size(); ++i) {
    if (sizes[i] <= octets && SomeAddUpTo(sizes, i + 1, count - 1, octets - sizes[i])) return true;
  }
  return false;
}

}  // namespace

std::string_view ClientView::Judge(const Question& question, std::string_view status,
                                   std::string_view body) {
  const bool ok = status.starts_with("+OK");
  switch (question.kind) {
    case Kind::kStat:
      return ok ? JudgeStat(status) : "no STAT";
    case Kind::kList:
    case Kind::kUidl:
      return ok ? JudgeListing(question, body) : "no listing";
    case Kind::kDele:
      // Its own QUIT, behind it on the way, may have taken the message already.
      if (const Entry* entry = EntryOf(question.number);
          !ok && entry != nullptr && !entry->deleted && entry->message != nullptr &&
          !ledger_.TakenByOthers(attempt_, *entry->message) &&
          !ledger_.MayBeUnknown(attempt_, *entry->message)) {
        return "refused";
      }
      [[fallthrough]];
    default:
      return ok ? JudgeOne(question, status, body) : JudgeRefusal(question.number);
  }
}

std::string_view ClientView::JudgeStat(std::string_view status) {
  uint64_t count = 0;
  uint64_t octets = 0;
  const std::string_view rest = TakeNumber(BehindOk(status), &count);
  if (!TakeNumber(rest, &octets).empty()) return "no STAT";
  if (!sized_) {
    const auto deleted = static_cast<uint64_t>(std::count_if(
        entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.deleted; }));
    if (count + deleted < entries_.size()) return "wrong STAT";
    entries_.resize(count + deleted);
    sized_ = true;
  }
  uint64_t sure = 0;
  std::vector<uint64_t> unsure;
  for (const Entry& entry : entries_) {
    if (entry.deleted) continue;
    if (entry.message == nullptr) return JudgeCount(count) ? "" : "wrong STAT";
    if (MayMiss(entry)) {
      unsure.push_back(entry.message->text.size());
    } else if (++sure; octets >= entry.message->text.size()) {
      octets -= entry.message->text.size();
    } else {
      return "wrong STAT";
    }
  }
  if (count < sure || count > sure + unsure.size()) return "wrong STAT";
  attempt_.missed |= count < sure + unsure.size();
  return SomeAddUpTo(unsure, 0, count - sure, octets) ? "" : "wrong STAT";
}

// Where not all messages are known.
bool ClientView::JudgeCount(uint64_t count) const {
  const auto left = static_cast<uint64_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const Entry& entry) { return !entry.deleted; }));
  return count <= left && count + MayHaveVanished() >= left;
}

std::string_view ClientView::JudgeListing(const Question& question, std::string_view body) {
  uint32_t last = 0;
  while (body != ".\r\n") {
    const size_t end = body.find(kCrlf);
    if (end == body.npos) return "wrong listing";
    const std::string_view wrong = JudgeListed(question, body.substr(0, end), &last);
    if (!wrong.empty()) return wrong;
    body.remove_prefix(end + kCrlf.size());
  }
  // Those behind the last line.
  for (uint32_t n = last + 1; n <= entries_.size(); ++n) {
    if (!entries_[n - 1].deleted && !JudgeRefusal(n).empty()) return kVanishes;
  }
  sized_ = true;
  identified_ |= question.kind == Kind::kUidl;
  if (std::exchange(listed_, true)) return "";
  return JudgeWholeness();
}

std::string_view ClientView::JudgeListed(const Question& question, std::string_view line,
                                         uint32_t* last) {
  uint64_t number = 0;
  const std::string_view what = TakeNumber(line, &number);
  if (number <= *last || (sized_ && number > entries_.size())) return "wrong listing";
  const OriginalMessage* message = nullptr;
  if (question.kind == Kind::kUidl) {
    message = ledger_.mail().Find(attempt_.user, what);
  } else {
    uint64_t octets = 0;
    (void)TakeNumber(what, &octets);
    message = ledger_.mail().FindBySize(attempt_.user, octets);
  }
  if (message == nullptr) return "mail of somebody else's";
  const auto n = static_cast<uint32_t>(number);
  if (line != question.ListingLine(n, *message)) return "wrong listing";
  if (entries_.size() < n) entries_.resize(n);
  for (uint32_t left_out = *last + 1; left_out < n; ++left_out) {
    if (!entries_[left_out - 1].deleted && !JudgeRefusal(left_out).empty()) return kVanishes;
  }
  if (entries_[n - 1].deleted) return "a deleted message is listed";
  if (!Learn(n, *message)) return "another message than before";
  *last = n;
  return "";
}

std::string_view ClientView::JudgeOne(const Question& question, std::string_view status,
                                      std::string_view body) {
  const uint32_t number = question.number;
  if (number == 0 || (sized_ && number > entries_.size())) return "a message that isn't there";
  if (entries_.size() < number) entries_.resize(number);
  Entry& entry = entries_[number - 1];
  if (entry.deleted) return "a message that isn't there";
  if (question.kind == Kind::kDele) return Mark(number);
  const OriginalMessage* message =
      entry.message != nullptr ? entry.message : Identify(question, status, body);
  switch (question.kind) {
    case Kind::kRetr:
    case Kind::kTop:
      if (message == nullptr || body != question.WireOf(*message))
        return "another message than the stored one";
      if (question.kind == Kind::kRetr &&
          status != "+OK " + std::to_string(message->text.size()) + " octets") {
        return "out of order";
      }
      if (question.TakesWholeMessage()) ++attempt_.messages;
      break;
    default:
      if (message == nullptr) return "mail of somebody else's";
      if (status != "+OK " + question.ListingLine(number, *message)) return "out of order";
  }
  return Learn(number, *message) ? "" : "another message than before";
}

const OriginalMessage* ClientView::Identify(const Question& question, std::string_view status,
                                            std::string_view body) const {
  SessionMail& mail = ledger_.mail();
  uint64_t number = 0;
  const std::string_view what = TakeNumber(BehindOk(status), &number);
  switch (question.kind) {
    case Kind::kUidlOne:
      return mail.Find(attempt_.user, what);
    case Kind::kListOne:
      (void)TakeNumber(what, &number);
      return mail.FindBySize(attempt_.user, number);
    default:
      break;
  }
  for (const OriginalMessage& message : mail.users()[attempt_.user].messages) {
    if (question.WireOf(message) == body) return &message;
  }
  return nullptr;
}

std::string_view ClientView::Mark(uint32_t number) {
  Entry& entry = *EntryOf(number);
  entry.deleted = true;
  if (entry.message != nullptr) attempt_.marked.insert(entry.message->unique_id);
  return "";
}

// Whether the number may be none of a message's.
std::string_view ClientView::JudgeRefusal(uint32_t number) {
  const Entry* entry = EntryOf(number);
  if (entry != nullptr && entry->deleted) return "";
  if (entry == nullptr && sized_) return "";
  if (entry != nullptr && entry->message != nullptr) {
    if (!MayMiss(*entry)) return "refused";
    attempt_.missed = true;
    return "";
  }
  if (MayHaveVanished() > 0) return "";
  if (sized_) return "refused";
  const auto& messages = ledger_.mail().users()[attempt_.user].messages;
  const auto there = std::count_if(messages.begin(), messages.end(),
                                   [this](const OriginalMessage& m) { return WasThere(m); });
  return number == 0 || static_cast<int64_t>(number) > there ? "" : "refused";
}

bool ClientView::Learn(uint32_t number, const OriginalMessage& message) {
  Entry& entry = entries_[number - 1];
  if (entry.message != nullptr) return entry.message == &message;
  const auto known = [](const Entry& one) { return one.message != nullptr; };
  const auto before =
      std::find_if(entries_.rend() - static_cast<ptrdiff_t>(number), entries_.rend(), known);
  const auto after =
      std::find_if(entries_.begin() + static_cast<ptrdiff_t>(number), entries_.end(), known);
  if (before != entries_.rend() && before->message->order >= message.order) return false;
  if (after != entries_.end() && after->message->order <= message.order) return false;
  entry.message = &message;
  return true;
}

void ClientView::Unmark() {
  for (Entry& entry : entries_) entry.deleted = false;
  attempt_.marked.clear();
}

ClientView::Entry* ClientView::EntryOf(uint32_t number) {
  return number == 0 || number > entries_.size() ? nullptr : &entries_[number - 1];
}

const OriginalMessage* ClientView::Find(uint32_t number) const {
  return number == 0 || number > entries_.size() ? nullptr : entries_[number - 1].message;
}

bool ClientView::MayMiss(const Entry& entry) const {
  return ledger_.MayMiss(attempt_, *entry.message);
}

size_t ClientView::MayHaveVanished() const {
  const auto& messages = ledger_.mail().users()[attempt_.user].messages;
  return static_cast<size_t>(std::count_if(
      messages.begin(), messages.end(),
      [this](const OriginalMessage& message) { return ledger_.MayMiss(attempt_, message); }));
}

// At the first listing: a view may be older than the truth, by a parked session's age, but not hide
// what was there all the time. Who only knew how many messages there are, and learns which from a
// node with an old cache, may miss one for each that is listed and gone.
std::string_view ClientView::JudgeWholeness() const {
  const bool unseen_delete = std::any_of(entries_.begin(), entries_.end(), [](const Entry& one) {
    return one.deleted && one.message == nullptr;
  });
  if (unseen_delete) return "";
  const auto is_gone = [this](const Entry& entry) {
    return entry.message != nullptr &&
           !ledger_.mail().StillThere(attempt_.user, entry.message->unique_id);
  };
  const auto is_hidden = [this](const OriginalMessage& message) {
    const auto shown = [&message](const Entry& entry) { return entry.message == &message; };
    return WasThere(message) && std::none_of(entries_.begin(), entries_.end(), shown);
  };
  const auto& messages = ledger_.mail().users()[attempt_.user].messages;
  const auto hidden = std::count_if(messages.begin(), messages.end(), is_hidden);
  const auto gone = std::count_if(entries_.begin(), entries_.end(), is_gone);
  return hidden > (ledger_.caches_are_old() ? gone : 0) ? "a message is hidden that is still there"
                                                        : "";
}

bool ClientView::WasThere(const OriginalMessage& message) const {
  return message.arrived < ledger_.OldestView(attempt_) &&
         ledger_.mail().StillThere(attempt_.user, message.unique_id);
}

bool ClientView::CanBegin(const Question& question, std::string_view part) {
  if (question.kind != Kind::kRetr && question.kind != Kind::kTop) return true;
  if (const Entry* entry = EntryOf(question.number); entry != nullptr && entry->message != nullptr)
    return question.WireOf(*entry->message).starts_with(part);
  const auto& messages = ledger_.mail().users()[attempt_.user].messages;
  return std::any_of(messages.begin(), messages.end(), [&](const OriginalMessage& message) {
    return question.WireOf(message).starts_with(part);
  });
}

}  // namespace poplar::simulation
