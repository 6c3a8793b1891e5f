const ENGLISH = new Intl.NumberFormat("en");

/** 1 file, 2 files. */
export const counted = (n: number, one: string, more = `${one}s`): string =>
  `${ENGLISH.format(n)} ${n === 1 ? one : more}`;

/** $0.83; less than a cent that is not nothing is said to be so. */
export function usdText(usd: number): string {
  return usd > 0 && usd < 0.005 ? "under $0.01" : `$${usd.toFixed(2)}`;
}

/** 640, 9.4 k, 182 k, 1.2 M. */
export function tokensText(n: number): string {
  if (n < 1000) return String(n);
  const [amount, unit] = n < 999_500 ? [n / 1000, "k"] : [n / 1_000_000, "M"];
  return `${amount < 10 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
}

/** 812 B, 38 kB, 1.9 MB. */
export function bytesText(n: number): string {
  if (n < 1000) return `${n} B`;
  if (n < 999_500) return `${Math.round(n / 1000)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}
