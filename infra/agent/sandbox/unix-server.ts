import { chmod } from "node:fs/promises";
import type { Server } from "node:http";
import type { Duplex } from "node:stream";

/** A proxy that accepts connections on its unix socket. */
export interface RunningProxy extends AsyncDisposable {
  /** Ends every open connection and removes the socket. */
  close(): Promise<void>;
}

/** Starts an HTTP server on a unix socket; `close` also ends tunnels, which `node:http` forgets. */
export async function listenOnSocket(server: Server, socketPath: string): Promise<RunningProxy> {
  const open = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, () => resolve());
  });
  // Who may pass the folders above it may connect: the sandbox's user can be another than ours.
  await chmod(socketPath, 0o666);
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  return { close, [Symbol.asyncDispose]: close };
}
