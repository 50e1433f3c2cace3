#include "proxy/config/print.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/config/documented_scalar.h"
#include "proxy/config/field.h"
#include "proxy/config/override.h"

namespace poplar::config {
namespace {

constexpr size_t kCommentColumns = 100;

// Visitor: one element into each empty list that must not be empty, the examples into the texts
// that have one.
class ExampleFiller {
 public:
  void Text(std::string_view /*name*/, std::string& value, const About& about) {
    if (value.empty()) value = about.example;
  }
  void Path(std::string_view name, std::string& value, const About& about) {
    Text(name, value, about);
  }
  template <class Struct>
  void Section(std::string_view /*name*/, Struct& value, const About& /*about*/) {
    Describe(*this, value);
  }
  template <class Struct>
  void List(std::string_view /*name*/, std::vector<Struct>& values, const About& about) {
    if (about.required || about.in_example) values.resize(std::max<size_t>(values.size(), 1));
    for (Struct& value : values) Describe(*this, value);
  }
  template <class Struct>
  void Overrides(std::string_view /*name*/, Override<Struct>& /*value*/, const About& /*about*/) {}
  void Texts(std::string_view /*name*/, std::vector<std::string>& /*values*/,
             const About& /*about*/) {}
  void Flag(std::string_view /*name*/, bool& /*value*/, const About& /*about*/) {}
  void Integer(std::string_view /*name*/, int& /*v*/, const Bounds<int>& /*b*/,
               const About& /*a*/) {}
  void Time(std::string_view /*name*/, Duration& /*v*/, const Bounds<Duration>& /*b*/,
            const About& /*a*/) {}
  void Bytes(std::string_view /*name*/, Size& /*v*/, const Bounds<Size>& /*b*/,
             const About& /*a*/) {}
  void Percentage(std::string_view /*name*/, Percent& /*value*/, const About& /*about*/) {}
  template <class Enum, size_t kCount>
  void Choice(std::string_view /*n*/, Enum& /*v*/, const ChoiceName<Enum> (& /*names*/)[kCount],
              const About& /*a*/) {}
};

// Visitor: of an override, the lines of what it gives; their help stands in the global section.
class OverridePrinter : public ScalarVisitor<OverridePrinter> {
 public:
  OverridePrinter(std::string indent, uint32_t given, std::string& out)
      : indent_(std::move(indent)), given_(given), out_(out) {}

  void Put(const Scalar& scalar) {
    const bool is_given = (given_ >> index_++ & 1) != 0;
    if (is_given) out_.append(indent_).append(scalar.name).append(": ").append(scalar.yaml) += '\n';
  }

 private:
  std::string indent_;
  uint32_t given_;
  std::string& out_;
  size_t index_ = 0;
};

// Visitor: writes one struct's lines, indented.
class Printer : public ScalarVisitor<Printer> {
 public:
  // first_prefix stands before the first key instead of the indentation: "  - " for a list's item.
  Printer(std::string indent, std::string first_prefix, std::string& out,
          size_t columns = kCommentColumns)
      : indent_(std::move(indent)),
        prefix_(std::move(first_prefix)),
        out_(out),
        columns_(columns) {}

  template <class Struct>
  void PrintStruct(Struct& value) {
    defaults_ = DefaultsOf<Struct>();
    Describe(*this, value);
  }

  void Put(const Scalar& scalar) {
    Comment(scalar.about.help);
    Comment(NoteOn(scalar, defaults_[next_default_++]));
    Key(scalar.name, " " + scalar.yaml);
  }

  template <class Struct>
  void Section(std::string_view name, Struct& value, const About& about) {
    Comment(std::string(about.help) + Liveness(about));
    if constexpr (HasSwitch<Struct>) Comment("On, off, or the keys below it.");
    Key(name, "");
    const std::string indent = indent_ + "  ";
    Printer(indent, indent, out_, columns_).PrintStruct(value);
  }

  template <class Struct>
  void List(std::string_view name, std::vector<Struct>& values, const About& about) {
    Comment(about.help);
    Comment((about.required ? "A list. Required." : "A list. Default: empty.") + Liveness(about));
    Key(name, values.empty() ? " []" : "");
    for (Struct& value : values)
      Printer(indent_ + "    ", indent_ + "  - ", out_, columns_).PrintStruct(value);
    if (values.empty() && !about.required) PrintExampleItem<Struct>();
  }

  template <class Struct>
  void Overrides(std::string_view name, Override<Struct>& value, const About& about) {
    Comment(about.help);
    Comment("Any of " + JoinWords(FieldNames<Struct>()) +
            (HasSwitch<Struct> ? ", or only on or off" : "") + ". Default: none.");
    if (value.empty()) {
      // As a comment: an empty section would look as if it set something.
      out_.append(indent_).append("# ").append(name) += ": {}\n";
      in_comment_ = false;
      return;
    }
    Key(name, "");
    OverridePrinter printer(indent_ + "  ", value.given, out_);
    Describe(printer, value.values);
  }

 private:
  // What an item would look like, as comments: the list stays empty.
  template <class Struct>
  void PrintExampleItem() {
    constexpr std::string_view kMark = "# ";
    Struct example;
    ExampleFiller filler;
    Describe(filler, example);
    std::string lines;
    Printer(indent_ + "    ", indent_ + "  - ", lines, columns_ - kMark.size())
        .PrintStruct(example);
    for (std::string_view rest = lines; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      out_ += line.empty() ? "#" : kMark;
      out_.append(line) += '\n';
    }
  }

  // A blank line, the comment's lines; the key follows.
  void Comment(std::string_view text) {
    // Above an item's dash rather than behind it.
    const std::string start = prefix_.substr(0, prefix_.find('-')) + "# ";
    if (!in_comment_ && !out_.ends_with(":\n")) out_ += '\n';
    in_comment_ = true;
    while (!text.empty()) {
      const size_t room = columns_ - start.size();
      size_t end = text.size() <= room ? text.size() : text.rfind(' ', room);
      if (end == std::string_view::npos) end = text.size();
      out_.append(start).append(text.substr(0, end)) += '\n';
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void Key(std::string_view name, std::string_view value) {
    out_.append(prefix_).append(name).append(":").append(value) += '\n';
    prefix_ = indent_;
    in_comment_ = false;
  }

  std::string indent_;
  std::string prefix_;
  std::string& out_;
  size_t columns_;
  bool in_comment_ = false;
  std::vector<std::string> defaults_;
  size_t next_default_ = 0;
};

}  // namespace

Config ExampleConfig() {
  Config config;
  ExampleFiller filler;
  Describe(filler, config);
  return config;
}

std::string Print(const Config& config) {
  std::string out =
      "# Poplar's configuration: every setting, its meaning and its default.\n"
      "# Settings at their defaults may be left out. Check a file with: poplar check --config "
      "FILE\n"
      "# A running Poplar takes changes with: poplar reload; those marked (restart) at its next "
      "start.\n"
      "# ${file:PATH}, ${env:NAME} and ${credential:NAME} stand for what is there; $${ for ${ "
      "itself.\n";
  Config copy = config;  // the descriptions want something they could write to
  Printer("", "", out).PrintStruct(copy);
  return out;
}

}  // namespace poplar::config
