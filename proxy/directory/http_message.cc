#include "proxy/directory/http_message.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <iterator>
#include <memory>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/secret.h"

namespace poplar::directory {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

// Of headers that are not whole yet: a little more than they may have, and never any more, since
// what a growing string leaves behind can't be wiped.
constexpr size_t kPendingBytesMax = HttpResponseReader::kHeaderBytesMax + 1024;

// What a chunked body that isn't over still has to bring at least: "0 CRLF CRLF". Beast asserts
// that it never sees less of the last chunk on a second look.
constexpr size_t kChunkedRestBytesMin = 5;

// Headers may hold a password.
template <class T>
struct WipingAllocator : std::allocator<T> {
  using value_type = T;
  template <class U>
  struct rebind {
    using other = WipingAllocator<U>;
  };
  WipingAllocator() = default;
  template <class U>
  explicit WipingAllocator(const WipingAllocator<U>& /*other*/) {}

  void deallocate(T* data, size_t count) {
    pop3::Wipe(data, count * sizeof(T));
    std::allocator<T>::deallocate(data, count);
  }
};

// A body is counted and forgotten. The limit is kept here as well: of a response whose first body
// bytes come together with its headers, Beast 1.74 forgets that it had found the length too large.
struct ForgottenBody {
  using value_type = size_t;  // bytes so far

  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(http::header<kRequest, Fields>& /*header*/, value_type& size) : size_(size) {}

    void init(const boost::optional<uint64_t>& length, error_code& fault) {
      fault = {};
      if (length && *length > HttpResponseReader::kBodyBytesMax) fault = http::error::body_limit;
    }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& fault) {
      const size_t more = boost::asio::buffer_size(buffers);
      fault = {};
      if (more > HttpResponseReader::kBodyBytesMax - size_) {
        fault = http::error::body_limit;
        return 0;
      }
      size_ += more;
      return more;
    }
    void finish(error_code& fault) { fault = {}; }

   private:
    size_t& size_;
  };
};

std::string_view TextOf(boost::beast::string_view view) { return {view.data(), view.size()}; }

}  // namespace

HttpResponse::~HttpResponse() {
  for (auto& header : headers) pop3::Wipe(header.second.data(), header.second.size());
}

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct HttpResponseReader::Parser {
  Parser() {
    message.eager(true);
    message.header_limit(kHeaderBytesMax);
    message.body_limit(kBodyBytesMax);
  }
  http::response_parser<ForgottenBody, WipingAllocator<char>> message;
};

HttpResponseReader::HttpResponseReader() : parser_(std::make_unique<Parser>()) {
  pending_.reserve(kPendingBytesMax);
}
HttpResponseReader::~HttpResponseReader() { pop3::Wipe(pending_.data(), pending_.capacity()); }

HttpResponseReader::Progress HttpResponseReader::Break(std::string fault) {
  fault_ = std::move(fault);
  return Progress::kBroken;
}

HttpResponseReader::Progress HttpResponseReader::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t room = kPendingBytesMax - pending_.size();
    if (room == 0) return Break("headers without an end");
    pending_ += bytes.substr(0, room);
    bytes.remove_prefix(std::min(room, bytes.size()));
    const Progress progress = Parse();
    if (progress == Progress::kDone && !bytes.empty()) return Break("more than was asked for");
    if (progress != Progress::kNeedMore) return progress;
  }
  return Progress::kNeedMore;
}

HttpResponseReader::Progress HttpResponseReader::Parse() {
  while (!pending_.empty()) {
    const bool in_chunks = parser_->message.is_header_done() && parser_->message.chunked();
    if (in_chunks && pending_.size() < kChunkedRestBytesMin) return Progress::kNeedMore;
    error_code fault;
    const size_t taken =
        parser_->message.put(boost::asio::const_buffer(pending_.data(), pending_.size()), fault);
    pending_.erase(0, taken);
    if (fault == http::error::need_more) return Progress::kNeedMore;
    if (fault) return Break(fault.message());
    if (!parser_->message.is_done()) {
      if (taken == 0) return Progress::kNeedMore;
      continue;
    }
    // 1xx: the response proper is still to come.
    if (parser_->message.get().result_int() / 100 == 1) {
      parser_ = std::make_unique<Parser>();
      continue;
    }
    return pending_.empty() ? Finish() : Break("more than was asked for");
  }
  return Progress::kNeedMore;
}

HttpResponseReader::Progress HttpResponseReader::OnEnd() {
  error_code fault;
  if (!parser_->message.got_some()) return Break("the connection was closed without an answer");
  parser_->message.put_eof(fault);
  if (fault) return Break(fault.message());
  return Finish();
}

HttpResponseReader::Progress HttpResponseReader::Finish() {
  const auto& message = parser_->message.get();
  response_.status = static_cast<int>(message.result_int());
  response_.keep_alive = parser_->message.keep_alive();
  const auto count = std::distance(message.begin(), message.end());
  if (count > static_cast<ptrdiff_t>(kHeadersMax)) return Break("too many headers");
  // At once, and each value where it stays: a short string that moves leaves its bytes behind.
  response_.headers.reserve(static_cast<size_t>(count));
  for (const auto& field : message) {
    std::string name(TextOf(field.name_string()));
    std::transform(name.begin(), name.end(), name.begin(), pop3::ToLower);
    response_.headers.emplace_back(std::move(name), TextOf(field.value()));
  }
  return Progress::kDone;
}

}  // namespace poplar::directory
