#include "proxy/config/check_lookups.h"

#include "proxy/config/address_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/units.h"

namespace poplar::config {

void CheckLookups(const LookupSettings& lookups, const std::string& path, Findings& findings) {
  for (const std::string& text : lookups.name_servers) {
    if (IsIpAddress(text)) continue;
    const auto address = ParseHostPort(text);
    if (address && address->kind != HostPort::Kind::kName && address->port != 0) continue;
    findings.Error(path + ".name_servers", Quote(text) + " is no name server",
                   "an IP address, with or without a port: 192.0.2.53, 127.0.0.1:5353, [::1]:53");
  }
  if (lookups.ttl_max < lookups.ttl_min && !findings.IsUnread(path + ".ttl_min"))
    findings.Error(path + ".ttl_max",
                   FormatDuration(lookups.ttl_max) + " is less than ttl_min (" +
                       FormatDuration(lookups.ttl_min) + ")",
                   "at least ttl_min");
}

}  // namespace poplar::config
