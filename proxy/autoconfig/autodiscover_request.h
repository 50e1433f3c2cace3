#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "proxy/autoconfig/autodiscover_document.h"
#include "proxy/autoconfig/email_address.h"

namespace poplar::autoconfig {

// Whose settings a POX request asks for.
//
// This is a scan for two elements, no XML parser: nothing is expanded, nested or looked up. A text
// with "<!" (a DOCTYPE, CDATA, a comment) or a processing instruction in it is refused, and so is
// an address with an entity (&...;) in it: in well-formed XML what is found is then what a parser
// would find.
tl::expected<EmailAddress, AutodiscoverFault> ReadAutodiscoverRequest(std::string_view body);

}  // namespace poplar::autoconfig
