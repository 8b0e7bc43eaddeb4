/** An open page says when its link has ended: it asks now and then, and when somebody comes back to it. */
const EVERY_MS = 20_000;

const address = document.querySelector<HTMLElement>("[data-standing]")?.dataset["standing"];

async function ask(): Promise<void> {
  if (!address || document.hidden) return;
  try {
    const answer = await fetch(address, { cache: "no-store", redirect: "manual" });
    // The page itself says what happened, and to whom to turn.
    if (answer.status === 404) window.location.reload();
  } catch {
    // No network: nothing is known of the link, and the page stays as it is.
  }
}

if (address) {
  window.setInterval(() => void ask(), EVERY_MS);
  document.addEventListener("visibilitychange", () => void ask());
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void ask();
  });
}

export {}; // a module: its names are its own
