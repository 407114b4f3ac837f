// The citizens' page: choose photos, take the position, send with progress, follow the report's state.
const token = () => document.querySelector('meta[name="csrf"]').content;
const POLL_MS = 3000;
const PATIENCE = 60; // polls; after that the page is as fresh as its last load

// Sends a form with progress; resolves with the answer's JSON, rejects with a line for people.
function send(path, form, { key, progress, failed }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-CSRF-Token", token());
    request.setRequestHeader("Accept", "application/json");
    if (key) request.setRequestHeader("Idempotency-Key", key);
    request.upload.addEventListener("progress", (e) => e.lengthComputable && progress?.(Math.round((100 * e.loaded) / e.total)));
    request.addEventListener("error", () => reject(failed));
    request.addEventListener("load", () => {
      let answer = {};
      try { answer = JSON.parse(request.responseText); } catch { /* not ours: a proxy's page */ }
      if (request.status >= 200 && request.status < 300) resolve(answer);
      else reject(answer.detail ?? failed);
    });
    request.send(form);
  });
}

class ReportForm extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.files = [];
    this.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    this.querySelector("[data-files]").addEventListener("change", (e) => this.add(e.target));
    this.querySelector("[data-locate]").addEventListener("click", () => this.locate());
    this.form.addEventListener("submit", (e) => { e.preventDefault(); this.submit(); });
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

  missing() {
    const isVideo = this.files.length === 1 && this.files[0].type.startsWith("video/");
    const lacking = Number(this.dataset.min) - this.files.length;
    for (const field of this.form.elements) {
      if (field.required) field.setAttribute("aria-invalid", String(!field.checkValidity()));
    }
    if (!isVideo && lacking > 0) return this.dataset.tooFew.replace("{n}", lacking);
    const bad = this.form.querySelector('[aria-invalid="true"]');
    bad?.focus();
    return bad ? bad.validationMessage : "";
  }

  async submit() {
    const message = this.querySelector("[data-message]");
    const bar = this.querySelector("[data-progress]");
    const button = this.querySelector("[data-send]");
    const label = button.textContent;
    message.textContent = this.missing();
    message.hidden = !message.textContent;
    if (message.textContent) return;
    const form = new FormData(this.form);
    for (const name of ["lat", "lon"]) if (!form.get(name)) form.delete(name);
    for (const file of this.files) form.append("files", file);
    button.disabled = true;
    bar.hidden = false;
    const progress = (percent) => { bar.value = percent; button.textContent = this.dataset.sending.replace("{percent}", percent); };
    try {
      const report = await send("/api/v1/reports", form, { key: this.key, progress, failed: this.dataset.failed });
      location.href = `/report/mine/${report.report_id}`;
    } catch (reason) {
      message.textContent = reason;
      message.hidden = false;
      button.disabled = false;
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
    this.querySelector("input").addEventListener("change", async (e) => {
      const form = new FormData();
      for (const file of e.target.files) form.append("files", file);
      try {
        await send(`/api/v1/reports/${this.dataset.id}/media`, form, { failed: this.dataset.failed });
        location.reload();
      } catch (reason) {
        message.textContent = reason;
        message.hidden = false;
      }
    });
  }
}

customElements.define("report-form", ReportForm);
customElements.define("report-state", ReportState);
customElements.define("report-again", ReportAgain);
