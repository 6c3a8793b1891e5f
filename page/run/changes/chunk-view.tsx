import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { drawLater } from "../../parts/drawing.ts";
import { shown } from "../../words/shown.ts";
import { tonesOf } from "./highlight.ts";
import { changedWords, type Pair, pairsOf, type Span } from "./pairs.ts";
import type { Chunk, Line } from "./patch.ts";
import { piecesOf, type Tone } from "./pieces.ts";

const ROW_PX = 20;

interface Shown {
  chunk: Chunk;
  language: string | undefined;
  isSplit: boolean;
}

/** Some lines of a file; they keep their room until it is their turn to be drawn. */
export function ChunkView(props: Shown) {
  const isDrawn = useSignal(false);
  useEffect(
    () =>
      drawLater(() => {
        isDrawn.value = true;
      }),
    [],
  );
  const room = `${props.chunk.lines.length * ROW_PX}px`;
  if (!isDrawn.value) return <div style={{ height: room }} />;
  return (
    <div class="chunk" style={{ containIntrinsicHeight: `auto ${room}` }}>
      <Lines {...props} />
    </div>
  );
}

/** How a line's text is drawn. */
interface Look {
  tones: readonly Tone[];
  changed: readonly Span[];
}

function Lines({ chunk: { place, lines }, language, isSplit }: Shown) {
  const pairs = pairsOf(lines);
  const looks = looksOf(lines, pairs, language);
  const columns = isSplit ? 4 : 3;
  return (
    <table class={isSplit ? "diff" : "diff uni"}>
      <colgroup>
        <col class="n" />
        {isSplit && <col />}
        <col class="n" />
        <col />
      </colgroup>
      <tbody>
        {place !== "" && (
          <tr class="hunk">
            <td colSpan={columns}>{shown(place)}</td>
          </tr>
        )}
        {isSplit
          ? pairs.map((pair, i) => <SplitRow key={`${i}`} pair={pair} looks={looks} />)
          : lines.map((line, i) => <UnifiedRow key={`${i}`} line={line} looks={looks} />)}
      </tbody>
    </table>
  );
}

/** The colours and marks of each line: those before are read as one text, and those after. */
function looksOf(
  lines: readonly Line[],
  pairs: readonly Pair[],
  language: string | undefined,
): ReadonlyMap<Line, Look> {
  const looks = new Map<Line, { tones: readonly Tone[]; changed: readonly Span[] }>(
    lines.map((line) => [line, { tones: [], changed: [] }]),
  );
  if (language !== undefined) {
    for (const left of ["added", "removed"] as const) {
      const side = lines.filter(({ kind }) => kind !== left);
      const tones = tonesOf(
        side.map(({ text }) => text),
        language,
      );
      for (const [i, line] of side.entries())
        Object.assign(looks.get(line) ?? {}, { tones: tones[i] });
    }
  }
  for (const { before, after } of pairs) {
    if (before === null || after === null || before === after) continue;
    const changed = changedWords(before.text, after.text);
    Object.assign(looks.get(before) ?? {}, { changed: changed.before });
    Object.assign(looks.get(after) ?? {}, { changed: changed.after });
  }
  return looks;
}

type Looks = ReadonlyMap<Line, Look>;

const CLASSES: Readonly<Record<Line["kind"], string>> = { added: "a", removed: "d", same: "" };

function SplitRow({ pair: { before, after }, looks }: { pair: Pair; looks: Looks }) {
  return (
    <tr>
      <Half line={before} number={before?.before} looks={looks} />
      <Half line={after} number={after?.after} looks={looks} />
    </tr>
  );
}

function Half({
  line,
  number,
  looks,
}: {
  line: Line | null;
  number: number | null | undefined;
  looks: Looks;
}) {
  const kind = line === null ? "none" : CLASSES[line.kind];
  return (
    <>
      <td class={`n ${kind}`}>{number}</td>
      <td class={kind}>{line && <Text line={line} look={looks.get(line)} />}</td>
    </>
  );
}

function UnifiedRow({ line, looks }: { line: Line; looks: Looks }) {
  return (
    <tr class={CLASSES[line.kind]}>
      <td class="n">{line.before}</td>
      <td class="n">{line.after}</td>
      <td>
        <Text line={line} look={looks.get(line)} />
      </td>
    </tr>
  );
}

function Text({
  line: { text },
  look = { tones: [], changed: [] },
}: {
  line: Line;
  look: Look | undefined;
}) {
  return (
    <>
      {piecesOf(text, look).map(({ text: piece, tone, isChanged }, i) => {
        const code = tone === "" ? piece : <span class={tone}>{piece}</span>;
        if (isChanged) return <mark key={`${i}`}>{code}</mark>;
        return tone === "" ? (
          code
        ) : (
          <span key={`${i}`} class={tone}>
            {piece}
          </span>
        );
      })}
    </>
  );
}
