#include "proxy/server/shard_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "metrics/exporter.h"
#include "proxy/pop3/sasl_message.h"

namespace poplar::server {
namespace {

using std::chrono::milliseconds;

metrics::Dimensions TwoListenersTwoNodes() {
  metrics::Dimensions dimensions{.listeners = {"pop3s", "pop3"},
                                 .nodes = {{"mail", "a"}, {"mail", "b"}},
                                 .directories = {"staff"}};
  AddSessionDimensions(dimensions);
  return dimensions;
}

// That the exposition has this line; if not, what it has of the same instrument.
void ExpectLineIn(const metrics::Exporter& exporter, const std::string& line) {
  const std::string name = line.substr(0, line.find_first_of("{ "));
  std::istringstream text(exporter.Text());
  std::vector<std::string> alike;
  for (std::string other; std::getline(text, other);) {
    if (other.starts_with(name)) alike.push_back(other);
  }
  EXPECT_THAT(alike, testing::Contains(line));
}

class ShardMeterTest : public testing::Test {
 protected:
  void ExpectLine(const std::string& line) { ExpectLineIn(exporter_, line); }

  const metrics::Layout layout_{TwoListenersTwoNodes()};
  metrics::Shard shard_{layout_};
  const metrics::Exporter exporter_{layout_, {&shard_}, {}};
  ShardMeter meter_{shard_};
  const balancer::NodeId second_node_{1};
};

TEST_F(ShardMeterTest, CountsASession) {
  meter_.SessionBegan(1);
  meter_.SessionBegan(1);
  ExpectLine("poplar_connections_total{listener=\"pop3\"} 2");
  ExpectLine("poplar_sessions_active{listener=\"pop3\"} 2");
  session::Record record;
  record.reason = session::EndReason::kNodeEof;
  record.total = milliseconds(2500);
  record.bytes_from_client = 1;
  record.bytes_to_client = 2;
  record.bytes_from_node = 3;
  record.bytes_to_node = 4;
  record.messages = 5;
  record.deletes = 6;
  meter_.SessionEnded(1, record);
  ExpectLine("poplar_sessions_active{listener=\"pop3\"} 1");
  ExpectLine("poplar_sessions_active{listener=\"pop3s\"} 0");
  ExpectLine("poplar_sessions_ended_total{reason=\"node_eof\",side=\"node\"} 1");
  ExpectLine("poplar_session_duration_seconds_sum 2.5");
  ExpectLine("poplar_bytes_total{side=\"downstream\",direction=\"received\"} 1");
  ExpectLine("poplar_bytes_total{side=\"downstream\",direction=\"sent\"} 2");
  ExpectLine("poplar_bytes_total{side=\"upstream\",direction=\"received\"} 3");
  ExpectLine("poplar_bytes_total{side=\"upstream\",direction=\"sent\"} 4");
  ExpectLine("poplar_messages_retrieved_total 5");
  ExpectLine("poplar_deletes_committed_total 6");
}

TEST_F(ShardMeterTest, CountsEachReasonUnderItsOwnName) {
  for (size_t i = 0; i < session::kEndReasons.size(); ++i) {
    session::Record record;
    record.reason = static_cast<session::EndReason>(i);
    for (size_t n = 0; n <= i; ++n) meter_.SessionEnded(0, record);
    ExpectLine("poplar_sessions_ended_total{reason=\"" + std::string(Name(record.reason)) +
               "\",side=\"" + std::string(Name(SideOf(record.reason))) + "\"} " +
               std::to_string(i + 1));
  }
}

TEST_F(ShardMeterTest, CountsHandshakes) {
  session::Record record;
  record.tls_version = "TLSv1.3";
  record.tls_resumed = true;
  meter_.HandshakeEnded(session::HandshakeResult::kOk, tls::FailureReason::kNone, record,
                        milliseconds(40));
  ExpectLine("poplar_tls_handshakes_total{result=\"ok\",version=\"1.3\",resumed=\"yes\"} 1");
  ExpectLine("poplar_tls_handshake_duration_seconds_sum{resumed=\"yes\"} 0.04");
  record.tls_version = "TLSv1.2";
  record.tls_resumed = false;
  meter_.HandshakeEnded(session::HandshakeResult::kOk, tls::FailureReason::kNone, record,
                        milliseconds(1));
  ExpectLine("poplar_tls_handshakes_total{result=\"ok\",version=\"1.2\",resumed=\"no\"} 1");
  meter_.HandshakeEnded(session::HandshakeResult::kFailed, tls::FailureReason::kAlpnMismatch, {},
                        milliseconds(1));
  ExpectLine("poplar_tls_handshakes_total{result=\"error\",version=\"none\",resumed=\"no\"} 1");
  meter_.HandshakeEnded(session::HandshakeResult::kTimeout, tls::FailureReason::kNone, {},
                        milliseconds(1));
  ExpectLine("poplar_tls_handshakes_total{result=\"timeout\",version=\"none\",resumed=\"no\"} 1");
  ExpectLine("poplar_tls_handshake_failures_total{reason=\"alpn_mismatch\"} 1");
  ExpectLine("poplar_tls_handshake_failures_total{reason=\"reset\"} 0");
  // Failures would blur the durations.
  ExpectLine("poplar_tls_handshake_duration_seconds_count{resumed=\"no\"} 1");
}

TEST_F(ShardMeterTest, CallsEachFailureOfAHandshakeByTheNameThatTheLogHas) {
  for (int i = 0; i <= static_cast<int>(tls::FailureReason::kOther); ++i) {
    const auto reason = static_cast<tls::FailureReason>(i);
    metrics::Shard shard(layout_);
    ShardMeter(shard).HandshakeEnded(session::HandshakeResult::kFailed, reason, {},
                                     milliseconds(1));
    const std::string name(reason == tls::FailureReason::kNone ? "reset" : FailureName(reason));
    ExpectLineIn(metrics::Exporter(layout_, {&shard}, {}),
                 "poplar_tls_handshake_failures_total{reason=\"" + name + "\"} 1");
  }
}

TEST_F(ShardMeterTest, CountsLoginsByResult) {
  const std::pair<session::LoginResult, const char*> results[] = {
      {session::LoginResult::kOk, "ok"},
      {session::LoginResult::kRejected, "rejected"},
      {session::LoginResult::kBackendUnavailable, "backend_unavailable"},
      {session::LoginResult::kDirectoryUnavailable, "directory_unavailable"},
      {session::LoginResult::kBackendError, "backend_error"},
      {session::LoginResult::kTimeout, "timeout"},
      {session::LoginResult::kAbandoned, "abandoned"}};
  session::Record record;
  record.mechanism = "PLAIN";
  record.connect = milliseconds(1);
  record.greeting = milliseconds(2);
  record.authentication = milliseconds(3);
  for (const auto& [result, name] : results) {
    meter_.LoginEnded(1, result, record, milliseconds(9));
    ExpectLine(R"(poplar_logins_total{listener="pop3",result=")" + std::string(name) +
               R"(",mechanism="PLAIN"} 1)");
    ExpectLine(std::string("poplar_login_duration_seconds_count{result=\"") + name + "\"} 1");
  }
  ExpectLine("poplar_login_stage_duration_seconds_sum{stage=\"connect\"} 0.001");
  ExpectLine("poplar_login_stage_duration_seconds_sum{stage=\"greeting\"} 0.002");
  ExpectLine("poplar_login_stage_duration_seconds_count{stage=\"auth\"} 1");
  // A plain node has no TLS stage: zeros would pull its quantiles down.
  ExpectLine("poplar_login_stage_duration_seconds_count{stage=\"tls\"} 0");
  record.node_tls = milliseconds(5);
  meter_.LoginEnded(1, session::LoginResult::kOk, record, milliseconds(9));
  ExpectLine("poplar_login_stage_duration_seconds_count{stage=\"tls\"} 1");
}

