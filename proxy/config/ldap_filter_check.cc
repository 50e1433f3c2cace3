#include "proxy/config/ldap_filter_check.h"

#include <algorithm>

namespace poplar::config {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool IsKeyString(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return IsLetter(c) || IsDigit(c) || c == '-'; });
}
bool IsDescriptor(std::string_view text) { return IsKeyString(text) && IsLetter(text.front()); }
// Numbers with dots between them.
bool IsOid(std::string_view text) {
  bool digit = false;
  for (const char c : text) {
    if (!IsDigit(c) && !(c == '.' && digit)) return false;
    digit = c != '.';
  }
  return digit;
}

// Reads a filter from the left; the first mistake ends it.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::string Fault() {
    if (!text_.starts_with('(')) return "does not begin with a (";
    ReadFilter(1);
    if (fault_.empty() && at_ != text_.size()) fault_ = "goes on behind its last )";
    if (fault_.empty() && !names_user_) fault_ = "names no user: %u, %n or %d";
    return fault_;
  }

 private:
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void Fail(std::string_view why) {
    if (fault_.empty()) fault_ = why;
  }

  void ReadFilter(int depth) {
    if (depth > kLdapFilterDepthMax) return Fail("is too deep");
    if (!Take('(')) return Fail("lacks a (");
    if (Take('&') || Take('|')) {
      do {
        ReadFilter(depth + 1);
      } while (fault_.empty() && Next() == '(');
    } else if (Take('!')) {
      ReadFilter(depth + 1);
    } else {
      ReadItem();
    }
    if (fault_.empty() && !Take(')')) Fail("lacks a )");
  }

  // "attribute=value", "attribute:rule:=value" and so on.
  void ReadItem() {
    const size_t equals = std::min(text_.find('=', at_), text_.size());
    if (equals == text_.size()) return Fail("has a condition without =");
    std::string_view attribute = text_.substr(at_, equals - at_);
    at_ = equals + 1;
    const bool plain = attribute.empty() ||
                       std::string_view("~<>:").find(attribute.back()) == std::string_view::npos;
    if (!plain && attribute.back() == ':') {
      attribute.remove_suffix(1);
      if (!IsRule(attribute)) return Fail("has no attribute ahead of a =");
    } else {
      if (!plain) attribute.remove_suffix(1);
      if (!IsLdapAttribute(attribute)) return Fail("has no attribute ahead of a =");
    }
    ReadValue(plain);
  }

  // "attribute", "attribute:dn", "attribute:dn:rule", ":dn:rule", ":rule".
  static bool IsRule(std::string_view text) {
    const size_t colon = std::min(text.find(':'), text.size());
    const bool has_attribute = colon > 0;
    if (has_attribute && !IsLdapAttribute(text.substr(0, colon))) return false;
    text.remove_prefix(colon);
    if (text.starts_with(":dn") && (text.size() == 3 || text[3] == ':')) text.remove_prefix(3);
    if (text.empty()) return has_attribute;
    return text.starts_with(':') && text.find(';') == text.npos && IsLdapAttribute(text.substr(1));
  }

  void ReadValue(bool may_be_part) {
    bool beside_star = false;
    bool beside_user = false;
    for (; at_ < text_.size() && Next() != ')'; ++at_) {
      const char c = text_[at_];
      const bool names_user = c == '%' && at_ + 1 < text_.size() && text_[at_ + 1] != '%';
      if (c == '(') return Fail("has a ( in a value: \\28 there, or a ) is missing ahead of it");
      if (c == '\0') return Fail("has a NUL");
      if (c == '*' && !may_be_part) return Fail("has a * where none may be: \\2a there");
      if (c == '*' && beside_star) return Fail("has two * in a row");
      // It would find others whose names are longer, and everybody where the name is empty.
      if ((c == '*' && beside_user) || (names_user && beside_star))
        return Fail("has a * right beside the user");
      if (c == '\\') ReadEscape();
      if (c == '%') ReadPlaceholder();
      beside_star = c == '*';
      beside_user = names_user;
    }
  }

  void ReadEscape() {
    if (at_ + 2 >= text_.size() || !IsHexDigit(text_[at_ + 1]) || !IsHexDigit(text_[at_ + 2]))
      return Fail("has a \\ without two hexadecimal digits");
    at_ += 2;
  }

  void ReadPlaceholder() {
    const char what = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (what == 'u' || what == 'n' || what == 'd') {
      names_user_ = true;
    } else if (what != '%') {
      return Fail("has a % that is none of %u, %n, %d and %%");
    }
    ++at_;
  }

  const std::string_view text_;
  size_t at_ = 0;
  bool names_user_ = false;
  std::string fault_;
};

}  // namespace

std::string WhyBadLdapFilter(std::string_view text) { return Reader(text).Fault(); }

bool IsLdapAttribute(std::string_view text) {
  const size_t options = std::min(text.find(';'), text.size());
  if (!IsDescriptor(text.substr(0, options)) && !IsOid(text.substr(0, options))) return false;
  for (text.remove_prefix(options); !text.empty();) {
    const size_t end = std::min(text.find(';', 1), text.size());
    if (!IsKeyString(text.substr(1, end - 1))) return false;
    text.remove_prefix(end);
  }
  return true;
}

}  // namespace poplar::config
