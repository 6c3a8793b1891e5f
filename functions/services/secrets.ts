/** What is known of secrets without asking for them: nobody but a build may do that. */
export interface KnownSecrets {
  /** Why a build would not get a secret; undefined: it would, or only the build can tell. */
  faultOf(versionName: string): Promise<string | undefined>;
  /** What adds a secret that is not there: a sentence without its end. */
  howToAdd(versionName: string): string;
}

/** Secrets of owners that a function has to have itself. */
export interface SecretValues {
  /**
   * A secret's value.
   *
   * @throws {DeliveryFault} if it is not there, or not for this function
   */
  read(versionName: string): Promise<string>;
}
