#include "proxy/directory/http_source.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "proxy/directory/http_answer.h"
#include "proxy/directory/http_message.h"
#include "proxy/directory/http_question.h"
#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/tls/stream.h"

namespace poplar::directory {
namespace {

// Among the streams that Stop ends, while it lives.
class Listed {
 public:
  Listed(std::set<io::Stream*>& all, io::Stream& stream) : all_(all), stream_(&stream) {
    all_.insert(stream_);
  }
  ~Listed() { all_.erase(stream_); }
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;

 private:
  std::set<io::Stream*>& all_;
  io::Stream* stream_;
};

// Nothing but a deadline or Stop cancels.
std::string TextOf(const io::Error& error) {
  return error.cancelled() ? "no answer in time" : error.Text();
}

}  // namespace

HttpSource::HttpSource(io::Proactor& proactor, io::TaskScope& scope, const HttpSettings& settings)
    : proactor_(proactor), settings_(settings) {
  for (const HttpServer& server : settings.servers)
    servers_.emplace_back(proactor, scope, settings.names, server);
}

HttpSource::~HttpSource() { assert(in_flight_.empty()); }

// The first to log in doesn't wait for a look-up, and a name that isn't found is told of at once.
void HttpSource::Start() {
  for (Server& server : servers_) server.addresses.Refresh();
}

void HttpSource::Stop() {
  stopped_ = true;
  for (io::Stream* stream : in_flight_) stream->Abort();
  for (Server& server : servers_) {
    server.idle.clear();
    server.addresses.Stop();
    for (Waiter* waiter : server.queue) waiter->called.Signal();
  }
}

std::string HttpSource::Where(const Server& server, std::string_view what) const {
  return "directory " + settings_.name + ": " + server.settings->url + " " + std::string(what);
}

// Those that are avoided last.
std::vector<HttpSource::Server*> HttpSource::InTurn() {
  std::vector<Server*> order;
  order.reserve(servers_.size());
  for (const bool avoided : {false, true}) {
    for (Server& server : servers_) {
      if ((server.avoided_until > proactor_.Now()) == avoided) order.push_back(&server);
    }
  }
  return order;
}

// Until when the first of so many may take.
io::Time HttpSource::PartOf(io::Time deadline, size_t parts) const {
  const io::Time now = proactor_.Now();
  return now + std::max(deadline - now, io::Duration::zero()) / static_cast<int64_t>(parts);
}

io::Task<Answer> HttpSource::Ask(const Question& question) {
  const io::Time deadline = proactor_.Now() + settings_.timeout;
  Answer last{.text = "directory " + settings_.name + ": stopped"};
  size_t left = servers_.size();
  for (Server* server : InTurn()) {
    if (stopped_ || proactor_.Now() >= deadline) break;
    Outcome outcome = co_await AskServer(*server, question, PartOf(deadline, left--));
    if (outcome.answered) {
      server->avoided_until = {};
      if (outcome.answer.kind == Answer::Kind::kUnavailable)
        outcome.answer.text = Where(*server, outcome.answer.text);
      // A server with trouble of its own says nothing of the others.
      if (outcome.answer.kind != Answer::Kind::kUnavailable) co_return std::move(outcome.answer);
    }
    server->avoided_until = proactor_.Now() + kAvoidance;
    last = std::move(outcome.answer);
  }
  co_return last;
}

io::Task<HttpSource::Outcome> HttpSource::AskServer(Server& server, const Question& question,
                                                    io::Time deadline) {
  if (!co_await Enter(server, deadline))
    co_return Outcome{.answer = {.text = Where(server, "has no connection free in time")}};
  Outcome outcome{.answer = {}, .silent = true};
  if (auto kept = TakeIdle(server))
    outcome = co_await AskOver(server, std::move(*kept), question, deadline);
  // Servers close kept connections when they like: one that brought nothing says nothing.
  if (outcome.silent && !stopped_ && proactor_.Now() < deadline) {
    auto opened = co_await Open(server, deadline);
    if (opened) {
      outcome = co_await AskOver(server, std::move(*opened), question, deadline);
    } else {
      outcome.answer.text = Where(server, "can't be reached: " + opened.error());
    }
  }
  Leave(server);
  co_return outcome;
}

// In order, at most `connections` at once.
io::Task<bool> HttpSource::Enter(Server& server, io::Time deadline) {
  if (server.taken < settings_.connections) {
    ++server.taken;
    co_return true;
  }
  Waiter waiter(proactor_.ready());
  server.queue.push_back(&waiter);
  io::Timer timer(
      proactor_.timers(), [](void* event) { static_cast<io::Event*>(event)->Signal(); },
      &waiter.called);
  timer.Arm(deadline);
  co_await waiter.called.Wait();
  if (!waiter.admitted) std::erase(server.queue, &waiter);
  co_return waiter.admitted;
}

void HttpSource::Leave(Server& server) {
  if (server.queue.empty()) {
    --server.taken;
    return;
  }
  Waiter* const next = server.queue.front();
  server.queue.pop_front();
  next->admitted = true;
  next->called.Signal();
}

// Connections that are never idle for long would hold on to an address that the name has no more.
std::optional<HttpSource::Link> HttpSource::TakeIdle(Server& server) {
  server.addresses.Refresh();
  while (!server.idle.empty()) {
    Link kept = std::move(server.idle.back());
    server.idle.pop_back();
    if (proactor_.Now() - kept.since < kKeepMax && server.addresses.Has(kept.to) &&
        kept.stream->Quiet())
      return kept;
  }
  return std::nullopt;
}

io::Task<tl::expected<HttpSource::Link, std::string>> HttpSource::Open(Server& server,
                                                                       io::Time deadline) {
  const auto addresses = co_await server.addresses.Get(deadline);
  if (!addresses) co_return tl::unexpected(addresses.error());
  if (stopped_) co_return tl::unexpected(std::string("Poplar stops"));
  Opened opened;
  Link link;
  size_t left = addresses->size();
  for (const io::Address& address : *addresses) {
    link.to = address;
    opened = co_await Connect(address, PartOf(deadline, left--));
    if (opened || stopped_) break;
  }
  if (opened && server.settings->tls != nullptr)
    opened = co_await Secure(server, std::move(*opened), deadline);
  if (!opened) {
    server.addresses.Doubt();
    co_return tl::unexpected(std::move(opened.error()));
  }
  link.stream = std::move(*opened);
  co_return std::move(link);
}

io::Task<HttpSource::Opened> HttpSource::Connect(const io::Address& address, io::Time deadline) {
  auto opened = io::OpenStream(proactor_, address.family());
  if (!opened) co_return tl::unexpected(opened.error().Text());
  std::unique_ptr<io::SocketStream> stream = std::move(*opened);
  const Listed listed(in_flight_, *stream);
  io::Deadline timer(proactor_, deadline, *stream);
  const io::Result<> connected = co_await stream->Connect(address);
  if (!connected) co_return tl::unexpected(TextOf(connected.error()));
  co_return std::unique_ptr<io::Stream>(std::move(stream));
}

io::Task<HttpSource::Opened> HttpSource::Secure(Server& server, std::unique_ptr<io::Stream> plain,
                                                io::Time deadline) {
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(plain),
      server.settings->tls->NewConnection(server.settings->host,
                                          proactor_.clock().UnixMicros() / 1'000'000),
      proactor_.buffers(), proactor_.ready());
  const Listed listed(in_flight_, *secured);
  io::Deadline timer(proactor_, deadline, *secured);
  const io::Result<> done = co_await secured->Handshake();
  if (done) co_return std::unique_ptr<io::Stream>(std::move(secured));
  const std::string_view why = secured->engine().failure_text();
  co_return tl::unexpected("TLS: " + (why.empty() ? TextOf(done.error()) : std::string(why)));
}

