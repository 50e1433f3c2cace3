#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/autoconfig/http_request.h"
#include "proxy/autoconfig/http_response.h"
#include "proxy/autoconfig/mail_service.h"

namespace poplar::autoconfig {

// What was asked for; kNone: nothing that there is, or it was never said.
enum class Form : uint8_t { kThunderbird, kAutodiscover, kApple, kPacc, kNone };
inline constexpr std::array<std::string_view, 5> kForms = {"thunderbird", "autodiscover", "apple",
                                                           "pacc", "none"};

// The one end of each connection.
enum class Result : uint8_t {
  kOk,
  kNotFound,    // no such path, or no address of ours
  kBadRequest,  // it made no sense
  kRefused,     // the client may not connect, or there are too many
  kTimeout,
  kBroken  // the client left, or TLS failed
};
inline constexpr std::array<std::string_view, 6> kResults = {"ok",      "not_found", "bad_request",
                                                             "refused", "timeout",   "broken"};

constexpr std::string_view Name(Form form) { return kForms[static_cast<size_t>(form)]; }
constexpr std::string_view Name(Result result) { return kResults[static_cast<size_t>(result)]; }

struct Answer {
  Form form = Form::kNone;
  Result result = Result::kOk;
  HttpResponse response;
};

// `secure`: it came over TLS. `unix_micros`: now.
Answer AnswerTo(const MailService& service, const HttpRequest& request, bool secure,
                int64_t unix_micros);

// To what is no request: the reader says which status that deserves.
Answer Refusal(int status);

}  // namespace poplar::autoconfig
