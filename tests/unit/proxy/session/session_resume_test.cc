// A session whose node is lost goes on in another one of the same maildrop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/resume_test.h"

namespace poplar::session {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;
using Then = upstream::ScriptedNode::Answer::Then;

TEST_F(ResumeTest, BetweenCommandsNobodyNotices) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  Kill();
  EXPECT_EQ(client_->end(), PeerEnd::kOpen);
  EXPECT_EQ(second().connections().size(), 0u);  // not before it is needed
  EXPECT_EQ(bench_.affinity().Users(), 0u);      // nor is the user kept anywhere
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nRETR 2\r\n"));
  const Record& record = End();
  EXPECT_EQ(record.resumes, 1u);
  EXPECT_EQ(record.not_resumed, "");
  EXPECT_EQ(record.reason, EndReason::kClientEof);
  EXPECT_EQ(record.node, "mail/n" + std::to_string(second_));
  EXPECT_THAT(bench_.meter.calls, Contains("resume resumed"));
}

TEST_F(ResumeTest, WhoHasSeenNothingNeedsNoListing) {
  Kill();
  EXPECT_EQ(Ask("NOOP\r\n"), "+OK noop\r\n");
  EXPECT_THAT(second().received(), Not(HasSubstr("UIDL")));
}

TEST_F(ResumeTest, AListingIsAskedForWhoeverNamesMessagesWithoutOne) {
  EXPECT_EQ(Ask("STAT\r\n"), "+OK 3 300\r\n");
  EXPECT_THAT(first().received(), Not(HasSubstr("UIDL")));
  EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
  EXPECT_THAT(first().received(), EndsWith("STAT\r\nUIDL\r\nRETR 1\r\n"));
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
  EXPECT_THAT(first().received(), EndsWith("UIDL\r\nRETR 1\r\nRETR 2\r\n"));
  Kill();
  EXPECT_EQ(Ask("RETR 3\r\n"), kMail);
  EXPECT_EQ(End().commands, 4u);
}

TEST_F(ResumeTest, AnAnswerGoesOnWhereItWasCut) {
  const std::string mail(kMail);
  for (size_t cut = 1; cut < mail.size(); ++cut) {
    SCOPED_TRACE(cut);
    SessionBench bench(Options());
    for (size_t node : {0u, 1u}) {
      bench.node(node).set_answer("UIDL", {kListing});
      bench.node(node).set_answer("RETR", {mail});
    }
    upstream::ScriptedNode& dying = bench.node(bench.Preferred("alice").front());
    dying.set_answer("RETR", {mail.substr(0, cut), Then::kClose});
    upstream::DrivenPeer& client = bench.Connect();
    ASSERT_EQ(bench.LogIn(client), kLoggedIn);
    client.Send("RETR 1\r\n");
    bench.Settle(seconds(1));
    dying.StopListening();
    bench.Settle(seconds(3));
    EXPECT_EQ(client.received(), mail);
    const AnswerTimes& took = bench.meter.answers.back();
    EXPECT_GT(took.first_byte, io::Duration::zero());
    EXPECT_LE(took.first_byte, took.last_byte);
    client.HalfClose();
    EXPECT_EQ(bench.RunToEnd().messages, 1u);
  }
}

TEST_F(ResumeTest, AnotherMessageIsNotGluedToTheHalfOfThisOne) {
  first().set_answer("RETR", {"+OK\r\nSubject: one\r\n\r\nHel", Then::kClose});
  first().StopListening();
  second().set_answer("RETR", {"+OK\r\nSubject: One\r\n\r\nHello\r\n.\r\n"});
  client_->Send("RETR 1\r\n");
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(), "+OK\r\nSubject: one\r\n\r\nHel");
  EXPECT_NE(client_->end(), PeerEnd::kOpen);
  const Record& record = bench_.RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kNodeEof);
  EXPECT_EQ(record.not_resumed, "different");
}

TEST_F(ResumeTest, AShorterMessageIsAnotherToo) {
  first().set_answer("RETR", {"+OK\r\nSubject: one\r\n\r\nHel", Then::kClose});
  first().StopListening();
  second().set_answer("RETR", {"+OK\r\nSubject: one\r\n.\r\n"});
  client_->Send("RETR 1\r\n");
  bench_.Settle(seconds(3));
  EXPECT_NE(client_->end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.RunToEnd().not_resumed, "different");
}

TEST_F(ResumeTest, WhatIsPipelinedIsAskedAgainInOrder) {
  for (const char* command : {"RETR", "NOOP", "LIST"}) first().set_answer(command, {""});
  client_->Send("UIDL\r\nRETR 1\r\nNOOP\r\nLIST 2\r\nRETR 3\r\n");
  second().set_answer("LIST 2", {"+OK 2 100\r\n"});
  bench_.Settle();
  EXPECT_EQ(client_->received(), kListing);
  Kill();
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(),
            std::string(kListing) + kMail + "+OK noop\r\n+OK 2 100\r\n" + kMail);
}

