/** Tells the portal, at most once a minute, that somebody is at the page: keys, touches and wheels send no requests by themselves. */
const EVERY_MS = 60_000;
let told = performance.now();

const token = (): string =>
  document.body.dataset["csrf"] ?? document.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";

async function tell(): Promise<void> {
  told = performance.now();
  const headers = { "X-CSRFToken": token(), "X-Requested-With": "fetch" };
  try {
    const answer = await fetch("/account/session/", { method: "POST", headers, cache: "no-store" });
    if (answer.status === 401) document.dispatchEvent(new CustomEvent("session:gone"));
  } catch {
    // Nothing is lost: the next key tells it again.
  }
}

for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  document.addEventListener(
    kind,
    (event) => {
      if (event.isTrusted && token() && performance.now() - told > EVERY_MS) void tell();
    },
    { passive: true, capture: true },
  );
}

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-print]")) window.print();
});
