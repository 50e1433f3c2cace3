#include "proxy/config/changes.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "proxy/config/override.h"
#include "proxy/config/references.h"
#include "proxy/config/scalar.h"
#include "proxy/config/single_values.h"

namespace poplar::config {
namespace {

template <class Struct>
concept HasName = requires(Struct s) { s.name.empty(); };

// Visitor: where the fields of one struct are, in the order of its description.
class Addresses : public SingleValues<Addresses> {
 public:
  template <class Struct>
  static std::vector<void*> Of(Struct& value) {
    Addresses addresses;
    Describe(addresses, value);
    return std::move(addresses.all_);
  }

  template <class Value>
  void Single(std::string_view /*name*/, Value& value, const About& /*about*/) {
    all_.push_back(&value);
  }
  template <class Struct>
  void Section(std::string_view /*name*/, Struct& value, const About& /*about*/) {
    all_.push_back(&value);
  }
  template <class Struct>
  void List(std::string_view /*name*/, std::vector<Struct>& value, const About& /*about*/) {
    all_.push_back(&value);
  }
  template <class Struct>
  void Overrides(std::string_view /*name*/, Override<Struct>& value, const About& /*about*/) {
    all_.push_back(&value);
  }

 private:
  std::vector<void*> all_;
};

// Visitor: single values as YAML writes them, in the order of their description.
class YamlOf : public ScalarVisitor<YamlOf> {
 public:
  void Put(const Scalar& scalar) { all.push_back(scalar.yaml); }
  std::vector<std::string> all;
};

// A setting as each of the two has it.
struct Paths {
  std::string shown;    // by names
  std::string running;  // by numbers, as Positions know it
  std::string wanted;   // likewise

  Paths Child(std::string_view key) const {
    return {ChildPath(shown, key), ChildPath(running, key), ChildPath(wanted, key)};
  }
};

// By its place; or by its value, for a list that kept its items has other places than its file. One
// of few letters would be found everywhere.
bool IsSecret(const PlacedConfig& config, const std::string& path, const std::string& yaml) {
  constexpr size_t kTellingBytes = 4;
  return config.positions.IsSecret(path) ||
         std::any_of(config.secrets.begin(), config.secrets.end(), [&yaml](const auto& secret) {
           return secret.size() >= kTellingBytes && yaml.find(secret) != std::string::npos;
         });
}

struct Walk {
  const PlacedConfig& running;
  const PlacedConfig& wanted;
  std::vector<Change>& changes;

  void Add(const Paths& at, std::string from, std::string to, bool live) const {
    if (IsSecret(running, at.running, from)) from = kMasked;
    if (IsSecret(wanted, at.wanted, to)) to = kMasked;
    changes.push_back({at.shown, std::move(from), std::move(to), live});
  }
};

template <class Struct>
std::string ItemName(const std::vector<Struct>& items, size_t index) {
  if constexpr (HasName<Struct>) {
    if (!items[index].name.empty()) return items[index].name;
  }
  return std::to_string(index);
}

// The one that is meant by the item of another list; as many as there are: there is none.
template <class Struct>
size_t Partner(const std::vector<Struct>& items, const std::vector<Struct>& others, size_t index) {
  if constexpr (HasName<Struct>) {
    const auto found = std::find_if(items.begin(), items.end(), [&](const Struct& item) {
      return item.name == others[index].name;
    });
    return static_cast<size_t>(found - items.begin());
  } else {
    return std::min(index, items.size());
  }
}

// Visitor: of one struct of the wanted configuration, beside the same of the running one. What
// isn't live gets its running value.
class Comparer {
 public:
  Comparer(const Walk& walk, std::vector<void*> running, Paths at, bool live)
      : walk_(walk), running_(std::move(running)), at_(std::move(at)), live_(live) {}

