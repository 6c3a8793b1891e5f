import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const KEY_ID = "key-1";

/** Signs tokens as Google does, and shows its public keys where a verifier looks for them. */
export interface TokenSigner extends AsyncDisposable {
  /** Address of the public keys. */
  url: string;
  /** How often the public keys were asked for. */
  asked(): number;
  /** What the address answers from now on; 200: the keys. */
  answer(status: number): void;
  publicKey: KeyObject;
  /** A token, signed with RS256 unless `header` says otherwise. */
  token(claims: object, header?: { alg?: string; kid?: string }): string;
}

export async function startTokenSigner(): Promise<TokenSigner> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  let asked = 0;
  let status = 200;
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(status, {
      "content-type": "application/json",
      "cache-control": "public, max-age=3600",
    });
    response.end(JSON.stringify({ [KEY_ID]: pem }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const signatures: Record<string, (content: string) => string> = {
    RS256: (content) => sign("sha256", Buffer.from(content), privateKey).toString("base64url"),
    // The mistake that this is about: the public key's text as a shared secret.
    HS256: (content) => createHmac("sha256", pem).update(content).digest("base64url"),
    none: () => "",
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/certs`,
    asked: () => asked,
    answer: (code) => {
      status = code;
    },
    publicKey,
    token(claims, { alg = "RS256", kid = KEY_ID } = {}) {
      const parts = [{ alg, kid, typ: "JWT" }, claims];
      const content = parts
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
      return `${content}.${signatures[alg]?.(content)}`;
    },
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}
