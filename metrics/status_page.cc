#include "metrics/status_page.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <tuple>
#include <utility>

#include "metrics/html.h"
#include "metrics/status_page_files.h"

namespace poplar::metrics {
namespace {

constexpr uint64_t kBarWidth = 1000;  // of the viewBox in node_row.html
constexpr double kSecondsOfDay = 86400;

std::string_view BytesOf(std::string_view name) {
  for (const StatusPageFile& file : StatusPageFiles()) {
    if (file.name == name) return file.bytes;
  }
  assert(false && "metrics/CMakeLists.txt doesn't name the file");
  return {};
}

std::string MomentText(double unix_seconds, const char* format) {
  const auto seconds = static_cast<time_t>(unix_seconds);
  tm utc{};
  std::array<char, 64> text{};
  if (::gmtime_r(&seconds, &utc) == nullptr) return {};
  return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

// The two largest units: "3 d 4 h".
std::string DurationText(double seconds) {
  const auto minutes = static_cast<uint64_t>(std::max(0.0, seconds)) / 60;
  const uint64_t hours = minutes / 60;
  const uint64_t days = hours / 24;
  if (days > 0) return std::to_string(days) + " d " + std::to_string(hours % 24) + " h";
  if (hours > 0) return std::to_string(hours) + " h " + std::to_string(minutes % 60) + " min";
  return std::to_string(minutes) + " min";
}

std::string MillisecondsText(double seconds) {
  std::array<char, 32> text{};
  const int size = std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1000);
  return {text.data(), static_cast<size_t>(size)};
}

// A state in words, and how good it is: the badge's colour (style.css).
struct Shown {
  std::string text;
  std::string_view tone;
};

// As nodes.js has it.
Shown StateOf(const NodeView& node) {
  if (node.admin == AdminState::kDown) return {"taken down", "warn"};
  if (node.state == NodeState::kDown) return {"down", "bad"};
  if (node.state == NodeState::kEjected) return {"ejected", "bad"};
  if (node.leaving) return {"leaving", "warn"};
  if (node.admin == AdminState::kDrain) {
    return {node.sessions > 0 ? "draining" : "drained", "warn"};
  }
  if (!node.in_service) return {"out of service", "warn"};
  if (node.ready_permille < 1000)
    return {"slow start, " + std::to_string(node.ready_permille / 10) + " %", "warn"};
  return {"up", "good"};
}

Shown ReadinessOf(const StatusView& status) {
  if (status.draining) return {"draining", "warn"};
  if (!status.ready) return {"not ready", "bad"};
  return {"ready", "good"};
}

std::string NodeRow(const ClusterView& cluster, const NodeView& node) {
  const uint64_t taken = uint64_t{node.in_use} + node.warm + node.parked;
  const uint64_t all = std::max<uint64_t>({taken, node.slots, 1});
  const Shown state = StateOf(node);
  const bool is_up = node.admin == AdminState::kUp;
  const auto width = [all](uint64_t count) { return std::to_string(count * kBarWidth / all); };
  return HtmlValues()
      .Text("cluster", cluster.name)
      .Text("node", node.name)
      .Text("address", node.address)
      .Text("state", state.text)
      .Text("tone", state.tone)
      .Text("evidence", node.evidence)
      .Text("sessions", std::to_string(node.sessions))
      .Text("in_use", std::to_string(node.in_use))
      .Text("warm", std::to_string(node.warm))
      .Text("parked", std::to_string(node.parked))
      .Text("waiting", std::to_string(node.waiting))
      .Text("of_slots", node.slots == 0 ? "" : " of " + std::to_string(node.slots))
      .Text("in_use_width", width(node.in_use))
      .Text("warm_at", width(node.in_use))
      .Text("warm_width", width(node.warm))
      .Text("parked_at", width(uint64_t{node.in_use} + node.warm))
      .Text("parked_width", width(node.parked))
      .Text("probe", node.probe_seconds ? MillisecondsText(*node.probe_seconds) : "")
      .Text("change", is_up ? "drain" : "undrain")
      .Text("change_text", is_up ? "Drain" : "Undrain")
      .Fill(BytesOf("node_row.html"));
}

// Counts of which all but `good` went wrong; as failures.js has them.
struct Place {
  const Counts StatusView::* counts;
  std::string_view text;
  std::string_view good;
};
constexpr std::array<Place, 4> kPlaces = {{{&StatusView::logins, "Login", "ok"},
                                           {&StatusView::ends, "Session", "quit"},
                                           {&StatusView::handshake_failures, "TLS handshake", ""},
                                           {&StatusView::rejected, "Turned away", ""}}};

// Rows, those of most first.
std::vector<std::string> FailureRows(const StatusView& status) {
  struct Failures {
    std::string_view what;
    std::string_view reason;
    uint64_t count;
  };
  std::vector<Failures> found;
  for (const Place& place : kPlaces) {
    for (const auto& [reason, count] : status.*place.counts) {
      if (count > 0 && reason != place.good) found.push_back({place.text, reason, count});
    }
  }
  std::sort(found.begin(), found.end(), [](const Failures& a, const Failures& b) {
    return std::tie(b.count, a.what, a.reason) < std::tie(a.count, b.what, b.reason);
  });
  std::vector<std::string> rows;
  rows.reserve(found.size());
  for (const Failures& each : found) {
    rows.push_back(HtmlValues()
                       .Text("what", each.what)
                       .Text("reason", each.reason)
                       .Text("recent", "")
                       .Text("count", std::to_string(each.count))
                       .Fill(BytesOf("failure_row.html")));
  }
  return rows;
}

// The file and its folder, which often bears the host's name.
std::string_view ShortPath(std::string_view path) {
  const size_t name = path.rfind('/');
  const size_t folder = name == 0 || name == path.npos ? path.npos : path.rfind('/', name - 1);
  return folder == path.npos ? path : path.substr(folder + 1);
}

std::string CertificateRow(const StatusView::Certificate& certificate, double now) {
  constexpr int kBad = 7;
  constexpr int kWarn = 21;
  const double days = std::floor((static_cast<double>(certificate.expires) - now) / kSecondsOfDay);
  return HtmlValues()
      .Text("path", certificate.name)
      .Text("name", ShortPath(certificate.name))
      .Text("expires", MomentText(static_cast<double>(certificate.expires), "%Y-%m-%d"))
      .Text("tone", days < kBad    ? "bad"
                    : days < kWarn ? "warn"
                                   : "good")
      .Text("days", std::to_string(static_cast<int64_t>(days)))
      .Fill(BytesOf("certificate_row.html"));
}

std::string Joined(const std::vector<std::string>& rows) {
  std::string all;
  for (const std::string& row : rows) all += row;
  return all;
}

// The rows of all tables, and how many those have that say something else where they are empty.
void AddTables(const StatusPageView& view, HtmlValues& values) {
  std::string nodes;
  std::string panics;
  for (const ClusterView& cluster : view.clusters) {
    for (const NodeView& node : cluster.nodes) nodes += NodeRow(cluster, node);
    if (!cluster.panic) continue;
    panics += HtmlValues().Text("cluster", cluster.name).Fill(BytesOf("panic_row.html"));
  }
  const std::vector<std::string> failures = FailureRows(view.status);
  std::string certificates;
  for (const auto& each : view.status.certificates)
    certificates += CertificateRow(each, view.status.now);
  values.Markup("nodes", std::move(nodes))
      .Markup("panics", std::move(panics))
      .Markup("failures", Joined(failures))
      .Text("failure_rows", std::to_string(failures.size()))
      .Markup("certificates", std::move(certificates))
      .Text("certificate_rows", std::to_string(view.status.certificates.size()));
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kTypes = {
    {{".js", "text/javascript; charset=utf-8"},
     {".css", "text/css; charset=utf-8"},
     {".svg", "image/svg+xml"}}};

}  // namespace

std::string StatusPage(const StatusPageView& view) {
  const StatusView& status = view.status;
  const Shown readiness = ReadinessOf(status);
  HtmlValues values;
  values.Text("takes_token", view.takes_token ? "yes" : "no")
      .Text("readiness", readiness.text)
      .Text("readiness_tone", readiness.tone)
      .Text("version", status.version)
      .Text("started", MomentText(status.started, "%Y-%m-%d %H:%M:%S UTC"))
      .Text("now", MomentText(status.now, "%Y-%m-%d %H:%M:%S UTC"))
      .Text("io_note", status.io_note)
      .Text("uptime", DurationText(status.now - status.started))
      .Text("sessions", std::to_string(status.sessions))
      // Scripts fill these in for rows that come later.
      .Markup("node_row", std::string(BytesOf("node_row.html")))
      .Markup("panic_row", std::string(BytesOf("panic_row.html")))
      .Markup("failure_row", std::string(BytesOf("failure_row.html")))
      .Markup("certificate_row", std::string(BytesOf("certificate_row.html")));
  AddTables(view, values);
  return values.Fill(BytesOf("page.html"));
}

std::optional<StatusPageAsset> FindStatusPageAsset(std::string_view name) {
  for (const auto& [ending, type] : kTypes) {
    if (!name.ends_with(ending)) continue;
    for (const StatusPageFile& file : StatusPageFiles()) {
      if (file.name == name) return StatusPageAsset{type, file.bytes};
    }
  }
  return std::nullopt;
}

}  // namespace poplar::metrics
