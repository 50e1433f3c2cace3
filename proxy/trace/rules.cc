#include "proxy/trace/rules.h"

namespace poplar::trace {

Sinks Rules::OfClient(const io::Address& client) const {
  Sinks sinks;
  for (const Rule& rule : rules_) {
    if (rule.kind == Rule::Kind::kClient && rule.client.Contains(client))
      sinks.push_back(rule.sink);
  }
  return sinks;
}

Sinks Rules::OfName(Rule::Kind kind, std::string_view name) const {
  Sinks sinks;
  for (const Rule& rule : rules_) {
    if (rule.kind == kind && rule.name == name) sinks.push_back(rule.sink);
  }
  return sinks;
}

}  // namespace poplar::trace
