#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/io/socket_stream.h"
#include "tests/simulation/session_ledger.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/sim_proactor.h"

namespace poplar::simulation {

// How a node breaks the protocol, or dies; once a connection.
enum class NodeFault : uint8_t {
  kNone,
  kGreetsError,
  kGreetsGarbage,
  kGreetsNever,
  kClosesAtPass,
  kClosesInAnswer,
  kResetsInAnswer,
  kFallsSilent,  // says nothing more, but stays
  kAnswersTwice,
  kAnswersEndlessly,  // a RETR that never ends
  kClosesAtQuit,      // without having committed
  kCommitsInSilence,  // and closes without the answer
};
inline constexpr int kNodeFaults = 12;

// Where the nodes' sessions are, to see that no user is on two of them at once.
class NodeSessions {
 public:
  // `poplar`: the machine that opens the connections.
  NodeSessions(SessionLedger& ledger, const SimProactor& poplar)
      : ledger_(ledger), poplar_(poplar) {}

  void OnAccepted(size_t attempt, size_t node, const io::Address& peer);
  void OnEnd(const io::Address& peer);

 private:
  struct Entry {
    size_t user;
    size_t node;
    io::Address peer;  // Poplar's end
  };
  SessionLedger& ledger_;
  const SimProactor& poplar_;
  std::vector<Entry> entries_;
};

// A node's end of a connection: tells the ledger what passes and, if it has a fault, breaks it. The
// mail session behind it is a correct one.
class NodeTap final : public io::Stream {
 public:
  struct Plan {
    size_t node = 0;
    NodeFault fault = NodeFault::kNone;
    SessionMistake mistake = SessionMistake::kNone;
    size_t after = 0;  // bytes said since the login when the fault shows
  };
  NodeTap(SimProactor& proactor, const io::Accepted& accepted, SessionLedger& ledger,
          NodeSessions& sessions, const Plan& plan);
  ~NodeTap() override;

  io::Task<io::Result<io::Buffer>> Read() override;
  io::Task<io::Result<>> Write(std::string_view bytes) override;
  io::Task<io::Result<>> ShutdownWrite() override;
  void CancelRead() override { stream_.CancelRead(); }
  void Abort() override { stream_.Abort(); }
  bool Detach() override { return false; }
  void Attach(io::Proactor&) override { assert(false); }
  bool Quiet() override { return stream_.Quiet(); }

 private:
  void OnBytes(std::string_view bytes);
  void OnLine();
  io::Task<io::Result<>> Greet(std::string_view bytes);
  io::Task<io::Result<>> WriteWithFault(std::string_view bytes);
  io::Task<io::Result<>> WriteWithMistake(std::string_view bytes);
  io::Task<io::Result<>> SayEndlessly();
  io::Result<> Die();
  bool ClosesNow() const;

  SimProactor& proactor_;
  const io::SocketId socket_;
  const io::Address peer_;
  io::SocketStream stream_;
  SessionLedger& ledger_;
  NodeSessions& sessions_;
  Plan plan_;

  std::string line_;
  size_t attempt_ = 0;  // 0: not known yet
  bool greeted_ = false;
  bool pass_seen_ = false;
  bool accepted_ = false;
  bool quit_seen_ = false;
  bool silent_ = false;
  size_t said_ = 0;  // bytes since the login
};

}  // namespace poplar::simulation
