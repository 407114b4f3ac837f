// Entry of every console page: loads the custom elements, the help dialog and the toast.
import "./player.js";
import "./review.js";
import "./stills.js";
import "./release.js";
import "./objection.js";
import "./rows.js";
import "./site.js";
import "./news.js";
import "./note-form.js";
import "./identity.js";
import { isTyping, leave, post, showKept, showToast, word } from "./page.js";

const help = document.querySelector("#help");
document.querySelector("[data-help]")?.addEventListener("click", () => help.showModal());
document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") { event.preventDefault(); help?.showModal(); }
  if (event.key.toLowerCase() === "q") location.assign("/queue");
  if (event.key.toLowerCase() === "u") takeBack();
});
document.addEventListener("click", (event) => { if (event.target.closest("[data-take-back]")) takeBack(); });

// Takes back the first review of the case shown, else the one just given.
async function takeBack() {
  const shown = document.querySelector("[data-take-back]") && document.querySelector("main.case").dataset.case;
  const id = shown || sessionStorage.getItem("undo");
  if (!id) return;
  sessionStorage.removeItem("undo");
  try {
    await post(`/api/v1/cases/${id}/take-back`);
    leave(`/cases/${id}`, word("taken_back"));
  } catch (error) {
    showToast(error.message);
  }
}

showKept();
