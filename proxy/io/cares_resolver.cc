#include "proxy/io/cares_resolver.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <deque>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/io/cares_channel.h"
#include "proxy/io/dns_answer.h"
#include "proxy/io/hosts_file.h"
#include "proxy/io/sync.h"
#include "proxy/io/system_clock.h"

namespace poplar::io {
namespace {

// /etc/hosts has no TTLs, and may change at any time.
constexpr Duration kHostsFileTtl = std::chrono::seconds(60);
// An address in place of a name never changes: the longest that a record may last.
constexpr Duration kForever = std::chrono::seconds(INT32_MAX);
// In the hands of c-ares at once. More would overrun a name server's socket all together, with each
// try; so the others wait for their turn.
constexpr size_t kQueriesAtOnce = 128;
// Nothing is under way: whoever asks wakes the thread.
constexpr Duration kIdle = std::chrono::hours(24);

std::string_view TypeText(DnsType type) {
  switch (type) {
    case DnsType::kA:
      return "A";
    case DnsType::kAaaa:
      return "AAAA";
    case DnsType::kSrv:
      break;
  }
  return "SRV";
}

ResolveError Stopped(const std::string& name) {
  return {ResolveError::Kind::kStopped, name + ": the look-up was stopped"};
}

}  // namespace

// From whoever asks to the thread and back; only one of them has it at a time.
struct CaresResolver::Question {
  Question(std::string asked, std::optional<uint16_t> at_port)
      : name(std::move(asked)), port(at_port) {}

  std::string_view types() const { return port ? "A, AAAA" : "SRV"; }
  bool found() const { return port ? !host->addresses.empty() : !service->targets.empty(); }
  void Fail(ResolveError error) {
    host = tl::unexpected(error);
    service = tl::unexpected(std::move(error));
  }

  const std::string name;
  const std::optional<uint16_t> port;  // of a host; none: it is a service
  std::function<void()> answered;      // on the thread, once

  tl::expected<HostAddresses, ResolveError> host;
  tl::expected<ServiceTargets, ResolveError> service;

  // --- the thread's
  std::vector<std::string> candidates;  // what the name may mean, in order
  size_t candidates_asked = 0;
  int replies_due = 0;
  std::string fault;  // of one of the replies
  Time deadline{};
  std::optional<std::list<std::shared_ptr<Question>>::iterator> due;  // its place among those
  bool done = false;
};

// The thread.
class CaresResolver::Engine {
 public:
  explicit Engine(ResolverOptions options) : options_(std::move(options)) {}
  ~Engine();

  std::string Start();  // empty, or why it can't
  // Any thread. No: the answer is there already, and nobody will be told.
  bool Ask(const std::shared_ptr<Question>& question);
  void Stop();

 private:
  void Run();
  bool TakeAsked();
  void EndLate();
  void Prepare(const std::shared_ptr<Question>& question);
  void BeginNext();
  void AskCandidate(const std::shared_ptr<Question>& question);
  void Take(const std::shared_ptr<Question>& question, DnsType type, const DnsReply& reply);
  void Read(Question& question, DnsType type, const DnsReply& reply);
  void Conclude(const std::shared_ptr<Question>& question);
  void Finish(Question& question);
  void Leave();
  std::string Text(const Question& question, std::string_view types, std::string_view what) const;

  const ResolverOptions options_;
  const SystemClock clock_;
  int wake_ = -1;  // an eventfd

  std::mutex mutex_;  // of the next three
  std::vector<std::shared_ptr<Question>> asked_;
  size_t under_way_ = 0;
  bool stopped_ = false;

  // --- the thread's
  std::unique_ptr<CaresChannel> channel_;
  std::list<std::shared_ptr<Question>> due_;  // what isn't done, by deadline
  std::deque<std::shared_ptr<Question>> to_begin_;

  std::thread thread_;
};

CaresResolver::Engine::~Engine() {
  Stop();
  if (thread_.joinable()) thread_.join();
  if (wake_ >= 0) ::close(wake_);
}

std::string CaresResolver::Engine::Start() {
  auto channel = CaresChannel::Open(options_);
  if (!channel) return channel.error();
  channel_ = std::move(*channel);
  wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0) return "no file descriptor is left to look up names with";
  thread_ = std::thread([this] { Run(); });
  return {};
}

bool CaresResolver::Engine::Ask(const std::shared_ptr<Question>& question) {
  const std::lock_guard lock(mutex_);
  if (stopped_) {
    question->Fail(Stopped(question->name));
    return false;
  }
  if (under_way_ == kQuestionsMax) {
    question->Fail({ResolveError::Kind::kFailed, question->name + ": " +
                                                     std::to_string(kQuestionsMax) +
                                                     " names are being looked up already"});
    return false;
  }
  ++under_way_;
  asked_.push_back(question);
  (void)::eventfd_write(wake_, 1);
  return true;
}

void CaresResolver::Engine::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (wake_ >= 0) (void)::eventfd_write(wake_, 1);
}

