#pragma once

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

namespace poplar::bench {

// A line in a file for each message that a session was to fetch: "SECONDS MILLISECONDS" for one
// that came (when, since the journal's begin, and how long it took), "SECONDS lost" for one that
// its session failed to fetch.
class MessageJournal {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Null, and says why on standard error: the file can't be written.
  static std::unique_ptr<MessageJournal> Create(const std::string& path, Time begin);

  void Came(Time when, std::chrono::nanoseconds took);
  void Lost(Time when);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  MessageJournal(std::FILE* file, Time begin) : file_(file), begin_(begin) {}
  double Seconds(Time when) const { return std::chrono::duration<double>(when - begin_).count(); }

  std::unique_ptr<std::FILE, Close> file_;
  Time begin_;
};

}  // namespace poplar::bench
