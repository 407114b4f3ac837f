// The citizens' page: choose photos, take the position, send with progress, follow the report's state.
const token = () => document.querySelector('meta[name="csrf"]').content;
const TUS = { "Tus-Resumable": "1.0.0" };
const PIECE_BYTES = 4 << 20; // small enough for proxies that keep a whole request before they pass it on
const PAUSES_MS = [0, 1000, 2000, 5000, 10000, 20000];
const POLL_MS = 3000;
const PATIENCE = 60; // polls; after that the page is as fresh as its last load

// Sends one request; resolves with the XMLHttpRequest, whatever its status; rejects when the network fails.
function ask(method, path, { headers = {}, body, progress } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    const all = { "X-CSRF-Token": token(), Accept: "application/json", ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    if (progress) request.upload.addEventListener("progress", (e) => progress(e.loaded));
    request.addEventListener("error", reject);
    request.addEventListener("load", () => resolve(request));
    request.send(body);
  });
}

// The answer's JSON; throws its line for people when it is none of success.
function read(request, failed) {
  let answer = {};
  try { answer = JSON.parse(request.responseText); } catch { /* not ours: a proxy's page */ }
  if (request.status >= 200 && request.status < 300) return answer;
  throw answer.detail ?? failed;
}

// Sends one file in pieces (tus 1.0) and returns its id. A broken connection goes on where the server is, also after
// the page was closed: the address of the upload is kept with the file's name, size and date.
class Upload {
  constructor(file, words) {
    this.file = file;
    this.words = words; // progress(bytes), waiting(), failed
    this.mark = `upload/${file.name}/${file.size}/${file.lastModified}`;
  }

  async send() {
    let offset = -1;
    for (let broken = 0; ;) {
      const before = offset;
      try {
        offset = await this.arrived();
        while (offset < this.file.size) offset = await this.piece(offset);
        return this.address.split("/").pop();
      } catch (reason) {
        if (typeof reason === "string") throw reason;
      }
      broken = offset > before ? 0 : broken + 1;
      if (broken >= PAUSES_MS.length) throw this.words.failed;
      this.words.waiting();
      await new Promise((resume) => { setTimeout(resume, PAUSES_MS[broken]); });
    }
  }

  get address() { return localStorage.getItem(this.mark); }

  async arrived() {
    const known = this.address && await ask("HEAD", this.address, { headers: TUS });
    if (known?.status === 200) return Number(known.getResponseHeader("Upload-Offset"));
    const begun = await ask("POST", "/api/v1/uploads", { headers: { ...TUS, "Upload-Length": this.file.size } });
    if (begun.status >= 500) throw begun;
    read(begun, this.words.failed);
    localStorage.setItem(this.mark, begun.getResponseHeader("Location"));
    return 0;
  }

  async piece(offset) {
    const request = await ask("PATCH", this.address, {
      headers: { ...TUS, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
      body: this.file.slice(offset, offset + PIECE_BYTES),
      progress: (loaded) => this.words.progress(offset + loaded),
    });
    if (request.status >= 500 || [404, 409].includes(request.status)) throw request; // ask where it is, go on there
    read(request, this.words.failed);
    return Number(request.getResponseHeader("Upload-Offset"));
  }

  forget() { localStorage.removeItem(this.mark); }
}

// Sends the files of a report, then the report itself; ``show(percent)`` tells how far it is, -1 while it waits.
async function send(path, form, files, { key, show, failed }) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  let done = 0;
  const words = { failed, waiting: () => show?.(-1), progress: (bytes) => show?.(Math.floor((100 * (done + bytes)) / size)) };
  const uploads = files.map((file) => new Upload(file, words));
  for (const upload of uploads) {
    form.append("uploads", await upload.send());
    done += upload.file.size;
  }
  show?.(100);
  const answer = read(await ask("POST", path, { headers: key ? { "Idempotency-Key": key } : {}, body: form }).catch(() => { throw failed; }), failed);
  for (const upload of uploads) upload.forget();
  return answer;
}

