/**
 * The ways to the server. A large file travels alone, by tus, and goes on where it stopped. Small files travel together, for
 * a request for each costs more than a small file does; what was not answered is sent once more, and the server knows it by
 * its fingerprint.
 */
import { Upload, type DetailedError } from "tus-js-client";
import { addressOf, marks } from "./server";
import type { Item } from "./transfer";

/** Files up to here go in one request with their creation; bytes. */
export const SMALL = 8 * 1024 * 1024;
const PIECE = 32 * 1024 * 1024;
const PARCEL = "application/x-negatoscope-parcel";
const CREATED = 201;

/** What happens on the way. `status` is that of HTTP, 0 without an answer; `sentence` the server's own. */
export interface Listener {
  moved: (trip: Trip, item: Item, sent: number) => void;
  arrived: (trip: Trip, item: Item) => void;
  refused: (trip: Trip, item: Item, status: number, sentence: string) => void;
  /** Nothing more comes of this attempt: `trip.items` are those that are not settled. */
  ended: (trip: Trip, status: number, sentence: string) => void;
}

/** Files on their way in one request. */
export abstract class Trip {
  attempts = 0;
  movedAt = Date.now();
  timer = 0;

  constructor(
    public items: Item[],
    protected readonly listener: Listener,
  ) {}

  abstract start(): void;
  abstract abort(): Promise<void>;

  /** Where the server has the file, as far as it is known. */
  get address(): string | null {
    return null;
  }

  /** Whether it waits for the network or the server to come back. */
  get isHeld(): boolean {
    return this.timer !== 0 && this.attempts > 1;
  }
}

/** One file by tus. */
export class Alone extends Trip {
  private readonly upload: Upload;

  constructor(item: Item, listener: Listener, endpoint: string, delivery: string) {
    super([item], listener);
    const isSmall = item.file.size <= SMALL;
    this.upload = new Upload(item.file, {
      endpoint,
      uploadUrl: item.address,
      chunkSize: isSmall ? SMALL : PIECE,
      uploadDataDuringCreation: isSmall,
      storeFingerprintForResuming: false, // the server remembers; this computer is shared
      retryDelays: null, // we know better when it is worth while
      metadata: { import: delivery, relativePath: item.path, fingerprint: item.print },
      onBeforeRequest: (request) => Object.entries(marks()).forEach(([name, value]) => request.setHeader(name, value)),
      onProgress: (sent) => listener.moved(this, item, sent),
      onSuccess: () => {
        this.items = [];
        listener.arrived(this, item);
        listener.ended(this, CREATED, "");
      },
      onError: (error) => this.failed(error),
    });
  }

  override get address(): string | null {
    return this.upload.url;
  }

  start(): void {
    this.upload.start();
  }

  abort(): Promise<void> {
    return this.upload.abort();
  }

  private failed(error: Error | DetailedError): void {
    const answer = "originalResponse" in error ? error.originalResponse : null;
    const isText = answer?.getHeader("Content-Type")?.startsWith("text/plain") ?? false;
    this.listener.ended(this, answer?.getStatus() ?? 0, isText ? (answer?.getBody() ?? "") : "");
  }
}

/** Small files in one body: the length of a list, the list, and the bytes of each, which the browser reads as it sends them. */
export class Together extends Trip {
  private request: XMLHttpRequest | null = null;

  constructor(
    items: Item[],
    listener: Listener,
    private readonly delivery: string,
  ) {
    super(items, listener);
  }

  start(): void {
    void this.abort();
    const sent = [...this.items];
    const list = new TextEncoder().encode(JSON.stringify(sent.map(({ path, file, print }) => [path, file.size, print])));
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, list.length);
    const request = new XMLHttpRequest(); // fetch does not say how far it has come
    this.request = request;
    request.open("POST", addressOf(this.delivery, "files"));
    for (const [name, value] of Object.entries(marks())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", PARCEL);
    request.upload.onprogress = ({ loaded }) => this.moved(sent, loaded - 4 - list.length);
    request.onload = () => this.answered(sent, request);
    request.onerror = () => this.listener.ended(this, 0, "");
    request.send(new Blob([length.buffer, list, ...sent.map(({ file }) => file)]));
  }

  abort(): Promise<void> {
    const { request } = this;
    this.request = null;
    if (request) {
      request.upload.onprogress = request.onload = request.onerror = null;
      request.abort();
    }
    return Promise.resolve();
  }

  /** The files go one after the other: share out the bytes that went. */
  private moved(sent: Item[], bytes: number): void {
    for (const item of sent) {
      const part = Math.min(Math.max(bytes, 0), item.file.size);
      if (part !== item.sent) this.listener.moved(this, item, part);
      bytes -= item.file.size;
    }
  }

  private answered(sent: Item[], request: XMLHttpRequest): void {
    this.request = null;
    const answers = request.status === 200 ? answersOf(request.responseText, sent.length) : null;
    if (!answers) {
      const isText = request.getResponseHeader("Content-Type")?.startsWith("text/plain") ?? false;
      // Success without its words: somebody in between answered. What was kept is known when it comes again.
      this.listener.ended(this, request.status === 200 ? 0 : request.status, isText ? request.responseText : "");
      return;
    }
    let last = CREATED;
    let words = "";
    sent.forEach((item, place) => {
      const [, status, sentence] = answers[place] ?? [null, 0, ""];
      if (status === CREATED) {
        this.items = this.items.filter((each) => each !== item);
        this.listener.arrived(this, item);
      } else {
        this.listener.refused(this, item, status, sentence);
        if (this.items.includes(item)) [last, words] = [status, sentence];
      }
    });
    this.listener.ended(this, last, words);
  }
}

type Answer = [id: string | null, status: number, sentence: string];

function answersOf(text: string, count: number): Answer[] | null {
  try {
    const { files } = JSON.parse(text) as { files: Answer[] };
    return files.length === count ? files : null;
  } catch {
    return null;
  }
}
