// What every part of a page shares: words, posting, messages, whether keys are text.
const source = document.querySelector("#words");
const words = source ? JSON.parse(source.textContent) : {};

export const word = (key) => words[key] ?? key;

export function isTyping(event) {
  const target = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  return target.matches?.("textarea, select, input:not([type=checkbox])") ?? false;
}

// Posts JSON with the page's token; throws an Error with a line for people.
export async function post(path, body = {}, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      ...options,
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error(word("network"));
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  if (!answer.ok) throw new Error(content.detail ?? word("network"));
  return content;
}

export function showToast(text) {
  const toast = document.querySelector(".toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(showToast.timer);
  showToast.timer = setTimeout(() => { toast.hidden = true; }, 4000);
}

// Leaves for another page and says there what happened here.
export function leave(path, text) {
  if (text) sessionStorage.setItem("toast", text);
  location.assign(path);
}

// Says what happened on the page before this one.
export function showKept() {
  const kept = sessionStorage.getItem("toast");
  if (!kept) return;
  sessionStorage.removeItem("toast");
  showToast(sessionStorage.getItem("undo") ? `${kept} · U ${word("take_back")}` : kept);
}
