#include "proxy/upstream/service_nodes.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "balancer/rendezvous.h"

namespace poplar::upstream {
namespace {

constexpr uint32_t kEqualWeight = 100;

// It becomes part of log lines and a metric's label, so that a name server mustn't put just
// anything there.
bool IsHostName(std::string_view text) {
  constexpr size_t kBytesMax = 253;  // RFC 1035 section 2.3.4, without the last dot
  return !text.empty() && text.size() <= kBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

uint32_t WeightOf(uint16_t weight, uint16_t highest) {
  if (highest == 0) return kEqualWeight;
  const uint64_t most = std::max<uint64_t>(highest, balancer::kMaxWeight);
  const uint64_t scaled = (uint64_t{weight} * balancer::kMaxWeight + most / 2) / most;
  return static_cast<uint32_t>(std::max<uint64_t>(scaled, 1));
}

}  // namespace

std::vector<ServiceNode> NodesOf(std::vector<io::ServiceTarget> targets) {
  std::erase_if(targets, [](const auto& target) { return !IsHostName(target.host); });
  std::sort(targets.begin(), targets.end(), [](const auto& a, const auto& b) {
    return std::tie(a.host, a.port, a.priority, b.weight) <
           std::tie(b.host, b.port, b.priority, a.weight);
  });
  const auto last = std::unique(targets.begin(), targets.end(), [](const auto& a, const auto& b) {
    return a.host == b.host && a.port == b.port;
  });
  targets.erase(last, targets.end());
  uint16_t best = UINT16_MAX;
  for (const io::ServiceTarget& target : targets) best = std::min(best, target.priority);
  uint16_t highest = 0;
  for (const io::ServiceTarget& target : targets) {
    if (target.priority == best) highest = std::max(highest, target.weight);
  }
  std::vector<ServiceNode> nodes;
  for (const io::ServiceTarget& target : targets) {
    const bool further = !nodes.empty() && nodes.back().host == target.host;
    nodes.push_back(
        {.name = further ? target.host + ":" + std::to_string(target.port) : target.host,
         .host = target.host,
         .port = target.port,
         .weight = target.priority == best ? WeightOf(target.weight, highest) : 0});
  }
  return nodes;
}

}  // namespace poplar::upstream
