#pragma once

#include <string>
#include <vector>

#include "proxy/account_probe/account_report.h"
#include "proxy/account_probe/report_text.h"
#include "proxy/account_probe/verdict.h"

namespace poplar::account_probe {

// One account, probed twice: at the node itself and through what is in front of it.
struct Pair {
  const AccountReport& direct;
  const AccountReport& via;
};

// What differs between the two, a sentence each.
struct Difference {
  std::string text;
  bool of_mail = false;  // another maildrop was seen, which ought not to be
};
std::vector<Difference> Differences(const Pair& pair);

// The worse of both verdicts, and a warning where the mail differs.
Verdict Judge(const Pair& pair, const Patience& patience);

// One table of the steps with both times, what differs, and each fault with its words.
std::string CompareText(const Pair& pair, const Verdict& verdict, Marks marks);
// {"status", "summary", "direct": a report, "via": a report, "differences": [texts]}
std::string CompareJson(const Pair& pair, const Verdict& verdict, const Patience& patience);
std::string CompareNagios(const Pair& pair, const Verdict& verdict, const Patience& patience,
                          int certificate_days);

}  // namespace poplar::account_probe
