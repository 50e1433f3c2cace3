#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "proxy/pop3/capabilities.h"
#include "tests/unit/proxy/pop3/naive_framing.h"

// A node's CAPA reply: filtering is idempotent, never grows, leaves nothing that must stop here,
// and a reply that was one exact multi-line reply still is.
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

bool IsOneReply(std::string_view bytes) {
  const auto framed = poplar::pop3::naive::FrameReply(bytes, true);
  return framed.complete && framed.size == bytes.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string reply(data, data + size);
  const std::string filtered = poplar::pop3::FilterAfterLogin(reply);
  Require(filtered.size() <= reply.size());
  Require(poplar::pop3::FilterAfterLogin(filtered) == filtered);
  if (IsOneReply(reply)) Require(IsOneReply(filtered));

  const size_t status_end = filtered.find("\r\n");
  if (status_end != filtered.npos) {
    const poplar::pop3::Capabilities left(std::string_view(filtered).substr(status_end + 2));
    Require(!left.Has("STLS") && !left.Has("SASL") && !left.Has("XCLIENT"));
  }
  const poplar::pop3::Capabilities all(reply);
  Require(!all.Has(""));
  (void)poplar::pop3::PassesAfterLogin(reply);
  return 0;
}
