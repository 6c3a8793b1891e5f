import { styleText } from "node:util";

/** How a status looks; one that is not known here looks like any text. */
const COLOURS: Readonly<Record<string, Parameters<typeof styleText>[0]>> = {
  running: "cyan",
  succeeded: "green",
  failed: "red",
  expired: "red",
  timed_out: "yellow",
  cancelling: "yellow",
  cancelled: "yellow",
};

/**
 * A line for standard error with its status in colour, as far as that shows colours and nobody says
 * `NO_COLOR`.
 *
 * @param line in which nothing steers a terminal any longer
 */
export function painted(line: string, status: string): string {
  const colour = Object.hasOwn(COLOURS, status) ? COLOURS[status] : undefined;
  const at = line.indexOf(status);
  if (colour === undefined || at < 0) return line;
  const text = styleText(colour, status, { stream: process.stderr });
  return line.slice(0, at) + text + line.slice(at + status.length);
}
