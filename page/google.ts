/**
 * Sign-in with Google by redirect: OpenID Connect's implicit flow, which needs no script of
 * Google's and no secret of ours. The ID token comes back in the address's fragment, which no
 * server sees.
 *
 * @see https://openid.net/specs/openid-connect-core-1_0.html#ImplicitFlowAuth
 * @see https://accounts.google.com/.well-known/openid-configuration
 */
const GOOGLE = "https://accounts.google.com/o/oauth2/v2/auth";
const STORED = "runyard.sign-in";

/** What this tab has asked Google for. */
interface Asked {
  /** Comes back with the answer: others' answers are not taken. */
  state: string;
  /** Is in the token: others' tokens are not taken. */
  nonce: string;
  /** The query of the address to go back to. */
  back: string;
}

/** What Google's answer came to. */
export type GoogleAnswer = { token: string; back: string } | { fault: string };

/** The OAuth client that the server is configured with; undefined: nobody signs in with Google. */
export const googleClientId = (): string | undefined =>
  document.querySelector<HTMLMetaElement>("meta[name=google-client-id]")?.content;

/** Leaves for Google, which sends back here. */
export function goToGoogle(clientId: string): void {
  const asked: Asked = {
    state: crypto.randomUUID(),
    nonce: crypto.randomUUID(),
    back: location.search,
  };
  sessionStorage.setItem(STORED, JSON.stringify(asked));
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: `${location.origin}/`,
    response_type: "id_token",
    scope: "openid email",
    state: asked.state,
    nonce: asked.nonce,
    prompt: "select_account",
  });
  location.assign(`${GOOGLE}?${query}`);
}

/** Google's answer in an address's fragment; undefined: there is none. An answer is taken once. */
export function googleAnswer(fragment: URLSearchParams): GoogleAnswer | undefined {
  const [token, error] = [fragment.get("id_token"), fragment.get("error")];
  if (token === null && error === null) return undefined;
  const asked = JSON.parse(sessionStorage.getItem(STORED) ?? "null") as Asked | null;
  sessionStorage.removeItem(STORED);
  if (asked === null || fragment.get("state") !== asked.state) {
    return { fault: "This tab did not ask Google for that; sign in again." };
  }
  if (token === null) return { fault: `Google did not sign you in: ${error}.` };
  if (nonceOf(token) !== asked.nonce) return { fault: "Google's answer is not for this tab." };
  return { token, back: asked.back };
}

/** Undefined: it is no token. Whether it is genuine the API finds out. */
function nonceOf(token: string): unknown {
  try {
    const claims = token.split(".")[1] ?? "";
    return (JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/"))) as Asked).nonce;
  } catch {
    return undefined;
  }
}
