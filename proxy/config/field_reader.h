#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/field.h"
#include "proxy/config/override.h"
#include "proxy/config/positions.h"
#include "proxy/config/problem.h"
#include "proxy/config/yaml_tree.h"

namespace poplar::config {

// What all readers of one file share.
struct ReadState {
  Problems& problems;
  Positions& positions;
  std::string folder;  // of the configuration file, for relative paths; empty or ending in '/'
};

// The visitor (field.h) that fills one struct from one YAML map. Types come from the struct, never
// from guesses about the text, so `name: no` is a name and 1.2 a version. A value that is wrong
// leaves the field at its default.
class FieldReader {
 public:
  FieldReader(const YamlNode& map, std::string path, ReadState& state)
      : map_(map), path_(std::move(path)), state_(state) {}

  void Text(std::string_view name, std::string& value, const About& about);
  void Path(std::string_view name, std::string& value, const About& about);
  void Flag(std::string_view name, bool& value, const About& about);
  // What the file gives replaces the default as a whole. A list with a faulty item isn't taken.
  void Texts(std::string_view name, std::vector<std::string>& values, const About& about);
  void Integer(std::string_view name, int& value, const Bounds<int>& bounds, const About& about);
  void Time(std::string_view name, Duration& value, const Bounds<Duration>& bounds,
            const About& about);
  void Bytes(std::string_view name, Size& value, const Bounds<Size>& bounds, const About& about);
  void Percentage(std::string_view name, Percent& value, const About& about);

  template <class Enum, size_t kCount>
  void Choice(std::string_view name, Enum& value, const ChoiceName<Enum> (&names)[kCount],
              const About& about) {
    std::string_view words[kCount];
    for (size_t i = 0; i < kCount; ++i) words[i] = names[i].name;
    if (auto chosen = ReadChoice(name, words, about)) value = names[*chosen].value;
  }

  template <class Struct>
  void Section(std::string_view name, Struct& value, const About& about) {
    if constexpr (HasSwitch<Struct>) {
      if (IsSingleValue(name)) {
        if (const auto on = ReadSwitch(name, about)) value.*Struct::kSwitch = *on;
        return;
      }
    }
    const YamlNode* node = FindOfKind(name, about, YamlNode::Kind::kMap);
    if (node != nullptr) ReadStruct(*node, ChildPath(path_, name), value);
  }

  template <class Struct>
  void List(std::string_view name, std::vector<Struct>& values, const About& about) {
    const YamlNode* node = FindOfKind(name, about, YamlNode::Kind::kSequence);
    if (node == nullptr) return;
    for (size_t i = 0; i < node->items.size(); ++i) {
      const std::string path = ItemPath(ChildPath(path_, name), i);
      state_.positions.Add(path, node->items[i].at);
      // A faulty item takes its place too: paths count as the file does.
      Struct& value = values.emplace_back();
      if (IsOfKind(node->items[i], YamlNode::Kind::kMap, path))
        ReadStruct(node->items[i], path, value);
    }
  }

  template <class Struct>
  void Overrides(std::string_view name, Override<Struct>& value, const About& about) {
    if constexpr (HasSwitch<Struct>) {
      if (IsSingleValue(name)) {
        if (const auto on = ReadSwitch(name, about)) Set(value, Struct::kSwitch, *on);
        return;
      }
    }
    const YamlNode* node = FindOfKind(name, about, YamlNode::Kind::kMap);
    if (node == nullptr) return;
    FieldReader reader(*node, ChildPath(path_, name), state_);
    Describe(reader, value.values);
    reader.Finish();
    value.given = reader.TakenFields();
  }

  // After all fields: reports the keys that no field has, and the required ones that are missing.
  void Finish();

 private:
  template <class Struct>
  void ReadStruct(const YamlNode& node, const std::string& path, Struct& value) {
    FieldReader reader(node, path, state_);
    Describe(reader, value);
    reader.Finish();
  }

  // Null where the file does not give the field, or (reported) not in this kind.
  const YamlNode* FindOfKind(std::string_view name, const About& about, YamlNode::Kind kind);
  const YamlNode* FindScalar(std::string_view name, const About& about, std::string_view expected);
  bool IsOfKind(const YamlNode& node, YamlNode::Kind kind, const std::string& path);
  std::optional<size_t> ReadChoice(std::string_view name, std::span<const std::string_view> words,
                                   const About& about);
  std::optional<bool> ReadSwitch(std::string_view name, const About& about);
  bool IsGiven(std::string_view name) const;
  bool IsSingleValue(std::string_view name) const;
  // Bit i: the i-th field stands in the file, and its value was taken.
  uint32_t TakenFields() const;
  const YamlEntry* Find(std::string_view name, const About& about);
  void Report(const YamlNode& node, std::string_view name, std::string message,
              std::string expected, std::string suggestion = {});

  const YamlNode& map_;
  std::string path_;
  ReadState& state_;
  std::vector<std::string_view> names_;
  std::vector<std::string_view> missing_;
};

}  // namespace poplar::config
