/**
 * The panel beside the list: Space or a pointer that rests on a picture opens it, and it follows the chosen row.
 *
 * What was fetched is kept for a moment and its neighbours are fetched ahead, so that the next row is there at once. The
 * server hears of each study that is looked at (and records it) only when the row has rested for a moment; the large
 * picture is fetched then too, the small one stands in until it is there.
 */
import { belongsToField, keepChoice } from "./keys";
import { sessionEnded } from "./session";
import { choose, chosenRow, listOf, rowsOf } from "./rows";

const REST_MS = 140;
const HOVER_MS = 450;
const LEAVE_MS = 250;
const DECODE_MS = 400;
const KEPT = 24;

interface Kept {
  text: string;
  etag: string;
}

const kept = new Map<string, Kept>();
let shown = "";
/** Only the name stands in the panel. */
let isGhost = false;
let rest = 0;
let hover = 0;
let pointed: HTMLElement | null = null;
let asking: AbortController | null = null;
let ahead: AbortController | null = null;

const panel = (): HTMLElement | null => document.querySelector<HTMLElement>("[data-preview-panel]");
const shell = (): HTMLElement | null => document.querySelector<HTMLElement>(".shell");
const isOpen = (): boolean => shell()?.classList.contains("with-preview") ?? false;
const isPeeking = (): boolean => shell()?.classList.contains("with-peek") ?? false;
const addressOf = (row: HTMLElement | null | undefined): string => row?.dataset["preview"] ?? "";

function keep(address: string, answer: Kept): void {
  kept.delete(address);
  kept.set(address, answer);
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(oldest);
  }
}

/** Ask for a panel; null when what is kept is still right. Throws what `fetch` throws, and an Error named by the status. */
async function ask(address: string, signal: AbortSignal, isAhead: boolean): Promise<Kept | null> {
  const before = kept.get(address);
  const headers: Record<string, string> = { "X-Requested-With": "fetch" };
  if (before) headers["If-None-Match"] = before.etag;
  const answer = await fetch(isAhead ? `${address}?ahead` : address, { headers, signal, cache: "no-store" });
  if (answer.status === 304) return null;
  if (answer.status === 401) sessionEnded();
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = { text: await answer.text(), etag: answer.headers.get("ETag") ?? "" };
  keep(address, fresh);
  return fresh;
}

/** A server's fragment as nodes; it is ours, escaped there, and the policy runs no script in it. */
function nodes(text: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = text;
  return template.content;
}

function ghost(row: HTMLElement): DocumentFragment | null {
  const content = document.querySelector<HTMLTemplateElement>("#preview-ghost")?.content.cloneNode(true) as
    | DocumentFragment
    | undefined;
  const name = content?.querySelector("[data-ghost-name]");
  if (name) name.textContent = row.querySelector("a")?.textContent ?? "";
  return content ?? null;
}

function fill(address: string, content: DocumentFragment | null): void {
  const place = panel();
  if (!place || !content) return;
  const top = shown === address ? (place.querySelector(".preview-scroll")?.scrollTop ?? 0) : 0;
  shown = address;
  place.replaceChildren(content);
  const scroll = place.querySelector(".preview-scroll");
  if (scroll) scroll.scrollTop = top;
}

function say(word: "gone" | "failed"): void {
  const place = panel();
  const text = document.createElement("p");
  text.textContent = place?.dataset[word] ?? "";
  place?.querySelector(".preview-scroll")?.replaceChildren(text);
}

/** Put the large picture over the small one when it is there: nothing flickers, nothing moves. */
function enlarge(): void {
  const large = panel()?.querySelector<HTMLImageElement>("[data-lightbox-large]");
  const address = large?.dataset["large"];
  if (!large || !address || large.getAttribute("src") === address) return;
  const put = (): void => {
    if (large.getAttribute("src") === address && large.naturalWidth > 0) large.hidden = false; // or the small one stays
  };
  // A browser that is short of something refuses to decode ahead what it can draw all the same, or never answers.
  const late = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, DECODE_MS));
  large.addEventListener("load", () => void Promise.race([large.decode().catch(() => undefined), late()]).then(put), { once: true });
  large.hidden = true;
  large.src = address;
}

function fetchAhead(row: HTMLElement): void {
  ahead?.abort();
  ahead = new AbortController();
  const { signal } = ahead;
  const list = row.closest<HTMLElement>("[data-rows]");
  const rows = list ? rowsOf(list) : [];
  const index = rows.indexOf(row as HTMLTableRowElement);
  for (const next of [rows[index + 1], rows[index + 2], rows[index - 1]]) {
    const address = addressOf(next);
    if (!address || kept.has(address)) continue;
    ask(address, signal, true)
      .then((fresh) => {
        // The small pictures come into the browser's cache with it.
        fresh && nodes(fresh.text).querySelectorAll("img[src]").forEach((img) => (new Image().src = img.getAttribute("src") ?? ""));
      })
      .catch(() => undefined); // it is asked for again when it is shown
  }
}

async function look(row: HTMLElement): Promise<void> {
  const address = addressOf(row);
  asking?.abort();
  asking = new AbortController();
  try {
    const fresh = await ask(address, asking.signal, false);
    if (shown !== address) return;
    // What was fetched ahead may have come since the name was put there: then nothing is new, and nothing is shown yet.
    const text = fresh?.text ?? (isGhost ? kept.get(address)?.text : undefined);
    if (text !== undefined) fill(address, nodes(text));
    isGhost = false;
    enlarge();
    fetchAhead(row);
  } catch (error) {
    if ((error as Error).name === "AbortError" || shown !== address) return;
    kept.delete(address);
    if ((error as Error).message !== "401") say((error as Error).message === "404" ? "gone" : "failed");
  } finally {
    if (shown === address) panel()?.removeAttribute("aria-busy");
  }
}

