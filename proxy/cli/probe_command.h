#pragma once

#include <ostream>
#include <string>

namespace poplar::cli {

// As the command line has them; RunProbe says what is wrong with them.
struct ProbeCommand {
  std::string target;  // HOST[:PORT]; empty: the two below
  std::string via;     // HOST[:PORT] of what is in front of the node
  std::string direct;  // HOST[:PORT] of the node
  std::string user;

  std::string password_file;  // "-": standard input
  std::string token_file;     // likewise
  bool xoauth2 = false;       // rather than OAUTHBEARER, where the server has both

  bool stls = false;
  bool plain = false;
  bool insecure = false;
  std::string ca_file;  // empty: the system's
  std::string server_name;
  // Of the direct one, where it is reached in another way.
  bool direct_tls = false;
  bool direct_stls = false;
  bool direct_plain = false;
  std::string direct_ca_file;
  std::string direct_server_name;

  std::string message = "smallest";  // or newest, none
  std::string message_bytes = "1MiB";
  std::string timeout = "20s";
  std::string warning = "5s";
  std::string critical;  // empty: never
  int certificate_days = 21;
  std::string name_server;  // empty: the system's

  bool json = false;
  bool nagios = false;
  bool ascii = false;
};

// `poplar probe`: tries a mail account step by step, as a mail client would, at any POP3 server;
// needs no Poplar. Asks for the password at the terminal where no file is named; reads it from
// standard input where that is no terminal. Returns the exit status as monitoring plug-ins have it:
// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN (it couldn't be tried).
int RunProbe(const ProbeCommand& command, std::ostream& out, std::ostream& err);

}  // namespace poplar::cli
