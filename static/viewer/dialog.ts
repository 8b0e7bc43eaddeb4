/** The one question that the viewer asks: the words of an arrow or a text. */
import { part } from "./page";

/** Ask for words; an empty answer means that the reader thought better of it. */
export function askForWords(now: string): Promise<string> {
  const dialog = part<HTMLDialogElement>("words-dialog");
  const field = part<HTMLInputElement>("words-field");
  field.value = now;
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "keep" ? field.value.trim() : ""), { once: true });
    dialog.returnValue = "";
    dialog.showModal();
    field.select();
  });
}
