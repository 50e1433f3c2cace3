#include "proxy/account_probe/speaker.h"

#include <gtest/gtest.h>

#include <string>

namespace poplar::account_probe {
namespace {

TEST(SpeakerTest, KnowsProtocolsByTheirFirstBytes) {
  EXPECT_EQ(WhatSpeaks(""), Fault::kNone);
  EXPECT_EQ(WhatSpeaks("+OK hi"), Fault::kPlainPop3);
  EXPECT_EQ(WhatSpeaks("-ERR no"), Fault::kPlainPop3);
  EXPECT_EQ(WhatSpeaks("SSH-2.0-x"), Fault::kSpeaksSsh);
  EXPECT_EQ(WhatSpeaks("HTTP/1.1 200 OK"), Fault::kSpeaksHttp);
  EXPECT_EQ(WhatSpeaks("<html>"), Fault::kSpeaksHttp);
  EXPECT_EQ(WhatSpeaks("* OK ready"), Fault::kSpeaksImap);
  EXPECT_EQ(WhatSpeaks("220 mail ESMTP"), Fault::kSpeaksSmtp);
  EXPECT_EQ(WhatSpeaks(std::string("\x16\x03\x03\x00\x02", 5)), Fault::kSpeaksTls);
  EXPECT_EQ(WhatSpeaks(std::string("\x15\x03\x01\x00\x02", 5)), Fault::kSpeaksTls);
  EXPECT_EQ(WhatSpeaks("\x16"), Fault::kSpeaksOther);
  EXPECT_EQ(WhatSpeaks("\x16\x03\x7f"), Fault::kSpeaksOther);
  EXPECT_EQ(WhatSpeaks("hello"), Fault::kSpeaksOther);
}

}  // namespace
}  // namespace poplar::account_probe
