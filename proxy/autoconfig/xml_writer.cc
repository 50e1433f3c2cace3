#include "proxy/autoconfig/xml_writer.h"

#include <cassert>

namespace poplar::autoconfig {
namespace {

void AppendEscaped(std::string& to, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&apos;";
        break;
      default:
        to += c;
    }
  }
}

}  // namespace

XmlWriter::XmlWriter(std::string_view doctype)
    : text_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {
  if (!doctype.empty()) text_.append(doctype) += '\n';
}

void XmlWriter::Open(std::string_view name, Attributes attributes) {
  Indent();
  text_.append("<").append(name);
  for (const auto& [key, value] : attributes) {
    text_.append(" ").append(key).append("=\"");
    AppendEscaped(text_, value);
    text_ += '"';
  }
  text_ += ">\n";
  open_.emplace_back(name);
}

void XmlWriter::Close() {
  assert(!open_.empty());
  const std::string name = std::move(open_.back());
  open_.pop_back();
  Indent();
  text_.append("</").append(name).append(">\n");
}

void XmlWriter::Leaf(std::string_view name, std::string_view text) {
  Indent();
  text_.append("<").append(name);
  if (text.empty()) {
    text_ += "/>\n";
    return;
  }
  text_ += '>';
  AppendEscaped(text_, text);
  text_.append("</").append(name).append(">\n");
}

}  // namespace poplar::autoconfig