void CaresResolver::Engine::Run() {
  // c-ares writes to TCP connections that a name server may have closed.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  while (TakeAsked()) {
    BeginNext();
    const bool idle = due_.empty();
    channel_->Wait(wake_, idle ? kIdle : due_.front()->deadline - clock_.Now());
    EndLate();
  }
  channel_->Cancel();
  for (const auto& question : to_begin_) {
    if (question->done) continue;
    question->Fail(Stopped(question->name));
    Finish(*question);
  }
}

// No: stopped, and what was still to begin has been told so.
bool CaresResolver::Engine::TakeAsked() {
  std::vector<std::shared_ptr<Question>> asked;
  bool stopped = false;
  {
    const std::lock_guard lock(mutex_);
    asked.swap(asked_);
    stopped = stopped_;
  }
  for (const auto& question : asked) {
    if (stopped) {
      question->Fail(Stopped(question->name));
      Finish(*question);
    } else {
      Prepare(question);
    }
  }
  return !stopped;
}

void CaresResolver::Engine::EndLate() {
  const Time now = clock_.Now();
  while (!due_.empty() && due_.front()->deadline <= now) {
    const std::shared_ptr<Question> question = due_.front();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options_.patience);
    question->Fail({ResolveError::Kind::kFailed,
                    Text(*question, question->types(),
                         "no answer within " + std::to_string(seconds.count()) + " s")});
    Finish(*question);
  }
}

void CaresResolver::Engine::Prepare(const std::shared_ptr<Question>& question) {
  if (question->port && options_.name_servers.empty()) {
    auto addresses =
        LookUpInHostsFile(options_.hosts_file, question->name, *question->port, kAddressesMax);
    if (!addresses.empty()) {
      question->host = HostAddresses{std::move(addresses), kHostsFileTtl};
      return Finish(*question);
    }
  }
  question->deadline = clock_.Now() + options_.patience;
  question->due = due_.insert(due_.end(), question);
  to_begin_.push_back(question);
}

void CaresResolver::Engine::BeginNext() {
  while (!to_begin_.empty() && channel_->queries() < kQueriesAtOnce) {
    // As long as nothing is under way, nothing is lost with the old one.
    if (channel_->queries() == 0 && channel_->Outdated()) {
      if (auto channel = CaresChannel::Open(options_)) channel_ = std::move(*channel);
    }
    const std::shared_ptr<Question> question = std::move(to_begin_.front());
    to_begin_.pop_front();
    if (question->done) continue;  // it was too late
    question->candidates = question->port ? channel_->Candidates(question->name)
                                          : std::vector<std::string>{question->name};
    AskCandidate(question);
  }
}

void CaresResolver::Engine::AskCandidate(const std::shared_ptr<Question>& question) {
  const std::string& name = question->candidates[question->candidates_asked++];
  const auto types = question->port ? std::vector<DnsType>{DnsType::kA, DnsType::kAaaa}
                                    : std::vector<DnsType>{DnsType::kSrv};
  // Counted ahead: the first reply may come at once.
  question->replies_due = static_cast<int>(types.size());
  for (const DnsType type : types) {
    channel_->Query(name, type,
                    [this, question, type](const DnsReply& reply) { Take(question, type, reply); });
  }
}

void CaresResolver::Engine::Take(const std::shared_ptr<Question>& question, DnsType type,
                                 const DnsReply& reply) {
  const bool last = --question->replies_due == 0;
  if (question->done) {
    if (last) Leave();
    return;
  }
  if (reply.kind == DnsReply::Kind::kCanceled) {
    question->Fail(Stopped(question->name));
    return Finish(*question);
  }
  Read(*question, type, reply);
  if (last) Conclude(question);
}

void CaresResolver::Engine::Read(Question& question, DnsType type, const DnsReply& reply) {
  if (reply.kind == DnsReply::Kind::kNothing) return;
  if (reply.kind == DnsReply::Kind::kFailed) {
    question.fault = Text(question, TypeText(type), reply.text);
    return;
  }
  DnsFault fault = DnsFault::kNothing;
  if (type == DnsType::kSrv) {
    auto service = ReadServiceAnswer(reply.message);
    if (service) return void(question.service = std::move(*service));
    fault = service.error();
  } else {
    const auto host = ReadHostAnswer(reply.message, type, *question.port);
    HostAddresses& all = *question.host;
    if (host) {
      all.ttl = all.addresses.empty() ? host->ttl : std::min(all.ttl, host->ttl);
      all.addresses.insert(all.addresses.end(), host->addresses.begin(), host->addresses.end());
      return;
    }
    fault = host.error();
  }
  if (fault == DnsFault::kNonsense) {
    question.fault = Text(question, TypeText(type), "an answer that cannot be read");
  }
}

