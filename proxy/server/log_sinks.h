#pragma once

#include <spdlog/async.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "proxy/io/clock.h"

namespace poplar::server {

// A file that lines are appended to, and that can be opened anew under its name when something
// (logrotate) has moved it away. Any thread.
class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // Throws spdlog_ex where it can't be opened.
  explicit LogFile(std::string path) : path_(std::move(path)), file_(Open(path_)) {}

  // The error says why it can't be opened; then all goes on into the old one.
  std::optional<std::string> Reopen();

 private:
  using File = std::unique_ptr<spdlog::details::file_helper>;
  static File Open(const std::string& path);
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override { file_->flush(); }

  const std::string path_;
  File file_;
};

// stdout or stderr.
class StandardSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit StandardSink(std::FILE* stream) : stream_(stream) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;

  std::FILE* const stream_;
  spdlog::memory_buf_t lines_;
};

// Lines that StructuredLine has written for it.
class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}
};

// Under load lines are written together: to wake the log's thread for each one, and to write it,
// would take a core more than the line itself. Where the last kBurstLines came within kBurstTime,
// those of the next kGatherTime wait; else a line is written at once.
class GatheringSink final : public spdlog::sinks::sink {
 public:
  static constexpr size_t kBurstLines = 16;
  // By the average: single gaps are wide at any rate.
  static constexpr auto kBurstTime = kBurstLines * std::chrono::milliseconds(4);
  // Short beside what a person notices, long beside what a session takes.
  static constexpr io::Duration kGatherTime = std::chrono::milliseconds(10);

  using Pause = std::function<void(io::Duration)>;

  // `queue`: what brings the lines; it is alive as long as it brings any.
  GatheringSink(spdlog::details::thread_pool& queue, std::vector<spdlog::sink_ptr>& all,
                spdlog::sink_ptr inner, Pause pause)
      : queue_(queue), all_(all), inner_(std::move(inner)), pause_(std::move(pause)) {}

  void log(const spdlog::details::log_msg& message) override;
  void flush() override { inner_->flush(); }
  void set_pattern(const std::string& pattern) override { inner_->set_pattern(pattern); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    inner_->set_formatter(std::move(formatter));
  }

 private:
  spdlog::details::thread_pool& queue_;
  std::vector<spdlog::sink_ptr>& all_;  // of this queue: any may have lines that aren't written yet
  const spdlog::sink_ptr inner_;
  const Pause pause_;
  size_t gathered_ = 0;
  std::array<spdlog::log_clock::time_point, kBurstLines> times_{};  // of the last lines
  size_t oldest_ = 0;
};

}  // namespace poplar::server
