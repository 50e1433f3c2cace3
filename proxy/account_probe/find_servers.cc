#include "proxy/account_probe/find_servers.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "proxy/account_probe/limits.h"

namespace poplar::account_probe {
namespace {

using Kind = io::ResolveError::Kind;

// RFC 2782, but for chance: of equal priority the one with the most weight, so that every probe
// goes the same way.
void Order(std::vector<io::ServiceTarget>& targets) {
  std::sort(targets.begin(), targets.end(), [](const auto& a, const auto& b) {
    return std::tie(a.priority, b.weight, a.host, a.port) <
           std::tie(b.priority, a.weight, b.host, b.port);
  });
  if (targets.size() > kTargetsTriedMax) targets.resize(kTargetsTriedMax);
}

// IPv4 first, then by number: name servers turn their answers round, and two probes should try the
// same.
void Order(std::vector<io::Address>& addresses) {
  std::sort(addresses.begin(), addresses.end(), [](const auto& a, const auto& b) {
    return std::make_tuple(a.family(), a.MappedBytes()) <
           std::make_tuple(b.family(), b.MappedBytes());
  });
}

struct Search {
  io::Proactor& proactor;
  io::Resolver& resolver;
  const ShownText& shown;
  FoundServers& found;
};

void Say(Search& search, std::string_view text) {
  std::string& detail = search.found.step.detail;
  detail.append(detail.empty() ? "" : "; ").append(text);
}

Finding FindingOf(const io::ResolveError& error, const ShownText& shown) {
  if (error.kind == Kind::kNotFound) return {Fault::kNameUnknown, shown(error.text)};
  return {Fault::kNameServerSilent,
          error.kind == Kind::kStopped ? "no answer in the time given" : shown(error.text)};
}

// Adds the host's addresses, or a finding.
io::Task<void> AddHost(Search search, std::string host, uint16_t port) {
  auto answer = co_await search.resolver.LookUpHost(search.proactor, host, port);
  if (!answer) {
    search.found.step.findings.push_back(FindingOf(answer.error(), search.shown));
    co_return;
  }
  Order(answer->addresses);
  std::string text = host + " is ";
  for (const io::Address& address : answer->addresses) {
    if (search.found.servers.size() == kAddressesTriedMax) {
      text += ", and more that are not tried";
      break;
    }
    if (address != answer->addresses.front()) text += ", ";
    text += address.Host();
    search.found.servers.push_back({host, address});
  }
  if (!answer->whole) text += " (the question for one of A and AAAA has failed)";
  Say(search, text);
}

// The hosts that SRV names, or nothing where there are none.
io::Task<std::vector<io::ServiceTarget>> AskForService(Search search, std::string name) {
  auto answer = co_await search.resolver.LookUpService(search.proactor, name);
  if (answer) {
    Order(answer->targets);
    co_return std::move(answer->targets);
  }
  if (answer.error().kind == Kind::kNotFound) {
    Say(search, "no SRV record " + name);
  } else {
    Finding finding = FindingOf(answer.error(), search.shown);
    if (finding.fault == Fault::kNameServerSilent) finding.fault = Fault::kServiceUnanswered;
    search.found.step.findings.push_back(std::move(finding));
  }
  co_return std::vector<io::ServiceTarget>();
}

}  // namespace

io::Task<FoundServers> FindServers(io::Proactor& proactor, io::Resolver& resolver, Target target,
                                   std::string service, uint16_t default_port,
                                   const ShownText& shown) {
  FoundServers found{.step = {.step = Step::kResolve}, .servers = {}};
  Search search{proactor, resolver, shown, found};
  const auto literal = io::Address::Parse(target.host, target.port.value_or(default_port));
  if (literal) {
    found.step.detail = "it is an address";
    found.servers.push_back({target.host, *literal});
    co_return found;
  }
  if (!target.port) {
    const std::string name = service + "." + target.host;
    const auto targets = co_await AskForService(search, name);
    for (const io::ServiceTarget& each : targets) {
      Say(search, name + " names " + each.host + ":" + std::to_string(each.port));
      co_await AddHost(search, each.host, each.port);
    }
    if (!targets.empty()) {
      found.step.outcome = found.servers.empty()         ? Outcome::kFailed
                           : found.step.findings.empty() ? Outcome::kPassed
                                                         : Outcome::kWarned;
      co_return found;
    }
  }
  co_await AddHost(search, target.host, target.port.value_or(default_port));
  found.step.outcome = found.servers.empty()         ? Outcome::kFailed
                       : found.step.findings.empty() ? Outcome::kPassed
                                                     : Outcome::kWarned;
  co_return found;
}

}  // namespace poplar::account_probe
