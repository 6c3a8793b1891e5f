/** A message that no function could handle, and why. */
export interface DeadLetter {
  messageId: string;
  /** The function or the subscription that it was for. */
  source: string;
  reason: string;
  /** The run that it was about; null: none that is known of. */
  runId: string | null;
  /** Its text, or the beginning of it. */
  data: string;
}

/** Messages that no function could handle. */
export interface DeadLetters {
  /** Keeps one; once more changes nothing. */
  keep(letter: DeadLetter): Promise<void>;
}
