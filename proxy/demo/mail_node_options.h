#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/demo/mail_store.h"
#include "proxy/io/clock.h"

namespace poplar::demo {

class ServiceModel;

struct MailNodeOptions {
  std::string name = "demo";  // letters, digits and '-', at most 32: stands in CAPA and greeting
  // Behind "+OK "; empty: one with the name. No angle brackets, which would announce APOP.
  std::string greeting;
  // One session a maildrop, others are told [IN-USE]: like servers over mbox files.
  bool exclusive_lock = false;
  io::Duration login_timeout = std::chrono::minutes(3);
  io::Duration idle_timeout = std::chrono::minutes(10);  // RFC 1939 section 3: no less
  io::Duration write_timeout = std::chrono::minutes(2);  // for each kSliceBytesMax (ReplyWriter)
  int bad_commands_max = 20;
  int failed_logins_max = 3;
  // What the node takes for a user's mail at a login, as one with an old cache of shared storage
  // does; null: what is there.
  std::function<std::shared_ptr<const MessageList>(std::string_view user)> sees;
  // How slowly the node answers, and when not at all; outlives it. Null: at once, always.
  ServiceModel* service = nullptr;
};

// Plain numbers, over all sessions since the node was made.
struct MailNodeCounters {
  uint64_t connections = 0;
  uint64_t logins = 0;
  uint64_t refused_logins = 0;
  uint64_t retrieved = 0;  // by RETR
  uint64_t committed_deletes = 0;
  uint64_t quits = 0;  // in the transaction state
};

}  // namespace poplar::demo
