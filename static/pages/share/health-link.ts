/**
 * A SMART Health Link that is opened in a browser stands behind the `#` of our own page. The page takes out of it which link it is
 * (the last part of its address); the key that decrypts files stays where it is, and is sent to nobody.
 */
const page = document.querySelector<HTMLElement>("[data-health-link]");
const form = page?.querySelector<HTMLFormElement>("[data-by-health-link]");
const field = form?.querySelector<HTMLInputElement>("[data-token]");
const absent = page?.querySelector<HTMLElement>("[data-no-health-link]");
const token = tokenOf(window.location.hash);

if (form && field && token) {
  field.value = token;
  form.hidden = false;
  if (absent) absent.hidden = true;
  // The key stays in no history: the page that opens has an address without it.
  form.addEventListener("submit", () => window.history.replaceState(null, "", window.location.pathname));
}

/** The last part of the address in a link's payload, of this share alone; nothing where it is no such link. */
function tokenOf(hash: string): string {
  const found = /^#shlink:\/([A-Za-z0-9_-]{1,4096})$/.exec(hash);
  if (!found) return "";
  try {
    const payload: unknown = JSON.parse(window.atob((found[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    const url = typeof payload === "object" && payload !== null && "url" in payload ? String(payload.url) : "";
    const path = new URL(url).pathname;
    const below = `${window.location.pathname.replace(/\/open$/, "")}/`;
    const rest = path.startsWith(below) ? path.slice(below.length) : "";
    return /^[A-Za-z0-9_-]{43}$/.test(rest) ? rest : "";
  } catch {
    return "";
  }
}

export {};
