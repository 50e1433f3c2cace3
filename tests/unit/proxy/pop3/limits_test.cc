#include "proxy/pop3/limits.h"

#include <gtest/gtest.h>

#include "proxy/pop3/authorization.h"
#include "proxy/pop3/line_reader.h"
#include "proxy/pop3/maildrop_view.h"
#include "proxy/pop3/node_login.h"
#include "proxy/pop3/reply_framer.h"
#include "proxy/pop3/reply_progress.h"

namespace poplar::pop3 {
namespace {

// The limits themselves are reached in the tests of what they bound; here is what a session carries
// at rest, so that growth is noticed.
TEST(LimitsTest, IdleStateStaysSmall) {
  EXPECT_LE(sizeof(LineReader), 48u);
  EXPECT_LE(sizeof(ReplyFramer), 128u);
  EXPECT_LE(sizeof(NodeLogin), 160u);
  EXPECT_LE(sizeof(Authorization), 576u);  // until the login only
  EXPECT_LE(sizeof(MaildropView), 80u);
  EXPECT_LE(sizeof(ReplyProgress), 40u);
}

}  // namespace
}  // namespace poplar::pop3
