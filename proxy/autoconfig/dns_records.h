#pragma once

#include <string>

#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// The records by which clients find the documents, and the services themselves (RFC 6186, RFC
// 8314), of all domains, as lines of a zone file.
std::string DnsRecords(const MailService& service);

}  // namespace poplar::autoconfig
