#include "proxy/io/cares_resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "proxy/io/dns_answer.h"
#include "tests/unit/proxy/io/name_server.h"
#include "tests/unit/proxy/io/real_world.h"

namespace poplar::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using Kind = ResolveError::Kind;
using HostResult = tl::expected<HostAddresses, ResolveError>;
using ServiceResult = tl::expected<ServiceTargets, ResolveError>;

constexpr int kServfail = 2;
constexpr int kFormerr = 1;

std::vector<std::string> Texts(const HostResult& host) {
  std::vector<std::string> texts;
  if (!host) return {"fault: " + host.error().text};
  for (const Address& each : host->addresses) texts.push_back(each.Text());
  return texts;
}

std::vector<std::string> Texts(const ServiceResult& service) {
  std::vector<std::string> texts;
  if (!service) return {"fault: " + service.error().text};
  for (const ServiceTarget& each : service->targets) {
    texts.push_back(std::to_string(each.priority) + " " + std::to_string(each.weight) + " " +
                    each.host + ":" + std::to_string(each.port));
  }
  return texts;
}

// A record that belongs to the question's name: 192.0.2.1, for 30 s.
const std::string kRecordA("\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\1", 16);

class CaresResolverTest : public RealWorldTest {
 protected:
  static std::unique_ptr<CaresResolver> Asking(ResolverOptions options) {
    auto resolver = CaresResolver::Create(options);
    EXPECT_TRUE(resolver) << resolver.error();
    return std::move(*resolver);
  }
  static std::unique_ptr<CaresResolver> Asking(std::vector<std::string> servers) {
    return Asking({.name_servers = std::move(servers)});
  }
  // One that doesn't wait long.
  static std::unique_ptr<CaresResolver> Hasty(std::vector<std::string> servers, int tries = 2) {
    return Asking({.name_servers = std::move(servers),
                   .timeout = std::chrono::milliseconds(100),
                   .tries = tries});
  }

  HostResult LookUp(Resolver& resolver, const std::string& name) {
    std::optional<HostResult> result;
    Run([](CaresResolverTest& test, Resolver& asked, std::string host,
           std::optional<HostResult>& to) -> Task<void> {
      to = co_await asked.LookUpHost(*test.proactor_, std::move(host), 110);
    }(*this, resolver, name, result));
    return *result;
  }
  ServiceResult LookUpService(Resolver& resolver, const std::string& name) {
    std::optional<ServiceResult> result;
    Run([](CaresResolverTest& test, Resolver& asked, std::string service,
           std::optional<ServiceResult>& to) -> Task<void> {
      to = co_await asked.LookUpService(*test.proactor_, std::move(service));
    }(*this, resolver, name, result));
    return *result;
  }
  void ExpectFailed(Resolver& resolver, const std::string& text) {
    const HostResult host = LookUp(resolver, "mail.test");
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().kind, Kind::kFailed);
    EXPECT_THAT(host.error().text, HasSubstr(text));
  }
  // All of them at once; how many ended in which way is counted.
  struct Counts {
    int found = 0;
    int failed = 0;
    int stopped = 0;
  };
  Task<void> Count(Resolver& resolver, std::string name, Counts& counts) {
    const HostResult host = co_await resolver.LookUpHost(*proactor_, std::move(name), 110);
    if (host) {
      ++counts.found;
    } else {
      ++(host.error().kind == Kind::kStopped ? counts.stopped : counts.failed);
    }
  }
};

