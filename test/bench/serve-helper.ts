/**
 * The other end of `startHelper`: says that it is ready, then answers each message; ends with its
 * parent.
 */
export function serveHelper(answer: (request: never) => Promise<object>): void {
  process.on("disconnect", () => process.exit(0));
  process.on("message", (request) => {
    answer(request as never).then(
      (reply) => process.send?.(reply),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.send?.({});
}
