#include "proxy/server/trace_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "proxy/server/session_line.h"

namespace poplar::server {
namespace {

// "20261129T065404Z"
std::string CompactTime(int64_t unix_micros) {
  std::string time = UtcTime(unix_micros);
  time.resize(time.find('.'));
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return time + "Z";
}

}  // namespace

tl::expected<TraceFile, std::string> TraceFile::Create(const std::string& directory, uint64_t id,
                                                       std::string_view kind, int64_t unix_micros) {
  std::string path = directory + "/trace-" + CompactTime(unix_micros) + "-" + std::to_string(id) +
                     "-" + std::string(kind) + ".log";
  const int descriptor =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  std::FILE* const file = descriptor < 0 ? nullptr : fdopen(descriptor, "w");
  if (file != nullptr) return TraceFile(std::move(path), file);
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  return tl::unexpected(path + ": " + std::generic_category().message(error));
}

void TraceFile::Write(std::string_view line) {
  if (failed_) return;
  failed_ = std::fwrite(line.data(), 1, line.size(), file_.get()) < line.size() ||
            std::fputc('\n', file_.get()) == EOF;
  bytes_ += line.size() + 1;
}

void TraceFile::Flush() {
  if (!failed_) failed_ = std::fflush(file_.get()) != 0;
}

void TraceFile::Close() {
  Flush();
  file_.reset();
}

}  // namespace poplar::server
