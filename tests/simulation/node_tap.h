#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "proxy/io/socket_stream.h"
#include "tests/simulation/node_sessions.h"
#include "tests/simulation/question.h"
#include "tests/simulation/session_mistake.h"
#include "tests/simulation/sim_proactor.h"
#include "tests/simulation/stale_view.h"

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
  kDiesLater,         // some time after the login, whatever passes then
};
inline constexpr int kNodeFaults = 13;

// The trouble that a node has with its storage, and says to whoever asks.
struct NodeTrouble {
  bool logins = false;
  // Each so-manieth in the TRANSACTION state, but for QUIT and RSET; 0: none.
  uint64_t commands = 0;
};

// A node's end of a connection: tells what passes and, if it has a fault, breaks it. The mail
// session behind it is a correct one.
class NodeTap final : public io::Stream {
 public:
  struct Plan {
    size_t node = 0;
    io::Address at;      // where it is
    bool probe = false;  // the connection is a prober's
    NodeFault fault = NodeFault::kNone;
    SessionMistake mistake = SessionMistake::kNone;
    size_t after = 0;      // bytes said since the login when the fault shows
    io::Duration later{};  // of kDiesLater
    StaleView* view = nullptr;
  };
  NodeTap(SimProactor& proactor, const io::Accepted& accepted, SessionLedger& ledger,
          NodeSessions& sessions, const NodeTrouble& trouble, const Plan& plan);
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
  void PassLinesOn();
  std::string OnLine(const std::string& bytes);
  void Note(const std::string& text) const;
  void OnCommand(std::string_view line);
  std::string WithTrouble(std::string_view bytes);
  void OnTag(size_t number);
  void OnAccepted();
  io::Task<io::Result<>> Greet(std::string_view bytes);
  io::Task<io::Result<>> AnswerPass(std::string_view bytes);
  io::Task<io::Result<>> WriteInSession(std::string_view bytes);
  io::Task<io::Result<>> WriteWithFault(std::string_view bytes);
  io::Task<io::Result<>> WriteWithMistake(std::string_view bytes);
  io::Task<io::Result<>> SayEndlessly();
  io::Task<io::Buffer> Inject(std::string_view line);
  io::Result<> Die();
  void Lie();
  bool ClosesNow() const;

  SimProactor& proactor_;
  const io::SocketId socket_;
  const io::Address peer_;
  io::SocketStream stream_;
  SessionLedger& ledger_;
  NodeSessions& sessions_;
  const NodeTrouble& trouble_;
  Plan plan_;
  io::Timer death_;

  std::string line_;               // the one that is coming in
  std::deque<std::string> lines_;  // that have come
  std::string whole_lines_;        // for the mail session
  std::string name_;
  NodeSession* session_ = nullptr;  // once a user of the ledger's is logged in
  bool greeted_ = false;
  bool pass_seen_ = false;
  bool in_trouble_ = false;  // the PASS was spoilt: it is to look like trouble of the node's
  bool accepted_ = false;
  bool quit_seen_ = false;
  bool silent_ = false;
  bool delete_due_ = false;    // of kParksWithDelete
  bool swallow_next_ = false;  // the answer to what was injected
  uint64_t commands_ = 0;      // heard since the login
  size_t said_ = 0;            // bytes since the login
  std::deque<bool> refusals_;  // due from the mail session: whether it is to look like trouble
  std::shared_ptr<const demo::MessageList> view_;  // the session's
  std::set<std::string> marked_;                   // in it, by unique id
};

}  // namespace poplar::simulation
