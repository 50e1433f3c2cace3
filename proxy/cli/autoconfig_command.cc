#include "proxy/cli/autoconfig_command.h"

#include <vector>

#include "proxy/autoconfig/dns_records.h"
#include "proxy/cli/fail.h"
#include "proxy/config/load.h"
#include "proxy/server/build_autoconfig.h"

namespace poplar::cli {
int RunAutoconfigDns(const AutoconfigOptions& options, std::ostream& out, std::ostream& err) {
  const config::LoadResult loaded = config::LoadWithoutFiles(options.config_path);
  if (!loaded.ok()) {
    config::RenderReport(loaded.problems, loaded.source, options.color, err);
    return 1;
  }
  tl::expected<std::vector<std::string>, std::string> names;
  if (loaded.config.autoconfig.server.empty()) names = server::CertificateNames(loaded.config.tls);
  if (!names) return Fail(err, names.error());
  const auto mail = server::BuildMailService(loaded.config, *names);
  if (!mail) return Fail(err, mail.error());
  out << autoconfig::DnsRecords(*mail) << std::flush;
  return out.good() ? 0 : 1;
}

}  // namespace poplar::cli
