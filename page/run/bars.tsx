import type { Bar } from "./lanes.ts";

/** A length of SVG, which cannot be negative. */
export const percent = (share: number): string => `${(Math.max(0, share) * 100).toFixed(3)}%`;

const WIDTH_LEAST = 0.003;

/** Where a bar lies; at least as wide as can be seen. */
export const box = ({ from, to }: Bar) => ({
  x: percent(Math.min(from, 1 - WIDTH_LEAST)),
  width: percent(Math.max(WIDTH_LEAST, to - from)),
});

/** The lines of the time axis within a lane. */
export const Grid = ({ at }: { at: readonly number[] }) => (
  <>
    {[0, ...at].map((share) => (
      <line key={share} x1={percent(share)} x2={percent(share)} y1="0" y2="22" />
    ))}
  </>
);
