#include "proxy/io/dns_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace poplar::io {
namespace {

using testing::ElementsAre;

std::string Number(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

// "mail.test" as in a message; what is behind the last label is the caller's.
std::string Labels(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const size_t dot = std::min(name.find('.'), name.size());
    bytes += static_cast<char>(dot);
    bytes += name.substr(0, dot);
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return bytes;
}
std::string Name(std::string_view name) { return Labels(name) + '\0'; }

std::string Record(unsigned type, unsigned ttl, const std::string& data, unsigned of_class = 1) {
  return "\xc0\x0c" + Number(type) + Number(of_class) + Number(ttl >> 16) + Number(ttl & 0xffff) +
         Number(static_cast<unsigned>(data.size())) + data;
}
std::string Srv(unsigned priority, unsigned weight, unsigned port, const std::string& target,
                unsigned ttl = 60) {
  return Record(33, ttl, Number(priority) + Number(weight) + Number(port) + target);
}

// An answer to a question for mail.test: the name is at 12, "test" at 17.
std::string Message(const std::vector<std::string>& records) {
  std::string bytes = "id\x81\x80" + Number(1) + Number(static_cast<unsigned>(records.size())) +
                      Number(0) + Number(0) + Name("mail.test") + Number(1) + Number(1);
  for (const std::string& record : records) bytes += record;
  return bytes;
}

const std::string kFour("\xc0\0\2\1", 4);
const std::string kSix("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);

tl::expected<HostAddresses, DnsFault> ReadFour(const std::string& message) {
  return ReadHostAnswer(message, DnsType::kA, 110);
}

TEST(ReadHostAnswer, ReadsAddressesAndTheLeastTtl) {
  const std::string message = Message({Record(5, 40, Name("x")), Record(1, 60, kFour),
                                       Record(1, 50, "\x7f" + std::string("\0\0\1", 3)),
                                       Record(1, 70, kFour), Record(16, 1, "a text")});
  const auto four = ReadFour(message);
  ASSERT_TRUE(four);
  ASSERT_EQ(four->addresses.size(), 2u);
  EXPECT_EQ(four->addresses[0].Text(), "127.0.0.1:110");
  EXPECT_EQ(four->addresses[1].Text(), "192.0.2.1:110");
  EXPECT_EQ(four->ttl, std::chrono::seconds(40));
  const auto six = ReadHostAnswer(Message({Record(28, 9, kSix)}), DnsType::kAaaa, 995);
  ASSERT_TRUE(six);
  EXPECT_EQ(six->addresses[0].Text(), "[2001:db8::1]:995");
}

TEST(ReadHostAnswer, TakesATtlWithItsHighestBitForNone) {
  EXPECT_EQ(ReadFour(Message({Record(1, 0x80000001, kFour)}))->ttl, Duration::zero());
  EXPECT_EQ(ReadFour(Message({Record(1, 0x7fffffff, kFour)}))->ttl,
            std::chrono::seconds(0x7fffffff));
}

TEST(ReadHostAnswer, SaysWhenThereIsNothingOfTheType) {
  for (const auto& records : {std::vector<std::string>{},
                              {Record(28, 60, kSix)},
                              {Record(5, 60, Name("x"))},
                              {Record(1, 60, kFour, 3)}}) {
    const auto host = ReadFour(Message(records));
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error(), DnsFault::kNothing);
  }
}

TEST(ReadHostAnswer, TakesNothingOfWhatItCannotReadToTheEnd) {
  const std::string good = Message({Record(1, 60, kFour), Record(1, 60, kFour)});
  for (size_t size = 0; size < good.size(); ++size) {
    const auto host = ReadFour(good.substr(0, size));
    // Up to the number of answers nothing is promised.
    if (host || size >= 8) ASSERT_FALSE(host) << size;
    if (size >= 8) EXPECT_EQ(host.error(), DnsFault::kNonsense) << size;
  }
  for (const std::string& data : {kFour.substr(1), kFour + "x", std::string()}) {
    EXPECT_EQ(ReadFour(Message({Record(1, 60, kFour), Record(1, 60, data)})).error(),
              DnsFault::kNonsense);
  }
}

TEST(ReadHostAnswer, KeepsTheSameOnesOfTooMany) {
  std::vector<std::string> records;
  for (unsigned i = 0; i < kAddressesMax + 40; ++i) {
    records.push_back(Record(1, 60, "\x0a" + std::string(1, '\0') + Number(i)));
  }
  const auto forth = ReadFour(Message(records));
  ASSERT_EQ(forth->addresses.size(), kAddressesMax);
  const auto back = ReadFour(Message({records.rbegin(), records.rend()}));
  EXPECT_EQ(forth->addresses, back->addresses);
}

TEST(ReadServiceAnswer, ReadsTargetsWithCompressedNames) {
  const std::string test = "\xc0\x11";  // "test" in the question
  const auto service = ReadServiceAnswer(Message(
      {Srv(20, 1, 110, Name("spare.example")), Srv(10, 5, 1110, Labels("Node-1") + test, 30),
       Srv(10, 0, 110, "\xc0\x0c"), Srv(10, 0, 110, "\xc0\x0c")}));
  ASSERT_TRUE(service);
  ASSERT_EQ(service->targets.size(), 3u);
  EXPECT_EQ(service->targets[0].host, "mail.test");
  EXPECT_EQ(service->targets[1].host, "node-1.test");
  EXPECT_EQ(service->targets[1].port, 1110);
  EXPECT_EQ(service->targets[1].weight, 5);
  EXPECT_EQ(service->targets[2].host, "spare.example");
  EXPECT_EQ(service->targets[2].priority, 20);
  EXPECT_EQ(service->ttl, std::chrono::seconds(30));
}

TEST(ReadServiceAnswer, SaysWhenTheServiceIsNotOffered) {
  EXPECT_EQ(ReadServiceAnswer(Message({Srv(0, 0, 0, Name(""))})).error(), DnsFault::kNothing);
}

TEST(ReadServiceAnswer, RefusesNamesThatAreNone) {
  const std::string long_label(64, 'a');
  std::string long_name;
  for (int i = 0; i < 26; ++i) long_name += "123456789.";
  for (const std::string& target :
       {Name("a b"), Name(std::string("a\0b", 3)), Name("ä"), Name(long_label), Name(long_name),
        std::string("\x02"
                    "a.\0",
                    4),
        std::string("\x80\0", 2), std::string("\xc0", 1), Name("mail.test") + "x",
        Labels("mail.test")}) {
    EXPECT_EQ(ReadServiceAnswer(Message({Srv(0, 0, 110, target)})).error(), DnsFault::kNonsense)
        << testing::PrintToString(target);
  }
}

TEST(ReadServiceAnswer, EndsWhereverPointersLead) {
  // To itself, ahead, and from one to the other.
  const size_t at = Message({Srv(0, 0, 110, "")}).size();
  for (const size_t to : {at, at + 1, at + 100, at + 2}) {
    const std::string target = Number(0xc000 | static_cast<unsigned>(to));
    EXPECT_EQ(ReadServiceAnswer(Message({Srv(0, 0, 110, target + target)})).error(),
              DnsFault::kNonsense);
  }
}

TEST(IsDnsName, KnowsNames) {
  const std::string label(63, 'a');
  for (const std::string& good :
       {std::string("mail"), std::string("mail.test."), std::string("_pop3._tcp.mail-1.test"),
        label, label + "." + label + "." + label + "." + std::string(61, 'b')}) {
    EXPECT_TRUE(IsDnsName(good)) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a b"),
        std::string("a\0", 2), std::string("a\\.b"), label + "a", std::string("fe80::1%eth0"),
        label + "." + label + "." + label + "." + std::string(62, 'b')}) {
    EXPECT_FALSE(IsDnsName(bad)) << bad;
  }
}

}  // namespace
}  // namespace poplar::io
