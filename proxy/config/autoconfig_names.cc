#include "proxy/config/autoconfig_names.h"

#include <algorithm>

namespace poplar::config {

std::vector<AutoconfigIncomingConfig> ToldListeners(const Config& config) {
  if (!config.autoconfig.incoming.empty()) return config.autoconfig.incoming;
  std::vector<AutoconfigIncomingConfig> told;
  for (const ListenerTls tls : {ListenerTls::kImplicit, ListenerTls::kStls}) {
    for (const ListenerConfig& listener : config.listeners) {
      if (listener.tls == tls) told.push_back({listener.name, 0});
    }
  }
  return told;
}

std::string FirstHostName(const std::vector<std::string>& certificate_names) {
  const auto found = std::find_if(certificate_names.begin(), certificate_names.end(),
                                  [](const std::string& name) { return !name.starts_with("*"); });
  return found == certificate_names.end() ? "" : *found;
}

bool Covers(std::string_view certificate_name, std::string_view host) {
  if (certificate_name.starts_with("*.")) {
    const size_t dot = host.find('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    certificate_name.remove_prefix(1);
    host.remove_prefix(dot);
  }
  return LowerCase(certificate_name) == LowerCase(host);
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

}  // namespace poplar::config
