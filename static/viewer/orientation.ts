/** The letters at the four edges: which side of the patient is where, whatever was turned or flipped. */
import { TAG, texts, type Header, type Plane } from "./header";

/** Directions of the image's rows (to the right) and columns (down), as letters: ["L", "P"]; null when nobody knows. */
export type Directions = [row: string, column: string];

const OPPOSITE: Record<string, string> = { L: "R", R: "L", A: "P", P: "A", H: "F", F: "H" };
const AXES: [string, string][] = [["L", "R"], ["P", "A"], ["H", "F"]];
const OBLIQUE = 0.25; // cosine from which a second letter is worth showing

/** Write a direction in patient space (LPS) as one or two letters, the strongest first. */
export function letters(vector: number[]): string {
  return vector
    .map((value, axis) => ({ size: Math.abs(value), letter: AXES[axis]?.[value >= 0 ? 0 : 1] ?? "" }))
    .filter(({ size }) => size > OBLIQUE)
    .sort((a, b) => b.size - a.size)
    .slice(0, 2)
    .map(({ letter }) => letter)
    .join("");
}

/** The other end of a direction: "AL" becomes "PR". */
export function opposite(direction: string): string {
  return [...direction].map((letter) => OPPOSITE[letter] ?? letter).join("");
}

/** Directions from the geometry, else from Patient Orientation (radiographs, PS3.3 C.7.6.1.1.1). */
export function directions(header: Header, plane: Plane | null): Directions | null {
  if (plane) return [letters(plane.orientation.slice(0, 3)), letters(plane.orientation.slice(3))];
  const [row, column] = texts(header, TAG.patientOrientation);
  const known = (value: string | undefined): value is string => Boolean(value && /^[LRAPHF]{1,3}$/.test(value));
  return known(row) && known(column) ? [row, column] : null;
}

export interface Edges {
  top: string;
  right: string;
  bottom: string;
  left: string;
}

/** Put the letters on the edges, given where the image's row and column directions point on the screen (pixels, y down). */
export function edges([row, column]: Directions, rowOnScreen: [number, number], columnOnScreen: [number, number]): Edges {
  const out: Edges = { top: "", right: "", bottom: "", left: "" };
  const put = (name: string, towards: keyof Edges, away: keyof Edges): void => {
    out[towards] = name;
    out[away] = opposite(name);
  };
  for (const [name, [x, y]] of [[row, rowOnScreen], [column, columnOnScreen]] as const) {
    if (Math.abs(x) > Math.abs(y)) put(name, x > 0 ? "right" : "left", x > 0 ? "left" : "right");
    else put(name, y > 0 ? "bottom" : "top", y > 0 ? "top" : "bottom");
  }
  return out;
}
