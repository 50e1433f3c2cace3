#include "proxy/shared_state/replica.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>

#include "proxy/shared_state/limits.h"
#include "proxy/shared_state/note.h"

namespace poplar::shared_state {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

// A replica says that it lives, and what it thinks of the nodes, so often within its lease.
constexpr int kBeatsInLease = 15;
constexpr io::Duration kBeatMin = milliseconds(200);
constexpr io::Duration kBeatMax = std::chrono::seconds(1);

// All claims are made again so often that none in use runs out in the store.
constexpr io::Duration kRoundInterval = std::chrono::minutes(20);

// What the store keeps of what was agreed and said once nobody lives any more, in leases.
constexpr int kAfterlife = 20;

// Former ids beyond these have lapsed anyway: nobody beats for them.
constexpr size_t kIdsBeforeMax = 8;

// Entries of a stream that are read at once, and speakers who are remembered.
constexpr std::string_view kEntriesAtOnce = "500";
constexpr size_t kSpeakersMax = 10'000;

std::string HexOf(uint64_t number) { return absl::StrFormat("%016x", number); }

// The value behind the name, in a list of both in turn.
const std::string& ValueOf(const Reply& fields, std::string_view name) {
  static const std::string kNone;
  for (size_t i = 0; i + 1 < fields.list.size(); i += 2) {
    if (fields.at(i).text == name) return fields.at(i + 1).text;
  }
  return kNone;
}

}  // namespace

Replica::Replica(io::Proactor& proactor, const ReplicaSettings& settings,
                 balancer::Affinity& affinity, Host& host)
    : proactor_(proactor),
      settings_(settings),
      affinity_(affinity),
      host_(host),
      digest_(settings.store.password.empty() ? std::string_view(settings.prefix)
                                              : settings.store.password.Expose()),
      process_(HexOf(proactor.random().Next())),
      breaker_(settings.timeout),
      awake_(proactor.ready()),
      timer_(
          proactor.timers(), [](void* self) { static_cast<Replica*>(self)->awake_.Signal(); },
          this) {
  affinity_.Observe(this);
}

Replica::~Replica() { affinity_.Observe(nullptr); }

io::Task<void> Replica::Run() {
  io::Duration pause = kRetryMin;
  while (!stopped_) {
    Link link(proactor_, settings_.store);
    link_ = &link;
    const auto opened = co_await link.Open();
    std::string why = opened ? "" : opened.error();
    if (opened && !stopped_) {
      TakeNewId();
      co_await io::WhenBoth(proactor_.ready(), Carry(why), Live());
      pause = kRetryMin;
    }
    live_ = false;
    link_ = nullptr;
    GoAlone(why);
    co_await Pause(pause + pause * static_cast<int64_t>(proactor_.random().Next() % 500) / 1000);
    pause = std::min<io::Duration>(pause * 2, kRetryMax);
  }
}

io::Task<void> Replica::Carry(std::string& why) {
  why = co_await link_->Carry();
  if (live_ && breaker_.closed() && link_->was_closed()) AwaitReturn();
  live_ = false;
  SetUp();
  awake_.Signal();
}

io::Task<void> Replica::Live() {
  co_await Beat();
  if (live_) co_await Join();
  if (live_) TellWords();
  reconciles_ = true;
  next_round_ = proactor_.Now() + kRoundInterval;
  while (live_ && !stopped_) {
    if (proactor_.Now() >= next_beat_) co_await Beat();
    if (live_) co_await Listen();
    if (live_) TellNotes();
    if (live_ && proactor_.Now() >= next_round_) {
      reconciles_ = true;
      next_round_ = proactor_.Now() + kRoundInterval;
    }
    if (live_ && reconciles_) {
      co_await Reconcile();
    } else if (live_ && !stopped_) {
      co_await Pause(next_beat_ - proactor_.Now());
    }
  }
  if (live_) co_await Leave();
  link_->Abort();
}

void Replica::Stop() {
  stopped_ = true;
  awaited_until_ = io::Time();
  SetUp();
  if (link_ != nullptr && !live_) link_->Abort();
  awake_.Signal();
}

