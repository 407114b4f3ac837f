// The release dialog (masked pictures must be seen first) and <withdraw-button>.
import { leave, post, showToast, word } from "./page.js";

const dialog = document.querySelector("#release");
if (dialog) {
  const page = document.querySelector("main.case");
  const base = `/api/v1/cases/${page.dataset.case}`;
  const holder = dialog.querySelector("[data-masked]");
  const form = dialog.querySelector("form");
  const message = dialog.querySelector(".message");
  let pictures = [];

  const say = (text) => { message.textContent = text; message.hidden = !text; };
  const update = () => { form.querySelector("[data-go]").disabled = !pictures.length || !form.seen.checked; };

  const open = async () => {
    dialog.showModal();
    if (pictures.length) return;
    try {
      pictures = (await post(`${base}/masked`)).pictures;
      holder.replaceChildren(...pictures.map(({ url, role }) => {
        const link = Object.assign(document.createElement("a"), { href: url });
        link.append(Object.assign(document.createElement("img"), { src: url, alt: role }));
        link.addEventListener("click", (event) => { event.preventDefault(); link.classList.toggle("is-large"); });
        return link;
      }));
      holder.classList.toggle("is-single", pictures.length === 1);
      form.seen.disabled = false;
    } catch (error) {
      holder.replaceChildren();
      say(error.message);
    }
  };

  form.addEventListener("change", update);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say("");
    try {
      await post(`${base}/publications`, {
        screen_id: form.screen.value,
        hours: Number(form.hours.value),
        pictures: pictures.map(({ role, sha256 }) => ({ role, sha256 })),
        seen: form.seen.checked,
      });
      leave(page.dataset.next ? `/cases/${page.dataset.next}` : `/cases/${page.dataset.case}`, word("published"));
    } catch (error) {
      say(error.message);
    }
  });
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => history.replaceState(null, "", location.pathname));
  document.querySelector("[data-release]")?.addEventListener("click", open);
  if (location.hash === "#release") open();
}

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
