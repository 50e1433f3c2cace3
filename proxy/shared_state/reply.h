#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "proxy/pop3/secret.h"

namespace poplar::shared_state {

// What Redis answers (RESP2).
struct Reply {
  enum class Kind : uint8_t { kText, kNumber, kNil, kError, kList };
  Kind kind = Kind::kNil;
  std::string text;    // kText, kError
  int64_t number = 0;  // kNumber
  std::vector<std::unique_ptr<Reply>> list;

  bool is(Kind wanted) const { return kind == wanted; }
  // Of a list; a nil where there is none.
  const Reply& at(size_t index) const;
  // A number, or a text that is one.
  std::optional<int64_t> AsNumber() const;
};

// Cuts what a connection brings into replies. By hiredis' reader, without its I/O.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  // The error says what is wrong; from there on nothing can be read any more.
  tl::expected<void, std::string> Feed(std::string_view bytes);
  // Null: more is needed.
  tl::expected<std::unique_ptr<Reply>, std::string> Next();

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

// A request as it goes over the wire; it may hold a password.
pop3::Secret RenderRequest(std::span<const std::string_view> words);

}  // namespace poplar::shared_state