class ReportForm extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.files = [];
    this.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const chosen = this.querySelector("[data-files]");
    chosen.addEventListener("change", () => this.add(chosen));
    if (chosen.files.length) this.add(chosen); // chosen before this script was there
    this.querySelector("[data-locate]").addEventListener("click", () => this.locate());
    this.form.addEventListener("submit", (e) => { e.preventDefault(); this.submit("later" in (e.submitter?.dataset ?? {})); });
  }

  add(input) {
    for (const file of input.files) {
      if (this.files.length < Number(this.dataset.max)) this.files.push(file);
    }
    input.value = "";
    this.show();
  }

  show() {
    const list = this.querySelector("[data-thumbs]");
    list.replaceChildren(...this.files.map((file, index) => {
      const item = document.createElement("li");
      item.append(file.type.startsWith("video/") ? file.name : this.preview(file));
      item.append(Object.assign(document.createElement("b"), { textContent: index + 1 }));
      const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: this.dataset.remove });
      remove.addEventListener("click", () => { this.files.splice(index, 1); this.show(); });
      item.append(remove);
      return item;
    }));
  }

  preview(file) {
    const picture = document.createElement("canvas");
    picture.width = 320; picture.height = 240;
    createImageBitmap(file, { resizeWidth: 320 }).then((bitmap) => {
      picture.getContext("2d").drawImage(bitmap, 0, (240 - bitmap.height) / 2);
      bitmap.close();
    }, () => {});
    return picture;
  }

  locate() {
    const says = this.querySelector("[data-position]");
    const lost = () => { says.textContent = this.dataset.notLocated; };
    if (!navigator.geolocation) { lost(); return; }
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      this.form.elements.lat.value = coords.latitude.toFixed(6);
      this.form.elements.lon.value = coords.longitude.toFixed(6);
      says.textContent = this.dataset.located.replace("{accuracy}", Math.round(coords.accuracy));
    }, lost, { enableHighAccuracy: true, timeout: 15000 });
  }

  missing(isDraft) {
    const isVideo = this.files.length === 1 && this.files[0].type.startsWith("video/");
    const lacking = Number(this.dataset.min) - this.files.length;
    for (const field of this.form.elements) {
      if (field.required) field.setAttribute("aria-invalid", String(!field.checkValidity()));
    }
    if (!isDraft && !isVideo && lacking > 0) return this.dataset.tooFew.replace("{n}", lacking);
    const bad = this.form.querySelector('[aria-invalid="true"]');
    bad?.focus();
    return bad ? bad.validationMessage : "";
  }

  async submit(isDraft) {
    const message = this.querySelector("[data-message]");
    const bar = this.querySelector("[data-progress]");
    const button = this.querySelector("[data-send]");
    const label = button.textContent;
    message.textContent = this.missing(isDraft);
    message.hidden = !message.textContent;
    if (message.textContent) return;
    const form = new FormData(this.form);
    form.set("draft", isDraft);
    for (const name of ["lat", "lon"]) if (!form.get(name)) form.delete(name);
    const later = this.querySelector("[data-later]");
    button.disabled = later.disabled = true;
    bar.hidden = false;
    const show = (percent) => {
      if (percent >= 0) bar.value = percent;
      button.textContent = percent < 0 ? this.dataset.resuming : this.dataset.sending.replace("{percent}", percent);
    };
    try {
      const report = await send("/api/v1/reports", form, this.files, { key: this.key, show, failed: this.dataset.failed });
      location.href = `/report/mine/${report.report_id}`;
    } catch (reason) {
      message.textContent = reason;
      message.hidden = false;
      button.disabled = later.disabled = false;
      button.textContent = label;
      bar.hidden = true;
    }
  }
}

class ReportState extends HTMLElement {
  connectedCallback() {
    if ("ended" in this.dataset) return;
    let left = PATIENCE;
    const timer = setInterval(async () => {
      if (left-- <= 0) { clearInterval(timer); return; }
      const answer = await fetch(`/api/v1/reports/${this.dataset.id}`).catch(() => null);
      if (answer?.ok && (await answer.json()).state !== this.dataset.state) location.reload();
    }, POLL_MS);
  }
}

class ReportAgain extends HTMLElement {
  connectedCallback() {
    const message = this.querySelector(".alert");
    const bar = this.querySelector("progress");
    const show = (percent) => { bar.hidden = false; if (percent >= 0) bar.value = percent; };
    this.querySelector("input").addEventListener("change", async (e) => {
      try {
        await send(`/api/v1/reports/${this.dataset.id}/media`, new FormData(), [...e.target.files], { show, failed: this.dataset.failed });
        location.reload();
      } catch (reason) {
        message.textContent = reason;
        message.hidden = false;
        bar.hidden = true;
      }
    });
  }
}

customElements.define("report-form", ReportForm);
customElements.define("report-state", ReportState);
customElements.define("report-again", ReportAgain);
