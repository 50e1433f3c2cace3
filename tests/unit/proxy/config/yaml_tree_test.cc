#include "proxy/config/yaml_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::config {
namespace {

using Kind = YamlNode::Kind;

// "map@1:1{a@1:1=scalar@1:4(b)}": every kind and position of a tree in one line.
std::string Show(const YamlNode& node) {
  const std::string at = "@" + std::to_string(node.at.line) + ":" + std::to_string(node.at.column);
  std::string inside;
  for (const YamlEntry& entry : node.entries) {
    inside += (inside.empty() ? "" : " ") + entry.key + "@" + std::to_string(entry.key_at.line) +
              ":" + std::to_string(entry.key_at.column) + "=" + Show(entry.value);
  }
  for (const YamlNode& item : node.items) inside += (inside.empty() ? "" : " ") + Show(item);
  switch (node.kind) {
    case Kind::kNull:
      return "null" + at;
    case Kind::kRejected:
      return "rejected" + at;
    case Kind::kScalar:
      return "(" + node.scalar + ")" + at;
    case Kind::kMap:
      return "{" + inside + "}" + at;
    case Kind::kSequence:
      return "[" + inside + "]" + at;
  }
  return "";
}

TEST(ParseYaml, KeepsPositions) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "null@0:0"},
      {"# only a comment\n", "null@0:0"},
      {"a: b\n", "{a@1:1=(b)@1:4}@1:1"},
      {"---\na: b\n...\n", "{a@2:1=(b)@2:4}@2:1"},
      {"a:\n  - b\n  - 'c d'\n", "{a@1:1=[(b)@2:5 (c d)@3:5]@2:3}@1:1"},
      {"a: {b: 1, c: [2, 3]}\n", "{a@1:1={b@1:5=(1)@1:8 c@1:11=[(2)@1:15 (3)@1:18]@1:14}@1:4}@1:1"},
      {"a:\nb: ~\nc: null\nd: \"null\"\n",
       "{a@1:1=null@1:1 b@2:1=null@2:1 c@3:1=null@3:1 d@4:1=(null)@4:4}@1:1"},
      {"a:\r\n  b: c\r\n", "{a@1:1={b@2:3=(c)@2:6}@2:3}@1:1"},
      {"- \n- a\n-", "[null@1:1 (a)@2:3 null@3:1]@1:1"},
      {"a: 'it''s'\nb: \"x\\\"y\"\n", "{a@1:1=(it's)@1:4 b@2:1=(x\"y)@2:4}@1:1"},
      {"a: no\n", "{a@1:1=(no)@1:4}@1:1"},
      {"a: |\n  x\n  \"y\nb: 1\n", "{a@1:1=(x\n\"y\n)@1:4 b@4:1=(1)@4:4}@1:1"},
      {"\xc3\xa4: \xc3\xb6 # x\n", "{\xc3\xa4@1:1=(\xc3\xb6)@1:5}@1:1"},
  };
  for (const auto& [text, shown] : kCases) {
    const YamlTree tree = ParseYaml(text);
    EXPECT_TRUE(tree.complete) << text;
    EXPECT_EQ(tree.problems.size(), 0u) << text << tree.problems[0].message;
    EXPECT_EQ(Show(tree.root), shown) << text;
  }
}

std::string Show(const Problems& problems) {
  std::string shown;
  for (const Problem& p : problems) {
    shown += std::to_string(p.at.line) + ":" + std::to_string(p.at.column) + " " + p.path + ": " +
             p.message + "\n";
  }
  return shown;
}

TEST(ParseYaml, ReportsEveryDuplicateKeyAndKeepsTheFirst) {
  const YamlTree tree =
      ParseYaml("a: 1\nb:\n  - c: 2\n    c: 3\n    \"c\": 4\na:\n  d: {e: 1, e: 2}\n");
  EXPECT_TRUE(tree.complete);
  EXPECT_EQ(Show(tree.problems),
            "4:5 b[0].c: duplicate key: already given at line 3, column 5\n"
            "5:5 b[0].c: duplicate key: already given at line 3, column 5\n"
            "6:1 a: duplicate key: already given at line 1, column 1\n"
            "7:13 a.d.e: duplicate key: already given at line 7, column 7\n");
  EXPECT_EQ(Show(tree.root), "{a@1:1=(1)@1:4 b@2:1=[{c@3:5=(2)@3:8}@3:5]@3:3}@1:1");
}

