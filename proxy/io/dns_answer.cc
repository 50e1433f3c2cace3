#include "proxy/io/dns_answer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace poplar::io {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr size_t kNameMax = 253;
constexpr size_t kLabelMax = 63;
constexpr uint16_t kCname = 5;
constexpr uint16_t kClassInternet = 1;

bool IsLabelCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Record {
  uint16_t type = 0;
  Duration ttl{};
  size_t data = 0;  // where in the message
  size_t size = 0;
};

// Reads from the front; whatever doesn't fit leaves it broken, and it reads zeros from there.
class MessageReader {
 public:
  explicit MessageReader(std::string_view message, size_t at = 0) : message_(message), at_(at) {}

  bool good() const { return good_; }
  size_t at() const { return at_; }

  uint16_t Number16() {
    const std::string_view bytes = Take(2);
    return static_cast<uint16_t>(Byte(bytes, 0) << 8 | Byte(bytes, 1));
  }
  uint32_t Number32() {
    const uint32_t high = Number16();
    return high << 16 | Number16();
  }
  std::string_view Take(size_t count) {
    if (!good_ || message_.size() - at_ < count) {
      good_ = false;
      return {};
    }
    return message_.substr(std::exchange(at_, at_ + count), count);
  }
  void SkipName();
  std::string HostName();

 private:
  static unsigned Byte(std::string_view bytes, size_t index) {
    return index < bytes.size() ? static_cast<uint8_t>(bytes[index]) : 0;
  }
  unsigned Number8() { return Byte(Take(1), 0); }

  std::string_view message_;
  size_t at_;
  bool good_ = true;
};

void MessageReader::SkipName() {
  while (good_) {
    const unsigned length = Number8();
    if (length == 0) return;
    if (length >= 0xc0) {
      Take(1);
      return;
    }
    if (length > kLabelMax) good_ = false;
    Take(length);
  }
}

// In lower case, without the last dot; the root is the empty one. Broken by what no host is called.
std::string MessageReader::HostName() {
  std::string name;
  // A pointer leads back, before everything read so far, so that following them has an end.
  size_t before = at_;
  std::optional<size_t> after;  // where the message goes on
  while (good_) {
    const unsigned length = Number8();
    if (length == 0) break;
    if (length >= 0xc0) {
      const size_t to = (length & 0x3f) << 8 | Number8();
      if (to >= before) good_ = false;
      if (!after) after = at_;
      at_ = before = std::min(to, before);
      continue;
    }
    const std::string_view label = Take(length);
    if (length > kLabelMax || !std::all_of(label.begin(), label.end(), IsLabelCharacter) ||
        name.size() + length + 1 > kNameMax + 1) {
      good_ = false;
    }
    if (!good_) break;
    if (!name.empty()) name += '.';
    std::transform(label.begin(), label.end(), std::back_inserter(name), Lower);
  }
  if (after) at_ = *after;
  return name;
}

// The answer section; nothing if it can't be read to its end.
std::optional<std::vector<Record>> ReadRecords(std::string_view message) {
  MessageReader reader(message);
  reader.Take(4);
  const unsigned questions = reader.Number16();
  const unsigned answers = reader.Number16();
  reader.Take(kHeaderBytes - 8);
  for (unsigned i = 0; i < questions && reader.good(); ++i) {
    reader.SkipName();
    reader.Take(4);
  }
  std::vector<Record> records;
  for (unsigned i = 0; i < answers && reader.good(); ++i) {
    reader.SkipName();
    Record record;
    record.type = reader.Number16();
    const uint16_t of_class = reader.Number16();
    const uint32_t ttl = reader.Number32();
    // RFC 2181 section 8: one with the highest bit set is none.
    record.ttl = std::chrono::seconds(ttl > INT32_MAX ? 0 : ttl);
    record.size = reader.Number16();
    record.data = reader.at();
    reader.Take(record.size);
    if (of_class == kClassInternet) records.push_back(record);
  }
  if (!reader.good()) return std::nullopt;
  return records;
}

