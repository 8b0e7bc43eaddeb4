/**
 * The way back to a list: the same row at the same scroll, by Esc, by a page's own link back, or by the browser's button.
 *
 * The browser's cache of whole pages does it best; where it has dropped the list, what is kept for the tab by the list's
 * address does. UIDs and addresses only, and nothing outlives the tab.
 */
import { belongsToField } from "./keys";
import { choose, chosenRow, listOf, rowOf } from "./rows";

const PLACES = "list:places";
const LAST = "list:last";
const MOST = 20;
const LIST = "/";

interface Place {
  address: string;
  key: string;
  top: number;
}

interface Entry {
  url: string | null;
  key: string;
}
interface History {
  currentEntry: (Entry & { index: number }) | null;
  entries(): Entry[];
  traverseTo(key: string): unknown;
}

const address = window.location.pathname + window.location.search;
const scroller = (): HTMLElement => document.querySelector<HTMLElement>(".table-wrap") ?? document.documentElement;
/** A phone scrolls the page, everything wider the table. */
const top = (): number => Math.max(scroller().scrollTop, window.scrollY);

function places(): Place[] {
  try {
    return JSON.parse(sessionStorage.getItem(PLACES) ?? "[]") as Place[];
  } catch {
    return [];
  }
}

function keep(): void {
  const list = listOf();
  if (!list) return;
  const here = { address, key: chosenRow(list)?.dataset["key"] ?? "", top: top() };
  const others = places().filter((place) => place.address !== address);
  sessionStorage.setItem(PLACES, JSON.stringify([here, ...others].slice(0, MOST)));
  if (list.hasAttribute("data-live")) sessionStorage.setItem(LAST, address);
}

function comeBack(list: HTMLElement): void {
  const place = places().find((entry) => entry.address === address);
  const row = place?.key ? rowOf(list, place.key) : null;
  const arrived = (performance.getEntriesByType("navigation")[0] as PerformanceNavigationTiming | undefined)?.type;
  if (row) choose(row, arrived === "back_forward" || document.referrer !== "");
  if (!place) return;
  scroller().scrollTop = place.top;
  if (place.top && !scroller().scrollTop) window.scrollTo(0, place.top);
  row?.scrollIntoView({ block: "nearest" });
}

/** Whether an address is the page that `back` names; from the viewer the list counts too, for most studies are opened from it. */
function isWayBack(url: string, back: string): boolean {
  const { pathname, origin } = new URL(url, window.location.href);
  const ways = [new URL(back, window.location.href).pathname];
  if (window.location.pathname.startsWith("/viewer/")) ways.push(LIST);
  return origin === window.location.origin && ways.includes(pathname);
}

/** Go back to where this page was opened from, without a new entry in the history; else to `back`, the list as it was left. */
export function leave(back: string): void {
  const history = (window as unknown as { navigation?: History }).navigation;
  const index = history?.currentEntry?.index ?? -1;
  const before = history?.entries().slice(0, Math.max(index, 0)).reverse();
  const entry = before?.find((each) => each.url && isWayBack(each.url, back));
  const isList = new URL(back, window.location.href).pathname === LIST;
  if (history && entry) history.traverseTo(entry.key);
  else if (!history && document.referrer && isWayBack(document.referrer, back)) window.history.back();
  else window.location.assign((isList && sessionStorage.getItem(LAST)) || back);
}

document.addEventListener("row:chosen", keep);
window.addEventListener("pagehide", keep);

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-back]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  leave(link.href);
});

// On the window: whatever Esc closes first (a tool, a menu, a dialog) has heard it before.
window.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || belongsToField(event)) return;
  const link = document.querySelector<HTMLAnchorElement>("a[data-back]");
  if (!link || document.querySelector(":popover-open, dialog[open]")) return;
  event.preventDefault();
  leave(link.href);
});

const list = listOf();
if (list) comeBack(list);
