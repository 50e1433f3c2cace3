#pragma once

#include <string>

#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// Apple has no account without an outgoing server, and no way to log in but passwords that Poplar
// has too.
bool CanDescribeToApple(const MailService& service);

// A configuration profile (.mobileconfig) for iOS, iPadOS and macOS, with one
// com.apple.mail.managed payload, unsigned. Its identifiers follow from the address alone:
// installed again it replaces itself, and stands beside the profile of another address.
std::string AppleDocument(const MailService& service, const EmailAddress& address);

}  // namespace poplar::autoconfig