TEST_F(CaresResolverTest, FindsTheAddressesOfBothFamiliesWithTheirTtl) {
  const NameServer server({{"both.test", {"192.0.2.1", "192.0.2.2", "2001:db8::1"}},
                           {"four.test", {"192.0.2.4"}},
                           {"six.test", {"2001:db8::6"}}});
  const auto resolver = Asking({server.address()});
  const HostResult both = LookUp(*resolver, "both.test");
  EXPECT_THAT(Texts(both),
              UnorderedElementsAre("192.0.2.1:110", "192.0.2.2:110", "[2001:db8::1]:110"));
  EXPECT_EQ(both->ttl, std::chrono::seconds(60));
  EXPECT_TRUE(both->whole);
  EXPECT_THAT(Texts(LookUp(*resolver, "Four.Test.")), ElementsAre("192.0.2.4:110"));
  EXPECT_THAT(Texts(LookUp(*resolver, "six.test")), ElementsAre("[2001:db8::6]:110"));
}

TEST_F(CaresResolverTest, FollowsAliasesAndTakesTheLeastTtl) {
  const NameServer server({{"real.test", {"192.0.2.1"}}},
                          {"--cname=alias.test,middle.test,50", "--cname=middle.test,real.test,7"});
  const auto resolver = Asking({server.address()});
  const HostResult host = LookUp(*resolver, "alias.test");
  EXPECT_THAT(Texts(host), ElementsAre("192.0.2.1:110"));
  EXPECT_EQ(host->ttl, std::chrono::seconds(7));
}

TEST_F(CaresResolverTest, FindsServices) {
  const NameServer server({}, {"--srv-host=_pop3._tcp.test,One.test,110,10,5",
                               "--srv-host=_pop3._tcp.test,two.test,1110,10,0",
                               "--srv-host=_pop3._tcp.test,spare.test,110,20,1"});
  const auto resolver = Asking({server.address()});
  const ServiceResult service = LookUpService(*resolver, "_pop3._tcp.test");
  EXPECT_THAT(Texts(service),
              ElementsAre("10 5 one.test:110", "10 0 two.test:1110", "20 1 spare.test:110"));
  EXPECT_EQ(service->ttl, std::chrono::seconds(60));
}

TEST_F(CaresResolverTest, TellsNoSuchNameAndNothingOfTheTypeFromAFailure) {
  const NameServer server({}, {"--txt-record=bare.test,none"});
  const auto resolver = Asking({server.address()});
  for (const char* name : {"none.test", "bare.test"}) {
    const HostResult host = LookUp(*resolver, name);
    ASSERT_FALSE(host);
    EXPECT_EQ(host.error().kind, Kind::kNotFound);
    EXPECT_EQ(host.error().text,
              name + std::string(" (A, AAAA): no such record; asked ") + server.address());
    const ServiceResult service = LookUpService(*resolver, name);
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().kind, Kind::kNotFound);
    EXPECT_THAT(service.error().text, HasSubstr("(SRV): no such record"));
  }
}

TEST_F(CaresResolverTest, FailsWhereNobodyListens) {
  const auto resolver = Hasty({"127.0.0.1:" + std::to_string(FreePort())});
  ExpectFailed(*resolver, "no name server can be reached");
}

TEST_F(CaresResolverTest, FailsWhereTheServerRefuses) {
  const NameServer server({}, {}, NameServer::Others::kAreRefused);
  ExpectFailed(*Hasty({server.address()}), "REFUSED");
}

TEST_F(CaresResolverTest, FailsWhereTheServerFails) {
  const ScriptedNameServer server(
      [](const std::string& question) { return ScriptedNameServer::Answer(question, kServfail); });
  ExpectFailed(*Hasty({server.address()}), "SERVFAIL");
}

TEST_F(CaresResolverTest, WaitsForASilentServerAsLongAsItIsTold) {
  const ScriptedNameServer server([](const std::string&) { return std::string(); });
  const Time start = clock_.Now();
  ExpectFailed(*Hasty({server.address()}), "no answer in time; asked " + server.address());
  // Twice, the second time twice as long.
  EXPECT_GE(clock_.Now() - start, std::chrono::milliseconds(290));
}

