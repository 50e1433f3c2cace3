#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/problem.h"

// YAML as a tree that knows where each of its parts stands in the file. What YAML allows and a
// configuration is better without (anchors, aliases, tags, several documents, keys that are not
// text) is reported, and so are duplicate keys, which yaml-cpp accepts silently.
namespace poplar::config {

// An operator writes the file, but a generator may go wrong: each growth is bounded.
inline constexpr size_t kMaxFileBytes = 1 << 20;
inline constexpr size_t kMaxYamlDepth = 32;
inline constexpr size_t kMaxYamlNodes = 100'000;

struct YamlEntry;

struct YamlNode {
  enum class Kind {
    kNull,  // nothing written, or ~, or null
    kScalar,
    kMap,
    kSequence,
    kRejected,  // a problem stands in YamlTree::problems; say no more about it
  };
  Kind kind = Kind::kNull;
  Position at;
  std::string scalar;
  bool is_secret = false;  // a scalar, of which some comes from elsewhere (references.h)
  std::vector<YamlEntry>
      entries;                  // of a map, in the file's order, no key twice (the first one stays)
  std::vector<YamlNode> items;  // of a sequence
};

struct YamlEntry {
  std::string key;
  Position key_at;
  YamlNode value;
};

struct YamlTree {
  YamlNode root;
  Problems problems;
  // False after a syntax error or a limit: the root is then incomplete and worth no further report.
  bool complete = true;
};

YamlTree ParseYaml(std::string_view text);

}  // namespace poplar::config
