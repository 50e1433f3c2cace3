#pragma once

#include <string>

#include "proxy/account_probe/account_report.h"
#include "proxy/account_probe/verdict.h"

namespace poplar::account_probe {

enum class Marks : uint8_t {
  kUnicode,  // a tick and a cross, for terminals that show UTF-8
  kAscii,
};

// How an outcome is marked, with blanks up to one width.
std::string_view Mark(Outcome outcome, Marks marks);

// For people: a line a step, each fault with its likely cause and what to change, the verdict last.
std::string ReportText(const AccountReport& report, const Verdict& verdict, Marks marks);

// "12.3 ms", right-aligned in ten columns.
std::string TimeText(io::Duration took);

}  // namespace poplar::account_probe
