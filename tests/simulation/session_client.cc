#include "tests/simulation/session_client.h"

#include <algorithm>
#include <utility>

namespace poplar::simulation {
namespace {

using Kind = Question::Kind;

constexpr int kLoginTries = 3;
constexpr io::Duration kStall = std::chrono::minutes(5);
constexpr io::Duration kImpatience = std::chrono::seconds(3);
constexpr int kPauses = 20;

}  // namespace

SessionClient::SessionClient(SimProactor& proactor, SessionLedger& ledger, io::Address poplar,
                             const ClientPlan& plan, SeededRandom random)
    : proactor_(proactor),
      world_(proactor.world()),
      ledger_(ledger),
      poplar_(poplar),
      plan_(plan),
      random_(std::move(random)),
      news_(proactor.ready()),
      patience_(proactor.timers(), &SessionClient::OnImpatience, this) {}

io::Task<void> SessionClient::Run() {
  co_await proactor_.Sleep(plan_.start_after);
  for (int poll = 0; poll < plan_.polls; ++poll) {
    satisfied_ = false;
    for (int i = 0; i < plan_.connections_max && !satisfied_; ++i) {
      co_await Connect();
      served_ |= attempt_->logged_in;
      co_await proactor_.Sleep(random_.Between(io::Duration(0), std::chrono::seconds(2)));
    }
    disappointed_ |= !satisfied_;
    if (poll + 1 < plan_.polls)
      co_await proactor_.Sleep(random_.Between(io::Duration(0), plan_.poll_pause_max));
  }
  done_ = true;
}

io::Task<void> SessionClient::Connect() {
  const io::Result<io::SocketId> opened = proactor_.OpenSocket(AF_INET);
  world_.Require(opened.has_value(), "a client can't open a socket");
  socket_ = *opened;
  stream_ = std::make_unique<io::SocketStream>(proactor_, socket_);
  attempt_ = &ledger_.Begin(plan_.user, plan_.spelling);
  attempts_.push_back(attempt_);
  dialogue_.emplace(ledger_, *attempt_);
  sent_ = 0;
  left_ = cut_off_ = reader_done_ = stalling_ = false;
  pauses_left_ = kPauses;
  RearmPatience();
  const io::Result<> connected = co_await stream_->Connect(poplar_);
  attempt_->address = proactor_.LocalAddress(socket_);
  if (connected) {
    co_await io::WhenBoth(proactor_.ready(), Write(), Read());
    const bool answered = plan_.quits ? dialogue_->finished() : dialogue_->all_answered();
    satisfied_ = answered && attempt_->saw_end &&
                 (attempt_->quit_answered || !plan_.quits || !attempt_->logged_in);
  }
  patience_.Disarm();
  attempt_->left = true;
  stream_.reset();
}

// --- what it reads

io::Task<void> SessionClient::Read() {
  bool orderly = false;
  while (true) {
    if (plan_.temper == SessionTemper::kSlow && pauses_left_-- > 0) {
      co_await proactor_.Sleep(random_.Between(io::Duration(0), std::chrono::milliseconds(500)));
    }
    if (plan_.temper == SessionTemper::kStalls && attempt_->logged_in && pauses_left_ > 0) {
      pauses_left_ = 0;
      patience_.Disarm();
      attempt_->left = stalling_ = true;
      co_await proactor_.Sleep(kStall);
      stalling_ = false;
    }
    RearmPatience();
    const io::Result<io::Buffer> read = co_await stream_->Read();
    if (!read) break;
    orderly = read->empty();
    if (orderly) break;
    const size_t answered = dialogue_->logins_answered();
    dialogue_->Feed(read->bytes());
    if (answered != dialogue_->logins_answered()) JudgeLoginTime();
    news_.Signal();
    if (dialogue_->bytes_behind_lie() > plan_.give_up_after) {
      left_ = attempt_->left = true;
      stream_->Abort();
    }
  }
  patience_.Disarm();
  // A reset that a write has met looks like an orderly end to the read behind it.
  dialogue_->OnEnd(orderly && !left_ && !cut_off_);
  reader_done_ = true;
  news_.Signal();
  // What it would still have to say nobody hears.
  stream_->Abort();
}

void SessionClient::JudgeLoginTime() {
  const io::Duration took = proactor_.Now() - attempt_->pass_sent;
  if (!plan_.login_patience || attempt_->node_lied || took <= *plan_.login_patience) return;
  ledger_.Fail(*attempt_, "PASS was answered after " + std::to_string(io::Seconds(took)) + " s");
}

void SessionClient::RearmPatience() {
  if (reader_done_ || stalling_) return;
  // Nobody can tell whether an opaque session is owed an answer; it ends as an idle one.
  const bool due =
      dialogue_->outstanding() > 0 && !attempt_->node_lied && !attempt_->sent_unknown_command;
  patience_.Arm(proactor_.Now() + (due ? plan_.answer_patience : plan_.idle_patience));
}

void SessionClient::OnImpatience(void* context) {
  auto* self = static_cast<SessionClient*>(context);
  if (!self->plan_.may_be_cut_off && !self->left_) {
    const std::string open = std::to_string(self->dialogue_->outstanding());
    const std::string temper = std::to_string(static_cast<int>(self->plan_.temper));
    self->ledger_.Fail(*self->attempt_, "a client got neither answer nor close in time, " + open +
                                            " answers open, temper " + temper);
  }
  self->left_ = true;
  self->attempt_->left = true;
  self->stream_->Abort();
  self->news_.Signal();
}

// --- what it says

io::Task<void> SessionClient::Write() {
  co_await TalkAsDrawn();
  if (!over() && !plan_.quits) co_await Leave();
  if (!over() && plan_.temper == SessionTemper::kHalfCloses) {
    attempt_->left = true;
    co_await stream_->ShutdownWrite();
  }
}

io::Task<void> SessionClient::TalkAsDrawn() {
  co_await WaitUntilOpen(0);
  if (over() || dialogue_->finished()) co_return;
  const bool logged_in = co_await LogIn();
  if (over() || dialogue_->finished()) co_return;
  if (logged_in && plan_.temper == SessionTemper::kIdles) {
    while (!over()) co_await news_.Wait();
    co_return;
  }
  if (logged_in && !opening_.empty()) {
    if (!co_await AskInTurn(std::exchange(opening_, {}))) co_return;
    co_await WaitUntilOpen(0);
    if (over()) co_return;
  }
  std::vector<Question> questions;
  if (logged_in) questions = Errand();
  if (plan_.quits) questions.push_back({Kind::kQuit});
  if (plan_.quits && plan_.talks_on) questions.insert(questions.end(), 3, {Kind::kDele, 1});
  if (!co_await AskInTurn(std::move(questions))) co_return;
  if (plan_.temper != SessionTemper::kHalfCloses) co_await WaitUntilOpen(0);
}

// As many at once as the plan lets be in flight; false when nothing more can be sent.
io::Task<bool> SessionClient::AskInTurn(std::vector<Question> questions) {
  for (size_t at = 0; at < questions.size() && !over() && !dialogue_->finished();) {
    if (plan_.thinks > io::Duration(0)) {
      co_await proactor_.Sleep(random_.Between(io::Duration(0), plan_.thinks));
      if (over() || dialogue_->finished()) break;
    }
    const size_t room = plan_.depth - std::min(plan_.depth, dialogue_->outstanding());
    const size_t n = std::min(questions.size() - at, random_.Between(1, std::max<size_t>(room, 1)));
    const auto begin = questions.begin() + static_cast<ptrdiff_t>(at);
    if (!co_await Ask({begin, begin + static_cast<ptrdiff_t>(n)})) co_return false;
    at += n;
    co_await WaitUntilOpen(plan_.depth - 1);
  }
  co_return true;
}

Question SessionClient::Tag() const { return {Kind::kTag, static_cast<uint32_t>(attempt_->id)}; }

std::vector<Question> SessionClient::Opening() const {
  std::vector<Question> opening = {Tag()};
  if (plan_.habit == ClientHabit::kRandom) {
    opening.push_back({plan_.asks_no_uidl ? Kind::kStat : Kind::kUidl});
  } else {
    for (const Question& question : OpeningOf(plan_.habit)) opening.push_back(question);
  }
  return opening;
}

std::string SessionClient::DrawPassword() {
  const bool wrong =
      plan_.temper == SessionTemper::kWrongPassword || random_.Chance(plan_.mistypes);
  return std::string(wrong ? SessionMail::kWrongPassword : SessionMail::kPassword);
}

io::Task<bool> SessionClient::LogIn() {
  const bool wrong = plan_.temper == SessionTemper::kWrongPassword;
  for (int i = 0; i < kLoginTries + (wrong ? 1 : 0); ++i) {
    const Question user{Kind::kUser, 0, 0, attempt_->name};
    const Question pass{Kind::kPass, 0, 0, DrawPassword()};
    opening_ = Opening();
    if (plan_.eager) {
      const auto early = static_cast<ptrdiff_t>(random_.Between(1, opening_.size()));
      std::vector<Question> packet = {user, pass};
      packet.insert(packet.end(), opening_.begin(), opening_.begin() + early);
      opening_.erase(opening_.begin(), opening_.begin() + early);
      if (!co_await Ask(std::move(packet))) co_return false;
    } else {
      if (!co_await Ask({user})) co_return false;
      co_await WaitUntilOpen(0);
      if (over() || dialogue_->finished() || !co_await Ask({pass})) co_return false;
    }
    if (plan_.temper == SessionTemper::kImpatient) {
      co_await proactor_.Sleep(random_.Between(io::Duration(0), kImpatience));
      co_await Leave();
      co_return false;
    }
    co_await WaitUntilOpen(0);
    if (over() || dialogue_->finished() || attempt_->logged_in) break;
    co_await proactor_.Sleep(random_.Between(io::Duration(0), std::chrono::seconds(3)));
    if (over()) break;
  }
  co_return attempt_->logged_in && !over();
}

io::Task<bool> SessionClient::Ask(std::vector<Question> questions) {
  const bool leaves =
      plan_.temper == SessionTemper::kCloses || plan_.temper == SessionTemper::kResets;
  std::string bytes;
  bool whole = true;
  for (const Question& question : questions) {
    const std::string line = question.Line();
    if (leaves && sent_ + bytes.size() + line.size() > plan_.cut_after) {
      bytes += line.substr(0, plan_.cut_after - sent_ - bytes.size());
      whole = false;
      break;
    }
    bytes += line;
    dialogue_->OnSent(question);
  }
  RearmPatience();
  sent_ += bytes.size();
  const io::Result<> written = co_await stream_->Write(bytes);
  cut_off_ |= !written;
  if (!whole) co_await Leave();
  co_return whole&& written.has_value() && !over();
}

io::Task<void> SessionClient::Leave() {
  // Sometimes at once, sometimes when the answers are there or on their way.
  if (random_.Chance(0.5)) {
    co_await proactor_.Sleep(random_.Between(io::Duration(0), std::chrono::milliseconds(300)));
  }
  if (over() || plan_.temper == SessionTemper::kHalfCloses) co_return;
  left_ = true;
  attempt_->left = true;
  if (plan_.temper == SessionTemper::kResets ||
      (plan_.temper == SessionTemper::kImpatient && random_.Chance(0.5))) {
    proactor_.Reset(socket_);
  } else {
    stream_->Abort();
  }
}

io::Task<void> SessionClient::WaitUntilOpen(size_t most) {
  while (!over() && !dialogue_->finished() && dialogue_->outstanding() > most)
    co_await news_.Wait();
}

// All but QUIT. Now and then it says who it is, for a session that was resumed may go on elsewhere.
std::vector<Question> SessionClient::Errand() {
  std::vector<Question> untagged = plan_.habit == ClientHabit::kRandom
                                       ? DrawQuestions()
                                       : ErrandOf(plan_.habit, dialogue_->view().size(), random_);
  std::vector<Question> questions;
  for (Question& question : untagged) {
    if (random_.Chance(plan_.tags)) questions.push_back(Tag());
    questions.push_back(std::move(question));
  }
  if (plan_.quits && random_.Chance(plan_.tags)) questions.push_back(Tag());
  return questions;
}

std::vector<Question> SessionClient::DrawQuestions() {
  std::vector<Question> questions;
  const uint32_t count = dialogue_->view().size();
  if (plan_.deletes && !plan_.asks_no_uidl) {
    // What fetchmail and mpop do.
    for (uint32_t n = 1; n <= count && questions.size() < plan_.commands; ++n) {
      questions.push_back({Kind::kRetr, n});
      if (random_.Chance(0.9)) questions.push_back({Kind::kDele, n});
    }
    if (random_.Chance(0.15)) questions.push_back({Kind::kRset});
  }
  while (questions.size() < plan_.commands) questions.push_back(DrawQuestion());
  if (plan_.goes_opaque && !questions.empty()) {
    questions.insert(questions.begin() + static_cast<ptrdiff_t>(random_.Below(questions.size())),
                     {Kind::kUnknown});
  }
  return questions;
}

Question SessionClient::DrawQuestion() {
  constexpr std::array kDraws = {Kind::kRetr, Kind::kRetr,      Kind::kRetr,    Kind::kTop,
                                 Kind::kStat, Kind::kListOne,   Kind::kUidlOne, Kind::kNoop,
                                 Kind::kList, Kind::kUidl,      Kind::kNoop,    Kind::kStat,
                                 Kind::kCapa, Kind::kLast,      Kind::kNoop,    Kind::kDele,
                                 Kind::kRset, Kind::kMalformed, Kind::kUser,    Kind::kTop};
  // One behind the last now and then.
  const auto number = static_cast<uint32_t>(random_.Between(1, dialogue_->view().size() + 1));
  Question question{kDraws[random_.Below(kDraws.size())], number,
                    static_cast<uint32_t>(random_.Below(6)), "again"};
  // After these the session would not be the same: only few of them.
  const bool rare = question.kind == Kind::kDele || question.kind == Kind::kRset ||
                    question.kind == Kind::kMalformed || question.kind == Kind::kUser;
  if (rare && random_.Chance(0.7)) question.kind = Kind::kNoop;
  // What it can't name nobody could judge either.
  const bool unknown = dialogue_->view().Find(number) == nullptr;
  if ((plan_.only_reads || unknown) && question.kind == Kind::kDele) question.kind = Kind::kRetr;
  if (plan_.asks_no_uidl && question.kind == Kind::kUidl) question.kind = Kind::kList;
  return question;
}

}  // namespace poplar::simulation
