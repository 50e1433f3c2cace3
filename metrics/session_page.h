#pragma once

#include <string>

#include "metrics/session_view.h"

namespace poplar::metrics {

// {"total":4711,"sessions":[{"id":"...",...}]} with a line end. Keys are an interface: added to,
// never renamed.
std::string SessionsAsJson(const SessionsView& view);

}  // namespace poplar::metrics
