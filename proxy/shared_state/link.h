#pragma once

#include <array>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/io/proactor.h"
#include "proxy/io/resolver.h"
#include "proxy/io/stream.h"
#include "proxy/io/sync.h"
#include "proxy/shared_state/reply.h"
#include "proxy/shared_state/scripts.h"

namespace poplar::shared_state {

// Where the store is, and how to be let in.
struct Store {
  std::string host;  // a name or an address
  uint16_t port = 6379;
  io::Resolver* resolver = nullptr;  // null: host is an address
  pop3::Secret password;             // empty: none is asked for
  int database = 0;
};

// One connection to Redis: requests go out in the order in which they are made, without waiting for
// each other's replies. One thread.
class Link {
 public:
  using Words = std::vector<std::string>;
  // Nothing: the link ended first. Called once.
  using OnReply = std::function<void(std::optional<Reply> reply)>;

  // Both outlive it.
  Link(io::Proactor& proactor, const Store& store);
  // Carry has returned.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Connects, logs in, loads the scripts. The error says what went wrong; then the link is done
  // with. Within kOpenMax.
  io::Task<tl::expected<void, std::string>> Open();

  // Behind Open: brings requests there and replies back, until either end closes, or the store has
  // been silent for kSilenceMax while something was asked, or Abort. Returns why.
  io::Task<std::string> Carry();

  // Behind Open. False, and nobody is called: it has ended, or there are kRequestsMax already.
  bool Send(const Words& words, OnReply on_reply);
  // Waits for the reply; nothing: the link ended first.
  io::Task<std::optional<Reply>> Ask(Words words);
  // Behind Open: what runs the script.
  Words Call(Script script, std::initializer_list<std::string_view> keys,
             std::initializer_list<std::string_view> arguments) const;

  // At any time, also twice.
  void Abort();
  bool ended() const { return ended_; }
  // It was the store that ended it, or something between: not Abort, and not its silence.
  bool was_closed() const { return was_closed_; }
  // Made and not answered.
  size_t requests() const { return waiting_.size(); }

 private:
  struct Waiting {
    OnReply on_reply;
    io::Time sent;
  };

  io::Task<tl::expected<void, std::string>> Connect();
  io::Task<tl::expected<io::Address, std::string>> FindAddress();
  io::Task<tl::expected<Reply, std::string>> Exchange(
      std::initializer_list<std::string_view> words);
  io::Task<void> Write();
  io::Task<void> Read();
  bool Deliver();
  void Closed(std::string why);
  void End(std::string why);
  void Watch();

  io::Proactor& proactor_;
  const Store& store_;
  std::unique_ptr<io::Stream> stream_;  // null: not connected yet
  ReplyReader reader_;
  std::array<std::string, kScripts.size()> digests_;  // by which loaded scripts are called
  std::string unsent_;
  io::Event more_;  // to be sent
  std::deque<Waiting> waiting_;
  io::Timer silence_;
  bool ended_ = false;
  bool was_closed_ = false;
  std::string why_;
};

}  // namespace poplar::shared_state
