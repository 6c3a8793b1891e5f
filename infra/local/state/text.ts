const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A size for a person: `1.5 MB`. */
export function bytes(size: number): string {
  const unit = Math.min(UNITS.length - 1, size < 1000 ? 0 : Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** unit;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1 topic`, `2 topics` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
