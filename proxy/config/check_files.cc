#include <sys/stat.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proxy/config/check.h"
#include "proxy/config/check_autoconfig.h"
#include "proxy/config/effective.h"
#include "proxy/config/findings.h"
#include "proxy/config/password_file.h"
#include "proxy/config/quote.h"
#include "proxy/config/source.h"

namespace poplar::config {
namespace {

constexpr int64_t kSecondsPerDay = int64_t{24} * 3600;

std::string FormatDay(int64_t unix_seconds) {
  const std::chrono::sys_days day{
      std::chrono::floor<std::chrono::days>(std::chrono::seconds(unix_seconds))};
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

bool CheckReadable(const std::string& file, const std::string& path, Findings& findings) {
  const std::string why = WhyUnreadable(file);
  if (!why.empty())
    findings.Error(path, Quote(file) + " cannot be read: " + why, "a readable PEM file");
  return why.empty();
}

void WarnOfReaders(const std::string& file, const std::string& path, Findings& findings) {
  struct stat status = {};
  if (stat(file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    findings.Warning(path, "everybody on this machine may read " + Quote(file),
                     "a file that only Poplar's user and group may read");
  }
}

void CheckValidity(const CertificateFacts& facts, const std::string& path, int64_t now,
                   Findings& findings) {
  const std::string subject = Quote(facts.subject);
  if (facts.not_after <= now) {
    findings.Error(path,
                   "the certificate of " + subject + " expired on " + FormatDay(facts.not_after),
                   "a valid certificate");
  } else if (facts.not_before > now) {
    findings.Error(
        path,
        "the certificate of " + subject + " is not valid before " + FormatDay(facts.not_before),
        "a valid certificate");
  } else if (facts.not_after - now < kExpiryWarningSeconds) {
    const int64_t days = (facts.not_after - now) / kSecondsPerDay;
    findings.Warning(path, "the certificate of " + subject + " expires on " +
                               FormatDay(facts.not_after) + ", in " + std::to_string(days) +
                               (days == 1 ? " day" : " days"));
  }
}

// The paths of the two settings.
struct PairPaths {
  std::string certificate;
  std::string key;
};

// What is known of it; null: it is of no use.
std::optional<CertificateFacts> CheckCertificate(const CertificateConfig& files,
                                                 const PairPaths& paths,
                                                 CertificateInspector& inspector, int64_t now,
                                                 Findings& findings) {
  if (findings.IsUnread(paths.certificate) || findings.IsUnread(paths.key)) return std::nullopt;
  const bool has_certificate = CheckReadable(files.certificate, paths.certificate, findings);
  const bool has_key = files.key.empty() || CheckReadable(files.key, paths.key, findings);
  if (!has_certificate || !has_key) return std::nullopt;
  auto facts = inspector.Inspect(files.certificate, files.key);
  if (!facts) {
    findings.Error(paths.certificate, facts.error(),
                   "a PEM certificate and the private key that belongs to it");
    return std::nullopt;
  }
  CheckValidity(*facts, paths.certificate, now, findings);
  if (!files.key.empty()) WarnOfReaders(files.key, paths.key, findings);
  return std::move(*facts);
}

void CheckServerCertificates(const Config& config, CertificateInspector& inspector, int64_t now,
                             Findings& findings) {
  std::vector<std::string> names;
  bool all_known = true;
  for (size_t i = 0; i < config.tls.certificates.size(); ++i) {
    const std::string path = ItemPath("tls.certificates", i);
    const auto facts =
        CheckCertificate(config.tls.certificates[i], {path + ".certificate", path + ".key"},
                         inspector, now, findings);
    all_known = all_known && facts;
    if (facts) names.insert(names.end(), facts->dns_names.begin(), facts->dns_names.end());
  }
  if (all_known) CheckAutoconfigNames(config.autoconfig, names, findings);
}

void CheckLogFolder(const std::string& output, const char* setting, Findings& findings) {
  if (!output.starts_with('/')) return;
  const std::string folder = output.substr(0, output.rfind('/') + 1);
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    findings.Error(setting, "the folder " + Quote(folder) + " does not exist",
                   "a file in an existing folder");
  }
}

void CheckTraceFolder(const std::string& folder, Findings& findings) {
  struct stat status = {};
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    findings.Error("trace.directory", Quote(folder) + " is no folder that exists",
                   "an existing folder that Poplar may write to");
  } else if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0) {
    findings.Warning("trace.directory", "everybody on this machine may write to " + Quote(folder),
                     "a folder that only Poplar's user may write to");
  }
}

void CheckPassword(const std::string& file, const std::string& path, Findings& findings) {
  auto password = ReadPasswordFile(file);
  if (!password) {
    findings.Error(path, Quote(file) + " " + password.error(),
                   "a file whose first line is the password");
    return;
  }
  explicit_bzero(password->data(), password->size());
  WarnOfReaders(file, path, findings);
}

void CheckTicketKeys(const TlsConfig& tls, CertificateInspector& inspector, Findings& findings) {
  const std::string path = "tls.ticket_key_file";
  if (tls.ticket_key_file.empty() || findings.IsUnread(path)) return;
  const std::string fault = inspector.FaultOfTicketKeys(tls.ticket_key_file);
  if (!fault.empty()) {
    findings.Error(path, Quote(tls.ticket_key_file) + " " + fault, "a file of ticket keys");
    return;
  }
  WarnOfReaders(tls.ticket_key_file, path, findings);
  if (!tls.session_tickets)
    findings.Warning(path, "is of no use: tls.session_tickets is no", "session_tickets: yes");
}

void CheckAdminTokens(const AdminConfig& admin, Findings& findings) {
  for (const auto& [file, path] : {std::pair(&admin.read_token_file, "admin.read_token_file"),
                                   std::pair(&admin.write_token_file, "admin.write_token_file")}) {
    if (!file->empty()) CheckPassword(*file, path, findings);
  }
}

// The account that a cluster's probes log in with. `checked`: the settings judged already, since
// clusters share the global one.
void CheckProbePassword(const Config& config, size_t index, std::set<std::string>& checked,
                        Findings& findings) {
  const ClusterConfig& cluster = config.clusters[index];
  const HealthConfig health = EffectiveHealth(config, cluster);
  if (health.probe != Probe::kLogin || health.password_file.empty()) return;
  const std::string section =
      IsGiven(cluster.health, "password_file") ? ItemPath("clusters", index) + ".health" : "health";
  const std::string path = section + ".password_file";
  if (checked.insert(path).second) CheckPassword(health.password_file, path, findings);
}

void CheckNodeFiles(const NodeConfig& node, const std::string& path,
                    CertificateInspector& inspector, int64_t now, Findings& findings) {
  if (node.tls == NodeTls::kVerify && !node.ca_file.empty())
    CheckReadable(node.ca_file, path + ".ca_file", findings);
  if (node.tls != NodeTls::kNone && !node.client_certificate.empty())
    CheckCertificate({node.client_certificate, node.client_key},
                     {path + ".client_certificate", path + ".client_key"}, inspector, now,
                     findings);
}

void CheckLdapFiles(const LdapDirectoryConfig& ldap, const std::string& path,
                    CertificateInspector& inspector, int64_t now, Findings& findings) {
  if (!ldap.password_file.empty())
    CheckPassword(ldap.password_file, path + ".password_file", findings);
  if (!ldap.ca_file.empty()) CheckReadable(ldap.ca_file, path + ".ca_file", findings);
  if (!ldap.client_certificate.empty())
    CheckCertificate({ldap.client_certificate, ldap.client_key},
                     {path + ".client_certificate", path + ".client_key"}, inspector, now,
                     findings);
}

}  // namespace

