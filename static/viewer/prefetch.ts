/**
 * Load the rest of a stack while the reader looks: nearest slices first, few at a time, so that the slice asked for now
 * never waits behind them (the browser opens six connections to one host).
 */
import { cache, imageLoader } from "@cornerstonejs/core";

const AT_ONCE = 4;
/** A busy server (503, 429) is asked again after this, at most so often. */
const LATER_MS = 3_000;
const TRIES = 4;
/** An image that cannot be decoded may stay pending for ever (seen with broken fragments): after this it counts as failed. */
const GIVE_UP_MS = 45_000;

export class Prefetch {
  private waiting: string[] = [];
  private running = 0;
  private stopped = false;
  /** The session has ended: nothing comes until it is back. */
  private signedOut = false;
  private readonly tries = new Map<string, number>();
  readonly failed = new Set<string>();

  /** `onProgress` is told how many of the stack's images are loaded or have failed. */
  constructor(
    private readonly imageIds: string[],
    private readonly onProgress: (settled: number, failed: number) => void,
    /** Whether there is memory for one more; without it the rest comes when it is asked for. */
    private readonly hasRoom: () => boolean,
  ) {}

  /** Put the images around `index` first and (re)start. */
  around(index: number): void {
    const order = this.imageIds.map((imageId, at) => ({ imageId, away: Math.abs(at - index) * 2 + (at < index ? 1 : 0) }));
    this.waiting = order
      .filter(({ imageId }) => !cache.isLoaded(imageId) && !this.failed.has(imageId))
      .sort((a, b) => a.away - b.away)
      .map(({ imageId }) => imageId);
    this.report();
    this.pump();
  }

  /** Whether one more may be requested: a loop that requests must stop when none may. */
  private get mayLoad(): boolean {
    return !this.stopped && !this.signedOut && this.running < AT_ONCE && this.waiting.length > 0 && this.hasRoom();
  }

  private pump(): void {
    while (this.mayLoad) void this.next();
  }

  signedIn(): void {
    this.signedOut = false;
    this.pump();
  }

  /** Forget a failure, so that the image may be asked for again. */
  forgive(imageId: string): void {
    this.failed.delete(imageId);
    if (cache.getImageLoadObject(imageId)) cache.removeImageLoadObject(imageId, { force: true });
  }

  /** Note a failure seen elsewhere. */
  blame(imageId: string): void {
    if (!this.imageIds.includes(imageId)) return;
    this.failed.add(imageId);
    this.report();
  }

  stop(): void {
    this.stopped = true;
    this.waiting = [];
  }

  /** The image came after all. */
  praise(imageId: string): void {
    if (this.failed.delete(imageId)) this.report();
  }

  private refused(imageId: string, status: number | undefined): void {
    if (status === 401) {
      this.signedOut = true;
      this.waiting.unshift(imageId);
      return;
    }
    const tries = (this.tries.get(imageId) ?? 0) + 1;
    this.tries.set(imageId, tries);
    if ((status !== 503 && status !== 429) || tries >= TRIES) {
      this.failed.add(imageId);
      return;
    }
    window.setTimeout(() => {
      if (this.stopped) return;
      this.waiting.push(imageId);
      this.pump();
    }, LATER_MS * tries);
  }

  private report(): void {
    if (this.stopped) return;
    const loaded = this.imageIds.filter((imageId) => cache.isLoaded(imageId)).length;
    this.onProgress(loaded + this.failed.size, this.failed.size);
  }

  private async next(): Promise<void> {
    const imageId = this.waiting.shift();
    if (!imageId) return;
    this.running += 1;
    let timer = 0;
    const tooLong = new Promise<never>((_resolve, reject) => {
      timer = window.setTimeout(() => reject(new Error("timeout")), GIVE_UP_MS);
    });
    try {
      await Promise.race([imageLoader.loadAndCacheImage(imageId), tooLong]);
    } catch (error) {
      this.refused(imageId, (error as { status?: number } | undefined)?.status);
    } finally {
      window.clearTimeout(timer);
      this.running -= 1;
      this.report();
      this.pump();
    }
  }
}
