/**
 * The calendar of rooms. Without this script it is lists of links; with it what is booked lies where its time is, and a
 * booking is carried by pointer or by keys (Space picks it up, arrows move it, Enter puts it down, Escape leaves it).
 * The server decides: what it refuses goes back to where it was, and is told.
 */
import { htmx } from "./fragments";

const STEP = 5;
const LONG_STEP = 30;
const SLOP = 6;
const LONG_PRESS_MS = 350;

/** Where a carried booking would be put down. */
interface Target {
  column: HTMLElement;
  minute: number;
}

interface Carried {
  slot: HTMLElement;
  length: number;
  /** Minutes between the upper edge and where it was taken hold of. */
  grip: number;
  ghost: HTMLElement;
  target: Target | null;
}

const holder = document.getElementById("schedule");
let carried: Carried | null = null;
let last = "";
let hasDragged = false;
/** From the moment that something is pressed on nothing is drawn anew under the pointer. */
let isPressed = false;
/** What has the focus while the calendar is drawn anew: by its id, and by its request where it went from the list to a room. */
let focused = { id: "", key: "" };

const board = (): HTMLElement | null => holder?.querySelector<HTMLElement>("[data-board]") ?? null;
const columns = (): HTMLElement[] => [...(holder?.querySelectorAll<HTMLElement>("[data-column]") ?? [])];
const laneOf = (column: HTMLElement): HTMLElement => column.querySelector<HTMLElement>("[data-lane]") ?? column;
const numberOf = (element: HTMLElement, name: string): number => Number(element.dataset[name] ?? 0);
const say = (words: string): void => {
  const place = document.querySelector<HTMLElement>("[data-schedule-said]");
  if (place) place.textContent = words;
};

/** Lay everything out by its minutes; the stylesheet knows how tall a minute is. */
function layOut(): void {
  const whole = board();
  if (!whole) return;
  const first = numberOf(whole, "first");
  whole.style.setProperty("--minutes", String(numberOf(whole, "last") - first));
  whole.querySelectorAll<HTMLElement>("[data-from]").forEach((part) => {
    part.style.setProperty("--from", String(numberOf(part, "from") - first));
    part.style.setProperty("--for", String(numberOf(part, "for")));
  });
  whole.querySelectorAll<HTMLElement>(".lane ol").forEach(sideBySide);
  whole.classList.add("is-drawn");
  showNow();
}

/** What overlaps (one that was missed, and who came instead) lies side by side. */
function sideBySide(list: HTMLElement): void {
  const items = [...list.querySelectorAll<HTMLElement>("li[data-from]")];
  const ends: number[] = [];
  let group: HTMLElement[] = [];
  const close = (): void => {
    group.forEach((item) => item.style.setProperty("--lanes", String(ends.length)));
    group = [];
    ends.length = 0;
  };
  for (const item of items) {
    const from = numberOf(item, "from");
    if (group.length && ends.every((end) => end <= from)) close();
    let lane = ends.findIndex((end) => end <= from);
    if (lane < 0) lane = ends.length;
    ends[lane] = from + numberOf(item, "for");
    item.style.setProperty("--lane", String(lane));
    group.push(item);
  }
  close();
}

function showNow(): void {
  const whole = board();
  if (!whole) return;
  whole.querySelectorAll(".now-line").forEach((line) => line.remove());
  for (const column of columns()) {
    const minute = (Date.now() - Date.parse(column.dataset["starts"] ?? "")) / 60_000;
    if (minute < numberOf(whole, "first") || minute > numberOf(whole, "last")) continue;
    const line = document.createElement("span");
    line.className = "now-line";
    line.style.setProperty("--from", String(minute - numberOf(whole, "first")));
    laneOf(column).append(line);
  }
}

function momentOf({ column, minute }: Target): Date {
  return new Date(Date.parse(column.dataset["starts"] ?? "") + minute * 60_000);
}

function wordsOf(target: Target): string {
  const zone = target.column.dataset["zone"] ?? "UTC";
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", timeZone: zone });
  return `${target.column.dataset["name"] ?? ""}, ${clock.format(momentOf(target))}`;
}

const suits = (slot: HTMLElement, column: HTMLElement): boolean =>
  (column.dataset["modalities"] ?? "").split(" ").includes(slot.dataset["modality"] ?? "");

function pickUp(slot: HTMLElement, grip: number): Carried {
  const ghost = document.createElement("div");
  ghost.className = "slot slot-ghost";
  ghost.setAttribute("aria-hidden", "true");
  const length = numberOf(slot, "length");
  ghost.style.setProperty("--for", String(length));
  ghost.innerHTML = "<b></b> <small></small>";
  const name = ghost.querySelector("small");
  if (name) name.textContent = slot.querySelector("b")?.textContent ?? "";
  slot.classList.add("is-carried");
  holder?.classList.add("is-carrying");
  carried = { slot, length, grip, ghost, target: null };
  return carried;
}

