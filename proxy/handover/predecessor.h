#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/handover/ghost_leases.h"
#include "proxy/handover/listening_sockets.h"
#include "proxy/io/process_channel.h"
#include "proxy/tls/ticket_keys.h"

namespace poplar::handover {

// What a new process has from the old one before it gets ready.
struct Inheritance {
  ListeningSockets sockets;
  std::shared_ptr<const tls::TicketKeys> ticket_keys;  // null: none
};

// And at the moment when it takes over.
struct Memories {
  std::vector<NodeMemory> nodes;
  std::vector<MoveMemory> moves;
  std::vector<HeldUser> users;
};

// The old process, as the one sees it that takes over. In this order: Receive, TakeOver, Serving,
// Listen; or Refuse instead of any of them.
class Predecessor {
 public:
  // By which a process knows that it is to take over: the descriptor of its end of the channel.
  static constexpr const char* kVariable = "POPLAR_HANDOVER";

  // Null: nobody was there before this process.
  static std::unique_ptr<Predecessor> FromEnvironment();

  explicit Predecessor(io::ProcessChannel channel) : channel_(std::move(channel)) {}
  ~Predecessor();
  Predecessor(const Predecessor&) = delete;
  Predecessor& operator=(const Predecessor&) = delete;

  tl::expected<Inheritance, std::string> Receive();
  // This process is ready to serve; returns when the old one has stopped accepting.
  tl::expected<Memories, std::string> TakeOver();
  void Serving();
  // It can't: the old process goes on.
  void Refuse(std::string_view why);

  // From here on, on a thread of this object's, until the old process is gone.
  using OnSlots = std::function<void(const SlotCount& slots)>;
  void Listen(GhostLeases& ghosts, OnSlots on_slots, std::function<void()> on_gone);
  bool gone() const { return gone_.load(); }
  // Before TakeOver: whether the old process has given this one up.
  bool left() const;
  // The old process is on its own from here on.
  void Leave() const { channel_.Shutdown(); }

 private:
  tl::expected<io::ProcessChannel::Message, std::string> Next(io::Duration patience);
  void Run(GhostLeases& ghosts, const OnSlots& on_slots, const std::function<void()>& on_gone);
  void OnFrame(const Frame& frame, GhostLeases& ghosts, const OnSlots& on_slots);

  const io::ProcessChannel channel_;
  std::thread thread_;
  std::atomic<bool> gone_ = false;
};

}  // namespace poplar::handover
