#include "proxy/session/admit.h"

namespace poplar::session {

std::optional<admission::Refusal> Identify(Place& place, const Settings& settings,
                                           const ListenerSettings& listener,
                                           const io::Address& client, io::Time now) {
  const ClusterPolicy* const cluster = settings.PolicyOf(listener.cluster);
  return place.Identify(settings.admission,
                        {&listener.access, cluster == nullptr ? nullptr : &cluster->access}, client,
                        now);
}

}  // namespace poplar::session
