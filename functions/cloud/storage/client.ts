import type { Storage } from "@google-cloud/storage";

/** Gives the client that all adapters share; the first call loads it. */
export type LazyStorage = () => Promise<Storage>;

/**
 * Google's client takes a while to load, and not every function needs it. `STORAGE_EMULATOR_HOST`
 * is honoured.
 */
export function lazyStorage({ projectId }: { projectId: string }): LazyStorage {
  let opened: Promise<Storage> | undefined;
  return () => {
    // See `callingStorage`.
    const retryOptions = { autoRetry: false };
    opened ??= import("@google-cloud/storage").then(
      ({ Storage }) => new Storage({ projectId, retryOptions }),
    );
    return opened;
  };
}
