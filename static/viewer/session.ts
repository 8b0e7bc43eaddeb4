/** The token that changes are signed with. A reader who signs in again in another window brings a new one to this page. */
import { RequestFailed, ask } from "./manifest";

let token = document.body.dataset["csrf"] ?? "";

export function renewToken(fresh: unknown): void {
  if (typeof fresh === "string" && fresh) token = fresh;
}

/** Ask for a change. Raises `RequestFailed`; a token that is not good any more counts as a session that has ended. */
export async function change(method: "PUT" | "DELETE" | "POST", address: string, body?: unknown): Promise<Record<string, unknown>> {
  const options: RequestInit = { method, keepalive: true, headers: { "X-CSRFToken": token, Accept: "application/json", "Content-Type": "application/json" } };
  if (body !== undefined) options.body = JSON.stringify(body);
  try {
    const response = await ask(address, options);
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
  } catch (error) {
    if (error instanceof RequestFailed && error.status === 403 && !error.reason) throw new RequestFailed(401);
    throw error;
  }
}
