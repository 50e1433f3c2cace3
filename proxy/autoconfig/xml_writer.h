#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace poplar::autoconfig {

// An XML document, element by element. Texts are escaped; names are this program's own.
class XmlWriter {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // `doctype`: a line behind the declaration; empty: none.
  explicit XmlWriter(std::string_view doctype = {});

  void Open(std::string_view name, Attributes attributes = {});
  void Close();
  // An element with nothing but text in it; without text an empty one.
  void Leaf(std::string_view name, std::string_view text);

  // After the last Close.
  std::string Take() { return std::move(text_); }

 private:
  void Indent() { text_.append(open_.size() * 2, ' '); }

  std::string text_;
  std::vector<std::string> open_;
};

}  // namespace poplar::autoconfig
