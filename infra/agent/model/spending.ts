/** The bounds of an attempt's spending, in USD. */
interface Budget {
  /** The run's own, for all of its attempts. */
  runUsd: number;
  /** What of its owner's day is set aside for this attempt; infinite: the day has no budget. */
  attemptUsd: number;
}

/** What an attempt may spend, and what it has. Amounts are in USD. */
export interface Spending {
  /**
   * What of the run's budget earlier attempts have left, or of the owner's day, if that is less.
   */
  limitUsd: number;
  earlierUsd: number;
  /** Whether it is the owner's day that bounds the attempt. */
  isOwners: boolean;
  /** What is left: the limit without what was spent and what is set aside. */
  left(): number;
  /** Whether something is set aside, of which a part may come back. */
  isWaiting(): boolean;
  /** Resolves when the next amount that was set aside is known. */
  nextSettled(): Promise<void>;
  /**
   * Sets an amount aside and makes that last: an attempt that vanishes has spent it.
   *
   * @returns takes what it really was, once. Undefined: it is not left, and nothing was set aside.
   * @throws if it cannot be made to last.
   */
  reserve(usd: number): Promise<((spentUsd: number) => void) | undefined>;
  spentUsd(): number;
  /** The same without what is set aside. */
  settledUsd(): number;
}

/** Where spending is made to last. */
export interface SpendingStore {
  /** What the run's earlier attempts have spent, or may have. */
  earlierUsd(): Promise<number>;
  /** Remembers that this attempt may have spent so much. */
  raise(step: number, upToUsd: number): Promise<void>;
}

/**
 * The share of the limit that is remembered at once, so that not every request waits for the
 * storage.
 */
const STEP_SHARE = 0.05;

/**
 * Opens the attempt's part of a run's budget, which all attempts of the run share.
 *
 * @throws if the storage does not say what earlier attempts have spent.
 */
export async function openSpending(
  { runUsd, attemptUsd }: Budget,
  store: SpendingStore,
): Promise<Spending> {
  const earlierUsd = await store.earlierUsd();
  const rest = Math.max(0, runUsd - earlierUsd);
  const limit = Math.min(rest, attemptUsd);
  let spent = 0;
  let aside = 0;
  let open = 0;
  let settled = Promise.withResolvers<void>();
  let remembered = 0;
  let steps = 0;
  let raising: Promise<void> = Promise.resolve();

  /** One at a time: whoever waits finds it remembered already. */
  const remember = (usd: number): Promise<void> => {
    const next = raising.then(async () => {
      if (usd <= remembered) return;
      const upTo = Math.min(limit, usd + limit * STEP_SHARE);
      await store.raise(steps, upTo);
      steps += 1;
      remembered = upTo;
    });
    raising = next.catch(() => {});
    return next;
  };
  return {
    limitUsd: limit,
    earlierUsd,
    isOwners: attemptUsd < rest,
    left: () => Math.max(0, limit - spent - aside),
    isWaiting: () => open > 0,
    nextSettled: () => settled.promise,
    spentUsd: () => spent + aside,
    settledUsd: () => spent,
    async reserve(usd) {
      if (!(usd <= limit - spent - aside)) return undefined;
      aside += usd;
      open += 1;
      let isSettled = false;
      const settle = (spentUsd: number): void => {
        if (isSettled) return;
        isSettled = true;
        open -= 1;
        aside = open === 0 ? 0 : aside - usd;
        spent += spentUsd;
        settled.resolve();
        settled = Promise.withResolvers<void>();
      };
      try {
        await remember(spent + aside);
      } catch (error) {
        settle(0);
        throw error;
      }
      return settle;
    },
  };
}