// Nobody's stay may lose its claim: the others would take what sessions are still here.
io::Task<void> Replica::Leave() {
  if (affinity_.Users() == 0) co_await link_->Ask({"HDEL", Key("replicas"), id_});
}

void Replica::TakeNewId() {
  if (!id_.empty()) ids_before_.push_back(id_);
  if (ids_before_.size() > kIdsBeforeMax) ids_before_.erase(ids_before_.begin());
  id_ = process_ + "." + std::to_string(++ids_);
}

std::string Replica::IdsBefore() const {
  std::string text;
  for (const std::string& id : ids_before_) text.append(text.empty() ? "" : " ").append(id);
  return text;
}

std::string Replica::LeaseText() const {
  return std::to_string(duration_cast<milliseconds>(settings_.lease).count());
}

void Replica::SetUp() { up_ = live_ && breaker_.closed() && !stopped_; }

// Ahead of SetUp, so that nobody finds it away meanwhile.
void Replica::AwaitReturn() {
  const io::Time now = proactor_.Now();
  if (now < next_return_ || stopped_) return;
  next_return_ = now + kReturnInterval;
  awaited_until_ = now + kReturnMax;
}

void Replica::GoAlone(const std::string& why) {
  breaker_.OnLost();
  SetUp();
  if (awaited_until_.load() == io::Time::max()) awaited_until_ = io::Time();
  const io::Time now = proactor_.Now();
  if (!alone_since_ && !stopped_) {
    alone_since_ = now;
    host_.Tell("shared_state: " + settings_.text + " is away: " + why +
                   ". Logins go by what this Poplar knows by itself until it is back; other "
                   "Poplars may have the same user elsewhere. Look whether Redis runs and can be "
                   "reached from here",
               true);
  }
  if (!last_beat_ || now - *last_beat_ > settings_.lease) DropAgreements();
}

io::Task<void> Replica::Pause(io::Duration pause) {
  timer_.Arm(proactor_.Now() + std::max(pause, io::Duration::zero()));
  if (!stopped_) co_await awake_.Wait();
  timer_.Disarm();
}

// --- the beat

io::Task<void> Replica::Beat() {
  const io::Time begun = proactor_.Now();
  next_beat_ = begun + std::clamp(settings_.lease / kBeatsInLease, kBeatMin, kBeatMax);
  const auto reply = co_await link_->Ask(
      link_->Call(Script::kBeat, {Key("replicas"), Key("agreed"), Key("born"), Key("settings")},
                  {id_, LeaseText(), VotesText(begun), IdsBefore()}));
  if (!reply || !OnBeat(*reply)) {
    Count(Request::kError);
    live_ = false;
    if (reply) host_.Tell("shared_state: " + settings_.text + " answers: " + reply->text, true);
    link_->Abort();
    co_return;
  }
  Count(Request::kOk);
  const bool was_live = std::exchange(live_, true);
  const bool was_closed = breaker_.closed();
  if (was_live) {
    breaker_.OnAnswer(proactor_.Now() - begun);
  } else {
    breaker_.OnConnected();
  }
  if (!was_closed && breaker_.closed()) reconciles_ = true;
  SetUp();
  awaited_until_ = io::Time();
  std::vector<Votes> others;
  const Reply& lines = reply->at(3);
  for (size_t i = 1; i < lines.list.size(); i += 2) {
    if (auto votes = ParseVotes(lines.at(i).text)) others.push_back(std::move(*votes));
  }
  replicas_ = others.size() + (has_voice_ ? 1 : 0);
  if (const auto since = std::exchange(alone_since_, std::nullopt)) {
    const auto seconds = duration_cast<std::chrono::seconds>(proactor_.Now() - *since).count();
    host_.Tell("shared_state: " + settings_.text + " is back after " + std::to_string(seconds) +
                   " s; " + std::to_string(replicas_) + " replicas share it",
               false);
  }
  co_await Agree(ParseAgreements(reply->at(2).text), reply->at(2).text, std::move(others));
}

