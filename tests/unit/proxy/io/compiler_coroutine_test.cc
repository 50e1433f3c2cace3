// The shapes of coroutine code that one compiler or another has miscompiled (g++ before 14: GCC PR
// 106188 and 106713 among others). A new compiler has to pass this before anything else of ours
// means something.
#include <gtest/gtest.h>

#include <coroutine>
#include <initializer_list>
#include <utility>

#include "proxy/io/task.h"
#include "tests/unit/proxy/io/noisy.h"
#include "tests/unit/proxy/io/run_ready.h"

namespace poplar::io {
namespace {

// What a case did: calls that took place, and the balance of constructions and destructions.
struct Trace {
  int calls = 0;
  int alive = 0;
};

Task<bool> Yes(Trace& trace) {
  ++trace.calls;
  co_return true;
}

Task<int> Number(Trace& trace, int value) {
  ++trace.calls;
  co_return value;
}

// --- co_await in conditions of bodies without a local variable at their top level

Task<void> InIf(Trace& trace) {
  if (co_await Yes(trace)) ++trace.calls;
}

Task<void> InElseIf(Trace& trace) {
  if (trace.calls > 100) {
    ++trace.calls;
  } else if (co_await Yes(trace)) {
    ++trace.calls;
  }
}

Task<void> InWhile(Trace& trace) {
  while (co_await Number(trace, trace.calls) < 1) {
  }
}

Task<void> InSwitch(Trace& trace) {
  switch (co_await Number(trace, 3)) {
    case 3:
      ++trace.calls;
      break;
    default:
      trace.calls = -100;
  }
}

Task<void> InAnd(Trace& trace) {
  if (co_await Yes(trace) && co_await Yes(trace)) co_return;
}

Task<void> InConditional(Trace& trace) {
  trace.calls += trace.calls == 0 ? co_await Number(trace, 1) : 100;
}

// --- temporaries that live across the await

struct Aggregate {
  Noisy noisy;
  int value;
};

Task<int> TakeAggregate(Trace& trace, Aggregate aggregate) {
  ++trace.calls;
  co_return aggregate.value;
}

Task<void> AggregateArgument(Trace& trace) {
  trace.calls += co_await TakeAggregate(trace, Aggregate{Noisy(trace.alive), 1});
}

Task<void> DesignatedArgument(Trace& trace) {
  trace.calls += co_await TakeAggregate(trace, Aggregate{.noisy = Noisy(trace.alive), .value = 1});
}

template <class Function>
Task<int> CallFunction(Trace& trace, Function function) {
  ++trace.calls;
  co_return function();
}

Task<void> CapturingLambdaArgument(Trace& trace) {
  Noisy noisy(trace.alive);
  trace.calls += co_await CallFunction(trace, [noisy] { return 1; });
}

struct AggregateAwaiter {
  Noisy noisy;
  Trace& trace;
  bool await_ready() { return true; }
  void await_suspend(std::coroutine_handle<>) {}
  int await_resume() {
    ++trace.calls;
    return 1;
  }
};

Task<void> AwaitAggregateAwaiter(Trace& trace) {
  Noisy member(trace.alive);
  trace.calls += co_await AggregateAwaiter{member, trace};
}

Task<void> AwaitInAggregate(Trace& trace) {
  Aggregate aggregate{Noisy(trace.alive), co_await Number(trace, 1)};
  trace.calls += aggregate.value;
}

Task<std::pair<Noisy, int>> MakePair(Trace& trace) {
  ++trace.calls;
  co_return std::pair<Noisy, int>(Noisy(trace.alive), 1);
}

Task<void> StructuredBinding(Trace& trace) {
  const auto [noisy, value] = co_await MakePair(trace);
  trace.calls += value;
}

Task<int> SumOf(Trace& trace, std::initializer_list<int> numbers) {
  ++trace.calls;
  int sum = 0;
  for (const int number : numbers) sum += number;
  co_return sum;
}

Task<void> InitializerListArgument(Trace& trace) { trace.calls += co_await SumOf(trace, {3, -2}); }

Task<void> AwaitInArgument(Trace& trace) {
  trace.calls += co_await Number(trace, co_await Number(trace, 0));
}

struct Shape {
  const char* name;
  Task<void> (*body)(Trace&);
};

class CompilerCoroutineTest : public testing::TestWithParam<Shape> {};

// Each body makes exactly two calls or one call and one step of its own.
TEST_P(CompilerCoroutineTest, RunsAndBalances) {
  for (int i = 0; i < 3; ++i) {
    Trace trace;
    RunToEnd(GetParam().body(trace));
    EXPECT_EQ(trace.calls, 2);
    EXPECT_EQ(trace.alive, 0);
  }
}

TEST_P(CompilerCoroutineTest, BalancesWhenNeverStarted) {
  Trace trace;
  {
    const Task<void> task = GetParam().body(trace);
  }
  EXPECT_EQ(trace.calls, 0);
  EXPECT_EQ(trace.alive, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CompilerCoroutineTest,
                         testing::Values(Shape{"InIf", &InIf}, Shape{"InElseIf", &InElseIf},
                                         Shape{"InWhile", &InWhile}, Shape{"InSwitch", &InSwitch},
                                         Shape{"InAnd", &InAnd},
                                         Shape{"InConditional", &InConditional},
                                         Shape{"AggregateArgument", &AggregateArgument},
                                         Shape{"DesignatedArgument", &DesignatedArgument},
                                         Shape{"CapturingLambdaArgument", &CapturingLambdaArgument},
                                         Shape{"AwaitAggregateAwaiter", &AwaitAggregateAwaiter},
                                         Shape{"AwaitInAggregate", &AwaitInAggregate},
                                         Shape{"StructuredBinding", &StructuredBinding},
                                         Shape{"InitializerListArgument", &InitializerListArgument},
                                         Shape{"AwaitInArgument", &AwaitInArgument}),
                         [](const testing::TestParamInfo<Shape>& shape) {
                           return std::string(shape.param.name);
                         });

}  // namespace
}  // namespace poplar::io
