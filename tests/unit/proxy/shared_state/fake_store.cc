#include "tests/unit/proxy/shared_state/fake_store.h"

#include <sstream>
#include <utility>

#include "proxy/shared_state/scripts.h"

namespace poplar::shared_state {
namespace {

// Later than 1970, so that ages fit in.
constexpr int64_t kEpochMillis = 1'000'000'000'000;

std::string Bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}
std::string Number(int64_t number) { return ":" + std::to_string(number) + "\r\n"; }
std::string List(const std::vector<std::string>& parts) {
  std::string text = "*" + std::to_string(parts.size()) + "\r\n";
  for (const std::string& part : parts) text += part;
  return text;
}

bool Has(const std::string& ids, const std::string& id) {
  std::istringstream all(ids);
  for (std::string each; all >> each;) {
    if (each == id) return true;
  }
  return false;
}

}  // namespace

FakeStore::FakeStore(simulation::Network& network, const io::Address& host)
    : machine_(network, "store", host), scope_(machine_.ready()) {
  listener_ = *machine_.Listen(*io::Address::Parse(host.Host(), 6379), {});
  address_ = machine_.LocalAddress(listener_);
  scope_.Spawn(AcceptAll());
}

void FakeStore::Forget() {
  replicas_.clear();
  claims_.clear();
  agreed_.clear();
  born_.reset();
  Cut();
}

void FakeStore::Cut() {
  for (io::SocketStream* stream : streams_) stream->Abort();
}

void FakeStore::Stop() {
  if (std::exchange(stopped_, true)) return;
  machine_.Abort(listener_);
  Cut();
}

io::Task<void> FakeStore::AcceptAll() {
  for (;;) {
    const io::Result<io::Accepted> accepted = co_await machine_.Accept(listener_);
    if (accepted) {
      scope_.Spawn(Serve(accepted->socket));
    } else if (stopped_) {
      break;
    }
  }
  machine_.Close(listener_);
}

io::Task<void> FakeStore::Serve(io::SocketId socket) {
  io::SocketStream stream(machine_, socket);
  const auto place = streams_.insert(streams_.end(), &stream);
  ReplyReader reader;  // a request looks like a reply
  bool open = !stopped_;
  while (open) {
    const io::Result<io::Buffer> more = co_await stream.Read();
    if (!more || more->empty() || !reader.Feed(more->bytes())) break;
    std::string answers;
    while (auto request = *reader.Next()) {
      Words words;
      for (const auto& word : request->list) words.push_back(word->text);
      answers += Answer(words);
    }
    const io::Result<> sent = co_await stream.Write(answers);
    open = sent.has_value();
  }
  streams_.erase(place);
}

int64_t FakeStore::Now() const {
  return kEpochMillis +
         std::chrono::duration_cast<std::chrono::milliseconds>(machine_.Now().time_since_epoch())
             .count();
}

bool FakeStore::Lives(const std::string& id) const {
  const auto found = replicas_.find(id);
  return found != replicas_.end() && std::stoll(found->second) > Now();
}

std::string FakeStore::Answer(const Words& words) {
  if (words[0] == "SCRIPT") {
    for (size_t i = 0; i < kScripts.size(); ++i) {
      if (words[2] == kScripts[i]) return Bulk("script" + std::to_string(i));
    }
  }
  if (words[0] == "EVALSHA") {
    const size_t keys = std::stoul(words[2]);
    const auto first = words.begin() + 3;
    return Run(words[1].back() - '0', Words(first, first + static_cast<long>(keys)),
               Words(first + static_cast<long>(keys), words.end()));
  }
  if (words[0] == "HDEL") {
    for (size_t i = 2; i < words.size(); ++i) replicas_.erase(words[i]);
    return Number(1);
  }
  if (words[0] == "XREAD") return "*-1\r\n";
  return "+OK\r\n";
}

std::string FakeStore::Run(size_t script, const Words& keys, const Words& arguments) {
  switch (static_cast<Script>(script)) {
    case Script::kBeat:
      return Beat(arguments);
    case Script::kAgree:
      if (agreed_ != arguments[0]) return Number(0);
      agreed_ = arguments[1];
      return Number(1);
    case Script::kClaim:
      return Claim(keys[0], arguments);
    case Script::kRelease:
      return Release(keys[0], arguments);
    case Script::kJoin:
      return List({Bulk("0-0"), List({})});
    case Script::kCount: {
      const auto claim = claims_.find(keys[0]);
      if (claim == claims_.end() || !claim->second.contains(arguments[0])) return Number(0);
      claim->second[arguments[0]] = arguments[1] + " " + arguments[2];
      return Number(1);
    }
    case Script::kTell:
      break;
  }
  return Number(1);
}

std::string FakeStore::Beat(const Words& arguments) {
  bool known = false;
  bool alive = false;
  std::vector<std::string> others;
  std::erase_if(replicas_, [this](const auto& each) { return !Lives(each.first); });
  for (const auto& [id, line] : replicas_) {
    alive = true;
    if (id == arguments[0]) {
      known = true;
    } else if (!Has(arguments[3], id)) {
      others.push_back(Bulk(id));
      others.push_back(Bulk(line));
    }
  }
  replicas_[arguments[0]] = std::to_string(Now() + std::stoll(arguments[1])) + " " +
                            std::to_string(Now()) + " " + arguments[2];
  if (!alive || !born_) born_ = Now();
  return List({Bulk(std::to_string(Now())), Number(known ? 1 : 0), Bulk(agreed_), List(others)});
}

std::string FakeStore::Claim(const std::string& key, const Words& arguments) {
  const std::string& me = arguments[0];
  if (!Lives(me)) return List({Bulk("stranger"), Bulk(""), Number(0)});
  std::map<std::string, std::string> held = claims_[key];
  int others = 0;
  int64_t sessions = 0;
  bool mine = false;
  for (const auto& [id, value] : std::map(held)) {
    if (id == "node") continue;
    if (id == me || Has(arguments[1], id)) {
      mine = true;
      if (id != me) held.erase(id);
    } else if (Lives(id)) {
      ++others;
      sessions += std::stoll(value.substr(value.find(' ') + 1));
    } else {
      held.erase(id);
    }
  }
  if (others > 0 && held["node"] != arguments[2])
    return List({Bulk("elsewhere"), Bulk(held["node"]), Number(sessions)});
  const int64_t grace = std::stoll(arguments[6]);
  const int64_t left = born_.value_or(Now()) + grace - Now();
  if (others == 0 && !mine && left > 0) return List({Bulk("young"), Bulk(""), Number(left)});
  held["node"] = arguments[2];
  held[me] = arguments[3] + " " + arguments[4];
  claims_[key] = held;
  return List({Bulk("granted"), Bulk(arguments[2]), Number(sessions)});
}

std::string FakeStore::Release(const std::string& key, const Words& arguments) {
  const auto claim = claims_.find(key);
  if (claim == claims_.end()) return Number(1);
  for (const auto& [id, value] : std::map(claim->second)) {
    if (Has(arguments[0], id) && value.substr(0, value.find(' ')) == arguments[1])
      claim->second.erase(id);
  }
  if (claim->second.size() <= 1) claims_.erase(claim);
  return Number(1);
}

}  // namespace poplar::shared_state
