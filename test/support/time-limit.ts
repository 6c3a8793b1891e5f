import { addEventHandler } from "jest-circus";

/** Milliseconds that a test or a hook may take at least. */
const LIMIT_MS = 120_000;

type Work = () => Promise<unknown>;

/**
 * What hangs fails by its name, instead of holding the whole run: the runner has no limits of its
 * own. Jest's third argument of a test or a hook (milliseconds) gives more.
 */
function limited(work: Work, name: string, limitMs: number): Work {
  return async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`${name} hangs: ${limitMs / 1000} s`)),
      limitMs,
    );
    try {
      await Promise.race([work(), promise]);
    } finally {
      clearTimeout(timer);
    }
  };
}

addEventHandler((event, { currentDescribeBlock }) => {
  const declared =
    event.name === "add_test"
      ? currentDescribeBlock.children.at(-1)
      : event.name === "add_hook"
        ? currentDescribeBlock.hooks.at(-1)
        : undefined;
  if (declared === undefined || declared.type === "describeBlock") return;
  const name = declared.type === "test" ? declared.name : declared.type;
  declared.fn = limited(declared.fn as Work, name, Math.max(declared.timeout ?? 0, LIMIT_MS));
});
