#pragma once

#include <optional>
#include <string>

#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// The user-agent-configuration.json of draft-ietf-mailmaint-pacc, the same for all domains. The
// form has no ports: it knows POP3 as TLS on 995 alone, and sending as TLS on 465. Null where POP3
// isn't there.
std::optional<std::string> PaccDocument(const MailService& service);

// What the TXT record _ua-auto-config.DOMAIN has to say for a client to believe the document.
std::string PaccRecord(const std::string& document);

}  // namespace poplar::autoconfig