  void Text(std::string_view name, std::string& value, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Text(name, x, about); });
  }
  void Path(std::string_view name, std::string& value, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Path(name, x, about); });
  }
  void Texts(std::string_view name, std::vector<std::string>& value, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Texts(name, x, about); });
  }
  void Flag(std::string_view name, bool& value, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Flag(name, x, about); });
  }
  void Percentage(std::string_view name, Percent& value, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Percentage(name, x, about); });
  }
  void Integer(std::string_view name, int& value, const Bounds<int>& bounds, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Integer(name, x, bounds, about); });
  }
  void Time(std::string_view name, Duration& value, const Bounds<Duration>& bounds,
            const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Time(name, x, bounds, about); });
  }
  void Bytes(std::string_view name, Size& value, const Bounds<Size>& bounds, const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Bytes(name, x, bounds, about); });
  }
  template <class Enum, size_t kCount>
  void Choice(std::string_view name, Enum& value, const ChoiceName<Enum> (&names)[kCount],
              const About& about) {
    Single(name, value, about, [&](auto& v, auto& x) { v.Choice(name, x, names, about); });
  }

  template <class Struct>
  void Section(std::string_view name, Struct& value, const About& about) {
    CompareStruct(Next<Struct>(), value, at_.Child(name), live_ && about.live);
  }

  template <class Struct>
  void Overrides(std::string_view name, Override<Struct>& value, const About& about) {
    const Override<Struct>& running = Next<Override<Struct>>();
    const bool live = live_ && about.live;
    const auto from = YamlOfGiven(running);
    const auto to = YamlOfGiven(value);
    const auto names = FieldNames<Struct>();
    for (size_t i = 0; i < names.size(); ++i) {
      if (from[i] != to[i]) walk_.Add(at_.Child(name).Child(names[i]), from[i], to[i], live);
    }
    if (!live) value = running;
  }

  template <class Struct>
  void List(std::string_view name, std::vector<Struct>& value, const About& about) {
    std::vector<Struct>& running = Next<std::vector<Struct>>();
    const Paths at = at_.Child(name);
    const bool live = live_ && about.live;
    const bool keeps = !live || about.fixed_items;
    for (size_t i = 0; i < running.size(); ++i) {
      if (Partner(value, running, i) == value.size())
        walk_.Add(ItemOf(at, ItemName(running, i), i, i), "there", "", !keeps);
    }
    for (size_t i = 0; i < value.size(); ++i) {
      const size_t k = Partner(running, value, i);
      const Paths item = ItemOf(at, ItemName(value, i), k, i);
      if (k == running.size()) {
        walk_.Add(item, "", "there", !keeps);
      } else {
        CompareStruct(running[k], value[i], item, live);
      }
    }
    CompareOrder(running, value, at, !keeps);
    if (keeps) value = KeepItems(running, value);
  }

 private:
  template <class Value>
  Value& Next() {
    return *static_cast<Value*>(running_[next_++]);
  }

  template <class Value, class Describing>
  void Single(std::string_view name, Value& value, const About& about, Describing describe) {
    Value& running = Next<Value>();
    if (running == value) return;
    YamlOf texts;
    describe(texts, running);
    describe(texts, value);
    const bool live = live_ && about.live;
    walk_.Add(at_.Child(name), texts.all[0], texts.all[1], live);
    if (!live) value = running;
  }

  template <class Struct>
  void CompareStruct(Struct& running, Struct& wanted, Paths at, bool live) {
    Comparer comparer(walk_, Addresses::Of(running), std::move(at), live);
    Describe(comparer, wanted);
  }

  static Paths ItemOf(const Paths& list, const std::string& name, size_t running, size_t wanted) {
    return {list.shown + "[" + name + "]", ItemPath(list.running, running),
            ItemPath(list.wanted, wanted)};
  }

  template <class Struct>
  static std::vector<std::string> YamlOfGiven(const Override<Struct>& override) {
    YamlOf texts;
    Struct values = override.values;
    Describe(texts, values);
    for (size_t i = 0; i < texts.all.size(); ++i) {
      if (!override.IsGiven(i)) texts.all[i] = "as above";
    }
    return std::move(texts.all);
  }

  // Of those that both have: rules are asked in order, and the first cluster is the default.
  template <class Struct>
  void CompareOrder(const std::vector<Struct>& running, const std::vector<Struct>& wanted,
                    const Paths& at, bool live) {
    if constexpr (HasName<Struct>) {
      const auto names = [](const std::vector<Struct>& items, const std::vector<Struct>& others) {
        std::vector<std::string> both;
        for (size_t i = 0; i < items.size(); ++i) {
          if (Partner(others, items, i) != others.size()) both.push_back(items[i].name);
        }
        return both;
      };
      const auto from = names(running, wanted);
      const auto to = names(wanted, running);
      if (from != to)
        walk_.changes.push_back({at.shown + ", order", YamlFlow(from), YamlFlow(to), live});
    }
  }

  template <class Struct>
  static std::vector<Struct> KeepItems(const std::vector<Struct>& running,
                                       const std::vector<Struct>& wanted) {
    std::vector<Struct> kept;
    kept.reserve(running.size());
    for (size_t i = 0; i < running.size(); ++i) {
      const size_t k = Partner(wanted, running, i);
      kept.push_back(k == wanted.size() ? running[i] : wanted[k]);
    }
    return kept;
  }

  const Walk& walk_;
  const std::vector<void*> running_;
  const Paths at_;
  const bool live_;
  size_t next_ = 0;
};

// Visitor: the paths of files that are to be read anew.
class FileCollector : public SingleValues<FileCollector> {
 public:
  explicit FileCollector(std::vector<std::string>& files) : files_(files) {}

  template <class Value>
  void Single(std::string_view /*name*/, Value& /*value*/, const About& /*about*/) {}
  void Path(std::string_view /*name*/, std::string& value, const About& about) {
    const bool is_new = std::find(files_.begin(), files_.end(), value) == files_.end();
    if (!value.empty() && about.watched && is_new) files_.push_back(value);
  }
  template <class Struct>
  void Section(std::string_view /*name*/, Struct& value, const About& /*about*/) {
    Describe(*this, value);
  }
  template <class Struct>
  void List(std::string_view /*name*/, std::vector<Struct>& values, const About& /*about*/) {
    for (Struct& value : values) Describe(*this, value);
  }
  template <class Struct>
  void Overrides(std::string_view /*name*/, Override<Struct>& value, const About& /*about*/) {
    Describe(*this, value.values);
  }

 private:
  std::vector<std::string>& files_;
};

}  // namespace

Changes Compare(const PlacedConfig& running, const PlacedConfig& wanted) {
  Changes changes{{}, wanted.config};
  Config before = running.config;  // descriptions want something they could write to
  const Walk walk{running, wanted, changes.all};
  Comparer comparer(walk, Addresses::Of(before), {}, true);
  Describe(comparer, changes.applied);
  return changes;
}

std::string Text(const Change& change) {
  if (change.from.empty()) return change.path + ": new";
  if (change.to.empty()) return change.path + ": gone";
  return change.path + ": " + change.from + " -> " + change.to;
}

std::vector<std::string> WatchedFiles(const Config& config) {
  std::vector<std::string> files;
  Config copy = config;
  FileCollector collector(files);
  Describe(collector, copy);
  return files;
}

}  // namespace poplar::config
