// The queue by keyboard: J and K move, Enter opens, S starts reviewing; a click anywhere on a row opens it.
import { isTyping } from "./page.js";

const table = document.querySelector("[data-rows]");
const rows = table ? [...table.querySelectorAll("tbody tr")] : [];
let current = -1;

function select(index) {
  rows[current]?.classList.remove("is-current");
  current = Math.min(Math.max(index, 0), rows.length - 1);
  rows[current].classList.add("is-current");
  rows[current].scrollIntoView({ block: "nearest" });
  rows[current].querySelector("a").focus({ preventScroll: true });
}

for (const row of rows) {
  row.addEventListener("click", (event) => { if (!event.target.closest("a")) row.querySelector("a").click(); });
}

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "s") document.querySelector("[data-start]")?.click();
  if (!rows.length) return;
  if (key === "j" || key === "ArrowDown") { event.preventDefault(); select(current + 1); }
  if (key === "k" || key === "ArrowUp") { event.preventDefault(); select(current - 1); }
});
