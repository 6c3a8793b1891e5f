import type { Timestamp } from "./messages.ts";

const MICROS = 1_000_000;

/**
 * Firestore's instants inside the stand-in are whole microseconds since the epoch in a plain number
 * (exact until the year 2255), which is also the precision that Google stores.
 */
export function toTimestamp(micros: number): Timestamp {
  const seconds = Math.floor(micros / MICROS);
  return { seconds: String(seconds), nanos: (micros - seconds * MICROS) * 1000 };
}

/** Microseconds since the epoch; what is finer than that is cut off, as Google does. */
export function toMicros(timestamp: Timestamp): number {
  return Number(timestamp.seconds ?? 0) * MICROS + Math.floor((timestamp.nanos ?? 0) / 1000);
}

/** A resume token: the instant up to which its holder has seen everything. */
export function toResumeToken(micros: number): Buffer {
  const token = Buffer.alloc(8);
  token.writeBigUInt64BE(BigInt(micros));
  return token;
}

/** The instant in a resume token; undefined when the stand-in did not write it. */
export function fromResumeToken(token: Uint8Array): number | undefined {
  if (token.length !== 8) return undefined;
  return Number(Buffer.from(token).readBigUInt64BE());
}
