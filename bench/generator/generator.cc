#include "bench/generator/generator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "bench/load/load_users.h"

namespace poplar::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kEventsAtOnce = 256;

sockaddr_storage SourceAddress(unsigned number) {
  sockaddr_storage storage{};
  auto& address = reinterpret_cast<sockaddr_in&>(storage);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl((127U << 24) + (1U << 16) + number + 1);
  return storage;
}

}  // namespace

Generator::Generator(const Load& load)
    : load_(load),
      arrivals_{load.rate, load.swell, load.warm_up + load.duration},
      context_(load.tls ? MakeTlsContext() : nullptr),
      settings_{.server = load.server,
                .context = context_.get(),
                .resume = load.resume,
                .hold = load.dialogue.kind == Kind::kHold},
      random_(load.seed),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      last_(load.sessions > 0 ? load.sessions + load.warm_up_sessions : 0) {
  if (epoll_ < 0 || (load.tls && context_ == nullptr)) std::abort();
  for (unsigned i = 0; i < load_.clients; ++i) {
    clients_.push_back(std::make_unique<Client>(settings_, tally_));
    free_.push_back(load_.clients - 1 - i);
  }
  for (unsigned i = 0; i < load_.sources; ++i) sources_.push_back(SourceAddress(i));
  if (sources_.empty()) sources_.emplace_back();
}

Generator::~Generator() { close(epoll_); }

std::string Generator::Run() {
  start_ = next_due_ = looked_ = steady_clock::now();
  if (!load_.journal.empty()) {
    journal_ = MessageJournal::Create(load_.journal, start_);
    if (journal_ == nullptr) return {};
    settings_.journal = journal_.get();
  }
  Time first_counted = start_ + load_.warm_up;
  for (;;) {
    const Time now = steady_clock::now();
    BeginDue(now);
    if (last_ > 0 && begun_ <= load_.warm_up_sessions) first_counted = now;
    if (!MoreToBegin(now) && free_.size() == clients_.size()) break;
    Wait(now);
    LookForTheStuck(steady_clock::now());
  }
  return tally_.Json(steady_clock::now() - first_counted, TlsLibrary());
}

void Generator::RunInTurns() {
  uint64_t sessions = 0;
  while (std::scanf("%" SCNu64, &sessions) == 1) {
    last_ = begun_ + sessions;
    tally_ = Tally();
    std::printf("%s\n", Run().c_str());
    std::fflush(stdout);
  }
}

bool Generator::MoreToBegin(Time now) const {
  if (last_ > 0) return begun_ < last_;
  return (load_.rate > 0 ? next_due_ : now) < start_ + load_.warm_up + load_.duration;
}

bool Generator::Counts(Time due) const {
  return last_ > 0 ? begun_ > load_.warm_up_sessions : due >= start_ + load_.warm_up;
}

void Generator::BeginDue(Time now) {
  while (!free_.empty() && MoreToBegin(now) && (load_.rate <= 0 || next_due_ <= now)) {
    const Time due = load_.rate > 0 ? next_due_ : now;
    if (load_.rate > 0) {
      next_due_ += arrivals_.Gap(due - start_, random_);
    }
    const size_t client = free_.back();
    free_.pop_back();
    Begin(client, due, now);
  }
}

void Generator::Begin(size_t client, Time due, Time now) {
  const uint64_t number = begun_++;
  const auto user =
      load_.first_user + static_cast<unsigned>((load_.own_user ? client : number) % load_.users);
  const Client::Progress progress = clients_[client]->Begin(
      sources_[number % sources_.size()],
      MakeDialogue(NextDialogue(), LoadUser(user), kLoadPassword), due, Counts(due), now);
  if (progress == Client::Progress::kGoesOn) return Register(client);
  Handle(client, progress);
}

DialogueOptions Generator::NextDialogue() {
  DialogueOptions dialogue = load_.dialogue;
  if (load_.messages_most > dialogue.messages) {
    dialogue.messages =
        std::uniform_int_distribution(dialogue.messages, load_.messages_most)(random_);
  }
  return dialogue;
}

void Generator::Register(size_t client) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP;
  event.data.u64 = client;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_[client]->descriptor(), &event);
}

void Generator::Wait(Time now) {
  auto left = std::chrono::nanoseconds(std::chrono::seconds(1));
  if (load_.rate > 0 && !free_.empty() && MoreToBegin(now)) {
    left = std::clamp<std::chrono::nanoseconds>(next_due_ - now, std::chrono::nanoseconds(0), left);
  }
  const timespec timeout{.tv_sec = left.count() / 1'000'000'000,
                         .tv_nsec = left.count() % 1'000'000'000};
  std::array<epoll_event, kEventsAtOnce> events;
  const int count = epoll_pwait2(epoll_, events.data(), kEventsAtOnce, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const size_t client = events[static_cast<size_t>(i)].data.u64;
    Handle(client, clients_[client]->OnReady(steady_clock::now()));
  }
}

void Generator::Handle(size_t client, Client::Progress progress) {
  if (progress == Client::Progress::kEnded) free_.push_back(client);
}

void Generator::LookForTheStuck(Time now) {
  if (now - looked_ < std::chrono::seconds(1)) return;
  looked_ = now;
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i]->busy()) Handle(i, clients_[i]->Look(now));
  }
}

std::string Generator::Hold() {
  start_ = looked_ = steady_clock::now();
  OpenUntilHeld();
  std::printf("holding %zu\n", static_cast<size_t>(held_));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  ReleaseAll();
  return tally_.Json(steady_clock::now() - start_, TlsLibrary());
}

void Generator::OpenUntilHeld() {
  const size_t all = clients_.size();
  size_t tried = 0;
  for (;;) {
    size_t ended = free_.size() - (all - tried);
    held_ =
        static_cast<uint64_t>(std::count_if(clients_.begin(), clients_.end(), [](const auto& each) {
          return each->busy() && each->held();
        }));
    if (held_ + ended == all) return;
    while (tried < all && tried - held_ - ended < load_.opening) {
      const Time now = steady_clock::now();
      // The first free one is one that was never used: ended ones are put behind it.
      const size_t client = tried++;
      free_.erase(std::find(free_.begin(), free_.end(), client));
      Begin(client, now, now);
      ended = free_.size() - (all - tried);
    }
    Wait(steady_clock::now());
    LookForTheStuck(steady_clock::now());
  }
}

void Generator::ReleaseAll() {
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i]->busy()) Handle(i, clients_[i]->Release(steady_clock::now()));
  }
  while (free_.size() < clients_.size()) {
    Wait(steady_clock::now());
    LookForTheStuck(steady_clock::now());
  }
}

}  // namespace poplar::bench
