#pragma once

#include <list>
#include <memory>

#include "proxy/demo/mail_node_options.h"
#include "proxy/demo/mail_store.h"
#include "proxy/io/address.h"
#include "proxy/io/proactor.h"
#include "proxy/io/result.h"
#include "proxy/io/stream.h"
#include "proxy/io/task.h"
#include "proxy/io/task_scope.h"

namespace poplar::demo {

// A mail node in memory: a POP3 server on one proactor's thread. Before it is destroyed: Stop(),
// then wait for Stopped().
class MailNode {
 public:
  MailNode(io::Proactor& proactor, MailStore& store, MailNodeOptions options);
  ~MailNode();
  MailNode(const MailNode&) = delete;
  MailNode& operator=(const MailNode&) = delete;

  // Accepts from now on; port 0 takes a free one. May be called for several addresses. Returns the
  // address with its port.
  io::Result<io::Address> Listen(const io::Address& address);

  // One session over any stream, to its end; for those who accept by themselves. The task must have
  // ended before the node is destroyed.
  io::Task<void> Serve(std::unique_ptr<io::Stream> stream);

  // Ends accepting and aborts every session: nothing is committed that wasn't yet.
  void Stop();
  // Waits until the accept loops and their sessions are gone. One waiter at a time.
  auto Stopped() { return scope_.Empty(); }

  size_t open_sessions() const { return open_.size(); }
  const MailNodeCounters& counters() const { return counters_; }
  const MailNodeOptions& options() const { return options_; }

 private:
  io::Task<void> AcceptFrom(io::SocketId listener);

  io::Proactor& proactor_;
  MailStore& store_;
  MailNodeOptions options_;
  MailNodeCounters counters_;
  io::TaskScope scope_;
  std::list<io::Stream*> open_;  // in order of arrival, so that Stop is deterministic
  std::list<io::SocketId> listeners_;
  bool stopped_ = false;
};

}  // namespace poplar::demo
