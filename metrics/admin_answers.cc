#include "metrics/admin_answers.h"

#include <utility>

#include "metrics/json.h"

namespace poplar::metrics {
namespace {

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";

}  // namespace

AdminResponse PlainText(int status, std::string body) {
  AdminResponse response{.status = status, .content_type = kPlainText};
  response.body = std::move(body);
  return response;
}

AdminResponse Json(std::string body) {
  AdminResponse response{.content_type = kJson};
  response.body = std::move(body);
  return response;
}

AdminResponse JsonError(int status, std::string_view why) {
  AdminResponse response = Json(JsonObject().Text("error", why).End() + "\n");
  response.status = status;
  return response;
}

}  // namespace poplar::metrics
