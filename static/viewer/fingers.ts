/** Two fingers: apart or together they zoom, moved together they window. Which of the two is decided as the gesture begins. */
import { getEnabledElement, type StackViewport } from "@cornerstonejs/core";
import { BaseTool, type Types } from "@cornerstonejs/tools";

type Drag = { detail: { element: HTMLDivElement; deltaPoints: { canvas: [number, number] }; deltaDistance: { canvas: number } } };

/** A gesture is decided once it has gone this far, in CSS pixels. */
const DECIDED = 6;
/** A window's width changes by this share of itself for each pixel. */
const PER_PIXEL = 1 / 250;

export class TwoFingers extends BaseTool {
  static override toolName = "TwoFingers";
  private apart = 0;
  private along = 0;
  private meaning: "zoom" | "window" | null = null;

  constructor(props: Types.PublicToolProps = {}, defaults: Types.ToolProps = { supportedInteractionTypes: ["Touch"], configuration: {} }) {
    super(props, defaults);
    // Each finger that comes down begins a gesture; Cornerstone tells a tool only of the first.
    const begin = (): void => {
      this.apart = this.along = 0;
      this.meaning = null;
    };
    document.addEventListener("touchstart", begin, { capture: true, passive: true });
  }

  touchDragCallback = (event: Drag): void => {
    const { element, deltaPoints, deltaDistance } = event.detail;
    const viewport = getEnabledElement(element)?.viewport as StackViewport | undefined;
    if (!viewport) return;
    const [x, y] = deltaPoints.canvas;
    this.apart += Math.abs(deltaDistance.canvas);
    this.along += Math.hypot(x, y);
    if (!this.meaning && Math.max(this.apart, this.along) > DECIDED) this.meaning = this.apart > this.along ? "zoom" : "window";
    if (this.meaning === "zoom") viewport.setZoom(Math.min(40, Math.max(0.05, viewport.getZoom() * (1 + deltaDistance.canvas / 200))));
    else if (this.meaning === "window") this.window(viewport, x, y);
    viewport.render();
  };

  private window(viewport: StackViewport, x: number, y: number): void {
    const range = viewport.getProperties().voiRange;
    if (!range) return;
    const width = Math.max(1e-3, (range.upper - range.lower) * (1 + x * PER_PIXEL));
    const center = (range.upper + range.lower) / 2 + y * PER_PIXEL * (range.upper - range.lower);
    viewport.setProperties({ voiRange: { lower: center - width / 2, upper: center + width / 2 } });
  }
}
