#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "proxy/config/certificate_inspector.h"
#include "proxy/config/name_inspector.h"
#include "proxy/config/report.h"

namespace poplar::cli {

struct CheckOptions {
  std::string config_path;
  config::Color color = config::Color::kNever;        // of err
  config::CertificateInspector* inspector = nullptr;  // never null when run; not owned
  config::NameInspector* names = nullptr;             // null: no name is looked up; not owned
  int64_t now = 0;                                    // seconds since 1970 UTC
};

// `poplar check`: every problem to err; "FILE: OK" to out when none of them is an error. Returns
// the exit status: 0, or 1 with errors.
int RunCheck(const CheckOptions& options, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
