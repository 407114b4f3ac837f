// <objection-form> files an objection, <objection-answer> answers one, <cancel-form> cancels a case of the office's own accord,
// <reward-form> settles a reward. All reload the page: the server has decided.
import { post } from "./page.js";

class ObjectionPart extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.message = this.querySelector(".message");
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.file?.(); });
    this.querySelector("[data-uphold]")?.addEventListener("click", () => this.answer(false));
    this.querySelector("[data-cancel-case]")?.addEventListener("click", () => this.answer(true));
  }

  async send(path, body) {
    if (!this.form.reportValidity()) return;
    const { case: caseId, report } = this.dataset;
    try {
      await post(report ? `/api/v1/reports/${report}/${path}` : `/api/v1/cases/${caseId}/${path}`, body);
      location.reload();
    } catch (error) {
      this.message.textContent = error.message;
      this.message.hidden = false;
    }
  }
}

class ObjectionForm extends ObjectionPart {
  file() {
    const { channel, ground, text } = this.form.elements;
    return this.send("objection", { channel: channel.value, ground: ground.value, text: text.value });
  }
}

class ObjectionAnswer extends ObjectionPart {
  answer(cancel) {
    const { reply, ground } = this.form.elements;
    return this.send("objection/answer", { cancel, reply: reply.value, ground: cancel ? ground.value : null });
  }
}

class CancelForm extends ObjectionPart {
  file() {
    const { ground, note } = this.form.elements;
    return this.send("cancellation", { ground: ground.value, note: note.value });
  }
}

class RewardForm extends ObjectionPart {
  connectedCallback() {
    super.connectedCallback();
    this.querySelector("[data-decline]").addEventListener("click", () => this.settle("DECLINED"));
  }

  file() {
    return this.settle("PAID");
  }

  settle(state) {
    return this.send("reward", { state, note: this.form.elements.note.value });
  }
}

customElements.define("reward-form", RewardForm);
customElements.define("cancel-form", CancelForm);
customElements.define("objection-form", ObjectionForm);
customElements.define("objection-answer", ObjectionAnswer);
