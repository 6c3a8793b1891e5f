import { GoogleError, type GoogleStatus } from "../../../infra/emulators/wire/status.ts";

/** A refusal as Google's gRPC clients throw it: with the number of its status. */
export function grpcError(status: GoogleStatus, message: string): Error {
  const { grpcCode } = new GoogleError(status, message);
  const error = new Error(`${grpcCode} ${status}: ${message}`);
  return Object.assign(error, { code: grpcCode, details: message });
}

/** What a client throws for what its service threw. */
export function asClientError(thrown: unknown): unknown {
  return thrown instanceof GoogleError ? grpcError(thrown.status, thrown.message) : thrown;
}
