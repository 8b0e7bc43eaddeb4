/**
 * The strip of an emergency access: how long it lasts, and what happens when it is over. The doors close by themselves on
 * the server; a page that shows the patient is then asked for once more, and goes to where it is said what happened when it
 * is no longer the reader's to see.
 */
const MINUTE = 60_000;

function left(strip: HTMLElement): number {
  return Date.parse(strip.dataset["until"] ?? "") - Date.now();
}

function words(strip: HTMLElement, ms: number): string {
  if (ms < MINUTE) return strip.dataset["seconds"] ?? "";
  const count = Math.floor(ms / MINUTE);
  return (strip.dataset[count === 1 ? "one" : "many"] ?? "").replace("{count}", String(count));
}

async function over(strip: HTMLElement): Promise<void> {
  const page = strip.dataset["page"] ?? "/";
  strip.remove();
  if (strip.dataset["isOfPage"] !== "yes") return;
  const answer = await fetch(window.location.href, { headers: { "X-Requested-With": "fetch" }, cache: "no-store" }).catch(() => null);
  if (answer === null || !answer.ok) window.location.replace(page);
}

function tick(): void {
  document.querySelectorAll<HTMLElement>("[data-emergency]").forEach((strip) => {
    const ms = left(strip);
    if (ms <= 0) {
      void over(strip);
      return;
    }
    const place = strip.querySelector("[data-left]");
    const text = `, ${words(strip, ms)}`;
    if (place && place.textContent !== text) place.textContent = text;
  });
}

if (document.querySelector("[data-emergency]")) {
  tick();
  window.setInterval(tick, 1000);
  // A page out of the browser's cache may show what is over.
  window.addEventListener("pageshow", tick);
}
