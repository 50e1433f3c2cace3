#include "proxy/autoconfig/http_response.h"

#include <time.h>

#include <cstdio>

namespace poplar::autoconfig {
namespace {

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Unknown";
  }
}

// RFC 9110 section 5.6.7. Not strftime: the locale doesn't belong here.
std::string HttpDate(int64_t unix_micros) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t seconds = unix_micros / 1'000'000;
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                                 utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

HttpResponse PlainResponse(int status) {
  return {.status = status, .body = std::string(Reason(status)) + "\n"};
}

std::string Serialize(const HttpResponse& response, bool with_body, int64_t unix_micros) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(Reason(response.status)).append("\r\n");
  text += "Date: " + HttpDate(unix_micros) + "\r\n";
  text += "Connection: close\r\n";
  text.append("Content-Type: ").append(response.type).append("\r\n");
  text += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  // What is told is no secret, and some clients are web pages.
  text += "Access-Control-Allow-Origin: *\r\n";
  text += "X-Content-Type-Options: nosniff\r\n";
  text += "Cache-Control: no-store\r\n";
  if (!response.field.empty()) text += response.field + "\r\n";
  text += "\r\n";
  if (with_body) text += response.body;
  return text;
}

}  // namespace poplar::autoconfig
