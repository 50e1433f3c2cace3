#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/admission/pace.h"
#include "proxy/admission/retention.h"
#include "proxy/io/frame_pool.h"
#include "proxy/io/lookout.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/io/waker.h"
#include "proxy/pop3/capabilities.h"
#include "proxy/pop3/command.h"
#include "proxy/pop3/listing_filter.h"
#include "proxy/pop3/maildrop_view.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/pop3/reply_progress.h"
#include "proxy/pop3/uidl_reader.h"
#include "proxy/session/client_input.h"
#include "proxy/session/command_queue.h"
#include "proxy/session/end_reason.h"
#include "proxy/session/meter.h"
#include "proxy/session/pause.h"
#include "proxy/session/record.h"

namespace poplar::session {

// How the relay ended, and what the client is still owed.
struct RelayEnd {
  io::StaticText farewell;  // a last line for the client, at a boundary between answers
  EndReason reason = EndReason::kShutdown;
  // No farewell and no orderly end of TLS: the client is in the middle of an answer, or QUIT has
  // none, and must be able to tell that this is not how it ends.
  bool abrupt = false;
  bool finished = false;  // the client has its last answer, and with it the end of our writing
  // After a QUIT: whether the node's session may be kept for the user's next login (kParked: it
  // may, the node's stream is idle and the QUIT hasn't been sent to it), or why not.
  std::optional<ParkResult> park;
  bool node_failed = false;  // it went away or made no sense while it owed an answer
  // The node was lost. kResumed: the session can go on in another one of the same maildrop, by
  // Run(); all of the above says how it ends if there is none. Else why it can't.
  std::optional<ResumeResult> lost;
};

struct RelayOptions {
  io::ConfiguredDuration client_idle;
  io::ConfiguredDuration client_write_stall;
  int bad_commands_max;
  bool resumes = false;     // whether a session may go on after its node is lost
  bool pipelining = false;  // whether the nodes take a command of ours ahead of the client's
  // Unless allowed, DELE is answered here, and so is any command that we don't know: behind it
  // nothing would be understood, a DELE neither.
  admission::Deletes deletes = admission::Deletes::kAllowed;
  bool unknown_refused = false;  // commands that Poplar doesn't know, instead of being relayed
  uint64_t listing_key = 0;      // of pop3::UidlReader
  const pop3::CapabilityEdits* capabilities = nullptr;
};

// The node's session, as the relay finds it.
struct NodeSide {
  io::Stream& stream;
  balancer::NodeId id;
  io::Duration response;          // most time that it may take to say something
  io::Duration keepalive;         // asked nothing for so long, it gets a NOOP; 0: none
  io::Time logged_in;             // the node's answer
  io::Duration max_snapshot_age;  // a session older than that isn't parked; 0: none is
  bool down;                      // it is to be left at once: DropNode()
  bool out;                       // health has taken it out of service: SetNodeOut()
};

// The TRANSACTION state: commands up, answers down, both understood (DESIGN of this folder:
// README.md).
//
// Two pumps side by side. PumpCommands (relay_commands.cc) reads the client's lines, queues what
// each one's answer will look like and sends them on in batches. PumpReplies (relay_replies.cc)
// frames the node's bytes against that queue and passes them on where they lie. Answers of Poplar's
// own take their turn in the queue. One timer watches whichever of the two ends is due to do
// something. Where neither has said anything for a moment the pumps end, and the relay rests on two
// lookouts until one does: an idle session then costs what it knows, and not what it does.
//
// Where sessions are resumed, it also keeps what the client knows of its maildrop
// (relay_loss.cc).
class Relay {
 public:
  // Comes and goes with a login, on one thread: its memory is a frame's.
  static void* operator new(size_t bytes) { return io::AllocateFrame(bytes); }
  static void operator delete(void* relay, size_t bytes) { io::FreeFrame(relay, bytes); }

  // All but the rules must outlive the relay.
  Relay(io::Proactor& proactor, io::Stream& client, ClientInput& input, const RelayOptions& options,
        const admission::PaceRules& pace, Record& record, Meter& meter);

  // First of all; again after a loss, with another session of the same maildrop that Refit has
  // taken.
  void Join(const NodeSide& node);
  // Until the session ends or the node is lost, as end() says, or neither side has anything to say:
  // rests(). Both streams are idle when it returns.
  io::Task<void> Run();
  // Then no coroutine of it is left. Rest: wakes whoever is to Run it again, once one of them has;
  // at once if that is so already.
  bool rests() const { return resting_; }
  void Rest(io::Waker whom);
  const RelayEnd& end() const { return end_; }
  // What end() says of the node's failure; told once.
  bool TakeNodeFailure() { return std::exchange(end_.node_failed, false); }

  // --- between a loss and the next Join

  // Whether the client waits for an answer. If not it needs no node until it asks for something.
  bool owes_answer() const { return !queue_.empty(); }
  // Until it owes one; no node is needed meanwhile. False: the session has ended, see end().
  io::Task<bool> AwaitCommand();
  // There is no other session.
  void GiveUp();
  // Since when the client has been waiting for its next byte because of this loss, or of earlier
  // ones.
  io::Time stalled_since() const { return stalled_since_; }
  // Losses since the client last got a byte.
  int losses() const { return losses_; }

