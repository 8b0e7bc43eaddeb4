/**
 * The files on their way: several requests at a time, each with one large file or some small ones (trips.ts). What fails for
 * the moment is tried again for as long as the page is open; what is refused says why and waits for a person.
 */
import type { Chosen } from "./entries";
import { Alone, Together, type Listener, type Trip } from "./trips";

export type State = "waiting" | "sending" | "sent" | "skipped" | "failed";

export interface Item extends Chosen {
  print: string;
  state: State;
  /** Bytes that the server has, or is getting. */
  sent: number;
  /** Why it failed, in words; or that it went on where it had stopped. */
  note: string;
  resumed: boolean;
  address: string | null;
  trip: Trip | null;
  /** A parcel with this file was refused as a whole: it goes by itself then. */
  isLone: boolean;
}

/** Why everything stands still: shown once, not for each file. */
export type Halt = "signed-out" | "no-room" | "closed" | "forbidden";

interface Events {
  changed: () => void;
  halted: (why: Halt, sentence: string) => void;
  emptied: () => void;
}

const PARALLEL = 6; // what a browser opens to one server over HTTP/1.1
/** Files up to here go together, so many and of so many bytes. */
const TOGETHER = 1024 * 1024;
const MOST_TOGETHER = 32;
const LONGEST_TOGETHER = 8 * 1024 * 1024;
const PAUSES = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
const STALLED = 60_000;
const HALTS = new Map<number, Halt>([[401, "signed-out"], [403, "forbidden"], [410, "closed"], [507, "no-room"]]);

/** Whether the same may be taken later. */
function isPassing(status: number): boolean {
  return status === 0 || status === 408 || status === 409 || status === 423 || status === 429 || status >= 500;
}

export class Transfer {
  readonly items: Item[] = [];
  readonly totals = { files: 0, bytes: 0, doneFiles: 0, doneBytes: 0, skippedBytes: 0, failed: 0, skipped: 0 };
  readonly active = new Set<Item>();
  private readonly trips = new Set<Trip>();
  isPaused = false;
  private next = 0;

  constructor(
    private readonly endpoint: string,
    private readonly delivery: string,
    private readonly words: { unreadable: string; refused: (status: number) => string },
    private readonly events: Events,
  ) {
    window.setInterval(() => this.restartStalled(), STALLED / 6);
    window.addEventListener("online", () => this.hurry());
  }

  /** Put a file at the end of the queue. `file` is its id on the server, when it is known there. */
  add(chosen: Chosen, print: string, known?: { id: string; whole: boolean }): Item {
    const item: Item = {
      ...chosen, print, state: "waiting", sent: 0, note: "", resumed: false, trip: null, isLone: false,
      address: known && !known.whole ? `${this.endpoint}${known.id}` : null,
    };
    this.items.push(item);
    this.totals.files += 1;
    this.totals.bytes += item.file.size;
    if (known?.whole) {
      item.state = "skipped";
      item.sent = item.file.size;
      this.totals.skipped += 1;
      this.totals.doneFiles += 1;
      this.totals.doneBytes += item.file.size;
      this.totals.skippedBytes += item.file.size;
    }
    return item;
  }

  /** Say that a file will not be sent. */
  fail(item: Item, note: string): void {
    if (item.state !== "failed") this.totals.failed += 1;
    this.active.delete(item);
    item.state = "failed";
    item.note = note;
    item.address = item.trip?.address ?? item.address;
    item.trip = null;
    this.events.changed();
  }

  /** Begin with as many as may be on their way at once. */
  pump(): void {
    while (!this.isPaused && this.trips.size < PARALLEL) {
      const items = this.load();
      if (!items.length) break;
      this.start(items);
    }
    if (!this.trips.size && this.next >= this.items.length && !this.isPaused) this.events.emptied();
    this.events.changed();
  }

  pause(): void {
    this.isPaused = true;
    for (const trip of this.trips) {
      window.clearTimeout(trip.timer);
      void trip.abort();
    }
    this.events.changed();
  }

  resume(): void {
    this.isPaused = false;
    for (const trip of this.trips) this.restart(trip);
    this.pump();
  }

  /** Try the failed ones once more. */
  again(): void {
    for (const item of this.items) {
      if (item.state !== "failed") continue;
      item.state = "waiting";
      item.note = "";
      this.totals.failed -= 1;
    }
    this.next = 0; // what is not waiting is passed over
    this.resume();
  }