TEST_F(CaresResolverTest, HasAPatienceForTheWholeQuestion) {
  const ScriptedNameServer server([](const std::string&) { return std::string(); });
  const auto resolver = Asking({.name_servers = {server.address()},
                                .timeout = std::chrono::hours(1),
                                .patience = std::chrono::milliseconds(50)});
  ExpectFailed(*resolver, "mail.test (A, AAAA): no answer within 0 s; asked ");
  // And another one meanwhile.
  ExpectFailed(*resolver, "no answer within 0 s");
}

TEST_F(CaresResolverTest, AsksTheNextServer) {
  const ScriptedNameServer silent([](const std::string&) { return std::string(); });
  const NameServer refusing({}, {}, NameServer::Others::kAreRefused);
  const NameServer server({{"mail.test", {"192.0.2.1"}}});
  const auto resolver = Hasty({silent.address(), refusing.address(), server.address()});
  const HostResult host = LookUp(*resolver, "mail.test");
  EXPECT_THAT(Texts(host), ElementsAre("192.0.2.1:110"));
  EXPECT_TRUE(host->whole);
}

TEST_F(CaresResolverTest, FetchesByTcpWhatIsTooLong) {
  Hosts hosts;
  for (int i = 0; i < 300; ++i) {
    hosts["mail.test"].push_back("10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200));
  }
  const NameServer server(hosts);
  const auto resolver = Asking({server.address()});
  const HostResult first = LookUp(*resolver, "mail.test");
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(first->addresses.size(), kAddressesMax);
  // Which ones are left out doesn't hang on the order in which dnsmasq gives them, another each
  // time.
  EXPECT_EQ(Texts(LookUp(*resolver, "mail.test")), Texts(first));
}

TEST_F(CaresResolverTest, SaysWhenOneFamilyIsUnknown) {
  const ScriptedNameServer server([](const std::string& question) {
    if (ScriptedNameServer::TypeOf(question) != 1) {
      return ScriptedNameServer::Answer(question, kServfail);
    }
    return ScriptedNameServer::Answer(question, 0, 1, kRecordA);
  });
  const HostResult host = LookUp(*Hasty({server.address()}), "mail.test");
  EXPECT_THAT(Texts(host), ElementsAre("192.0.2.1:110"));
  EXPECT_EQ(host->ttl, std::chrono::seconds(30));
  EXPECT_FALSE(host->whole);
}

TEST_F(CaresResolverTest, FailsWhenOneFamilyIsUnknownAndTheOtherEmpty) {
  const ScriptedNameServer server([](const std::string& question) {
    const int rcode = ScriptedNameServer::TypeOf(question) == 1 ? kServfail : 0;
    return ScriptedNameServer::Answer(question, rcode);
  });
  ExpectFailed(*Hasty({server.address()}), "mail.test (A): ");
}

TEST_F(CaresResolverTest, TakesNothingFromAnAnswerThatItCannotRead) {
  const ScriptedNameServer server([](const std::string& question) {
    return ScriptedNameServer::Answer(question, 0, 2, kRecordA);  // one of two
  });
  ExpectFailed(*Hasty({server.address()}), "an answer that cannot be read; asked ");
}

TEST_F(CaresResolverTest, AsksServersThatKnowNoEdns) {
  const ScriptedNameServer server([](const std::string& question) {
    if (ScriptedNameServer::HasEdns(question)) {
      return ScriptedNameServer::Answer(question, kFormerr);
    }
    return ScriptedNameServer::Answer(question, 0, 1, kRecordA);
  });
  const auto resolver = Hasty({server.address()});
  // The first question shows it, and may fail in part.
  (void)LookUpService(*resolver, "_pop3._tcp.test");
  const HostResult host = LookUp(*resolver, "mail.test");
  EXPECT_THAT(Texts(host), ElementsAre("192.0.2.1:110"));
}

TEST_F(CaresResolverTest, AnswersAddressesAndNonsenseItself) {
  const auto resolver = Asking({"127.0.0.1:" + std::to_string(FreePort())});
  const HostResult four = LookUp(*resolver, "192.0.2.7");
  EXPECT_THAT(Texts(four), ElementsAre("192.0.2.7:110"));
  EXPECT_GT(four->ttl, std::chrono::hours(24 * 365));
  EXPECT_THAT(Texts(LookUp(*resolver, "[2001:db8::7]")), ElementsAre("[2001:db8::7]:110"));
  const HostResult none = LookUp(*resolver, "mail server");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Kind::kFailed);
  EXPECT_THAT(none.error().text, HasSubstr("\"mail server\" is no name"));
}