  // Whether the client knows anything that the node's listing (UIDL) has to agree with.
  bool needs_listing() const;
  enum class Fit : uint8_t {
    kFits,
    kEmpty,      // nothing of it is there any more: rather the store is missing than the mail
    kDifferent,  // it doesn't agree
  };
  Fit Refit(const std::vector<uint64_t>& listing);
  // To be deleted again, by the node's numbers.
  std::vector<uint32_t> MarksAtNode() const;

  // --- from outside

  // Ends at the next boundary between answers with -ERR [SYS/TEMP], in the words that go with the
  // reason. The first one counts.
  void Drain(EndReason reason = EndReason::kDraining);
  // Poplar is about to drain. A client that has been silent for so long already is told at its next
  // command, unless that is QUIT; one that is at work goes on.
  void RefuseNextIfSilent(io::Duration silence);
  // Ends at once.
  void Abort(EndReason reason = EndReason::kShutdown);
  // Whether the client has all that it has asked for.
  bool at_boundary() const { return queue_.empty() && !client_writing_; }
  io::Time idle_since() const { return idle_since_; }  // the client
  // As if the node had gone.
  void DropNode();
  // Health has taken the node out of service, or in again. Where the session can go on elsewhere it
  // leaves a node that is out and has nothing to say.
  void SetNodeOut(bool out);

 private:
  // What a session must know to go on elsewhere; made when it first names messages.
  struct Kept {
    explicit Kept(uint64_t key) : reader(key) {}
    pop3::MaildropView view;
    pop3::UidlReader reader;
    pop3::ReplyProgress progress;
    std::optional<pop3::ListingFilter> filter;  // while an answer is translated
  };
  // How fast it goes; only where that is limited (relay_pace.cc).
  struct Paced {
    Paced(const admission::PaceRules& rules, io::Proactor& proactor)
        : pace(rules, proactor.Now()), commands(proactor), replies(proactor) {}
    admission::Pace pace;
    Pause commands;
    Pause replies;
    io::Time commands_from{};  // the next one isn't due before
    bool breathing = false;    // nothing is read from the node for a while
  };
  // What the pumps share; only while they run.
  struct Traffic {
    Traffic(io::RunList& ready, io::Time now) : begun(now), writer(ready), room(ready) {}
    const io::Time begun;
    pop3::ReplyFramer framer;
    io::Turn writer;        // whose turn it is to write to the client
    io::Event room;         // the queue got shorter, or the relay ended
    io::Time chunk_came{};  // the one that is looked at
    std::string aside;      // of the answer under way: what is held or goes out instead
  };
  // What the client gets of a piece of an answer.
  struct Passage {
    enum class Kind : uint8_t {
      kInPlace,    // itself
      kInstead,    // `bytes`
      kHeld,       // nothing yet
      kTrouble,    // nothing: the node says [SYS/TEMP], and another may do better
      kDifferent,  // nothing: it isn't the answer that was begun
      kFault,      // nothing: no answer at all
    };
    Kind kind = Kind::kInPlace;
    std::string_view bytes;
  };

  static constexpr io::Time kNever = io::Time::max();

  // What the client gets behind what is written.
  enum class Behind : uint8_t {
    kMaybe,
    kMore,     // at once
    kNothing,  // ever
  };

  io::Task<void> PumpCommands(std::string again);
  POPLAR_OWN_FRAME io::Task<void> TakeCommands();
  io::Task<void> TakeCommand(std::string_view line, io::Buffer& batch);
  void TakeWithoutNode(const PendingCommand& command);
  void AskForListing(PendingCommand& command, io::Buffer& batch);
  bool AppendCommand(PendingCommand& command, std::string_view line, io::Buffer& batch);
  POPLAR_OWN_FRAME io::Task<void> PumpBlindly();
  io::Task<void> SendBatch(io::Buffer& batch);
  void QueueOwnReply(const std::string_view& reply, std::optional<EndReason> ends);
  void Queue(const PendingCommand& command);
  void OnBadCommand(const std::string_view& reply);
  bool KeepsMail(pop3::Verb verb);
  // Ours, where the node isn't asked.
  const std::string_view& QuitReply() const;
  ParkResult MayPark(const pop3::Command& quit) const;
  void OnClientGone(const io::Result<io::Buffer>& last);

  bool TooFast() const;
  io::Task<void> HoldCommands(io::Buffer& batch);
  io::Task<void> Breathe(size_t bytes);

  bool MayRest() const;
  void BeginRest();
  POPLAR_OWN_FRAME io::Task<void> EndRest();

  io::Task<void> PumpReplies();
  POPLAR_OWN_FRAME io::Task<void> RelayReplies(std::string_view bytes);
  void BeginReply();
  io::Task<bool> PassInstead(const Passage& passage);
  Passage Pass(std::string_view piece, bool complete);
  Passage Repeat(std::string_view piece, bool complete);
  Passage Translate(std::string_view piece, bool complete);
  bool IsTrouble(const PendingCommand& command) const;
  io::Task<void> OnReplyComplete(std::string_view unsent, Behind behind);
  io::Task<void> AnswerOwn();
  io::Task<void> AnswerOwnInTurn();
  void CountReply(const PendingCommand& command);
  void CountMarks(const PendingCommand& command);
  void LearnListing(bool ok);
  void LearnCount();

