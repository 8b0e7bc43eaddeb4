/**
 * The files on their way: six at a time by tus, small ones in one request each. What fails for the moment is tried again for
 * as long as the page is open; what is refused says why and waits for a person.
 */
import { Upload, type DetailedError } from "tus-js-client";
import type { Chosen } from "./entries";
import { csrf } from "./server";

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
  upload: Upload | null;
  attempts: number;
  movedAt: number;
  timer: number;
}

/** Why everything stands still: shown once, not for each file. */
export type Halt = "signed-out" | "no-room" | "closed" | "forbidden";

interface Events {
  changed: () => void;
  halted: (why: Halt, sentence: string) => void;
  emptied: () => void;
}

const PARALLEL = 6; // what a browser opens to one server over HTTP/1.1
/** Files up to here go in one request with their creation; bytes. */
export const SMALL = 8 * 1024 * 1024;
const PIECE = 32 * 1024 * 1024;
const PAUSES = [500, 1000, 2000, 5000, 10_000, 20_000, 30_000];
const STALLED = 60_000;
const HALTS = new Map<number, Halt>([[401, "signed-out"], [403, "forbidden"], [410, "closed"], [507, "no-room"]]);

export class Transfer {
  readonly items: Item[] = [];
  readonly totals = { files: 0, bytes: 0, doneFiles: 0, doneBytes: 0, skippedBytes: 0, failed: 0, skipped: 0 };
  readonly active = new Set<Item>();
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
      ...chosen, print, state: "waiting", sent: 0, note: "", resumed: false, attempts: 0, movedAt: 0, timer: 0, upload: null,
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
    item.address = item.upload?.url ?? item.address;
    item.upload = null;
    this.events.changed();
  }

  /** Begin with as many as may be on their way at once. */
  pump(): void {
    while (!this.isPaused && this.active.size < PARALLEL && this.next < this.items.length) {
      const item = this.items[this.next++];
      if (item?.state === "waiting") this.start(item);
    }
    if (!this.active.size && this.next >= this.items.length && !this.isPaused) this.events.emptied();
    this.events.changed();
  }

  pause(): void {
    this.isPaused = true;
    for (const item of this.active) {
      window.clearTimeout(item.timer);
      void item.upload?.abort();
    }
    this.events.changed();
  }

  resume(): void {
    this.isPaused = false;
    for (const item of this.active) this.restart(item);
    this.pump();
  }

  /** Try the failed ones once more. */
  again(): void {
    for (const item of this.items) {
      if (item.state !== "failed") continue;
      item.state = "waiting";
      item.note = "";
      item.attempts = 0;
      this.totals.failed -= 1;
    }
    this.next = 0; // what is not waiting is passed over
    this.resume();
  }

  private start(item: Item): void {
    item.state = "sending";
    item.movedAt = Date.now();
    this.active.add(item);
    const isSmall = item.file.size <= SMALL;
    item.upload = new Upload(item.file, {
      endpoint: this.endpoint,
      uploadUrl: item.address,
      chunkSize: isSmall ? SMALL : PIECE,
      uploadDataDuringCreation: isSmall,
      storeFingerprintForResuming: false, // the server remembers; this computer is shared
      retryDelays: null, // we know better when it is worth while, see `failed`
      metadata: { import: this.delivery, relativePath: item.path, fingerprint: item.print },
      onBeforeRequest: (request) => request.setHeader("X-CSRFToken", csrf()),
      onProgress: (sent) => this.moved(item, sent),
      onSuccess: () => this.sent(item),
      onError: (error) => void this.failed(item, error),
    });
    item.upload.start();
  }

  private restart(item: Item): void {
    window.clearTimeout(item.timer);
    item.timer = 0;
    item.movedAt = Date.now();
    if (!this.isPaused) item.upload?.start();
  }

  private moved(item: Item, sent: number): void {
    const isFirst = item.sent === 0;
    if (isFirst && item.address && sent > 0) item.resumed = true;
    this.totals.doneBytes += sent - item.sent;
    // What an earlier visit sent is no speed of this one.
    if (isFirst && item.resumed) this.totals.skippedBytes += sent;
    item.sent = sent;
    item.movedAt = Date.now();
    this.events.changed();
  }

  private sent(item: Item): void {
    this.moved(item, item.file.size);
    this.active.delete(item);
    item.state = "sent";
    item.upload = null;
    this.totals.doneFiles += 1;
    this.pump();
  }

  private async failed(item: Item, error: Error | DetailedError): Promise<void> {
    if (this.isPaused) return;
    const answer = "originalResponse" in error ? error.originalResponse : null;
    const status = answer?.getStatus() ?? 0;
    const isText = answer?.getHeader("Content-Type")?.startsWith("text/plain") ?? false;
    const sentence = isText ? (answer?.getBody() ?? "") : "";
    const halt = HALTS.get(status);
    if (halt) {
      this.pause();
      this.events.halted(halt, sentence);
    } else if (status === 0 && !(await isReadable(item.file))) {
      this.fail(item, this.words.unreadable);
      this.pump();
    } else if (status === 0 || status === 408 || status === 409 || status === 423 || status === 429 || status >= 500) {
      const pause = PAUSES[Math.min(item.attempts++, PAUSES.length - 1)];
      item.timer = window.setTimeout(() => this.restart(item), pause);
      this.events.changed();
    } else {
      this.fail(item, sentence || this.words.refused(status));
      this.pump();
    }
  }

  /** Files that wait for the network or the server to come back. */
  get waiting(): number {
    return [...this.active].filter((item) => item.timer !== 0 && item.attempts > 1).length;
  }

  /** The network is there again: do not sit out the pauses. */
  private hurry(): void {
    for (const item of this.active) if (item.timer) this.restart(item);
  }

  /** A connection that died in the computer's sleep never says so. */
  private restartStalled(): void {
    if (this.isPaused) return;
    for (const item of this.active) {
      if (item.timer || Date.now() - item.movedAt < STALLED) continue;
      item.movedAt = Date.now();
      void item.upload?.abort().then(() => this.restart(item));
    }
  }
}

/** Whether the file is still there: a disc taken out looks like a broken network. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
