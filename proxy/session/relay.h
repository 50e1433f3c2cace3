#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/session/client_input.h"
#include "proxy/session/command_queue.h"
#include "proxy/session/end_reason.h"
#include "proxy/session/meter.h"
#include "proxy/session/record.h"

namespace poplar::session {

// How the relay ended, and what the client is still owed.
struct RelayEnd {
  EndReason reason = EndReason::kShutdown;
  std::string_view farewell;  // a last line for the client, at a boundary between answers
  // No farewell and no orderly end of TLS: the client is in the middle of an answer, or QUIT has
  // none, and must be able to tell that this is not how it ends.
  bool abrupt = false;
  // After a QUIT: whether the node's session may be kept for the user's next login (kParked: it
  // may, the node's stream is idle and the QUIT hasn't been sent to it), or why not.
  std::optional<ParkResult> park;
  bool node_failed = false;  // it went away or made no sense while it owed an answer
};

struct RelayOptions {
  io::Duration client_idle;
  io::Duration client_write_stall;
  io::Duration node_response;
  int bad_commands_max;
  io::Time logged_in;             // the node's answer
  io::Duration max_snapshot_age;  // a session older than that isn't parked; 0: none is
};

// The TRANSACTION state: commands up, answers down, both understood (DESIGN of this folder:
// README.md).
//
// Two pumps side by side. PumpCommands reads the client's lines, queues what each one's answer will
// look like and sends them on in batches. PumpReplies frames the node's bytes against that queue
// and passes them on where they lie. Answers of Poplar's own take their turn in the queue. One
// timer watches whichever of the two ends is due to do something.
class Relay {
 public:
  // All must outlive the relay.
  Relay(io::Proactor& proactor, io::Stream& client, io::Stream& node, ClientInput& input,
        const RelayOptions& options, Record& record, Meter& meter);

  // Once. Both streams are idle when it returns.
  io::Task<RelayEnd> Run();

  // Ends at the next boundary between answers with -ERR [SYS/TEMP].
  void Drain();
  // Ends at once.
  void Abort();
  // As if the node had gone.
  void DropNode();

 private:
  io::Task<void> PumpCommands();
  POPLAR_OWN_FRAME io::Task<void> TakeCommands();
  io::Task<void> TakeCommand(std::string_view line, io::Buffer& batch);
  POPLAR_OWN_FRAME io::Task<void> PumpBlindly();
  io::Task<void> SendBatch(io::Buffer& batch);
  void QueueOwnReply(const std::string_view& reply, std::optional<EndReason> ends);
  void Queue(const PendingCommand& command);
  void OnBadCommand(const std::string_view& reply);
  ParkResult MayPark(const pop3::Command& quit) const;
  void OnClientGone(const io::Result<io::Buffer>& last);

  io::Task<void> PumpReplies();
  POPLAR_OWN_FRAME io::Task<void> RelayReplies(std::string_view bytes);
  io::Task<void> OnReplyComplete(std::string_view unsent);
  io::Task<void> AnswerOwn();
  io::Task<void> AnswerOwnInTurn();
  bool HoldReply(std::string_view piece);
  void CountReply(const PendingCommand& command);
  void OnNodeGone(EndReason reason);
  void LoseNode(EndReason reason);

  io::Task<void> WriteToClient(std::string_view bytes);
  static EndReason ReasonOf(const io::Error& error);
  void End(EndReason reason, std::string_view farewell = {}, bool abrupt = false);
  void EndIfDue();
  void Watch();
  void OnTimer();
  bool own_reply_due() const { return !queue_.empty() && queue_.front().own_reply != nullptr; }
  bool at_boundary() const { return queue_.empty() && !client_writing_; }

  io::Proactor& proactor_;
  io::Stream& client_;
  io::Stream& node_;
  ClientInput& input_;
  const RelayOptions options_;
  Record& record_;
  Meter& meter_;

  CommandQueue queue_;
  pop3::ReplyFramer framer_;
  io::Turn writer_;  // whose turn it is to write to the client
  io::Event room_;   // the queue got shorter, or the relay ended
  io::Timer timer_;

  io::Time waiting_since_{};    // for the node: its last byte, or when an answer became due
  io::Time idle_since_{};       // for the client
  bool framing_ = false;        // framer_ is within the front command's answer
  bool reply_relayed_ = false;  // and the client has bytes of it
  bool client_writing_ = false;
  bool client_done_ = false;  // its last byte has come; answers may still go out
  bool quit_sent_ = false;
  bool opaque_sent_ = false;  // a command we don't know went up: no command is understood any more
  bool opaque_ = false;       // and now no answer either
  bool draining_ = false;
  bool response_timed_out_ = false;
  std::optional<EndReason> node_lost_;  // the next command is told
  int bad_commands_ = 0;
  bool trouble_seen_ = false;  // an answer with [SYS/...]
  bool mode_changed_ = false;  // UTF8 or LANG: the next login would not expect it (RFC 6856)
  bool parking_ = false;       // QUIT was answered here; the node doesn't hear of it yet
  bool node_dropped_ = false;
  uint64_t deletes_marked_ = 0;
  std::string held_capa_;

  bool ended_ = false;
  RelayEnd end_;
};

}  // namespace poplar::session
