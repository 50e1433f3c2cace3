#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poplar::directory {

// A response as far as a directory's answer needs it.
struct HttpResponse {
  HttpResponse() = default;
  ~HttpResponse();
  HttpResponse(const HttpResponse&) = delete;
  HttpResponse& operator=(const HttpResponse&) = delete;

  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  bool keep_alive = false;

  // The first of that name, which is in lower case; empty: none.
  std::string_view Header(std::string_view name) const;
};

// Reads one response out of a stranger's bytes, piece by piece. Bodies are read past.
class HttpResponseReader {
 public:
  static constexpr size_t kHeaderBytesMax = size_t{16} * 1024;
  static constexpr size_t kBodyBytesMax = size_t{64} * 1024;
  static constexpr size_t kHeadersMax = 100;

  enum class Progress : uint8_t { kNeedMore, kDone, kBroken };

  HttpResponseReader();
  ~HttpResponseReader();

  // `bytes`: what came next. What is behind the response makes it kBroken: nobody asked for it.
  Progress Feed(std::string_view bytes);
  // The server has closed the connection, which ends some responses.
  Progress OnEnd();

  // After kDone.
  const HttpResponse& response() const { return response_; }
  // After kBroken.
  const std::string& fault() const { return fault_; }

 private:
  struct Parser;

  Progress Break(std::string fault);
  Progress Parse();
  Progress Finish();

  std::unique_ptr<Parser> parser_;
  std::string pending_;  // what isn't parsed yet
  HttpResponse response_;
  std::string fault_;
};

}  // namespace poplar::directory
