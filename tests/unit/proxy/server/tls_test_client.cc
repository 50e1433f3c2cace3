#include "tests/unit/proxy/server/tls_test_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "tests/unit/proxy/server/blocking_client.h"

namespace poplar::server {
namespace {

constexpr size_t kBufferMemory = size_t{1} << 20;

const tls::ClientContext& Context() {
  static const auto context =
      *tls::ClientContext::Create({.verify = tls::ClientSettings::Verify::kInsecure});
  return *context;
}

}  // namespace

TlsTestClient::TlsTestClient(uint16_t port)
    : descriptor_(ConnectOnLoopback(port)),
      buffers_(kBufferMemory, ready_),
      party_(std::make_unique<tls::EngineParty>(
          buffers_, Context().NewConnection("localhost", std::time(nullptr)))) {
  EXPECT_GE(descriptor_, 0);
}

TlsTestClient::~TlsTestClient() {
  party_.reset();
  close(descriptor_);
}

void TlsTestClient::Flush() {
  std::string_view bytes = party_->sent;
  while (!bytes.empty()) {
    const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  party_->sent.clear();
}

// False: nothing comes any more.
bool TlsTestClient::Exchange() {
  Flush();
  std::array<char, 2048> some;
  ssize_t got = 0;
  do {
    got = recv(descriptor_, some.data(), some.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  party_->Receive({some.data(), static_cast<size_t>(got)});
  return true;
}

bool TlsTestClient::Handshake() {
  while (!party_->Handshake() && !party_->failed() && Exchange()) continue;
  Flush();
  return party_->handshaken();
}

void TlsTestClient::Send(std::string_view bytes) {
  party_->Write(bytes);
  Flush();
}

std::string TlsTestClient::ReadTo(std::string_view end) {
  std::string text = party_->Read();
  while (end.empty() || !text.ends_with(end)) {
    if (!Exchange()) break;
    text += party_->Read();
    if (party_->status == tls::Status::kClosed || party_->failed()) break;
  }
  return text;
}

}  // namespace poplar::server