TEST(ParseYaml, ReportsWhatAConfigurationIsBetterWithout) {
  const std::pair<const char*, const char*> kCases[] = {
      {"a: &x 1\nb: *x\n",
       "1:4 a: YAML anchors are not supported: \"&x\"\n2:4 b: YAML aliases are not supported\n"},
      {"a: !!int 1\nb: !foo [1]\nc: !foo {d: 1}\n",
       "1:4 a: YAML tags are not supported: \"tag:yaml.org,2002:int\"\n"
       "2:4 b: YAML tags are not supported: \"!foo\"\n"
       "3:4 c: YAML tags are not supported: \"!foo\"\n"},
      {"? [a]\n: 1\nb: 2\n", "1:3 : a key that is not a word\n"},
      {"? {a: 1}\n: {b: 1, b: 2}\n",
       "1:3 : a key that is not a word\n"
       "2:10 \"?\".b: duplicate key: already given at line 2, column 4\n"},
      {"~: 1\n", "1:1 : a key that is not a word\n"},
  };
  for (const auto& [text, shown] : kCases) {
    const YamlTree tree = ParseYaml(text);
    EXPECT_TRUE(tree.complete);
    EXPECT_EQ(Show(tree.problems), shown) << text;
  }
}

TEST(ParseYaml, StopsAtSyntaxErrorsWithTheirPosition) {
  const std::pair<std::string, const char*> kCases[] = {
      {"a: [1, 2\nb: 3\n", "2:2 : not valid YAML: end of sequence flow not found\n"},
      {"a: b: c\n", "1:5 : not valid YAML: illegal map value\n"},
      {"a: 1\n}\n", "2:1 : not valid YAML: illegal flow end\n"},
      {"a: \"1\nb: 2\n", "1:4 a: not valid YAML: a quoted value without its closing quote\n"},
      {"a: '1\n", "1:4 a: not valid YAML: a quoted value without its closing quote\n"},
      {"a: '1''\n", "1:4 a: not valid YAML: a quoted value without its closing quote\n"},
      {"a: \"1\\\"\n", "1:4 a: not valid YAML: a quoted value without its closing quote\n"},
      {"a: \"\\q\"\n", "1:7 : not valid YAML: unknown escape character: q\n"},
      {"a: *b\n", "1:4 : not valid YAML: the referenced anchor is not defined\n"},
      {"a: 1\n---\nb: 2\n", "2:1 : text after the end of the document\n"},
      {"%YAML 9.0\n---\na: 1\n", "1:1 : not valid YAML: YAML major version too large\n"},
      {std::string("a: 1\nb\0: 2\n", 11), "2:2 : a byte that does not belong in a text file\n"},
      {"a: \x1b[1m\n", "1:4 : a byte that does not belong in a text file\n"},
      {"\xff\xfe", "1:1 : a byte that does not belong in a text file\n"},
  };
  for (const auto& [text, shown] : kCases) {
    const YamlTree tree = ParseYaml(text);
    EXPECT_FALSE(tree.complete) << text;
    EXPECT_EQ(Show(tree.problems), shown) << text;
  }
}

TEST(ParseYaml, BoundsTheSize) {
  EXPECT_TRUE(ParseYaml(std::string(kMaxFileBytes, '\n')).complete);
  const YamlTree tree = ParseYaml(std::string(kMaxFileBytes + 1, '\n'));
  EXPECT_FALSE(tree.complete);
  EXPECT_EQ(Show(tree.problems), "0:0 : the file is too large\n");
}

TEST(ParseYaml, BoundsTheDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(ParseYaml(nested(kMaxYamlDepth)).complete);
  for (size_t depth : {kMaxYamlDepth + 1, size_t{1000}, size_t{100'000}}) {
    const YamlTree tree = ParseYaml(nested(depth));
    EXPECT_FALSE(tree.complete);
    ASSERT_EQ(tree.problems.size(), 1u);
    EXPECT_EQ(tree.problems[0].message, "nested too deeply");
    EXPECT_EQ(tree.problems[0].at, (Position{1, static_cast<int>(kMaxYamlDepth) + 1}));
  }
  EXPECT_FALSE(ParseYaml(std::string(100'000, '[')).complete);
  EXPECT_FALSE(ParseYaml(std::string(100'000, '{')).complete);
}

TEST(ParseYaml, BoundsTheNumberOfNodes) {
  std::string text = "[";
  for (size_t i = 1; i < kMaxYamlNodes; ++i) text += "1,";
  EXPECT_TRUE(ParseYaml(text + "]").complete);
  const YamlTree tree = ParseYaml(text + "1]");
  EXPECT_FALSE(tree.complete);
  EXPECT_EQ(tree.problems.at(0).message, "too many values in one file");
}

}  // namespace
}  // namespace poplar::config
