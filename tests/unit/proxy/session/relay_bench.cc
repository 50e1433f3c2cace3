#include "tests/unit/proxy/session/relay_bench.h"

#include <gtest/gtest.h>

#include "proxy/io/socket_stream.h"

namespace poplar::session {
namespace {

const io::Address kPoplar = *io::Address::Parse("192.0.2.1", 995);
const io::Address kNode = *io::Address::Parse("192.0.2.10", 110);
const io::Address kClient = *io::Address::Parse("192.0.2.20", 0);

}  // namespace

RelayBench::RelayBench(const Options& options)
    : options_(options),
      world_(options.seed),
      network_(world_, options.faults),
      poplar_(network_, "poplar", kPoplar),
      client_machine_(network_, "client", kClient),
      node_machine_(network_, "node", kNode),
      node_listener_(*node_machine_.Listen(kNode, {})) {
  node_scope_.Spawn(AcceptAtNode());
  scope_.Spawn(RunRelay(*poplar_.Listen(kPoplar, {})));
  client_.emplace(client_machine_, kPoplar);
  EXPECT_TRUE(Run([this] { return node_ && relay_ != nullptr; }, std::chrono::seconds(1)))
      << world_.why_not();
}

RelayBench::~RelayBench() {
  client_->Shut();
  node_->Shut();
  const auto idle = [this] { return scope_.count() == 0 && client_->done() && node_->done(); };
  EXPECT_TRUE(Run(idle, std::chrono::hours(1))) << world_.why_not();
  client_.reset();
  node_.reset();
  poplar_.MustBeIdle();
  client_machine_.MustBeIdle();
  node_machine_.MustBeIdle();
}

io::Task<void> RelayBench::AcceptAtNode() {
  const io::Result<io::Accepted> accepted = co_await node_machine_.Accept(node_listener_);
  node_.emplace(node_machine_, accepted->socket);
  node_machine_.Close(node_listener_);
}

io::Task<void> RelayBench::RunRelay(io::SocketId listener) {
  const io::Result<io::Accepted> accepted = co_await poplar_.Accept(listener);
  poplar_.Close(listener);
  io::SocketStream client(poplar_, accepted->socket);
  auto node = io::OpenStream(poplar_, kNode.family(), io::Takes::kMuch);
  const io::Result<> connected = co_await (*node)->Connect(kNode);
  EXPECT_TRUE(connected.has_value());
  ClientInput input;
  if (!options_.unread.empty()) {
    io::Buffer buffer = poplar_.buffers().TryTake(io::BufferUse::kReceive);
    buffer.Append(options_.unread);
    input.Feed(std::move(buffer));
  }
  {
    Relay relay(poplar_, client, input, options_.relay, options_.pace, record, meter);
    relay_ = &relay;
    relay.Join({.stream = **node,
                .id = balancer::NodeId(0),
                .response = std::chrono::seconds(15),
                .keepalive = options_.keepalive,
                .logged_in = poplar_.Now(),
                .max_snapshot_age = options_.max_snapshot_age,
                .down = false,
                .out = false});
    io::Event woken(poplar_.ready());
    co_await relay.Run();
    while (relay.rests()) {
      relay.Rest(io::Waker::Of(woken));
      co_await woken.Wait();
      co_await relay.Run();
    }
    end_ = relay.end();
    relay_ = nullptr;
  }
  node->reset();
  // A close with bytes unread would be a reset, which could overtake the last answer.
  if (co_await client.ShutdownWrite()) {
    for (bool open = true; open;) {
      const io::Result<io::Buffer> rest = co_await client.Read();
      open = rest && !rest->empty();
    }
  }
}

void RelayBench::AnswerBy(std::function<std::string(std::string_view)> answer) {
  node_->set_on_line([this, answer = std::move(answer)](std::string_view line) {
    const std::string bytes = answer(line);
    if (!bytes.empty()) node_->Send(bytes);
  });
}

void RelayBench::Settle(io::Duration most) {
  Run([] { return false; }, most);
}

bool RelayBench::Run(const std::function<bool()>& predicate, io::Duration most) {
  return world_.RunUntil(predicate, most);
}

RelayEnd RelayBench::RunToEnd(io::Duration most) {
  EXPECT_TRUE(Run([this] { return end_.has_value(); }, most)) << world_.why_not();
  const RelayEnd end = end_.value_or(RelayEnd{});
  Settle();
  return end;
}

std::string RelayBench::ClientGot() {
  std::string got = client_->received();
  client_->Forget();
  return got;
}

std::string RelayBench::NodeGot() {
  std::string got = node_->received();
  node_->Forget();
  return got;
}

}  // namespace poplar::session