std::string Replica::VotesText(io::Time now) {
  if (!has_voice_) return std::string(kNoVotes);
  Ages ages;
  for (const Host::Node& node : host_.Nodes()) {
    if (node.failing_since)
      ages[node.name] = std::max(now.time_since_epoch() - *node.failing_since, io::Duration());
  }
  return RenderAges(ages);
}

bool Replica::OnBeat(const Reply& reply) {
  const auto now = ParseMoment(reply.at(0).text);
  const auto known = reply.at(1).AsNumber();
  if (!reply.is(Reply::Kind::kList) || !now || !known) return false;
  offset_ = proactor_.Now().time_since_epoch() - *now;
  last_beat_ = proactor_.Now();
  // It has forgotten us, or we were too late: others may have taken our users.
  if (*known == 0) reconciles_ = true;
  return true;
}

// What all know by now decides, and whoever is first to write it down.
io::Task<void> Replica::Agree(Agreements agreements, std::string text, std::vector<Votes> others) {
  const std::vector<Host::Node> nodes = host_.Nodes();
  if (!has_voice_) co_return Adopt(agreements);
  Agreements next = agreements;
  const balancer::Moment now = proactor_.Now().time_since_epoch() - offset_;
  for (const Host::Node& node : nodes) {
    std::vector<balancer::Moment> failing_since;
    if (node.failing_since) failing_since.push_back(*node.failing_since - offset_);
    for (const Votes& votes : others) {
      if (const auto vote = votes.find(node.name); vote != votes.end())
        failing_since.push_back(vote->second);
    }
    const auto found = next.find(node.name);
    const balancer::Agreement before = found == next.end() ? balancer::Agreement() : found->second;
    const balancer::Agreement after =
        balancer::Agree(before, failing_since, others.size() + 1, node.hold_down, now);
    if (after != before) next[node.name] = after;
  }
  if (next != agreements) {
    const std::string life =
        std::to_string(duration_cast<milliseconds>(settings_.lease * kAfterlife).count());
    const auto reply = co_await link_->Ask(
        link_->Call(Script::kAgree, {Key("agreed")}, {text, RenderAgreements(next), life}));
    if (!reply) co_return;
    if (reply->AsNumber() == 1) agreements = std::move(next);
  }
  Adopt(agreements);
}

void Replica::Adopt(const Agreements& agreements) {
  for (const auto& [node, agreement] : agreements) {
    agreed_[node] = agreement.out;
    host_.Agreed(node, balancer::ClusterHealth::Agreed{.out = agreement.out,
                                                       .since = agreement.since + offset_,
                                                       .changed = agreement.changed + offset_});
  }
  // A store that has begun anew has agreed on nothing yet.
  std::erase_if(agreed_, [&](const auto& each) {
    const bool gone = agreements.find(each.first) == agreements.end();
    if (gone) host_.Agreed(each.first, std::nullopt);
    return gone;
  });
}

void Replica::DropAgreements() {
  for (const auto& [node, out] : std::exchange(agreed_, {})) host_.Agreed(node, std::nullopt);
}

void Replica::LookAtNodes() {
  proactor_.PostFromAnyThread([this] {
    next_beat_ = {};
    awake_.Signal();
  });
}

void Replica::SetVoice(bool has_voice) {
  has_voice_ = has_voice;
  LookAtNodes();
}

// --- words and notes

// What was set before we came counts for us, too; what was only said doesn't.
io::Task<void> Replica::Join() {
  if (!last_word_.empty()) co_return;
  const auto reply =
      co_await link_->Ask(link_->Call(Script::kJoin, {Key("said"), Key("settings")}, {}));
  if (!reply || !reply->is(Reply::Kind::kList)) co_return;
  last_word_ = reply->at(0).text;
  for (const auto& each : reply->at(1).list) {
    if (const auto word = ParseWord(each->text)) host_.Heard(*word);
  }
}

