const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random bytes, as the functions pass them in: `n` of them. */
export type RandomBytes = (n: number) => Uint8Array;

/** 128 bits as 22 characters of `0-9A-Za-z`. */
export function base62(bytes: Uint8Array): string {
  let number = 0n;
  for (const byte of bytes.subarray(0, 16)) number = (number << 8n) | BigInt(byte);
  let text = "";
  for (let i = 0; i < 22; i += 1) {
    text = ALPHABET.charAt(Number(number % 62n)) + text;
    number /= 62n;
  }
  return text;
}

/** `run_…` from 128 bits: random ones, or a hash. */
export function runId(bytes: Uint8Array): string {
  return `run_${base62(bytes)}`;
}

/** Whether a string has the form of a run's id; one that has not is not looked up. */
export function isRunId(text: string): boolean {
  return /^run_[0-9A-Za-z]{22}$/.test(text);
}

/** `trg_…` from 128 random bits. */
export function triggerId(bytes: Uint8Array): string {
  return `trg_${base62(bytes)}`;
}

/** Whether a string has the form of a trigger's id; one that has not is not looked up. */
export function isTriggerId(text: string): boolean {
  return /^trg_[0-9A-Za-z]{22}$/.test(text);
}

/** `fir_…` from 128 bits of a hash of what is decided once. */
export function firingId(bytes: Uint8Array): string {
  return `fir_${base62(bytes)}`;
}

/** Whether a string has the form of a firing's id. */
export function isFiringId(text: string): boolean {
  return /^fir_[0-9A-Za-z]{22}$/.test(text);
}

/** An attempt's nonce: 128 random bits, in each of its paths. */
export function newNonce(random: RandomBytes): string {
  return base62(random(16));
}

/** A version 4 UUID, as agents' sessions want it. */
export function newUuid(random: RandomBytes): string {
  const bytes = Uint8Array.from(random(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
