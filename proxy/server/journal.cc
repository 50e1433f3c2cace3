#include "proxy/server/journal.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

// Without the file, line and function of each call: they would all name this file.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace poplar::server {
namespace {

constexpr const char* kSocket = "/run/systemd/journal/socket";

}  // namespace

tl::expected<void, std::string> FindJournal() {
  if (access(kSocket, W_OK) == 0) return {};
  return tl::unexpected(std::string(kSocket) + ": " + std::strerror(errno) +
                        ". It takes a systemd whose journal runs, and in a container its socket, "
                        "mounted there; or name stdout, stderr or a file");
}

bool SendToJournal(std::string_view fields) {
  std::array<iovec, kJournalFieldsMax> vectors{};
  size_t count = 0;
  while (!fields.empty() && count < vectors.size()) {
    const size_t end = fields.find('\n');
    const std::string_view field = fields.substr(0, end);
    // The journal only reads it.
    vectors[count++] = {const_cast<char*>(field.data()), field.size()};
    fields = end == std::string_view::npos ? std::string_view() : fields.substr(end + 1);
  }
  return sd_journal_sendv(vectors.data(), static_cast<int>(count)) == 0;
}

}  // namespace poplar::server
