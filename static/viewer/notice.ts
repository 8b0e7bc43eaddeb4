/** What the reader should know about the page itself: are the marks saved, has the session ended, did images arrive? */
import { part } from "./page";
import type { SavingState } from "./saving";
import { say } from "./words";

export class Notice {
  private readonly saved = part("saved");
  private readonly savedText = part("saved-text");
  private readonly news = part("news");
  private readonly status = part("status");
  private saying = 0;
  private onNews: (() => void) | null = null;

  constructor() {
    part("news-act").addEventListener("click", () => {
      this.news.hidden = true;
      this.onNews?.();
    });
  }

  saving(state: SavingState, message: string): void {
    const words = {
      saved: () => say("marks_saved"),
      saving: () => say("marks_saving"),
      offline: () => say("marks_offline"),
      signed_out: () => say("marks_signed_out"),
      refused: () => say("marks_refused", { reason: message || say("reason_absent") }),
    }[state]();
    this.saved.hidden = false;
    this.saved.dataset["state"] = state;
    this.savedText.textContent = words;
  }

  /** One sentence, and what can be done about it; nothing on the screen moves until the reader asks. */
  tellNews(words: string, act: (() => void) | null): void {
    part("news-text").textContent = words;
    part("news-act").hidden = act === null;
    this.onNews = act;
    this.news.hidden = false;
  }

  /** Say something to a screen reader once the hand rests; the foot shows it at once. */
  tell(message: string): void {
    window.clearTimeout(this.saying);
    this.saying = window.setTimeout(() => (this.status.textContent = message), 250);
  }
}
