#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/node_view.h"
#include "metrics/status_view.h"

namespace poplar::metrics {

// What GET / shows at one moment. Its scripts then go on with the same as /api/v1/ has it.
struct StatusPageView {
  StatusView status;
  std::vector<ClusterView> clusters;
  bool takes_token = false;  // there is a token that lets change things
};

// HTML with all of it, readable without a script and without anything loaded but /assets/. No part
// of it is a script or style of its own, so that its policy can forbid these.
std::string StatusPage(const StatusPageView& view);

// A file of the page, GET /assets/NAME.
struct StatusPageAsset {
  std::string_view content_type;
  std::string_view bytes;
};
std::optional<StatusPageAsset> FindStatusPageAsset(std::string_view name);

inline constexpr std::string_view kStatusPageType = "text/html; charset=utf-8";
// With it a browser loads nothing from elsewhere, runs no script that stands in the page itself,
// and shows the page in nobody's frame (CSP level 3).
inline constexpr std::string_view kStatusPagePolicy =
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

}  // namespace poplar::metrics
