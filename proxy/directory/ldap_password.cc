#include "proxy/directory/ldap_password.h"

namespace poplar::directory {

LdapPassword::Shown LdapPassword::Get() {
  auto read = reader_();
  Shown shown;
  if (!read) shown.trouble = std::move(read.error());
  const std::lock_guard lock(mutex_);
  if (read) last_ = std::move(*read);
  shown.secret = pop3::Secret(last_.Expose());
  return shown;
}

}  // namespace poplar::directory