TEST_F(ShardMeterTest, CountsLoginsByMechanism) {
  session::Record record;
  for (size_t i = 0; i < pop3::kMechanismCount; ++i) {
    record.mechanism = io::StaticText(pop3::Name(static_cast<pop3::Mechanism>(i)));
    meter_.LoginEnded(0, session::LoginResult::kRejected, record, milliseconds(9));
    ExpectLine(R"(poplar_logins_total{listener="pop3s",result="rejected",mechanism=")" +
               std::string(record.mechanism) + R"("} 1)");
  }
  record.mechanism = "USER";
  meter_.LoginEnded(0, session::LoginResult::kOk, record, milliseconds(9));
  ExpectLine(R"(poplar_logins_total{listener="pop3s",result="ok",mechanism="USER"} 1)");
  ExpectLine(R"(poplar_logins_total{listener="pop3s",result="ok",mechanism="other"} 0)");
}

TEST_F(ShardMeterTest, CountsWhatDirectoriesAnswer) {
  using Kind = directory::Answer::Kind;
  const std::pair<Kind, const char*> answers[] = {{Kind::kFound, "found"},
                                                  {Kind::kUnknown, "unknown"},
                                                  {Kind::kRefused, "refused"},
                                                  {Kind::kNotYet, "not_yet"},
                                                  {Kind::kUnavailable, "unavailable"}};
  int count = 0;
  for (const auto& [answer, name] : answers) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.DirectoryAnswered(0, answer, milliseconds(20));
    ExpectLine(R"(poplar_directory_lookups_total{directory="staff",result=")" + std::string(name) +
               "\"} " + std::to_string(count));
  }
  ExpectLine(R"(poplar_directory_lookup_seconds_sum{directory="staff"} 0.3)");
}

