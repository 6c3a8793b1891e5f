import { connect, type Socket } from "node:net";

/** How a hostile client leaves. */
export type Leave = "end" | "destroy" | "reset";

/** A connection to a port of this machine; its errors are expected. */
export async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

/**
 * Sends the pieces, each by itself, and leaves; resolves when the connection is gone.
 *
 * After "end" the server has to close its side within `patienceMs`; then the connection is
 * destroyed.
 */
export async function attack(
  port: number,
  pieces: Buffer[],
  { leave = "destroy", patienceMs = 300 }: { leave?: Leave; patienceMs?: number } = {},
): Promise<void> {
  const socket = await open(port);
  const closed = socket.closed || new Promise((resolve) => socket.once("close", resolve));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  if (leave === "reset") socket.resetAndDestroy();
  else if (leave === "destroy") socket.destroy();
  else socket.end();
  const timer = setTimeout(() => socket.destroy(), patienceMs);
  await closed;
  clearTimeout(timer);
}

/** Bytes that look random and are the same for the same seed. */
export function bytes(length: number, seed: number): Buffer {
  const buffer = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    buffer[index] = state & 0xff;
  }
  return buffer;
}
