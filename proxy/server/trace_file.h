#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace poplar::server {

// The file of one trace, which only Poplar's user may read. One thread.
class TraceFile {
 public:
  // Its name tells when it was made, the trace's number and its kind, and nothing of whom it is of.
  static tl::expected<TraceFile, std::string> Create(const std::string& directory, uint64_t id,
                                                     std::string_view kind, int64_t unix_micros);

  const std::string& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  // Nothing more is written once it has failed.
  bool failed() const { return failed_; }

  // `line` comes without its line end, and stays in memory until Flush.
  void Write(std::string_view line);
  void Flush();
  // Nothing may be written any more.
  void Close();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  TraceFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  uint64_t bytes_ = 0;
  bool failed_ = false;
};

}  // namespace poplar::server
