#include "bench/generator/dialogue.h"

namespace poplar::bench {
namespace {

Step Line(std::string name, std::string command) {
  return {std::move(name), std::move(command), {Answer::kLine}};
}

void AddDownload(const DialogueOptions& options, Dialogue& dialogue) {
  if (!options.pipelined) {
    for (unsigned i = 1; i <= options.messages; ++i) {
      dialogue.push_back({"RETR", "RETR " + std::to_string(i) + "\r\n", {Answer::kLines}});
    }
    return;
  }
  Step all{"RETRs", {}, {}};
  for (unsigned i = 1; i <= options.messages; ++i) {
    all.commands += "RETR " + std::to_string(i) + "\r\n";
    all.answers.push_back(Answer::kLines);
  }
  dialogue.push_back(std::move(all));
}

}  // namespace

Dialogue MakeDialogue(const DialogueOptions& options, std::string_view user,
                      std::string_view password) {
  Dialogue dialogue{Line("greeting", {}), Line("USER", "USER " + std::string(user) + "\r\n"),
                    Line("PASS", "PASS " + std::string(password) + "\r\n")};
  if (options.kind == Kind::kHold) return dialogue;
  if (options.kind != Kind::kLogin) dialogue.push_back(Line("STAT", "STAT\r\n"));
  if (options.kind == Kind::kPoll || options.kind == Kind::kFetch) {
    dialogue.push_back({"UIDL", "UIDL\r\n", {Answer::kLines}});
    dialogue.push_back({"LIST", "LIST\r\n", {Answer::kLines}});
  }
  if (options.kind == Kind::kDownload || options.kind == Kind::kFetch)
    AddDownload(options, dialogue);
  dialogue.push_back(QuitStep());
  return dialogue;
}

Step QuitStep() { return Line("QUIT", "QUIT\r\n"); }

}  // namespace poplar::bench
