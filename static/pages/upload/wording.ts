/** Amounts in words, as the reader's language writes them. */
import { number, say } from "../../viewer/words";

const reader = document.documentElement.lang || "en";
const plural = new Intl.PluralRules(reader);
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

function unitOf(bytes: number): number {
  return bytes < 1 ? 0 : Math.min(Math.floor(Math.log(bytes) / Math.log(1024)), UNITS.length - 1);
}

/** A number of bytes: "1.9 GB", in French "1,9 Go". */
export function size(bytes: number, unit = unitOf(bytes)): string {
  const value = bytes / 1024 ** unit;
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return new Intl.NumberFormat(reader, { style: "unit", unit: UNITS[unit] ?? "byte", maximumFractionDigits: digits }).format(value);
}

/** One of two texts by number: `key_one` or `key_other`. */
export function count(key: string, n: number, values: Record<string, string | number> = {}): string {
  return say(`${key}_${plural.select(n) === "one" ? "one" : "other"}`, { n: number(n), ...values });
}

/** "about 40 s left": rounded, so that it does not flicker. */
export function timeLeft(seconds: number): string {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 5) return say("left_moment");
  if (seconds < 60) return say("left_seconds", { n: number(Math.ceil(seconds / 5) * 5) });
  if (seconds < 3600) return say("left_minutes", { n: number(Math.ceil(seconds / 60)) });
  return say("left_hours", { n: number(Math.ceil(seconds / 360) / 10, 1) });
}

/** Bytes per second over the last ten seconds. */
export class Rate {
  private readonly samples: [number, number][] = [];

  add(bytes: number, now = performance.now()): void {
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && now - (this.samples[0]?.[0] ?? now) > 10_000) this.samples.shift();
  }

  reset(): void {
    this.samples.length = 0;
  }

  get perSecond(): number {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last[0] - first[0] < 500) return 0;
    return Math.max(0, ((last[1] - first[1]) / (last[0] - first[0])) * 1000);
  }
}
