#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/autoconfig/limits.h"

namespace poplar::autoconfig {

// A request as far as an answer needs it. Header fields are not kept: some bring passwords.
struct HttpRequest {
  enum class Method : uint8_t { kGet, kHead, kPost, kOther };

  Method method = Method::kOther;
  std::string path;   // percent-encoded, as sent
  std::string query;  // likewise, without the '?'
  std::string body;
};

// Reads one request out of a stranger's bytes, piece by piece.
class HttpRequestReader {
 public:
  enum class Progress : uint8_t { kNeedMore, kDone, kBroken };

  HttpRequestReader();
  ~HttpRequestReader();
  HttpRequestReader(const HttpRequestReader&) = delete;
  HttpRequestReader& operator=(const HttpRequestReader&) = delete;

  // `bytes`: what came next. What is behind the request is passed over: nobody will answer it.
  Progress Feed(std::string_view bytes);

  // True once, where the client waits to be told before it sends the body (Expect: 100-continue).
  bool TakeContinue();

  // After kDone.
  const HttpRequest& request() const { return request_; }
  // After kBroken: the status that says why.
  int refusal() const { return refusal_; }

 private:
  Progress Break(int status);
  Progress ParseHeader();
  Progress TakeBody(std::string_view bytes);

  std::string header_;  // what there is of it so far
  bool in_body_ = false;
  bool continues_ = false;
  size_t body_bytes_ = 0;  // that the client has promised
  HttpRequest request_;
  int refusal_ = 0;
};

}  // namespace poplar::autoconfig
