/** Every action by name (buttons carry it as `data-act`), and the keys that call them. */
import { belongsToField, lettersAllowed } from "../pages/keys";
import type { Choice } from "./engine";
import type { Viewer } from "./viewer";

export type Actions = Record<string, () => void>;

/** The actions of a viewer; `choose` sets the tool of the main button. */
export function actionsOf(viewer: Viewer, choose: (choice: Choice) => void, leave: () => void): Actions {
  const picture = (action: Parameters<Viewer["withPicture"]>[0]) => () => viewer.withPicture(action);
  return {
    "tool-scroll": () => choose("scroll"),
    "tool-window": () => choose("window"),
    "tool-pan": () => choose("pan"),
    "tool-zoom": () => choose("zoom"),
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
    leave,
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
  Escape: "leave",
  " ": "reset",
};

/** Single characters: off when the reader turned letters off. */
const LETTERS: Record<string, string> = {
  s: "tool-scroll", w: "tool-window", m: "tool-pan", z: "tool-zoom",
  "+": "zoom-in", "-": "zoom-out", "=": "fit",
  r: "rotate-right", l: "rotate-left", h: "flip-horizontal", v: "flip-vertical",
  i: "invert", c: "cine",
  1: "preset-1", 2: "preset-2", 3: "preset-3", 4: "preset-4", 5: "preset-5",
};

/** Bind the keys. Space on a button presses the button, everywhere else it resets the view. */
export function bindKeys(actions: Actions): void {
  document.addEventListener("keydown", (event) => {
    if (belongsToField(event)) return;
    const onButton = Boolean((event.target as Element).closest("button, a"));
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    const name = KEYS[event.key] ?? (lettersAllowed() ? LETTERS[event.key] : undefined);
    const action = name ? actions[name] : undefined;
    if (!action) return;
    event.preventDefault();
    action();
  });
}
