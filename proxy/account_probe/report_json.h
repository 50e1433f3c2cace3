#pragma once

#include <string>

#include "proxy/account_probe/account_report.h"
#include "proxy/account_probe/verdict.h"

namespace poplar::account_probe {

// One object; the README of this folder has its members.
std::string ReportJson(const AccountReport& report, const Verdict& verdict);

}  // namespace poplar::account_probe
