const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random bytes, as the functions pass them in: `n` of them. */
export type RandomBytes = (n: number) => Uint8Array;

const DIGITS = 22;
/** So many digits are taken off at once: what is left of a division by them fits with 16 bits. */
const AT_ONCE = 3;
const DIVISOR = 62 ** AT_ONCE;

/** 128 bits as 22 characters of `0-9A-Za-z`. */
export function base62(bytes: Uint8Array): string {
  // 16 bits each, the highest first.
  const number: number[] = [];
  for (let at = 0; at < Math.min(bytes.length, 16); at += 2) {
    number.push((bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0));
  }
  let text = "";
  while (text.length < DIGITS) {
    let rest = divide(number, DIVISOR);
    for (let digit = 0; digit < AT_ONCE && text.length < DIGITS; digit += 1) {
      text = ALPHABET.charAt(rest % 62) + text;
      rest = Math.floor(rest / 62);
    }
  }
  return text;
}

/** Divides a number of 16 bits a place, the highest first, in place. Returns the rest. */
function divide(number: number[], divisor: number): number {
  let rest = 0;
  for (let at = 0; at < number.length; at += 1) {
    const dividend = rest * 65_536 + (number[at] ?? 0);
    number[at] = Math.floor(dividend / divisor);
    rest = dividend % divisor;
  }
  return rest;
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

/** Each byte as two digits. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** A version 4 UUID, as agents' sessions want it. */
export function newUuid(random: RandomBytes): string {
  const bytes = Uint8Array.from(random(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => HEX[byte]).join("");
  const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20]] as const;
  return parts.map(([from, to]) => hex.slice(from, to)).join("-");
}