TEST_F(ResumeTest, TroubleWithTheListingIsNotTheEnd) {
  Ask("UIDL\r\n");
  second().set_answer("UIDL", {"-ERR [SYS/TEMP] index\r\n"});
  Kill();
  EXPECT_EQ(Ask("RETR 1\r\n"), "");
  second().set_answer("UIDL", {kListing});
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(), kMail);
}

TEST_F(ResumeTest, NewMailStaysHidden) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  SetMail(second_, "+OK\r\n1 aa\r\n2 bb\r\n3 cc\r\n4 dd\r\n.\r\n");
  second().set_answer("LIST", {"+OK 4 messages\r\n1 100\r\n2 100\r\n3 100\r\n4 500\r\n.\r\n"});
  Kill();
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  EXPECT_EQ(Ask("LIST\r\n"), "+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n");
  EXPECT_EQ(Ask("STAT\r\n"), "+OK 3 300\r\n");
  EXPECT_EQ(Ask("RETR 4\r\n"), pop3::kReplyNoSuchMessage);
  EXPECT_EQ(Ask("RETR 3\r\n"), kMail);
}

TEST_F(ResumeTest, WhatVanishedIsMissedAndTheOthersKeepTheirNumbers) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  SetMail(second_, "+OK\r\n1 aa\r\n2 cc\r\n3 dd\r\n.\r\n");
  second().set_answer("LIST 2", {"+OK 2 120\r\n"});
  second().set_answer("RETR 2", {"+OK the third\r\nbody\r\n.\r\n"});
  Kill();
  EXPECT_EQ(Ask("RETR 2\r\n"), pop3::kReplyNoSuchMessage);
  EXPECT_EQ(Ask("RETR 3\r\n"), "+OK the third\r\nbody\r\n.\r\n");
  EXPECT_EQ(Ask("LIST 3\r\n"), "+OK 3 120\r\n");
  EXPECT_EQ(Ask("UIDL\r\n"), "+OK\r\n1 aa\r\n3 cc\r\n.\r\n");
  EXPECT_EQ(Ask("DELE 3\r\n"), "+OK\r\n");
  EXPECT_THAT(second().received(), EndsWith("DELE 2\r\n"));
  EXPECT_EQ(Ask("LAST\r\n"), pop3::kReplyNotSupported);
}

// Storage that isn't mounted looks like that.
TEST_F(ResumeTest, AnEmptyMaildropIsNotBelieved) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  SetMail(second_, "+OK\r\n.\r\n");
  Kill();
  EXPECT_EQ(Ask("RETR 1\r\n"), "");
  SetMail(second_, kListing);
  bench_.Settle(seconds(2));
  EXPECT_EQ(client_->received(), kMail);
}

TEST_F(ResumeTest, WhoNamesMessagesFirstInTheNextSessionMayLoseThatOneToo) {
  Kill();
  EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
  second().set_answer("RETR 2", {"", Then::kClose});
  client_->Send("RETR 2\r\n");
  EXPECT_TRUE(bench_.Run([&] { return second().connections().size() == 2; }, seconds(2)));
  second().set_answer("RETR 2", {kMail});
  bench_.Settle(seconds(2));
  EXPECT_EQ(client_->received(), kMail);
}

TEST_F(ResumeTest, WhatIsntUnderstoodCantBeTranslated) {
  Ask("UIDL\r\n");
  SetMail(second_, "+OK\r\n1 bb\r\n2 cc\r\n.\r\n");
  Kill();
  EXPECT_EQ(Ask("RETR 1\r\n"), pop3::kReplyNoSuchMessage);
  EXPECT_EQ(Ask("XTND 1\r\n"), pop3::kReplyNotSupported);
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
}

TEST_F(ResumeTest, TroubleOfTheNodesIsNotTheClients) {
  Ask("UIDL\r\n");
  first().set_answer("RETR", {"-ERR [SYS/TEMP] storage\r\n"});
  EXPECT_EQ(Ask("RETR 1\r\n"), "");
  first().set_answer("RETR", {kMail});
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(), kMail);
}

TEST_F(ResumeTest, TroubleThatStaysIsPassedOn) {
  Ask("UIDL\r\n");
  for (size_t node : {0u, 1u})
    bench_.node(node).set_answer("RETR", {"-ERR [SYS/TEMP] storage\r\n"});
  client_->Send("RETR 1\r\n");
  bench_.Settle(seconds(10));
  EXPECT_EQ(client_->received(), "-ERR [SYS/TEMP] storage\r\n");
  client_->Forget();
  EXPECT_EQ(Ask("NOOP\r\n"), "+OK noop\r\n");
  EXPECT_EQ(End().resumes, 2u);
}

