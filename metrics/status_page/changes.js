// What the buttons do: each change is confirmed first, and its outcome is told.

import {change} from "./api.js";

// [question, the button that says yes, what will be, what is told when it is done]
const NODE_WORDS = {
  drain: (name) => [`Drain ${name}?`, "Drain",
    "It takes no new users from now on. Sessions there go on until their clients leave.",
    `${name} drains: it takes no new users.`],
  undrain: (name) => [`Undrain ${name}?`, "Undrain", "It takes users again, as far as its health allows.",
    `${name} is no longer drained.`],
};
const KICK_WORDS = (session) => [`End session ${session}?`, "End it",
  "Poplar ends it before its next command. Its client may come back at once."];

const dialog = document.getElementById("confirm");

function confirmed([title, action, words]) {
  document.getElementById("confirm-title").textContent = title;
  document.getElementById("confirm-words").textContent = words;
  document.getElementById("confirm-yes").textContent = action;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {once: true});
  });
}

export class Changes {
  #token;
  #notice;
  #onDone;

  constructor(token, notice, onDone) {
    this.#token = token;
    this.#notice = notice;
    this.#onDone = onDone;
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button");
      if (button?.dataset.change) this.#changeNode(button.dataset);
      if (button?.dataset.kick) this.#kick(button.dataset.kick);
    });
  }

  #changeNode({change: what, cluster, node}) {
    const words = NODE_WORDS[what](`${cluster}/${node}`);
    return this.#make(words, `api/v1/${what}`, {cluster, node}, () => words[3]);
  }

  #kick(session) {
    return this.#make(KICK_WORDS(session), "api/v1/kick", {session},
                      ({kicked}) => kicked === 0 ? "That session had ended already." : `Session ${session} ends.`);
  }

  async #make(words, path, parameters, told) {
    if (!await confirmed(words)) return;
    try {
      this.#notice.say(told(await change(path, parameters, this.#token.text)));
    } catch (error) {
      if (error.isForWantOfRights) this.#token.forget();
      this.#notice.say(`Not done. ${error.message}`, "bad");
    }
    this.#onDone();
  }
}
