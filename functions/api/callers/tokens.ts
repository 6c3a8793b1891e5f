import { KEY_CLAIM, tokenScopes } from "../../../shared/documents/key.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "../http/call.ts";

/** `POST /v1/tokens`: a key becomes a token with which a page listens as the key's owner. */
export async function createToken(
  { customTokens, now }: Services,
  { owner, principal, response }: Call,
): Promise<void> {
  const hash = principal?.keyHash ?? null;
  if (principal === undefined || hash === null) {
    throw new AppError("forbidden", { detail: "only a key can be exchanged for a token" });
  }
  const claims = { scopes: tokenScopes(principal.scopes), [KEY_CLAIM]: hash };
  const { token, expiresAt } = await customTokens.create({ uid: owner, claims }, now());
  response.json({ token, uid: owner, expiresAt });
}
