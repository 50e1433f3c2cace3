#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::metrics {

// `text` as a JSON string with its quotes (RFC 8259 section 7). Each byte that is not part of
// well-formed UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

// Never with an exponent; six digits behind the point at most.
std::string JsonReal(double value);

// One object, member by member.
class JsonObject {
 public:
  JsonObject& Raw(std::string_view key, std::string_view value) {
    text_.append(text_.size() == 1 ? "" : ",").append(JsonString(key)).append(":").append(value);
    return *this;
  }
  JsonObject& Text(std::string_view key, std::string_view value) {
    return Raw(key, JsonString(value));
  }
  JsonObject& Number(std::string_view key, uint64_t value) {
    return Raw(key, std::to_string(value));
  }
  JsonObject& Real(std::string_view key, double value) { return Raw(key, JsonReal(value)); }
  JsonObject& Flag(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  std::string End() { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

}  // namespace poplar::metrics
