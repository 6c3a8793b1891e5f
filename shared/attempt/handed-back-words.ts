/** How what an agent is told of checks that did not pass begins. */
export const HANDED_BACK = "Checks ran on what you left, and did not pass:";
