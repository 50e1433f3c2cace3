#include "proxy/server/log_sinks.h"

#include <utility>

#include "proxy/io/system_clock.h"
#include "proxy/server/journal.h"

namespace poplar::server {
namespace {

// Short beside what a person notices, long beside what a session takes.
constexpr io::Duration kGatherTime = std::chrono::milliseconds(10);
constexpr auto kClose = std::chrono::milliseconds(1);
constexpr size_t kBurstLines = 16;
// Bounds what a stream that never pauses keeps from being written.
constexpr size_t kGatheredLinesMax = 256;

}  // namespace

std::optional<std::string> LogFile::Reopen() {
  try {
    File fresh = Open(path_);
    const std::lock_guard lock(mutex_);
    file_->flush();
    file_ = std::move(fresh);
    return std::nullopt;
  } catch (const spdlog::spdlog_ex& error) {
    return error.what();
  }
}

LogFile::File LogFile::Open(const std::string& path) {
  auto file = std::make_unique<spdlog::details::file_helper>();
  file->open(path);
  return file;
}

void LogFile::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t formatted;
  formatter_->format(message, formatted);
  file_->write(formatted);
}

void StandardSink::sink_it_(const spdlog::details::log_msg& message) {
  formatter_->format(message, lines_);
}

void StandardSink::flush_() {
  // There is nowhere to tell that it failed.
  (void)std::fwrite(lines_.data(), 1, lines_.size(), stream_);
  (void)std::fflush(stream_);
  lines_.clear();
}

void JournalSink::sink_it_(const spdlog::details::log_msg& message) {
  // As above.
  (void)SendToJournal({message.payload.data(), message.payload.size()});
}

void GatheringSink::log(const spdlog::details::log_msg& message) {
  inner_->log(message);
  burst_ = message.time - std::exchange(last_, message.time) < kClose ? burst_ + 1 : 0;
  const bool last = queue_.queue_size() == 0;
  if (!last && ++gathered_ < kGatheredLinesMax) return;
  gathered_ = 0;
  for (const spdlog::sink_ptr& sink : all_) sink->flush();
  if (last && burst_ >= kBurstLines) io::BlockThread(kGatherTime);
}

}  // namespace poplar::server
