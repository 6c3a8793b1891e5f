/**
 * A piece of HTML; only {@link html} and {@link raw} make one, so whatever else is shown is
 * escaped.
 */
export interface Html {
  readonly markup: string;
}

type Shown = Html | string | number | undefined | false | readonly Shown[];

/** HTML with its values escaped, lists joined, and nothing for `undefined` and `false`. */
export function html(parts: TemplateStringsArray, ...values: Shown[]): Html {
  return raw(String.raw({ raw: parts }, ...values.map(markupOf)));
}

/** `markup` as it is: only for text of our own. */
export function raw(markup: string): Html {
  return { markup };
}

/** Prose in which `` `…` `` is code. */
export function prose(text: string): Html {
  return html`${text.split("`").map((part, i) => (i % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}

function markupOf(value: Shown): string {
  if (value === undefined || value === false) return "";
  if (typeof value === "object") {
    return "markup" in value ? value.markup : value.map(markupOf).join("");
  }
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
