#include "proxy/cli/version.h"

#include <sys/utsname.h>

#include "proxy/io/uring_ring.h"
#include "proxy/tls/library_level.h"

namespace poplar::cli {

std::string Version() { return POPLAR_VERSION; }

std::vector<std::pair<std::string, std::string>> BuildFacts() {
  return {{"version", POPLAR_VERSION},
          {"compiler", __VERSION__},
          {"boringssl", tls::LibraryLevel()},
          {"liburing", POPLAR_LIBURING_VERSION}};
}

void PrintVersion(std::ostream& out) {
  out << "poplar " << POPLAR_VERSION << "\n";
  for (const auto& [name, value] : BuildFacts()) {
    if (name != "version") out << "  " << name << ": " << value << "\n";
  }
  utsname kernel{};
  uname(&kernel);
  out << "  kernel: " << kernel.sysname << " " << kernel.release << "\n";
  const auto ring = io::CreateRing(64);
  out << "  io_uring: " << (ring ? ring->features.Text() : ring.error().text) << "\n";
  out << "  epoll: " << (ring ? "available" : "available, and taken instead") << "\n";
}

}  // namespace poplar::cli