std::optional<Address> ReadAddress(std::string_view message, const Record& record, DnsType type,
                                   uint16_t port) {
  const char* const bytes = message.data() + record.data;
  if (type == DnsType::kA) {
    sockaddr_in four{};
    if (record.size != sizeof four.sin_addr) return std::nullopt;
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    std::memcpy(&four.sin_addr, bytes, sizeof four.sin_addr);
    return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&four));
  }
  sockaddr_in6 six{};
  if (record.size != sizeof six.sin6_addr) return std::nullopt;
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  std::memcpy(&six.sin6_addr, bytes, sizeof six.sin6_addr);
  return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&six));
}

std::optional<ServiceTarget> ReadTarget(std::string_view message, const Record& record) {
  MessageReader reader(message, record.data);
  ServiceTarget target;
  target.priority = reader.Number16();
  target.weight = reader.Number16();
  target.port = reader.Number16();
  target.host = reader.HostName();
  if (!reader.good() || reader.at() != record.data + record.size) return std::nullopt;
  return target;
}

auto OrderOf(const ServiceTarget& target) {
  return std::tie(target.priority, target.host, target.port, target.weight);
}

// Once each, in an order of their own, so that what is left out over `most` stays the same.
template <class T, class Order>
void Tidy(std::vector<T>& all, size_t most, Order order) {
  std::sort(all.begin(), all.end(), [&](const T& a, const T& b) { return order(a) < order(b); });
  all.erase(std::unique(all.begin(), all.end(),
                        [&](const T& a, const T& b) { return order(a) == order(b); }),
            all.end());
  if (all.size() > most) all.resize(most);
}

// The records of the type through `read`, and the least TTL of them and of the aliases.
template <class T, class Read>
tl::expected<Duration, DnsFault> ReadAll(std::string_view message, DnsType type,
                                         std::vector<T>& all, Read read) {
  const auto records = ReadRecords(message);
  if (!records) return tl::unexpected(DnsFault::kNonsense);
  Duration ttl = Duration::max();
  for (const Record& record : *records) {
    const bool wanted = record.type == static_cast<uint16_t>(type);
    if (!wanted && record.type != kCname) continue;
    ttl = std::min(ttl, record.ttl);
    if (!wanted) continue;
    auto one = read(record);
    if (!one) return tl::unexpected(DnsFault::kNonsense);
    all.push_back(std::move(*one));
  }
  return ttl;
}

}  // namespace

bool IsDnsName(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kNameMax) return false;
  size_t label = 0;
  for (const char c : text) {
    if (c == '.' ? label == 0 : !IsLabelCharacter(c)) return false;
    label = c == '.' ? 0 : label + 1;
    if (label > kLabelMax) return false;
  }
  return label > 0;
}

tl::expected<HostAddresses, DnsFault> ReadHostAnswer(std::string_view message, DnsType type,
                                                     uint16_t port) {
  HostAddresses host;
  const auto ttl = ReadAll(message, type, host.addresses, [&](const Record& record) {
    return ReadAddress(message, record, type, port);
  });
  if (!ttl) return tl::unexpected(ttl.error());
  if (host.addresses.empty()) return tl::unexpected(DnsFault::kNothing);
  host.ttl = *ttl;
  Tidy(host.addresses, kAddressesMax, [](const Address& each) { return each.MappedBytes(); });
  return host;
}

tl::expected<ServiceTargets, DnsFault> ReadServiceAnswer(std::string_view message) {
  ServiceTargets service;
  const auto ttl = ReadAll(message, DnsType::kSrv, service.targets,
                           [&](const Record& record) { return ReadTarget(message, record); });
  if (!ttl) return tl::unexpected(ttl.error());
  std::erase_if(service.targets, [](const ServiceTarget& each) { return each.host.empty(); });
  if (service.targets.empty()) return tl::unexpected(DnsFault::kNothing);
  service.ttl = *ttl;
  Tidy(service.targets, kServiceTargetsMax, OrderOf);
  return service;
}

}  // namespace poplar::io
