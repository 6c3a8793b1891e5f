import { getSystemErrorMessage } from "node:util";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/**
 * What ends the command, in words for a person: what is wrong, with which thing, and what to do.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: ExitCode;

  constructor(message: string, options: ErrorOptions & { exitCode?: ExitCode } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The command line is not as it must be. */
export function usageFault(message: string, cause?: unknown): Failure {
  return new Failure(message, { exitCode: EXIT.usage, ...(cause !== undefined && { cause }) });
}

/** What the system says of a call that failed, without its code: `no such file or directory`. */
export function systemReason(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return errno === undefined ? message : getSystemErrorMessage(errno);
}

/** There is no server that answers, or no key for it. */
export function unreachable(message: string, cause?: unknown): Failure {
  return new Failure(message, { exitCode: EXIT.api, ...(cause !== undefined && { cause }) });
}
