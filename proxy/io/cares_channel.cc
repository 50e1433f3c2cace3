#include "proxy/io/cares_channel.h"

#include <ares.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace poplar::io {
namespace {

// As much by UDP as passes everywhere unbroken (DNS flag day 2020); beyond that TCP.
constexpr int kUdpBytesMax = 1232;
constexpr int kClassInternet = 1;

bool InitLibrary() {
  static const bool good = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return good;
}

DnsReply ReplyOf(int status, const unsigned char* bytes, int length) {
  using Kind = DnsReply::Kind;
  switch (status) {
    case ARES_SUCCESS:
      return {.kind = Kind::kAnswer,
              .message = {reinterpret_cast<const char*>(bytes), static_cast<size_t>(length)}};
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {.kind = Kind::kNothing};
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return {.kind = Kind::kCanceled};
    case ARES_ETIMEOUT:
      return {.kind = Kind::kFailed, .text = "no answer in time"};
    case ARES_ECONNREFUSED:  // c-ares tells these apart no further
      return {.kind = Kind::kFailed,
              .text = "no name server can be reached, or it says SERVFAIL or REFUSED"};
    default:
      return {.kind = Kind::kFailed, .text = ares_strerror(status)};
  }
}

}  // namespace

// In the hands of c-ares.
struct CaresChannel::Waiting {
  CaresChannel* channel;
  Replied replied;
};

tl::expected<std::unique_ptr<CaresChannel>, std::string> CaresChannel::Open(
    const ResolverOptions& options) {
  if (!InitLibrary()) return tl::unexpected<std::string>("c-ares cannot start");
  std::unique_ptr<CaresChannel> channel(new CaresChannel(options));
  std::string fault = channel->Start();
  if (fault.empty()) fault = channel->SetServers();
  if (!fault.empty()) return tl::unexpected(std::move(fault));
  channel->ReadSettings();
  return channel;
}

CaresChannel::~CaresChannel() {
  assert(queries_ == 0);
  if (channel_ != nullptr) ares_destroy(channel_);
}

std::string CaresChannel::Start() {
  ares_options settings{};
  settings.flags = ARES_FLAG_EDNS;
  settings.ednspsz = kUdpBytesMax;
  settings.timeout = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count());
  settings.tries = options_.tries;
  settings.udp_port = settings.tcp_port = options_.default_port;
  std::string path = options_.resolv_conf;
  settings.resolvconf_path = path.data();
  settings.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    auto& sockets = static_cast<CaresChannel*>(self)->sockets_;
    const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
    if (events == 0) {
      sockets.erase(socket);
    } else {
      sockets[socket] = static_cast<short>(events);
    }
  };
  settings.sock_state_cb_data = this;
  // Before it is read: what changes in between is seen as a change.
  resolv_conf_ = IdentityOfResolvConf();
  const int status = ares_init_options(&channel_, &settings,
                                       ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS |
                                           ARES_OPT_TRIES | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT |
                                           ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB);
  return status == ARES_SUCCESS ? "" : std::string("c-ares cannot start: ") + ares_strerror(status);
}

// Those of the options, if any.
std::string CaresChannel::SetServers() {
  std::string list;
  for (const std::string& text : options_.name_servers) {
    auto address = Address::ParseWithPort(text);
    if (!address) address = Address::Parse(text, options_.default_port);
    if (!address || address->port() == 0) {
      return "\"" + text +
             "\" is no name server: write an IP address, with or without a port, as in 192.0.2.53 "
             "or [2001:db8::53]:5353";
    }
    list += (list.empty() ? "" : ",") + address->Text();
  }
  if (list.empty()) return {};
  const int status = ares_set_servers_ports_csv(channel_, list.c_str());
  return status == ARES_SUCCESS ? "" : std::string("name servers: ") + ares_strerror(status);
}

