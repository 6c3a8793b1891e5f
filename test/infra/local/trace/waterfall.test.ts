import type { ReceivedSpan } from "../../../../infra/emulators/otlp/messages.ts";
import { waterfall } from "../../../../infra/local/trace/waterfall.ts";

const T0 = Date.parse("2026-01-02T03:04:05.000Z");

function span(name: string, parentSpanId: string, [from, to]: [number, number]): ReceivedSpan {
  return {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: name,
    parentSpanId,
    name,
    kind: 1,
    from: T0 + from,
    to: T0 + to,
    attributes: {},
    isError: false,
    resource: { "service.name": "runyard-api" },
  };
}

/** Name, indentation, bar. */
function rowsOf(page: string): string[][] {
  const row =
    /padding-left: ([\d.]+)rem">(.+?) <small>.*?margin-left: ([\d.]+)%; width: ([\d.]+)%/g;
  return [...page.matchAll(row)].map(([, ...parts]) => parts);
}

test("each span stands under the one that it is a part of, with a bar from its beginning to its end", () => {
  const page = waterfall("run_1", [
    // As they come: what ends first is told first.
    span("agent", "build", [500, 900]),
    span("build", "POST", [400, 1000]),
    span("publish", "POST", [0, 100]),
    span("POST", "a caller's, which is not there", [0, 200]),
  ]);
  expect(rowsOf(page)).toEqual([
    ["0", "POST", "0.000", "20.000"],
    ["1.2", "publish", "0.000", "10.000"],
    ["1.2", "build", "40.000", "60.000"],
    ["2.4", "agent", "50.000", "40.000"],
  ]);
  expect(page).toContain("1.00 s from 2026-01-02T03:04:05.000Z");
});

test("nothing that stands in a span is more than text, and spans in a circle end it", () => {
  const hostile = '<script>alert("1")</script>\'&';
  const one = { ...span(hostile, "", [0, 0]), attributes: { [hostile]: hostile } };
  const page = waterfall(hostile, [one, span("a", "b", [0, 1]), span("b", "a", [0, 1])]);
  expect(page).not.toContain("<script");
  expect(page).not.toMatch(/title="[^"]*alert\("/);
  expect(page).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;");
});
