#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/io/proactor.h"
#include "proxy/io/stream.h"
#include "proxy/io/task.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/tls/client_context.h"

namespace poplar::bench {

// Where the load goes, and how.
struct Target {
  io::Address address;
  std::shared_ptr<const tls::ClientContext> tls;    // null: plain POP3
  io::Duration timeout = std::chrono::seconds(30);  // of a step: connect, handshake, reply
};

// One connection of the load. Each step says whether it worked; after one that did not, failure()
// says why, and the connection is of no more use.
class Pop3Client {
 public:
  Pop3Client(io::Proactor& proactor, const Target& target) : proactor_(proactor), target_(target) {}

  // Up to the greeting.
  io::Task<bool> Connect();
  // The command without its CRLF; false also for -ERR.
  io::Task<bool> Command(std::string_view command, bool multi_line = false);
  io::Task<bool> LogIn(std::string_view user, std::string_view password);
  // QUIT, and the peer's close.
  io::Task<bool> Quit();

  const std::string& failure() const { return failure_; }
  io::Duration handshake_time() const { return handshake_time_; }  // TLS alone
  uint64_t body_bytes() const { return body_bytes_; }              // of multi-line replies, so far

 private:
  io::Task<bool> Secure();
  io::Task<bool> ReadReply(std::string_view what, bool multi_line);
  bool Fail(std::string_view what, std::string_view why);

  io::Proactor& proactor_;
  const Target& target_;
  std::unique_ptr<io::Stream> stream_;
  pop3::ReplyFramer framer_;
  std::string failure_;
  io::Duration handshake_time_{};
  uint64_t body_bytes_ = 0;
};

}  // namespace poplar::bench
