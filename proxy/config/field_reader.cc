#include "proxy/config/field_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "proxy/config/field_text.h"
#include "proxy/config/quote.h"
#include "proxy/config/suggestion.h"
#include "proxy/config/units.h"

namespace poplar::config {
namespace {

std::string_view DescribeKind(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::kMap:
      return "keys with values, indented below it";
    case YamlNode::Kind::kSequence:
      return "a list, each item behind \"- \"";
    case YamlNode::Kind::kScalar:
      return "a single value";
    case YamlNode::Kind::kNull:
    case YamlNode::Kind::kRejected:
      return "nothing";
  }
  return "";
}

std::string Found(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kMap:
      return "found keys with values";
    case YamlNode::Kind::kSequence:
      return "found a list";
    case YamlNode::Kind::kScalar:
      return "found the single value " + Quote(node.scalar);
    case YamlNode::Kind::kNull:
    case YamlNode::Kind::kRejected:
      return "no value";
  }
  return "";
}

struct Renamed {
  std::string_view from;  // the whole path
  std::string_view to;
};
constexpr Renamed kRenamed[] = {{"drain_timeout", "drain: {timeout: 30s}, with the value it had"}};

const Renamed* FindRenamed(std::string_view path) {
  const auto* const found = std::find_if(std::begin(kRenamed), std::end(kRenamed),
                                         [path](const Renamed& each) { return each.from == path; });
  return found == std::end(kRenamed) ? nullptr : found;
}

}  // namespace

void FieldReader::Text(std::string_view name, std::string& value, const About& about) {
  const YamlNode* node = FindScalar(name, about, "text");
  if (node == nullptr) return;
  if (about.required && node->scalar.empty())
    return Report(*node, name, "must not be empty", "text");
  value = node->scalar;
}

void FieldReader::Path(std::string_view name, std::string& value, const About& about) {
  const YamlNode* node = FindScalar(name, about, "a file's path");
  if (node == nullptr) return;
  if (about.required && node->scalar.empty())
    return Report(*node, name, "must not be empty", "a file's path");
  // fopen and friends would silently stop at a NUL.
  if (node->scalar.find('\0') != std::string::npos)
    return Report(*node, name, "contains a NUL", "a file's path");
  const bool is_relative = !node->scalar.empty() && !node->scalar.starts_with('/');
  value = is_relative ? state_.folder + node->scalar : node->scalar;
}

void FieldReader::Flag(std::string_view name, bool& value, const About& about) {
  const YamlNode* node = FindScalar(name, about, kFlagForm);
  if (node == nullptr) return;
  if (node->scalar == "yes" || node->scalar == "true") {
    value = true;
  } else if (node->scalar == "no" || node->scalar == "false") {
    value = false;
  } else {
    Report(*node, name, Quote(node->scalar) + " is neither yes nor no", std::string(kFlagForm));
  }
}

void FieldReader::Texts(std::string_view name, std::vector<std::string>& values,
                        const About& about) {
  const YamlNode* node = FindOfKind(name, about, YamlNode::Kind::kSequence);
  if (node == nullptr) return;
  std::vector<std::string> read;
  for (size_t i = 0; i < node->items.size(); ++i) {
    const YamlNode& item = node->items[i];
    const std::string path = ItemPath(ChildPath(path_, name), i);
    state_.positions.Add(path, item.at);
    if (!IsOfKind(item, YamlNode::Kind::kScalar, path)) {
      state_.positions.MarkUnread(ChildPath(path_, name));
      continue;
    }
    if (item.is_secret) state_.positions.MarkSecret(ChildPath(path_, name));
    read.push_back(item.scalar);
  }
  if (!state_.positions.IsUnread(ChildPath(path_, name))) values = std::move(read);
}

