#include "tests/simulation/client_habit.h"

namespace poplar::simulation {

using Kind = Question::Kind;

std::vector<Question> OpeningOf(ClientHabit habit) {
  switch (habit) {
    case ClientHabit::kRandom:
    case ClientHabit::kCurl:
      return {};
    case ClientHabit::kFetchmail:
      return {{Kind::kStat}, {Kind::kLast}, {Kind::kList}};
    case ClientHabit::kFetchmailKeeps:
      return {{Kind::kStat}, {Kind::kUidl}, {Kind::kList}};
    case ClientHabit::kMpop:
      return {{Kind::kCapa}, {Kind::kStat}, {Kind::kUidl}, {Kind::kList}};
    case ClientHabit::kGetmail:
      return {{Kind::kUidl}, {Kind::kList}};
    case ClientHabit::kThunderbird:
      return {{Kind::kCapa}, {Kind::kStat}, {Kind::kList}, {Kind::kUidl}};
    case ClientHabit::kPoller:
      return {{Kind::kStat}};
  }
  return {};
}

std::vector<Question> ErrandOf(ClientHabit habit, uint32_t count, SeededRandom& random) {
  std::vector<Question> questions;
  for (uint32_t n = 1; n <= count; ++n) {
    switch (habit) {
      case ClientHabit::kFetchmail:
        questions.push_back({Kind::kListOne, n});
        [[fallthrough]];
      case ClientHabit::kMpop:
      case ClientHabit::kGetmail:
        questions.push_back({Kind::kRetr, n});
        questions.push_back({Kind::kDele, n});
        break;
      case ClientHabit::kFetchmailKeeps:
        questions.push_back({Kind::kTop, n, Question::kAllLines});
        break;
      case ClientHabit::kThunderbird:
        if (random.Chance(0.3)) continue;  // it has this one
        questions.push_back(random.Chance(0.5) ? Question{Kind::kTop, n, 20}
                                               : Question{Kind::kRetr, n});
        if (random.Chance(0.2)) questions.push_back({Kind::kNoop});
        break;
      default:
        break;
    }
  }
  if (habit == ClientHabit::kCurl) questions.push_back({Kind::kRetr, 1});
  return questions;
}

size_t DepthOf(ClientHabit habit, size_t most) {
  return habit == ClientHabit::kRandom || habit == ClientHabit::kMpop ? most : 1;
}

bool Deletes(ClientHabit habit) {
  return habit == ClientHabit::kFetchmail || habit == ClientHabit::kMpop ||
         habit == ClientHabit::kGetmail;
}

}  // namespace poplar::simulation
