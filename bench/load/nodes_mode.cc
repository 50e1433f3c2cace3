#include "bench/load/nodes_mode.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <list>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "bench/load/load_users.h"
#include "bench/load/runtime.h"
#include "proxy/demo/mail_node.h"
#include "proxy/demo/message_text.h"
#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"
#include "proxy/io/task_scope.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/stream.h"
#include "proxy/tls/throwaway_certificate.h"

namespace poplar::bench {
namespace {

constexpr io::Duration kHandshakeTimeout = std::chrono::seconds(30);

std::string MakeText(size_t bytes) {
  std::string text =
      "From: Load <load@example.com>\nSubject: A message of the load\n"
      "Content-Type: text/plain\n\n";
  while (text.size() < bytes) {
    text += "The quick brown fox jumps over the lazy dog, and then over the next one.\n";
  }
  return demo::WithCrlf(text);
}

void Fill(demo::MailStore& store, const NodesSettings& settings) {
  const auto text = std::make_shared<const std::string>(MakeText(settings.message_bytes));
  for (unsigned i = 0; i < settings.users; ++i) {
    const std::string user = LoadUser(i);
    store.AddUser(user, kLoadPassword);
    for (unsigned k = 0; k < settings.messages; ++k) store.AddMessage(user, text);
  }
}

// The same numbers for the same seed, on every machine.
class SeededRandom final : public io::Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}
  uint64_t Next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// A node's model, with what is random in it; each node's differs.
struct Service {
  Service(io::Proactor& proactor, const NodesSettings& settings, unsigned node)
      : times(settings.seed * 1000 + node * 2),
        stalls(settings.seed * 1000 + node * 2 + 1),
        model(proactor, settings.service, times, stalls) {}

  SeededRandom times;
  SeededRandom stalls;
  demo::ServiceModel model;
};

bool Modelled(const demo::ServiceSettings& service) {
  return service.time > io::Duration::zero() || service.stall_every > io::Duration::zero();
}

// A node behind TLS: what MailNode::Listen does, with a handshake in between.
class TlsFront {
 public:
  TlsFront(io::Proactor& proactor, demo::MailNode& node, const tls::ServerContext& context)
      : proactor_(proactor), node_(node), context_(context), scope_(proactor.ready()) {}

  io::Result<io::Address> Listen(const io::Address& address) {
    io::ListenOptions options;
    options.reuse_port = false;
    const io::Result<io::SocketId> listener = proactor_.Listen(address, options);
    if (!listener) return tl::unexpected(listener.error());
    listener_ = *listener;
    scope_.Spawn(Accept());
    return proactor_.LocalAddress(listener_);
  }

  io::Task<void> Stop() {
    stopped_ = true;
    proactor_.Abort(listener_);
    co_await scope_.Empty();
  }

 private:
  io::Task<void> Accept() {
    while (!stopped_) {
      const io::Result<io::Accepted> accepted = co_await proactor_.Accept(listener_);
      if (accepted) scope_.Spawn(Serve(accepted->socket));
    }
    proactor_.Close(listener_);
  }

  io::Task<void> Serve(io::SocketId socket) {
    auto stream = std::make_unique<tls::TlsStream>(
        std::make_unique<io::SocketStream>(proactor_, socket), context_.NewConnection(),
        proactor_.buffers(), proactor_.ready());
    bool secured = false;
    {
      io::Deadline deadline(proactor_, kHandshakeTimeout, *stream);
      const io::Result<> done = co_await stream->Handshake();
      secured = done.has_value();
    }
    if (secured) co_await node_.Serve(std::move(stream));
  }

  io::Proactor& proactor_;
  demo::MailNode& node_;
  const tls::ServerContext& context_;
  io::TaskScope scope_;
  io::SocketId listener_ = io::SocketId::kNone;
  bool stopped_ = false;
};

std::shared_ptr<const tls::ServerContext> MakeContext(io::Proactor& proactor) {
  tls::ServerSettings settings;
  settings.certificates_in_memory.push_back(
      tls::MakeThrowawayCertificate(proactor.clock().UnixMicros() / 1'000'000));
  auto context = tls::ServerContext::Create(settings);
  if (!context) {
    std::fprintf(stderr, "poplar_load: %s\n", context.error().c_str());
    return nullptr;
  }
  return *context;
}

class Nodes {
 public:
  Nodes(io::Proactor& proactor, const NodesSettings& settings)
      : proactor_(proactor), settings_(settings), stop_(proactor.ready()) {}

  void Stop() { stop_.Signal(); }

  io::Task<void> Run() {
    Fill(store_, settings_);
    if (settings_.tls) {
      context_ = MakeContext(proactor_);
      if (context_ == nullptr) co_return;
    }
    started_ = Start();
    if (started_) {
      std::puts("ready");
      std::fflush(stdout);
      co_await stop_.Wait();
    }
    for (demo::MailNode& node : nodes_) node.Stop();
    for (TlsFront& front : fronts_) co_await front.Stop();
    for (demo::MailNode& node : nodes_) co_await node.Stopped();
  }

  bool started() const { return started_; }

 private:
  bool Start() {
    for (unsigned i = 0; i < settings_.nodes; ++i) {
      const unsigned port = settings_.first_port == 0 ? 0 : settings_.first_port + i;
      const auto address = io::Address::Parse(settings_.host, static_cast<uint16_t>(port));
      if (!address) {
        std::fprintf(stderr, "poplar_load: %s is not an address\n", settings_.host.c_str());
        return false;
      }
      demo::MailNodeOptions options;
      options.name = "node-" + std::to_string(i + 1);
      if (Modelled(settings_.service))
        options.service = &services_.emplace_back(proactor_, settings_, i).model;
      demo::MailNode& node = nodes_.emplace_back(proactor_, store_, options);
      io::Result<io::Address> listening = io::Fail(0);
      if (settings_.tls) {
        listening = fronts_.emplace_back(proactor_, node, *context_).Listen(*address);
      } else {
        listening = node.Listen(*address);
      }
      if (!listening) {
        if (settings_.tls) fronts_.pop_back();
        std::fprintf(stderr, "poplar_load: cannot listen on %s: %s\n", address->Text().c_str(),
                     listening.error().Text().c_str());
        return false;
      }
      std::printf("node %s\n", listening->Text().c_str());
    }
    return true;
  }

  io::Proactor& proactor_;
  const NodesSettings& settings_;
  demo::MailStore store_;
  std::shared_ptr<const tls::ServerContext> context_;
  std::list<Service> services_;
  std::list<demo::MailNode> nodes_;
  std::list<TlsFront> fronts_;
  io::Event stop_;
  bool started_ = false;
};

}  // namespace

int RunNodes(const NodesSettings& settings) {
  // Before any thread is there, so that all of them inherit it and the signals come to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const std::unique_ptr<Runtime> runtime = Runtime::Create();
  if (runtime == nullptr) return 1;
  Nodes nodes(runtime->proactor(), settings);
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    runtime->proactor().PostFromAnyThread([&nodes] { nodes.Stop(); });
  });
  runtime->RunToEnd(nodes.Run());
  if (!nodes.started()) kill(getpid(), SIGTERM);  // blocked everywhere: it wakes the waiter
  waiter.join();
  return nodes.started() ? 0 : 1;
}

}  // namespace poplar::bench