  void OnNodeGone(EndReason reason);
  void Suspend(EndReason reason);
  ResumeResult MayResume() const;
  bool AnswerQuit();
  void NoteMissedMarks();
  void Reopen();
  std::string AskAgain();
  bool AskAgain(PendingCommand& command);

  io::Task<void> WriteToClient(std::string_view bytes, Behind behind = Behind::kMaybe);
  static EndReason ReasonOf(const io::Error& error);
  void End(EndReason reason, io::StaticText farewell = {}, bool abrupt = false);
  void EndIfDue();
  void EndDrained();
  void Watch();
  void OnTimer();
  bool keeps_node_awake() const;
  void KeepNodeAwake();
  io::Task<void> AskNoop();
  void MakeRoom() {
    if (traffic_ != nullptr) traffic_->room.Signal();
  }
  bool running() const { return !ended_ && !lost_; }
  // Of an answer that has begun; ours alone decide when it goes on where it is paced.
  bool more_is_there() const {
    return running() && framing_ && !opaque_ && paced_ == nullptr && node_->MoreWaits();
  }
  bool own_reply_due() const { return !queue_.empty() && queue_.front().own_reply != nullptr; }
  bool mapped() const { return kept_ != nullptr && kept_->view.mapped(); }
  uint32_t AtNode(uint32_t own) const { return mapped() ? kept_->view.AtNode(own) : own; }

  io::Proactor& proactor_;
  io::Stream& client_;
  io::Stream* node_ = nullptr;  // none between a loss and the next Run
  balancer::NodeId node_id_{};
  ClientInput& input_;
  const RelayOptions options_;
  io::Time logged_in_{};  // at the node, whose the next three are
  io::ConfiguredDuration node_response_{};
  io::ConfiguredDuration node_keepalive_{};
  io::ConfiguredDuration max_snapshot_age_{};
  Record& record_;
  Meter& meter_;

  CommandQueue queue_;
  Traffic* traffic_ = nullptr;
  io::Timer timer_;
  io::Waker rest_ended_;
  io::Lookout client_lookout_{rest_ended_};  // while it rests
  io::Lookout node_lookout_{rest_ended_};    // likewise

  io::Time waiting_since_{};    // for the node: its last byte, or when an answer became due
  io::Time idle_since_{};       // for the client
  bool framing_ = false;        // the framer is within the front command's answer
  bool reply_relayed_ = false;  // and the client has bytes of it
  bool repeating_ = false;      // and gets only what it hasn't got yet
  bool client_writing_ = false;
  bool client_reading_ = false;   // its next bytes are waited for
  bool resting_ = false;          // or is about to: the pumps end
  bool noop_due_ = false;         // and not any more: the node is to be asked NOOP first
  bool client_done_ : 1 = false;  // its last byte has come; answers may still go out
  bool quit_sent_ : 1 = false;    // by the client; whatever follows is discarded
  bool quit_asked_ : 1 = false;   // of a node, which may have done it
  bool opaque_sent_ : 1 =
      false;                 // a command we don't know went up: no command is understood any more
  bool opaque_ : 1 = false;  // and now no answer either
  std::optional<EndReason> draining_;  // and why
  bool refuses_next_ : 1 = false;      // command: a drain is about to begin
  bool response_timed_out_ : 1 = false;
  bool trouble_seen_ : 1 = false;  // an answer with [SYS/...]
  // UTF8 or LANG, which the next login would not expect (RFC 6856), or a DELE that isn't
  // understood.
  bool mode_changed_ : 1 = false;
  bool parking_ : 1 = false;  // QUIT was answered here; the node doesn't hear of it yet
  bool node_dropped_ : 1 = false;
  bool node_out_ = false;           // health has taken it out of service
  bool node_left_ : 1 = false;      // therefore we have left it
  bool listing_asked_ : 1 = false;  // by the client or by us, and not refused
  bool marks_missed_ : 1 = false;   // by the node that is to delete them
  bool marks_kept_ : 1 = false;     // the client believes that it deletes
  bool numbers_told_ : 1 = false;   // the client has seen answers about messages by their numbers
  bool lost_ = false;               // the node; the session may go on
  bool reopens_ = false;            // with a node that is to be asked again what is due
  bool awaiting_ = false;           // a command, without a node
  bool ended_ = false;
  EndReason last_loss_ = EndReason::kShutdown;
  std::optional<EndReason> node_lost_;  // the next command is told
  io::Time stalled_since_ = kNever;
  std::optional<uint32_t> told_count_;  // of messages, by STAT
  int bad_commands_ = 0;
  int listings_refused_ = 0;
  int losses_ = 0;
  uint32_t deletes_marked_ = 0;
  std::unique_ptr<Kept> kept_;
  const std::unique_ptr<Paced> paced_;

  RelayEnd end_;
};

}  // namespace poplar::session
