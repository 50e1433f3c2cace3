#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/address_text.h"
#include "proxy/config/check.h"
#include "proxy/config/check_admission.h"
#include "proxy/config/check_autoconfig.h"
#include "proxy/config/check_balancing.h"
#include "proxy/config/check_directories.h"
#include "proxy/config/check_discovery.h"
#include "proxy/config/check_downstream.h"
#include "proxy/config/check_node_tls.h"
#include "proxy/config/check_routing.h"
#include "proxy/config/check_shared_state.h"
#include "proxy/config/findings.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"
#include "proxy/config/units.h"

namespace poplar::config {
namespace {

constexpr size_t kMaxNameBytes = 64;  // it becomes a metric label and part of every log line
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
constexpr std::string_view kListenForm =
    "an IP address and a port, such as 0.0.0.0:995 or [::]:995";
constexpr std::string_view kPeerForm =
    "a host and a port, such as mail-1.internal:110, 192.0.2.1:110 or [2001:db8::1]:110";

void CheckName(const std::string& name, const std::string& path, Findings& findings) {
  if (name.empty() || name.size() > kMaxNameBytes ||
      name.find_first_not_of(kNameCharacters) != std::string::npos) {
    findings.Error(path, Quote(name) + " is not a name",
                   "1 to " + std::to_string(kMaxNameBytes) + " letters, digits, '.', '_' and '-'");
  }
}

// Names within one list must differ.
template <class Struct>
void CheckNames(const std::vector<Struct>& items, const std::string& list_path,
                std::string_view what, Findings& findings) {
  std::map<std::string_view, size_t> first_by_name;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string path = ItemPath(list_path, i) + ".name";
    CheckName(items[i].name, path, findings);
    const auto [first, is_new] = first_by_name.try_emplace(items[i].name, i);
    if (is_new || items[i].name.empty()) continue;
    const std::string first_path = ItemPath(list_path, first->second);
    findings.Error(path,
                   "duplicate " + std::string(what) + " name " + Quote(items[i].name) + ": " +
                       first_path + findings.AtLine(first_path + ".name") + " has it already",
                   "each " + std::string(what) + " under its own name");
  }
}

// A place where Poplar itself listens.
struct Endpoint {
  std::string path;
  HostPort address;
};

std::optional<HostPort> CheckListenAddress(const std::string& text, const std::string& path,
                                           Findings& findings) {
  if (findings.IsUnread(path)) return std::nullopt;
  auto address = ParseHostPort(text);
  if (!address) {
    findings.Error(path, address.error(), std::string(kListenForm));
    return std::nullopt;
  }
  if (address->kind == HostPort::Kind::kName) {
    findings.Error(path, Quote(address->host) + " is not an IP address", std::string(kListenForm));
    return std::nullopt;
  }
  return *address;
}

void CheckEndpoints(const Config& config, Findings& findings) {
  std::vector<Endpoint> endpoints;
  auto add = [&](const std::string& text, const std::string& path) {
    const auto address = CheckListenAddress(text, path, findings);
    if (!address) return;
    const auto other = std::find_if(endpoints.begin(), endpoints.end(), [&](const Endpoint& e) {
      return Overlap(e.address, *address);
    });
    if (other != endpoints.end()) {
      const bool is_wildcard = address->IsWildcard() || other->address.IsWildcard();
      findings.Error(path,
                     "port " + std::to_string(address->port) + " is used twice: " + other->path +
                         findings.AtLine(other->path) + " listens there already",
                     is_wildcard ? "one listener for each port ([::] takes IPv4 as well)"
                                 : "one listener for each port");
    }
    endpoints.push_back({path, *address});
  };
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    add(config.listeners[i].address, ItemPath("listeners", i) + ".address");
  }
  if (config.admin.enabled) add(config.admin.address, "admin.address");
  for (size_t i = 0; i < config.autoconfig.listen.size(); ++i) {
    add(config.autoconfig.listen[i].address, ItemPath("autoconfig.listen", i) + ".address");
  }
}

void CheckListeners(const Config& config, Findings& findings) {
  if (config.listeners.empty()) findings.Error("listeners", "there is no listener", "at least one");
  CheckNames(config.listeners, "listeners", "listener", findings);
  CheckDownstream(config, findings);
}

