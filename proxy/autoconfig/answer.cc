#include "proxy/autoconfig/answer.h"

#include <optional>
#include <string>
#include <utility>

#include "metrics/url.h"
#include "proxy/autoconfig/apple_document.h"
#include "proxy/autoconfig/autodiscover_document.h"
#include "proxy/autoconfig/autodiscover_request.h"
#include "proxy/autoconfig/pacc_document.h"
#include "proxy/autoconfig/thunderbird_document.h"
#include "proxy/pop3/ascii.h"

namespace poplar::autoconfig {
namespace {

constexpr std::string_view kXml = "text/xml; charset=utf-8";
constexpr std::string_view kProfile = "application/x-apple-aspen-config";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kAutodiscoverPath = "/autodiscover/autodiscover.xml";

Form FormOf(std::string_view path) {
  if (path == "/mail/config-v1.1.xml" || path == "/.well-known/mail-v1.xml" ||
      path == "/.well-known/autoconfig/mail/config-v1.1.xml")
    return Form::kThunderbird;
  // Outlook's versions differ about the case.
  if (pop3::EqualsIgnoringCase(path, kAutodiscoverPath)) return Form::kAutodiscover;
  if (path == "/mobileconfig" || path == "/apple.mobileconfig") return Form::kApple;
  if (path == "/.well-known/user-agent-configuration.json") return Form::kPacc;
  return Form::kNone;
}

// What the query says; null: nothing.
std::optional<std::string> AddressText(const HttpRequest& request) {
  for (const std::string_view name : {"emailaddress", "EmailAddress", "Email", "email"}) {
    auto values = metrics::QueryValues(request.query, name);
    if (!values.empty()) return std::move(values.front());
  }
  return std::nullopt;
}

Answer Plain(Form form, int status) {
  return {form, status == 404 ? Result::kNotFound : Result::kBadRequest, PlainResponse(status)};
}

Answer Thunderbird(const MailService& service, const HttpRequest& request) {
  const auto text = AddressText(request);
  std::string domain;
  if (text) {
    const auto address = EmailAddress::Parse(*text);
    if (!address) return Plain(Form::kThunderbird, 400);
    if (!service.Serves(address->domain)) return Plain(Form::kThunderbird, 404);
    domain = address->domain;
  }
  return {Form::kThunderbird,
          Result::kOk,
          {.type = kXml, .body = ThunderbirdDocument(service, domain)}};
}

Answer Fault(AutodiscoverFault fault, int64_t unix_micros) {
  const bool unknown = fault == AutodiscoverFault::kUnknownAddress;
  return {Form::kAutodiscover,
          unknown ? Result::kNotFound : Result::kBadRequest,
          {.type = kXml, .body = AutodiscoverError(fault, unix_micros)}};
}

// A GET in the clear is Outlook's question where to ask: for domains whose own host has no
// certificate.
Answer Autodiscover(const MailService& service, const HttpRequest& request, bool secure,
                    int64_t unix_micros) {
  const bool post = request.method == HttpRequest::Method::kPost;
  if (!post && !secure && service.has_https) {
    Answer answer{Form::kAutodiscover, Result::kOk, PlainResponse(302)};
    answer.response.field = "Location: https://" + service.server + std::string(kAutodiscoverPath);
    return answer;
  }
  tl::expected<EmailAddress, AutodiscoverFault> address =
      tl::unexpected(AutodiscoverFault::kInvalidRequest);
  if (post) {
    address = ReadAutodiscoverRequest(request.body);
  } else if (const auto text = AddressText(request)) {
    if (auto parsed = EmailAddress::Parse(*text)) address = std::move(*parsed);
  }
  if (!address) return Fault(address.error(), unix_micros);
  if (!service.Serves(address->domain))
    return Fault(AutodiscoverFault::kUnknownAddress, unix_micros);
  return {Form::kAutodiscover,
          Result::kOk,
          {.type = kXml, .body = AutodiscoverDocument(service, *address)}};
}

Answer Apple(const MailService& service, const HttpRequest& request) {
  const auto text = AddressText(request);
  const auto address = text ? EmailAddress::Parse(*text) : std::nullopt;
  if (!address) return Plain(Form::kApple, 400);
  if (!service.Serves(address->domain) || !CanDescribeToApple(service))
    return Plain(Form::kApple, 404);
  return {Form::kApple,
          Result::kOk,
          {.type = kProfile,
           .body = AppleDocument(service, *address),
           .field = "Content-Disposition: attachment; filename=\"mail.mobileconfig\""}};
}

Answer Pacc(const MailService& service) {
  auto document = PaccDocument(service);
  if (!document) return Plain(Form::kPacc, 404);
  return {Form::kPacc, Result::kOk, {.type = kJson, .body = std::move(*document)}};
}

bool MayBe(Form form, HttpRequest::Method method) {
  if (method == HttpRequest::Method::kPost) return form == Form::kAutodiscover;
  return method != HttpRequest::Method::kOther;
}

}  // namespace

Answer AnswerTo(const MailService& service, const HttpRequest& request, bool secure,
                int64_t unix_micros) {
  const Form form = FormOf(request.path);
  if (form == Form::kNone) return Plain(form, 404);
  if (!MayBe(form, request.method)) {
    Answer answer = Plain(form, 405);
    answer.response.field =
        form == Form::kAutodiscover ? "Allow: GET, HEAD, POST" : "Allow: GET, HEAD";
    return answer;
  }
  switch (form) {
    case Form::kThunderbird:
      return Thunderbird(service, request);
    case Form::kAutodiscover:
      return Autodiscover(service, request, secure, unix_micros);
    case Form::kApple:
      return Apple(service, request);
    case Form::kPacc:
      return Pacc(service);
    case Form::kNone:
      break;
  }
  return Plain(form, 404);
}

Answer Refusal(int status) { return Plain(Form::kNone, status); }

}  // namespace poplar::autoconfig
