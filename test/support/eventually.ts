/** Repeats `check` until it does not throw, for at most `seconds`; then throws what it threw last. */
export async function eventually<T>(check: () => T | Promise<T>, seconds = 30): Promise<T> {
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
