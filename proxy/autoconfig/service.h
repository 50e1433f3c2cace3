#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "proxy/autoconfig/answer.h"
#include "proxy/autoconfig/mail_service.h"
#include "proxy/io/address.h"
#include "proxy/tls/server_context.h"

namespace poplar::autoconfig {

// What all workers share. All but the count stays as it was made.
struct Service {
  MailService mail;
  std::shared_ptr<const tls::ServerContext> tls;  // null: no listener speaks TLS
  int64_t connections_max = 0;
  std::atomic<int64_t> connections = 0;
};

// Is told of each connection once. Never of an address of mail.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void VisitEnded(const io::Address& client, Form form, Result result) = 0;
};

}  // namespace poplar::autoconfig
