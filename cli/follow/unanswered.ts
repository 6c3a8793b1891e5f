/** Whether `fetch` found nobody, lost the connection, or waited in vain. */
export function isUnanswered(error: unknown): boolean {
  const { name } = error as Error;
  return name === "TimeoutError" || (error instanceof TypeError && isOfFetch(error));
}

const isOfFetch = ({ message, cause }: TypeError): boolean =>
  cause !== undefined || message === "terminated" || message === "fetch failed";
