#include "metrics/exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "tests/unit/metrics/sample_dimensions.h"

namespace poplar::metrics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

class ExporterTest : public testing::Test {
 protected:
  const Layout layout_{SampleDimensions()};
  Shard first_{layout_};
  Shard second_{layout_};
  const Exporter exporter_{
      layout_, {&first_, &second_}, {{"version", "0.1"}, {"compiler", "a \"b\" \\c"}}};
};

TEST_F(ExporterTest, PromtoolFindsNothingToComplainAbout) {
  first_.Observe(kSessionDuration, seconds(5000));
  first_.GaugeAdd(kSessionsActive, -1, Listener{0});
  const std::string path = testing::TempDir() + "poplar_exporter_test.prom";
  std::ofstream(path) << exporter_.Text();
  // A missing promtool is a failure too: it belongs to what the tests need.
  EXPECT_EQ(std::system(("promtool check metrics < " + path).c_str()), 0);
  std::remove(path.c_str());
}

TEST_F(ExporterTest, AddsTheShardsUp) {
  first_.Add(kLogins, 2, Listener{1}, LoginResult::kOk, Mechanism::kPlain);
  second_.Add(kLogins, 3, Listener{1}, LoginResult::kOk, Mechanism::kPlain);
  first_.GaugeAdd(kNodeSessionsActive, 5, Node{1});  // a session that ended on another worker
  second_.GaugeAdd(kNodeSessionsActive, -4, Node{1});
  const std::string text = exporter_.Text();
  EXPECT_THAT(text, HasSubstr("\npoplar_logins_total{listener=\"pop3s-v6\",result=\"ok\",mechanism="
                              "\"PLAIN\"} 5\n"));
  EXPECT_THAT(text,
              HasSubstr("\npoplar_node_sessions_active{cluster=\"main\",node=\"mail2\"} 1\n"));
}

TEST_F(ExporterTest, NegativeGaugesStayNegative) {
  first_.GaugeAdd(kBuffersInUse, -7);
  EXPECT_THAT(exporter_.Text(), HasSubstr("\npoplar_buffers_in_use -7\n"));
}

TEST_F(ExporterTest, HistogramsAreCumulativeInSeconds) {
  first_.Observe(kLoginDuration, milliseconds(1), LoginResult::kOk);
  first_.Observe(kLoginDuration, milliseconds(700), LoginResult::kOk);
  second_.Observe(kLoginDuration, milliseconds(800), LoginResult::kOk);
  second_.Observe(kLoginDuration, seconds(60), LoginResult::kOk);
  const std::string text = exporter_.Text();
  const std::string name = "\npoplar_login_duration_seconds";
  for (const char* line :
       {"_bucket{result=\"ok\",le=\"0.0005\"} 0\n", "_bucket{result=\"ok\",le=\"0.001\"} 1\n",
        "_bucket{result=\"ok\",le=\"0.5\"} 1\n", "_bucket{result=\"ok\",le=\"1\"} 3\n",
        "_bucket{result=\"ok\",le=\"30\"} 3\n", "_bucket{result=\"ok\",le=\"+Inf\"} 4\n",
        "_count{result=\"ok\"} 4\n", "_sum{result=\"ok\"} 61.501"}) {
    EXPECT_THAT(text, HasSubstr(name + line));
  }
}

