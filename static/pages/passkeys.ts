/**
 * Passkeys (Web Authentication): a form with `data-passkey="sign-in|second|confirm|add"` asks the portal for a challenge, the
 * browser for an answer to it, puts that into its field `credential`, and is sent as any form is.
 */
const OPTIONS = "/account/passkeys/options/";
type Json = Record<string, unknown>;

/** What can go wrong, in the reader's language: no passkeys in this browser, none shown, no answer of the portal. */
const words = (): string[] => (document.body.dataset["passkeyWords"] ?? "").split("|");

export class Said extends Error {}

function bytes(text: unknown): ArrayBuffer {
  const plain = atob(String(text).replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
}

function text(buffer: ArrayBuffer | null): string | null {
  if (!buffer) return null;
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

const described = (list: unknown): PublicKeyCredentialDescriptor[] =>
  ((list ?? []) as Json[]).map((item) => ({ ...item, id: bytes(item["id"]) }) as unknown as PublicKeyCredentialDescriptor);

async function options(form: HTMLFormElement): Promise<Json> {
  const token = form.querySelector<HTMLInputElement>("input[name=csrfmiddlewaretoken]")?.value ?? "";
  const body = new URLSearchParams({ for: form.dataset["passkey"] ?? "", csrfmiddlewaretoken: token });
  const answer = await fetch(OPTIONS, { method: "POST", body, headers: { Accept: "application/json" } });
  const confirm = answer.headers.get("X-Confirm");
  if (confirm) window.location.assign(confirm);
  const said = (await answer.json()) as { publicKey?: Json; errors?: string[] };
  if (!said.publicKey) throw new Said(said.errors?.join(" ") ?? words()[2]);
  return said.publicKey;
}

async function made(given: Json): Promise<Json> {
  const user = given["user"] as Json;
  const publicKey = {
    ...given,
    challenge: bytes(given["challenge"]),
    user: { ...user, id: bytes(user["id"]) },
    excludeCredentials: described(given["excludeCredentials"]),
  } as unknown as PublicKeyCredentialCreationOptions;
  const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) },
    clientExtensionResults: {},
  };
}

async function shown(given: Json): Promise<Json> {
  const publicKey = {
    ...given,
    challenge: bytes(given["challenge"]),
    allowCredentials: described(given["allowCredentials"]),
  } as unknown as PublicKeyCredentialRequestOptions;
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
  const response = credential.response as AuthenticatorAssertionResponse;
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: text(response.userHandle),
    },
    clientExtensionResults: {},
  };
}

/** Have the browser answer for this form. Throws `Said` with what to tell the person. */
async function answered(form: HTMLFormElement): Promise<string> {
  if (!window.PublicKeyCredential || !navigator.credentials) throw new Said(words()[0]);
  let given: Json;
  try {
    given = await options(form);
  } catch (error) {
    throw error instanceof Said ? error : new Said(words()[2]);
  }
  try {
    return JSON.stringify(form.dataset["passkey"] === "add" ? await made(given) : await shown(given));
  } catch {
    throw new Said(words()[1]);
  }
}

/** Say in the form's neighbourhood what went wrong. */
export function complain(form: HTMLElement, said: string): void {
  const place =
    form.querySelector<HTMLElement>("[data-proof-error]") ??
    form.parentElement?.querySelector<HTMLElement>(":scope > [data-proof-error]");
  const line = place && (place.querySelector("p") ?? place.appendChild(document.createElement("p")));
  if (!place || !line) return;
  line.textContent = said;
  place.hidden = !said;
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target as HTMLFormElement;
    const field = form.dataset["passkey"] ? form.querySelector<HTMLInputElement>("input[name=credential]") : null;
    if (!field || field.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.hasAttribute("aria-busy")) return;
    form.setAttribute("aria-busy", "true");
    complain(form, "");
    answered(form)
      .then((answer) => {
        field.value = answer;
        form.requestSubmit();
        // What was sent once is used up: the next press asks anew.
        field.value = "";
      })
      .catch((error: unknown) => complain(form, error instanceof Error ? error.message : ""))
      .finally(() => form.removeAttribute("aria-busy"));
  },
  true,
);

// A page out of the browser's cache asks anew.
window.addEventListener("pageshow", () => {
  document.querySelectorAll<HTMLInputElement>("form[data-passkey] input[name=credential]").forEach((field) => (field.value = ""));
});
