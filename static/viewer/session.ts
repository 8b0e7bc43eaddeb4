/** Changes are signed with the page's token. A reader who signs in again, here or in another window, brings a new one. */
import { tokenRenewed } from "../pages/session";
import { RequestFailed, ask } from "./manifest";

export function renewToken(fresh: unknown): void {
  if (typeof fresh === "string" && fresh) document.body.dataset["csrf"] = fresh;
}

/** Ask for a change. Raises `RequestFailed`; where the token is an old one, it is renewed first. */
export async function change(method: "PUT" | "DELETE" | "POST", address: string, body?: unknown, isRenewed = false): Promise<Record<string, unknown>> {
  const headers = { "X-CSRFToken": document.body.dataset["csrf"] ?? "", Accept: "application/json", "Content-Type": "application/json" };
  const options: RequestInit = { method, keepalive: true, headers };
  if (body !== undefined) options.body = JSON.stringify(body);
  try {
    const response = await ask(address, options);
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
  } catch (error) {
    const isOldToken = error instanceof RequestFailed && error.status === 403 && !error.reason;
    if (!isOldToken) throw error;
    if (isRenewed || !(await tokenRenewed())) throw new RequestFailed(401);
    return change(method, address, body, true);
  }
}
