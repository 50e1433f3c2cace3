#pragma once

#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// What the tests of all forms tell.
inline MailService SampleService() {
  MailService service;
  service.domains = {"example.org", "example.net"};
  service.display_name = "Mail & more <GmbH>";
  service.server = "pop.example.org";
  service.has_https = true;
  service.incoming = {{.host = "pop.example.org", .port = 995},
                      {.host = "pop.example.org", .port = 110, .security = Security::kStartTls}};
  service.outgoing = {{.host = "smtp.example.org", .port = 465},
                      {.host = "smtp.example.org", .port = 587, .security = Security::kStartTls}};
  return service;
}

inline const EmailAddress kAnna = {"anna", "example.org"};

}  // namespace poplar::autoconfig
