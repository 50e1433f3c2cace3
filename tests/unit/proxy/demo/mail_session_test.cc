#include "proxy/demo/mail_session.h"

#include <gtest/gtest.h>

#include <list>
#include <random>
#include <string>

#include "manual_world.h"
#include "proxy/demo/mail_node.h"
#include "proxy/io/task_scope.h"

namespace poplar::demo {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// One node, one store with ann (3 messages) and ben (none), and connections to the node.
class MailSessionTest : public testing::Test {
 protected:
  MailSessionTest() : proactor_(clock_, random_), scope_(proactor_.ready()) {
    store_.AddUser("ann", "secret pass ");
    store_.AddMessage("ann", "A: 1\n\none\n");
    store_.AddMessage("ann", "A: 2\n\n.dot\n.\n..\nend\n");
    store_.AddMessage("ann", "A: 3\n");
    store_.AddUser("ben", "x");
    MakeNode({});
  }
  ~MailSessionTest() override {
    node_->Stop();
    proactor_.Pump();
    EXPECT_EQ(scope_.count(), 0u);
    EXPECT_EQ(node_->open_sessions(), 0u);
    EXPECT_EQ(proactor_.buffers().in_use(), 0u);
    EXPECT_EQ(proactor_.timers().armed(), 0u);
  }

  void MakeNode(MailNodeOptions options) {
    node_ = std::make_unique<MailNode>(proactor_, store_, std::move(options));
  }

  Wire& Connect() {
    Wire& wire = wires_.emplace_back(proactor_);
    scope_.Spawn(node_->Serve(std::make_unique<MemoryStream>(proactor_, wire)));
    proactor_.Pump();
    return wire;
  }
  Wire& LogIn() {
    Wire& wire = Connect();
    Say(wire, "USER ann\r\nPASS secret pass \r\n");
    return wire;
  }

  // Sends in pieces of so many bytes, and returns what came back.
  std::string Say(Wire& wire, std::string_view bytes, size_t piece = SIZE_MAX) {
    wire.from_node.clear();
    while (!bytes.empty()) {
      wire.to_node.emplace_back(bytes.substr(0, piece));
      bytes.remove_prefix(wire.to_node.back().size());
      wire.readable.Signal();
      if (piece != SIZE_MAX) proactor_.Pump();
    }
    proactor_.Pump();
    return wire.from_node;
  }
  void End(Wire& wire) {
    wire.to_node_ended = true;
    wire.readable.Signal();
    proactor_.Pump();
  }

  ManualClock clock_;
  CountingRandom random_;
  ManualProactor proactor_;
  MailStore store_;
  std::unique_ptr<MailNode> node_;
  std::list<Wire> wires_;  // until the sessions are gone
  io::TaskScope scope_;
};

constexpr std::string_view kDialogue =
    "CAPA\r\n"
    "USER ann\r\n"
    "PASS secret pass \r\n"
    "stat\r\n"
    "LIST\r\n"
    "LIST 2\n"
    "RETR 2\r\n"
    "TOP 2 1\r\n"
    "TOP 1 0\r\n"
    "DELE 1\r\n"
    "DELE 1\r\n"
    "RETR 1\r\n"
    "STAT\r\n"
    "LIST\r\n"
    "LAST\r\n"
    "NOOP\r\n"
    "RSET\r\n"
    "STAT\r\n"
    "dele 3\r\n"
    "QUIT\r\n";

constexpr std::string_view kDialogueReplies =
    "+OK\r\nTOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
    "IMPLEMENTATION Poplar-demo-demo\r\n.\r\n"
    "+OK\r\n"
    "+OK Logged in, 3 messages\r\n"
    "+OK 3 45\r\n"
    "+OK 3 messages\r\n1 13\r\n2 26\r\n3 6\r\n.\r\n"
    "+OK 2 26\r\n"
    "+OK 26 octets\r\nA: 2\r\n\r\n..dot\r\n..\r\n...\r\nend\r\n.\r\n"
    "+OK\r\nA: 2\r\n\r\n..dot\r\n.\r\n"
    "+OK\r\nA: 1\r\n\r\n.\r\n"
    "+OK Marked\r\n"
    "-ERR No such message\r\n"
    "-ERR No such message\r\n"
    "+OK 2 32\r\n"
    "+OK 2 messages\r\n2 26\r\n3 6\r\n.\r\n"
    "-ERR Not supported\r\n"
    "+OK\r\n"
    "+OK\r\n"
    "+OK 3 45\r\n"
    "+OK Marked\r\n"
    "+OK Bye, 1 messages deleted\r\n";

TEST_F(MailSessionTest, AnswersAWholeDialogueHoweverItIsCut) {
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, size_t{50}}) {
    SCOPED_TRACE(piece);
    Wire& wire = Connect();
    EXPECT_EQ(wire.from_node, "+OK demo ready\r\n");
    EXPECT_EQ(Say(wire, kDialogue, piece), kDialogueReplies);
    EXPECT_TRUE(wire.from_node_ended);
    EXPECT_FALSE(wire.closed);
    End(wire);
    EXPECT_TRUE(wire.closed);
    EXPECT_EQ(store_.Messages("ann")->size(), 2u);
    store_.AddMessage("ann", "A: 3\n");
  }
}

