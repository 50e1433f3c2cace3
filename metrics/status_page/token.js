// The token that lets change things. It is kept in this page's memory, or, if asked for, as long as the tab is open.

const KEY = "poplar-admin-token";

export class Token {
  #text = sessionStorage.getItem(KEY) ?? "";
  #details = document.getElementById("token");
  #isTaken = document.documentElement.dataset.takesToken === "yes";

  constructor() {
    const form = document.getElementById("token-form");
    form.hidden = !this.#isTaken;
    document.getElementById("token-none").hidden = this.#isTaken;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#use(form.elements["token-field"].value, form.elements["token-keep"].checked);
      form.reset();
    });
    document.getElementById("token-forget").addEventListener("click", () => this.forget());
    this.#details.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    // Buttons come and go with the rows they are in.
    new MutationObserver(() => this.#setButtons()).observe(document.querySelector("main"),
                                                           {childList: true, subtree: true});
    this.#show();
  }

  get text() {
    return this.#text;
  }

  // One that is of no use.
  forget() {
    this.#use("", false);
  }

  #use(text, isKept) {
    this.#text = text;
    if (isKept) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
    this.#show();
    if (text !== "") this.#close();
  }

  #close() {
    this.#details.open = false;
    this.#details.querySelector("summary").focus();
  }

  #show() {
    const isLocked = this.#text === "";
    this.#details.dataset.locked = isLocked;
    document.getElementById("token-state").textContent = isLocked ? "locked" : "unlocked";
    document.getElementById("token-forget").hidden = isLocked;
    document.getElementById("locked").textContent = !isLocked ? "" : this.#isTaken
      ? "To drain nodes or end sessions, unlock changes with the admin token (above)."
      : "To drain nodes or end sessions from here, Poplar needs admin.write_token_file in its configuration.";
    this.#setButtons();
  }

  #setButtons() {
    for (const button of document.querySelectorAll("[data-needs-token]")) {
      const isOff = this.#text === "";
      if (button.disabled !== isOff) button.disabled = isOff;
      if (isOff) button.setAttribute("aria-describedby", "locked");
      else button.removeAttribute("aria-describedby");
    }
  }
}