io::Task<HttpSource::Outcome> HttpSource::AskOver(Server& server, Link link,
                                                  const Question& question, io::Time deadline) {
  using Progress = HttpResponseReader::Progress;
  Outcome outcome{.answer = {.text = Where(server, "gave no answer in time")}, .silent = true};
  HttpResponseReader reader;
  Progress progress = Progress::kNeedMore;
  {
    io::Stream& stream = *link.stream;
    const Listed listed(in_flight_, stream);
    io::Deadline timer(proactor_, deadline, stream);
    const pop3::Secret request = RenderHttpQuestion(question, server.settings->target,
                                                    server.settings->authority, settings_.headers);
    const io::Result<> sent = co_await stream.Write(request.Expose());
    while (sent && progress == Progress::kNeedMore) {
      io::Result<io::Buffer> more = co_await stream.Read();
      if (!more) break;
      outcome.silent = outcome.silent && more->empty();
      progress = more->empty() ? reader.OnEnd() : reader.Feed(more->bytes());
      more->WipeAndRelease();
    }
    if (timer.expired()) outcome.silent = false;
  }
  if (progress == Progress::kBroken)
    outcome.answer.text = Where(server, "answered nonsense: " + reader.fault());
  if (progress != Progress::kDone) co_return outcome;
  outcome.answer = ToAnswer(reader.response());
  outcome.answered = true;
  if (reader.response().keep_alive && !stopped_ && server.idle.size() < settings_.connections) {
    link.since = proactor_.Now();
    server.idle.push_back(std::move(link));
  }
  co_return outcome;
}

}  // namespace poplar::directory
