/**
 * Repeats `check` until it does not throw, for at most `seconds`; then throws what it threw last.
 * The default is below a test's own limit, and no promise of ours: a busy machine may take as long.
 */
export async function eventually<T>(check: () => T | Promise<T>, seconds = 100): Promise<T> {
  const giveUpAt = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
