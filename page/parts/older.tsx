import type { Listed } from "./loaded.ts";

/** What stands below a list: why it is not there, and the way to more of it. */
export function Older<T>({ fault, hasMore, more }: Listed<T>) {
  return (
    <>
      {fault.value !== null && (
        <p class="bad" role="alert">
          {fault.value.why}
        </p>
      )}
      {hasMore.value && (
        <button type="button" class="button" onClick={more}>
          Older ones
        </button>
      )}
    </>
  );
}
