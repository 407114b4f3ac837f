// <exposure-board>: rotates what the server lists, forgets what it does not list any more, and hides by itself
// what has expired. Time comes from the server and runs on the monotonic clock, so a wrong kiosk clock shows nothing
// longer. Without a server for a while it shows no pictures at all.
const ITEM_MS = 12000;
const OTHER_MS = 7000;
const PICTURE_MS = 3600;
const NAMES = { P1: "违法前", P2: "违法时", P3: "违法后", T0: "开始", T1: "结束" };

const element = (tag, className, text) => {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

class ExposureBoard extends HTMLElement {
  connectedCallback() {
    this.list = { items: [], statistics: [], slogans: ["文明出行，从每一个路口做起"], poll_s: 8, offline_s: 600 };
    this.turn = 0;
    this.heard = -Infinity;
    this.stage = this.querySelector("main");
    this.tick();
    this.poll();
    this.show();
    setInterval(() => this.tick(), 500);
  }

  get now() { return this.serverMs + (performance.now() - this.heard); }

  async poll() {
    const stop = new AbortController();
    const late = setTimeout(() => stop.abort(), 6000);
    try {
      const answer = await fetch(`/display/${this.dataset.screen}/playlist.json`, { cache: "no-store", signal: stop.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      this.accept(await answer.json());
    } catch {
      this.classList.add("is-offline");
    } finally {
      clearTimeout(late);
    }
    setTimeout(() => this.poll(), this.list.poll_s * 1000);
  }

  accept(list) {
    this.classList.remove("is-offline");
    const before = this.list.items.length;
    this.list = list;
    this.serverMs = Date.parse(list.now_utc);
    this.heard = performance.now();
    this.drop();
    if (!before && this.valid.length) { this.turn = 0; this.show(); }
  }

  // What may be shown at this moment: listed by the server, not expired, server heard lately.
  get valid() {
    if (performance.now() - this.heard > this.list.offline_s * 1000) return [];
    return this.list.items.filter((item) => Date.parse(item.expires_utc) > this.now);
  }

  // Takes away at once a slide whose item is not valid any more.
  drop() {
    const alive = new Set(this.valid.map((item) => item.id));
    let isGone = false;
    for (const slide of this.stage.querySelectorAll("[data-id]")) {
      if (alive.has(slide.dataset.id)) continue;
      isGone ||= slide.classList.contains("is-on");
      slide.remove();
    }
    if (isGone) this.show();
  }

  tick() {
    const now = Number.isFinite(this.heard) ? new Date(this.now) : new Date();
    const zone = { timeZone: "Asia/Shanghai" };
    this.querySelector(".date").textContent = now.toLocaleDateString("zh-CN", { ...zone, month: "long", day: "numeric", weekday: "long" });
    this.querySelector(".time").textContent = now.toLocaleTimeString("zh-CN", { ...zone, hour: "2-digit", minute: "2-digit", hour12: false });
    this.drop();
  }

  // Items and safety messages take turns, statistics come once a round: at least half is not about anybody.
  show() {
    clearTimeout(this.timer);
    clearInterval(this.pictures);
    const items = this.valid;
    const round = items.flatMap((item, i) => [() => this.item(item), () => (i % 2 ? this.statistics() : this.message(this.turn))]);
    const choices = round.length ? round : [() => this.statistics(), () => this.message(this.turn)];
    const [slide, time] = choices[this.turn % choices.length]();
    slide.classList.add("slide");
    this.dots(items, slide.dataset.id);
    const old = [...this.stage.children];
    this.stage.append(slide);
    requestAnimationFrame(() => requestAnimationFrame(() => {
      slide.classList.add("is-on");
      for (const other of old) { other.classList.remove("is-on"); setTimeout(() => other.remove(), 900); }
    }));
    this.turn += 1;
    this.timer = setTimeout(() => this.show(), time);
  }

  item(item) {
    const slide = element("section", "item");
    slide.dataset.id = item.id;
    const pictures = element("div", "pictures");
    const big = element("div", "big");
    const small = element("div", "small");
    for (const url of item.pictures) {
      const name = url.split("/").at(-1).replace(".jpg", "");
      big.append(Object.assign(element("img"), { src: url, alt: "" }));
      const figure = element("figure");
      figure.append(Object.assign(element("img"), { src: url, alt: "" }), element("figcaption", "", NAMES[name] ?? name));
      small.append(figure);
    }
    pictures.append(big);
    if (item.pictures.length > 1) pictures.append(small);
    const words = element("div", "words");
    words.append(element("p", "tag", "交通违法曝光"), element("h2", item.title.length > 9 ? "is-long" : "", item.title));
    const facts = element("dl");
    for (const [name, value, kind] of [["地点", item.place, ""], ["时间", item.when, ""], ["法律依据", item.law, "law"]]) {
      if (!value) continue;
      const row = element("div");
      row.append(element("dt", "", name), element("dd", kind, value));
      facts.append(row);
    }
    words.append(facts, element("p", "advice", item.slogan));
    slide.append(pictures, words);
    const start = Math.min(1, item.pictures.length - 1);
    const turnTo = (i) => { for (const box of [big, small]) [...box.children].forEach((c, j) => c.classList.toggle("is-on", i === j)); };
    let shown = start;
    turnTo(shown);
    this.pictures = setInterval(() => { shown = (shown + 1) % item.pictures.length; turnTo(shown); }, PICTURE_MS);
    return [slide, ITEM_MS];
  }

  message(turn) {
    const { slogans } = this.list;
    const slide = element("section", "message");
    slide.append(element("p", "", slogans[Math.floor(turn / 2) % slogans.length]));
    return [slide, OTHER_MS];
  }

  statistics() {
    const rows = this.list.statistics.slice(0, 8);
    const total = this.list.statistics.reduce((sum, row) => sum + row.count, 0);
    const slide = element("section", "statistics");
    slide.append(element("h2", "", "交通违法查处统计"));
    if (!total) {
      slide.append(element("p", "none", "守法出行，平安回家"));
      return [slide, OTHER_MS];
    }
    const sum = element("p", "total", "经审核确认");
    sum.append(element("b", "", total), "起");
    const list = element("ul");
    for (const { title, count } of rows) {
      const row = element("li");
      const track = element("div", "track");
      const bar = element("i");
      bar.style.width = `${Math.max(2, (100 * count) / rows[0].count)}%`;
      track.append(bar);
      row.append(element("span", "", title), track, element("b", "n", `${count} 起`));
      list.append(row);
    }
    slide.append(sum, list);
    return [slide, OTHER_MS];
  }

  dots(items, current) {
    this.querySelector(".dots").replaceChildren(...items.map((item) => element("li", item.id === current ? "is-on" : "")));
  }
}

customElements.define("exposure-board", ExposureBoard);
