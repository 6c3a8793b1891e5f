import { usageFault } from "./failure.ts";
import { fileText } from "./settings-flags.ts";

/**
 * What the agent shall do: words of the command line, a file, or standard input (`-`).
 *
 * @returns undefined if nothing of it was said
 * @throws {Failure} if it was said twice, or is blank
 */
export function promptOf(words: readonly string[], file: string | undefined): string | undefined {
  if (file !== undefined && words.length > 0) {
    throw usageFault("The prompt is said twice: leave out -f, or the words");
  }
  if (file === undefined && words.length === 0) return undefined;
  const isInput = words.length === 1 && words[0] === "-";
  const said = isInput ? fileText("The prompt:", "-") : words.join(" ");
  const text = file === undefined ? said : fileText("-f", file);
  if (text.trim() === "") throw usageFault("The prompt is blank: say what the agent shall do");
  return text;
}
