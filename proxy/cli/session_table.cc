#include "proxy/cli/session_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "metrics/url.h"
#include "proxy/cli/admin_json.h"

namespace poplar::cli {
namespace {

ListedSession ReadSession(const config::YamlNode& from) {
  ListedSession session;
  session.id = TextIn(from, "id");
  session.user = TextIn(from, "user");
  session.listener = TextIn(from, "listener");
  session.client = TextIn(from, "client");
  session.cluster = TextIn(from, "cluster");
  session.node = TextIn(from, "node");
  session.doing = TextIn(from, "state");
  session.age = NumberIn(from, "age").value_or(0);
  session.idle = NumberIn(from, "idle");
  session.messages = CountIn(from, "messages");
  session.bytes_to_client = CountIn(from, "bytes_to_client");
  session.commands = CountIn(from, "commands");
  return session;
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

std::string SessionsTarget(const metrics::SessionQuery& query) {
  std::string target = "/api/v1/sessions?limit=" + std::to_string(query.limit);
  const auto add = [&target](std::string_view key, const std::string& value) {
    if (!value.empty()) target.append("&").append(key).append(metrics::PercentEncoded(value));
  };
  add("user=", query.user);
  add("node=", query.node);
  add("client=", query.client);
  return target;
}

std::optional<ListedSessions> ReadSessions(std::string_view json) {
  const auto answer = ParseWithList(json, "sessions");
  if (!answer) return std::nullopt;
  ListedSessions listed{.total = CountIn(*answer, "total")};
  for (const config::YamlNode& session : ListIn(*answer, "sessions"))
    listed.sessions.push_back(ReadSession(session));
  return listed;
}

std::vector<metrics::TableRow> SessionRows(const ListedSessions& listed) {
  std::vector<metrics::TableRow> rows = {{"SESSION", "AGE", "IDLE", "STATE", "USER", "CLIENT",
                                          "NODE", "COMMANDS", "MESSAGES", "SENT"}};
  for (const ListedSession& session : listed.sessions) {
    rows.push_back({session.id, AgeText(session.age),
                    session.idle ? AgeText(*session.idle) : std::string("-"), session.doing,
                    OrDash(session.user), session.client,
                    session.node.empty() ? "-" : session.cluster + "/" + session.node,
                    std::to_string(session.commands), std::to_string(session.messages),
                    BytesText(static_cast<double>(session.bytes_to_client))});
  }
  return rows;
}

std::string AgeText(double seconds) {
  constexpr uint64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto whole = static_cast<uint64_t>(std::max(seconds, 0.0));
  if (whole < kMinute) return fmt::format("{}s", whole);
  if (whole < kHour) return fmt::format("{}m{:02}s", whole / kMinute, whole % kMinute);
  if (whole < kDay) return fmt::format("{}h{:02}m", whole / kHour, whole % kHour / kMinute);
  return fmt::format("{}d{}h", whole / kDay, whole % kDay / kHour);
}

std::string BytesText(double bytes) {
  constexpr double kStep = 1000;
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= kStep && unit + 1 < kUnits.size()) {
    bytes /= kStep;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

}  // namespace poplar::cli
