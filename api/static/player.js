// <evidence-player>: the clip with the track, lines and lamp drawn over it, and a timeline to scrub.
// All times of TRACK.json are nanoseconds of the session; here they are seconds of the clip.
import { isTyping, word } from "./page.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const LEAD_S = 1.2; // shown before P1 and after the last moment while looping
const GAP_S = 1.0; // a track is drawn on across gaps up to this
const MOST_ZOOM = 8;
const NEAR_S = 0.08; // a moment counts as reached this close to it
const LAMP = { red: "#ff5a52", yellow: "#ffc83d", green: "#3ecf7f", off: "#5b6572", unknown: "#3a4350", flashing_yellow: "#8a6d20", fault: "#7a3fa0" };

class EvidencePlayer extends HTMLElement {
  async connectedCallback() {
    this.video = this.querySelector("video");
    this.overlay = this.querySelector(".overlay");
    this.timeline = this.querySelector(".timeline");
    this.hud = this.querySelector(".hud");
    this.frame_s = 1 / 25;
    this.isLooping = true;
    this.isOverlaid = true;
    this.isScrubbing = false;
    this.shown_s = 0;
    this.zoom = 1;
    this.start_s = 0;
    this.track = { boxes: [], lines: [], moments: [], states: [], width: 16, height: 9 };
    this.gone = new AbortController();
    this.listen();
    await this.load();
    if (this.video.readyState >= 1) this.begin();
    else this.video.addEventListener("loadedmetadata", () => this.begin(), { once: true });
  }

  // Lets go of the clip: the browser keeps few decoders.
  disconnectedCallback() {
    this.gone.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }

  async load() {
    const answer = await fetch(this.dataset.track);
    if (!answer.ok) return;
    const raw = await answer.json();
    const clip = (ns) => (ns - raw.clip_start_ns) / 1e9;
    const signal = raw.signal;
    this.start_s = raw.clip_start_ns / 1e9;
    this.track = {
      width: raw.width,
      height: raw.height,
      boxes: raw.boxes.map(([ns, ...xyxy]) => ({ t: clip(ns), xyxy })),
      lines: raw.lines ?? [],
      moments: (raw.moments ?? []).map((m) => ({ name: m.role.split("_")[0], t: clip(m.pts_ns) })).sort((a, b) => a.t - b.t),
      states: signal ? signal.states.map(([ns, state], i) => ({
        from: clip(ns), to: clip(signal.states[i + 1]?.[0] ?? signal.until_ns), state })) : [],
      hasSignal: Boolean(signal),
    };
    const holder = this.querySelector("[data-moments]");
    for (const [index, moment] of this.track.moments.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(moment.name, " ");
      if (index < 9) button.append(Object.assign(document.createElement("kbd"), { textContent: index + 1 }));
      button.addEventListener("click", () => this.jump(index));
      holder.append(button);
    }
  }

