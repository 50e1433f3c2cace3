#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/io/address.h"
#include "proxy/io/clock.h"
#include "proxy/io/dns_answer.h"
#include "proxy/io/resolver_options.h"

struct ares_channeldata;

namespace poplar::io {

// What has become of one query.
struct DnsReply {
  enum class Kind : uint8_t {
    kAnswer,    // there is something in it
    kNothing,   // NXDOMAIN, or an answer without a record
    kFailed,    // nothing is known
    kCanceled,  // by Cancel
  };
  Kind kind = Kind::kFailed;
  std::string_view message;  // of kAnswer
  std::string text;          // of kFailed: why
};

// c-ares with its sockets: the name servers, their tries and time-outs; the search list. One
// thread, and no queries must be left when it goes.
class CaresChannel {
 public:
  using Replied = std::function<void(const DnsReply&)>;

  static tl::expected<std::unique_ptr<CaresChannel>, std::string> Open(
      const ResolverOptions& options);
  ~CaresChannel();
  CaresChannel(const CaresChannel&) = delete;
  CaresChannel& operator=(const CaresChannel&) = delete;

  // `replied` is called once whatever happens, maybe before this returns.
  void Query(const std::string& name, DnsType type, Replied replied);
  size_t queries() const { return queries_; }
  void Cancel();

  // Until a socket, `wake` (an eventfd, which it resets) or a time-out asks for something, at most
  // `patience`; and does it.
  void Wait(int wake, Duration patience);

  // Whether resolv.conf is another than the one that was read.
  bool Outdated() const { return IdentityOfResolvConf() != resolv_conf_; }
  // What a host's name may mean, in the order in which to try it.
  std::vector<std::string> Candidates(const std::string& name) const;
  const std::string& servers() const { return servers_; }  // for texts

 private:
  struct Waiting;
  // What tells one resolv.conf from the next.
  using FileIdentity = std::array<int64_t, 4>;

  explicit CaresChannel(const ResolverOptions& options) : options_(options) {}
  std::string Start();
  std::string SetServers();
  void ReadSettings();
  int PatienceMs(Duration patience) const;
  bool system() const { return options_.name_servers.empty(); }
  FileIdentity IdentityOfResolvConf() const;

  const ResolverOptions options_;
  ares_channeldata* channel_ = nullptr;
  FileIdentity resolv_conf_{};
  std::string servers_;
  std::vector<std::string> search_;
  int ndots_ = 1;
  std::map<int, short> sockets_;  // of c-ares, and what it waits for there
  size_t queries_ = 0;
};

}  // namespace poplar::io
