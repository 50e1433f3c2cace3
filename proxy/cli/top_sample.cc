#include "proxy/cli/top_sample.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/cli/admin_json.h"

namespace poplar::cli {
namespace {

using config::YamlNode;

bool FlagIn(const YamlNode& map, std::string_view key) { return TextIn(map, key) == "true"; }

TopHistogram ReadHistogram(const YamlNode& status, std::string_view key) {
  TopHistogram histogram;
  const YamlNode* const from = Member(status, key, YamlNode::Kind::kMap);
  if (from == nullptr) return histogram;
  histogram.count = CountIn(*from, "count");
  for (const YamlNode& pair : ListIn(*from, "buckets")) {
    if (pair.items.size() != 2) continue;
    auto& [bound, count] = histogram.buckets.emplace_back();
    const auto read = [](const std::string& text, auto& value) {
      std::from_chars(text.data(), text.data() + text.size(), value);
    };
    read(pair.items[0].scalar, bound);
    read(pair.items[1].scalar, count);
  }
  return histogram;
}

void ReadStatus(const YamlNode& status, TopSample& sample) {
  sample.version = TextIn(status, "version");
  sample.io_note = TextIn(status, "io_note");
  sample.started = NumberIn(status, "started").value_or(0);
  sample.now = NumberIn(status, "now").value_or(0);
  sample.ready = FlagIn(status, "ready");
  sample.draining = FlagIn(status, "draining");
  sample.sessions = CountIn(status, "sessions");
  sample.messages = CountIn(status, "messages");
  sample.bytes_to_clients = CountIn(status, "bytes_to_clients");
  sample.login = ReadHistogram(status, "login_seconds");
  const YamlNode* const logins = Member(status, "logins", YamlNode::Kind::kMap);
  if (logins == nullptr) return;
  for (const config::YamlEntry& entry : logins->entries) {
    const uint64_t count = CountIn(*logins, entry.key);
    (entry.key == "ok" ? sample.logins_ok : sample.logins_failed) += count;
  }
}

void ReadNodes(const YamlNode& answer, TopSample& sample) {
  for (const YamlNode& cluster : ListIn(answer, "clusters")) {
    for (const YamlNode& node : ListIn(cluster, "nodes")) {
      sample.nodes.push_back({.cluster = TextIn(cluster, "cluster"),
                              .name = TextIn(node, "node"),
                              .state = TextIn(node, "state"),
                              .admin_state = TextIn(node, "admin_state"),
                              .evidence = TextIn(node, "evidence"),
                              .in_service = FlagIn(node, "in_service"),
                              .sessions = CountIn(node, "sessions"),
                              .slots = CountIn(node, "slots"),
                              .in_use = CountIn(node, "in_use"),
                              .warm = CountIn(node, "warm"),
                              .parked = CountIn(node, "parked"),
                              .waiting = CountIn(node, "waiting"),
                              .probe_seconds = NumberIn(node, "probe_seconds")});
    }
  }
}

// Poplar may have been started anew in between.
uint64_t Grown(uint64_t before, uint64_t now) { return now >= before ? now - before : now; }

}  // namespace

std::optional<TopSample> ReadTopSample(std::string_view status, std::string_view nodes,
                                       std::string_view sessions) {
  const auto of_status = ParseWithList(status, "listeners");
  const auto of_nodes = ParseWithList(nodes, "clusters");
  auto listed = ReadSessions(sessions);
  if (!of_status || !of_nodes || !listed) return std::nullopt;
  TopSample sample;
  ReadStatus(*of_status, sample);
  ReadNodes(*of_nodes, sample);
  sample.listed = std::move(*listed);
  return sample;
}

std::optional<double> QuantileBetween(const TopHistogram& before, const TopHistogram& now,
                                      double q) {
  const bool is_same = before.buckets.size() == now.buckets.size() && before.count <= now.count;
  const auto count_of = [&](size_t i) {
    return is_same ? Grown(before.buckets[i].second, now.buckets[i].second) : now.buckets[i].second;
  };
  const uint64_t all = is_same ? now.count - before.count : now.count;
  if (all == 0 || now.buckets.empty()) return std::nullopt;
  const double rank = q * static_cast<double>(all);
  double lower = 0;
  uint64_t below = 0;
  for (size_t i = 0; i < now.buckets.size(); ++i) {
    const uint64_t up_to = count_of(i);
    const double upper = now.buckets[i].first;
    if (static_cast<double>(up_to) >= rank && up_to > below) {
      const double part = (rank - static_cast<double>(below)) / static_cast<double>(up_to - below);
      return lower + (upper - lower) * std::clamp(part, 0.0, 1.0);
    }
    lower = upper;
    below = up_to;
  }
  return now.buckets.back().first;
}

}  // namespace poplar::cli
