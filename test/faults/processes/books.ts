import type { RunRecord } from "../../../shared/run/record.ts";

/** A run that was asked for, as its caller has it in mind. */
export interface Order {
  /** Stands in the prompt, and in the run's label `order`. */
  key: string;
  idempotencyKey: string;
  prompt: string;
  /** What each of the answers called the run; empty: nobody has answered. */
  runIds: string[];
  /** Whether the caller has asked for its end. */
  isCancelled: boolean;
  /** Whether it was erased, or may have been. */
  isDeleted: boolean;
  /** Milliseconds since the epoch. */
  acceptedAt: number;
  /** The run as it was last seen. */
  record: RunRecord | undefined;
  /** When its end was seen. */
  overAt: number | undefined;
}

/** What callers have asked for and what became of it, beside the system's own books. */
export class Books {
  readonly orders = new Map<string, Order>();
  readonly #name: string;
  #last = 0;

  /** @param name stands in every key: other proofs of this machine have other ones */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * A new order.
   *
   * @param promptOf what it asks for, by its key
   * @param idempotencyKey that of a run which was erased. Default: its own.
   */
  open(promptOf: (key: string) => string, idempotencyKey?: string): Order {
    this.#last += 1;
    const key = `${this.#name}-${this.#last}`;
    const order: Order = {
      key,
      idempotencyKey: idempotencyKey ?? key,
      prompt: promptOf(key),
      runIds: [],
      isCancelled: false,
      isDeleted: false,
      acceptedAt: 0,
      record: undefined,
      overAt: undefined,
    };
    this.orders.set(key, order);
    return order;
  }

  /** Orders of which somebody was told that they are runs. */
  accepted(): Order[] {
    return [...this.orders.values()].filter(({ runIds }) => runIds.length > 0);
  }

  /** Those that nobody has seen the end of. */
  outstanding(): Order[] {
    return this.accepted().filter(({ overAt }) => overAt === undefined);
  }

  /** The order that a build works for, as far as anybody has seen. */
  orderOfBuild(buildId: string): Order | undefined {
    return this.outstanding().find(({ record }) => record?.state.build?.id === buildId);
  }
}

/** The label by which an order is known in the system's own books. */
export const ORDER_LABEL = "order";

/** The one run of an order that was accepted. */
export const runIdOf = ({ runIds }: Order): string => runIds[0] ?? "";
