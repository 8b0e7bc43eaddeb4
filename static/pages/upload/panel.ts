/** The panel above the rows: how much of how much, how fast, how long yet; and what a screen reader is told, now and then. */
import { number, say } from "../../viewer/words";
import type { Transfer } from "./transfer";
import { count, Rate, size, timeLeft } from "./wording";

/** Parts of the whole after which a screen reader hears how far it is. */
const HEARD = [0.25, 0.5, 0.75];

export function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}.`);
  return found as T;
}

export class Panel {
  private readonly rate = new Rate();
  private heard = 0;

  show(title: string): void {
    element("sending-title").textContent = title || say("title_sending");
    element("sending").hidden = false;
    this.say(say("heard_begun"));
  }

  /** Tell a screen reader, and nobody else. */
  say(text: string): void {
    element("heard").textContent = text;
  }

  draw(transfer: Transfer): void {
    const { files, bytes, doneFiles, doneBytes, skippedBytes, failed, skipped } = transfer.totals;
    const isOver = doneFiles + failed === files;
    this.rate.add(doneBytes - skippedBytes);
    element("total-files").textContent = count("files_of", files, { done: number(doneFiles), total: number(files) });
    element("total-bytes").textContent = say("bytes_of", { done: size(doneBytes), total: size(bytes) });
    const bar = element<HTMLProgressElement>("total-bar");
    bar.max = Math.max(bytes, 1);
    bar.value = doneBytes;
    const speed = this.rate.perSecond;
    const isMoving = speed > 0 && !transfer.isPaused && !isOver;
    element("total-rate").textContent = isMoving
      ? `${say("speed", { size: size(speed) })}, ${timeLeft((bytes - doneBytes) / speed)}`
      : "";
    element("pause").hidden = isOver && !transfer.isPaused;
    if (transfer.isPaused) this.rate.reset();
    const held = transfer.waiting;
    const state = transfer.isPaused ? "tag_paused" : held ? "tag_held" : isOver ? (failed ? "tag_failed" : "tag_done") : "tag_sending";
    const tag = element("sending-state");
    tag.textContent = say(state);
    tag.className = `tag ${state === "tag_failed" ? "tag-critical" : state === "tag_done" ? "tag-ok" : state === "tag_sending" ? "tag-accent" : "tag-warn"}`;
    element("summary").textContent = [
      count("sum_sent", doneFiles - skipped),
      ...(skipped ? [count("sum_skipped", skipped)] : []),
      ...(failed ? [count("sum_failed", failed)] : []),
    ].join(", ");
    this.tell(bytes ? doneBytes / bytes : 1, doneFiles, files);
  }

  private tell(part: number, done: number, total: number): void {
    const mark = HEARD.filter((each) => part >= each).length;
    if (mark <= this.heard) return;
    this.heard = mark;
    this.say(count("files_of", total, { done: number(done), total: number(total) }));
  }
}