TEST_F(ShardMeterTest, SortsMessagesBySize) {
  constexpr uint64_t kKiB = 1024;
  const std::pair<uint64_t, const char*> sizes[] = {{0, "to_16KiB"},
                                                    {16 * kKiB, "to_16KiB"},
                                                    {16 * kKiB + 1, "to_128KiB"},
                                                    {1024 * kKiB, "to_1MiB"},
                                                    {1024 * kKiB + 1, "to_10MiB"},
                                                    {10 * 1024 * kKiB + 1, "over_10MiB"}};
  for (const auto& [bytes, name] : sizes) {
    metrics::Shard shard(layout_);
    ShardMeter(shard).MessageRetrieved(bytes, milliseconds(40));
    ExpectLineIn(metrics::Exporter(layout_, {&shard}, {}),
                 "poplar_message_download_seconds_sum{size=\"" + std::string(name) + "\"} 0.04");
  }
}

TEST_F(ShardMeterTest, CountsWhatIsHeldBack) {
  meter_.HeldBack(session::Pacing::kBytes);
  meter_.HeldBack(session::Pacing::kBytes);
  meter_.HeldBack(session::Pacing::kCommands);
  ExpectLine("poplar_pace_waits_total{what=\"bytes\"} 2");
  ExpectLine("poplar_pace_waits_total{what=\"commands\"} 1");
}

TEST_F(ShardMeterTest, CountsWhatHappensToNodes) {
  meter_.NodeLoggedIn(second_node_, milliseconds(60));
  ExpectLine(R"(poplar_node_login_seconds_bucket{cluster="mail",node="b",le="0.05"} 0)");
  ExpectLine(R"(poplar_node_login_seconds_bucket{cluster="mail",node="b",le="0.25"} 1)");
  meter_.NodeSessionBegan(second_node_);
  ExpectLine("poplar_node_sessions_active{cluster=\"mail\",node=\"b\"} 1");
  meter_.NodeSessionEnded(second_node_);
  ExpectLine("poplar_node_sessions_active{cluster=\"mail\",node=\"b\"} 0");
  meter_.FailedOver(second_node_);
  ExpectLine("poplar_failovers_total{cluster=\"mail\",node=\"b\"} 1");
  ExpectLine("poplar_failovers_total{cluster=\"mail\",node=\"a\"} 0");
}

TEST_F(ShardMeterTest, CountsLeasesBySource) {
  const std::pair<session::LeaseSource, const char*> sources[] = {
      {session::LeaseSource::kParked, "parked"},
      {session::LeaseSource::kWarm, "warm"},
      {session::LeaseSource::kNew, "new"}};
  int count = 0;
  for (const auto& [source, name] : sources) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.LeaseTaken(second_node_, source);
    ExpectLine(R"(poplar_pool_takes_total{cluster="mail",node="b",source=")" + std::string(name) +
               "\"} " + std::to_string(count));
  }
}

