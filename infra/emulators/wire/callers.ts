/** A call as whoever decides about it sees it. */
export interface AccountCall {
  /** Who calls, as {@link Callers.accounts} has it. */
  account: string;
  /** `google.pubsub.v1.Publisher/Publish`, or `storage.objects.get` */
  method: string;
  /** A unary call's decoded request, or the HTTP request; a stream of requests has none. */
  request: unknown;
}

/**
 * Who calls, and what becomes of it. Google's clients send no credentials to a stand-in, so an
 * account is known by the address that it was given: each has its own in each service. The address
 * without an account is its owner's, who may everything and is asked nothing.
 */
export interface Callers {
  accounts: readonly string[];
  /**
   * Told each call before it is performed. @throws {GoogleError} to refuse it, with the status
   * PERMISSION_DENIED
   */
  admit(call: AccountCall): void;
  /**
   * Whether the account may list the objects of a bucket: to who may not, a missing one looks
   * forbidden.
   */
  mayList(account: string, bucket: string): boolean;
}

/** Finds who calls by the port that was called. */
export class CallerPorts {
  readonly #accounts = new Map<number, string>();
  readonly #ports = new Map<string, number>();

  add(account: string, port: number): void {
    this.#accounts.set(port, account);
    this.#ports.set(account, port);
  }

  /** Undefined: the owner. */
  accountAt(port: number): string | undefined {
    return this.#accounts.get(port);
  }

  /** @throws {Error} if there is no such account */
  portOf(account: string): number {
    const port = this.#ports.get(account);
    if (port === undefined) throw new Error(`no account ${account} is known here`);
    return port;
  }
}
