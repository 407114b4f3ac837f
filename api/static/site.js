// The site editor: the text is the truth, the picture shows what it draws; a dragged point changes its numbers in the text.
import { leave, post, showToast, word } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#ffb02e", "#4cc2ff", "#7ee787", "#ff7b72", "#d2a8ff", "#f2cc60", "#56d4dd", "#ff9bce"];

class SiteEditor extends HTMLElement {
  connectedCallback() {
    this.canvas = this.querySelector("canvas");
    this.svg = this.querySelector("svg");
    this.text = this.querySelector("textarea");
    this.stage = this.querySelector(".stage");
    this.page = this.closest("main");
    this.saved = this.text.value;
    this.before = [];
    this.drawings = JSON.parse(document.querySelector("#drawings").textContent);
    this.zoom = 1;
    this.show(JSON.parse(document.querySelector("#state").textContent));
    if (this.dataset.src) this.load(this.dataset.src);
    this.text.addEventListener("input", () => { clearTimeout(this.timer); this.timer = setTimeout(() => this.check(), 400); });
    this.page.querySelector("[data-picture]").addEventListener("change", (event) => this.open(event.target.files[0]));
    this.page.querySelector("[data-save]").addEventListener("click", () => this.save());
    this.page.querySelector("[data-undo]").addEventListener("click", () => this.undo());
    this.page.querySelector("[data-remove]").addEventListener("click", () => this.remove());
    this.page.querySelector("[data-draw]").addEventListener("change", (event) => { this.begin(event.target.value); event.target.value = ""; event.target.blur(); });
    this.svg.addEventListener("click", (event) => this.drawing && this.put(this.place(event)));
    this.svg.addEventListener("dblclick", () => this.drawing && this.end());
    this.svg.addEventListener("pointermove", (event) => this.drawing && this.sketch(this.place(event)));
    for (const button of this.page.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => { this.zoom = Math.min(8, Math.max(1, this.zoom * button.dataset.zoom)); this.stage.style.width = `${this.zoom * 100}%`; this.draw(); });
    }
    document.addEventListener("keydown", (event) => {
      if (this.drawing && document.activeElement !== this.text) {
        const act = { Enter: () => this.end(), Escape: () => this.cancel(), Backspace: () => { this.drawing.points.pop(); this.sketch(); } }[event.key];
        if (act) { event.preventDefault(); act(); }
      }
      if (!event.ctrlKey && !event.metaKey) return;
      if (event.key === "s") { event.preventDefault(); this.save(); }
      if (event.key === "z" && document.activeElement !== this.text) { event.preventDefault(); this.undo(); }
    });
    addEventListener("beforeunload", (event) => { if (this.text.value !== this.saved) event.preventDefault(); });
  }

  // The picture stays in this browser: it is painted, never sent.
  async open(file) {
    try {
      this.paint(await createImageBitmap(file));
    } catch {
      showToast(word("site_no_picture"));
    }
  }

  load(address) {
    const image = new Image();
    image.onload = () => this.paint(image);
    image.src = address;
  }

  paint(picture) {
    this.picture = picture;
    const [width, height] = this.state.size_px;
    this.canvas.width = width;
    this.canvas.height = height;
    this.canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  }

  async check() {
    try {
      this.show(await post(`/api/v1/sites/${this.dataset.name}/check`, { text: this.text.value }));
    } catch (error) {
      this.say(error.message);
    }
  }

  show(state) {
    const resized = this.state && `${this.state.size_px}` !== `${state.size_px}`;
    this.state = state;
    if (resized && this.picture) this.paint(this.picture);
    if (!this.picture) { [this.canvas.width, this.canvas.height] = state.size_px; }
    this.say(state.problem);
    const list = this.querySelector("[data-missing]");
    list.replaceChildren(...Object.entries(state.missing).map(([rule, gaps]) => Object.assign(document.createElement("li"), { textContent: `${rule}: ${gaps.join("; ")}` })));
    this.page.querySelector("[data-save]").disabled = Boolean(state.problem) || this.text.value === this.saved;
    this.page.querySelector("[data-undo]").disabled = !this.before.length;
    this.draw();
  }

  say(problem, hint = "") {
    const line = this.page.querySelector(".problem");
    line.textContent = problem || hint || word("site_right");
    line.classList.toggle("warn", Boolean(problem));
  }

  draw() {
    const [width, height] = this.state.size_px;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.replaceChildren();
    const kinds = [...new Set(this.state.shapes.map((shape) => shape.path.split(".")[0]))];
    for (const shape of this.state.shapes) this.drawShape(shape, COLOURS[kinds.indexOf(shape.path.split(".")[0]) % COLOURS.length]);
  }

  drawShape(shape, colour) {
    const group = this.add(this.svg, "g", { stroke: colour, fill: colour, class: part(shape.path) === this.chosen ? "chosen" : "" });
    group.addEventListener("click", () => this.choose(shape));
    const points = shape.kind === "box" ? corners(shape.points_px) : shape.points_px;
    const line = this.add(group, shape.kind === "line" || shape.kind === "point" ? "polyline" : "polygon", { points: points.join(" ") });
    const thin = 2 * this.pixel();
    line.setAttribute("stroke-width", thin);
    const label = this.add(group, "text", { x: points[0][0] + 6 * this.pixel(), y: points[0][1] - 6 * this.pixel(), "font-size": 13 * this.pixel() });
    label.textContent = `${shape.path.split(".")[0]} ${shape.name}`;
    shape.points_px.forEach((point, index) => {
      const handle = this.add(group, "circle", { cx: point[0], cy: point[1], r: 6 * this.pixel(), tabindex: 0 });
      handle.addEventListener("focus", () => this.choose(shape));
      handle.addEventListener("pointerdown", (event) => this.drag(event, shape, index, line, handle));
      handle.addEventListener("keydown", (event) => this.nudge(event, shape, index));
    });
  }

  // The chosen thing can be removed; its place in the text is shown, for everything that is not drawn.
  choose(shape) {
    if (this.drawing) return;
    this.chosen = part(shape.path);
    this.page.querySelector("[data-remove]").disabled = false;
    const others = this.state.shapes.map((other) => part(other.path) === this.chosen);
    [...this.svg.children].forEach((group, index) => group.classList.toggle("chosen", others[index]));
    const start = this.text.value.lastIndexOf("\n", shape.at) + 1;
    this.text.setSelectionRange(start, this.text.value.indexOf("\n", shape.at));
    const lines = this.text.value.slice(0, start).split("\n").length;
    this.text.scrollTop = Math.max(0, (lines / this.text.value.split("\n").length) * this.text.scrollHeight - this.text.clientHeight / 3);
  }

  begin(list) {
    if (!list) return;
    this.drawing = { list, steps: [...this.drawings[list]], points: [], done: {} };
    this.classList.add("drawing");
    this.sketched = this.add(this.svg, "g", { class: "sketch" });
    this.say("", word(`draw_${this.drawing.steps[0][1]}`));
  }

  put(point) {
    const { steps, points } = this.drawing;
    const last = points.at(-1);
    if (last && last[0] === point[0] && last[1] === point[1]) return;
    points.push(point);
    this.sketch();
    if (points.length === { point: 1, arrow: 2, box: 2 }[steps[0][1]]) this.end();
  }

  sketch(pointer) {
    const points = pointer ? [...this.drawing.points, pointer] : this.drawing.points;
    const kind = this.drawing.steps[0][1];
    this.sketched.replaceChildren();
    for (const drawn of [...Object.values(this.drawing.done), kind === "box" && points.length === 2 ? corners(points) : points]) {
      this.add(this.sketched, kind === "polygon" || kind === "box" ? "polygon" : "polyline", { points: drawn.join(" "), "stroke-width": 2 * this.pixel() });
      for (const [cx, cy] of drawn) this.add(this.sketched, "circle", { cx, cy, r: 4 * this.pixel() });
    }
  }

  async end() {
    const { list, steps, points, done } = this.drawing;
    const [field, kind] = steps[0];
    if (points.length < { point: 1, polygon: 3 }[kind] || points.length < (kind === "point" ? 1 : 2)) return;
    done[field] = points;
    steps.shift();
    this.drawing.points = [];
    if (steps.length) { this.say("", word(`draw_${steps[0][1]}`)); return; }
    this.cancel();
    const state = await this.change("add", { list_name: list, points_px: done });
    const shape = state?.shapes.find((other) => part(other.path) === state.path);
    if (shape) { this.choose(shape); this.text.focus(); }
  }

  cancel() {
    this.drawing = null;
    this.classList.remove("drawing");
    this.sketched.remove();
    this.say(this.state.problem);
  }

  async remove() {
    const path = this.chosen;
    this.chosen = null;
    this.page.querySelector("[data-remove]").disabled = true;
    await this.change("remove", { path });
  }

  // One picture pixel of the screen in pixels of the camera's picture.
  pixel() {
    return this.state.size_px[0] / (this.stage.clientWidth || this.state.size_px[0]);
  }

  add(parent, name, attributes) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  }

  drag(event, shape, index, line, handle) {
    if (this.drawing) return;
    event.preventDefault();
    this.choose(shape);
    let points = shape.points_px.map((point) => [...point]);
    if (event.altKey && shape.kind !== "point" && shape.kind !== "box") {
      points.splice(index + 1, 0, [...points[index]]);
      index += 1;
    }
    handle.setPointerCapture(event.pointerId);
    const move = (moving) => {
      points[index] = this.place(moving);
      line.setAttribute("points", (shape.kind === "box" ? corners(points) : points).join(" "));
      handle.setAttribute("cx", points[index][0]);
      handle.setAttribute("cy", points[index][1]);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", () => { handle.removeEventListener("pointermove", move); this.move(shape, points); }, { once: true });
  }

  nudge(event, shape, index) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const points = shape.points_px.map((point) => [...point]);
    if (step) points[index] = [points[index][0] + step[0], points[index][1] + step[1]];
    else if (event.key === "Delete") points.splice(index, 1);
    else return;
    event.preventDefault();
    this.move(shape, points, index);
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    const [width, height] = this.state.size_px;
    const inside = (value, most) => Math.round(Math.min(most - 1, Math.max(0, value)));
    return [inside(((event.clientX - box.left) / box.width) * width, width), inside(((event.clientY - box.top) / box.height) * height, height)];
  }

  async move(shape, points, focus) {
    const state = await this.change("move", { path: shape.path, points_px: points });
    if (!state || focus === undefined) return;
    const group = this.svg.children[state.shapes.findIndex((other) => other.path === shape.path)];
    group?.querySelectorAll("circle")[focus]?.focus();
  }

  // Has the server change the text; returns what it then draws, null if it could not be.
  async change(what, wanted) {
    try {
      const state = await post(`/api/v1/sites/${this.dataset.name}/${what}`, { text: this.text.value, ...wanted });
      this.before.push(this.text.value);
      this.text.value = state.text;
      this.show(state);
      return state;
    } catch (error) {
      showToast(error.message);
      this.draw();
      return null;
    }
  }

  undo() {
    if (!this.before.length) return;
    this.text.value = this.before.pop();
    this.check();
  }

  async save() {
    if (this.page.querySelector("[data-save]").disabled) return;
    try {
      await post(`/api/v1/sites/${this.dataset.name}`, { text: this.text.value, base_sha256: this.dataset.sha256 });
      this.saved = this.text.value;
      leave(location.pathname, word("site_saved"));
    } catch (error) {
      showToast(error.message);
    }
  }
}

// "lanes.0.polygon_px" is a shape of the thing "lanes.0".
const part = (path) => path.split(".").slice(0, 2).join(".");
const corners = ([[x1, y1], [x2, y2]]) => [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];

customElements.define("site-editor", SiteEditor);
