// <review-panel>: the decision, by keyboard. Nothing is final before the server said so.
import { isTyping, leave, post, word } from "./page.js";
import { prepare, turn } from "./turning.js";

const TOUCH_MS = 60_000; // a case somebody works on is claimed again this often; the server lets go after five minutes

class ReviewPanel extends HTMLElement {
  connectedCallback() {
    const page = document.querySelector("main.case");
    this.caseId = page.dataset.case;
    this.next = page.dataset.next;
    this.isSending = false;
    this.checks = [...this.querySelectorAll(".checks input")];
    this.querySelector("[data-all]")?.addEventListener("click", () => this.confirmAll());
    this.querySelector("[data-accept]")?.addEventListener("click", () => this.accept());
    this.querySelector("[data-reject]")?.addEventListener("click", () => this.reasons.open());
    this.querySelector("[data-skip]")?.addEventListener("click", () => this.skip());
    this.addEventListener("change", () => this.classList.remove("is-missing"));
    this.reasons = new ReasonPicker(document.querySelector("#reasons"), (id) => this.send({ decision: "reject", reason: id }));
    this.gone = new AbortController();
    document.addEventListener("keydown", (event) => this.key(event), { signal: this.gone.signal });
    this.plate = this.querySelector("[name=plate]");
    this.plate?.addEventListener("keydown", (event) => { if (["Enter", "Escape"].includes(event.key) && !event.isComposing) this.plate.blur(); });
    if (!this.dataset.blocked) this.hold();
    this.verify();
    this.awaitClip(page.querySelector("video"));
  }

  disconnectedCallback() {
    this.gone.abort();
    this.letGo();
  }

  // Once this clip is here, the next case is made ready.
  awaitClip(video) {
    const prepareNext = () => { if (this.next) prepare(`/cases/${this.next}`); };
    if (!video || video.readyState >= 4) prepareNext();
    else video.addEventListener("canplaythrough", prepareNext, { once: true });
  }

  // Keeps the case for this officer while they work on it, and lets it go when they leave.
  hold() {
    this.touch();
    for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { if (Date.now() - this.touched > TOUCH_MS) this.touch(); }, { signal: this.gone.signal });
    addEventListener("pagehide", () => this.letGo(), { signal: this.gone.signal });
    document.querySelector("[data-logout]").form.addEventListener("submit", () => { this.isLeft = true; }, { signal: this.gone.signal }); // the server lets go
  }

  letGo() {
    if (this.dataset.blocked || this.isSending || this.isLeft) return;
    this.isLeft = true;
    post(`/api/v1/cases/${this.caseId}/leave`, {}, { keepalive: true }).catch(() => {});
  }

  touch() {
    this.touched = Date.now();
    post(`/api/v1/cases/${this.caseId}/claim`).catch((error) => { if (!this.isSending && !this.isLeft) leave(`/next?after=${this.caseId}`, error.message); });
  }

  async verify() {
    const badge = this.querySelector("[data-verify]");
    if (!badge) return;
    const answer = await fetch(`/api/v1/cases/${this.caseId}/verification`).then((a) => (a.ok ? a.json() : null)).catch(() => null);
    if (!answer) return;
    badge.classList.add(answer.is_valid ? "is-ok" : "is-bad");
    badge.textContent = answer.is_valid ? `✓ ${word("verified")}` : `${word("damaged")}: ${answer.problems.join("; ")}`;
    const accept = this.querySelector("[data-accept]");
    if (accept && !answer.is_valid) accept.disabled = true;
  }

  key(event) {
    const note = this.querySelector("textarea");
    if (event.key === "Escape" && event.target === note) note.blur();
    if (isTyping(event) || document.querySelector("dialog[open]")) return;
    const isOpen = !this.dataset.blocked;
    const actions = { n: () => this.skip(), p: () => document.querySelector("[data-release]:enabled")?.click() };
    if (isOpen) Object.assign(actions, { t: () => this.plate.focus(), f: () => this.confirmAll(), a: () => this.accept(), r: () => this.reasons.open(), m: () => note.focus() });
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  }

  confirmAll() {
    const isAll = this.checks.every((c) => c.checked);
    for (const check of this.checks) check.checked = !isAll;
    this.classList.remove("is-missing");
    this.say("");
  }

  accept() {
    if (this.querySelector("[data-accept]").disabled) return;
    if (!this.checks.every((c) => c.checked)) {
      this.classList.add("is-missing");
      this.say(word("confirm_first"));
      this.checks.find((c) => !c.checked).scrollIntoView({ block: "center" });
      return;
    }
    this.send({ decision: "accept" });
  }

  async send(decision) {
    if (this.isSending) return;
    this.isSending = true;
    const picked = (name) => this.checks.filter((c) => c.checked && c.name === name).map((c) => c.value);
    const body = { ...decision, note: this.querySelector("textarea").value, plate: this.plate.value, facts: picked("fact"), cues_checked: picked("cue") };
    try {
      const done = await post(`/api/v1/cases/${this.caseId}/review`, body);
      const saved = word(`saved_${done.state}`);
      if (!this.dataset.second) sessionStorage.setItem("undo", this.caseId);
      if (done.state === "ACCEPTED") leave(`/cases/${this.caseId}?decided#release`, saved);
      else go(done.next, saved);
    } catch (error) {
      this.isSending = false;
      this.say(error.message);
    }
  }

  skip() { go(this.next); }

  say(text) {
    const message = this.querySelector(".message");
    message.textContent = text;
    message.hidden = !text;
  }
}

// Shows a case, the queue when there is none; says there what happened here.
function go(caseId, text) {
  if (text) sessionStorage.setItem("toast", text);
  if (!caseId) leave("/queue");
  else if (!turn(`/cases/${caseId}`)) leave(`/cases/${caseId}`);
}

// The list of reject reasons: type a number or a word, arrows, Enter.
class ReasonPicker {
  constructor(dialog, done) {
    this.dialog = dialog;
    this.done = done;
    this.input = dialog.querySelector("input");
    this.items = [...dialog.querySelectorAll("li")];
    this.input.addEventListener("input", () => this.filter());
    dialog.addEventListener("keydown", (event) => this.key(event));
    for (const item of this.items) item.addEventListener("click", () => this.pick(item));
  }

  get seen() { return this.items.filter((i) => !i.hidden); }

  open() { this.input.value = ""; this.filter(); this.dialog.showModal(); this.input.focus(); }

  filter() {
    const wanted = this.input.value.trim().toLowerCase();
    const isNumber = /^\d{1,2}$/.test(wanted);
    for (const item of this.items) {
      item.hidden = isNumber ? !item.dataset.id.endsWith(wanted.padStart(2, "0")) && item.dataset.id !== `C${wanted}` : !item.dataset.find.includes(wanted);
    }
    this.select(this.seen[0]);
  }

  select(item) {
    for (const other of this.items) other.setAttribute("aria-selected", other === item);
    item?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const { seen } = this;
    const index = seen.findIndex((i) => i.getAttribute("aria-selected") === "true");
    const move = { ArrowDown: 2, ArrowUp: -2, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (move && (event.key.endsWith("n") || event.key.endsWith("p") || !this.input.value)) {
      event.preventDefault();
      this.select(seen[Math.min(Math.max(index + move, 0), seen.length - 1)]);
    }
    if (event.key === "Enter" && !event.isComposing && seen[index]) { event.preventDefault(); this.pick(seen[index]); }
  }

  pick(item) { this.dialog.close(); this.done(item.dataset.id); }
}

customElements.define("review-panel", ReviewPanel);
