#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <memory>
#include <vector>

#include "proxy/tls/engine.h"
#include "proxy/tls/server_context.h"
#include "tests/unit/proxy/tls/engine_party.h"
#include "tests/unit/proxy/tls/issue_certificate.h"
#include "tests/unit/proxy/tls/raw_client.h"

namespace poplar::tls {
namespace {

// Under a sanitizer the allocator isn't glibc's, and its figures say nothing.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POPLAR_FOREIGN_ALLOCATOR 1
#endif
#endif

#if !defined(POPLAR_FOREIGN_ALLOCATOR)
TEST(EngineMemoryTest, AnIdleServerConnectionIsSmall) {
  constexpr int kConnections = 1000;
  constexpr size_t kIdleBytesMax = size_t{4} * 1024;
  ServerSettings settings;
  settings.certificates_in_memory = {IssueCertificate({})};
  const auto context = ServerContext::Create(settings);
  ASSERT_TRUE(context.has_value());
  for (const uint16_t version : {uint16_t{0x0303}, uint16_t{0x0304}}) {
    io::RunList ready;
    io::BufferPool pool(64 * io::kBufferBytes, ready);
    std::vector<std::unique_ptr<Engine>> engines;
    engines.reserve(kConnections);
    const auto connect = [&] {
      RawClient client({.version_max = version});
      EngineParty server(pool, (*context)->NewConnection());
      ASSERT_TRUE(ShakeHands(client, server));
      server.Write("+OK\r\n");
      EXPECT_EQ(Deliver(server, client), "+OK\r\n");
      client.Write("NOOP\r\n");
      EXPECT_EQ(Deliver(client, server), "NOOP\r\n");
      engines.push_back(std::move(server.engine));
    };
    connect();  // what is allocated once
    engines.clear();
    const size_t before = mallinfo2().uordblks;
    for (int i = 0; i < kConnections; ++i) connect();
    const size_t each = (mallinfo2().uordblks - before) / kConnections;
    std::printf("heap of an idle server connection, TLS 1.%d: %zu bytes (engine %zu)\n",
                version == 0x0304 ? 3 : 2, each, sizeof(Engine));
    EXPECT_LT(each, kIdleBytesMax);
    EXPECT_EQ(pool.in_use(), 0U);
  }
}
#endif

}  // namespace
}  // namespace poplar::tls
