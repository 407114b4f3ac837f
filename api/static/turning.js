// Turning to the next case without loading a page: it is read, and its clip loaded, behind the one on screen.
import { showKept } from "./page.js";

let ready = null;

// Reads a case's page and has the browser load what it shows. What fails here is loaded as a page later, and said there.
export async function prepare(path) {
  const answer = await fetch(path).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = document.adoptNode(page.querySelector("main.case"));
  main.querySelector("video")?.load();
  const track = main.querySelector("[data-track]")?.dataset.track;
  if (track) fetch(track).then((found) => found.blob()).catch(() => {});
  ready = { path, main, title: page.title, bar: page.querySelector(".bar-middle") };
}

// Shows the case made ready; false when it is another than the one asked for.
export function turn(path) {
  if (ready?.path !== path) return false;
  const { main, title, bar } = ready;
  ready = null;
  history.pushState(null, "", path);
  document.title = title;
  document.querySelector(".bar-middle").replaceWith(bar);
  document.querySelector("main").replaceWith(main);
  showKept();
  return true;
}

addEventListener("popstate", () => location.reload());
