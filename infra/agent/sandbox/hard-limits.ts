import { readFileSync } from "node:fs";

/** Bounds that the kernel gives each process, as `/proc/self/limits` and prlimit name them. */
const NAMES = {
  fsize: "Max file size",
  nofile: "Max open files",
  nproc: "Max processes",
} as const;

/**
 * An option of prlimit for a bound that is wanted, or for our own where that is lower: nobody but
 * root may raise it, and a machine with little memory lets a user have fewer processes than we do.
 */
export function limitOption(name: keyof typeof NAMES, wanted: number): string {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = new RegExp(`^${NAMES[name]} +\\S+ +(\\d+)`, "m").exec(limits)?.[1];
  return `--${name}=${Math.min(wanted, Number(hard ?? Number.POSITIVE_INFINITY))}`;
}
