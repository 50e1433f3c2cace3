#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace poplar::bench {

// BoringSSL over bytes that others carry: no more between it and them than has to be.
class FloorTls {
 public:
  enum class Progress { kDone, kWantsMore, kFailed };

  // Null: the certificate or the key can't be used.
  static bssl::UniquePtr<SSL_CTX> MakeContext(const std::string& certificate,
                                              const std::string& key);

  explicit FloorTls(SSL_CTX& context);
  FloorTls(const FloorTls&) = delete;
  FloorTls& operator=(const FloorTls&) = delete;

  // What came; it has to stay until it is used up by the next calls.
  void Feed(std::string_view ciphertext) { in_ = ciphertext; }
  // Whether there is still some of it.
  bool fed() const { return !in_.empty(); }
  Progress Handshake();
  // kWantsMore: all that came is used up.
  Progress Open(char* into, size_t room, size_t& got);
  bool Seal(std::string_view plaintext);
  void CloseNotify() { SSL_shutdown(ssl_.get()); }

  // What has to be sent.
  std::string& out() { return out_; }

 private:
  static int ReadIn(BIO* bio, char* to, int size);
  static int WriteOut(BIO* bio, const char* from, int size);
  static long Control(BIO* bio, int command, long number, void* pointer);
  Progress ProgressOf(int result) const;

  bssl::UniquePtr<SSL> ssl_;
  std::string_view in_;
  std::string out_;
};

}  // namespace poplar::bench