void FieldReader::Integer(std::string_view name, int& value, const Bounds<int>& bounds,
                          const About& about) {
  const std::string expected = DescribeBounds(bounds);
  const YamlNode* node = FindScalar(name, about, expected);
  if (node == nullptr) return;
  const std::string& text = node->scalar;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return Report(*node, name, Quote(text) + " is not a whole number", expected);
  }
  if (error != std::errc() || number < bounds.least || number > bounds.most) {
    return Report(*node, name, Quote(text) + " is out of bounds", expected);
  }
  value = number;
}

void FieldReader::Time(std::string_view name, Duration& value, const Bounds<Duration>& bounds,
                       const About& about) {
  const std::string expected = DescribeBounds(bounds);
  const YamlNode* node = FindScalar(name, about, expected);
  if (node == nullptr) return;
  const auto parsed = ParseDuration(node->scalar);
  if (!parsed)
    return Report(*node, name, parsed.error().message, expected, parsed.error().suggestion);
  if (*parsed < bounds.least || *parsed > bounds.most) {
    return Report(*node, name, Quote(node->scalar) + " is out of bounds", expected);
  }
  value = *parsed;
}

void FieldReader::Bytes(std::string_view name, Size& value, const Bounds<Size>& bounds,
                        const About& about) {
  const std::string expected = DescribeBounds(bounds);
  const YamlNode* node = FindScalar(name, about, expected);
  if (node == nullptr) return;
  const auto parsed = ParseSize(node->scalar);
  if (!parsed)
    return Report(*node, name, parsed.error().message, expected, parsed.error().suggestion);
  if (*parsed < bounds.least || *parsed > bounds.most) {
    return Report(*node, name, Quote(node->scalar) + " is out of bounds", expected);
  }
  value = *parsed;
}

void FieldReader::Percentage(std::string_view name, Percent& value, const About& about) {
  const YamlNode* node = FindScalar(name, about, kPercentForm);
  if (node == nullptr) return;
  const auto parsed = ParsePercent(node->scalar);
  if (!parsed)
    return Report(*node, name, parsed.error().message, std::string(kPercentForm),
                  parsed.error().suggestion);
  value = *parsed;
}

std::optional<bool> FieldReader::ReadSwitch(std::string_view name, const About& about) {
  const YamlNode* node = FindScalar(name, about, kSwitchForm);
  if (node == nullptr) return std::nullopt;
  const std::string& word = node->scalar;
  if (word == "on" || word == "yes" || word == "true") return true;
  if (word == "off" || word == "no" || word == "false") return false;
  Report(*node, name, Quote(word) + " is neither on nor off", std::string(kSwitchForm));
  return std::nullopt;
}

std::optional<size_t> FieldReader::ReadChoice(std::string_view name,
                                              std::span<const std::string_view> words,
                                              const About& about) {
  const YamlNode* node = FindScalar(name, about, DescribeChoice(words));
  if (node == nullptr) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), node->scalar);
  if (found != words.end()) return found - words.begin();
  Report(*node, name, Quote(node->scalar) + " is not one of the choices", DescribeChoice(words),
         std::string(NearestWord(node->scalar, words)));
  return std::nullopt;
}

const YamlEntry* FieldReader::Find(std::string_view name, const About& about) {
  names_.push_back(name);
  const auto entry =
      std::find_if(map_.entries.begin(), map_.entries.end(),
                   [name](const YamlEntry& candidate) { return candidate.key == name; });
  if (entry == map_.entries.end()) {
    if (about.required) missing_.push_back(name);
    return nullptr;
  }
  state_.positions.Add(ChildPath(path_, name), entry->value.at);
  return &*entry;
}

bool FieldReader::IsGiven(std::string_view name) const {
  return std::any_of(map_.entries.begin(), map_.entries.end(),
                     [name](const YamlEntry& entry) { return entry.key == name; });
}

bool FieldReader::IsSingleValue(std::string_view name) const {
  return std::any_of(map_.entries.begin(), map_.entries.end(), [name](const YamlEntry& entry) {
    return entry.key == name && entry.value.kind == YamlNode::Kind::kScalar;
  });
}

