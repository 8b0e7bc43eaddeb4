/** Cornerstone3D, set up once per page: decoders in workers, one viewport, CPU drawing where there is no WebGL. */
import * as core from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";
import * as tools from "@cornerstonejs/tools";

/** Decoded pixels kept in memory, in bytes. A phone's tab is killed long before a workstation's. */
const CACHE_BYTES = { phone: 256e6, desk: 1.5e9 };
const PHONE = "(pointer: coarse) and (max-width: 60rem)";

/** One tool is chosen for the main button or one finger; the others are always at hand on other buttons and fingers. */
export const CHOICES = {
  scroll: tools.StackScrollTool.toolName,
  window: tools.WindowLevelTool.toolName,
  pan: tools.PanTool.toolName,
  zoom: tools.ZoomTool.toolName,
} as const;

export type Choice = keyof typeof CHOICES;

export const onPhone = (): boolean => window.matchMedia(PHONE).matches;

/** Start the libraries. Returns true when pictures are drawn without a graphics card. */
export function startEngine(): boolean {
  core.init({ rendering: { webGlContextCount: 1 }, debug: {} });
  const cores = navigator.hardwareConcurrency || 2;
  // At least two, so that one image that hangs its decoder does not hold up the rest.
  initLoader({ maxWebWorkers: Math.min(4, Math.max(2, Math.floor(cores / 2))) });
  core.cache.setMaxCacheSize(onPhone() ? CACHE_BYTES.phone : CACHE_BYTES.desk);
  tools.init();
  for (const tool of [tools.StackScrollTool, tools.WindowLevelTool, tools.PanTool, tools.ZoomTool]) tools.addTool(tool);
  return core.getShouldUseCPURendering();
}

/** Make the viewport in `element` and bind the hands: left the chosen tool, middle pan, right zoom, wheel scroll, two fingers zoom and pan. */
export function openViewport(element: HTMLDivElement, onResize: () => void): { viewport: core.StackViewport; choose: (choice: Choice) => void } {
  const engine = new core.RenderingEngine("viewer");
  engine.enableElement({ viewportId: "a", type: core.Enums.ViewportType.STACK, element });
  const group = tools.ToolGroupManager.createToolGroup("viewer");
  if (!group) throw new Error("The viewer was opened twice on one page.");
  for (const name of Object.values(CHOICES)) group.addTool(name);
  group.addViewport("a", "viewer");
  const viewport = engine.getViewport("a") as core.StackViewport;
  // Without a picture there is no camera to keep.
  new ResizeObserver(() => {
    if (!viewport.getCornerstoneImage()) return;
    engine.resize(true, true);
    onResize();
  }).observe(element);

  const { MouseBindings } = tools.Enums;
  const always: Record<string, { mouseButton?: number; numTouchPoints?: number }[]> = {
    [CHOICES.scroll]: [{ mouseButton: MouseBindings.Wheel }],
    [CHOICES.pan]: [{ mouseButton: MouseBindings.Auxiliary }],
    [CHOICES.zoom]: [{ mouseButton: MouseBindings.Secondary }, { numTouchPoints: 2 }],
    [CHOICES.window]: [{ numTouchPoints: 3 }],
  };
  const choose = (choice: Choice): void => {
    for (const name of Object.values(CHOICES)) {
      const bindings = [...(always[name] ?? [])];
      if (name === CHOICES[choice]) bindings.push({ mouseButton: MouseBindings.Primary, numTouchPoints: 1 });
      group.setToolDisabled(name);
      group.setToolActive(name, { bindings });
    }
  };
  return { viewport, choose };
}
