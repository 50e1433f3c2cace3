#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/tls/engine.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/throwaway_certificate.h"

// A stranger's bytes before the handshake is over, in pieces of a size that the first byte gives.
// Whatever they are: no crash, an answer of bounded size, and a failure stays a failure.
namespace {

using namespace poplar;  // NOLINT: a program of its own

// The flight with the certificate, twice (a HelloRetryRequest), and an alert.
constexpr size_t kAnswerBytesMax = size_t{8} * 1024;

const tls::ServerContext& Context() {
  static const auto context = [] {
    tls::ServerSettings settings;
    for (int i = 0; i < 2; ++i) {
      settings.certificates_in_memory.push_back(tls::MakeThrowawayCertificate(1'800'000'000));
    }
    return *tls::ServerContext::Create(settings);
  }();
  return *context;
}

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static io::RunList ready;
  static io::BufferPool pool(size_t{16} * io::kBufferBytes, ready);
  const size_t piece = data[0] == 0 ? io::kReceiveBytesMax : data[0];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto engine = Context().NewConnection();
  io::Buffer in = pool.TryTake(io::BufferUse::kSend);
  io::Buffer out = pool.TryTake(io::BufferUse::kSend);
  size_t answered = 0;
  bool failed = false;
  while (!bytes.empty() && !engine->handshaken()) {
    if (in.empty()) in.Clear();
    bytes.remove_prefix(in.Append(bytes.substr(0, piece)));
    const tls::Status status = engine->Handshake(in, out);
    answered += out.size();
    out.Clear();
    Check(status != tls::Status::kWantOutput);
    Check(!failed || status == tls::Status::kFailed);
    failed = status == tls::Status::kFailed;
    Check(failed == (engine->failure() != tls::FailureReason::kNone));
    if (failed) {
      Check(!engine->failure_text().empty());
      if (in.room().size() < piece) break;
    }
  }
  Check(answered <= kAnswerBytesMax);
  (void)engine->facts();
  return 0;
}
