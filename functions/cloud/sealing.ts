import { createCipheriv, createDecipheriv } from "node:crypto";
import { AppError } from "../../shared/errors.ts";
import { sha256 } from "../../shared/hash.ts";
import type { RandomBytes } from "../../shared/ids.ts";
import type { SealedPlace, Sealing } from "../services/sealing.ts";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^v1\.(?<key>[0-9a-f]{8})\.(?<box>[\w-]{38,})$/;

/**
 * Seals with AES-256-GCM. What is sealed is bound to its place, so that whoever may write documents
 * cannot have one secret opened as another.
 *
 * @param ring keys of 32 bytes: the first seals, all open; none: whoever seals or opens is refused
 */
export function sealingWith(ring: readonly Uint8Array[], random: RandomBytes): Sealing {
  const keys = new Map(ring.map((key) => [keyName(key), key]));
  return {
    seal(text, place) {
      const [name, key] = [...keys][0] ?? missing();
      const nonce = random(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(place));
      const box = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return `v1.${name}.${Buffer.concat(box).toString("base64url")}`;
    },
    open(sealed, place) {
      if (keys.size === 0) missing();
      const { key: name = "", box = "" } = FORM.exec(sealed)?.groups ?? {};
      const key = keys.get(name);
      if (key === undefined) throw cannotOpen(place);
      const bytes = Buffer.from(box, "base64url");
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(boundTo(place));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (cause) {
        throw cannotOpen(place, cause);
      }
    },
  };
}

/** Names a key without being it. */
const keyName = (key: Uint8Array): string => sha256(key).slice(0, 8);

const boundTo = ({ document, field }: SealedPlace): Buffer =>
  Buffer.from(JSON.stringify([document, field]));

function missing(): never {
  const detail = "this server has no RUNYARD_SEAL_KEYS, without which it keeps no secrets";
  throw new AppError("unavailable", { detail });
}

function cannotOpen({ document, field }: SealedPlace, cause?: unknown): AppError {
  const remedy = "set the key that sealed it, too, or give the secret anew";
  const detail = `no key of RUNYARD_SEAL_KEYS opens ${field} of ${document}: ${remedy}`;
  return new AppError("unavailable", { detail, cause });
}
