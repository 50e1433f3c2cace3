#include "proxy/config/field_reader.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace poplar::config {
namespace {

enum class Fruit { kApple, kPear };
constexpr ChoiceName<Fruit> kFruitNames[] = {{Fruit::kApple, "apple"}, {Fruit::kPear, "pear"}};

struct Inner {
  std::string name;
};

template <class Visitor>
void Describe(Visitor& v, Inner& c) {
  v.Text("name", c.name, {.required = true});
}

struct Sample {
  std::string text = "initial";
  std::string file = "initial";
  bool flag = false;
  int number = 7;
  Duration time = std::chrono::seconds(1);
  Size size = KiB(1);
  Fruit fruit = Fruit::kApple;
  Inner inner;
  std::vector<Inner> list;
  std::vector<std::string> texts = {"initial"};
};

template <class Visitor>
void Describe(Visitor& v, Sample& c) {
  v.Text("text", c.text, {});
  v.Path("file", c.file, {});
  v.Flag("flag", c.flag, {});
  v.Integer("number", c.number, {-5, 10}, {});
  v.Time("time", c.time, {std::chrono::milliseconds(10), std::chrono::seconds(60)}, {});
  v.Bytes("size", c.size, {KiB(1), MiB(1)}, {});
  v.Choice("fruit", c.fruit, kFruitNames, {});
  v.Section("inner", c.inner, {});
  v.List("list", c.list, {});
  v.Texts("texts", c.texts, {});
}

struct Outcome {
  Sample sample;
  Problems problems;
  Positions positions;