TEST_F(MailSessionTest, AnswersWhatCameTogetherInOneWrite) {
  Wire& wire = Connect();
  const int before = wire.writes;
  EXPECT_EQ(Say(wire, kDialogue), kDialogueReplies);
  EXPECT_EQ(wire.writes, before + 1);
}

TEST_F(MailSessionTest, ListsUniqueIds) {
  Wire& wire = LogIn();
  const auto messages = store_.Messages("ann");
  EXPECT_EQ(Say(wire, "UIDL\r\n"), "+OK 3 messages\r\n1 " + (*messages)[0].unique_id + "\r\n2 " +
                                       (*messages)[1].unique_id + "\r\n3 " +
                                       (*messages)[2].unique_id + "\r\n.\r\n");
  EXPECT_EQ(Say(wire, "UIDL 2\r\n"), "+OK 2 " + (*messages)[1].unique_id + "\r\n");
}

TEST_F(MailSessionTest, SendsAnEmptyMaildropAndAnEmptyMessage) {
  store_.AddMessage("ben", "");
  Wire& wire = Connect();
  EXPECT_EQ(Say(wire, "USER ben\r\nPASS x\r\nSTAT\r\nRETR 1\r\nTOP 1 3\r\nDELE 1\r\nQUIT\r\n"),
            "+OK\r\n+OK Logged in, 1 messages\r\n+OK 1 0\r\n+OK 0 octets\r\n.\r\n+OK\r\n.\r\n"
            "+OK Marked\r\n+OK Bye, 1 messages deleted\r\n");
  Wire& later = Connect();
  EXPECT_EQ(Say(later, "USER ben\r\nPASS x\r\nSTAT\r\nLIST\r\nUIDL\r\nRETR 1\r\n"),
            "+OK\r\n+OK Logged in, 0 messages\r\n+OK 0 0\r\n+OK 0 messages\r\n.\r\n"
            "+OK 0 messages\r\n.\r\n-ERR No such message\r\n");
}

TEST_F(MailSessionTest, RefusesArgumentsThatMakeNoSense) {
  Wire& wire = LogIn();
  for (const char* command : {"LIST 0",
                              "LIST 4",
                              "LIST -1",
                              "LIST x",
                              "LIST 1x",
                              "LIST 99999999999999999999999",
                              "UIDL 0",
                              "UIDL a",
                              "RETR",
                              "RETR 0",
                              "RETR 4",
                              "RETR +1",
                              "RETR 1 2",
                              "DELE",
                              "DELE 0",
                              "DELE 4",
                              "DELE 18446744073709551617",
                              "TOP 0 1",
                              "TOP 4 0",
                              "TOP x 1"}) {
    EXPECT_EQ(Say(wire, std::string(command) + "\r\n"), "-ERR No such message\r\n") << command;
  }
  for (const char* command : {"TOP", "TOP 1", "TOP 1 x", "TOP 1 -1", "TOP 1 2 3"}) {
    EXPECT_EQ(Say(wire, std::string(command) + "\r\n"), "-ERR TOP takes a message and lines\r\n")
        << command;
  }
  EXPECT_EQ(Say(wire, "STAT\r\n"), "+OK 3 45\r\n");
}

