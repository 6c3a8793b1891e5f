import { shown } from "../words/shown.ts";
import type { Difference, DifferenceLine } from "./difference.ts";

const CLASSES: Readonly<Record<DifferenceLine["sign"], string>> = {
  same: "",
  added: "a",
  removed: "d",
};
const WORDS: Readonly<Record<DifferenceLine["sign"], string>> = {
  same: "",
  added: "added",
  removed: "removed",
};

/** What became of settings, each under its name, as a diff. */
export function SettingsDifference({ label, all }: { label: string; all: readonly Difference[] }) {
  const count = (sign: DifferenceLine["sign"]) =>
    all.flatMap(({ lines }) => lines).filter((line) => line.sign === sign).length;
  return (
    <section class="file" aria-label={label}>
      <header>
        <code class="grow">{label}</code>
        <span class="counts num">
          <span class="plus">+{count("added")}</span> <span class="minus">−{count("removed")}</span>
        </span>
      </header>
      <table class="diff uni settings-diff">
        {all.map(({ name, lines }) => (
          <tbody key={name}>
            <tr class="hunk">
              <th scope="rowgroup">{shown(name)}</th>
            </tr>
            {lines.map(({ sign, text }, index) => (
              <tr key={index} class={CLASSES[sign]}>
                <td>
                  {sign !== "same" && <span class="sr">{WORDS[sign]} </span>}
                  {shown(text)}
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </section>
  );
}
