import { createHash, generateKeyPair, type KeyObject, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";

/** Whom an ID token names, and who shall believe it. */
interface TokenRequest {
  serviceAccountEmail: string;
  audience: string;
}

/** Google as who signs the ID tokens of service accounts. */
export interface TokenIssuer extends AsyncDisposable {
  /** Where the certificates for these tokens are, as a JSON object of PEM texts by key id. */
  certificatesUrl: string;
  /** A token that is good for at least half an hour. */
  tokenFor(request: TokenRequest): string;
}

const ISSUER = "https://accounts.google.com";
const LIFETIME_SECONDS = 3600;
/** A token is used again for so long, since to sign one costs a millisecond. */
const REUSE_SECONDS = 1800;

/**
 * Signs ID tokens as Google does for Pub/Sub's pushes and Scheduler's calls, with a key that this
 * process alone has, and shows the public part on loopback. Differs: any account is signed for
 * (there is no IAM), and a public key stands where Google shows a certificate.
 *
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#jwt_format
 */
export async function startTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
  });
  const keyId = randomUUID();
  const certificates = JSON.stringify({
    [keyId]: publicKey.export({ type: "spki", format: "pem" }),
  });
  const server = createServer((_request, response) => {
    const headers = { "content-type": "application/json", "cache-control": "max-age=3600" };
    response.writeHead(200, headers).end(certificates);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const issued = new Map<string, { token: string; atSeconds: number }>();
  return {
    certificatesUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs`,
    tokenFor(request) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const key = JSON.stringify([request.serviceAccountEmail, request.audience]);
      const last = issued.get(key);
      const age = nowSeconds - (last?.atSeconds ?? 0);
      if (last !== undefined && age >= 0 && age < REUSE_SECONDS) return last.token;
      const token = signed({ keyId, privateKey }, claimsOf(request, nowSeconds));
      issued.set(key, { token, atSeconds: nowSeconds });
      return token;
    },
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

function claimsOf({ serviceAccountEmail, audience }: TokenRequest, nowSeconds: number): object {
  const digest = createHash("sha256").update(serviceAccountEmail).digest();
  const uniqueId = String(digest.readBigUInt64BE());
  return {
    aud: audience,
    azp: uniqueId,
    email: serviceAccountEmail,
    email_verified: true,
    exp: nowSeconds + LIFETIME_SECONDS,
    iat: nowSeconds,
    iss: ISSUER,
    sub: uniqueId,
  };
}

function signed(by: { keyId: string; privateKey: KeyObject }, claims: object): string {
  const parts = [{ alg: "RS256", kid: by.keyId, typ: "JWT" }, claims];
  const content = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${content}.${sign("sha256", Buffer.from(content), by.privateKey).toString("base64url")}`;
}
