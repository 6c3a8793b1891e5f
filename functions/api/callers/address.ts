import { isIPv6 } from "node:net";
import type { Request } from "express";

/**
 * Who sends a request, as far as its address tells: for IPv6 the network (/64), since a caller has
 * all of its addresses. Callers without one, as on a Unix socket, are the same.
 *
 * @param forwardedHops how many proxies in front of us append to `X-Forwarded-For`; what callers
 * put there stands before that. 0: the header is not looked at.
 */
export function addressOf({ headers, socket }: Request, forwardedHops: number): string {
  const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",");
  const hop = forwardedHops === 0 ? undefined : forwarded.at(-forwardedHops)?.trim();
  const address = hop || socket.remoteAddress || "local";
  return isIPv6(address) ? networkOf(address) : address;
}

/**
 * The first four groups of an IPv6 address, written in full; an IPv4 address that is mapped to one
 * as that.
 */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head.split(":").filter(Boolean);
  const right = (tail ?? "").split(":").filter(Boolean);
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  const groups = [...left, ...zeros, ...right].slice(0, 4);
  return `${groups.map((group) => group.toLowerCase().replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
