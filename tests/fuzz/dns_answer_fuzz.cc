#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/io/dns_answer.h"

// An answer of a name server: what is taken from it can be asked for again, each once and within
// the bounds; an answer that is cut off gives nothing else than the whole one.
namespace {

using poplar::io::DnsFault;
using poplar::io::DnsType;

void Require(bool holds) {
  if (!holds) std::abort();
}

void CheckHost(const std::string& message, DnsType type, int family) {
  const auto host = poplar::io::ReadHostAnswer(message, type, 110);
  if (!host) return;
  Require(!host->addresses.empty() && host->addresses.size() <= poplar::io::kAddressesMax);
  Require(host->ttl >= poplar::io::Duration::zero());
  for (const auto& each : host->addresses) {
    Require(each.family() == family && each.port() == 110);
    Require(std::count(host->addresses.begin(), host->addresses.end(), each) == 1);
  }
}

void CheckService(const std::string& message) {
  const auto service = poplar::io::ReadServiceAnswer(message);
  if (!service) return;
  Require(!service->targets.empty() && service->targets.size() <= poplar::io::kServiceTargetsMax);
  for (const auto& each : service->targets) {
    Require(poplar::io::IsDnsName(each.host) && !each.host.ends_with('.'));
    Require(std::none_of(each.host.begin(), each.host.end(),
                         [](char c) { return c >= 'A' && c <= 'Z'; }));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string message(reinterpret_cast<const char*>(data), size);
  CheckHost(message, DnsType::kA, AF_INET);
  CheckHost(message, DnsType::kAaaa, AF_INET6);
  CheckService(message);
  // A name may lead back, never ahead, so that what was read of a part holds for the whole.
  const auto whole = poplar::io::ReadServiceAnswer(message);
  for (size_t part = size > 64 ? size - 64 : 0; part < size; ++part) {
    const auto cut = poplar::io::ReadServiceAnswer(message.substr(0, part));
    if (!cut) continue;
    Require(whole && whole->targets.size() == cut->targets.size() && whole->ttl == cut->ttl);
  }
  return 0;
}
