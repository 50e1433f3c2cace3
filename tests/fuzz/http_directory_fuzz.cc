#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/directory/http_answer.h"
#include "proxy/directory/http_message.h"

// A server's bytes, at once and one by one: the same comes of both, within the bounds.
namespace {

using poplar::directory::Answer;
using poplar::directory::HttpResponseReader;
using Progress = HttpResponseReader::Progress;

void Require(bool holds) {
  if (!holds) std::abort();
}

Progress Read(HttpResponseReader& reader, std::string_view bytes, size_t piece) {
  Progress progress = Progress::kNeedMore;
  for (size_t at = 0; at < bytes.size() && progress == Progress::kNeedMore; at += piece) {
    progress = reader.Feed(bytes.substr(at, piece));
    // Where one piece ends with the response, another has more behind it.
    if (progress == Progress::kDone && at + piece < bytes.size()) return Progress::kBroken;
  }
  return progress == Progress::kNeedMore ? reader.OnEnd() : progress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HttpResponseReader whole;
  HttpResponseReader bytewise;
  const Progress progress = Read(whole, input, size + 1);
  Require(progress == Read(bytewise, input, 1));
  if (progress != Progress::kDone) return 0;
  Require(whole.response().headers == bytewise.response().headers);
  Require(whole.response().headers.size() <= HttpResponseReader::kHeadersMax);
  const Answer answer = poplar::directory::ToAnswer(whole.response());
  if (answer.kind == Answer::Kind::kRefused) {
    for (const char c : answer.text) Require(c >= 0x20 && c < 0x7f);
    Require(answer.text.size() < 500);
  }
  return 0;
}