// What c-ares has made of the options and resolv.conf.
void CaresChannel::ReadSettings() {
  ares_addr_port_node* servers = nullptr;
  ares_get_servers_ports(channel_, &servers);
  for (const ares_addr_port_node* each = servers; each != nullptr; each = each->next) {
    char text[INET6_ADDRSTRLEN] = {};
    ares_inet_ntop(each->family, &each->addr, text, sizeof text);
    const int port = each->udp_port != 0 ? each->udp_port : options_.default_port;
    const auto address = Address::Parse(text, static_cast<uint16_t>(port));
    servers_ += (servers_.empty() ? "" : ", ") + (address ? address->Text() : text);
  }
  ares_free_data(servers);
  ares_options settings{};
  int mask = 0;
  if (ares_save_options(channel_, &settings, &mask) == ARES_SUCCESS) {
    search_.assign(settings.domains, settings.domains + settings.ndomains);
    ndots_ = settings.ndots;
  }
  ares_destroy_options(&settings);
}

CaresChannel::FileIdentity CaresChannel::IdentityOfResolvConf() const {
  struct stat status{};
  if (!system() || ::stat(options_.resolv_conf.c_str(), &status) != 0) return {};
  constexpr int64_t kNanos = 1'000'000'000;
  return {static_cast<int64_t>(status.st_dev), static_cast<int64_t>(status.st_ino), status.st_size,
          status.st_mtim.tv_sec * kNanos + status.st_mtim.tv_nsec};
}

void CaresChannel::Query(const std::string& name, DnsType type, Replied replied) {
  ++queries_;
  ares_query(
      channel_, name.c_str(), kClassInternet, static_cast<int>(type),
      [](void* argument, int status, int, unsigned char* bytes, int length) {
        const std::unique_ptr<Waiting> waiting(static_cast<Waiting*>(argument));
        --waiting->channel->queries_;
        waiting->replied(ReplyOf(status, bytes, length));
      },
      new Waiting{this, std::move(replied)});
}

void CaresChannel::Cancel() { ares_cancel(channel_); }

void CaresChannel::Wait(int wake, Duration patience) {
  std::vector<pollfd> polled = {{wake, POLLIN, 0}};
  for (const auto& [socket, events] : sockets_) polled.push_back({socket, events, 0});
  (void)::poll(polled.data(), polled.size(), PatienceMs(patience));
  eventfd_t count = 0;
  (void)::eventfd_read(wake, &count);
  for (size_t i = 1; i < polled.size(); ++i) {
    const pollfd& each = polled[i];
    // An error is learnt by reading or writing.
    const bool fault = (each.revents & (POLLERR | POLLHUP)) != 0;
    const auto due = [&](short event) {
      return ((each.revents & event) != 0 || fault) && (each.events & event) != 0;
    };
    if (!due(POLLIN) && !due(POLLOUT)) continue;
    ares_process_fd(channel_, due(POLLIN) ? each.fd : ARES_SOCKET_BAD,
                    due(POLLOUT) ? each.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // the time-outs
}

int CaresChannel::PatienceMs(Duration patience) const {
  timeval due{};
  if (const timeval* const time = ares_timeout(channel_, nullptr, &due); time != nullptr) {
    patience = std::min<Duration>(
        patience, std::chrono::seconds(time->tv_sec) + std::chrono::microseconds(time->tv_usec));
  }
  // Rounded up, or it would turn for nothing in the last millisecond.
  const int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  return static_cast<int>(std::clamp<int64_t>(ms, 0, INT32_MAX));
}

// resolv.conf(5): a name with fewer dots than `ndots` is first tried in the search list's domains.
std::vector<std::string> CaresChannel::Candidates(const std::string& name) const {
  if (!system() || name.ends_with('.')) return {name};
  std::vector<std::string> all;
  for (const std::string& domain : search_) {
    std::string full = name;
    full.append(1, '.').append(domain);
    if (IsDnsName(full)) all.push_back(std::move(full));
  }
  const bool first = std::count(name.begin(), name.end(), '.') >= ndots_;
  all.insert(first ? all.begin() : all.end(), name);
  return all;
}

}  // namespace poplar::io
