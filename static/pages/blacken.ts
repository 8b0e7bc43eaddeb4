/**
 * Frames drawn over an image: what lies in them is made black before the image goes out. They are kept in a hidden field as
 * `left,top,width,height` in pixels of the image, apart by semicolons.
 */
const SVG = "http://www.w3.org/2000/svg";
/** Pixels below which a movement was no frame. */
const SMALLEST = 4;

document.querySelectorAll<SVGSVGElement>("svg[data-blacken]").forEach(drawable);
document.querySelectorAll<SVGRectElement>("rect[data-box]").forEach(ticked);

/** A proposed frame is filled while its box is ticked. */
function ticked(rect: SVGRectElement): void {
  const box = document.getElementById(rect.dataset["box"] ?? "");
  if (!(box instanceof HTMLInputElement)) return;
  const show = (): void => void rect.classList.toggle("is-off", !box.checked);
  box.addEventListener("change", show);
  show();
}

function drawable(picture: SVGSVGElement): void {
  const field = document.getElementById(picture.dataset["blacken"] ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  const tools = picture.parentElement?.querySelector<HTMLElement>("[data-drawing]");
  const drawn: SVGRectElement[] = [];
  const keep = (): void => {
    field.value = drawn.map((rect) => ["x", "y", "width", "height"].map((name) => size(rect, name)).join(",")).join(";");
    if (tools) tools.hidden = drawn.length === 0;
  };
  let begun: { rect: SVGRectElement; x: number; y: number } | null = null;

  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = place(picture, event);
    const rect = document.createElementNS(SVG, "rect");
    rect.classList.add("copy-box", "is-drawn");
    picture.append(rect);
    picture.setPointerCapture(event.pointerId);
    begun = { rect, ...at };
    event.preventDefault();
  });
  picture.addEventListener("pointermove", (event) => {
    if (begun) shape(begun.rect, begun, place(picture, event));
  });
  picture.addEventListener("pointerup", (event) => {
    if (!begun) return;
    shape(begun.rect, begun, place(picture, event));
    if (size(begun.rect, "width") >= SMALLEST && size(begun.rect, "height") >= SMALLEST) drawn.push(begun.rect);
    else begun.rect.remove();
    begun = null;
    keep();
  });
  picture.addEventListener("pointercancel", () => {
    begun?.rect.remove();
    begun = null;
  });
  tools?.querySelector("[data-undraw]")?.addEventListener("click", () => {
    drawn.splice(0).forEach((rect) => rect.remove());
    keep();
  });
}

/** Where a pointer is, in pixels of the image, inside of it. */
function place(picture: SVGSVGElement, event: PointerEvent): { x: number; y: number } {
  const matrix = picture.getScreenCTM();
  const point = matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : new DOMPoint();
  const { width, height } = picture.viewBox.baseVal;
  return { x: Math.min(Math.max(point.x, 0), width), y: Math.min(Math.max(point.y, 0), height) };
}

function shape(rect: SVGRectElement, from: { x: number; y: number }, to: { x: number; y: number }): void {
  rect.setAttribute("x", String(Math.floor(Math.min(from.x, to.x))));
  rect.setAttribute("y", String(Math.floor(Math.min(from.y, to.y))));
  rect.setAttribute("width", String(Math.ceil(Math.abs(to.x - from.x))));
  rect.setAttribute("height", String(Math.ceil(Math.abs(to.y - from.y))));
}

function size(rect: SVGRectElement, name: string): number {
  return Number(rect.getAttribute(name) ?? 0);
}

export {};