TEST_F(ResumeTest, TheClientIsToldWhenNoNodeIsLeft) {
  Ask("UIDL\r\n");
  second().StopListening();
  Kill();
  client_->Send("STAT\r\n");
  bench_.Settle(seconds(16));
  EXPECT_EQ(client_->received(), pop3::kReplyNodeLost);
  EXPECT_EQ(client_->end(), PeerEnd::kOrderly);
  const Record& record = bench_.RunToEnd();
  EXPECT_EQ(record.reason, EndReason::kNodeReset);
  EXPECT_EQ(record.not_resumed, "deadline");
  EXPECT_GE(record.stalled, seconds(15));
  EXPECT_THAT(bench_.meter.calls, Contains("resume deadline"));
}

TEST_F(ResumeTest, ACredentialThatIsRefusedMeanwhileEndsIt) {
  Ask("UIDL\r\n");
  second().set_answer("PASS", {"-ERR [AUTH] changed\r\n"});
  Kill();
  EXPECT_EQ(Ask("STAT\r\n"), pop3::kReplyNodeLost);
  EXPECT_EQ(bench_.RunToEnd().not_resumed, "refused");
}

TEST_F(ResumeTest, AnOpaqueSessionEndsWithItsNode) {
  first().set_answer("XPAND", {"whatever"});
  Ask("XPAND\r\n");
  Kill();
  EXPECT_NE(client_->end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.RunToEnd().resumes, 0u);
}

TEST_F(ResumeTest, ALanguageCannotBeHadAgain) {
  first().set_answer("LANG de", {"+OK de\r\n"});
  EXPECT_EQ(Ask("LANG de\r\n"), "+OK de\r\n");
  Kill();
  EXPECT_EQ(Ask("STAT\r\n"), pop3::kReplyNodeLost);
  EXPECT_EQ(bench_.RunToEnd().not_resumed, "mode");
}

TEST_F(ResumeTest, AListingThatWasRefusedIsAskedForAgain) {
  first().set_answer("UIDL", {"-ERR [SYS/TEMP] index\r\n"});
  EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
  first().set_answer("UIDL", {kListing});
  EXPECT_EQ(Ask("RETR 2\r\n"), kMail);
  Kill();
  EXPECT_EQ(Ask("RETR 3\r\n"), kMail);
  EXPECT_EQ(End().resumes, 1u);
}

TEST_F(ResumeTest, ButNotForever) {
  first().set_answer("UIDL", {"-ERR no such command\r\n"});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
  EXPECT_THAT(first().received(), EndsWith("UIDL\r\nRETR 1\r\nRETR 1\r\nRETR 1\r\n"));
}

TEST_F(ResumeTest, WithoutAListingNoMessageIsNamedElsewhere) {
  first().set_answer("UIDL", {"-ERR no such command\r\n"});
  EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
  Kill();
  EXPECT_EQ(Ask("RETR 2\r\n"), pop3::kReplyNodeLost);
  EXPECT_EQ(bench_.RunToEnd().not_resumed, "no_view");
}

TEST_F(ResumeTest, ANodeThatGoesOutLosesItsIdleSessions) {
  Ask("UIDL\r\n");
  bench_.TakeOut(first_);
  bench_.Settle();
  EXPECT_EQ(bench_.OpenAtNode(first_), 0u);
  EXPECT_EQ(Ask("STAT\r\n"), "+OK 3 300\r\n");
  EXPECT_EQ(bench_.OpenAtNode(second_), 1u);
}

TEST_F(ResumeTest, AndThoseItKeepsWaiting) {
  Ask("UIDL\r\n");
  first().set_answer("STAT", {""});
  EXPECT_EQ(Ask("STAT\r\n"), "");
  bench_.TakeOut(first_);
  bench_.Settle(seconds(2));
  EXPECT_EQ(client_->received(), "+OK 3 300\r\n");
}

class LoginOfSickNodeTest : public ResumeTest {
 protected:
  // Alice comes anew, and her node doesn't answer the password.
  upstream::DrivenPeer& WaitsAtItsLogin() {
    client_->HalfClose();
    bench_.Settle();
    first().set_answer("PASS", {""});
    upstream::DrivenPeer& late = bench_.Connect();
    EXPECT_EQ(bench_.LogIn(late), "");
    return late;
  }
};

TEST_F(LoginOfSickNodeTest, LeavesItAfterASecond) {
  upstream::DrivenPeer& late = WaitsAtItsLogin();
  bench_.TakeOut(first_);
  bench_.Settle(milliseconds(900));
  EXPECT_EQ(late.received(), "");
  EXPECT_EQ(bench_.OpenAtNode(first_), 1u);
  bench_.Settle(milliseconds(200));
  EXPECT_EQ(bench_.OpenAtNode(first_), 0u);
  bench_.Settle(seconds(6));  // its users may move by then
  EXPECT_EQ(late.received(), kLoggedIn);
  EXPECT_EQ(bench_.OpenAtNode(second_), 1u);
}

