import { endedSession, faultOf } from "../session.ts";
import { say } from "./toast.tsx";

/** Says what came of a request: `done`, or why it was refused; undefined: it was. */
export async function said<T>(
  request: Promise<T>,
  done: string | undefined,
): Promise<T | undefined> {
  try {
    const answer = await request;
    if (done !== undefined) say(done);
    return answer;
  } catch (error) {
    if (!endedSession(error)) say(`Not done: ${faultOf(error)}`, { isBad: true });
    return undefined;
  }
}
