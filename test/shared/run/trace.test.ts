import fc from "fast-check";
import { continuing, traceContextOf, traceParts } from "../../../shared/run/trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const CONTEXT = `00-${TRACE}-${SPAN}-01`;

test.each([
  [CONTEXT, CONTEXT],
  [`00-${TRACE}-${SPAN}-00`, `00-${TRACE}-${SPAN}-00`],
  // Flags of which nobody here knows what they mean.
  [`00-${TRACE}-${SPAN}-fe`, `00-${TRACE}-${SPAN}-00`],
  [`00-${TRACE}-${SPAN}-03`, CONTEXT],
  // A version to come.
  [`cc-${TRACE}-${SPAN}-01`, CONTEXT],
  [`cc-${TRACE}-${SPAN}-01-what.the-future-brings`, CONTEXT],
])("%s is a context", (header, context) => {
  expect(traceContextOf(header)).toBe(context);
});

test.each([
  undefined,
  null,
  1,
  "",
  [CONTEXT],
  `00-${TRACE}-${SPAN}`,
  `00-${TRACE}-${SPAN}-01-more`,
  `cc-${TRACE}-${SPAN}-01.more`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  CONTEXT.toUpperCase(),
  ` ${CONTEXT}`,
  `${CONTEXT}\n`,
  // The header sent twice, as Node joins it.
  `${CONTEXT}, ${CONTEXT}`,
  `cc-${TRACE}-${SPAN}-01-${"x".repeat(500)}`,
])("%j is none", (header) => {
  expect(traceContextOf(header)).toBeNull();
});

test("whatever is sent, what is read of it is of one form, and read again the same", () => {
  const hex = (length: number) =>
    fc.string({
      unit: fc.constantFrom(..."0123456789abcdef"),
      minLength: length,
      maxLength: length,
    });
  const nearly = fc
    .tuple(hex(2), hex(32), hex(16), hex(2), fc.oneof(fc.constant(""), fc.string()))
    .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly, fc.anything()), (sent) => {
      const context = traceContextOf(sent);
      if (context === null) return;
      expect(context).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
      expect(traceContextOf(context)).toBe(context);
      expect(sent).toContain(traceParts(context).traceId);
    }),
  );
});

test("work on a run goes on in the run's trace, whatever a message says", () => {
  const later = `00-${TRACE}-${"1".repeat(16)}-01`;
  const foreign = `00-${"a".repeat(32)}-${SPAN}-01`;
  expect(continuing(CONTEXT, later)).toBe(later);
  expect(continuing(CONTEXT, foreign)).toBe(CONTEXT);
  expect(continuing(CONTEXT, null)).toBe(CONTEXT);
  expect(continuing(null, later)).toBeNull();
});
