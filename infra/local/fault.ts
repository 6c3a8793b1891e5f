import { asDiskFull } from "../emulators/wire/disk.ts";
import { StateInUse } from "./state/directory.ts";
import { UnusableState } from "./state/format.ts";

/** Why services could not be started or had to end, for a person. */
export function faultText(error: unknown): string {
  const port = portFault(error);
  if (port !== undefined) return port;
  if (error instanceof StateInUse) {
    const where = error.server ? `: a server runs at ${error.server.apiUrl}` : "; it is starting";
    return `${error.message}${where}. Use it, stop it, or start with --state DIR.`;
  }
  if (error instanceof UnusableState) return error.message;
  const full = asDiskFull(error);
  if (full !== undefined) return full.message;
  if (!(error instanceof Error)) return String(error);
  return "code" in error || error.constructor === Error
    ? error.message
    : (error.stack ?? error.message);
}

/** A port that cannot be had, with what to do. */
function portFault(error: unknown): string | undefined {
  const { code, syscall, port } = error as NodeJS.ErrnoException & { port?: number };
  if (syscall !== "listen" || port === undefined) return undefined;
  const reasons: Record<string, string> = {
    EADDRINUSE: "another program has it",
    EACCES: "you may not open it",
  };
  const reason = reasons[code ?? ""] ?? "it cannot be opened";
  return `Port ${port} cannot be used: ${reason} (${code}). Choose another one with --port N, or leave --port out for the next that is free.`;
}
