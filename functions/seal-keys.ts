/** Of AES-256. */
const KEY_BYTES = 32;
const BASE64 = /^[\w+/-]+=*$/;

/**
 * Reads `RUNYARD_SEAL_KEYS`: keys of 32 bytes in base64, separated by commas. The first seals, all
 * open.
 *
 * @throws {Error} that says which is none, and not what it is
 */
export function sealKeysOf(text = ""): Uint8Array[] {
  if (text.trim() === "") return [];
  return text.split(",").map((item, index) => {
    const key = item.trim();
    const bytes = Buffer.from(key, "base64");
    if (BASE64.test(key) && bytes.length === KEY_BYTES) return bytes;
    const remedy = "make one with `openssl rand -base64 32`";
    throw new Error(
      `RUNYARD_SEAL_KEYS: key ${index + 1} has not ${KEY_BYTES} bytes in base64; ${remedy}`,
    );
  });
}
