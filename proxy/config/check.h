#pragma once

#include <cstdint>

#include "proxy/config/certificate_inspector.h"
#include "proxy/config/config.h"
#include "proxy/config/name_inspector.h"
#include "proxy/config/positions.h"
#include "proxy/config/problem.h"

// What settings mean together and in the world, beyond the form that Read has judged. Settings that
// Read could not take are passed over.
namespace poplar::config {

// Pure: names, addresses, references, cleartext passwords, pools, health.
Problems CheckMeaning(const Config& config, const Positions& positions);

// Opens the files that the configuration names and inspects the certificates. `now` in seconds
// since 1970 UTC.
Problems CheckFiles(const Config& config, const Positions& positions,
                    CertificateInspector& inspector, int64_t now);

// Looks up the host names that Poplar itself looks up while it runs. Blocks.
Problems CheckHostNames(const Config& config, const Positions& positions, NameInspector& inspector);

// A certificate that ends sooner than this is worth a warning. ACME clients renew a 90-day one 30
// days ahead, so half of that time has then passed without success.
inline constexpr int64_t kExpiryWarningSeconds = int64_t{14} * 24 * 3600;

}  // namespace poplar::config