  listen() {
    const { video, gone: { signal } } = this;
    const actions = {
      play: () => this.toggle(), back: () => this.step(-1), on: () => this.step(1), slower: () => this.change(-1),
      faster: () => this.change(1), loop: (b) => this.setLoop(b), overlay: (b) => this.setOverlay(b),
    };
    for (const button of this.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => { actions[button.dataset.do](button); button.blur(); });
    }
    video.addEventListener("play", () => this.classList.add("is-playing"));
    video.addEventListener("pause", () => this.classList.remove("is-playing"));
    video.addEventListener("ended", () => { if (this.isLooping) this.restart(); });
    const refuse = () => Object.assign(this.querySelector(".no-video"), { textContent: word("no_video"), hidden: false });
    video.addEventListener("error", refuse);
    if (video.error) refuse();
    if (!video.requestVideoFrameCallback) video.addEventListener("seeked", () => this.draw(video.currentTime));
    this.querySelector(".stage").addEventListener("click", () => this.toggle());
    this.querySelector(".stage").addEventListener("wheel", (e) => { e.preventDefault(); this.magnify(e.deltaY < 0 ? 1.25 : 0.8); }, { passive: false });
    this.timeline.addEventListener("pointerdown", (e) => this.scrub(e, true));
    this.timeline.addEventListener("pointermove", (e) => { if (this.isScrubbing) this.scrub(e); });
    this.timeline.addEventListener("pointerup", () => { this.isScrubbing = false; });
    document.addEventListener("keydown", (e) => this.key(e), { signal });
    document.addEventListener("show-moment", (e) => this.seek(e.detail.pts_ns / 1e9 - this.start_s), { signal });
    new ResizeObserver(() => this.draw(this.shown_s)).observe(this);
    this.follow();
  }

  // Follows the frames the browser really shows; their spacing tells how long one frame is.
  follow() {
    const { video } = this;
    if (!video.requestVideoFrameCallback) {
      const tick = () => { if (this.gone.signal.aborted) return; if (!video.paused) this.draw(video.currentTime); requestAnimationFrame(tick); };
      requestAnimationFrame(tick);
      return;
    }
    const tick = (_now, data) => {
      if (this.gone.signal.aborted) return;
      if (!video.paused) this.learn(data.mediaTime - this.shown_s);
      this.draw(data.mediaTime);
      video.requestVideoFrameCallback(tick);
    };
    video.requestVideoFrameCallback(tick);
  }

  learn(gap_s) {
    if (gap_s < 0.005 || gap_s > 0.6) return;
    this.frame_s = this.isLearnt ? Math.min(this.frame_s, gap_s) : gap_s;
    this.isLearnt = true;
  }

  // Shows the next or previous frame, however long frames are: reaches on until the picture changes.
  async step(direction) {
    if (this.isStepping) return;
    this.isStepping = true;
    this.video.pause();
    const from = this.shown_s;
    let target = from + (direction > 0 ? 1.5 : -0.5) * this.frame_s;
    for (let tries = 0; tries < 12 && Math.abs(this.shown_s - from) < 1e-4; tries += 1) {
      this.seek(target);
      await new Promise((done) => { this.video.addEventListener("seeked", done, { once: true }); setTimeout(done, 500); });
      await new Promise((done) => { setTimeout(done, 50); });
      target += direction * 0.02;
    }
    if (direction > 0) this.learn(this.shown_s - from);
    this.isStepping = false;
  }

  begin() {
    this.timeline.setAttribute("aria-valuemax", this.video.duration.toFixed(1));
    this.restart();
    this.video.play().catch(() => this.draw(this.video.currentTime));
  }

  get span() {
    const moments = this.track.moments;
    if (!moments.length) return [0, this.video.duration || 0];
    return [Math.max(0, moments[0].t - LEAD_S), Math.min(this.video.duration || 1e9, moments.at(-1).t + LEAD_S)];
  }

  restart() { this.video.currentTime = this.span[0]; if (this.video.ended) this.video.play(); }
  toggle() { if (this.video.paused) this.video.play(); else this.video.pause(); }
  seek(t) { this.video.currentTime = Math.min(Math.max(0, t), this.video.duration || 0); }
  jump(index) { const m = this.track.moments[index]; if (m) { this.video.pause(); this.seek(m.t + this.frame_s / 2); } }
  setLoop(button) { this.isLooping = !this.isLooping; button.setAttribute("aria-pressed", this.isLooping); this.draw(this.shown_s); }
  setOverlay(button) { this.isOverlaid = !this.isOverlaid; button.setAttribute("aria-pressed", this.isOverlaid); this.draw(this.shown_s); }

  change(direction) {
    const index = SPEEDS.indexOf(this.video.playbackRate);
    this.video.playbackRate = SPEEDS[Math.min(Math.max((index < 0 ? 3 : index) + direction, 0), SPEEDS.length - 1)];
    this.querySelector("[data-speed]").textContent = `${this.video.playbackRate}×`;
  }

  key(event) {
    if (isTyping(event) || document.querySelector("dialog[open]")) return;
    const button = (name) => this.querySelector(`[data-do=${name}]`);
    const actions = {
      " ": () => this.toggle(), ",": () => this.step(-1), ".": () => this.step(1), "[": () => this.change(-1), "]": () => this.change(1),
      ArrowLeft: () => this.seek(this.shown_s - 1), ArrowRight: () => this.seek(this.shown_s + 1),
      "+": () => this.magnify(1.5), "=": () => this.magnify(1.5), "-": () => this.magnify(1 / 1.5), 0: () => this.magnify(0),
      l: () => this.setLoop(button("loop")), o: () => this.setOverlay(button("overlay")),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? (/^[1-9]$/.test(event.key) ? () => this.jump(event.key - 1) : null);
    if (!action) return;
    if (event.key === " " && event.target.matches?.("input[type=checkbox], button, summary")) event.target.blur();
    event.preventDefault();
    action();
  }

  // The lens: the picture grows around the subject, and follows it.
  magnify(factor) {
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), MOST_ZOOM);
    this.draw(this.shown_s);
  }

  drawLens(t) {
    const box = this.boxAt(t) ?? this.lensBox ?? [0, 0, this.track.width, this.track.height];
    this.lensBox = box;
    const { clientWidth: width, clientHeight: height } = this.overlay;
    const scale = Math.min(width / this.track.width, height / this.track.height);
    const x = width / 2 + ((box[0] + box[2]) / 2 - this.track.width / 2) * scale;
    const y = height / 2 + ((box[1] + box[3]) / 2 - this.track.height / 2) * scale;
    for (const layer of [this.video, this.overlay]) {
      layer.style.transform = this.zoom === 1 ? "" : `translate(${width / 2 - x * this.zoom}px, ${height / 2 - y * this.zoom}px) scale(${this.zoom})`;
    }
  }

  scrub(event, isStart = false) {
    const box = this.timeline.getBoundingClientRect();
    if (isStart) { this.isScrubbing = true; this.timeline.setPointerCapture(event.pointerId); this.video.pause(); }
    this.seek(((event.clientX - box.left - 12) / (box.width - 24)) * this.video.duration);
  }

  boxAt(t) {
    const { boxes } = this.track;
    const after = boxes.findIndex((b) => b.t >= t);
    if (after < 0) return null;
    if (boxes[after].t - t < 1e-4) return boxes[after].xyxy;
    const [a, b] = [boxes[after - 1], boxes[after]];
    if (!a || b.t - a.t > GAP_S) return null;
    const share = (t - a.t) / (b.t - a.t);
    return a.xyxy.map((v, i) => v + (b.xyxy[i] - v) * share);
  }

  draw(t) {
    if (this.isLooping && !this.video.paused && !this.isScrubbing && t > this.span[1]) { this.restart(); return; }
    this.shown_s = t;
    const { duration } = this.video;
    this.querySelector("[data-clock]").textContent = `${t.toFixed(2)} / ${(duration || 0).toFixed(2)} s`;
    this.timeline.setAttribute("aria-valuenow", t.toFixed(2));
    const near = this.track.moments.findIndex((m) => Math.abs(m.t - t) < Math.max(NEAR_S, this.frame_s));
    this.querySelectorAll("[data-moments] button").forEach((b, i) => b.classList.toggle("is-now", i === near));
    document.dispatchEvent(new CustomEvent("at-moment", { detail: near < 0 ? "" : this.track.moments[near].name }));
    this.drawHud(t);
    this.drawLens(t);
    this.drawOverlay(t);
    this.drawTimeline(t);
  }

  drawHud(t) {
    if (!this.track.hasSignal || !this.isOverlaid) { this.hud.replaceChildren(); return; }
    const now = this.track.states.find((s) => s.from <= t && t < s.to);
    const state = now?.state ?? "unknown";
    const lamp = Object.assign(document.createElement("i"), { className: `lamp is-${state}` });
    const chip = document.createElement("span");
    chip.append(lamp, word(state));
    if (now && state === "red") chip.append(` ${word("lit")} ${(t - now.from).toFixed(1)} s`);
    this.hud.replaceChildren(chip);
  }

  prepare(canvas) {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return [pen, width, height];
  }

  drawOverlay(t) {
    const [pen, width, height] = this.prepare(this.overlay);
    if (!this.isOverlaid) return;
    const scale = Math.min(width / this.track.width, height / this.track.height);
    pen.translate((width - this.track.width * scale) / 2, (height - this.track.height * scale) / 2);
    const at = ([x, y]) => [x * scale, y * scale];
    for (const line of this.track.lines) this.drawLine(pen, line, at);
    this.drawTrail(pen, t, at);
    const box = this.boxAt(t);
    if (!box) return;
    const [x1, y1] = at(box);
    const [x2, y2] = at(box.slice(2));
    for (const [colour, thick] of [["rgb(0 0 0 / 65%)", 4], ["#ffd84d", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
  }

  drawLine(pen, line, at) {
    const points = line.points.map(at);
    const isArea = ["zone", "crosswalk"].includes(line.kind) && points.length > 2;
    pen.beginPath();
    points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    if (isArea) pen.closePath();
    const colour = { stop_line: "#58d5ff", crosswalk: "#d7e3f0", zone: "#c79bff", direction: "#7be0a3" }[line.kind] ?? "#58d5ff";
    if (isArea) { pen.fillStyle = `${colour}1c`; pen.fill(); }
    pen.setLineDash(isArea ? [6, 5] : []);
    pen.strokeStyle = "rgb(0 0 0 / 55%)"; pen.lineWidth = isArea ? 3 : 5; pen.stroke();
    pen.strokeStyle = colour; pen.lineWidth = isArea ? 1.5 : 2.5; pen.stroke();
    pen.setLineDash([]);
    if (line.kind === "direction" && points.length > 1) this.drawHead(pen, points.at(-2), points.at(-1), colour);
  }

  drawHead(pen, [x0, y0], [x1, y1], colour) {
    const angle = Math.atan2(y1 - y0, x1 - x0);
    pen.beginPath();
    pen.moveTo(x1, y1);
    for (const turn of [2.6, -2.6]) pen.lineTo(x1 + 12 * Math.cos(angle + turn), y1 + 12 * Math.sin(angle + turn));
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
  }

  drawTrail(pen, t, at) {
    let before = null;
    for (const { t: when, xyxy } of this.track.boxes) {
      if (when > t) break;
      const foot = at([(xyxy[0] + xyxy[2]) / 2, xyxy[3]]);
      if (before && when - before.when < GAP_S) {
        pen.strokeStyle = `rgb(255 216 77 / ${Math.max(0.15, 0.9 - (t - when) / 4)})`;
        pen.lineWidth = 2;
        pen.beginPath(); pen.moveTo(...before.foot); pen.lineTo(...foot); pen.stroke();
      }
      before = { when, foot };
    }
  }

  drawTimeline(t) {
    const [pen, width, height] = this.prepare(this.timeline);
    const total = this.video.duration || 1;
    const x = (s) => 12 + (Math.min(Math.max(s, 0), total) / total) * (width - 24);
    const font = getComputedStyle(this).fontFamily;
    if (this.isLooping) { pen.fillStyle = "rgb(111 177 255 / 8%)"; pen.fillRect(x(this.span[0]), 0, x(this.span[1]) - x(this.span[0]), height); }
    pen.font = `11px ${font}`;
    pen.textBaseline = "middle";
    this.drawScale(pen, x, total, height);
    pen.fillStyle = "#222a34"; pen.fillRect(12, 24, width - 24, 14);
    for (const s of this.track.states) this.drawState(pen, s, x(s.from), x(s.to));
    pen.fillStyle = "#222a34"; pen.fillRect(12, 42, width - 24, 4);
    pen.fillStyle = "#ffd84d";
    const { boxes } = this.track;
    boxes.forEach((b, i) => { const next = boxes[i + 1]; if (next && next.t - b.t < GAP_S) pen.fillRect(x(b.t), 42, Math.max(1, x(next.t) - x(b.t)), 4); });
    pen.fillStyle = "#fff"; pen.fillRect(x(t) - 1, 18, 2, height - 18);
    pen.beginPath(); pen.moveTo(x(t) - 5, 18); pen.lineTo(x(t) + 5, 18); pen.lineTo(x(t), 25); pen.fill();
    for (const m of this.track.moments) this.drawMoment(pen, m, x(m.t));
  }

  drawScale(pen, x, total, height) {
    const step = [0.5, 1, 2, 5, 10, 30, 60, 120].find((s) => total / s <= 16) ?? 300;
    pen.fillStyle = "#8994a2"; pen.textAlign = "left";
    for (let s = 0; s <= total; s += step) { pen.fillRect(x(s), height - 15, 1, 5); pen.fillText(`${s}s`, x(s) + 4, height - 9); }
  }

  drawState(pen, { state }, from, to) {
    if (to <= from) return;
    pen.fillStyle = LAMP[state] ?? LAMP.unknown; pen.fillRect(from, 24, to - from, 14);
    if (to - from < 44) return;
    pen.fillStyle = ["unknown", "off"].includes(state) ? "#c9d2dd" : "#10151b"; pen.textAlign = "left";
    pen.fillText(word(state), from + 6, 31.5);
  }

  drawMoment(pen, { name }, x) {
    pen.fillStyle = "#ffe9a6"; pen.fillRect(x - 0.75, 18, 1.5, 31);
    pen.textAlign = "center"; pen.fillText(name, x, 10);
  }
}

customElements.define("evidence-player", EvidencePlayer);
