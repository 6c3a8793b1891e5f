import { cutText } from "../text.ts";

/** Looks like nothing, and keeps GitHub from taking what is around it for one word. */
const GAP = "\u200b";

/** What turns the direction of text around, or stands for nothing, and control characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

/**
 * A text of an agent or a prompt that notifies nobody and closes nothing where GitHub shows it: no
 * mention, no reference to an issue, a commit or a pull request, no hidden comment.
 *
 * @see https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
 */
function harmless(text: string): string {
  return text
    .replace(UNSEEN, (character) => ("\n\t".includes(character) ? character : ""))
    .replace(/@(?=[\w-])/g, `@${GAP}`)
    .replace(/#(?=\d)/g, `#${GAP}`)
    .replace(/\b(gh-)(?=\d)/gi, `$1${GAP}`)
    .replace(/\/(issues|pull|discussions|commit)\/(?=\w)/gi, `/$1/${GAP}`)
    .replace(/<!--/g, `<${GAP}!--`);
}

/** {@link harmless} on one line. */
export const harmlessLine = (text: string): string =>
  harmless(text.replace(/\s+/g, " ")).replace(/\s+/g, " ").trim();

/**
 * A text as it is, in a block of code that it cannot leave: no link, no picture, no markup.
 *
 * @param maxBytes of the text, in UTF-8
 */
export function asBlock(text: string, maxBytes: number): string {
  const shown = cutText(harmless(text), maxBytes);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}`;
}
