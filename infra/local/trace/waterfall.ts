import type { ReceivedSpan } from "../../emulators/otlp/messages.ts";

/** A span with its place in the tree. */
interface Row extends ReceivedSpan {
  depth: number;
}

/**
 * A run's trace as a page of its own that any browser opens: a row for each span under the one that
 * it is a part of, in the order of their beginnings, with a bar from when to when it lasted. No
 * script, nothing from elsewhere.
 *
 * @param spans of one run, at least one
 */
export function waterfall(runId: string, spans: readonly ReceivedSpan[]): string {
  const rows = inTree(spans);
  const from = Math.min(...rows.map((row) => row.from));
  const to = Math.max(...rows.map((row) => row.to));
  const [{ traceId } = { traceId: "" }] = rows;
  const began = new Date(from).toISOString();
  const whole = { from, length: to - from || 1 };
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>Trace of ${escaped(runId)}</title>
<style>${STYLE}</style>
<h1>${escaped(runId)}</h1>
<p>${duration(to - from)} from ${began} · trace ${escaped(traceId)}</p>
<table>
<thead><tr><th>span</th><th>begins</th><th>takes</th><th></th></tr></thead>
<tbody>
${rows.map((row) => line(row, whole)).join("\n")}
</tbody>
</table>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif }
body { margin: 2rem } h1 { font-size: 1.2rem } p { color: GrayText }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600 }
td, th { padding: .2rem .8rem .2rem 0; white-space: nowrap; border-top: 1px solid #8884 }
td:nth-child(2), td:nth-child(3) { text-align: right; font-variant-numeric: tabular-nums }
td:last-child { width: 70%; padding: 0 }
i { display: block; height: .8rem; min-width: 2px; border-radius: 2px; background: #4a7fd6 }
.error i { background: #c4463a }
small { color: GrayText }
`;

function line(row: Row, whole: { from: number; length: number }): string {
  const began = row.from - whole.from;
  const took = row.to - row.from;
  const left = Math.min(100, (began / whole.length) * 100);
  const width = Math.min(100 - left, (took / whole.length) * 100);
  const facts = Object.entries(row.attributes).map(([name, value]) => `${name} = ${value}`);
  const bar = `<i style="margin-left: ${left.toFixed(3)}%; width: ${width.toFixed(3)}%"></i>`;
  const source = row.resource["service.name"] ?? "";
  const name = `<td style="padding-left: ${row.depth * 1.2}rem">${escaped(row.name)} <small>${escaped(`${source}`)}</small></td>`;
  const title = escaped(facts.join("\n"));
  const times = `<td>${duration(began)}</td><td>${duration(took)}</td>`;
  return `<tr${row.isError ? ' class="error"' : ""} title="${title}">${name}${times}<td>${bar}</td></tr>`;
}

/** Each span after the one that it is a part of; those whose one is not there begin a tree. */
function inTree(spans: readonly ReceivedSpan[]): Row[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const sorted = spans.toSorted((a, b) => a.from - b.from || b.to - a.to);
  const parts = Map.groupBy(sorted, ({ parentSpanId }) =>
    ids.has(parentSpanId) ? parentSpanId : "",
  );
  const below = (parent: string, depth: number): Row[] =>
    (parts.get(parent) ?? []).flatMap((span) => [
      { ...span, depth },
      ...below(span.spanId, depth + 1),
    ]);
  return below("", 0);
}

/** `1.25 s`, `830 ms` */
function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
