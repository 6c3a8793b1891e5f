/**
 * The model's API gave no answer. Its message names the address that was set, and what came in its
 * place.
 */
export class Unreachable extends Error {
  override readonly name = "Unreachable";

  /** @param how what is wrong, to be read after the address */
  constructor(baseUrl: string, how: string, options?: ErrorOptions) {
    super(`The model's API at ${addressOf(baseUrl)} ${how}.`, options);
  }
}

const HOWS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "takes no connections",
  ENOTFOUND: "is at a name that is not known",
  EAI_AGAIN: "is at a name that cannot be looked up now",
  ECONNRESET: "hung up",
  EPIPE: "hung up",
  ETIMEDOUT: "does not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  EPROTO: "does not speak TLS",
};

/** What a failed request says about whoever it was sent to. */
export function unreachable(baseUrl: string, error: NodeJS.ErrnoException): Unreachable {
  const { code = "", cause } = error;
  const how = HOWS[code] ?? otherHow(code);
  const known = code === "" ? how : `${how} (${code})`;
  return new Unreachable(baseUrl, known, { cause: cause ?? error });
}

function otherHow(code: string): string {
  if (/CERT|SIGNATURE|ALTNAME/.test(code)) return "has a certificate that is not trusted";
  if (code.startsWith("HPE_")) return "does not speak HTTP";
  if (code.startsWith("ERR_SSL")) return "does not speak TLS";
  return "cannot be reached";
}

/** An address for people: without a user, a password or a query. */
function addressOf(baseUrl: string): string {
  const { origin, pathname } = new URL(baseUrl);
  return `${origin}${pathname.replace(/\/$/, "")}`;
}
