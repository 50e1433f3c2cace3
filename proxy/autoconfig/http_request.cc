#include "proxy/autoconfig/http_request.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/secret.h"

namespace poplar::autoconfig {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

constexpr std::string_view kHeaderEnd = "\r\n\r\n";

std::string_view TextOf(boost::beast::string_view view) { return {view.data(), view.size()}; }

HttpRequest::Method MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpRequest::Method::kGet;
    case http::verb::head:
      return HttpRequest::Method::kHead;
    case http::verb::post:
      return HttpRequest::Method::kPost;
    default:
      return HttpRequest::Method::kOther;
  }
}

// Beast's parser for the header alone, which it gets whole and in one call: so it is never in one
// of the states between two calls, some of which Beast 1.74 asserts about. It never sees a body
// either; lengths are judged here.
class HeaderParser final : public http::basic_parser<true> {
 public:
  HeaderParser() {
    header_limit(kHeaderBytesMax);
    body_limit(boost::none);
    skip(true);
  }

  http::verb method = http::verb::unknown;
  std::string target;
  bool encoded = false;    // has a Transfer-Encoding
  bool continues = false;  // waits for 100

 private:
  void on_request_impl(http::verb verb, boost::beast::string_view /*text*/,
                       boost::beast::string_view text, int /*version*/,
                       error_code& fault) override {
    fault = {};
    method = verb;
    target = TextOf(text);
  }
  void on_response_impl(int /*code*/, boost::beast::string_view /*reason*/, int /*version*/,
                        error_code& fault) override {
    fault = {};
  }
  void on_field_impl(http::field name, boost::beast::string_view /*text*/,
                     boost::beast::string_view value, error_code& fault) override {
    fault = {};
    if (name == http::field::transfer_encoding) encoded = true;
    if (name == http::field::expect)
      continues = pop3::EqualsIgnoringCase(TextOf(value), "100-continue");
  }
  void on_header_impl(error_code& fault) override { fault = {}; }
  void on_body_init_impl(const boost::optional<uint64_t>& /*length*/, error_code& fault) override {
    fault = {};
  }
  size_t on_body_impl(boost::beast::string_view body, error_code& fault) override {
    fault = {};
    return body.size();
  }
  void on_chunk_header_impl(uint64_t /*size*/, boost::beast::string_view /*extensions*/,
                            error_code& fault) override {
    fault = {};
  }
  size_t on_chunk_body_impl(uint64_t /*rest*/, boost::beast::string_view body,
                            error_code& fault) override {
    fault = {};
    return body.size();
  }
  void on_finish_impl(error_code& fault) override { fault = {}; }
};

// RFC 9112 section 3.2.2: proxies ask by the whole URL.
std::string_view WithoutAuthority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!pop3::EqualsIgnoringCase(target.substr(0, scheme.size()), scheme)) continue;
    const size_t path = target.find('/', scheme.size());
    return path == std::string_view::npos ? "/" : target.substr(path);
  }
  return target;
}

}  // namespace

// All the room at once: what a growing string leaves behind can't be wiped.
HttpRequestReader::HttpRequestReader() { header_.reserve(kHeaderBytesMax); }
HttpRequestReader::~HttpRequestReader() { pop3::Wipe(header_.data(), header_.capacity()); }

HttpRequestReader::Progress HttpRequestReader::Break(int status) {
  refusal_ = status;
  return Progress::kBroken;
}

HttpRequestReader::Progress HttpRequestReader::Feed(std::string_view bytes) {
  if (in_body_) return TakeBody(bytes);
  const size_t seen = header_.size();
  const size_t taken = std::min(bytes.size(), kHeaderBytesMax - seen);
  header_ += bytes.substr(0, taken);
  // TLS, and other protocols that would never come to an end of a header.
  if (!header_.empty() && (header_.front() < 'A' || header_.front() > 'Z')) return Break(400);
  const size_t end = header_.find(kHeaderEnd, seen < kHeaderEnd.size() ? 0 : seen - 3);
  if (end == std::string::npos)
    return header_.size() == kHeaderBytesMax ? Break(431) : Progress::kNeedMore;
  header_.resize(end + kHeaderEnd.size());
  const Progress progress = ParseHeader();
  if (progress != Progress::kNeedMore) return progress;
  return TakeBody(bytes.substr(header_.size() - seen));
}

HttpRequestReader::Progress HttpRequestReader::ParseHeader() {
  HeaderParser parser;
  error_code fault;
  parser.put(boost::asio::const_buffer(header_.data(), header_.size()), fault);
  if (fault || !parser.is_header_done()) return Break(400);
  if (parser.encoded) return Break(411);
  const uint64_t length = parser.content_length().value_or(0);
  if (length > kBodyBytesMax) return Break(413);
  const std::string_view target = WithoutAuthority(parser.target);
  const size_t mark = std::min(target.find('?'), target.size());
  request_.method = MethodOf(parser.method);
  request_.path = target.substr(0, mark);
  request_.query = target.substr(std::min(mark + 1, target.size()));
  body_bytes_ = static_cast<size_t>(length);
  request_.body.reserve(body_bytes_);
  continues_ = parser.continues;
  in_body_ = true;
  return Progress::kNeedMore;
}

HttpRequestReader::Progress HttpRequestReader::TakeBody(std::string_view bytes) {
  request_.body += bytes.substr(0, body_bytes_ - request_.body.size());
  return request_.body.size() == body_bytes_ ? Progress::kDone : Progress::kNeedMore;
}

bool HttpRequestReader::TakeContinue() {
  const bool waits = continues_ && in_body_ && request_.body.empty() && body_bytes_ > 0;
  continues_ = false;
  return waits;
}

}  // namespace poplar::autoconfig