  std::string Messages() const {
    std::string all;
    for (const Problem& p : problems) all += p.path + ": " + p.message + "\n";
    return all;
  }
};

Outcome ReadSample(std::string_view text) {
  Outcome outcome;
  const YamlTree tree = ParseYaml(text);
  EXPECT_TRUE(tree.complete) << text;
  ReadState state = {outcome.problems, outcome.positions, "/etc/poplar/"};
  FieldReader reader(tree.root, "", state);
  Describe(reader, outcome.sample);
  reader.Finish();
  return outcome;
}

TEST(FieldReader, FillsEveryKind) {
  const Outcome o = ReadSample(
      "text: no\nfile: a/b.pem\nflag: yes\nnumber: -5\ntime: 1m\nsize: 1MiB\nfruit: pear\n"
      "inner: {name: x}\nlist: [{name: a}, {name: b}]\n");
  EXPECT_EQ(o.Messages(), "");
  EXPECT_EQ(o.sample.text, "no");  // a text, not Norway's boolean
  EXPECT_EQ(o.sample.file, "/etc/poplar/a/b.pem");
  EXPECT_TRUE(o.sample.flag);
  EXPECT_EQ(o.sample.number, -5);
  EXPECT_EQ(o.sample.time, std::chrono::seconds(60));
  EXPECT_EQ(o.sample.size, MiB(1));
  EXPECT_EQ(o.sample.fruit, Fruit::kPear);
  EXPECT_EQ(o.sample.inner.name, "x");
  ASSERT_EQ(o.sample.list.size(), 2u);
  EXPECT_EQ(o.sample.list[1].name, "b");
  EXPECT_EQ(o.positions.Find("list[1].name"), (Position{9, 26}));
}

TEST(FieldReader, TakesAListOfTextsInPlaceOfTheDefault) {
  const std::vector<std::string> none;
  EXPECT_EQ(ReadSample("texts: []\n").sample.texts, none);
  EXPECT_EQ(ReadSample("texts:\n").sample.texts, std::vector<std::string>{"initial"});
  const Outcome o = ReadSample("texts: [1.2, no,\n  'a b']\n");
  EXPECT_EQ(o.Messages(), "");
  EXPECT_EQ(o.sample.texts, (std::vector<std::string>{"1.2", "no", "a b"}));
  EXPECT_EQ(o.positions.Find("texts[2]"), (Position{2, 3}));
}

TEST(FieldReader, TakesNothingOfAListWithAnItemThatIsNoText) {
  const Outcome o = ReadSample("texts: [a, [b], {c: d}]\n");
  EXPECT_EQ(o.Messages(), "texts[1]: found a list\ntexts[2]: found keys with values\n");
  EXPECT_EQ(o.sample.texts, std::vector<std::string>{"initial"});
  EXPECT_TRUE(o.positions.IsUnread("texts"));
  const Outcome single = ReadSample("texts: a\n");
  EXPECT_EQ(single.Messages(), "texts: found the single value \"a\"\n");
  EXPECT_EQ(single.sample.texts, std::vector<std::string>{"initial"});
}

TEST(FieldReader, LeavesDefaultsWhereNothingIsGiven) {
  const Outcome o = ReadSample("inner:\n  name: x\nlist:\n");
  EXPECT_EQ(o.Messages(), "");
  EXPECT_EQ(o.sample.text, "initial");
  EXPECT_EQ(o.sample.number, 7);
  EXPECT_TRUE(o.sample.list.empty());
}

TEST(FieldReader, AbsolutePathsAndEmptyOnesStay) {
  EXPECT_EQ(ReadSample("file: /a").sample.file, "/a");
  EXPECT_EQ(ReadSample("file: \"\"").sample.file, "");
}

TEST(FieldReader, ReportsEachWrongValueAndKeepsItsDefault) {
  const std::pair<const char*, const char*> kCases[] = {
      {"text: [a]", "text: found a list\n"},
      {"text: {a: b}", "text: found keys with values\n"},
      {"text:", "text: no value\n"},
      {"file: \"a\\0b\"", "file: contains a NUL\n"},
      {"flag: on", "flag: \"on\" is neither yes nor no\n"},
      {"flag: Yes", "flag: \"Yes\" is neither yes nor no\n"},
      {"number: 11", "number: \"11\" is out of bounds\n"},
      {"number: -6", "number: \"-6\" is out of bounds\n"},
      {"number: 99999999999", "number: \"99999999999\" is out of bounds\n"},
      {"number: 0x5", "number: \"0x5\" is not a whole number\n"},
      {"number: 5.0", "number: \"5.0\" is not a whole number\n"},
      {"number: +5", "number: \"+5\" is not a whole number\n"},
      {"number: \"\"", "number: \"\" is not a whole number\n"},
      {"number: 99999999999x", "number: \"99999999999x\" is not a whole number\n"},
      {"time: 9ms", "time: \"9ms\" is out of bounds\n"},
      {"time: 61s", "time: \"61s\" is out of bounds\n"},
      {"time: 5", "time: \"5\" has no unit\n"},
      {"size: 1023B", "size: \"1023B\" is out of bounds\n"},
      {"size: 2MiB", "size: \"2MiB\" is out of bounds\n"},
      {"size: 5KB", "size: unknown unit \"KB\"\n"},
      {"fruit: peer", "fruit: \"peer\" is not one of the choices\n"},
      {"inner: x", "inner: found the single value \"x\"\n"},
      {"inner: [x]", "inner: found a list\n"},
      {"list: {name: x}", "list: found keys with values\n"},
      {"list: [x, {name: y}]", "list[0]: found the single value \"x\"\n"},
      {"list: [[], {}]", "list[0]: found a list\nlist[1].name: required key is missing\n"},
      {"inner: {}", "inner.name: required key is missing\n"},
      {"inner: {name: \"\"}", "inner.name: must not be empty\n"},
  };
  for (const auto& [text, messages] : kCases) {
    const Outcome o = ReadSample(text);
    EXPECT_EQ(o.Messages(), messages) << text;
    for (const Problem& p : o.problems) EXPECT_TRUE(o.positions.IsUnread(p.path)) << text;
    EXPECT_EQ(o.sample.number, 7);
    EXPECT_EQ(o.sample.time, std::chrono::seconds(1));
    EXPECT_EQ(o.sample.size, KiB(1));
    EXPECT_EQ(o.sample.text, "initial");
    EXPECT_EQ(o.sample.file, "initial");
    EXPECT_FALSE(o.sample.flag);
  }
}

TEST(FieldReader, BoundsThemselvesAreAllowed) {
  EXPECT_EQ(ReadSample("number: 10").sample.number, 10);
  EXPECT_EQ(ReadSample("time: 10ms").sample.time, std::chrono::milliseconds(10));
  EXPECT_EQ(ReadSample("size: 1KiB").Messages(), "");
}

TEST(FieldReader, AFaultyItemKeepsItsPlace) {
  const Outcome o = ReadSample("list: [x, {name: y}]");
  ASSERT_EQ(o.sample.list.size(), 2u);
  EXPECT_EQ(o.sample.list[1].name, "y");
}

TEST(FieldReader, NamesUnknownKeysAndWhatWasMeant) {
  const Outcome o = ReadSample("nunber: 5\nzzzzzz: 1\ninner: {nmae: x}\n");
  ASSERT_EQ(o.problems.size(), 3u);
  EXPECT_EQ(o.problems[0].path, "inner.nmae");  // and no "required key is missing" beside it
  EXPECT_EQ(o.problems[0].suggestion, "name");
  EXPECT_EQ(o.problems[1].path, "nunber");
  EXPECT_EQ(o.problems[1].suggestion, "number");
  EXPECT_EQ(o.problems[1].at, (Position{1, 1}));
  EXPECT_EQ(o.problems[2].path, "zzzzzz");
  EXPECT_EQ(o.problems[2].suggestion, "");
  EXPECT_TRUE(o.positions.IsUnread("number"));
  EXPECT_TRUE(o.positions.IsUnread("inner.name"));
}

TEST(FieldReader, AMisspeltTwinOfAGivenKeyDoesNotHideIt) {
  const Outcome o = ReadSample("number: 5\nnunber: 6\n");
  EXPECT_EQ(o.Messages(), "nunber: unknown key\n");
  EXPECT_FALSE(o.positions.IsUnread("number"));
}

TEST(FieldReader, SaysNothingTwiceAboutRejectedYaml) {
  const Outcome o = ReadSample("text: &a x\nfile: *a\ninner: *a\nlist: [*a]\n");
  EXPECT_EQ(o.Messages(), "");  // they stand in YamlTree::problems
  EXPECT_TRUE(o.positions.IsUnread("file"));
  EXPECT_TRUE(o.positions.IsUnread("inner"));
  EXPECT_TRUE(o.positions.IsUnread("list[0]"));
}

}  // namespace
}  // namespace poplar::config
