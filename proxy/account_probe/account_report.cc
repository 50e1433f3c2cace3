#include "proxy/account_probe/account_report.h"

namespace poplar::account_probe {

std::optional<int64_t> CertificateDays(const AccountReport& report) {
  constexpr int64_t kDay = 86400;
  if (!report.secured || report.secured->chain.empty()) return std::nullopt;
  const int64_t left = report.secured->chain.front().not_after - report.unix_seconds;
  return left >= 0 ? left / kDay : -((-left + kDay - 1) / kDay);
}

}  // namespace poplar::account_probe
