/** Does `work` `count` times, `width` of them at any time. */
export async function inParallel(
  { count, width }: { count: number; width: number },
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
