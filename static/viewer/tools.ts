/** The tools of the hand: Cornerstone's own, writing our lines beside what they draw, in the reader's language. */
import * as tools from "@cornerstonejs/tools";
import { askForWords } from "./dialog";
import { TwoFingers } from "./fingers";

/** Marks by the names that the server keeps (`imaging.studies.markings.TOOLS`). */
export const MARKS = {
  length: tools.LengthTool,
  angle: tools.AngleTool,
  cobb: tools.CobbAngleTool,
  ellipse: tools.EllipticalROITool,
  rectangle: tools.RectangleROITool,
  probe: tools.ProbeTool,
  arrow: tools.ArrowAnnotateTool,
  text: tools.LabelTool,
} as const;

export type ToolName = keyof typeof MARKS;

const HANDS = {
  scroll: tools.StackScrollTool,
  window: tools.WindowLevelTool,
  pan: tools.PanTool,
  zoom: tools.ZoomTool,
  magnify: tools.MagnifyTool,
} as const;

export const CHOICES = [...Object.keys(HANDS), ...Object.keys(MARKS)] as Choice[];
export type Choice = keyof typeof HANDS | ToolName;

const GROUP = "viewer";

const nameOf = (choice: Choice): string => (choice in HANDS ? HANDS[choice as keyof typeof HANDS] : MARKS[choice as ToolName]).toolName;

/** The mark that a Cornerstone annotation is, by its tool's name. */
export function markOf(toolName: string): ToolName | null {
  const found = Object.entries(MARKS).find(([, tool]) => tool.toolName === toolName);
  return found ? (found[0] as ToolName) : null;
}

/** Writes the lines beside an annotation, given its `data`. */
export type Lines = (data: object) => string[];

const INK = "rgb(246, 232, 122)";
const CHOSEN = "rgb(126, 228, 240)";
const OTHERS = "rgb(186, 196, 214)";
const FONT = "Inter Variable, Inter, system-ui, sans-serif";

function style(): void {
  const styles = tools.annotation.config.style.getDefaultToolStyles();
  const global = {
    ...styles["global"],
    color: INK,
    colorHighlighted: CHOSEN,
    colorSelected: CHOSEN,
    colorLocked: OTHERS,
    lineWidth: "1.5",
    textBoxFontFamily: FONT,
    textBoxFontSize: "13px",
    textBoxColor: INK,
    textBoxColorHighlighted: CHOSEN,
    textBoxColorSelected: CHOSEN,
    textBoxColorLocked: OTHERS,
  };
  tools.annotation.config.style.setDefaultToolStyles({ ...styles, global });
}

/** Register the tools and make the group that all viewports share. */
export function setUpTools(lines: Lines): tools.Types.IToolGroup {
  tools.init();
  style();
  for (const tool of [...Object.values(HANDS), ...Object.values(MARKS), TwoFingers]) tools.addTool(tool);
  const group = tools.ToolGroupManager.createToolGroup(GROUP);
  if (!group) throw new Error("The viewer was opened twice on one page.");
  for (const tool of Object.values(HANDS)) group.addTool(tool.toolName, tool === tools.MagnifyTool ? { magnifySize: 4, magnifyWidth: 260, magnifyHeight: 260 } : {});
  group.addTool(TwoFingers.toolName);
  const words = {
    getTextCallback: (done: (words: string) => void) => void askForWords("").then(done),
    changeTextCallback: (data: { text?: string; label?: string }, _event: unknown, done: (words: string) => void) => {
      const now = data.label ?? data.text ?? "";
      void askForWords(now).then((words) => done(words || now));
    },
  };
  for (const [name, tool] of Object.entries(MARKS)) {
    group.addTool(tool.toolName, name === "arrow" || name === "text" ? words : { getTextLines: lines });
    // A tool that is only added draws nothing: what was saved is shown by passive ones.
    group.setToolPassive(tool.toolName);
  }
  return group;
}

/** Bind the hands: left or one finger the chosen tool, middle pan, right zoom, wheel scroll, two fingers zoom or window. */
export function choose(group: tools.Types.IToolGroup, choice: Choice): void {
  const { MouseBindings } = tools.Enums;
  const always: Partial<Record<Choice, { mouseButton?: number; numTouchPoints?: number }[]>> = {
    scroll: [{ mouseButton: MouseBindings.Wheel }],
    pan: [{ mouseButton: MouseBindings.Auxiliary }, { numTouchPoints: 3 }],
    zoom: [{ mouseButton: MouseBindings.Secondary }],
  };
  for (const name of CHOICES) {
    const bindings = [...(always[name] ?? [])];
    if (name === choice) bindings.push({ mouseButton: MouseBindings.Primary, numTouchPoints: 1 });
    const tool = nameOf(name);
    if (name in MARKS) {
      if (bindings.length) group.setToolActive(tool, { bindings });
      else group.setToolPassive(tool, { removeAllBindings: true });
    } else {
      group.setToolDisabled(tool);
      if (bindings.length) group.setToolActive(tool, { bindings });
    }
  }
  group.setToolActive(TwoFingers.toolName, { bindings: [{ numTouchPoints: 2 }] });
}
