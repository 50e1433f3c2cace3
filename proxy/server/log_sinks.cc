#include "proxy/server/log_sinks.h"

#include <utility>

#include "proxy/server/journal.h"

namespace poplar::server {
namespace {

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
  const bool burst = message.time - std::exchange(times_[oldest_], message.time) < kBurstTime;
  oldest_ = (oldest_ + 1) % kBurstLines;
  const bool last = queue_.queue_size() == 0;
  if (!last && ++gathered_ < kGatheredLinesMax) return;
  gathered_ = 0;
  for (const spdlog::sink_ptr& sink : all_) sink->flush();
  if (last && burst) pause_(kGatherTime);
}

}  // namespace poplar::server
