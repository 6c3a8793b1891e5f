import type { Server } from "node:http";
import type { Socket } from "node:net";

/** What is told of a connection that somebody known has used. */
const proofs = new WeakMap<Socket, (owner: string) => void>();

/**
 * Holds a server to `most` connections at a time. One too many takes the place of the oldest that
 * nobody known has used: so whoever has no key can take no place from those who have, whatever
 * address they share behind a proxy. Of one owner's connections at most half are kept so.
 */
export function boundConnections(server: Server, most: number): void {
  /** Oldest first. */
  const strangers = new Set<Socket>();
  const owners = new Map<Socket, string>();
  const counts = new Map<string, number>();
  const count = (owner: string, by: number): void => {
    const now = (counts.get(owner) ?? 0) + by;
    if (now === 0) counts.delete(owner);
    else counts.set(owner, now);
  };
  const forget = (socket: Socket): void => {
    strangers.delete(socket);
    const owner = owners.get(socket);
    if (owner !== undefined) count(owner, -1);
    owners.delete(socket);
  };
  server.on("connection", (socket: Socket) => {
    const [oldest = socket] = strangers;
    if (strangers.size + owners.size >= most) {
      forget(oldest);
      oldest.destroy();
      if (oldest === socket) return;
    }
    strangers.add(socket);
    socket.once("close", () => forget(socket));
    proofs.set(socket, (owner) => {
      if (!strangers.has(socket) || (counts.get(owner) ?? 0) >= most / 2) return;
      strangers.delete(socket);
      owners.set(socket, owner);
      count(owner, 1);
    });
  });
}

/** Notes that somebody known uses a connection. */
export const proveConnection = (socket: Socket, owner: string): void => proofs.get(socket)?.(owner);
