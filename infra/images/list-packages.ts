// Writes down, in an image, everything that the image is made of: what was listed when its parts
// were made, and Debian's packages. It runs with the image's Node and nothing else.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What is read of a bill of materials. @see https://cyclonedx.org/docs/1.6/json/ */
interface Bill {
  components: object[];
}

const STATUS = "/var/lib/dpkg/status";
const RELEASE = "/etc/os-release";
const LIST = "/runyard/packages.cdx.json";

/** The value of `field` in a text of lines `field: value`. */
const fieldOf = (text: string, field: string): string | undefined =>
  new RegExp(`^${field}: (.*)$`, "m").exec(text)?.[1];

/** An installed package as a component. @see https://github.com/package-url/purl-spec */
function component(record: string, distribution: string): object[] {
  if (fieldOf(record, "Status") !== "install ok installed") return [];
  const name = fieldOf(record, "Package") ?? "";
  const version = fieldOf(record, "Version") ?? "";
  const where = `arch=${fieldOf(record, "Architecture")}&distro=${distribution}`;
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?${where}`;
  return [{ type: "library", name, version, purl, "bom-ref": purl }];
}

const [image = ""] = process.argv.slice(2);
const bill = JSON.parse(
  readFileSync(join(import.meta.dirname, `packages/${image}.json`), "utf8"),
) as Bill;
const release = readFileSync(RELEASE, "utf8");
const distribution = `debian-${/^VERSION_ID="?([^"\n]*)/m.exec(release)?.[1]}`;
const packages = readFileSync(STATUS, "utf8")
  .split("\n\n")
  .flatMap((record) => component(record, distribution));
bill.components.push(...packages);
writeFileSync(LIST, `${JSON.stringify(bill, null, 1)}\n`);
