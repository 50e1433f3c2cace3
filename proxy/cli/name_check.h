#pragma once

#include "proxy/config/name_inspector.h"

namespace poplar::cli {

// Looks names up with the same code that a running Poplar does it with, but with less patience.
class NameCheck final : public config::NameInspector {
 public:
  std::string WhyUnknown(const std::string& host,
                         const std::vector<std::string>& name_servers) override;
};

}  // namespace poplar::cli
