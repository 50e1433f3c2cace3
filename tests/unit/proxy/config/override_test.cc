#include "proxy/config/override.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "proxy/config/config.h"

namespace poplar::config {
namespace {

enum class Fruit { kApple, kPear };
constexpr ChoiceName<Fruit> kFruitNames[] = {{Fruit::kApple, "apple"}, {Fruit::kPear, "pear"}};

struct Sample {
  std::string text = "initial";
  std::string file = "initial";
  bool flag = false;
  int number = 7;
  int other_number = 8;
  Duration time = std::chrono::seconds(1);
  Size size = KiB(1);
  Fruit fruit = Fruit::kApple;

  bool operator==(const Sample&) const = default;
};

template <class Visitor>
void Describe(Visitor& v, Sample& c) {
  v.Text("text", c.text, {});
  v.Path("file", c.file, {});
  v.Flag("flag", c.flag, {});
  v.Integer("number", c.number, {0, 10}, {});
  v.Integer("other_number", c.other_number, {0, 10}, {});
  v.Time("time", c.time, {Duration(0), std::chrono::hours(1)}, {});
  v.Bytes("size", c.size, {KiB(1), MiB(1)}, {});
  v.Choice("fruit", c.fruit, kFruitNames, {});
}

Sample Base() {
  return {"base", "base", true, 1, 2, std::chrono::seconds(3), KiB(4), Fruit::kPear};
}

TEST(Override, OfNothingLeavesEverything) {
  const Override<Sample> nothing;
  EXPECT_TRUE(nothing.empty());
  EXPECT_EQ(Apply(nothing, Base()), Base());
}

TEST(Override, ReplacesWhatItGivesAndNothingElse) {
  const auto apply = [](auto member, const auto& value) {
    Override<Sample> override;
    Set(override, member, value);
    Sample expected = Base();
    expected.*member = value;
    EXPECT_EQ(Apply(override, Base()), expected);
    EXPECT_FALSE(override.empty());
  };
  apply(&Sample::text, std::string("initial"));  // the default is a value like any other
  apply(&Sample::file, std::string("x"));
  apply(&Sample::flag, false);
  apply(&Sample::number, 5);
  apply(&Sample::other_number, 5);
  apply(&Sample::time, Duration(6));
  apply(&Sample::size, KiB(7));
  apply(&Sample::fruit, Fruit::kApple);
}

TEST(Override, KnowsWhatItGives) {
  Override<Sample> override;
  Set(override, &Sample::number, 5);
  Set(override, &Sample::fruit, Fruit::kPear);
  for (std::string_view name : FieldNames<Sample>()) {
    EXPECT_EQ(IsGiven(override, name), name == "number" || name == "fruit") << name;
  }
  EXPECT_FALSE(IsGiven(override, "nothing"));
}

// One bit a field.
TEST(Override, HasRoomForEverySettingThatCanBeOverridden) {
  EXPECT_LE(FieldNames<PoolConfig>().size(), 32u);
  EXPECT_LE(FieldNames<HealthConfig>().size(), 32u);
  EXPECT_LE(FieldNames<ResumeConfig>().size(), 32u);
  EXPECT_LE(FieldNames<UpstreamTimeoutsConfig>().size(), 32u);
}

}  // namespace
}  // namespace poplar::config