TEST_F(MailSessionTest, TakesBlanksAroundNumbers) {
  Wire& wire = LogIn();
  EXPECT_EQ(Say(wire, "LIST 1 \r\nLIST  1\r\nTOP 1  0 \r\n"),
            "+OK 1 13\r\n+OK 1 13\r\n+OK\r\nA: 1\r\n\r\n.\r\n");
}

TEST_F(MailSessionTest, KnowsWhichCommandBelongsToWhichState) {
  MailNodeOptions options;
  options.bad_commands_max = 100;
  MakeNode(options);
  Wire& wire = Connect();
  for (const char* command :
       {"STAT", "LIST", "UIDL", "RETR 1", "TOP 1 1", "DELE 1", "RSET", "NOOP", "LAST"}) {
    EXPECT_EQ(Say(wire, std::string(command) + "\r\n"), "-ERR Log in first\r\n") << command;
  }
  EXPECT_EQ(Say(wire, "PASS x\r\n"), "-ERR USER first\r\n");
  EXPECT_EQ(Say(wire, "USER\r\nUSER \r\n"), "-ERR USER takes a name\r\n-ERR USER takes a name\r\n");
  EXPECT_EQ(Say(wire, "USER nobody\r\nUSER ann\r\nPASS secret pass \r\n"),
            "+OK\r\n+OK\r\n+OK Logged in, 3 messages\r\n");
  EXPECT_EQ(Say(wire, "USER ann\r\nPASS x\r\n"),
            "-ERR Already logged in\r\n-ERR Already logged in\r\n");
}

TEST_F(MailSessionTest, DoesNotCountWhatClientsTryWithoutCapa) {
  Wire& wire = Connect();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Say(wire, "AUTH \r\nAUTH PLAIN\r\nAPOP a b\r\nSTLS\r\nUTF8\r\nLANG\r\n"),
              "-ERR Not supported\r\n-ERR Not supported\r\n-ERR Not supported\r\n"
              "-ERR Not supported\r\n-ERR Not supported\r\n-ERR Not supported\r\n");
  }
  EXPECT_FALSE(wire.from_node_ended);
}

TEST_F(MailSessionTest, EndsAfterTooManyBadCommands) {
  MailNodeOptions options;
  options.bad_commands_max = 5;
  MakeNode(options);
  for (const std::string& bad : {std::string("NONSENSE\r\n"), std::string("\r\n"),
                                 std::string("STAT\r\n"), std::string("\xff\xfe\r\n"),
                                 std::string("NO\0OP\r\n", 7), std::string(5000, 'x') + "\r\n"}) {
    Wire& wire = Connect();
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(Say(wire, bad).starts_with("-ERR "));
    EXPECT_FALSE(wire.from_node_ended);
    const std::string last = Say(wire, bad + "USER ann\r\n");
    EXPECT_TRUE(last.starts_with("-ERR ") && last.find('\n') == last.size() - 1) << last;
    EXPECT_TRUE(wire.from_node_ended);
    End(wire);
    EXPECT_TRUE(wire.closed);
  }
}

TEST_F(MailSessionTest, RefusesALineThatIsTooLongAndGoesOn) {
  Wire& wire = Connect();
  EXPECT_EQ(Say(wire, "USER " + std::string(1'000'000, 'a') + "\r\nUSER ann\r\n"),
            "-ERR Line too long\r\n+OK\r\n");
  EXPECT_EQ(Say(wire, "USER " + std::string(256, 'a') + "\r\n"), "-ERR USER takes a name\r\n");
}