function moveTo(target: Target): void {
  const whole = board();
  if (!carried || !whole) return;
  const [first, end] = [numberOf(whole, "first"), numberOf(whole, "last") - carried.length];
  const minute = Math.max(first, Math.min(end, Math.round(target.minute / STEP) * STEP));
  carried.target = { column: target.column, minute };
  carried.ghost.style.setProperty("--from", String(minute - first));
  carried.ghost.classList.toggle("is-unsuited", !suits(carried.slot, target.column));
  const words = carried.ghost.querySelector("b");
  if (words) words.textContent = wordsOf(carried.target);
  const lane = laneOf(target.column);
  if (carried.ghost.parentElement !== lane) lane.append(carried.ghost);
}

/** Let go; what was carried lies where it lay. */
function leave(): void {
  carried?.ghost.remove();
  carried?.slot.classList.remove("is-carried");
  holder?.classList.remove("is-carrying");
  carried = null;
}

async function putDown(): Promise<void> {
  if (!carried) return;
  const { slot, target } = carried;
  leave();
  if (!target) return say(holder?.dataset["left"] ?? "");
  const at = momentOf(target).toISOString();
  const room = target.column.dataset["room"] ?? "";
  say("…");
  try {
    const answer = await fetch(slot.dataset["book"] ?? "", {
      method: "POST",
      body: new URLSearchParams({ room, at, version: slot.dataset["version"] ?? "" }),
      headers: { "X-CSRFToken": document.body.dataset["csrf"] ?? "", Accept: "application/json" },
    });
    const told = (await answer.json()) as { said?: string; problem?: string; asks_why?: boolean };
    say(told.said ?? told.problem ?? "");
    if (told.asks_why) await ask(slot, room, at);
  } catch {
    say(holder?.dataset["failed"] ?? "");
  }
  if (holder) htmx.trigger(holder, "schedule:stale");
}

/** A STAT exam in a closed room: its dialog asks why, with the place filled in. */
async function ask(slot: HTMLElement, room: string, at: string): Promise<void> {
  const dialog = document.getElementById("schedule-one");
  const address = new URL((slot as HTMLAnchorElement).href);
  address.searchParams.set("room", room);
  address.searchParams.set("at", at);
  await htmx.ajax("get", `${address.pathname}${address.search}`, { target: "#schedule-one-body", swap: "innerHTML" });
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
  dialog?.querySelector<HTMLElement>("#book-why")?.focus();
}

// ---- pointer --------------------------------------------------------------------------------------------------------

function targetAt(x: number, y: number): Target | null {
  const whole = board();
  const column = document.elementsFromPoint(x, y).find((one) => one.matches("[data-lane]"))?.closest<HTMLElement>("[data-column]");
  if (!whole || !column || !carried) return null;
  const box = laneOf(column).getBoundingClientRect();
  const minutes = numberOf(whole, "last") - numberOf(whole, "first");
  return { column, minute: numberOf(whole, "first") + ((y - box.top) / box.height) * minutes - carried.grip };
}

function begin(down: PointerEvent, slot: HTMLElement): void {
  let pressed = 0;
  isPressed = true;
  const isTouch = down.pointerType !== "mouse";
  const start = (): void => {
    const whole = board();
    const box = slot.getBoundingClientRect();
    const lies = slot.closest("[data-lane]") !== null && whole;
    pickUp(slot, lies ? ((down.clientY - box.top) / box.height) * numberOf(slot, "length") : 0);
    slot.setPointerCapture(down.pointerId);
    hasDragged = true;
  };
  const move = (event: PointerEvent): void => {
    const far = Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > SLOP;
    if (!carried && far && isTouch) return end(); // it scrolls
    if (!carried && far) start();
    if (!carried) return;
    const target = targetAt(event.clientX, event.clientY);
    if (target) moveTo(target);
  };
  const hold = (event: TouchEvent): void => {
    if (carried) event.preventDefault();
  };
  const end = (event?: PointerEvent): void => {
    isPressed = false;
    window.clearTimeout(pressed);
    window.removeEventListener("pointermove", move);
    window.removeEventListener("pointerup", end);
    window.removeEventListener("pointercancel", cancel);
    window.removeEventListener("touchmove", hold);
    if (carried && event?.type === "pointerup") void putDown();
  };
  const cancel = (): void => {
    leave();
    end();
  };
  if (isTouch) pressed = window.setTimeout(start, LONG_PRESS_MS);
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end);
  window.addEventListener("pointercancel", cancel);
  window.addEventListener("touchmove", hold, { passive: false });
}

