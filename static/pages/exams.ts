/** The day of a room: after something was said of an exam, its row is the chosen one again (`#exam-<key>`). */
import { choose, listOf, rowsOf } from "./rows";

const said = /^#exam-([0-9a-f-]{36})$/.exec(window.location.hash)?.[1];
const list = listOf();
if (said && list?.id === "exam-rows") {
  const row = rowsOf(list).find((one) => one.dataset["exam"] === said);
  if (row) choose(row);
}