  /** The next file that waits, and the small ones behind it when it is small itself. */
  private load(): Item[] {
    const items: Item[] = [];
    let bytes = 0;
    for (; this.next < this.items.length && items.length < MOST_TOGETHER; this.next += 1) {
      const item = this.items[this.next];
      if (item?.state !== "waiting") continue;
      const isSmall = item.file.size <= TOGETHER && !item.address && !item.isLone;
      bytes += item.file.size;
      if (items.length && (!isSmall || bytes > LONGEST_TOGETHER)) break;
      items.push(item);
      if (isSmall) continue;
      this.next += 1;
      break;
    }
    return items;
  }

  private start(items: Item[]): void {
    const [first] = items;
    const trip =
      first && items.length === 1
        ? new Alone(first, this.listener, this.endpoint, this.delivery)
        : new Together(items, this.listener, this.delivery);
    for (const item of items) {
      item.state = "sending";
      item.trip = trip;
      this.active.add(item);
    }
    this.trips.add(trip);
    trip.start();
  }

  private restart(trip: Trip): void {
    window.clearTimeout(trip.timer);
    trip.timer = 0;
    trip.movedAt = Date.now();
    if (!this.isPaused) trip.start();
  }

  private readonly listener: Listener = {
    moved: (trip, item, sent) => {
      trip.movedAt = Date.now();
      this.moved(item, sent);
    },
    arrived: (_trip, item) => {
      this.moved(item, item.file.size);
      this.active.delete(item);
      item.state = "sent";
      item.trip = null;
      this.totals.doneFiles += 1;
    },
    refused: (trip, item, status, sentence) => {
      if (isPassing(status) || HALTS.has(status)) return;
      trip.items = trip.items.filter((each) => each !== item);
      this.moved(item, 0);
      this.fail(item, sentence || this.words.refused(status));
    },
    ended: (trip, status, sentence) => void this.ended(trip, status, sentence),
  };

  private moved(item: Item, sent: number): void {
    const isFirst = item.sent === 0;
    if (isFirst && item.address && sent > 0) item.resumed = true;
    this.totals.doneBytes += sent - item.sent;
    // What an earlier visit sent is no speed of this one.
    if (isFirst && item.resumed) this.totals.skippedBytes += sent;
    item.sent = sent;
    this.events.changed();
  }

  private async ended(trip: Trip, status: number, sentence: string): Promise<void> {
    if (trip.items.length) {
      if (this.isPaused) return;
      if (status === 0) await this.leaveUnreadable(trip);
    }
    const halt = HALTS.get(status);
    if (!trip.items.length) {
      this.over(trip);
    } else if (halt) {
      this.pause();
      this.events.halted(halt, sentence);
    } else if (isPassing(status)) {
      const pause = PAUSES[Math.min(trip.attempts++, PAUSES.length - 1)];
      trip.timer = window.setTimeout(() => this.restart(trip), pause);
      this.events.changed();
    } else {
      this.refuse(trip, sentence || this.words.refused(status));
      this.over(trip);
    }
  }

  private over(trip: Trip): void {
    this.trips.delete(trip);
    this.pump();
  }

  /** A refused file failed; of a refused parcel each file gets a try of its own. */
  private refuse(trip: Trip, note: string): void {
    const isParcel = trip instanceof Together;
    for (const item of trip.items) {
      if (!isParcel) this.fail(item, note);
      else {
        this.moved(item, 0);
        this.active.delete(item);
        Object.assign(item, { state: "waiting", trip: null, isLone: true });
        this.next = 0; // what is not waiting is passed over
      }
    }
  }

  /** A disc taken out looks like a broken network: the files that cannot be read any more are not tried again. */
  private async leaveUnreadable(trip: Trip): Promise<void> {
    for (const item of [...trip.items]) {
      if (await isReadable(item.file)) continue;
      trip.items = trip.items.filter((each) => each !== item);
      this.fail(item, this.words.unreadable);
    }
  }

  /** Files that wait for the network or the server to come back. */
  get waiting(): number {
    return [...this.active].filter((item) => item.trip?.isHeld).length;
  }

  /** The network is there again: do not sit out the pauses. */
  private hurry(): void {
    for (const trip of this.trips) if (trip.timer) this.restart(trip);
  }

  /** A connection that died in the computer's sleep never says so. */
  private restartStalled(): void {
    if (this.isPaused) return;
    for (const trip of this.trips) {
      if (trip.timer || Date.now() - trip.movedAt < STALLED) continue;
      trip.movedAt = Date.now();
      void trip.abort().then(() => this.restart(trip));
    }
  }
}

/** Whether the file is still there. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
