#include "metrics/html.h"

#include <gtest/gtest.h>

namespace poplar::metrics {
namespace {

TEST(HtmlTextTest, BeginsAndEndsNothing) {
  EXPECT_EQ(HtmlText("plain, Grüße"), "plain, Grüße");
  EXPECT_EQ(HtmlText("<script>alert('x')</script>"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
  EXPECT_EQ(HtmlText("\" onload=\"&amp;"), "&quot; onload=&quot;&amp;amp;");
}

TEST(HtmlTextTest, ShowsControlCharactersAsUnknown) {
  EXPECT_EQ(HtmlText(std::string_view("a\0b\x1B[1m\x7F", 8)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD[1m\xEF\xBF\xBD");
  EXPECT_EQ(HtmlText("a\tb\r\n"), "a\tb\r\n");
}

TEST(HtmlValuesTest, FillsTexts) {
  EXPECT_EQ(HtmlValues()
                .Text("name", "a<b")
                .Text("title", "\"")
                .Fill("<p title=\"{{title}}\">{{name}}, {{name}}</p>"),
            "<p title=\"&quot;\">a&lt;b, a&lt;b</p>");
}

TEST(HtmlValuesTest, LeavesMarkupAsItIs) {
  EXPECT_EQ(HtmlValues().Markup("rows", "<tr></tr>").Fill("<tbody>{{rows}}</tbody>"),
            "<tbody><tr></tr></tbody>");
}

TEST(HtmlValuesTest, FillsOnceOnly) {
  EXPECT_EQ(HtmlValues().Text("user", "{{secret}}").Text("secret", "x").Fill("{{user}}"),
            "{{secret}}");
}

TEST(HtmlValuesTest, LeavesOtherPlacesAlone) {
  EXPECT_EQ(HtmlValues().Text("a", "1").Fill("{{b}} {{a}} {{ {{a"), "{{b}} 1 {{ {{a");
  EXPECT_EQ(HtmlValues().Fill(""), "");
}

}  // namespace
}  // namespace poplar::metrics