/** Show a row's panel: at once what is kept or its name, the rest when the row has rested for a moment. */
function show(row: HTMLElement | null): void {
  const address = addressOf(row);
  if (!row || !address) return;
  window.clearTimeout(rest);
  if (shown !== address) {
    asking?.abort();
    const before = kept.get(address);
    fill(address, before ? nodes(before.text) : ghost(row));
    isGhost = !before;
    panel()?.setAttribute("aria-busy", "true");
  }
  rest = window.setTimeout(() => void look(row), REST_MS);
}

function open(row: HTMLTableRowElement): void {
  shell()?.classList.remove("with-peek");
  shell()?.classList.add("with-preview");
  keepChoice("preview", "open");
  show(row);
  row.scrollIntoView({ block: "nearest" });
}

function close(): void {
  const inside = panel()?.contains(document.activeElement);
  window.clearTimeout(rest);
  asking?.abort();
  ahead?.abort();
  shell()?.classList.remove("with-preview", "with-peek");
  shown = "";
  panel()?.replaceChildren();
  keepChoice("preview", "");
  const list = listOf();
  const row = list && (chosenRow(list) ?? rowsOf(list)[0]);
  if (inside && row) choose(row);
}

function endPeek(): void {
  window.clearTimeout(hover);
  if (!isPeeking()) return;
  hover = window.setTimeout(() => {
    shell()?.classList.remove("with-peek");
    if (isOpen()) show(chosenRow());
    else {
      shown = "";
      panel()?.replaceChildren();
    }
  }, LEAVE_MS);
}

function choosePicture(button: HTMLElement): void {
  const box = panel()?.querySelector<HTMLAnchorElement>("[data-lightbox]");
  const small = box?.querySelector<HTMLImageElement>("[data-lightbox-small]");
  const large = box?.querySelector<HTMLImageElement>("[data-lightbox-large]");
  const label = box?.querySelector("[data-lightbox-label]");
  if (!box || !small || !large || !label) return;
  button.parentElement?.querySelectorAll("[aria-pressed]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  button.scrollIntoView({ block: "nearest", inline: "nearest" });
  box.href = button.dataset["seriesPicture"] ?? box.href;
  label.textContent = button.dataset["label"] ?? "";
  small.src = button.dataset["small"] || button.dataset["large"] || "";
  large.hidden = true;
  large.dataset["large"] = button.dataset["large"] ?? "";
  enlarge();
}

function turnPicture(step: number): boolean {
  const buttons = [...(panel()?.querySelectorAll<HTMLElement>("[data-series-picture]") ?? [])];
  const now = buttons.findIndex((button) => button.getAttribute("aria-pressed") === "true");
  const next = buttons[Math.min(Math.max(now + step, 0), buttons.length - 1)];
  if (!next) return false;
  choosePicture(next);
  return true;
}

document.addEventListener("row:chosen", (event) => {
  if (isOpen() && !isPeeking()) show(event.target as HTMLElement);
});
/** The list heard that this study changed: what is kept of it is old. */
document.addEventListener("row:changed", (event) => {
  const address = addressOf(event.target as HTMLElement);
  if (address === shown) void look(event.target as HTMLElement);
  else kept.delete(address);
});

document.addEventListener("keydown", (event) => {
  const list = listOf();
  if (!list || !panel() || belongsToField(event) || (event.target as Element).closest("a, button, summary")) return;
  const row = chosenRow(list) ?? rowsOf(list)[0];
  if (event.key === " " && row && addressOf(row)) {
    if (isOpen()) close();
    else {
      if (row !== chosenRow(list)) choose(row);
      open(row);
    }
  } else if (event.key === "Escape" && isOpen() && !document.querySelector(":popover-open")) close();
  else if (isOpen() && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
    if (!turnPicture(event.key === "ArrowRight" ? 1 : -1)) return;
  } else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const picture = target.closest<HTMLElement>("[data-series-picture]");
  if (picture) choosePicture(picture);
  if (target.closest("[data-preview-close]")) close();
  const opener = target.closest("[data-preview-open]");
  const list = listOf();
  const row = list && (chosenRow(list) ?? rowsOf(list)[0]);
  if (opener && row) isOpen() ? close() : open(row);
});

/** The row whose picture lies under the pointer. The row's link is stretched over all of it, so that only the place tells. */
function pictureAt(event: PointerEvent): HTMLTableRowElement | null {
  const row = (event.target as Element).closest?.<HTMLTableRowElement>("[data-rows] tr[data-preview]");
  const place = row?.querySelector(".thumb")?.getBoundingClientRect();
  return row && place && event.clientX >= place.left && event.clientX <= place.right ? row : null;
}

document.addEventListener(
  "pointermove",
  (event) => {
    if (event.pointerType !== "mouse" || !panel()) return;
    const inPanel = (event.target as Element).closest?.<HTMLElement>("[data-preview-panel]");
    const row = inPanel ? null : pictureAt(event);
    const spot = inPanel ?? row;
    if (spot === pointed) return;
    pointed = spot;
    if (inPanel) window.clearTimeout(hover);
    else if (row) {
      window.clearTimeout(hover);
      hover = window.setTimeout(() => {
        shell()?.classList.add("with-peek");
        show(row);
      }, HOVER_MS);
    } else endPeek();
  },
  { passive: true },
);
document.documentElement.addEventListener("pointerleave", () => {
  pointed = null;
  endPeek();
});

if (isOpen()) show(chosenRow());
