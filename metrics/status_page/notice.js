// The line that lies over everything: what a change came to, and whether Poplar answers. Screen readers read it aloud.

const GOOD_NEWS = 10000;  // milliseconds that they stay

export class Notice {
  #element = document.getElementById("notice");
  #silence = "";
  #said = {text: "", tone: ""};
  #end;

  say(text, tone = "good") {
    this.#said = {text, tone};
    this.#show();
    clearTimeout(this.#end);
    if (tone === "good" && text !== "") this.#end = setTimeout(() => this.say(""), GOOD_NEWS);
  }

  // Poplar has not answered: it stays said until it does.
  lost(text) {
    this.#silence = text;
    this.#show();
  }

  found() {
    this.#silence = "";
    this.#show();
  }

  #show() {
    const {text, tone} = this.#silence === "" ? this.#said : {text: this.#silence, tone: "bad"};
    if (this.#element.textContent !== text) this.#element.textContent = text;
    this.#element.dataset.tone = tone;
    document.documentElement.classList.toggle("stale", this.#silence !== "");
  }
}
