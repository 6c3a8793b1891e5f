import { VirtualTime } from "./virtual-time.ts";

test("what others have left at work sees the real time while a world passes days", async () => {
  const seen: number[] = [];
  const left = setInterval(() => seen.push(Date.now()), 0);
  const startMs = Date.now();
  const time = new VirtualTime(1);
  let inside = 0;
  const day = () => {
    inside = Date.now();
    time.after(24 * 3600 * 1000, day);
  };
  time.after(0, day);
  await time.run(() => seen.length >= 3, Number.POSITIVE_INFINITY);
  clearInterval(left);
  expect(inside).toBe(time.nowMs());
  expect(seen.filter((at) => at < startMs || at > Date.now())).toEqual([]);
});