TEST_F(CaresResolverTest, RefusesWhatIsNoNameServer) {
  for (const char* text : {"ns.test", "", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1,"}) {
    const auto resolver = CaresResolver::Create({.name_servers = {text}});
    ASSERT_FALSE(resolver) << text;
    EXPECT_THAT(resolver.error(), HasSubstr("is no name server")) << text;
  }
}

TEST_F(CaresResolverTest, AnswersManyAtOnceAndOtherThreadsToo) {
  Hosts hosts;
  for (int i = 0; i < 500; ++i) hosts["host" + std::to_string(i) + ".test"] = {"192.0.2.1"};
  const NameServer server(hosts);
  const auto resolver = Asking({server.address()});
  std::thread beside([&] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(resolver->LookUpHostNow("host" + std::to_string(i) + ".test", 110));
    }
  });
  Counts counts;
  {
    TaskScope scope(proactor_->ready());
    for (int i = 0; i < 500; ++i) {
      scope.Spawn(Count(*resolver, "host" + std::to_string(i) + ".test", counts));
    }
    Run([](CaresResolverTest& test, TaskScope& all) -> Task<void> {
      while (all.count() > 0) co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
    }(*this, scope));
  }
  beside.join();
  EXPECT_EQ(counts.found, 500);
}

TEST_F(CaresResolverTest, BoundsTheQuestionsUnderWayAndEndsThemAllOnStop) {
  const ScriptedNameServer server([](const std::string&) { return std::string(); });
  const auto resolver = Asking({.name_servers = {server.address()},
                                .timeout = std::chrono::hours(1),
                                .patience = std::chrono::hours(1)});
  Counts counts;
  TaskScope scope(proactor_->ready());
  for (size_t i = 0; i < kQuestionsMax + 3; ++i) {
    scope.Spawn(Count(*resolver, "mail.test", counts));
  }
  Run([](CaresResolverTest& test, CaresResolver& asked, TaskScope& all,
         Counts& ended) -> Task<void> {
    while (ended.failed < 3) co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
    EXPECT_EQ(all.count(), kQuestionsMax);
    asked.Stop();
    while (all.count() > 0) co_await test.proactor_->Sleep(std::chrono::milliseconds(1));
  }(*this, *resolver, scope, counts));
  EXPECT_EQ(counts.failed, 3);
  EXPECT_EQ(counts.stopped, int{kQuestionsMax});
  const HostResult later = LookUp(*resolver, "mail.test");
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, Kind::kStopped);
}

TEST_F(CaresResolverTest, MakesRoomAgainWhenQuestionsEnd) {
  const NameServer server({{"mail.test", {"192.0.2.1"}}});
  const auto resolver = Asking({server.address()});
  for (size_t i = 0; i < kQuestionsMax + 10; ++i) {
    const HostResult host = resolver->LookUpHostNow("mail.test", 110);
    ASSERT_TRUE(host) << i << ": " << host.error().text;
  }
}

// As the system does it, by files of the test's own.
class SystemResolverTest : public CaresResolverTest {
 protected:
  void SetUp() override {
    CaresResolverTest::SetUp();
    std::string name = testing::TempDir() + "resolver_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    CaresResolverTest::TearDown();
  }
  void Write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_ / (file + ".new")) << text;
    std::filesystem::rename(folder_ / (file + ".new"), folder_ / file);
  }
  ResolverOptions Options(const NameServer& server) const {
    return {.hosts_file = folder_ / "hosts",
            .resolv_conf = folder_ / "resolv.conf",
            .default_port = server.port()};
  }

  std::filesystem::path folder_;
};

