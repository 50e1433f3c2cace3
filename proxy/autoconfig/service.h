#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "proxy/autoconfig/answer.h"
#include "proxy/autoconfig/mail_service.h"
#include "proxy/io/address.h"
#include "proxy/tls/server_context.h"

namespace poplar::autoconfig {

// What all workers share; it stays as it was made, until there is another one.
struct Service {
  MailService mail;
  std::shared_ptr<const tls::ServerContext> tls;  // null: no listener speaks TLS
  int64_t connections_max = 0;
  // That there are, whichever of them they began with.
  std::shared_ptr<std::atomic<int64_t>> connections = std::make_shared<std::atomic<int64_t>>(0);
};

// Is told of each connection once. Never of an address of mail.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void VisitEnded(const io::Address& client, Form form, Result result) = 0;
};

}  // namespace poplar::autoconfig
