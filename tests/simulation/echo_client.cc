#include "tests/simulation/echo_client.h"

#include <utility>

#include "proxy/io/sync.h"

namespace poplar::simulation {
namespace {

constexpr io::Duration kPatience = std::chrono::minutes(30);

}  // namespace

EchoClient::EchoClient(SimProactor& proactor, io::Address server, size_t bytes, EchoTemper temper,
                       SeededRandom random)
    : proactor_(proactor),
      world_(proactor.world()),
      server_(server),
      temper_(temper),
      random_(random),
      mood_(proactor.timers(), &EchoClient::OnMood, this) {
  payload_.reserve(bytes);
  while (payload_.size() < bytes) payload_.push_back(static_cast<char>(random_.Next()));
}

io::Task<void> EchoClient::Run(io::Duration start_after) {
  co_await proactor_.Sleep(start_after);
  {
    ScriptedPeer peer(proactor_);
    peer_ = &peer;
    io::Deadline deadline(proactor_, kPatience, peer.stream());
    if (temper_ == EchoTemper::kImpatient || temper_ == EchoTemper::kRude) {
      ArmMood(std::chrono::milliseconds(200));
    }
    const io::Result<> connected = co_await peer.Connect(server_);
    if (connected) co_await Talk();
    mood_.Disarm();
    peer_ = nullptr;
  }
  done_ = true;
}

io::Task<void> EchoClient::Talk() {
  if (temper_ == EchoTemper::kIndifferent) {
    co_await WriteAll();
    co_return;
  }
  if (temper_ == EchoTemper::kFickle) ArmMood(std::chrono::milliseconds(5));
  co_await io::WhenBoth(proactor_.ready(), WriteAll(), ReadAll());
}

io::Task<void> EchoClient::WriteAll() {
  std::string_view rest = payload_;
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, random_.Between(1, rest.size()));
    const io::Result<> written = co_await peer_->stream().Write(piece);
    if (!written) co_return;
    rest.remove_prefix(piece.size());
  }
  if (temper_ != EchoTemper::kIndifferent) co_await peer_->ShutdownWrite();
}

io::Task<void> EchoClient::ReadAll() {
  while (true) {
    if (temper_ == EchoTemper::kSlow && pauses_left_-- > 0) {
      co_await proactor_.Sleep(random_.Between(io::Duration(0), std::chrono::seconds(1)));
    }
    io::Result<io::Buffer> read = co_await peer_->stream().Read();
    if (!read && read.error().cancelled() && std::exchange(cancelled_, false)) continue;
    if (!read) co_return;
    if (read->empty()) break;
    Check(read->bytes());
  }
  complete_ = received_ == payload_.size();
}

void EchoClient::Check(std::string_view bytes) {
  world_.Require(bytes.size() <= payload_.size() - received_, "more came back than was sent");
  world_.Require(payload_.compare(received_, bytes.size(), bytes) == 0, "other bytes came back");
  received_ += bytes.size();
}

void EchoClient::ArmMood(io::Duration most) {
  mood_.Arm(proactor_.Now() + random_.Between(io::Duration(0), most));
}

void EchoClient::OnMood(void* context) {
  auto* self = static_cast<EchoClient*>(context);
  switch (self->temper_) {
    case EchoTemper::kImpatient:
      self->peer_->Abort();
      break;
    case EchoTemper::kRude:
      self->peer_->Reset();
      break;
    case EchoTemper::kFickle:
      self->cancelled_ = true;
      self->peer_->stream().CancelRead();
      if (--self->cancels_left_ > 0) self->ArmMood(std::chrono::milliseconds(100));
      break;
    default:
      break;
  }
}

}  // namespace poplar::simulation
