#include "proxy/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "proxy/config/positions.h"
#include "proxy/config/quote.h"

namespace poplar::config {
namespace {

Position ToPosition(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

std::string ToText(Position at) {
  return "line " + std::to_string(at.line) + ", column " + std::to_string(at.column);
}

// Leaves yaml-cpp's parser in mid-document; caught in ParseYaml.
struct Stop {
  Problem problem;
};

// A map or sequence whose end has not been seen.
struct OpenNode {
  YamlNode node;
  // Of a map: the key whose value comes next, and where each key was given first.
  std::optional<YamlEntry> entry;
  bool keep_entry = false;
  std::unordered_map<std::string, Position> keys;
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, YamlTree& tree) : text_(text), tree_(tree) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      throw Stop{
          Error(ToPosition(mark), "text after the end of the document", "one YAML document")};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    YamlNode node = NewNode(YamlNode::Kind::kNull, mark);
    node.at = FindDash(mark, node.at);
    Place(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    Report(ToPosition(mark), "YAML aliases are not supported", "the value itself");
    Place(NewNode(YamlNode::Kind::kRejected, mark));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    Report(ToPosition(mark), "YAML anchors are not supported: " + Quote("&" + name),
           "the value itself");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    YamlNode node = NewNode(YamlNode::Kind::kScalar, mark);
    node.scalar = value;
    if (tag == "!") RequireClosingQuote(mark);
    CheckTag(node, tag);
    Place(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  Problem Error(Position at, std::string message, std::string expected) const {
    return {Severity::kError, at, CurrentPath(), std::move(message), std::move(expected), {}};
  }
  void Report(Position at, std::string message, std::string expected) {
    tree_.problems.push_back(Error(at, std::move(message), std::move(expected)));
  }

  YamlNode NewNode(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (++nodes_ > kMaxYamlNodes) {
      throw Stop{Error(ToPosition(mark), "too many values in one file",
                       "at most " + std::to_string(kMaxYamlNodes) + " keys and values")};
    }
    YamlNode node;
    node.kind = kind;
    node.at = ToPosition(mark);
    return node;
  }

  // yaml-cpp's mark of an empty list item is that of whatever follows it. The item is the dash
  // before that, unless a comment stands between.
  Position FindDash(const YAML::Mark& mark, Position at) const {
    if (mark.pos <= 0 || static_cast<size_t>(mark.pos) > text_.size()) return at;
    const std::string_view before = text_.substr(0, static_cast<size_t>(mark.pos));
    const size_t dash = before.find_last_not_of(" \t\r\n");
    if (dash == std::string_view::npos || before[dash] != '-') return at;
    const size_t line_end = before.rfind('\n', dash);
    const auto crossed =
        std::count(before.begin() + static_cast<std::ptrdiff_t>(dash), before.end(), '\n');
    const size_t line_start = line_end == std::string_view::npos ? 0 : line_end + 1;
    return {at.line - static_cast<int>(crossed), static_cast<int>(dash - line_start) + 1};
  }

  // yaml-cpp takes the end of the file for the missing quote when a line break stands before it.
  void RequireClosingQuote(const YAML::Mark& mark) const {
    if (mark.pos < 0 || static_cast<size_t>(mark.pos) >= text_.size()) return;
    const auto start = static_cast<size_t>(mark.pos);
    const char quote = text_[start];
    if (quote != '"' && quote != '\'') return;  // a block scalar
    for (size_t i = start + 1; i < text_.size(); ++i) {
      if (quote == '"' && text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        if (quote == '"' || i + 1 == text_.size() || text_[i + 1] != quote) return;
        ++i;
      }
    }
    throw Stop{Error(ToPosition(mark), "not valid YAML: a quoted value without its closing quote",
                     "a closing quote")};
  }

  // yaml-cpp's tags for nodes written without one: "?" plain, "!" quoted, sometimes "".
  void CheckTag(YamlNode& node, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Report(node.at, "YAML tags are not supported: " + Quote(tag), "the value alone");
    node.kind = YamlNode::Kind::kRejected;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    OpenNode open;
    open.node = NewNode(kind, mark);
    if (open_.size() == kMaxYamlDepth) {
      throw Stop{Error(open.node.at, "nested too deeply",
                       "at most " + std::to_string(kMaxYamlDepth) + " levels")};
    }
    // The kind stays while the node is open, because it says what the coming events mean.
    YamlNode tagged = open.node;
    CheckTag(tagged, tag);
    open_.push_back(std::move(open));
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Place(std::move(node));
  }

  // A node is complete: it is the root, a sequence's next item, or a map's next key or value.
  void Place(YamlNode node) {
    if (open_.empty()) {
      tree_.root = std::move(node);
      return;
    }
    OpenNode& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.entry) {
      TakeKey(parent, std::move(node));
    } else {
      // yaml-cpp's mark of a missing value is that of whatever follows it.
      if (node.kind == YamlNode::Kind::kNull) node.at = parent.entry->key_at;
      parent.entry->value = std::move(node);
      if (parent.keep_entry) parent.node.entries.push_back(std::move(*parent.entry));
      parent.entry.reset();
    }
  }

  void TakeKey(OpenNode& parent, YamlNode key) {
    parent.keep_entry = false;
    if (key.kind != YamlNode::Kind::kScalar) {
      if (key.kind != YamlNode::Kind::kRejected)
        Report(key.at, "a key that is not a word", "a key such as \"name\"");
      parent.entry = YamlEntry{"?", key.at, {}};
      return;
    }
    parent.entry = YamlEntry{std::move(key.scalar), key.at, {}};
    auto [first, is_new] = parent.keys.try_emplace(parent.entry->key, key.at);
    parent.keep_entry = is_new;
    if (!is_new) {
      Report(key.at, "duplicate key: already given at " + ToText(first->second), "each key once");
    }
  }

  std::string CurrentPath() const {
    std::string path;
    for (const OpenNode& open : open_) {
      if (open.node.kind == YamlNode::Kind::kSequence) {
        path = ItemPath(path, open.node.items.size());
      } else if (open.entry) {
        path = ChildPath(path, PathKey(open.entry->key));
      }
    }
    return path;
  }

  std::string_view text_;
  YamlTree& tree_;
  std::vector<OpenNode> open_;
  size_t nodes_ = 0;
  int documents_ = 0;
};

// yaml-cpp would take UTF-16 and NULs in its stride; positions and messages want plain UTF-8 text.
std::optional<Problem> FindForeignByte(std::string_view text) {
  Position at = {1, 1};
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_control = (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
    if (is_control || byte >= 0xf8) {
      return Problem{Severity::kError, at, {}, "a byte that does not belong in a text file",
                     "UTF-8 text",     {}};
    }
    at = c == '\n' ? Position{at.line + 1, 1} : Position{at.line, at.column + 1};
  }
  return std::nullopt;
}

void Fail(YamlTree& tree, Problem problem) {
  tree.problems.push_back(std::move(problem));
  tree.complete = false;
}

}  // namespace

YamlTree ParseYaml(std::string_view text) {
  YamlTree tree;
  if (text.size() > kMaxFileBytes) {
    Fail(tree, {Severity::kError,
                {},
                {},
                "the file is too large",
                "at most " + std::to_string(kMaxFileBytes >> 20) + " MiB",
                {}});
    return tree;
  }
  if (std::optional<Problem> foreign = FindForeignByte(text)) {
    Fail(tree, std::move(*foreign));
    return tree;
  }
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    TreeBuilder builder(text, tree);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    Fail(tree, stop.problem);
  } catch (const YAML::Exception& error) {
    Fail(tree,
         {Severity::kError, ToPosition(error.mark), {}, "not valid YAML: " + error.msg, {}, {}});
  } catch (const std::exception& error) {
    Fail(tree, {Severity::kError, {}, {}, std::string("not valid YAML: ") + error.what(), {}, {}});
  }
  return tree;
}

}  // namespace poplar::config
