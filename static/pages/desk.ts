/**
 * The desks: lines that are ticked, letters that press buttons, pictures that blink and swap.
 *
 * `data-letter="r"` presses its button or follows its link by that key. `data-needs-ticked` acts on the ticked lines; with
 * none, on the line that is chosen. A picture (`data-drawn`) that cannot be drawn is replaced by the server's reason.
 */
import { belongsToField, lettersAllowed } from "./keys";

const ticks = (): HTMLInputElement[] => [...document.querySelectorAll<HTMLInputElement>("[data-tick]")];

/** Objects behind what is ticked: a line may stand for hundreds. */
function tickedCount(): number {
  const chosen = [...document.querySelectorAll<HTMLInputElement>("input[name=chosen], input[data-tick]")];
  const counted = chosen.filter((field) => field.type === "hidden" || field.checked);
  return counted.reduce((sum, field) => sum + Number(field.dataset["count"] ?? 1), 0);
}

function showCounts(): void {
  const count = tickedCount();
  const summary = document.querySelector<HTMLElement>("[data-ticked]");
  if (summary) summary.hidden = count === 0;
  document.querySelectorAll("[data-ticked-count], [data-dialog-count]").forEach((place) => {
    place.textContent = String(count);
  });
  document.querySelectorAll<HTMLElement>("[data-counted]").forEach((place) => {
    place.textContent = (place.dataset[count === 1 ? "one" : "many"] ?? "").replace("{count}", String(count));
  });
}

function tickChosenLine(): void {
  if (ticks().some((tick) => tick.checked)) return;
  const tick = document.querySelector<HTMLInputElement>("tr[aria-selected=true] [data-tick]");
  if (tick) tick.checked = true;
}

document.addEventListener("change", (event) => {
  const field = event.target as HTMLInputElement;
  if (field.matches("[data-tick-all]")) ticks().forEach((tick) => (tick.checked = field.checked));
  if (field.matches("[data-tick], [data-tick-all], input[name=chosen]")) showCounts();
  if (field.matches("[data-shows]")) {
    const shown = field.dataset["shows"];
    document.querySelectorAll<HTMLElement>("[data-shown]").forEach((part) => (part.hidden = part.id !== shown));
  }
});

document.addEventListener("reset", () => window.setTimeout(showCounts));

// Before the dialog opens (dialogs.ts listens later in the same phase): what is it about?
document.addEventListener(
  "click",
  (event) => {
    const button = (event.target as Element).closest("[data-needs-ticked]");
    if (!button) return;
    tickChosenLine();
    showCounts();
    if (tickedCount()) return;
    event.preventDefault();
    event.stopPropagation();
    document.querySelector<HTMLElement>("[data-rows] [data-tick]")?.focus();
  },
  true,
);

/** Fields of the dialogs that are closed belong to other decisions: they are not sent. */
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.id !== "desk") return;
  const idle = document.querySelectorAll<HTMLInputElement>("dialog:not([open]) [form=desk]:not(button)");
  idle.forEach((field) => (field.disabled = true));
  window.setTimeout(() => idle.forEach((field) => (field.disabled = false)));
});

/** Space ticks the line that is chosen. */
document.addEventListener("keydown", (event) => {
  if (belongsToField(event) || event.defaultPrevented) return;
  const tick = document.querySelector<HTMLInputElement>("tr[aria-selected=true]:not([data-preview]) [data-tick]");
  if (event.key === " " && tick && !(event.target as Element).closest("a, button, summary")) {
    event.preventDefault();
    tick.click();
    return;
  }
  if (!lettersAllowed() || !/^[a-z]$/.test(event.key)) return;
  const pressed = document.querySelector<HTMLElement>(`main [data-letter="${event.key}"]`);
  if (!pressed) return;
  event.preventDefault();
  pressed.click();
});

/** Blink: both pictures in one place, one after the other; a press shows the other one. Motion only when asked for. */
function blink(panel: HTMLElement, button: HTMLElement): void {
  if (!panel.classList.contains("is-blinking")) panel.classList.add("is-blinking");
  else if (!panel.classList.contains("is-second")) panel.classList.add("is-second");
  else panel.classList.remove("is-blinking", "is-second");
  button.setAttribute("aria-pressed", String(panel.classList.contains("is-blinking")));
}

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const panel = target.closest<HTMLElement>("[data-compare]");
  if (!panel) return;
  const button = target.closest<HTMLElement>("[data-blink]");
  if (button) blink(panel, button);
  if (target.closest("[data-swap]")) panel.classList.toggle("is-swapped");
});

async function sayWhy(picture: HTMLImageElement): Promise<void> {
  const answer = await fetch(picture.src, { credentials: "same-origin" });
  const plain = answer.headers.get("Content-Type")?.startsWith("text/plain");
  const reason = document.createElement("p");
  reason.className = "no-drawing";
  reason.textContent = plain ? await answer.text() : picture.alt;
  picture.replaceWith(reason);
}

document.addEventListener(
  "error",
  (event) => {
    const picture = event.target;
    if (picture instanceof HTMLImageElement && picture.matches("[data-drawn]")) void sayWhy(picture);
  },
  true,
);

// A picture may have failed before this module was there.
document.querySelectorAll<HTMLImageElement>("img[data-drawn]").forEach((picture) => {
  if (picture.complete && picture.naturalWidth === 0) void sayWhy(picture);
});
showCounts();
