#include <set>

#include "proxy/config/address_text.h"
#include "proxy/config/check.h"
#include "proxy/config/findings.h"
#include "proxy/config/http_url.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

// It may be found later: they are looked up while Poplar runs.
void CheckHttpNames(const HttpDirectoryConfig& http, const std::string& path,
                    NameInspector& inspector, Findings& findings) {
  std::set<std::string> looked_up;
  for (const std::string& text : http.urls) {
    const auto url = ParseHttpUrl(text);
    if (!url || IsIpAddress(url->host) || !looked_up.insert(url->host).second) continue;
    const std::string why = inspector.WhyUnknown(url->host, http.name_servers);
    if (why.empty()) continue;
    findings.Warning(path + ".urls",
                     Quote(text) + ": its name can't be looked up: " + why +
                         "; until it can, the server counts as down",
                     "a name that the name servers know from here");
  }
}

}  // namespace

Problems CheckHostNames(const Config& config, const Positions& positions,
                        NameInspector& inspector) {
  Findings findings(positions);
  for (size_t i = 0; i < config.directories.size(); ++i)
    CheckHttpNames(config.directories[i].http, ItemPath("directories", i) + ".http", inspector,
                   findings);
  return findings.Take();
}

}  // namespace poplar::config
