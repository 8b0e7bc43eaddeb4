/** The tools' row, the slider and the foot: they show the state and pass on what is asked; nothing is decided here. */
import type { Preset } from "./presets";
import { make, part } from "./page";

export interface ToolbarEvents {
  act: (action: string) => void;
  usePreset: (index: number) => void;
  setWindow: (width: number, center: number) => void;
  changeRate: () => void;
  chooseLayout: (layout: string) => void;
}

export class Toolbar {
  private readonly width = part<HTMLInputElement>("window-width");
  private readonly center = part<HTMLInputElement>("window-center");
  private readonly fps = part<HTMLInputElement>("rate");
  private readonly layouts = part<HTMLSelectElement>("layout-choice");
  private shownPresets = "";

  constructor(private readonly events: ToolbarEvents) {
    document.addEventListener("click", (event) => {
      const button = (event.target as Element).closest<HTMLElement>("[data-act]");
      if (button) events.act(button.dataset["act"] ?? "");
    });
    for (const field of [this.width, this.center]) {
      field.addEventListener("change", () => {
        if (this.width.validity.valid && this.center.validity.valid) events.setWindow(this.width.valueAsNumber, this.center.valueAsNumber);
      });
    }
    this.fps.addEventListener("change", () => events.changeRate());
    this.layouts.addEventListener("change", () => {
      events.chooseLayout(this.layouts.value);
      this.layouts.blur(); // the keys belong to the picture again
    });
    this.arrowsBetweenButtons();
  }

  /** A toolbar is one stop of the Tab key; the arrows go along it (ARIA toolbar pattern). */
  private arrowsBetweenButtons(): void {
    const bar = part("toolbar");
    bar.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!step || !(event.target instanceof HTMLButtonElement)) return;
      const buttons = [...bar.querySelectorAll<HTMLButtonElement>("button:not([hidden], :disabled)")];
      buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length]?.focus();
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Show which button is on. */
  pressed(action: string, on: boolean): void {
    document.querySelectorAll(`[data-act="${action}"][aria-pressed]`).forEach((button) => button.setAttribute("aria-pressed", String(on)));
  }

  /** Offer what only a stack of several slides needs. */
  stack(count: number): void {
    document.querySelectorAll<HTMLElement>("[data-needs-stack]").forEach((element) => (element.hidden = count < 2));
    part("loading").hidden = true;
  }

  layout(layout: string): void {
    this.layouts.value = layout;
  }

  /** Say that an action can do something now, or nothing. */
  enabled(action: string, on: boolean): void {
    document.querySelectorAll<HTMLButtonElement>(`button[data-act="${action}"]`).forEach((button) => (button.disabled = !on));
  }

  /** Show the window in its fields, unless somebody types in them. */
  window(width: number | null, center: number | null): void {
    for (const [field, value] of [[this.width, width], [this.center, center]] as const) {
      field.disabled = value === null;
      if (value !== null && document.activeElement !== field) field.value = String(Math.round(value));
    }
  }

  /** Show the presets, the chosen one pressed. Rebuilt only when they change, so that the focus stays. */
  presets(presets: Preset[], chosen: string): void {
    const group = part("presets");
    const names = presets.map((preset) => preset.name).join("|");
    if (names !== this.shownPresets) {
      this.shownPresets = names;
      group.replaceChildren(
        ...presets.map((preset, index) => {
          const button = make("button", "btn");
          button.type = "button";
          const key = make("sup", "", String(index + 1));
          key.setAttribute("aria-hidden", "true");
          button.append(key, preset.name);
          button.addEventListener("click", () => this.events.usePreset(index));
          return button;
        }),
      );
    }
    [...group.children].forEach((button, index) => button.setAttribute("aria-pressed", String(presets[index]?.name === chosen)));
  }

  rate(framesPerSecond: number): void {
    this.fps.value = String(framesPerSecond);
  }

  chosenRate(): number {
    const rate = this.fps.valueAsNumber;
    return Number.isFinite(rate) ? Math.min(60, Math.max(1, rate)) : 12;
  }

  /** How much of the series is there, in the foot; gone when all is. */
  loading(settled: number, total: number, label: string, trouble: string): void {
    const line = part("loading");
    const bar = part<HTMLProgressElement>("loading-bar");
    bar.max = total;
    bar.value = settled;
    bar.setAttribute("aria-label", label);
    part("loading-text").textContent = [label, trouble].filter(Boolean).join(" · ");
    line.hidden = (settled >= total && !trouble) || total < 2;
    bar.hidden = settled >= total;
  }
}
