/** Where something sealed is kept; opened elsewhere it is nothing. */
export interface SealedPlace {
  /** Path of the document, as `webhooks/whk_…`. */
  document: string;
  field: string;
}

/** Keeps secrets from whoever reads documents, backups and exports. */
export interface Sealing {
  /**
   * The text, sealed with the first key: `v1.KEY.…`, of letters that need no quotes.
   *
   * @throws {AppError} unavailable where there are no keys
   */
  seal(text: string, place: SealedPlace): string;
  /**
   * The text again.
   *
   * @throws {AppError} unavailable if no key of the ring has sealed this, or not for this place; its
   * message has nothing of either text
   */
  open(sealed: string, place: SealedPlace): string;
}