TEST_F(SystemResolverTest, TriesTheSearchListBeforeNamesWithFewDots) {
  const NameServer server({{"mail", {"192.0.2.1"}},
                           {"pop.mail", {"192.0.2.2"}},
                           {"pop.mail.svc.test", {"192.0.2.3"}},
                           {"pop.mail.test", {"192.0.2.4"}},
                           {"a.b.c", {"192.0.2.5"}},
                           {"a.b.c.test", {"192.0.2.6"}}});
  Write("resolv.conf", "nameserver 127.0.0.1\nsearch svc.test test\noptions ndots:2\n");
  const auto resolver = Asking(Options(server));
  EXPECT_THAT(Texts(LookUp(*resolver, "mail")), ElementsAre("192.0.2.1:110"));
  EXPECT_THAT(Texts(LookUp(*resolver, "pop.mail")), ElementsAre("192.0.2.3:110"));
  EXPECT_THAT(Texts(LookUp(*resolver, "pop.mail.")), ElementsAre("192.0.2.2:110"));
  EXPECT_THAT(Texts(LookUp(*resolver, "a.b.c")), ElementsAre("192.0.2.5:110"));
  const HostResult none = LookUp(*resolver, "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Kind::kNotFound);
  EXPECT_EQ(none.error().text, "none (A, AAAA): no such record; asked " + server.address() +
                                   " for none.svc.test, none.test, none");
  // Services are absolute.
  EXPECT_FALSE(LookUpService(*resolver, "pop.mail"));
}

TEST_F(SystemResolverTest, SeesAnotherResolvConf) {
  const NameServer server({{"mail.one.test", {"192.0.2.1"}}, {"mail.two.test", {"192.0.2.2"}}});
  Write("resolv.conf", "nameserver 127.0.0.1\nsearch one.test\n");
  const auto resolver = Asking(Options(server));
  EXPECT_THAT(Texts(LookUp(*resolver, "mail")), ElementsAre("192.0.2.1:110"));
  Write("resolv.conf", "nameserver 127.0.0.1\nsearch two.test\n");
  EXPECT_THAT(Texts(LookUp(*resolver, "mail")), ElementsAre("192.0.2.2:110"));
}

TEST_F(SystemResolverTest, AsksTheHostsFileFirst) {
  const NameServer server({{"mail", {"192.0.2.1"}}});
  Write("resolv.conf", "nameserver 127.0.0.1\n");
  Write("hosts", "198.51.100.1 other Mail\n2001:db8::1\tmail # here\n");
  ResolverOptions options = Options(server);
  EXPECT_THAT(Texts(LookUp(*Asking(options), "mail")),
              ElementsAre("198.51.100.1:110", "[2001:db8::1]:110"));
  options.name_servers = {server.address()};
  EXPECT_THAT(Texts(LookUp(*Asking(options), "mail")), ElementsAre("192.0.2.1:110"));
}

TEST_F(CaresResolverTest, AsksOnceAndWaitsWithoutAWorker) {
  const NameServer server({{"mail.test", {"192.0.2.1"}}}, {"--srv-host=_pop3._tcp.test,a.test,1"});
  const ResolverOptions options{.name_servers = {server.address()}};
  EXPECT_THAT(Texts(LookUpHostNow(options, "mail.test", 995)), ElementsAre("192.0.2.1:995"));
  EXPECT_THAT(Texts(LookUpServiceNow(options, "_pop3._tcp.test")), ElementsAre("0 0 a.test:1"));
  EXPECT_FALSE(LookUpHostNow({.name_servers = {"nowhere"}}, "mail.test", 995));
}

}  // namespace
}  // namespace poplar::io
