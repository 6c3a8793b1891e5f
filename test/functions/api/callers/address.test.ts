import type { Request } from "express";
import { addressOf } from "../../../../functions/api/callers/address.ts";

function request(remoteAddress: string | undefined, forwarded?: string): Request {
  const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
  return { headers, socket: { remoteAddress } } as unknown as Request;
}

test.each([
  ["the connection's, whatever the header says", request("1.1.1.1", "9.9.9.9"), 0, "1.1.1.1"],
  ["what the last proxy says", request("1.1.1.1", "6.6.6.6, 9.9.9.9"), 1, "9.9.9.9"],
  ["what the one before it says", request("1.1.1.1", "6.6.6.6, 9.9.9.9, 8.8.8.8"), 2, "9.9.9.9"],
  ["the connection's where fewer proxies speak", request("1.1.1.1", "9.9.9.9"), 2, "1.1.1.1"],
  ["the same for all who have none", request(undefined), 0, "local"],
  ["an IPv4 address in the clothes of IPv6", request("::ffff:1.2.3.4"), 0, "1.2.3.4"],
  ["a network of IPv6", request("2001:DB8::1:2:3:4"), 0, "2001:db8:0:0::/64"],
  ["a network in full", request("2001:0db8:1:2:3:4:5:6"), 0, "2001:db8:1:2::/64"],
  ["the own host", request("::1"), 0, "0:0:0:0::/64"],
  ["a link with its interface", request("fe80::1%eth0"), 0, "fe80:0:0:0::/64"],
])("the address is %s", (_name, from, ...[hops, address]) => {
  expect(addressOf(from, hops)).toBe(address);
});