TEST_F(ExporterTest, EverySeriesExistsFromTheStart) {
  const std::string text = exporter_.Text();
  for (const InstrumentSpec& spec : Specs()) {
    const std::string name = spec.name;
    EXPECT_THAT(text, HasSubstr("# HELP " + name + " " + spec.help + "\n"));
    EXPECT_THAT(text, HasSubstr("# TYPE " + name + " "));
  }
  for (const char* line :
       {"poplar_connections_total{listener=\"pop3s-v6\"} 0",
        "poplar_connections_rejected_total{listener=\"pop3s\",reason=\"drain\"} 0",
        "poplar_sessions_ended_total{reason=\"node_eof\",side=\"node\"} 0",
        "poplar_tls_handshakes_total{result=\"timeout\",version=\"none\",resumed=\"no\"} 0",
        "poplar_logins_total{listener=\"pop3s\",result=\"backend_unavailable\",mechanism=\"USER\"} "
        "0",
        "poplar_bytes_total{side=\"upstream\",direction=\"sent\"} 0",
        "poplar_commands_total{command=\"RETR\",result=\"err\"} 0",
        "poplar_node_connect_failures_total{cluster=\"other\",node=\"mail1\",reason=\"greeting\"} "
        "0",
        "poplar_cluster_panic{cluster=\"other\"} 0",
        "poplar_login_retries_total{reason=\"in_use\"} 0",
        "poplar_node_admin_state{cluster=\"main\",node=\"mail2\",state=\"drain\"} 0",
        "poplar_node_in_service{cluster=\"main\",node=\"mail2\"} 0",
        "poplar_node_probe_duration_seconds_count{result=\"error\"} 0",
        "poplar_node_probes_total{cluster=\"main\",node=\"mail1\",result=\"ok\"} 0",
        "poplar_node_state{cluster=\"main\",node=\"mail1\",state=\"ejected\"} 0",
        "poplar_node_transitions_total{cluster=\"main\",node=\"mail1\",cause=\"failure_ratio\"} 0",
        "poplar_pool_connections{cluster=\"main\",node=\"mail1\",kind=\"in_use\"} 0",
        "poplar_pool_parked_outcomes_total{cluster=\"main\",node=\"mail1\",outcome=\"dead\"} 0",
        "poplar_pool_parks_total{cluster=\"main\",node=\"mail1\",result=\"parked\"} 0",
        "poplar_pool_slots{cluster=\"main\",node=\"mail1\"} 0",
        "poplar_pool_snapshot_age_seconds_bucket{le=\"5\"} 0",
        "poplar_pool_takes_total{cluster=\"main\",node=\"mail1\",source=\"warm\"} 0",
        "poplar_pool_wait_seconds_bucket{result=\"timeout\",le=\"15\"} 0",
        "poplar_pool_waiting{cluster=\"main\",node=\"mail1\"} 0",
        "poplar_pool_warm_opened_total{cluster=\"main\",node=\"mail1\",result=\"error\"} 0",
        "poplar_login_stage_duration_seconds_count{stage=\"auth\"} 0",
        "poplar_command_duration_seconds_count{class=\"retr\"} 0",
        "poplar_certificate_not_after_timestamp_seconds{certificate=\"default\"} 0"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line) + "\n"));
  }
}

// --- seats

class SeatExporterTest : public testing::Test {
 protected:
  static Dimensions WithSeats() {
    Dimensions dimensions = SampleDimensions();
    dimensions.nodes = {{"main", "mail1"}, {"pods", ""}, {"pods", ""}};
    return dimensions;
  }
  const Layout layout_{WithSeats()};
  Shard shard_{layout_};
  Exporter::Names names_{"mail1", std::nullopt, std::nullopt};
  Exporter exporter_{layout_, {&shard_}, {}, [this] { return names_; }};
};

TEST_F(SeatExporterTest, ASeatHasTheNameOfWhoeverHasIt) {
  shard_.Add(kFailovers, 3, Node{1});
  EXPECT_THAT(exporter_.Text(), HasSubstr("\npoplar_failovers_total{cluster=\"main\""));
  EXPECT_THAT(exporter_.Text(), Not(HasSubstr("pods")));
  names_[1] = "10.0.0.1";
  EXPECT_THAT(exporter_.Text(),
              HasSubstr("\npoplar_failovers_total{cluster=\"pods\",node=\"10.0.0.1\"} 3\n"));
  EXPECT_THAT(exporter_.Text(), Not(HasSubstr("node=\"\"")));
}

