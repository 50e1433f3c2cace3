// What a client has deleted when its node is lost, and its QUIT.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/pop3/reply.h"
#include "tests/unit/proxy/session/resume_test.h"

namespace poplar::session {
namespace {

using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using PeerEnd = upstream::DrivenPeer::End;
using Then = upstream::ScriptedNode::Answer::Then;

TEST_F(ResumeTest, MarksAreRepeatedAndQuitCommitsThem) {
  EXPECT_EQ(Ask("UIDL\r\n"), kListing);
  EXPECT_EQ(Ask("DELE 1\r\nDELE 3\r\n"), "+OK\r\n+OK\r\n");
  Kill();
  EXPECT_EQ(Ask("NOOP\r\n"), "+OK noop\r\n");
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 1\r\nDELE 3\r\nNOOP\r\n"));
  EXPECT_EQ(Ask("QUIT\r\n"), "+OK bye\r\n");
  EXPECT_EQ(bench_.RunToEnd().deletes, 2u);
  EXPECT_THAT(first().received(), Not(HasSubstr("QUIT")));
}

TEST_F(ResumeTest, AMarkThatIsRefusedIsNoMark) {
  Ask("UIDL\r\nDELE 1\r\n");
  second().set_answer("DELE", {"-ERR not now\r\n"});
  Kill();
  EXPECT_EQ(Ask("QUIT\r\n"), "");
  EXPECT_THAT(second().received(), Not(HasSubstr("QUIT")));
  second().set_answer("DELE", {"+OK\r\n"});
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(), "+OK bye\r\n");
}

TEST_F(ResumeTest, RsetTakesTheMarksAway) {
  Ask("UIDL\r\nDELE 1\r\nRSET\r\nDELE 2\r\n");
  Kill();
  Ask("NOOP\r\n");
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 2\r\nNOOP\r\n"));
}

// Somebody else has deleted it, or this node doesn't know of it yet: then it would come back.
TEST_F(ResumeTest, AMarkedMessageThatIsMissedIsNotSaidToBeDeleted) {
  Ask("UIDL\r\nDELE 2\r\nDELE 3\r\n");
  SetMail(second_, "+OK\r\n1 aa\r\n2 cc\r\n.\r\n");
  Kill();
  EXPECT_EQ(Ask("QUIT\r\n"), pop3::kReplyMarksMissed);
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 2\r\nQUIT\r\n"));
  EXPECT_EQ(bench_.RunToEnd().deletes, 1u);
}

TEST_F(ResumeTest, UnlessItIsThereInTheSessionAfterThat) {
  Ask("UIDL\r\nDELE 2\r\n");
  SetMail(second_, "+OK\r\n1 aa\r\n2 cc\r\n.\r\n");
  Kill();
  EXPECT_EQ(Ask("NOOP\r\n"), "+OK noop\r\n");
  SetMail(second_, kListing);
  second().connections().back().Reset();
  bench_.Settle();
  EXPECT_EQ(Ask("QUIT\r\n"), "+OK bye\r\n");
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 2\r\nQUIT\r\n"));
}

TEST_F(ResumeTest, OrIsUndeletedByTheClient) {
  Ask("UIDL\r\nDELE 2\r\n");
  SetMail(second_, "+OK\r\n1 aa\r\n2 cc\r\n.\r\n");
  Kill();
  Ask("RSET\r\nDELE 1\r\n");
  EXPECT_EQ(Ask("QUIT\r\n"), "+OK bye\r\n");
}

// RFC 1939 section 6, across two nodes: the first has committed one of two deletes when it dies.
TEST_F(ResumeTest, AQuitWithoutAnAnswerIsSettled) {
  Ask("UIDL\r\nDELE 1\r\nDELE 3\r\n");
  first().set_answer("QUIT", {"", Then::kReset});
  first().StopListening();
  SetMail(second_, "+OK\r\n1 bb\r\n2 cc\r\n.\r\n");
  client_->Send("QUIT\r\n");
  bench_.Settle(seconds(3));
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 2\r\nQUIT\r\n"));
  EXPECT_EQ(client_->received(), "+OK bye\r\n");
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kQuit);
}

TEST_F(ResumeTest, AQuitThatCannotBeSettledHasNoAnswer) {
  Ask("UIDL\r\nDELE 1\r\n");
  first().set_answer("QUIT", {"", Then::kReset});
  first().StopListening();
  second().StopListening();
  client_->Send("QUIT\r\n");
  bench_.Settle(seconds(14));
  EXPECT_EQ(client_->end(), PeerEnd::kOpen);
  bench_.Settle(seconds(2));
  EXPECT_EQ(client_->received(), "");
  EXPECT_NE(client_->end(), PeerEnd::kOpen);
  EXPECT_EQ(bench_.RunToEnd().not_resumed, "deadline");
}

TEST_F(ResumeTest, ADeleteThatWentWithItsQuitIsDone) {
  Ask("UIDL\r\n");
  first().set_answer("DELE", {""});
  first().set_answer("QUIT", {""});
  client_->Send("DELE 1\r\nQUIT\r\n");
  bench_.Settle();
  SetMail(second_, "+OK\r\n1 bb\r\n2 cc\r\n.\r\n");
  Kill();
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(), std::string(pop3::kReplyNoop) + "+OK bye\r\n");
  EXPECT_EQ(bench_.RunToEnd().deletes, 1u);
}

TEST_F(ResumeTest, ButOnlyTheFirstOfTwo) {
  Ask("UIDL\r\n");
  first().set_answer("DELE", {""});
  first().set_answer("QUIT", {""});
  client_->Send("DELE 1\r\nDELE 1\r\nQUIT\r\n");
  bench_.Settle();
  SetMail(second_, "+OK\r\n1 bb\r\n2 cc\r\n.\r\n");
  Kill();
  bench_.Settle(seconds(3));
  EXPECT_EQ(client_->received(),
            std::string(pop3::kReplyNoop) + std::string(pop3::kReplyNoSuchMessage) + "+OK bye\r\n");
  EXPECT_EQ(bench_.RunToEnd().deletes, 1u);
}

TEST_F(ResumeTest, AQuitWithNothingToCommitNeedsNoNode) {
  Ask("UIDL\r\n");
  second().StopListening();
  first().set_answer("QUIT", {"", Then::kReset});
  EXPECT_EQ(Ask("QUIT\r\n"), pop3::kReplyQuit);
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kQuit);
}

TEST_F(ResumeTest, NorDoesOneBetweenCommands) {
  Ask("UIDL\r\n");
  second().StopListening();
  Kill();
  EXPECT_EQ(Ask("QUIT\r\n"), pop3::kReplyQuit);
  EXPECT_EQ(bench_.RunToEnd().reason, EndReason::kQuit);
}

// Asked in one packet, of no node: the DELE isn't marked yet when the QUIT comes.
TEST_F(ResumeTest, ButOneWithADeleteAheadOfItDoes) {
  Ask("UIDL\r\n");
  Kill();
  EXPECT_EQ(Ask("DELE 1\r\nQUIT\r\n"), "+OK\r\n+OK bye\r\n");
  EXPECT_THAT(second().received(), EndsWith("UIDL\r\nDELE 1\r\nQUIT\r\n"));
  EXPECT_EQ(bench_.RunToEnd().deletes, 1u);
}

}  // namespace
}  // namespace poplar::session
