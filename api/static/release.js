// <release-dialog> (masked pictures must be seen first) and <withdraw-button>.
import { leave, post, showToast, word } from "./page.js";

class ReleaseDialog extends HTMLElement {
  connectedCallback() {
    this.dialog = this.querySelector("dialog");
    this.holder = this.querySelector("[data-masked]");
    this.form = this.querySelector("form");
    this.pictures = [];
    this.form.addEventListener("change", () => this.update());
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.querySelector("[data-cancel]").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname));
    document.querySelector("[data-release]")?.addEventListener("click", () => this.open());
    if (location.hash === "#release") this.open();
  }

  update() { this.form.querySelector("[data-go]").disabled = !this.pictures.length || !this.form.seen.checked; }

  async open() {
    this.dialog.showModal();
    if (this.pictures.length) return;
    try {
      this.pictures = (await post(`/api/v1/cases/${this.dataset.case}/masked`)).pictures;
      this.holder.replaceChildren(...this.pictures.map(shownPicture));
      this.holder.classList.toggle("is-single", this.pictures.length === 1);
      this.form.seen.disabled = false;
    } catch (error) {
      this.holder.replaceChildren();
      this.say(error.message);
    }
  }

  async send() {
    this.say("");
    try {
      await post(`/api/v1/cases/${this.dataset.case}/publications`, {
        screen_id: this.form.screen.value,
        hours: Number(this.form.hours.value),
        pictures: this.pictures.map(({ role, sha256 }) => ({ role, sha256 })),
        seen: this.form.seen.checked,
      });
      leave(`/cases/${this.dataset.next || this.dataset.case}`, word("published"));
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    const message = this.querySelector(".message");
    message.textContent = text;
    message.hidden = !text;
  }
}

// A masked picture; a click shows it large.
function shownPicture({ url, role }) {
  const link = Object.assign(document.createElement("a"), { href: url });
  link.append(Object.assign(document.createElement("img"), { src: url, alt: role }));
  link.addEventListener("click", (event) => { event.preventDefault(); link.classList.toggle("is-large"); });
  return link;
}

customElements.define("release-dialog", ReleaseDialog);

class WithdrawButton extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    button.addEventListener("click", async () => {
      button.disabled = true;
      try {
        await post(`/api/v1/publications/${button.dataset.id}/withdrawal`, { note: "" });
        leave(location.pathname, word("withdrawn"));
      } catch (error) {
        button.disabled = false;
        showToast(error.message);
      }
    });
  }
}

customElements.define("withdraw-button", WithdrawButton);