TEST_F(ShardMeterTest, CountsWhatBecameOfParkedSessionsAndTheAgeOfThoseReused) {
  const std::pair<session::ParkedOutcome, const char*> outcomes[] = {
      {session::ParkedOutcome::kReused, "reused"},
      {session::ParkedOutcome::kTooOld, "too_old"},
      {session::ParkedOutcome::kOtherCredential, "other_credential"},
      {session::ParkedOutcome::kDead, "dead"}};
  int count = 0;
  for (const auto& [outcome, name] : outcomes) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.ParkedFound(second_node_, outcome, milliseconds(2500));
    ExpectLine(R"(poplar_pool_parked_outcomes_total{cluster="mail",node="b",outcome=")" +
               std::string(name) + "\"} " + std::to_string(count));
  }
  ExpectLine("poplar_pool_snapshot_age_seconds_count 1");
  ExpectLine("poplar_pool_snapshot_age_seconds_sum 2.5");
}

TEST_F(ShardMeterTest, CountsWhyASessionWasParkedOrNot) {
  const std::pair<session::ParkResult, const char*> results[] = {
      {session::ParkResult::kParked, "parked"},
      {session::ParkResult::kOff, "off"},
      {session::ParkResult::kDeletes, "deletes"},
      {session::ParkResult::kPipelined, "pipelined"},
      {session::ParkResult::kSysError, "sys_error"},
      {session::ParkResult::kNodeClosed, "node_closed"},
      {session::ParkResult::kTooOld, "too_old"},
      {session::ParkResult::kRefused, "refused"}};
  int count = 0;
  for (const auto& [result, name] : results) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.ParkEnded(second_node_, result);
    ExpectLine(R"(poplar_pool_parks_total{cluster="mail",node="b",result=")" + std::string(name) +
               "\"} " + std::to_string(count));
  }
}

TEST_F(ShardMeterTest, MeasuresTheQueueByHowTheWaitEnded) {
  const std::pair<session::QueueResult, const char*> results[] = {
      {session::QueueResult::kGranted, "granted"},
      {session::QueueResult::kTimeout, "timeout"},
      {session::QueueResult::kClientLeft, "client_left"},
      {session::QueueResult::kEnded, "drained"},
      {session::QueueResult::kNodeOut, "node_out"}};
  for (const auto& [result, name] : results) {
    meter_.QueueLeft(second_node_, result, milliseconds(250));
    ExpectLine("poplar_pool_wait_seconds_sum{result=\"" + std::string(name) + "\"} 0.25");
    ExpectLine("poplar_pool_wait_seconds_count{result=\"" + std::string(name) + "\"} 1");
  }
}

TEST_F(ShardMeterTest, CountsRetriesByReason) {
  const std::pair<session::RetryReason, const char*> reasons[] = {
      {session::RetryReason::kUnreachable, "unreachable"},
      {session::RetryReason::kHoldDown, "hold_down"},
      {session::RetryReason::kInUse, "in_use"},
      {session::RetryReason::kUserLimit, "user_limit"},
      {session::RetryReason::kAnswerLost, "answer_lost"},
      {session::RetryReason::kElsewhere, "elsewhere"}};
  int count = 0;
  for (const auto& [reason, name] : reasons) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.LoginRetried(reason);
    ExpectLine("poplar_login_retries_total{reason=\"" + std::string(name) + "\"} " +
               std::to_string(count));
  }
}

TEST_F(ShardMeterTest, CountsResumptionsAndTheStallsOfThoseResumed) {
  const std::pair<session::ResumeResult, const char*> results[] = {
      {session::ResumeResult::kResumed, "resumed"},
      {session::ResumeResult::kOff, "off"},
      {session::ResumeResult::kOpaque, "opaque"},
      {session::ResumeResult::kMode, "mode"},
      {session::ResumeResult::kNoView, "no_view"},
      {session::ResumeResult::kUnrepeatable, "unrepeatable"},
      {session::ResumeResult::kDifferent, "different"},
      {session::ResumeResult::kRefused, "refused"},
      {session::ResumeResult::kDeadline, "deadline"},
      {session::ResumeResult::kEnded, "ended"}};
  int count = 0;
  for (const auto& [result, name] : results) {
    ++count;
    for (int i = 0; i < count; ++i) meter_.ResumeEnded(result, milliseconds(2500));
    ExpectLine("poplar_resumes_total{result=\"" + std::string(name) + "\"} " +
               std::to_string(count));
  }
  ExpectLine("poplar_resume_seconds_count 1");
  ExpectLine("poplar_resume_seconds_sum 2.5");
  ExpectLine("poplar_resume_seconds_bucket{le=\"1\"} 0");
  ExpectLine("poplar_resume_seconds_bucket{le=\"2.5\"} 1");
}

