#pragma once

#include <string_view>

#include "proxy/account_probe/account_steps.h"

namespace poplar::account_probe {

// What a fault most likely comes from, and what to do about it: whole sentences, for whoever is
// asked why mail doesn't work.
struct Explanation {
  std::string_view cause;
  std::string_view change;
};

// Where it was seen: the same silence means one thing before TLS and another behind the login.
Explanation Explain(Step step, Fault fault, Security security);

// "name_unknown" and so on: stable, for JSON.
std::string_view Name(Fault fault);

}  // namespace poplar::account_probe
