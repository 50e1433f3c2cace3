#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "proxy/io/task_scope.h"
#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/stream.h"
#include "tests/unit/proxy/tls/issue_certificate.h"
#include "tests/unit/proxy/tls/memory_stream.h"

namespace poplar::tls {

// What became of a task: an errno, 0 for good, -1 while it runs.
inline constexpr int kRunning = -1;

inline io::Task<void> RunHandshake(TlsStream* stream, int* code) {
  const io::Result<> result = co_await stream->Handshake();
  *code = result ? 0 : result.error().code;
}

inline io::Task<void> RunWrite(TlsStream* stream, std::string bytes, int* code) {
  const io::Result<> result = co_await stream->Write(bytes);
  *code = result ? 0 : result.error().code;
}

inline io::Task<void> RunShutdown(TlsStream* stream, int* code) {
  const io::Result<> result = co_await stream->ShutdownWrite();
  *code = result ? 0 : result.error().code;
}

inline io::Task<void> RunFinish(TlsStream* stream, std::string last, int* code) {
  const io::Result<> result = co_await stream->Finish(last);
  *code = result ? 0 : result.error().code;
}

// One read.
inline io::Task<void> RunRead(TlsStream* stream, std::string* text, int* code) {
  *code = kRunning;
  const io::Result<io::Buffer> result = co_await stream->Read();
  if (result) *text += result->bytes();
  *code = result ? 0 : result.error().code;
}

// Reads until the end or an error.
inline io::Task<void> RunReadAll(TlsStream* stream, std::string* text, int* code) {
  for (;;) {
    const io::Result<io::Buffer> result = co_await stream->Read();
    if (result && !result->empty()) {
      *text += result->bytes();
      continue;
    }
    *code = result ? 0 : result.error().code;
    co_return;
  }
}

inline std::string Pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 31 % 26);
  return text;
}

inline const std::shared_ptr<const ServerContext>& SharedServer() {
  static const auto context =
      *ServerContext::Create({.certificates_in_memory = {IssueCertificate({})}});
  return context;
}

inline const std::shared_ptr<const ClientContext>& SharedClient() {
  static const auto context = *ClientContext::Create({.verify = ClientSettings::Verify::kInsecure});
  return context;
}

// Two streams, and the pipes between them.
struct Connection {
  Connection(io::BufferPool& pool, io::RunList& ready) : Connection(pool, pool, ready) {}
  Connection(io::BufferPool& server_pool, io::BufferPool& client_pool, io::RunList& ready)
      : to_server(std::make_shared<MemoryPipe>(ready)),
        to_client(std::make_shared<MemoryPipe>(ready)),
        server(std::make_unique<MemoryStream>(server_pool, to_server, to_client),
               SharedServer()->NewConnection(), server_pool, ready),
        client(std::make_unique<MemoryStream>(client_pool, to_client, to_server),
               SharedClient()->NewConnection("mail.example", kTestNow), client_pool, ready) {}

  std::shared_ptr<MemoryPipe> to_server;
  std::shared_ptr<MemoryPipe> to_client;
  TlsStream server;
  TlsStream client;
};

class TlsStreamTest : public testing::Test {
 protected:
  ~TlsStreamTest() override {
    EXPECT_EQ(scope_.count(), 0U);
    EXPECT_EQ(pool_.in_use(), 0U);
  }

  void Start(io::Task<void> task) { scope_.Spawn(std::move(task)); }
  void Pump() {
    while (io::Waiter* waiter = ready_.Pop()) waiter->handle.resume();
  }
  void ShakeHands(Connection& c) {
    int server = kRunning;
    int client = kRunning;
    Start(RunHandshake(&c.server, &server));
    Start(RunHandshake(&c.client, &client));
    Pump();
    ASSERT_EQ(server, 0);
    ASSERT_EQ(client, 0);
  }
  // Writes, and lets everything settle.
  int Write(TlsStream& stream, const std::string& bytes) {
    int code = kRunning;
    Start(RunWrite(&stream, bytes, &code));
    Pump();
    return code;
  }

  io::RunList ready_;
  io::BufferPool pool_{64 * io::kBufferBytes, ready_};
  io::TaskScope scope_{ready_};
};

}  // namespace poplar::tls
