// <suspension-lift>: a supervisor lets a suspended rule go on, saying what was found.
import { leave, post, word } from "./page.js";

class SuspensionLift extends HTMLElement {
  connectedCallback() {
    this.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); this.lift(); });
  }

  async lift() {
    const message = this.querySelector(".message");
    try {
      const done = await post(`/api/v1/suspensions/${this.dataset.id}/lift`, { note: this.querySelector("input").value });
      leave("/economics", word("lifted").replace("{n}", done.queued));
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  }
}

customElements.define("suspension-lift", SuspensionLift);
