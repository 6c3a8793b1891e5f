import ipaddr from "ipaddr.js";

const { IPv4, IPv6 } = ipaddr;

/** What of IPv6 is given out for the public Internet. */
const GIVEN_OUT = IPv6.parseCIDR("2000::/3");

/**
 * Whether an IP address lies in the public Internet: not loopback, private, link-local (the
 * metadata server is 169.254.169.254), multicast or reserved. IPv4 written as IPv6 is not public
 * either.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 */
export function isPublicAddress(address: string): boolean {
  if (IPv4.isValidFourPartDecimal(address)) return IPv4.parse(address).range() === "unicast";
  if (!IPv6.isValid(address)) return false;
  const known = IPv6.parse(address);
  return known.range() === "unicast" && known.match(GIVEN_OUT);
}
