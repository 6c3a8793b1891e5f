/**
 * What a client's call is, in the words of the table of covered calls: `firestore.commit`,
 * `storage.insert claim`.
 */
type CallKind = string;

/**
 * Stands where a client's request leaves the process: decides when, and whether, `effect` happens
 * in the service, and what the caller is told of it.
 */
export interface Caller {
  /**
   * @param effect what the service does, at once; throws a {@link GoogleError} or a client's error
   * @returns what `effect` gave; never settles for a caller that has died
   */
  call<T>(kind: CallKind, effect: () => T): Promise<T>;
}

/** Every call happens at once. */
export const direct: Caller = {
  call: (_kind, effect) => Promise.try(effect),
};
