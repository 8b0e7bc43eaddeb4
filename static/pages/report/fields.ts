/** Fields to fill in (`[[size|number mm]]`) and macros (`.word`): the next one by Tab, chosen or typed, and the unit behind a number. */
import * as choices from "./choices";
import { areas, current, page, replace } from "./text";

const FIELD = /\[\[([^[\]\n|]{1,60})(?:\|([^[\]\n]*))?\]\]/g;
const WORD = /(?:^|\s)\.([A-Za-z0-9_-]{1,32})$/;
const macros = JSON.parse(page?.dataset["macros"] ?? "{}") as Record<string, string>;

interface Place {
  area: HTMLTextAreaElement;
  start: number;
  end: number;
  kind: string;
}
let waiting: { area: HTMLTextAreaElement; start: number; unit: string } | null = null;

function inArea(area: HTMLTextAreaElement, from: number): Place | null {
  for (const found of area.value.matchAll(FIELD)) {
    if (found.index >= from) return { area, start: found.index, end: found.index + found[0].length, kind: (found[2] ?? "text").trim() };
  }
  return null;
}

function next(area: HTMLTextAreaElement, from: number): Place | null {
  const all = areas();
  for (const [index, each] of all.slice(all.indexOf(area)).entries()) {
    const place = inArea(each, index ? 0 : from);
    if (place) return place;
  }
  return null;
}

function put(place: Place, text: string): void {
  replace(place.area, place.start, place.end, text);
  const rest = next(place.area, place.area.selectionEnd);
  if (rest) go(rest);
}

function go(place: Place): void {
  place.area.focus();
  place.area.setSelectionRange(place.start, place.end);
  const unit = /^number\s+(\S+)$/.exec(place.kind)?.[1];
  waiting = unit ? { area: place.area, start: place.start, unit } : null;
  if (place.kind === "date") {
    const today = new Intl.DateTimeFormat(page?.dataset["language"] ?? "en", { dateStyle: "long" }).format(new Date());
    choices.offer(place.area, [{ text: today }], (choice) => put(place, choice.text));
  } else if (place.kind.includes("/") && !unit) {
    const options = place.kind.split("/").map((text) => ({ text: text.trim() }));
    choices.offer(place.area, options.filter((option) => option.text), (choice) => put(place, choice.text));
  }
}

/** A number that was typed into a field with a unit gets it. */
function addUnit(): void {
  const wanted = waiting;
  waiting = null;
  if (!wanted?.area.isConnected) return;
  const end = wanted.area.selectionEnd;
  const typed = wanted.area.value.slice(wanted.start, end);
  if (/^\d+(?:[.,]\d+)?$/.test(typed)) replace(wanted.area, wanted.start, end, `${typed} ${wanted.unit}`);
}

/** Put a macro in place of its word before the cursor. */
function expand(area: HTMLTextAreaElement): boolean {
  if (area.selectionStart !== area.selectionEnd) return false;
  const word = WORD.exec(area.value.slice(0, area.selectionStart))?.[1];
  const text = word && Object.hasOwn(macros, word) ? macros[word] : undefined;
  if (!word || text === undefined) return false;
  const start = area.selectionStart - word.length - 1;
  replace(area, start, area.selectionStart, text);
  const place = inArea(area, start);
  if (place && place.start < start + text.length) go(place);
  return true;
}

/** Go to the next field, from where the writer is or from the top. */
export function nextField(): void {
  const area = current();
  const first = areas()[0];
  const place = (area && next(area, area.selectionEnd)) ?? (first && next(first, 0));
  if (place) go(place);
}

document.addEventListener("keydown", (event) => {
  const area = event.target as HTMLTextAreaElement;
  if (choices.handled(event) || !(area instanceof HTMLTextAreaElement) || !area.matches("[data-parts] [data-text]")) return;
  if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (event.key === " " && expand(area)) event.preventDefault();
  if (event.key === "?" && /(?:^|\s)\.$/.test(area.value.slice(0, area.selectionStart))) {
    event.preventDefault();
    const start = area.selectionStart - 1;
    const known = Object.entries(macros).map(([text, note]) => ({ text, note }));
    choices.offer(area, known, (choice) => replace(area, start, start + 1, macros[choice.text] ?? ""));
  }
  if (event.key !== "Tab" || event.shiftKey) return;
  addUnit();
  if (expand(area)) {
    event.preventDefault();
    return;
  }
  const place = next(area, area.selectionEnd);
  if (!place) return;
  event.preventDefault();
  go(place);
});
document.addEventListener("focusout", (event) => event.target === waiting?.area && addUnit());
document.addEventListener("click", (event) => (event.target as Element).closest("[data-next-field]") && nextField());