Problems CheckFiles(const Config& config, const Positions& positions,
                    CertificateInspector& inspector, int64_t now) {
  Findings findings(positions);
  if (config.admin.enabled) CheckAdminTokens(config.admin, findings);
  std::set<std::string> checked;
  CheckServerCertificates(config, inspector, now, findings);
  CheckTicketKeys(config.tls, inspector, findings);
  for (size_t i = 0; i < config.clusters.size(); ++i) {
    CheckProbePassword(config, i, checked, findings);
    const std::string path = ItemPath("clusters", i);
    const std::string& master = config.clusters[i].master_user.password_file;
    if (!master.empty()) CheckPassword(master, path + ".master_user.password_file", findings);
    const auto& nodes = config.clusters[i].nodes;
    for (size_t j = 0; j < nodes.size(); ++j) {
      CheckNodeFiles(nodes[j], ItemPath(path + ".nodes", j), inspector, now, findings);
    }
    CheckNodeFiles(config.clusters[i].discovery.node.all, path + ".discovery.node", inspector, now,
                   findings);
  }
  for (size_t i = 0; i < config.directories.size(); ++i)
    CheckLdapFiles(config.directories[i].ldap, ItemPath("directories", i) + ".ldap", inspector, now,
                   findings);
  if (!config.tls.client_ca_file.empty())
    CheckReadable(config.tls.client_ca_file, "tls.client_ca_file", findings);
  CheckLogFolder(config.log.output, "log.output", findings);
  CheckLogFolder(config.log.failed_logins, "log.failed_logins", findings);
  if (!config.shared_state.password_file.empty())
    CheckPassword(config.shared_state.password_file, "shared_state.password_file", findings);
  if (!config.trace.directory.empty()) CheckTraceFolder(config.trace.directory, findings);
  return findings.Take();
}

}  // namespace poplar::config
