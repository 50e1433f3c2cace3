#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/yaml_tree.h"

// What the admin endpoint answers, read again. JSON is YAML.
namespace poplar::cli {

// Null: it isn't there, or of another kind.
const config::YamlNode* Member(const config::YamlNode& map, std::string_view key,
                               config::YamlNode::Kind kind);
// Empty: likewise.
std::string TextIn(const config::YamlNode& map, std::string_view key);
std::optional<double> NumberIn(const config::YamlNode& map, std::string_view key);
// 0: likewise.
uint64_t CountIn(const config::YamlNode& map, std::string_view key);
const std::vector<config::YamlNode>& ListIn(const config::YamlNode& map, std::string_view key);

// An object that has this list; nothing: it is none.
std::optional<config::YamlNode> ParseWithList(std::string_view json, std::string_view key);
std::optional<config::YamlNode> ParseObject(std::string_view json);

}  // namespace poplar::cli