// With all replies for one candidate: the answer, or the next. A failure ends it, too, or a name
// would mean another host for as long as a name server hiccups.
void CaresResolver::Engine::Conclude(const std::shared_ptr<Question>& question) {
  if (question->found()) {
    question->host->whole = question->fault.empty();
    return Finish(*question);
  }
  if (question->fault.empty() && question->candidates_asked < question->candidates.size()) {
    return AskCandidate(question);
  }
  question->Fail(question->fault.empty()
                     ? ResolveError{ResolveError::Kind::kNotFound,
                                    Text(*question, question->types(), "no such record")}
                     : ResolveError{ResolveError::Kind::kFailed, question->fault});
  Finish(*question);
}

// The caller holds it. It is not the thread's any more as soon as `answered` runs, but for what the
// thread alone uses.
void CaresResolver::Engine::Finish(Question& question) {
  question.done = true;
  if (question.due) due_.erase(*question.due);
  if (question.replies_due == 0) Leave();
  question.answered();
}

// One under way less.
void CaresResolver::Engine::Leave() {
  const std::lock_guard lock(mutex_);
  --under_way_;
}

std::string CaresResolver::Engine::Text(const Question& question, std::string_view types,
                                        std::string_view what) const {
  std::string text = question.name + " (";
  text.append(types).append("): ").append(what).append("; asked ").append(channel_->servers());
  if (question.candidates.size() < 2) return text;
  for (size_t i = 0; i < question.candidates_asked; ++i) {
    text.append(i == 0 ? " for " : ", ").append(question.candidates[i]);
  }
  return text;
}

CaresResolver::CaresResolver(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

CaresResolver::~CaresResolver() = default;

tl::expected<std::unique_ptr<CaresResolver>, std::string> CaresResolver::Create(
    const ResolverOptions& options) {
  auto engine = std::make_unique<Engine>(options);
  if (std::string fault = engine->Start(); !fault.empty()) return tl::unexpected(std::move(fault));
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::move(engine)));
}

void CaresResolver::Stop() { engine_->Stop(); }

// What needs no name server; nothing otherwise.
std::shared_ptr<CaresResolver::Question> CaresResolver::MakeQuestion(std::string name,
                                                                     std::optional<uint16_t> port) {
  auto question = std::make_shared<Question>(std::move(name), port);
  const auto literal = port ? Address::Parse(question->name, *port) : std::nullopt;
  if (literal) {
    question->host = HostAddresses{{*literal}, kForever};
    question->done = true;
  } else if (!IsDnsName(question->name)) {
    question->Fail({ResolveError::Kind::kFailed, "\"" + question->name + "\" is no name that a " +
                                                     "name server could be asked for"});
    question->done = true;
  }
  return question;
}

Task<void> CaresResolver::Ask(Proactor& proactor, std::shared_ptr<Question> question) {
  if (question->done) co_return;
  Event answered(proactor.ready());
  question->answered = [&proactor, &answered] {
    proactor.PostFromAnyThread([&answered] { answered.Signal(); });
  };
  if (engine_->Ask(question)) co_await answered.Wait();
}

void CaresResolver::AskNow(const std::shared_ptr<Question>& question) {
  if (question->done) return;
  std::promise<void> answered;
  question->answered = [&answered] { answered.set_value(); };
  if (engine_->Ask(question)) answered.get_future().wait();
}

Task<tl::expected<HostAddresses, ResolveError>> CaresResolver::LookUpHost(Proactor& proactor,
                                                                          std::string host,
                                                                          uint16_t port) {
  const auto question = MakeQuestion(std::move(host), port);
  co_await Ask(proactor, question);
  co_return std::move(question->host);
}

Task<tl::expected<ServiceTargets, ResolveError>> CaresResolver::LookUpService(Proactor& proactor,
                                                                              std::string name) {
  const auto question = MakeQuestion(std::move(name), std::nullopt);
  co_await Ask(proactor, question);
  co_return std::move(question->service);
}

tl::expected<HostAddresses, ResolveError> CaresResolver::LookUpHostNow(const std::string& host,
                                                                       uint16_t port) {
  const auto question = MakeQuestion(host, port);
  AskNow(question);
  return std::move(question->host);
}

tl::expected<ServiceTargets, ResolveError> CaresResolver::LookUpServiceNow(
    const std::string& name) {
  const auto question = MakeQuestion(name, std::nullopt);
  AskNow(question);
  return std::move(question->service);
}

tl::expected<HostAddresses, ResolveError> LookUpHostNow(const ResolverOptions& options,
                                                        const std::string& host, uint16_t port) {
  const auto resolver = CaresResolver::Create(options);
  if (!resolver) return tl::unexpected(ResolveError{ResolveError::Kind::kFailed, resolver.error()});
  return (*resolver)->LookUpHostNow(host, port);
}

tl::expected<ServiceTargets, ResolveError> LookUpServiceNow(const ResolverOptions& options,
                                                            const std::string& name) {
  const auto resolver = CaresResolver::Create(options);
  if (!resolver) return tl::unexpected(ResolveError{ResolveError::Kind::kFailed, resolver.error()});
  return (*resolver)->LookUpServiceNow(name);
}

}  // namespace poplar::io
