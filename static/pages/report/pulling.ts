/** Measurements and key images: a click puts the value where the writer was, and the image with it into the report. */
import { pull } from "./saving";
import { current, insert } from "./text";

function problem(words: string): void {
  const place = document.querySelector<HTMLElement>("[data-pull-problem]");
  if (!place) return;
  place.textContent = words;
  place.hidden = !words;
}

async function send(body: Record<string, unknown>): Promise<void> {
  const answer = await pull(body, problem);
  const place = document.querySelector<HTMLElement>("[data-pulled]");
  if (answer?.html !== undefined && place) place.innerHTML = answer.html; // rendered and escaped by the portal
}

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const measurement = target.closest<HTMLElement>("[data-measurement]");
  const picture = target.closest<HTMLElement>("[data-picture]");
  const out = target.closest<HTMLElement>("[data-pulled-out]");
  if (measurement) {
    const area = current();
    if (area) insert(area, measurement.dataset["insert"] ?? "");
    void send({ measurement: measurement.dataset["measurement"] });
  } else if (picture) void send({ picture: picture.dataset["picture"], frame: Number(picture.dataset["frame"]) });
  else if (out) void send({ position: Number(out.dataset["pulledOut"]) });
});

document.addEventListener("change", (event) => {
  const field = event.target as HTMLInputElement;
  const position = field.dataset["pulledWords"];
  if (position !== undefined) void send({ position: Number(position), words: field.value });
});
