/** Puts marks on the server one after another. What cannot be saved now is kept and tried again; the reader sees which it is. */
import { RequestFailed } from "./manifest";

export type SavingState = "saved" | "saving" | "offline" | "signed_out" | "refused";

/** What is to be done about one mark or flag: the newest wish replaces an older one. `send` raises `RequestFailed`. */
export interface Wish {
  send: () => Promise<void>;
}

const AFTER_MS = 400; // a hand that goes on drawing is not interrupted
const AGAIN_MS = [2_000, 5_000, 10_000, 20_000];

export class Saving {
  private readonly waiting = new Map<string, Wish>();
  private timer = 0;
  private busy = false;
  private isBack = false;
  private tries = 0;
  /** Changes with every wish and every answer: what was asked of the server in between may be older than what is here. */
  epoch = 0;

  /** `keeps` is false for who looks by a link: they measure, and nothing of it is kept. */
  constructor(
    private readonly onState: (state: SavingState, message: string) => void,
    private readonly keeps: boolean,
  ) {
    window.addEventListener("online", () => this.waiting.size && this.retry());
    // Coming back from the sign-in page in another window.
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) void this.run();
      else if (this.waiting.size) this.retry();
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.waiting.size && !this.busy) return;
      void this.run();
      event.preventDefault(); // the browser asks whether to leave
    });
  }

  has(key: string): boolean {
    return this.waiting.has(key);
  }

  get pending(): number {
    return this.waiting.size;
  }

  /** The session or the network is back. */
  retry(): void {
    this.tries = 0;
    this.isBack = this.busy; // what is under way was sent before that: should it fail, it is tried again at once
    if (this.waiting.size) this.soon(0);
    else this.onState("saved", "");
  }

  want(key: string, wish: Wish): void {
    if (!this.keeps) return;
    this.epoch += 1;
    this.waiting.delete(key);
    this.waiting.set(key, wish);
    this.onState("saving", "");
    this.soon(AFTER_MS);
  }

  /** Save what waits before the page goes; what cannot be saved the browser asks about. */
  async now(): Promise<void> {
    if (this.waiting.size) await this.run();
  }

  private soon(after: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.run(), after);
  }

  private async run(): Promise<void> {
    if (this.busy) return;
    window.clearTimeout(this.timer);
    this.busy = true;
    this.isBack = false;
    let refused = "";
    try {
      for (const [key, wish] of [...this.waiting]) {
        try {
          await wish.send();
        } catch (error) {
          // A wish that the server will never grant is said once and let go; the mark stays on the screen.
          if (!(error instanceof RequestFailed) || !error.isFinal) throw error;
          refused = error.reason;
        }
        this.epoch += 1;
        if (this.waiting.get(key) === wish) this.waiting.delete(key);
        this.tries = 0;
      }
      if (refused) this.onState("refused", refused);
      else if (!this.waiting.size) this.onState("saved", "");
    } catch (error) {
      this.later(error);
      return;
    } finally {
      this.busy = false;
    }
    if (this.waiting.size) this.soon(AFTER_MS);
  }

  private later(error: unknown): void {
    const signedOut = error instanceof RequestFailed && error.status === 401;
    this.onState(signedOut ? "signed_out" : "offline", "");
    this.soon(this.isBack ? 0 : (AGAIN_MS[Math.min(this.tries, AGAIN_MS.length - 1)] ?? 20_000));
    this.tries += 1;
    if (!(error instanceof RequestFailed)) console.error(error);
  }
}
