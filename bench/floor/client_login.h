#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace poplar::bench {

// What a client says until it is logged in: USER and PASS, a line at a time.
class ClientLogin {
 public:
  static constexpr std::string_view kQuit = "QUIT\r\n";

  enum class Step : uint8_t { kWantsMore, kUser, kPass, kQuit, kFailed };

  // What came, a part of a line or several.
  void Feed(std::string_view plaintext);
  // What the next line is.
  Step Next();

  const std::string& name() const { return name_; }
  // As the client gave it.
  std::string_view line() const { return line_; }
  // What came behind it.
  std::string_view rest() const { return std::string_view(unread_).substr(read_); }

 private:
  std::string unread_;
  size_t read_ = 0;
  std::string_view line_;
  std::string name_;
};

}  // namespace poplar::bench
