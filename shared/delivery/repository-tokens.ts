import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { type Static, Type } from "../schema/type.ts";
import { validatorOf } from "../schema/validate.ts";

/** What a build is told that has asked for tokens of the GitHub App. */
export const RepositoryTokens = Type.Union([
  /** By the places of the run's repositories; empty: of one that is read without the App. */
  Type.Object({ tokens: Type.Array(Type.String()) }),
  /** Why there are none: a sentence for the run's owner. */
  Type.Object({ refused: Type.String() }),
]);
export type RepositoryTokens = Static<typeof RepositoryTokens>;

/** The same, sealed for the one build that holds the other half of a key. */
const Sealed = Type.Object({
  schemaVersion: Type.Literal(1),
  /** Public half of a key of its own, an X25519 point as base64url. */
  key: Type.String(),
  /** Content and tag of AES-256-GCM, base64url. */
  box: Type.String(),
});

const CIPHER = "aes-256-gcm";
const TAG_BYTES = 16;
/** Each key seals once. */
const NONCE = Buffer.alloc(12);

const validateTokens = validatorOf(RepositoryTokens);
const validateSealed = validatorOf(Sealed);

/**
 * Seals tokens for the build that has told its public key.
 *
 * @param place the object that is to hold them; elsewhere they cannot be opened
 * @returns JSON
 * @throws if that is no key
 */
export function sealTokens(tokens: RepositoryTokens, publicKey: string, place: string): string {
  const own = generateKeyPairSync("x25519");
  const key = commonKey(own.privateKey, publicKey, place);
  const cipher = createCipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
  const content = [cipher.update(JSON.stringify(tokens), "utf8"), cipher.final()];
  const box = Buffer.concat([...content, cipher.getAuthTag()]).toString("base64url");
  const sealed: Static<typeof Sealed> = { schemaVersion: 1, key: pointOf(own.publicKey), box };
  return JSON.stringify(sealed);
}

/** A build's key, of which the half that opens never leaves its process. */
export interface TokensKey {
  publicKey: string;
  /** @throws if that was sealed for another key or place, or by nobody */
  open(sealed: string, place: string): RepositoryTokens;
}

export function newTokensKey(): TokensKey {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return {
    publicKey: pointOf(publicKey),
    open(text, place) {
      const sealed = validateSealed(JSON.parse(text));
      if (!sealed.ok) throw new Error("these are no sealed tokens");
      const key = commonKey(privateKey, sealed.value.key, place);
      const box = Buffer.from(sealed.value.box, "base64url");
      const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(box.subarray(-TAG_BYTES));
      const content = [decipher.update(box.subarray(0, -TAG_BYTES)), decipher.final()];
      const tokens = validateTokens(JSON.parse(Buffer.concat(content).toString("utf8")));
      if (!tokens.ok) throw new Error("these are no tokens");
      return tokens.value;
    },
  };
}

function commonKey(privateKey: KeyObject, publicKey: string, place: string): Uint8Array {
  const jwk = { kty: "OKP", crv: "X25519", x: publicKey };
  const other = createPublicKey({ key: jwk, format: "jwk" });
  const secret = diffieHellman({ privateKey, publicKey: other });
  return new Uint8Array(hkdfSync("sha256", secret, "", `runyard repository tokens ${place}`, 32));
}

const pointOf = (key: KeyObject): string => String(key.export({ format: "jwk" }).x);
