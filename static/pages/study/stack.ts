/** A series as a stack: the wheel over the picture and Page Up / Page Down move the slider, which asks for the next picture. */
import { belongsToField } from "../keys";

/** Wheel of a touchpad comes in small steps: so much of it is one image. */
const ONE_IMAGE = 40;
let rolled = 0;

function move(steps: number): void {
  const slider = document.querySelector<HTMLInputElement>("#stack-image");
  if (!slider) return;
  const place = Math.min(Math.max(Number(slider.value) + steps, Number(slider.min)), Number(slider.max));
  if (place === Number(slider.value)) return;
  slider.value = String(place);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener(
  "wheel",
  (event) => {
    if (event.ctrlKey || !(event.target as Element).closest("[data-stack] .lightbox")) return;
    event.preventDefault();
    rolled += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : Math.sign(event.deltaY) * ONE_IMAGE;
    const steps = Math.trunc(rolled / ONE_IMAGE);
    rolled -= steps * ONE_IMAGE;
    if (steps) move(steps);
  },
  { passive: false },
);

document.addEventListener("keydown", (event) => {
  if (belongsToField(event) || !document.querySelector("[data-stack]")) return;
  if (event.key === "PageDown") move(1);
  else if (event.key === "PageUp") move(-1);
  else return;
  event.preventDefault();
});

/** The slider is replaced with the picture: who held it goes on with the new one. */
let held = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  held = (event.target as Element).id === "images" && document.activeElement?.id === "stack-image";
});
document.addEventListener("htmx:afterSwap", () => {
  if (held) document.getElementById("stack-image")?.focus({ preventScroll: true });
  held = false;
});
