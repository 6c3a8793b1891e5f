import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { GROUPING_WORDS, type Grouping } from "./figures.ts";

interface TableRow {
  key: string;
  name: preact.ComponentChildren;
  cells: string[];
}

/** Rows that are shown at first. */
const FIRST_ROWS = 8;

interface KeyTableProps {
  by: Grouping | "outcome";
  heads: readonly string[];
  /** Whether the columns are the plot's lines. */
  hasLines?: boolean;
  children: TableRow[];
}

/** What a screen reader gets of a plot, and everybody else to the digit. */
export function KeyTable({ by, heads, hasLines = false, children: rows }: KeyTableProps) {
  const isWhole = useMemo(() => signal(false), []);
  const all = isWhole.value || rows.length <= FIRST_ROWS + 1;
  return (
    <div class="plot-table">
      <table>
        <thead>
          <tr>
            <th scope="col">{by === "outcome" ? "Outcome" : GROUPING_WORDS[by]}</th>
            {heads.map((head, index) => (
              <th key={head} scope="col">
                {hasLines && <span class={index === 0 ? "dash" : "dash thin"} />}
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(all ? rows : rows.slice(0, FIRST_ROWS)).map(({ key, name, cells }) => (
            <tr key={key}>
              <th scope="row">{name}</th>
              {cells.map((cell, index) => (
                <td key={heads[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {!all && (
        <button
          type="button"
          class="plain-link small ink2"
          onClick={() => {
            isWhole.value = true;
          }}
        >
          All {rows.length}
        </button>
      )}
    </div>
  );
}
