#include <iostream>
#include <memory>

#include "proxy/cli/command_line.h"
#include "proxy/cli/probe_command.h"

namespace poplar::cli {
namespace {

void AddWays(CLI::App& probe, ProbeCommand& options) {
  auto* stls = probe.add_flag("--stls", options.stls, "Begin TLS with STLS (port 110)");
  probe.add_flag("--plain", options.plain, "No TLS: everybody on the way can read the password")
      ->excludes(stls);
  probe.add_option("--ca", options.ca_file,
                   "PEM file of the authorities to trust; left out, the system's");
  probe.add_option("--server-name", options.server_name,
                   "The name that the certificate must bear; left out, HOST's");
  probe.add_flag("--insecure", options.insecure,
                 "Go on whatever the certificate is; says what is wrong and ends as WARNING");
  probe.add_option("--via", options.via,
                   "With --direct: the same account through Poplar, at HOST[:PORT] ...");
  probe.add_option("--direct", options.direct, "... and at the node itself, side by side");
  auto* direct_tls = probe.add_flag("--direct-tls", options.direct_tls,
                                    "The node speaks TLS, whatever --via does");
  auto* direct_stls =
      probe.add_flag("--direct-stls", options.direct_stls, "... STLS")->excludes(direct_tls);
  probe.add_flag("--direct-plain", options.direct_plain, "... neither")
      ->excludes(direct_tls)
      ->excludes(direct_stls);
  probe.add_option("--direct-ca", options.direct_ca_file, "--ca of the node");
  probe.add_option("--direct-server-name", options.direct_server_name, "--server-name of the node");
}

void AddLimits(CLI::App& probe, ProbeCommand& options) {
  probe.add_option("--message", options.message, "Which message to read")
      ->check(CLI::IsMember({"smallest", "newest", "none"}))
      ->capture_default_str();
  probe.add_option("--message-bytes", options.message_bytes, "... and how large at most")
      ->capture_default_str();
  probe.add_option("--timeout", options.timeout, "Of the whole")->capture_default_str();
  probe.add_option("--warning", options.warning, "WARNING if it takes longer than this")
      ->capture_default_str();
  probe.add_option("--critical", options.critical, "CRITICAL if it takes longer than this");
  probe
      .add_option("--certificate-days", options.certificate_days,
                  "WARNING if the certificate is good for less")
      ->capture_default_str();
  probe.add_option("--name-server", options.name_server,
                   "ADDRESS[:PORT] to ask instead of the system's");
  auto* json = probe.add_flag("--json", options.json, "One JSON object");
  probe
      .add_flag("--nagios", options.nagios, "One line with performance data, for Nagios and Icinga")
      ->excludes(json);
  probe.add_flag("--ascii", options.ascii, "No ticks and crosses");
}

}  // namespace

void AddProbeCommand(CommandLine& line) {
  auto options = std::make_shared<ProbeCommand>();
  CLI::App* probe =
      line.app().add_subcommand("probe", "Try a mail account step by step, and say what is wrong");
  probe->add_option("HOST", options->target,
                    "HOST or HOST:PORT. Without a port a domain's SRV record says where its mail "
                    "server is; else 995, or 110 with --stls or --plain");
  probe->add_option("-u,--user", options->user, "The account's login name")->required();
  auto* password = probe->add_option("--password-file", options->password_file,
                                     "Its password: the first line of this file; -: standard "
                                     "input. Left out, it is asked for at the terminal");
  probe->add_option("--token-file", options->token_file, "An OAuth access token instead, likewise")
      ->excludes(password);
  probe->add_flag("--xoauth2", options->xoauth2,
                  "Send the token by XOAUTH2 where the server has OAUTHBEARER too");
  AddWays(*probe, *options);
  AddLimits(*probe, *options);
  probe->footer(
      "Resolves the name, connects, speaks TLS, looks at the certificate, logs in, and reads: "
      "STAT,\n"
      "LIST, UIDL and one message. It deletes nothing; as with every client the server may mark "
      "the\n"
      "message as read (--message none leaves it alone). Each step is timed, and a failed one is\n"
      "explained. Works with any POP3 server.\n"
      "  poplar probe example.org -u anna@example.org\n"
      "  poplar probe --via mail.example.org --direct node1:110 --direct-plain -u anna\n"
      "Exit 0: OK; 1: WARNING, such as a certificate that expires soon; 2: CRITICAL; 3: UNKNOWN, "
      "it\n"
      "couldn't be tried.");
  line.OnChosen(probe, [options] { return RunProbe(*options, std::cout, std::cerr); });
  // To monitoring 2 would be CRITICAL, and 3 is UNKNOWN.
  line.OnWrong(probe, 3);
}

}  // namespace poplar::cli
