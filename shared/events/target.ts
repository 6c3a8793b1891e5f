import ipaddr from "ipaddr.js";
import { isPublicAddress } from "../public-address.ts";

/** Addresses and a port that webhooks may go to beside port 443 of public ones. */
export interface WebhookNet {
  /** Undefined: every public address. */
  net: ReturnType<typeof ipaddr.parseCIDR> | undefined;
  /** Undefined: any. */
  port: number | undefined;
}

const HTTPS_PORT = 443;
const NET = /^(?:\[(?<six>[\da-f:.]+\/\d+)\]|(?<four>[\d.]+\/\d+)|\*)(?::(?<port>\d{1,5}|\*))?$/i;

/**
 * Reads `RUNYARD_WEBHOOK_NETS`: `10.1.0.0/16:8443`, `[fd00::/8]:*`, `*:8443`, separated by commas.
 *
 * @throws {Error} that says which is none
 */
export const webhookNetsOf = (text = ""): WebhookNet[] =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter(Boolean)
    .map((item) => {
      const { six, four, port } = NET.exec(item)?.groups ?? {};
      const cidr = six ?? four;
      const isNet = NET.test(item) && (cidr === undefined || ipaddr.isValidCIDR(cidr));
      if (!isNet || Number(port) > 65_535) {
        const form = "a net with its port, as 10.1.0.0/16:8443, [fd00::/8]:* or *:8443";
        throw new Error(`RUNYARD_WEBHOOK_NETS has ${item}, and must have ${form}`);
      }
      return {
        net: cidr === undefined ? undefined : ipaddr.parseCIDR(cidr),
        port: port === "*" ? undefined : Number(port ?? HTTPS_PORT),
      };
    });

/**
 * Whether webhooks may go to a port of an address: port 443 of public ones, and what the operator
 * lists. Without TLS only to listed nets.
 */
export function isReachable(
  address: string,
  { port, isPlain }: { port: number; isPlain: boolean },
  nets: readonly WebhookNet[],
): boolean {
  if (!isPlain && port === HTTPS_PORT && isPublicAddress(address)) return true;
  return nets.some(({ net, port: listed }) => {
    if (listed !== undefined && listed !== port) return false;
    if (net === undefined) return !isPlain && isPublicAddress(address);
    return ipaddr.isValid(address) && isWithin(ipaddr.parse(address), net);
  });
}

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, net: NonNullable<WebhookNet["net"]>) =>
  address.kind() === net[0].kind() && address.match(net);

/** The port of a target, and whether it has no TLS. */
export const portOf = (url: URL): { port: number; isPlain: boolean } => {
  const isPlain = url.protocol === "http:";
  return { port: Number(url.port || (isPlain ? 80 : HTTPS_PORT)), isPlain };
};

/**
 * What is wrong with a webhook's address, to be read after it; undefined: nothing that can be seen
 * without looking its host up.
 */
export function targetFault(text: string, nets: readonly WebhookNet[]): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:\/\//i.test(text)) {
    return "must be an address as https://example.com/hooks/runyard";
  }
  if (url.username !== "" || url.password !== "") return "must not have a user or a password";
  if (url.hash !== "") return "must not have a #fragment";
  const { port, isPlain } = portOf(url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (ipaddr.isValid(host)) {
    return isReachable(host, { port, isPlain }, nets) ? undefined : NOT_REACHED;
  }
  const isListed = nets.some(
    (each) => (each.port ?? port) === port && (!isPlain || each.net !== undefined),
  );
  if (isListed || (!isPlain && port === HTTPS_PORT)) return undefined;
  return isPlain ? "must begin with https://" : `must not name port ${port}: only 443 is reached`;
}

/** Says nothing of what was looked up. */
export const NOT_REACHED =
  "must be in the public Internet, or in a net that the operator lists in RUNYARD_WEBHOOK_NETS";

/** Headers that open doors, say where a request goes, or are ours. */
const REFUSED =
  /^(metadata-flavor|x-google-.*|x-goog-.*|x-serverless-authorization|host|webhook-.*|content-.*|user-agent|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|forwarded|x-forwarded-.*)$/i;
const TOKEN = /^[!#$%&'*+.^_`|~\da-z-]{1,64}$/i;
const VALUE = /^[\x20-\x7e]+$/;

/** What is wrong with a static header; undefined: nothing. */
export function headerFault(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return "is no name of a header";
  if (REFUSED.test(name)) return "must not be set: it opens doors, or Runyard sets it";
  return VALUE.test(value) ? undefined : "must be printable ASCII in one line";
}
