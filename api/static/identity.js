// <identity-opening>: who sent a report, told to a supervisor who says why; shown on this page only, kept nowhere.
import { post } from "./page.js";

class IdentityOpening extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.open(); });
  }

  async open() {
    const message = this.querySelector(".message");
    try {
      const told = await post(`/api/v1/reports/${this.dataset.report}/identity/opening`, { reason: this.form.elements.reason.value });
      for (const value of this.querySelectorAll("dd")) value.textContent = told[value.dataset.part] || "–";
      this.querySelector("dl").hidden = false;
      this.form.hidden = true;
    } catch (error) {
      message.textContent = error.message;
      message.hidden = false;
    }
  }
}

customElements.define("identity-opening", IdentityOpening);