TEST_F(MailSessionTest, EndsAfterTooManyFailedLogins) {
  Wire& wire = Connect();
  const std::string refused = "+OK\r\n-ERR [AUTH] Wrong user name or password\r\n";
  EXPECT_EQ(Say(wire, "USER ann\r\nPASS secret pass\r\n"), refused);  // the blank belongs to it
  EXPECT_EQ(Say(wire, "USER nobody\r\nPASS x\r\n"), refused);
  EXPECT_EQ(Say(wire, "PASS secret pass \r\n"), "-ERR USER first\r\n");
  EXPECT_FALSE(wire.from_node_ended);
  EXPECT_EQ(Say(wire, "USER ann\r\nPASS\r\nUSER ann\r\n"), refused);
  EXPECT_TRUE(wire.from_node_ended);
  EXPECT_EQ(node_->counters().refused_logins, 3u);
}

TEST_F(MailSessionTest, DeletesNothingWithoutAQuit) {
  // The client's end of stream, with or without half a QUIT; a reset; the autologout; Stop.
  Wire& wire = LogIn();
  Say(wire, "DELE 1\r\nQUIT");
  End(wire);
  EXPECT_TRUE(wire.closed);
  Wire& reset = LogIn();
  Say(reset, "DELE 1\r\n");
  reset.aborted = true;
  End(reset);
  EXPECT_TRUE(reset.closed);
  Wire& idle = LogIn();
  Say(idle, "DELE 1\r\n");
  proactor_.Advance(minutes(11));
  EXPECT_TRUE(idle.closed);
  Wire& stopped = LogIn();
  Say(stopped, "DELE 1\r\n");
  node_->Stop();
  proactor_.Pump();
  EXPECT_TRUE(stopped.closed);
  EXPECT_EQ(store_.Messages("ann")->size(), 3u);
  EXPECT_EQ(store_.OpenCount("ann"), 0);
  EXPECT_EQ(node_->counters().quits, 0u);
  EXPECT_EQ(node_->counters().committed_deletes, 0u);
}

TEST_F(MailSessionTest, LogsOutTheIdleWithoutAWord) {
  Wire& silent = Connect();
  Wire& logged_in = LogIn();
  proactor_.Advance(minutes(3) + seconds(1));
  EXPECT_TRUE(silent.closed);
  EXPECT_EQ(silent.from_node, "+OK demo ready\r\n");
  proactor_.Advance(minutes(6) + seconds(50));
  EXPECT_FALSE(logged_in.closed);
  EXPECT_EQ(Say(logged_in, "NOOP\r\n"), "+OK\r\n");
  proactor_.Advance(minutes(10) - seconds(1));
  EXPECT_FALSE(logged_in.closed);
  proactor_.Advance(seconds(2));
  EXPECT_TRUE(logged_in.closed);
  EXPECT_EQ(logged_in.from_node, "+OK\r\n");
}

TEST_F(MailSessionTest, CutsOffAClientThatDoesNotRead) {
  Wire& wire = LogIn();
  wire.stalled = true;
  Say(wire, "RETR 1\r\n");
  proactor_.Advance(minutes(2) - seconds(1));
  EXPECT_FALSE(wire.closed);
  proactor_.Advance(seconds(2));
  EXPECT_TRUE(wire.closed);
}

TEST_F(MailSessionTest, WaitsOnlyShortlyForTheClientsCloseAfterQuit) {
  Wire& wire = LogIn();
  EXPECT_EQ(Say(wire, "QUIT\r\nSTAT\r\nNOOP\r\n"), "+OK Bye\r\n");
  EXPECT_EQ(store_.OpenCount("ann"), 0);
  EXPECT_FALSE(wire.closed);
  proactor_.Advance(seconds(3));
  EXPECT_TRUE(wire.closed);
}

