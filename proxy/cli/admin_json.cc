#include "proxy/cli/admin_json.h"

#include <charconv>
#include <utility>

namespace poplar::cli {

using config::YamlNode;

const YamlNode* Member(const YamlNode& map, std::string_view key, YamlNode::Kind kind) {
  for (const config::YamlEntry& entry : map.entries) {
    if (entry.key == key) return entry.value.kind == kind ? &entry.value : nullptr;
  }
  return nullptr;
}

std::string TextIn(const YamlNode& map, std::string_view key) {
  const YamlNode* const member = Member(map, key, YamlNode::Kind::kScalar);
  return member == nullptr ? std::string() : member->scalar;
}

std::optional<double> NumberIn(const YamlNode& map, std::string_view key) {
  const std::string text = TextIn(map, key);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

uint64_t CountIn(const YamlNode& map, std::string_view key) {
  const std::string text = TextIn(map, key);
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

const std::vector<YamlNode>& ListIn(const YamlNode& map, std::string_view key) {
  static const std::vector<YamlNode> kEmpty;
  const YamlNode* const list = Member(map, key, YamlNode::Kind::kSequence);
  return list == nullptr ? kEmpty : list->items;
}

std::optional<YamlNode> ParseWithList(std::string_view json, std::string_view key) {
  auto object = ParseObject(json);
  if (!object || Member(*object, key, YamlNode::Kind::kSequence) == nullptr) return std::nullopt;
  return object;
}

std::optional<YamlNode> ParseObject(std::string_view json) {
  config::YamlTree tree = config::ParseYaml(json);
  if (!tree.complete || !tree.problems.empty() || tree.root.kind != YamlNode::Kind::kMap)
    return std::nullopt;
  return std::move(tree.root);
}

}  // namespace poplar::cli
