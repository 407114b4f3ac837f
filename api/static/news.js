// Tells on the queue's page that cases came in while it was open; nothing moves under the reader's hand.
import { word } from "./page.js";

const list = document.querySelector("[data-rows]");
if (list || document.querySelector("[data-queue-empty]")) {
  let known = null;
  const stream = new EventSource("/api/v1/events");
  stream.addEventListener("queue", (event) => {
    const { states } = JSON.parse(event.data);
    const waiting = (states.QUEUED ?? 0) + (states.SECOND_REVIEW ?? 0);
    known ??= waiting;
    const pill = document.querySelector("[data-news]");
    if (!pill) return;
    pill.hidden = waiting <= known;
    pill.textContent = word("news").replace("{n}", waiting - known);
  });
}
