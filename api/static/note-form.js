// <note-form>: a step that needs a line of why; posts {note}, then shows the page anew.
import { leave, post, word } from "./page.js";

class NoteForm extends HTMLElement {
  connectedCallback() {
    this.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
  }

  async send() {
    const message = this.querySelector(".message");
    try {
      const done = await post(this.dataset.post, { note: this.querySelector("input").value });
      leave(location.pathname, word(this.dataset.done).replace("{n}", done.queued));
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  }
}

customElements.define("note-form", NoteForm);
