#pragma once

#include <optional>

#include "proxy/admission/connection_limits.h"
#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/session/settings.h"

namespace poplar::session {

using Place = admission::ConnectionLimits::Place;

// Judges a connection by its client's address and counts it there: by that of the connection where
// it begins, or by what a PROXY header or XCLIENT says where there is one.
std::optional<admission::Refusal> Identify(Place& place, const Settings& settings,
                                           const ListenerSettings& listener,
                                           const io::Address& client, io::Time now);

}  // namespace poplar::session
