#include "proxy/autoconfig/visit.h"

#include <string>
#include <string_view>

#include "proxy/autoconfig/http_request.h"
#include "proxy/autoconfig/limits.h"
#include "proxy/io/deadline.h"
#include "proxy/io/socket_stream.h"

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

Visit::Visit(io::Proactor& proactor, std::shared_ptr<const Service> service, Observer& observer,
             const io::Accepted& accepted, bool secure, Place place)
    : proactor_(proactor),
      service_(std::move(service)),
      observer_(observer),
      client_(accepted.peer),
      secure_(secure),
      place_(std::move(place)),
      stream_(std::make_unique<io::SocketStream>(proactor, accepted.socket)) {
  if (!secure) return;
  auto secured = std::make_unique<tls::TlsStream>(
      std::move(stream_), service_->tls->NewConnection(), proactor.buffers(), proactor.ready());
  tls_ = secured.get();
  stream_ = std::move(secured);
}

Visit::~Visit() = default;

io::Task<void> Visit::Run() {
  io::Deadline deadline(proactor_, kVisitTime, *stream_);
  Ending ending = co_await Serve();
  if (ending.result == Result::kBroken && gave_way_) ending.result = Result::kRefused;
  if (ending.result == Result::kBroken && deadline.expired()) ending.result = Result::kTimeout;
  observer_.VisitEnded(client_, ending.form, ending.result);
  co_await Leave();
}

io::Task<Visit::Ending> Visit::Serve() {
  if (tls_ != nullptr) {
    const io::Result<> secured = co_await tls_->Handshake();
    if (!secured) co_return Ending{};
  }
  HttpRequestReader reader;
  auto progress = HttpRequestReader::Progress::kNeedMore;
  while (progress == HttpRequestReader::Progress::kNeedMore) {
    io::Result<io::Buffer> more = co_await stream_->Read();
    if (!more || more->empty()) co_return Ending{};
    progress = reader.Feed(more->bytes());
    more->WipeAndRelease();  // Outlook and Thunderbird send the password along
    if (!reader.TakeContinue()) continue;
    const io::Result<> told = co_await stream_->Write(kContinue);
    if (!told) co_return Ending{};
  }
  const int64_t now = proactor_.clock().UnixMicros();
  const Answer answer = progress == HttpRequestReader::Progress::kDone
                            ? AnswerTo(service_->mail, reader.request(), secure_, now)
                            : Refusal(reader.refusal());
  const bool with_body = reader.request().method != HttpRequest::Method::kHead;
  const std::string text = Serialize(answer.response, with_body, now);
  const io::Result<> said = co_await stream_->Write(text);
  co_return Ending{answer.form, said ? answer.result : Result::kBroken};
}

// Closing at once would make the kernel answer what the client still sends with a reset, which can
// take our answer with it.
io::Task<void> Visit::Leave() {
  const io::Result<> shut = co_await stream_->ShutdownWrite();
  if (!shut) co_return;
  for (size_t bytes = 0; bytes < kLingerBytes;) {
    io::Result<io::Buffer> last = co_await stream_->Read();
    if (!last || last->empty()) break;
    bytes += last->size();
    last->WipeAndRelease();
  }
}

void Visit::GiveWay() {
  place_.LeaveUnauthenticated();
  gave_way_ = true;
  Abort();
}

}  // namespace poplar::autoconfig
