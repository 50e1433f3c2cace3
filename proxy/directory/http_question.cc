#include "proxy/directory/http_question.h"

#include <algorithm>

#include "proxy/pop3/ascii.h"

namespace poplar::directory {
namespace {

std::string Escaped(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string escaped;
  // At once: a buffer that grows leaves its old bytes behind, and they may be a password's.
  escaped.reserve(text.size() * 3);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && c != '%') {
      escaped += c;
    } else {
      escaped += '%';
      escaped += kHex[byte >> 4];
      escaped += kHex[byte & 15];
    }
  }
  return escaped;
}

// nginx knows one word for all ways that show a password.
std::string MethodOf(const std::string& mechanism) {
  if (mechanism == "USER" || mechanism == "LOGIN") return "plain";
  std::string method = mechanism;
  std::transform(method.begin(), method.end(), method.begin(), pop3::ToLower);
  return method;
}

void AddHeader(std::string& headers, std::string_view name, std::string_view value) {
  headers.append(name).append(": ").append(Escaped(value)).append("\r\n");
}

// nginx escapes nothing of certificates, whose names have their own escapes; they are left out
// where anything else could come of them.
void AddAsItIs(std::string& headers, std::string_view name, std::string_view value) {
  const bool visible =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (value.empty() || !visible) return;
  headers.append(name).append(": ").append(value).append("\r\n");
}

void AddTls(std::string& headers, const Question& question) {
  if (question.tls_version.empty()) return;
  headers.append("Auth-SSL: on\r\n");
  AddHeader(headers, "Auth-SSL-Protocol", question.tls_version);
  AddHeader(headers, "Auth-SSL-Cipher", question.tls_cipher);
  if (!question.server_name.empty())
    AddHeader(headers, "Auth-SSL-Server-Name", question.server_name);
  if (!question.certificate) {
    headers.append("Auth-SSL-Verify: NONE\r\n");
    return;
  }
  headers.append("Auth-SSL-Verify: SUCCESS\r\n");
  AddAsItIs(headers, "Auth-SSL-Subject", question.certificate->subject);
  AddAsItIs(headers, "Auth-SSL-Issuer", question.certificate->issuer);
  AddAsItIs(headers, "Auth-SSL-Serial", question.certificate->serial);
  AddAsItIs(headers, "Auth-SSL-Fingerprint", question.certificate->fingerprint);
}

}  // namespace

std::string EscapeForHeader(std::string_view text) { return Escaped(text); }

pop3::Secret RenderHttpQuestion(const Question& question, std::string_view target,
                                std::string_view host, std::string_view more) {
  std::string before;
  before.append("GET ").append(target).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n");
  AddHeader(before, "Auth-Method", MethodOf(question.mechanism));
  AddHeader(before, "Auth-User", question.login);
  before.append("Auth-Pass: ");
  std::string password = Escaped(question.secret.Expose());
  std::string after = "\r\nAuth-Protocol: pop3\r\n";
  AddHeader(after, "Auth-Login-Attempt", std::to_string(question.attempt));
  AddHeader(after, "Client-IP", question.client.Host());
  AddTls(after, question);
  after.append(more).append("\r\n");
  pop3::Secret request = pop3::Secret::Join({before, password, after});
  pop3::Wipe(password.data(), password.size());
  return request;
}

}  // namespace poplar::directory