uint32_t FieldReader::TakenFields() const {
  uint32_t taken = 0;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (IsGiven(names_[i]) && !state_.positions.IsUnread(ChildPath(path_, names_[i]))) {
      taken |= uint32_t{1} << i;
    }
  }
  return taken;
}

const YamlNode* FieldReader::FindOfKind(std::string_view name, const About& about,
                                        YamlNode::Kind kind) {
  const YamlEntry* entry = Find(name, about);
  if (entry == nullptr) return nullptr;
  const std::string path = ChildPath(path_, name);
  // Problems with the section as a whole point at its name, not at its first line.
  state_.positions.Add(path, entry->key_at);
  // A section whose lines are all commented out is a section of defaults.
  if (entry->value.kind == YamlNode::Kind::kNull) return nullptr;
  return IsOfKind(entry->value, kind, path) ? &entry->value : nullptr;
}

const YamlNode* FieldReader::FindScalar(std::string_view name, const About& about,
                                        std::string_view expected) {
  const YamlEntry* entry = Find(name, about);
  if (entry == nullptr) return nullptr;
  if (entry->value.is_secret) state_.positions.MarkSecret(ChildPath(path_, name));
  if (entry->value.kind == YamlNode::Kind::kScalar) return &entry->value;
  if (entry->value.kind == YamlNode::Kind::kRejected) {
    state_.positions.MarkUnread(ChildPath(path_, name));
    return nullptr;
  }
  Report(entry->value, name, Found(entry->value), std::string(expected));
  return nullptr;
}

bool FieldReader::IsOfKind(const YamlNode& node, YamlNode::Kind kind, const std::string& path) {
  if (node.kind == kind) return true;
  state_.positions.MarkUnread(path);
  if (node.kind != YamlNode::Kind::kRejected) {
    state_.problems.push_back(
        {Severity::kError, node.at, path, Found(node), std::string(DescribeKind(kind)), {}});
  }
  return false;
}

void FieldReader::Report(const YamlNode& node, std::string_view name, std::string message,
                         std::string expected, std::string suggestion) {
  // Not even a part of it is quoted.
  if (node.is_secret) {
    message = "the value that a reference stands for can't be taken";
    suggestion.clear();
  }
  state_.positions.MarkUnread(ChildPath(path_, name));
  state_.problems.push_back({Severity::kError, node.at, ChildPath(path_, name), std::move(message),
                             std::move(expected), std::move(suggestion)});
}

void FieldReader::Finish() {
  for (const YamlEntry& entry : map_.entries) {
    if (std::find(names_.begin(), names_.end(), entry.key) != names_.end()) continue;
    if (const Renamed* const renamed = FindRenamed(ChildPath(path_, entry.key))) {
      state_.problems.push_back({Severity::kError,
                                 entry.key_at,
                                 std::string(renamed->from),
                                 "has another name now",
                                 std::string(renamed->to),
                                 {}});
      continue;
    }
    const std::string_view meant = NearestWord(entry.key, names_);
    // A misspelt key is one mistake: not also a missing one, nor a default to be judged.
    if (!meant.empty() && !IsGiven(meant)) {
      std::erase(missing_, meant);
      state_.positions.MarkUnread(ChildPath(path_, meant));
    }
    state_.problems.push_back({Severity::kError, entry.key_at, ChildPath(path_, PathKey(entry.key)),
                               "unknown key", DescribeChoice(names_), std::string(meant)});
  }
  for (std::string_view name : missing_) {
    state_.positions.MarkUnread(ChildPath(path_, name));
    state_.problems.push_back({Severity::kError,
                               map_.at,
                               ChildPath(path_, name),
                               "required key is missing",
                               "the key " + Quote(name),
                               {}});
  }
}

}  // namespace poplar::config
