// <still-strip>: the sealed pictures; click or Z opens them in full size with wheel zoom and drag.
import { isTyping } from "./page.js";

class StillStrip extends HTMLElement {
  connectedCallback() {
    this.buttons = [...this.querySelectorAll("button")];
    this.dialog = document.querySelector("#zoom");
    this.image = this.dialog.querySelector("img");
    this.pane = this.dialog.querySelector(".pane");
    this.index = 0;
    this.gone = new AbortController();
    const { signal } = this.gone;
    this.buttons.forEach((b, i) => b.addEventListener("click", () => { b.blur(); this.open(i); }));
    document.addEventListener("at-moment", (event) => {
      for (const b of this.buttons) b.classList.toggle("is-now", b.dataset.name === event.detail);
    }, { signal });
    document.addEventListener("keydown", (event) => {
      if (!isTyping(event) && !document.querySelector("dialog[open]") && event.key.toLowerCase() === "z") this.open(this.index);
    }, { signal });
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.pane.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientX, event.clientY); }, { passive: false });
    this.pane.addEventListener("pointerdown", (event) => { this.pane.setPointerCapture(event.pointerId); this.grip = [event.clientX - this.x, event.clientY - this.y]; });
    this.pane.addEventListener("pointermove", (event) => { if (this.grip) this.move(event.clientX - this.grip[0], event.clientY - this.grip[1]); });
    this.pane.addEventListener("pointerup", () => { this.grip = null; });
    this.pane.addEventListener("dblclick", (event) => (this.scale > 1 ? this.reset() : this.zoom(3, event.clientX, event.clientY)));
  }

  disconnectedCallback() { this.gone.abort(); }

  open(index) {
    if (!this.buttons.length) return;
    this.index = (index + this.buttons.length) % this.buttons.length;
    const button = this.buttons[this.index];
    this.image.src = button.dataset.still;
    this.dialog.querySelector(".name").textContent = [...button.querySelectorAll(".caption b, .caption .num")].map((part) => part.textContent).join("  ");
    this.reset();
    if (!this.dialog.open) this.dialog.showModal();
    if (button.dataset.pts) document.dispatchEvent(new CustomEvent("show-moment", { detail: { pts_ns: Number(button.dataset.pts) } }));
  }

  key(event) {
    const box = this.pane.getBoundingClientRect();
    const middle = [box.left + box.width / 2, box.top + box.height / 2];
    const actions = {
      ArrowRight: () => this.open(this.index + 1), ArrowLeft: () => this.open(this.index - 1),
      "+": () => this.zoom(1.5, ...middle), "=": () => this.zoom(1.5, ...middle), "-": () => this.zoom(1 / 1.5, ...middle),
      0: () => this.reset(), z: () => this.dialog.close(),
    };
    const action = actions[event.key];
    if (action) { event.preventDefault(); action(); }
  }

  reset() { this.scale = 1; this.move(0, 0); }

  zoom(factor, clientX, clientY) {
    const box = this.pane.getBoundingClientRect();
    const [px, py] = [clientX - box.left, clientY - box.top];
    const scale = Math.min(Math.max(this.scale * factor, 1), 24);
    const share = scale / this.scale;
    this.scale = scale;
    if (scale === 1) this.move(0, 0);
    else this.move(px - (px - this.x) * share, py - (py - this.y) * share);
  }

  move(x, y) {
    this.x = x;
    this.y = y;
    this.image.style.transform = `translate(${x}px, ${y}px) scale(${this.scale})`;
    this.image.style.imageRendering = this.scale > 4 ? "pixelated" : "auto";
  }
}

customElements.define("still-strip", StillStrip);