TEST_F(MailSessionTest, LocksTheMaildropIfToldTo) {
  MailNodeOptions options;
  options.exclusive_lock = true;
  MakeNode(options);
  Wire& first = LogIn();
  Wire& second = Connect();
  for (int i = 0; i < 5; ++i) {  // not the user's fault: doesn't count as a failed login
    EXPECT_EQ(Say(second, "USER ann\r\nPASS secret pass \r\n"),
              "+OK\r\n-ERR [IN-USE] The maildrop is locked by another session\r\n");
  }
  EXPECT_EQ(Say(first, "QUIT\r\n"), "+OK Bye\r\n");
  EXPECT_EQ(Say(second, "USER ann\r\nPASS secret pass \r\n"),
            "+OK\r\n+OK Logged in, 3 messages\r\n");
}

TEST_F(MailSessionTest, SharesAStoreAmongNodes) {
  MailNode other(proactor_, store_, {});
  Wire wire(proactor_);
  scope_.Spawn(other.Serve(std::make_unique<MemoryStream>(proactor_, wire)));
  Say(wire, "USER ann\r\nPASS secret pass \r\n");
  Wire& here = LogIn();
  Say(here, "DELE 1\r\nQUIT\r\n");
  EXPECT_EQ(Say(wire, "STAT\r\nRETR 3\r\nQUIT\r\n"),
            "+OK 3 45\r\n+OK 6 octets\r\nA: 3\r\n.\r\n+OK Bye\r\n");
  Wire& again = Connect();
  EXPECT_EQ(Say(again, "USER ann\r\nPASS secret pass \r\nSTAT\r\n"),
            "+OK\r\n+OK Logged in, 2 messages\r\n+OK 2 32\r\n");
  other.Stop();
  proactor_.Pump();
  EXPECT_TRUE(wire.closed);
}

// Undoes the dot-stuffing and takes the status line and the terminator off.
std::string Unstuff(std::string_view reply) {
  reply.remove_prefix(reply.find('\n') + 1);
  std::string text;
  while (!reply.empty()) {
    const size_t size = reply.find('\n') + 1;
    std::string_view line = reply.substr(0, size);
    reply.remove_prefix(size);
    if (line == ".\r\n") break;
    if (line.starts_with('.')) line.remove_prefix(1);
    text.append(line);
  }
  EXPECT_TRUE(reply.empty());
  return text;
}

TEST_F(MailSessionTest, BringsMessagesOfAnySizeByteForByte) {
  std::mt19937 random(7);
  std::vector<std::string> texts;
  for (const size_t size : {1u, 100u, 16'383u, 16'384u, 16'385u, 40'000u, 262'144u, 1'000'000u}) {
    for (const char* alphabet :
         {"abcdefgh", ".\nab\n..", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n.\xe9"}) {
      std::string text;
      const size_t letters = std::string_view(alphabet).size();
      while (text.size() < size) text += alphabet[random() % letters];
      store_.AddMessage("ben", text);
      texts.push_back(text);
    }
  }
  Wire& wire = Connect();
  Say(wire, "USER ben\r\nPASS x\r\n");
  const auto messages = store_.Messages("ben");
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string reply = Say(wire, "RETR " + std::to_string(i + 1) + "\r\n");
    ASSERT_TRUE(Unstuff(reply) == *(*messages)[i].text) << "message " << i + 1;
  }
  EXPECT_LE(wire.longest_write, ReplyWriter::kSliceBytesMax);
  std::string many;
  std::string all;
  for (size_t i = 1; i <= texts.size(); ++i) {
    all += Say(wire, "RETR " + std::to_string(i) + "\r\n");
    many += "RETR " + std::to_string(i) + "\r\n";
  }
  EXPECT_TRUE(Say(wire, many) == all);
}

TEST_F(MailSessionTest, TalksToNobodyOnceStopped) {
  node_->Stop();
  Wire& wire = Connect();
  EXPECT_TRUE(wire.closed);
  EXPECT_EQ(wire.from_node, "");
}

}  // namespace
}  // namespace poplar::demo
