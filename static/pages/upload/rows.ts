/**
 * One row for each file that matters now: what failed first, then what is on its way, then the last ones done. Ten thousand
 * files make no more rows than a screen can use; the totals above count them all.
 */
import { say } from "../../viewer/words";
import type { Item, Transfer } from "./transfer";
import { SMALL } from "./trips";
import { size } from "./wording";

const MOST_FAILED = 100;
const MOST_ACTIVE = 10;
const LAST_DONE = 20;
const SHAPES = { waiting: "scheduled", sending: "acquiring", sent: "complete", skipped: "vetted", failed: "rejected" } as const;

export class Rows {
  private readonly rows = new Map<Item, HTMLTableRowElement>();
  private shown: Item[] = [];

  constructor(
    private readonly body: HTMLTableSectionElement,
    private readonly pattern: HTMLTemplateElement,
  ) {}

  draw(transfer: Transfer): void {
    const wanted = this.choose(transfer);
    if (wanted.length !== this.shown.length || wanted.some((item, place) => this.shown[place] !== item)) {
      const kept = new Set(wanted);
      for (const item of this.rows.keys()) if (!kept.has(item)) this.rows.delete(item);
      this.body.replaceChildren(...wanted.map((item) => this.rowOf(item)));
      this.shown = wanted;
    }
    for (const item of wanted) this.fill(this.rowOf(item), item, transfer.isPaused);
  }

  private choose(transfer: Transfer): Item[] {
    const failed: Item[] = [];
    const done: Item[] = [];
    if (transfer.totals.failed) {
      for (const item of transfer.items) {
        if (item.state === "failed" && failed.push(item) >= MOST_FAILED) break;
      }
    }
    for (let place = transfer.items.length - 1; place >= 0 && done.length < LAST_DONE; place -= 1) {
      const item = transfer.items[place];
      if (item && (item.state === "sent" || item.state === "skipped")) done.push(item);
    }
    return [...failed, ...[...transfer.active].slice(0, MOST_ACTIVE), ...done];
  }

  private rowOf(item: Item): HTMLTableRowElement {
    const known = this.rows.get(item);
    if (known) return known;
    const row = (this.pattern.content.cloneNode(true) as DocumentFragment).querySelector("tr") as HTMLTableRowElement;
    const cells = row.cells;
    if (cells[1]) cells[1].textContent = item.path;
    if (cells[2]) cells[2].textContent = size(item.file.size);
    this.rows.set(item, row);
    return row;
  }

  private fill(row: HTMLTableRowElement, item: Item, isPaused: boolean): void {
    const isHeld = item.state === "sending" && (item.trip?.isHeld ?? false);
    const isResting = isPaused && item.state === "sending";
    const key = `${item.state}${isHeld ? "-held" : ""}${isResting ? "-paused" : ""}`;
    if (row.dataset["state"] !== key) {
      row.dataset["state"] = key;
      const state = row.querySelector(".state");
      const use = row.querySelector("use");
      if (state) state.className = `state state-${SHAPES[item.state]}`;
      const word = row.querySelector(".state > span");
      if (word) word.textContent = say(isResting ? "tag_paused" : `state_${item.state}`);
      const sprite = document.documentElement.dataset["icons"] ?? "";
      use?.setAttribute("href", `${sprite}#st-${SHAPES[item.state]}`);
      const note = row.querySelector(".why span");
      if (note) note.textContent = isHeld && !isResting ? say("note_held") : this.noteOf(item);
    }
    const bar = row.querySelector("progress");
    if (!bar) return;
    // A small file is over before a bar could be read, and a thousand bars cost more than they tell.
    bar.hidden = item.state !== "sending" || isHeld || item.file.size <= SMALL;
    if (bar.hidden) return;
    bar.max = Math.max(item.file.size, 1);
    bar.value = item.sent;
    bar.setAttribute("aria-label", item.path);
  }

  private noteOf(item: Item): string {
    if (item.note) return item.note;
    if (item.state === "skipped") return say("note_skipped");
    if (item.state === "sent") return say(item.resumed ? "note_resumed" : "note_sent");
    return "";
  }
}
