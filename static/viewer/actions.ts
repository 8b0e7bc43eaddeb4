/** Every action by name (buttons carry it as `data-act`), and the keys that call them. */
import { belongsToField, lettersAllowed } from "../pages/keys";
import { CHOICES, type Choice } from "./tools";
import type { Viewer } from "./viewer";

export type Actions = Record<string, () => unknown>;

/** The actions of a viewer; `leave` goes back to where the reader came from. */
export function actionsOf(viewer: Viewer, leave: () => void): Actions {
  const picture = (action: Parameters<Viewer["withPicture"]>[0]) => () => viewer.withPicture(action);
  return {
    ...Object.fromEntries(CHOICES.map((choice: Choice) => [`tool-${choice}`, () => viewer.choose(choice)])),
    next: () => viewer.step(1),
    previous: () => viewer.step(-1),
    first: () => viewer.first(),
    last: () => viewer.last(),
    "next-series": () => viewer.turnSeries(1),
    "previous-series": () => viewer.turnSeries(-1),
    "zoom-in": picture((port) => port.zoomBy(1.25)),
    "zoom-out": picture((port) => port.zoomBy(0.8)),
    fit: picture((port) => port.fit()),
    "rotate-right": picture((port) => port.rotateBy(90)),
    "rotate-left": picture((port) => port.rotateBy(-90)),
    "flip-horizontal": picture((port) => port.flip("horizontal")),
    "flip-vertical": picture((port) => port.flip("vertical")),
    invert: picture((port) => port.invert()),
    reset: picture((port) => port.reset()),
    cine: () => viewer.toggleCine(),
    retry: () => viewer.retry(),
    undo: () => viewer.undo(),
    redo: () => viewer.redo(),
    "remove-mark": () => viewer.removeMark(),
    others: () => viewer.toggleOthers(),
    "key-image": () => viewer.toggleKeyImage(),
    "next-key-image": () => viewer.nextKeyImage(),
    link: () => viewer.toggleLink(),
    lines: () => viewer.toggleLines(),
    prior: () => viewer.togglePrior(),
    layout: () => viewer.cycleLayout(),
    "next-study": () => viewer.turnStudy(1),
    "previous-study": () => viewer.turnStudy(-1),
    // Escape first leaves a mark that is half drawn.
    escape: () => viewer.cancelMark() || leave(),
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`preset-${n}`, () => viewer.usePreset(n - 1)])),
  };
}

const KEYS: Record<string, string> = {
  ArrowDown: "next",
  ArrowRight: "next",
  ArrowUp: "previous",
  ArrowLeft: "previous",
  Home: "first",
  End: "last",
  PageDown: "next-series",
  PageUp: "previous-series",
  Escape: "escape",
  Backspace: "remove-mark",
  Delete: "remove-mark",
  " ": "reset",
};

/** With Ctrl or ⌘: what every editor does with them. */
const CONTROLLED: Record<string, string> = { z: "undo", y: "redo", Z: "redo" };

/** Single characters: off when the reader turned letters off. */
const LETTERS: Record<string, string> = {
  s: "tool-scroll", w: "tool-window", m: "tool-pan", z: "tool-zoom",
  "+": "zoom-in", "-": "zoom-out", "=": "fit",
  r: "rotate-right", l: "rotate-left", h: "flip-horizontal", v: "flip-vertical",
  i: "invert", c: "cine",
  t: "tool-length", a: "tool-angle", b: "tool-cobb", e: "tool-ellipse", q: "tool-rectangle", x: "tool-probe", f: "tool-arrow", y: "tool-text", u: "tool-magnify",
  k: "key-image", K: "next-key-image", d: "prior", o: "others", j: "link", L: "layout", R: "lines",
  n: "next-study", p: "previous-study",
  1: "preset-1", 2: "preset-2", 3: "preset-3", 4: "preset-4", 5: "preset-5",
};

/** Digits by their place on the keyboard too: on a French one they are reached with Shift. */
function named(event: KeyboardEvent): string | undefined {
  const fixed = KEYS[event.key];
  if (fixed || !lettersAllowed()) return fixed;
  return LETTERS[event.key] ?? LETTERS[/^Digit([1-5])$/.exec(event.code)?.[1] ?? ""];
}

/** Bind the keys. Space on a button presses the button, everywhere else it resets the view. */
export function bindKeys(actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    const controlled = (event.ctrlKey || event.metaKey) && !event.altKey ? CONTROLLED[event.key] : undefined;
    const inField = Boolean((event.target as Element).closest("input, select, textarea, dialog[open]"));
    if (!(controlled && !inField) && belongsToField(event)) return;
    if (event.key === "Escape" && document.querySelector(":popover-open")) return; // it closes that
    const onButton = Boolean((event.target as Element).closest("button, a"));
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    const name = controlled ?? named(event);
    const action = name ? actions[name] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
