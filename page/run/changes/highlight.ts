import type { Emitter, LanguageFn } from "highlight.js";
import hljs from "highlight.js/lib/core";
import { byLine, type Tone } from "./pieces.ts";

/** The few languages that are coloured, each loaded when a file needs it. */
const LANGUAGES: Readonly<Record<string, () => Promise<{ default: LanguageFn }>>> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  go: () => import("highlight.js/lib/languages/go"),
  java: () => import("highlight.js/lib/languages/java"),
  json: () => import("highlight.js/lib/languages/json"),
  python: () => import("highlight.js/lib/languages/python"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const ENDINGS: Readonly<Record<string, string>> = {
  ...{ sh: "bash", bash: "bash", go: "go", java: "java", kt: "java", json: "json", py: "python" },
  ...{ ts: "typescript", tsx: "typescript", js: "typescript", jsx: "typescript" },
  ...{ mjs: "typescript", cjs: "typescript", mts: "typescript", yaml: "yaml", yml: "yaml" },
};

/** The language of a file by its name, once it is loaded; undefined: it is not coloured. */
export async function loadLanguage(file: string): Promise<string | undefined> {
  const name = ENDINGS[/\.(\w+)$/.exec(file)?.[1]?.toLowerCase() ?? ""];
  const load = LANGUAGES[name ?? ""];
  if (name === undefined || load === undefined) return undefined;
  if (hljs.getLanguage(name) === undefined) hljs.registerLanguage(name, (await load()).default);
  return name;
}

const TONES: Readonly<Record<string, Tone["tone"]>> = {
  keyword: "k",
  built_in: "k",
  literal: "k",
  string: "s",
  number: "s",
  regexp: "s",
  comment: "c",
  doctag: "c",
  attr: "s",
};

/** Takes down which characters have which colour; makes no HTML. */
class Tones implements Emitter {
  readonly spans: Tone[] = [];
  readonly #scopes: string[] = [];
  #at = 0;

  addText(text: string): void {
    const from = this.#at;
    this.#at += text.length;
    const scope = this.#scopes.findLast((name) => TONES[name] !== undefined);
    const tone = TONES[scope ?? ""];
    if (tone === undefined) return;
    const last = this.spans.at(-1);
    if (last?.to === from && last.tone === tone) last.to = this.#at;
    else this.spans.push({ from, to: this.#at, tone });
  }
  startScope(name: string): void {
    this.#scopes.push(name.split(".")[0] ?? "");
  }
  endScope(): void {
    this.#scopes.pop();
  }
  /** The same; modes are told so, keywords as scopes. */
  openNode(name: string): void {
    this.startScope(name);
  }
  closeNode(): void {
    this.endScope();
  }
  __addSublanguage(inner: Emitter): void {
    if (!(inner instanceof Tones)) return;
    for (const { from, to, tone } of inner.spans) {
      this.spans.push({ from: from + this.#at, to: to + this.#at, tone });
    }
    this.#at += inner.#at;
  }
  finalize(): void {}
  toHTML(): string {
    return "";
  }
}

hljs.configure({ __emitter: Tones });

/** More characters than these are not coloured at a time: it would be felt. */
const MOST_CHARACTERS = 20_000;

/** The colours of lines that stand one after the other, line by line. */
export function tonesOf(lines: readonly string[], language: string): Tone[][] {
  const code = lines.join("\n");
  if (code.length > MOST_CHARACTERS) return lines.map(() => []);
  const { _emitter } = hljs.highlight(code, { language, ignoreIllegals: true });
  return byLine(lines, (_emitter as Tones).spans);
}
