#include "proxy/config/manual_page.h"

#include <utility>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/documented_scalar.h"
#include "proxy/config/field_text.h"
#include "proxy/config/override.h"
#include "proxy/config/roff.h"

namespace poplar::config {
namespace {

constexpr std::string_view kHead = R"(.SH NAME
poplar.yaml \- configuration of the POP3 proxy poplar
.SH SYNOPSIS
.I /etc/poplar/poplar.yaml
.SH DESCRIPTION
One YAML file says all: where clients connect, which mail nodes there are, who goes where.
Settings at their defaults may be left out.
Mistakes are reported with their place and with what was expected by
.BR "poplar check" ;
.B poplar config
prints all of what follows as a file to start from.
.PP
Durations are a number and a unit, such as 500ms, 15s, 10m or 24h; sizes likewise, such as 16KiB or 1MiB.
A relative file name is relative to the folder of the configuration file.
In the names below a dot goes one level deeper, and [] is each item of a list.
.SH EXAMPLE
.nf
listeners:
  \- name: pop3s
    address: "[::]:995"
tls:
  certificates:
    \- certificate: /etc/poplar/tls/fullchain.pem
      key: /etc/poplar/tls/key.pem
clusters:
  \- name: mail
    nodes:
      \- name: mail\-1
        address: mail\-1.internal:995
        tls: verify
      \- name: mail\-2
        address: mail\-2.internal:995
        tls: verify
.fi
)";

constexpr std::string_view kTail = R"(.SH FILES
.TP
.I /etc/poplar/poplar.yaml
What is read where the command line names no other file.
.SH SEE ALSO
.BR poplar (1)
)";

// Visitor: the settings of a struct, each under its full path, in the order of the description. Of
// the whole configuration's settings the single ones come first: behind a section's heading they
// would look as if they were part of it.
class PageWriter : public ScalarVisitor<PageWriter> {
 public:
  // `path`: with its last dot. `singles` and `nested` may be one text.
  PageWriter(std::string path, std::string& singles, std::string& nested)
      : path_(std::move(path)), singles_(singles), nested_(nested) {}

  template <class Struct>
  void Write(Struct& value) {
    defaults_ = DefaultsOf<Struct>();
    Describe(*this, value);
  }

  void Put(const Scalar& scalar) {
    Entry(scalar.name, scalar.about.help, NoteOn(scalar, defaults_[next_default_++]), singles_);
  }

  template <class Struct>
  void Section(std::string_view name, Struct& value, const About& about) {
    Nested(name, "", about.help, HasSwitch<Struct> ? "On, off, or the keys below it." : "", value);
  }

  template <class Struct>
  void List(std::string_view name, std::vector<Struct>& /*values*/, const About& about) {
    Struct item;
    Nested(name, "[]", about.help, about.required ? "A list. Required." : "A list. Default: empty.",
           item);
  }

  template <class Struct>
  void Overrides(std::string_view name, Override<Struct>& /*value*/, const About& about) {
    Entry(name, about.help,
          "Any of " + JoinWords(FieldNames<Struct>()) +
              (HasSwitch<Struct> ? ", or only on or off" : "") + ". Default: none.",
          singles_);
  }

 private:
  static void Lines(std::string_view help, std::string_view note, std::string& out) {
    if (!help.empty()) out += RoffLine(help);
    if (!note.empty()) out += ".br\n" + RoffLine(note);
  }

  void Entry(std::string_view name, std::string_view help, std::string_view note,
             std::string& out) const {
    out.append(".TP\n.B ").append(RoffText(path_)).append(RoffText(name)) += '\n';
    Lines(help, note, out);
  }

  template <class Struct>
  void Nested(std::string_view name, std::string_view brackets, std::string_view help,
              std::string_view note, Struct& value) {
    if (path_.empty()) {
      nested_.append(".SS ").append(RoffText(name)) += '\n';
      Lines(help, note, nested_);
    } else {
      Entry(name, help, note, nested_);
    }
    std::string path = path_;
    path.append(name).append(brackets) += '.';
    PageWriter(std::move(path), nested_, nested_).Write(value);
  }

  std::string path_;
  std::string& singles_;
  std::string& nested_;
  std::vector<std::string> defaults_;
  size_t next_default_ = 0;
};

}  // namespace

std::string ManualPage(std::string_view version) {
  Config config;
  std::string singles;
  std::string sections;
  PageWriter("", singles, sections).Write(config);
  std::string page = ".TH poplar.yaml 5 \"\" \"Poplar ";
  page.append(version).append("\" \"Poplar\"\n").append(kHead);
  page.append(".SH SETTINGS\n").append(singles).append(sections).append(kTail);
  return page;
}

}  // namespace poplar::config
