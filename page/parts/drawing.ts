/** What waits to be drawn, in its order. */
const waiting = new Set<() => void>();
const channel = new MessageChannel();

channel.port1.onmessage = () => {
  const [draw] = waiting;
  if (draw === undefined) return;
  waiting.delete(draw);
  draw();
  if (waiting.size > 0) next();
};

/** After the next frame, so that keys and clicks come between two. */
const next = (): void => {
  requestAnimationFrame(() => channel.port2.postMessage(null));
};

/** Draws something large piece by piece: no piece is felt. @returns what takes it back */
export function drawLater(draw: () => void): () => void {
  waiting.add(draw);
  if (waiting.size === 1) next();
  return () => void waiting.delete(draw);
}
