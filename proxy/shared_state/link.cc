#include "proxy/shared_state/link.h"

#include <utility>

#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/shared_state/limits.h"

namespace poplar::shared_state {
namespace {

std::string TextOf(const io::Error& error) {
  return error.cancelled() ? "no answer in time" : error.Text();
}

}  // namespace

Link::Link(io::Proactor& proactor, const Store& store)
    : proactor_(proactor),
      store_(store),
      more_(proactor.ready()),
      silence_(proactor.timers(), [](void* self) { static_cast<Link*>(self)->Watch(); }, this) {}

Link::~Link() = default;

io::Task<tl::expected<void, std::string>> Link::Open() {
  auto done = co_await Connect();
  if (!done) co_return done;
  io::Deadline deadline(proactor_, kOpenMax, *stream_);
  if (!store_.password.empty()) {
    const auto reply = co_await Exchange({"AUTH", store_.password.Expose()});
    if (!reply) co_return tl::unexpected("it doesn't let us in: " + reply.error());
  }
  if (store_.database != 0) {
    const std::string number = std::to_string(store_.database);
    const auto reply = co_await Exchange({"SELECT", number});
    if (!reply) co_return tl::unexpected("it has no database " + number + ": " + reply.error());
  }
  for (size_t i = 0; i < kScripts.size(); ++i) {
    const auto reply = co_await Exchange({"SCRIPT", "LOAD", kScripts[i]});
    if (!reply) co_return tl::unexpected("it takes no scripts: " + reply.error());
    digests_[i] = reply->text;
  }
  if (ended_) co_return tl::unexpected(why_);
  co_return done;
}

io::Task<tl::expected<void, std::string>> Link::Connect() {
  const auto address = co_await FindAddress();
  if (!address) co_return tl::unexpected(address.error());
  if (ended_) co_return tl::unexpected(why_);
  auto opened = io::OpenStream(proactor_, address->family());
  if (!opened) co_return tl::unexpected(opened.error().Text());
  io::SocketStream& socket = **opened;
  stream_ = std::move(*opened);
  io::Deadline deadline(proactor_, kOpenMax, socket);
  const io::Result<> connected = co_await socket.Connect(*address);
  if (!connected) co_return tl::unexpected(TextOf(connected.error()));
  co_return tl::expected<void, std::string>();
}

io::Task<tl::expected<io::Address, std::string>> Link::FindAddress() {
  if (store_.resolver == nullptr) {
    const auto address = io::Address::Parse(store_.host, store_.port);
    if (!address) co_return tl::unexpected(store_.host + " is no IP address");
    co_return *address;
  }
  const auto found = co_await store_.resolver->LookUpHost(proactor_, store_.host, store_.port);
  if (!found) co_return tl::unexpected(found.error().text);
  co_return found->addresses.front();
}

// One request and its reply, while nothing else is on the way. Errors are texts.
io::Task<tl::expected<Reply, std::string>> Link::Exchange(
    std::initializer_list<std::string_view> words) {
  const pop3::Secret request = RenderRequest(std::span(words.begin(), words.size()));
  const io::Result<> sent = co_await stream_->Write(request.Expose());
  if (!sent) co_return tl::unexpected(TextOf(sent.error()));
  for (;;) {
    auto reply = reader_.Next();
    if (!reply) co_return tl::unexpected("it isn't Redis: " + reply.error());
    if (*reply != nullptr) {
      if ((*reply)->is(Reply::Kind::kError)) co_return tl::unexpected((*reply)->text);
      co_return std::move(**reply);
    }
    const io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more) co_return tl::unexpected(TextOf(more.error()));
    if (more->empty()) co_return tl::unexpected(std::string("it closed the connection"));
    if (const auto fed = reader_.Feed(more->bytes()); !fed) co_return tl::unexpected(fed.error());
  }
}

io::Task<std::string> Link::Carry() {
  co_await io::WhenBoth(proactor_.ready(), Write(), Read());
  silence_.Disarm();
  for (Waiting& each : std::exchange(waiting_, {})) each.on_reply(std::nullopt);
  co_return why_;
}

io::Task<void> Link::Write() {
  while (!ended_) {
    if (unsent_.empty()) {
      co_await more_.Wait();
      continue;
    }
    const std::string sending = std::exchange(unsent_, {});
    const io::Result<> sent = co_await stream_->Write(sending);
    if (!sent) Closed(TextOf(sent.error()));
  }
}

io::Task<void> Link::Read() {
  while (!ended_) {
    const io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more) {
      Closed(TextOf(more.error()));
    } else if (more->empty()) {
      Closed("it closed the connection");
    } else if (const auto fed = reader_.Feed(more->bytes()); !fed) {
      End(fed.error());
    } else if (!Deliver()) {
      End("it answered nonsense");
    }
  }
}

bool Link::Deliver() {
  while (!ended_) {
    const auto reply = reader_.Next();
    if (!reply) return false;
    if (*reply == nullptr) return true;
    if (waiting_.empty()) return false;
    const OnReply on_reply = std::move(waiting_.front().on_reply);
    waiting_.pop_front();
    on_reply(std::move(**reply));
  }
  return true;
}

bool Link::Send(const Words& words, OnReply on_reply) {
  if (ended_ || waiting_.size() >= kRequestsMax) return false;
  const std::vector<std::string_view> views(words.begin(), words.end());
  unsent_.append(RenderRequest(views).Expose());
  waiting_.push_back({std::move(on_reply), proactor_.Now()});
  if (waiting_.size() == 1) silence_.Arm(proactor_.Now() + kSilenceMax);
  more_.Signal();
  return true;
}

Link::Words Link::Call(Script script, std::initializer_list<std::string_view> keys,
                       std::initializer_list<std::string_view> arguments) const {
  Words words = {"EVALSHA", digests_[static_cast<size_t>(script)], std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

io::Task<std::optional<Reply>> Link::Ask(Words words) {
  io::Event answered(proactor_.ready());
  std::optional<Reply> result;
  const bool sent = Send(words, [&](std::optional<Reply> reply) {
    result = std::move(reply);
    answered.Signal();
  });
  if (sent) co_await answered.Wait();
  co_return result;
}

void Link::Abort() { End("Poplar stops"); }

void Link::Closed(std::string why) {
  was_closed_ = was_closed_ || !ended_;
  End(std::move(why));
}

void Link::End(std::string why) {
  if (std::exchange(ended_, true)) return;
  why_ = std::move(why);
  if (stream_ != nullptr) stream_->Abort();
  more_.Signal();
}

// A store that hangs takes the connection and says nothing.
void Link::Watch() {
  if (waiting_.empty() || ended_) return;
  const io::Time until = waiting_.front().sent + kSilenceMax;
  if (proactor_.Now() >= until) return End("no answer within a second");
  silence_.Arm(until);
}

}  // namespace poplar::shared_state
