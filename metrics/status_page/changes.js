// What the buttons do: each change is confirmed first, and its outcome is told.

import {change} from "./api.js";

const WORDS = {
  drain: (name) => [`Drain ${name}?`, "Drain",
    "It takes no new users from now on. Sessions there go on until their clients leave."],
  undrain: (name) => [`Undrain ${name}?`, "Undrain", "It takes users again, as its health allows."],
  kick: (name) => [`End ${name}?`, "End it",
    "Poplar ends it before its next command; the client may come back at once."],
};

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
    const name = `${cluster}/${node}`;
    return this.#make(WORDS[what](name), `api/v1/${what}`, {cluster, node}, () => `${name}: ${what} is done.`);
  }

  #kick(session) {
    return this.#make(WORDS.kick(`session ${session}`), "api/v1/kick", {session},
                      ({kicked}) => kicked === 0 ? "That session had ended already." : `Session ${session} ends.`);
  }

  async #make(words, path, parameters, told) {
    if (!await confirmed(words)) return;
    try {
      this.#notice.say(told(await change(path, parameters, this.#token.text)));
    } catch (error) {
      this.#notice.say(`Not done. ${error.message}`, "bad");
    }
    this.#onDone();
  }
}
