#pragma once

#include <cstdint>
#include <string>

#include "proxy/autoconfig/mail_service.h"

// Outlook's Autodiscover in its "plain old XML" form (POX; MS-OXDSCLI).
namespace poplar::autoconfig {

std::string AutodiscoverDocument(const MailService& service, const EmailAddress& address);

enum class AutodiscoverFault : uint8_t {
  kUnknownAddress,
  kInvalidRequest,
  kUnknownSchema  // an answer in a form was asked for that we don't have
};

// `unix_micros`: now.
std::string AutodiscoverError(AutodiscoverFault fault, int64_t unix_micros);

}  // namespace poplar::autoconfig
