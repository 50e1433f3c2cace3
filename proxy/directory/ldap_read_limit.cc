#include "proxy/directory/ldap_read_limit.h"

#include <lber.h>
#include <ldap.h>

#include <cerrno>

#include "proxy/io/kernel_socket.h"

namespace poplar::directory {
namespace {

// Between two looks at whether to stop.
constexpr io::Duration kLookInterval = std::chrono::milliseconds(100);
// Above the socket, below TLS.
constexpr int kLevel = (LBER_SBIOD_LEVEL_PROVIDER + LBER_SBIOD_LEVEL_TRANSPORT) / 2;

int SetUp(Sockbuf_IO_Desc* layer, void* limit) {
  layer->sbiod_pvt = limit;
  return 0;
}

int DoNothing(Sockbuf_IO_Desc*) { return 0; }

int PassControl(Sockbuf_IO_Desc* layer, int option, void* value) {
  return LBER_SBIOD_CTRL_NEXT(layer, option, value);
}

ber_slen_t Read(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  const auto& limit = *static_cast<const LdapReadLimit*>(layer->sbiod_pvt);
  ber_socket_t descriptor = -1;
  ber_sockbuf_ctrl(layer->sbiod_sb, LBER_SB_OPT_GET_FD, &descriptor);
  if (!limit.Await(descriptor)) {
    errno = ETIMEDOUT;
    return -1;
  }
  return LBER_SBIOD_READ_NEXT(layer, buffer, size);
}

ber_slen_t PassWrite(Sockbuf_IO_Desc* layer, void* buffer, ber_len_t size) {
  return LBER_SBIOD_WRITE_NEXT(layer, buffer, size);
}

Sockbuf_IO layer_functions = {SetUp, DoNothing, PassControl, Read, PassWrite, DoNothing};

int OnConnected(LDAP*, Sockbuf* socket, LDAPURLDesc*, sockaddr*, ldap_conncb* callbacks) {
  return ber_sockbuf_add_io(socket, &layer_functions, kLevel, callbacks->lc_arg);
}

void OnClosed(LDAP*, Sockbuf*, ldap_conncb*) {}

}  // namespace

LdapReadLimit::LdapReadLimit() : callbacks_(new ldap_conncb{OnConnected, OnClosed, this}) {}
LdapReadLimit::~LdapReadLimit() = default;

void LdapReadLimit::Install(ldap* handle) {
  ldap_set_option(handle, LDAP_OPT_CONNECT_CB, callbacks_.get());
}

bool LdapReadLimit::Await(int descriptor) const {
  while (patience_ != nullptr && !patience_->stopped()) {
    const io::Duration left = patience_->Left();
    if (io::AwaitBytes(descriptor, std::min(left, kLookInterval))) return true;
    if (left == io::Duration::zero()) break;
  }
  return false;
}

}  // namespace poplar::directory