TEST_F(SeatExporterTest, CertificatesMapsAndMovesHaveSeatsToo) {
  Dimensions dimensions;
  dimensions.certificates = {"", ""};
  dimensions.user_maps = {""};
  dimensions.moves = {"", ""};
  const Layout layout(dimensions);
  Shard shard(layout);
  Exporter::Seats seats;
  const Exporter exporter(layout, {&shard}, {}, [&seats] { return seats; });
  shard.GaugeSet(kCertificateNotAfter, 7, Certificate{1});
  shard.Add(kUserMapLoads, 2, UserMap{0}, LoadResult::kOk);
  shard.GaugeSet(kMovePermille, 30, Move{0});
  EXPECT_THAT(exporter.Text(), Not(HasSubstr("\npoplar_certificate_not_after")));
  seats.certificates = {std::nullopt, "b.pem"};
  seats.user_maps = {"u.map"};
  seats.moves = {"away"};
  const std::string text = exporter.Text();
  EXPECT_THAT(
      text,
      HasSubstr("\npoplar_certificate_not_after_timestamp_seconds{certificate=\"b.pem\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("\npoplar_user_map_loads_total{file=\"u.map\",result=\"ok\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("{move=\"away\"} 30\n"));
  EXPECT_THAT(text, Not(HasSubstr("=\"\"")));
}

TEST_F(SeatExporterTest, WhoSitsDownInheritsNoCounts) {
  names_[1] = "a";
  shard_.Add(kFailovers, 3, Node{1});
  shard_.Add(kNodeProbes, 5, Node{1}, Success::kError);
  shard_.Add(kFailovers, 7, Node{0});
  shard_.GaugeSet(kPoolSlots, 20, Node{1});
  exporter_.SatDown(Node{1});
  names_[1] = "b";
  shard_.Add(kFailovers, 1, Node{1});
  const std::string text = exporter_.Text();
  EXPECT_THAT(text, HasSubstr("\npoplar_failovers_total{cluster=\"pods\",node=\"b\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\npoplar_failovers_total{cluster=\"main\",node=\"mail1\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("{cluster=\"pods\",node=\"b\",result=\"error\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\npoplar_pool_slots{cluster=\"pods\",node=\"b\"} 20\n"));
}

// Whatever a worker does to what is scraped, it does while a scrape stands still.
TEST(ExporterTimeTest, AScrapeHoldsNoWorkerUp) {
  Dimensions dimensions = SampleDimensions();
  dimensions.nodes = {{"pods", ""}};
  const Layout layout(dimensions);
  Shard shard(layout);
  Exporter* scraped = nullptr;
  Exporter exporter(layout, {&shard}, {}, [&] {
    std::thread([&] {
      scraped->SatDown(Node{0});
      shard.Add(kFailovers, Node{0});
    }).join();
    return Exporter::Names{"10.0.0.1"};
  });
  scraped = &exporter;
  alarm(60);  // where it holds one up, both wait for ever
  EXPECT_THAT(exporter.Text(),
              HasSubstr("\npoplar_failovers_total{cluster=\"pods\",node=\"10.0.0.1\"} 1\n"));
  alarm(0);
}

TEST_F(ExporterTest, SaysWhatRunsAndWhatItUses) {
  const std::string text = exporter_.Text();
  EXPECT_THAT(text,
              HasSubstr("\npoplar_build_info{version=\"0.1\",compiler=\"a \\\"b\\\" \\\\c\"} 1\n"));
  for (const char* name :
       {"process_cpu_seconds_total", "process_start_time_seconds", "process_resident_memory_bytes",
        "process_virtual_memory_bytes", "process_open_fds", "process_max_fds"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(name) + " "));
    EXPECT_THAT(text, Not(HasSubstr("\n" + std::string(name) + " 0\n")));
  }
}

TEST(ExporterSizeTest, NoDimensionsStillExposeWhatIsThere) {
  const Layout layout(Dimensions{});
  const Shard shard(layout);
  const std::string text = Exporter(layout, {&shard}, {}).Text();
  EXPECT_THAT(text, HasSubstr("\npoplar_build_info 1\n"));
  EXPECT_THAT(text, HasSubstr("\npoplar_login_retries_total{reason=\"in_use\"} 0\n"));
}

}  // namespace
}  // namespace poplar::metrics
