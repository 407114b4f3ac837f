// The queue by keyboard: J and K move, Enter opens, S starts reviewing, X selects, D rejects duplicates, / searches.
import { isTyping, leave, post, showToast, word } from "./page.js";

const table = document.querySelector("[data-rows]");
const rows = table ? [...table.querySelectorAll("tbody tr")] : [];
const bar = document.querySelector("[data-selection]");
let current = -1;

function move(index) {
  rows[current]?.classList.remove("is-current");
  current = Math.min(Math.max(index, 0), rows.length - 1);
  rows[current].classList.add("is-current");
  rows[current].scrollIntoView({ block: "nearest" });
  rows[current].querySelector("a").focus({ preventScroll: true });
}

const selected = () => rows.filter((row) => row.classList.contains("is-selected"));

function select(row) {
  if (row && row.dataset.first === undefined) return;
  row?.classList.toggle("is-selected");
  bar.hidden = selected().length < 2;
  bar.querySelector("[data-count]").textContent = word("selected").replace("{n}", selected().length);
}

// The list is oldest first: the topmost stays, the others are rejected as its duplicates.
async function rejectDuplicates() {
  const [kept, ...others] = selected().map((row) => row.dataset.case);
  if (!others.length) return;
  try {
    const done = await post("/api/v1/duplicates", { kept, cases: others });
    leave(location.pathname + location.search, word("duplicates_done").replace("{n}", done.rejected));
  } catch (error) {
    showToast(error.message);
  }
}

function clear() {
  for (const row of selected()) row.classList.remove("is-selected");
  bar.hidden = true;
}

for (const row of rows) {
  row.addEventListener("click", (event) => {
    if (event.target.closest("a")) return;
    if (event.ctrlKey || event.metaKey) select(row);
    else row.querySelector("a").click();
  });
}
bar?.querySelector("[data-duplicates]").addEventListener("click", rejectDuplicates);
bar?.querySelector("[data-clear]").addEventListener("click", clear);
const filter = document.querySelector("[data-filter]");
filter?.addEventListener("change", () => filter.requestSubmit());
filter?.addEventListener("formdata", (event) => { for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name); });

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const to = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key];
  const actions = {
    s: () => document.querySelector("[data-start]")?.click(),
    "/": () => filter?.querySelector("[type=search]").focus(),
    ArrowRight: () => document.querySelector(".pager [rel=next]")?.click(),
    x: () => select(rows[current]), d: rejectDuplicates, Escape: clear,
  };
  const action = to && rows.length ? () => move(current + to) : actions[key];
  if (!action || !(filter || rows.length)) return;
  event.preventDefault();
  action();
});
