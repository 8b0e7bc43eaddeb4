/** Dictation by the browser's own speech input, where there is one and the hospital allows it: the button is not there otherwise. */
import { current, insert, page, say } from "./text";

interface Recognised {
  isFinal: boolean;
  0: { transcript: string };
}
interface Recognition extends EventTarget {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  start(): void;
  stop(): void;
}
type Heard = Event & { resultIndex: number; results: ArrayLike<Recognised> };

const Made = (window as unknown as Record<string, new () => Recognition>)["SpeechRecognition"] ?? (window as unknown as Record<string, new () => Recognition>)["webkitSpeechRecognition"];
const button = document.querySelector<HTMLButtonElement>("[data-dictate]");
const LANGUAGES: Record<string, string> = { en: "en-GB", fr: "fr-FR" };
let listening: Recognition | null = null;

function show(is: boolean, words = ""): void {
  button?.setAttribute("aria-pressed", String(is));
  button?.classList.toggle("is-listening", is);
  const place = document.querySelector<HTMLElement>("[data-state]");
  if (place && words) place.textContent = words;
}

/** Begin to listen, or end it. */
export function dictate(): void {
  if (!button || !Made) return;
  if (listening) {
    listening.stop();
    return;
  }
  const made = new Made();
  made.lang = LANGUAGES[page?.dataset["language"] ?? "en"] ?? "en-GB";
  made.continuous = true;
  made.interimResults = true;
  made.addEventListener("result", (event) => {
    const { results, resultIndex } = event as Heard;
    for (let index = resultIndex; index < results.length; index += 1) {
      const heard = results[index];
      const words = heard?.[0].transcript.trim() ?? "";
      const area = current();
      if (heard?.isFinal && area && words) insert(area, words);
      else if (words) show(true, `${say("Listening")} ${words}`);
    }
  });
  made.addEventListener("end", () => {
    listening = null;
    show(false);
  });
  listening = made;
  made.start();
  show(true, say("Listening"));
}

if (button && Made) {
  button.hidden = false;
  button.addEventListener("click", dictate);
}
