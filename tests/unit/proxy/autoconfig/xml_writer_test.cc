#include "proxy/autoconfig/xml_writer.h"

#include <gtest/gtest.h>

namespace poplar::autoconfig {
namespace {

TEST(XmlWriter, NestsAndEscapes) {
  XmlWriter xml("<!DOCTYPE a>");
  xml.Open("a", {{"x", "\"<&'>"}, {"y", "1"}});
  xml.Leaf("b", "<>&\"'");
  xml.Open("c");
  xml.Leaf("d", "");
  xml.Close();
  xml.Close();
  EXPECT_EQ(xml.Take(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<!DOCTYPE a>\n"
            "<a x=\"&quot;&lt;&amp;&apos;&gt;\" y=\"1\">\n"
            "  <b>&lt;&gt;&amp;&quot;&apos;</b>\n"
            "  <c>\n"
            "    <d/>\n"
            "  </c>\n"
            "</a>\n");
}

}  // namespace
}  // namespace poplar::autoconfig
