#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::io {

struct ResolverOptions {
  // "192.0.2.53", "192.0.2.53:5353", "2001:db8::53" or "[2001:db8::53]:5353". Names are then
  // absolute, and nothing but these is asked. None: as every program does, by `hosts_file` and
  // `resolv_conf` with its search list; what changes in them is seen.
  std::vector<std::string> name_servers;
  std::string hosts_file = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";
  uint16_t default_port = 53;  // of name servers that say none
  // Each server is asked `tries` times; it has so long to answer, each further time twice as long.
  Duration timeout = std::chrono::seconds(2);
  int tries = 2;
  Duration patience = std::chrono::seconds(15);  // for a question in all
};

}  // namespace poplar::io