TEST_F(LoginOfSickNodeTest, TakesAnAnswerUntilThen) {
  upstream::DrivenPeer& late = WaitsAtItsLogin();
  bench_.TakeOut(first_);
  bench_.Settle(milliseconds(500));
  first().last().Send(kLoggedIn);
  bench_.Settle(milliseconds(100));
  EXPECT_EQ(late.received(), kLoggedIn);
  bench_.Settle(seconds(2));
  EXPECT_EQ(late.end(), upstream::DrivenPeer::End::kOpen);
}

TEST_F(ResumeTest, AnOperatorsDownIsNotNoticed) {
  Ask("UIDL\r\n");
  bench_.SetAdmin(first_, balancer::AdminState::kDown);
  bench_.Settle();
  EXPECT_EQ(bench_.OpenAtNode(first_), 0u);
  EXPECT_EQ(Ask("RETR 1\r\n"), kMail);
}

TEST_F(ResumeTest, ALoginWhoseAnswerIsLostIsRepeated) {
  first().set_answer("PASS", {"", Then::kReset});
  upstream::DrivenPeer& other = bench_.Connect();
  Ask("QUIT\r\n");
  other.Send("USER alice\r\nPASS secret\r\n");
  bench_.Settle();
  first().set_answer("PASS", {kLoggedIn});
  bench_.Settle(seconds(2));
  EXPECT_THAT(other.received(), EndsWith(kLoggedIn));
}

TEST_F(ResumeTest, ASecondLossIsSurvivedToo) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  first().set_answer("RETR", {"+OK\r\nSubject: one\r\n\r\nHel", Then::kClose});
  first().StopListening();
  second().set_answer("RETR", {"+OK other words\r\nSubject: one\r\n\r\nHello, rea", Then::kClose});
  client_->Send("RETR 1\r\n");
  EXPECT_TRUE(bench_.Run([&] { return client_->received().size() > 28; }, seconds(5)));
  second().set_answer("RETR", {kMail});
  bench_.Settle(seconds(5));
  EXPECT_EQ(client_->received(), "+OK\r\nSubject: one\r\n\r\nHello, reader.\r\n.\r\n");
  EXPECT_EQ(End().resumes, 2u);
}

TEST_F(ResumeTest, ANodeThatLosesEverySessionIsNotStormed) {
  Ask("UIDL\r\n");
  for (size_t node : {0u, 1u}) bench_.node(node).set_answer("RETR", {"", Then::kClose});
  client_->Send("RETR 1\r\n");
  bench_.Settle(seconds(16));
  EXPECT_EQ(client_->received(), pop3::kReplyNodeLost);
  const Record& record = bench_.RunToEnd();
  EXPECT_GT(record.resumes, 10u);
  EXPECT_LT(record.resumes, 25u);
  EXPECT_LE(record.stalled, seconds(16));
}

TEST_F(ResumeTest, DrainEndsASessionThatHasNoNode) {
  Kill();
  bench_.DrainAll();
  bench_.Settle();
  EXPECT_EQ(client_->received(), pop3::kReplyDraining);
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kDraining);
}

TEST_F(ResumeTest, AbortEndsOneThatIsBeingResumed) {
  Ask("UIDL\r\n");
  second().StopListening();
  Kill();
  client_->Send("STAT\r\n");
  bench_.Settle(seconds(1));
  bench_.AbortAll();
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kShutdown);
}

TEST_F(ResumeTest, AClientMayLeaveWhileItHasNoNode) {
  Ask("UIDL\r\n");
  Kill();
  EXPECT_EQ(End().reason, EndReason::kClientEof);
}

TEST(ResumeOffTest, ALossIsASessionsEnd) {
  for (const bool shared : {false, true}) {
    SessionBench bench({.nodes = 2, .shared_storage = shared, .resume = {.enabled = !shared}});
    upstream::DrivenPeer& client = bench.Connect();
    ASSERT_EQ(bench.LogIn(client), kLoggedIn);
    upstream::ScriptedNode& node = bench.node(bench.Preferred("alice").front());
    node.last().Reset();
    bench.Settle();
    EXPECT_EQ(bench.Ask(client, "RETR 1\r\n"), pop3::kReplyNodeLost);
    EXPECT_EQ(bench.RunToEnd().not_resumed, "off");
    EXPECT_THAT(node.received(), Not(HasSubstr("UIDL")));
  }
}
}  // namespace
}  // namespace poplar::session
