#include "proxy/pop3/login_way.h"

#include <algorithm>
#include <optional>

#include "proxy/pop3/ascii.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/node_message.h"

namespace poplar::pop3 {
namespace {

using Kind = LoginWay::Kind;

bool Offers(const Capabilities* offered, Mechanism mechanism) {
  return offered != nullptr && offered->OffersMechanism(Name(mechanism));
}

// RFC 5646's letters, digits and hyphens, or RFC 6856's "*".
bool IsLanguage(std::string_view tag) {
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return IsLetterOrDigit(c) || c == '-' || c == '*'; });
}

bool IsTokenPart(std::string_view text) {
  return IsSafeCredential(text) && text.find('\x01') == text.npos;
}

LoginWay Impossible(std::string_view why) {
  LoginWay way;
  way.why = why;
  return way;
}

LoginWay Auth(Mechanism mechanism, Secret message) {
  LoginWay way;
  way.kind = Kind::kAuth;
  way.mechanism = mechanism;
  way.message = std::move(message);
  return way;
}

// `who` opens `mailbox`; empty: the own one. In USER a mailbox with the separator in it would name
// others than these.
LoginWay ByPassword(std::string_view mailbox, std::string_view who, std::string_view password,
                    const Capabilities* offered, const MasterUser& master) {
  if (Offers(offered, Mechanism::kPlain))
    return Auth(Mechanism::kPlain, PlainMessage(mailbox, who, password));
  LoginWay way;
  way.kind = Kind::kUserPass;
  way.password = password;
  if (mailbox.empty()) {
    way.user = Secret(who);
    return way;
  }
  const std::string_view separator = master.separator;
  if (separator.empty())
    return Impossible("the node has no AUTH PLAIN, and there is no separator for USER");
  if (mailbox.find(separator) != mailbox.npos)
    return Impossible("the node has no AUTH PLAIN, and the mailbox has the separator in its name");
  way.user = Secret::Join({mailbox, separator, who});
  return way;
}

LoginWay ByToken(const Credential& credential, const Capabilities* offered) {
  const SaslIdentity& who = credential.identity;
  const bool bearer = credential.mechanism == Mechanism::kOauthBearer;
  const Mechanism both[] = {bearer ? Mechanism::kOauthBearer : Mechanism::kXoauth2,
                            bearer ? Mechanism::kXoauth2 : Mechanism::kOauthBearer};
  for (const Mechanism mechanism : both) {
    if (!Offers(offered, mechanism)) continue;
    return Auth(mechanism, mechanism == Mechanism::kXoauth2
                               ? Xoauth2Message(who.user, who.secret.Expose())
                               : OauthBearerMessage(who.user, who.secret.Expose()));
  }
  return Impossible("the node offers neither XOAUTH2 nor OAUTHBEARER");
}

}  // namespace

bool IsSafe(const Credential& credential) {
  const SaslIdentity& who = credential.identity;
  if (!IsSafeCredential(who.user) || !IsLanguage(credential.language)) return false;
  if (!who.authorization.empty() && !IsSafeCredential(who.authorization)) return false;
  switch (credential.proof()) {
    case Proof::kPassword:
      return IsSafeCredential(who.secret.Expose());
    case Proof::kToken:
      return IsTokenPart(who.user) && IsTokenPart(who.secret.Expose());
    case Proof::kScram:
      return IsSafeCredential(credential.first_message.Expose());
    case Proof::kCertificate:
      return true;
  }
  return false;
}

LoginWay ChooseWay(const Credential& credential, const Capabilities* offered,
                   const MasterUser& master) {
  if (!IsSafe(credential)) {
    LoginWay unsafe;
    unsafe.kind = Kind::kUnsafe;
    return unsafe;
  }
  const SaslIdentity& who = credential.identity;
  switch (credential.proof()) {
    case Proof::kPassword: {
      const bool own = who.authorization == who.user;
      return ByPassword(own ? std::string_view() : who.authorization, who.user, who.secret.Expose(),
                        offered, master);
    }
    case Proof::kToken:
      return ByToken(credential, offered);
    case Proof::kScram:
      if (!Offers(offered, *credential.mechanism))
        return Impossible("the node does not offer the client's SCRAM mechanism");
      return Auth(*credential.mechanism, EncodeBase64(credential.first_message.Expose()));
    case Proof::kCertificate:
      if (!master.exists()) return Impossible("EXTERNAL needs the cluster's master_user");
      return ByPassword(credential.mailbox(), master.name, master.password.Expose(), offered,
                        master);
  }
  return Impossible("unknown proof");
}

bool NeedsCapabilities(const Credential& credential) {
  const SaslIdentity& who = credential.identity;
  const bool own = who.authorization.empty() || who.authorization == who.user;
  return credential.proof() != Proof::kPassword || !credential.plain_mode() || !own;
}

bool CanServe(Mechanism mechanism, const Capabilities& offered) {
  switch (mechanism) {
    case Mechanism::kPlain:
    case Mechanism::kLogin:
    case Mechanism::kExternal:
      return true;
    case Mechanism::kXoauth2:
    case Mechanism::kOauthBearer:
      return offered.OffersMechanism(Name(Mechanism::kXoauth2)) ||
             offered.OffersMechanism(Name(Mechanism::kOauthBearer));
    case Mechanism::kScramSha256:
    case Mechanism::kScramSha1:
      return offered.OffersMechanism(Name(mechanism));
  }
  return false;
}

}  // namespace poplar::pop3
