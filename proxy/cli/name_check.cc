#include "proxy/cli/name_check.h"

#include "proxy/io/cares_resolver.h"

namespace poplar::cli {

std::string NameCheck::WhyUnknown(const std::string& host,
                                  const std::vector<std::string>& name_servers) {
  const io::ResolverOptions options{.name_servers = name_servers,
                                    .timeout = std::chrono::seconds(1),
                                    .patience = std::chrono::seconds(3)};
  const auto found = io::LookUpHostNow(options, host, 0);
  return found ? std::string() : found.error().text;
}

}  // namespace poplar::cli
