#include "proxy/server/visit_meter.h"

#include <string>

#include "metrics/instruments.h"

namespace poplar::server {
namespace {

// Both have the same names, in the same order.
static_assert(metrics::LabelTraits<metrics::AutoconfigForm>::kValues == autoconfig::kForms);
static_assert(metrics::LabelTraits<metrics::AutoconfigResult>::kValues == autoconfig::kResults);

}  // namespace

void VisitMeter::VisitEnded(const io::Address& client, autoconfig::Form form,
                            autoconfig::Result result) {
  shard_.Add(metrics::kAutoconfigRequests, static_cast<metrics::AutoconfigForm>(form),
             static_cast<metrics::AutoconfigResult>(result));
  log_.Debug("autoconfig: " + client.Host() + " asked for " + std::string(Name(form)) + ": " +
             std::string(Name(result)));
}

}  // namespace poplar::server