void CheckMasterUser(const MasterUserConfig& master, const std::string& path, Findings& findings) {
  if (findings.IsUnread(path)) return;
  const bool named = !master.name.empty() || findings.IsUnread(path + ".name");
  const bool has_password =
      !master.password_file.empty() || findings.IsUnread(path + ".password_file");
  if (named && !has_password)
    findings.Error(path + ".name", "the master user has no password", "a password_file");
  if (!named && has_password)
    findings.Error(path + ".password_file", "a password, but of no master user", "a name");
  const auto unfit = [](std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
  };
  if (unfit(master.name))
    findings.Error(path + ".name", Quote(master.name) + " is not a user's name",
                   "a name without blanks");
  if (unfit(master.separator))
    findings.Error(path + ".separator", Quote(master.separator) + " is no separator",
                   "a character such as *, without blanks");
}

void CheckNodes(const ClusterConfig& cluster, const std::string& cluster_path, Findings& findings) {
  const std::string list_path = cluster_path + ".nodes";
  if (cluster.nodes.empty() && !findings.IsInFile(cluster_path + ".discovery"))
    findings.Error(list_path, "the cluster has no node", "at least one, or discovery");
  CheckNames(cluster.nodes, list_path, "node", findings);
  std::map<std::string, std::string> path_by_peer;
  for (size_t i = 0; i < cluster.nodes.size(); ++i) {
    const std::string path = ItemPath(list_path, i);
    CheckNodeTls(cluster.nodes[i], path, findings);
    const std::string address_path = path + ".address";
    if (findings.IsUnread(address_path)) continue;
    const auto address = ParseHostPort(cluster.nodes[i].address);
    if (!address || address->port == 0 || address->IsWildcard()) {
      findings.Error(
          address_path,
          !address ? address.error() : Quote(cluster.nodes[i].address) + " cannot be connected to",
          std::string(kPeerForm));
      continue;
    }
    const auto [other, is_new] = path_by_peer.try_emplace(PeerKey(*address), address_path);
    if (is_new) continue;
    findings.Error(address_path,
                   "duplicate node address: " + other->second + findings.AtLine(other->second) +
                       " is the same node",
                   "each node once");
  }
}

void CheckClusters(const Config& config, Findings& findings) {
  if (config.clusters.empty()) findings.Error("clusters", "there is no cluster", "at least one");
  CheckNames(config.clusters, "clusters", "cluster", findings);
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    const std::string path = ItemPath("clusters", i);
    CheckNodes(config.clusters[i], path, findings);
    CheckDiscovery(config.clusters[i], path, findings);
    CheckMasterUser(config.clusters[i].master_user, path + ".master_user", findings);
  }
}

void CheckProcess(const Config& config, Findings& findings) {
  constexpr Duration kIdleFloor = std::chrono::minutes(10);
  if (config.timeouts.client_idle < kIdleFloor) {
    findings.Warning("timeouts.client_idle",
                     FormatDuration(config.timeouts.client_idle) + " is less than RFC 1939 allows",
                     "at least " + FormatDuration(kIdleFloor));
  }
  const std::string& output = config.log.output;
  if (output != "stderr" && output != "stdout" && output != kJournal &&
      (!output.starts_with('/') || output.find('\0') != std::string::npos)) {
    constexpr std::string_view kWords[] = {"stderr", "stdout", kJournal};
    findings.Error("log.output", Quote(output) + " is not an output",
                   "stderr, stdout, journal or an absolute path",
                   std::string(NearestWord(output, kWords)));
  }
  const std::string& failed = config.log.failed_logins;
  if (!failed.empty() && (!failed.starts_with('/') || failed.find('\0') != std::string::npos))
    findings.Error("log.failed_logins", Quote(failed) + " is not a file", "an absolute path");
}

}  // namespace

Problems CheckMeaning(const Config& config, const Positions& positions) {
  Findings findings(positions);
  CheckListeners(config, findings);
  CheckEndpoints(config, findings);
  CheckClusters(config, findings);
  CheckBalancing(config, findings);
  CheckAdmission(config, findings);
  CheckAutoconfig(config, findings);
  CheckNames(config.routes, "routes", "route", findings);
  CheckNames(config.moves, "moves", "move", findings);
  CheckNames(config.directories, "directories", "directory", findings);
  CheckRouting(config, findings);
  CheckDirectories(config, findings);
  CheckProcess(config, findings);
  CheckSharedState(config, findings);
  return findings.Take();
}

}  // namespace poplar::config
