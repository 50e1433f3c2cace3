#include "proxy/cli/manual_page.h"

#include <algorithm>

#include "proxy/config/roff.h"

namespace poplar::cli {
namespace {

using config::RoffLine;
using config::RoffText;

constexpr std::string_view kDescription = R"(.SH DESCRIPTION
Poplar stands in front of mail nodes that speak POP3 (RFC 1939).
It ends TLS, learns who the user is, and carries the session to that user's own node, chosen by weighted rendezvous hashing.
Nodes are probed; users of a node that fails move only where nodes share their storage.
.PP
.B poplar demo
shows all of it and needs nothing.
.B poplar serve
runs by a configuration,
.BR poplar.yaml (5);
the commands that ask or tell the running Poplar find it by the same file, at
.IR admin.address .
)";

constexpr std::string_view kRest = R"(.SH SIGNALS
Of
.BR "poplar serve" :
.TP
.B SIGTERM, SIGINT
No new connections; sessions may go on for a while, then each ends at its next command boundary.
A second one ends all of them at once.
.TP
.B SIGHUP
Log files are opened anew, and the configuration is taken anew, as by
.BR "poplar reload" ;
the log says what came of it.
.TP
.B SIGUSR2
A new process takes over, as by
.BR "poplar upgrade" .
.SH EXIT STATUS
0 where all went well, 1 where not, 2 for a wrong command line; each command says more.
.SH ENVIRONMENT
.TP
.B NO_COLOR
If set, nothing is printed in color.
.SH FILES
.TP
.I /etc/poplar/poplar.yaml
The configuration, unless
.B \-\-config
names another.
.SH EXAMPLES
.nf
poplar check \-\-config poplar.yaml
poplar route anna@example.org
poplar drain mail/mail\-1
poplar trace \-\-user anna@example.org \-\-for 15m
.fi
.SH SEE ALSO
.BR poplar.yaml (5),
.BR systemctl (1)
)";

// Its lines as paragraphs to be filled; lines that begin with blanks, and those of tables, as they
// are.
std::string Footer(std::string_view footer) {
  std::string out;
  bool literal = false;
  bool first = true;
  while (!footer.empty()) {
    const size_t end = std::min(footer.find('\n'), footer.size());
    const std::string_view line = footer.substr(0, end);
    footer.remove_prefix(std::min(end + 1, footer.size()));
    const bool indented = line.starts_with("  ");
    if (first) out += ".PP\n";
    if (indented != literal) out += indented ? ".nf\n" : ".fi\n";
    if (line.starts_with("Exit ") && !first) out += ".PP\n";
    literal = indented;
    first = false;
    out += RoffLine(line);
  }
  return literal ? out + ".fi\n" : out;
}

std::string Heading(const OptionTree& option) {
  if (option.positional()) return ".I " + RoffText(option.label) + "\n";
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + name;
  std::string values;
  for (const std::string& choice : option.choices) values += (values.empty() ? "" : "|") + choice;
  if (!option.takes_value) return ".B " + RoffText(names) + "\n";
  if (values.empty()) values = "VALUE";
  return ".BI \"" + RoffText(names) + " \" \"" + RoffText(values) + "\"\n";
}

std::string Option(const OptionTree& option) {
  std::string out = ".TP\n" + Heading(option);
  std::string text = option.description;
  if (!option.positional() && option.required) text += ". Required";
  if (!option.initial.empty()) text += ". Default: " + option.initial;
  return out + RoffLine(text.empty() ? "." : text + ".");
}

// "poplar route [OPTIONS] USER", without what each command has.
std::string Synopsis(std::string_view path, const CommandTree& command) {
  std::string out = ".B " + RoffText(path) + "\n";
  if (std::ranges::any_of(command.options, [](const OptionTree& o) { return !o.positional(); }))
    out += "[OPTIONS]\n";
  for (const OptionTree& option : command.options) {
    if (option.positional()) out += ".I " + RoffText(option.label) + "\n";
  }
  return out;
}

}  // namespace

std::string ManualPage(const CommandTree& program, std::string_view version) {
  std::string synopsis;
  std::string commands;
  ForEachCommand(program, [&](std::string_view path, const CommandTree& command) {
    const bool leaf = command.commands.empty();
    if (leaf) synopsis += (synopsis.empty() ? "" : ".br\n") + Synopsis(path, command);
    if (&command == &program) return;
    commands.append(".SS ").append(RoffText(path)) += '\n';
    commands += RoffLine(command.description + ".");
    for (const OptionTree& option : command.options) {
      const bool help = std::ranges::find(option.names, "--help") != option.names.end();
      if (!help) commands += Option(option);
    }
    commands += Footer(command.footer);
  });
  std::string page = ".TH poplar 1 \"\" \"Poplar ";
  page.append(version).append("\" \"Poplar\"\n");
  page.append(".SH NAME\npoplar \\- a POP3 proxy and load balancer\n");
  page.append(".SH SYNOPSIS\n").append(synopsis).append(kDescription).append(".SH OPTIONS\n");
  for (const OptionTree& option : program.options) page += Option(option);
  return page.append(".SH COMMANDS\n").append(commands).append(kRest);
}

}  // namespace poplar::cli
