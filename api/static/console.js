// Entry of every console page: loads the custom elements, the help dialog and the toast.
import "./player.js";
import "./review.js";
import "./stills.js";
import "./release.js";
import "./objection.js";
import "./rows.js";
import { isTyping, showToast } from "./page.js";

const help = document.querySelector("#help");
document.querySelector("[data-help]")?.addEventListener("click", () => help.showModal());
document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.querySelector("dialog[open]")) return;
  if (event.key === "?") { event.preventDefault(); help?.showModal(); }
  if (event.key.toLowerCase() === "q") location.assign("/queue");
});

const kept = sessionStorage.getItem("toast");
if (kept) { sessionStorage.removeItem("toast"); showToast(kept); }