// ---- keys -----------------------------------------------------------------------------------------------------------

function beginByKeys(slot: HTMLElement): void {
  const whole = board();
  const all = columns();
  const own = slot.closest<HTMLElement>("[data-column]");
  const column = own ?? all.find((one) => suits(slot, one)) ?? all[0];
  if (!whole || !column) return;
  pickUp(slot, 0);
  const opens = column.querySelector<HTMLElement>(".open");
  const now = (Date.now() - Date.parse(column.dataset["starts"] ?? "")) / 60_000;
  const free = Math.max(opens ? numberOf(opens, "from") : numberOf(whole, "first"), now);
  moveTo({ column, minute: own ? numberOf(slot.closest<HTMLElement>("[data-from]") ?? slot, "from") : free });
  tell(holder?.dataset["picked"]);
}

function tell(pattern?: string): void {
  if (!carried?.target) return;
  const where = wordsOf(carried.target);
  const what = carried.slot.querySelector("b")?.textContent ?? "";
  say(pattern ? pattern.replace("{what}", what).replace("{where}", where) : where);
  carried.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function byKeys(event: KeyboardEvent): boolean {
  const target = carried?.target;
  if (!target) return false;
  const all = columns();
  const at = all.indexOf(target.column);
  const far = event.shiftKey ? LONG_STEP : STEP;
  const moves: Record<string, () => void> = {
    ArrowUp: () => moveTo({ column: target.column, minute: target.minute - far }),
    ArrowDown: () => moveTo({ column: target.column, minute: target.minute + far }),
    ArrowLeft: () => moveTo({ column: all[Math.max(0, at - 1)] ?? target.column, minute: target.minute }),
    ArrowRight: () => moveTo({ column: all[Math.min(all.length - 1, at + 1)] ?? target.column, minute: target.minute }),
  };
  const move = moves[event.key];
  if (move) {
    move();
    tell();
  } else if (event.key === "Enter" || event.key === " ") void putDown();
  else if (event.key === "Escape" || event.key === "Tab") {
    leave();
    say(holder?.dataset["left"] ?? "");
    return event.key === "Escape";
  } else return false;
  return true;
}

if (holder) {
  layOut();
  window.setInterval(showNow, 60_000);
  holder.addEventListener("pointerdown", (event) => {
    const slot = (event.target as Element).closest<HTMLElement>("[data-drag]");
    hasDragged = false;
    if (slot && event.button === 0 && !carried) begin(event, slot);
  });
  // A link is dragged by the browser itself otherwise, and followed when it is let go.
  holder.addEventListener("dragstart", (event) => event.preventDefault());
  holder.addEventListener("contextmenu", (event) => {
    if (carried) event.preventDefault();
  });
  document.addEventListener(
    "click",
    (event) => {
      if (!hasDragged || !holder.contains(event.target as Node)) return;
      hasDragged = false;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
  document.addEventListener(
    "keydown",
    (event) => {
      const slot = (event.target as Element).closest<HTMLElement>("[data-drag]");
      const isTaken = carried ? byKeys(event) : event.key === " " && slot !== null;
      if (!isTaken) return;
      event.preventDefault();
      event.stopPropagation();
      if (!carried && slot && event.key === " " && !event.repeat && !slot.classList.contains("is-put")) beginByKeys(slot);
    },
    true,
  );
  holder.addEventListener("htmx:beforeRequest", (event) => {
    if ((carried || isPressed) && (event as CustomEvent<{ elt: Element }>).detail.elt === holder) event.preventDefault();
  });
  holder.addEventListener("htmx:beforeSwap", (event) => {
    const detail = (event as CustomEvent<{ target: Element; xhr: XMLHttpRequest; shouldSwap: boolean }>).detail;
    if (detail.target !== holder) return;
    if (carried || isPressed || detail.xhr.responseText === last) {
      detail.shouldSwap = false;
      return;
    }
    last = detail.xhr.responseText;
    const active = holder.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
    focused = { id: active?.id ?? "", key: active?.dataset["key"] ?? "" };
  });
  holder.addEventListener("htmx:afterSwap", (event) => {
    if ((event as CustomEvent<{ target: Element }>).detail.target !== holder) return;
    layOut();
    const same = focused.id ? document.getElementById(focused.id) : null;
    const moved = focused.key ? holder.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused.key)}"]`) : null;
    (same ?? moved)?.focus({ preventScroll: true });
    focused = { id: "", key: "" };
  });
}
