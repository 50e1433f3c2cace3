#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/io/buffer.h"
#include "proxy/io/run_list.h"
#include "proxy/tls/client_context.h"
#include "proxy/tls/server_context.h"
#include "proxy/tls/throwaway_certificate.h"

namespace poplar::bench {
namespace {

constexpr int64_t kNow = 1'800'000'000;

// Both ends of a TLS connection, whose bytes go from buffer to buffer.
class Pair {
 public:
  Pair() : folder_(std::filesystem::temp_directory_path() / "poplar-micro-XXXXXX") {
    std::string name = folder_.string();
    folder_ = mkdtemp(name.data());
    const tls::CertificatePem pem = tls::MakeThrowawayCertificate(kNow);
    std::ofstream(folder_ / "certificate.pem") << pem.certificate;
    std::ofstream(folder_ / "key.pem") << pem.key;
    tls::ServerSettings server;
    server.certificates = {{folder_ / "certificate.pem", folder_ / "key.pem"}};
    server_ = *tls::ServerContext::Create(server);
    tls::ClientSettings client;
    client.verify = tls::ClientSettings::Verify::kInsecure;
    client_ = *tls::ClientContext::Create(client);
  }
  ~Pair() { std::filesystem::remove_all(folder_); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  // A full handshake. Returns the server's end.
  std::unique_ptr<tls::Engine> Handshake(std::unique_ptr<tls::Engine>& client) {
    client = client_->NewConnection("localhost", kNow);
    auto server = server_->NewConnection();
    io::Buffer to_server = pool_.TryTake(io::BufferUse::kReceive);
    io::Buffer to_client = pool_.TryTake(io::BufferUse::kReceive);
    while (!client->handshaken() || !server->handshaken()) {
      if (!client->handshaken()) (void)client->Handshake(to_client, to_server);
      if (!server->handshaken()) (void)server->Handshake(to_server, to_client);
    }
    return server;
  }

  io::BufferPool& pool() { return pool_; }

 private:
  io::RunList ready_;
  io::BufferPool pool_{size_t{16} << 20, ready_};
  std::filesystem::path folder_;
  std::shared_ptr<const tls::ServerContext> server_;
  std::shared_ptr<const tls::ClientContext> client_;
};

// Both ends, so twice what one costs and more.
void TlsHandshake(benchmark::State& state) {
  Pair pair;
  for (auto each : state) {
    std::unique_ptr<tls::Engine> client;
    benchmark::DoNotOptimize(pair.Handshake(client));
  }
}
BENCHMARK(TlsHandshake)->Iterations(50);

void TlsSealRecords(benchmark::State& state) {
  Pair pair;
  std::unique_ptr<tls::Engine> client;
  const auto server = pair.Handshake(client);
  const std::string bytes(tls::Engine::kRecordBytesMax, 'x');
  io::Buffer out = pair.pool().TryTake(io::BufferUse::kSend);
  for (auto each : state) {
    size_t taken = 0;
    benchmark::DoNotOptimize(server->Write(bytes, &taken, out));
    out.Clear();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes.size()));
}
BENCHMARK(TlsSealRecords)->Iterations(2'000);

}  // namespace
}  // namespace poplar::bench
