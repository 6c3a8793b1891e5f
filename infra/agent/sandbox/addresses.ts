import { BlockList, isIP } from "node:net";

/** Networks that are not the public Internet. @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const IPV4_NETWORKS = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const;

const publicIpv6 = new BlockList();
publicIpv6.addSubnet("2000::", 3, "ipv6");

/** Inside 2000::/3, yet special, or a way to reach IPv4 by another name (6to4, Teredo). */
const IPV6_EXCEPTIONS = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const;

const refused = new BlockList();
for (const [network, prefix] of IPV4_NETWORKS) refused.addSubnet(network, prefix, "ipv4");
for (const [network, prefix] of IPV6_EXCEPTIONS) refused.addSubnet(network, prefix, "ipv6");

/**
 * Whether an IP address lies in the public Internet: not loopback, private, link-local (the metadata
 * server is 169.254.169.254), multicast or reserved. IPv4 written as IPv6 is not public either.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !refused.check(address, "ipv4");
  if (family === 6) return publicIpv6.check(address, "ipv6") && !refused.check(address, "ipv6");
  return false;
}