io::Task<void> Replica::Listen() {
  if (last_word_.empty()) co_return;
  for (bool more = true; more && live_;) {
    const auto reply =
        co_await link_->Ask({"XREAD", "COUNT", std::string(kEntriesAtOnce), "STREAMS", Key("said"),
                             Key("penalties"), last_word_, last_note_});
    more = false;
    if (!reply) co_return;
    for (const auto& stream : reply->list) more = OnStream(*stream) || more;
  }
}

// True: it was all that is read at once, and there may be more.
bool Replica::OnStream(const Reply& stream) {
  const bool words = stream.at(0).text == Key("said");
  const Reply& entries = stream.at(1);
  for (const auto& entry : entries.list) {
    const std::string& id = entry->at(0).text;
    if (id.empty()) return false;
    (words ? last_word_ : last_note_) = id;
    const Reply& fields = entry->at(1);
    if (ValueOf(fields, "from") == process_) continue;
    if (words) {
      OnWord(fields);
    } else {
      OnNotes(fields, id);
    }
  }
  return std::to_string(entries.list.size()) == kEntriesAtOnce;
}

// One that was told again, because nobody knew whether it had arrived, counts once.
void Replica::OnWord(const Reply& fields) {
  uint64_t number = 0;
  const std::string& digits = ValueOf(fields, "number");
  if (!absl::SimpleAtoi(digits, &number)) return;
  if (heard_.size() > kSpeakersMax) heard_.clear();
  uint64_t& last = heard_[ValueOf(fields, "from")];
  if (number <= last) return;
  last = number;
  if (const auto word = ParseWord(ValueOf(fields, "word"))) host_.Heard(*word);
}

void Replica::OnNotes(const Reply& fields, std::string_view id) {
  const auto when = ParseMoment(id.substr(0, id.find('-')));
  if (!when) return;
  for (const admission::PenaltyNote& note : ParseNotes(ValueOf(fields, "notes")))
    host_.Counted(note, io::Time(*when + offset_));
}

void Replica::Say(const Word& word) {
  proactor_.PostFromAnyThread([this, word] {
    saying_.push_back({++said_, RenderWord(word), SettingOf(word)});
    if (saying_.size() > kWordsMax) saying_.pop_front();
    if (live_) TellWord(saying_.back());
  });
}

void Replica::TellWords() {
  for (const Said& said : saying_) TellWord(said);
}

void Replica::TellWord(const Said& said) {
  const std::string life =
      std::to_string(duration_cast<milliseconds>(settings_.lease * kAfterlife).count());
  const auto words =
      link_->Call(Script::kTell, {Key("said"), Key("settings")},
                  {process_, std::to_string(said.number), said.word, said.setting, life});
  link_->Send(words, [this, number = said.number](const std::optional<Reply>& reply) {
    if (!reply || reply->is(Reply::Kind::kError)) return Count(Request::kError);
    Count(Request::kOk);
    std::erase_if(saying_, [number](const Said& each) { return each.number == number; });
  });
}

void Replica::Note(const admission::PenaltyNote& note) {
  const std::lock_guard lock(notes_mutex_);
  if (notes_.size() < kNotesMax) notes_.push_back(note);
}

void Replica::TellNotes() {
  std::vector<admission::PenaltyNote> notes;
  {
    const std::lock_guard lock(notes_mutex_);
    notes.swap(notes_);
  }
  std::span<const admission::PenaltyNote> rest(notes);
  while (!rest.empty()) {
    const size_t count = std::min(rest.size(), kNotesAtOnce);
    const Link::Words words = {
        "XADD", Key("penalties"), "MAXLEN", "~",     "10000",
        "*",    "from",           process_, "notes", RenderNotes(rest.first(count))};
    link_->Send(words, [this](const std::optional<Reply>& reply) {
      Count(reply && !reply->is(Reply::Kind::kError) ? Request::kOk : Request::kError);
    });
    rest = rest.subspan(count);
  }
}

Replica::Counts Replica::counts() const {
  Counts counts{.replicas = replicas_.load(), .up = up()};
  for (size_t i = 0; i < counts.requests.size(); ++i) {
    counts.requests[i] = requests_[i].load(std::memory_order_relaxed);
    counts.claims[i] = claims_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

}  // namespace poplar::shared_state
