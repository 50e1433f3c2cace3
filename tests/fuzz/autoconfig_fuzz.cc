#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/autoconfig/answer.h"
#include "proxy/autoconfig/autodiscover_request.h"

// A client's bytes, at once and one by one: the same request comes of both, within the bounds, and
// the answer to it has nothing of the client's in it but a fit address.
namespace {

namespace autoconfig = poplar::autoconfig;
using autoconfig::HttpRequest;
using autoconfig::HttpRequestReader;
using Progress = HttpRequestReader::Progress;

void Require(bool holds) {
  if (!holds) std::abort();
}

Progress Read(HttpRequestReader& reader, std::string_view bytes, size_t piece) {
  Progress progress = Progress::kNeedMore;
  for (size_t at = 0; at < bytes.size() && progress == Progress::kNeedMore; at += piece) {
    progress = reader.Feed(bytes.substr(at, piece));
    reader.TakeContinue();
  }
  return progress;
}

const autoconfig::MailService& Service() {
  static const autoconfig::MailService service = [] {
    autoconfig::MailService made;
    made.domains = {"example.org"};
    made.display_name = "Mail";
    made.server = "pop.example.org";
    made.has_https = true;
    made.incoming = {{.host = "pop.example.org", .port = 995}};
    made.outgoing = {{.host = "smtp.example.org", .port = 465}};
    return made;
  }();
  return service;
}

// Characters that would end a text or an attribute.
void RequireFit(const std::string& address) {
  for (const char c : address) {
    Require(c > 0x20 && c < 0x7f);
    Require(c != '<' && c != '>' && c != '"');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  HttpRequestReader whole;
  HttpRequestReader bytewise;
  const Progress progress = Read(whole, input, size + 1);
  Require(progress == Read(bytewise, input, 1));
  if (progress == Progress::kBroken) Require(whole.refusal() == bytewise.refusal());
  if (progress != Progress::kDone) return 0;
  const HttpRequest& request = whole.request();
  Require(request.method == bytewise.request().method && request.path == bytewise.request().path &&
          request.query == bytewise.request().query && request.body == bytewise.request().body);
  Require(request.path.size() + request.query.size() <= autoconfig::kHeaderBytesMax);
  Require(request.body.size() <= autoconfig::kBodyBytesMax);
  if (const auto address = autoconfig::ReadAutodiscoverRequest(request.body))
    RequireFit(address->Text());
  for (const bool secure : {false, true}) {
    const autoconfig::Answer answer = autoconfig::AnswerTo(Service(), request, secure, 0);
    const std::string text = Serialize(answer.response, true, 0);
    Require(text.size() < 16 * 1024);
    Require(text.find("\r\n\r\n") + 4 + answer.response.body.size() == text.size());
  }
  return 0;
}