TEST_F(ShardMeterTest, SortsEveryFailureOfANodeIntoAReason) {
  using upstream::NodeFailure;
  const std::pair<NodeFailure, const char*> failures[] = {
      {NodeFailure::kConnectRefused, "refused"},
      {NodeFailure::kConnectTimeout, "timeout"},
      {NodeFailure::kConnectFailed, "unreachable"},
      {NodeFailure::kTlsFailed, "tls"},
      {NodeFailure::kTlsTimeout, "timeout"},
      {NodeFailure::kGreetingRefused, "greeting"},
      {NodeFailure::kGreetingGarbage, "greeting"},
      {NodeFailure::kGreetingTimeout, "timeout"},
      {NodeFailure::kClosed, "reset"},
      {NodeFailure::kReset, "reset"},
      {NodeFailure::kResponseTimeout, "timeout"},
      {NodeFailure::kProtocol, "other"},
      {NodeFailure::kCancelled, "other"},
      {NodeFailure::kNoDescriptor, "other"}};
  for (const auto& [failure, reason] : failures) {
    metrics::Shard shard(layout_);
    ShardMeter(shard).NodeFailed(second_node_, failure);
    SCOPED_TRACE(upstream::Name(failure));
    ExpectLineIn(metrics::Exporter(layout_, {&shard}, {}),
                 "poplar_node_connect_failures_total{cluster=\"mail\",node=\"b\",reason=\"" +
                     std::string(reason) + "\"} 1");
  }
}

TEST_F(ShardMeterTest, CountsCommandsByNameAndDurationsByClass) {
  const std::pair<pop3::Verb, const char*> classes[] = {
      {pop3::Verb::kStat, "status"}, {pop3::Verb::kList, "list"}, {pop3::Verb::kUidl, "uidl"},
      {pop3::Verb::kRetr, "retr"},   {pop3::Verb::kTop, "top"},   {pop3::Verb::kDele, "change"},
      {pop3::Verb::kQuit, "quit"}};
  for (const auto& [verb, name] : classes) {
    metrics::Shard shard(layout_);
    ShardMeter(shard).CommandAnswered(second_node_, verb, true, {milliseconds(2), milliseconds(3)});
    ShardMeter(shard).CommandAnswered(second_node_, verb, false,
                                      {milliseconds(4), milliseconds(5)});
    const metrics::Exporter exporter(layout_, {&shard}, {});
    const std::string command =
        "poplar_commands_total{command=\"" + std::string(pop3::VerbName(verb)) + "\",result=";
    ExpectLineIn(exporter, command + "\"ok\"} 1");
    ExpectLineIn(exporter, command + "\"err\"} 1");
    ExpectLineIn(exporter,
                 std::string("poplar_command_duration_seconds_sum{class=\"") + name + "\"} 0.008");
    ExpectLineIn(exporter, std::string("poplar_command_first_byte_seconds_sum{class=\"") + name +
                               "\"} 0.006");
    ExpectLineIn(exporter, R"(poplar_node_first_byte_seconds_sum{cluster="mail",node="b"} 0.006)");
  }
}

// What took no time of a node's would blur how long nodes take.
TEST_F(ShardMeterTest, CommandsAnsweredByPoplarHaveNoDuration) {
  meter_.CommandAnswered(pop3::Verb::kDele, true);
  ExpectLine(R"(poplar_commands_total{command="DELE",result="ok"} 1)");
  ExpectLine("poplar_command_duration_seconds_count{class=\"change\"} 0");
}

TEST(AddSessionDimensions, NamesEveryCommandOnce) {
  metrics::Dimensions dimensions;
  AddSessionDimensions(dimensions);
  EXPECT_EQ(dimensions.session_ends.size(), session::kEndReasons.size());
  const std::set<std::string> names(dimensions.commands.begin(), dimensions.commands.end());
  EXPECT_EQ(names.size(), pop3::kVerbCount);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace poplar::server
