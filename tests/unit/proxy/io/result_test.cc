#include "proxy/io/result.h"

#include <gtest/gtest.h>

namespace poplar::io {
namespace {

TEST(ErrorTest, SaysItsNameAndItsMeaning) {
  EXPECT_EQ(Error{ECONNREFUSED}.Text(), "ECONNREFUSED: Connection refused");
  EXPECT_EQ(Error{99999}.Text(), "errno 99999");
}

TEST(ErrorTest, Kinds) {
  EXPECT_TRUE(Error{ECANCELED}.cancelled());
  EXPECT_FALSE(Error{ECANCELED}.reset());
  for (const int code : {ECONNRESET, EPIPE, ECONNABORTED}) EXPECT_TRUE(Error{code}.reset());
  EXPECT_FALSE(Error{ETIMEDOUT}.reset());
}

TEST(ErrorTest, AFailedResultCarriesTheCode) {
  const Result<int> result = Fail(EPROTO);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), Error{EPROTO});
}

}  // namespace
}  // namespace poplar::io
