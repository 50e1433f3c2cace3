#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/proxy_protocol/header.h"

// A connection's first bytes, whole and in every beginning: what is a header stays one, at the same
// place, whatever follows; and what it says survives being written anew.
namespace {

using poplar::proxy_protocol::Parsed;
using poplar::proxy_protocol::ParseHeader;
using Kind = Parsed::Kind;

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const Parsed whole = ParseHeader(input);
  Require(whole.bytes <= size && whole.bytes <= poplar::proxy_protocol::kHeaderBytesMax);
  Require((whole.kind == Kind::kHeader) == (whole.bytes > 0));
  Require(whole.kind != Kind::kNeedMore || size < poplar::proxy_protocol::kHeaderBytesMax);
  for (size_t part = 0; part < size && part < 200; ++part) {
    const Parsed begun = ParseHeader(std::string(input, 0, part));
    Require(begun.kind == Kind::kNeedMore || begun.kind == whole.kind);
    Require(begun.kind != Kind::kHeader || begun.bytes == whole.bytes);
  }
  if (!whole.endpoints) return 0;
  const Parsed two = ParseHeader(poplar::proxy_protocol::RenderV2(*whole.endpoints));
  Require(two.kind == Kind::kHeader);
  const Parsed one = ParseHeader(poplar::proxy_protocol::RenderV1(*whole.endpoints));
  Require(one.kind == Kind::kHeader && one.endpoints == two.endpoints);
  return 0;
}
