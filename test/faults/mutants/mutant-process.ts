// Plays the proofs against one mutant until one of them fails: says so on standard output, as JSON.
import { EVENTS } from "./events.ts";
import { MUTANTS } from "./mutants.ts";
import { patch } from "./patch.ts";

const mutant = MUTANTS.find(({ name }) => name === process.argv[2]);
if (mutant === undefined) throw new Error(`there is no mutant "${process.argv[2]}"`);
// Google's clients would otherwise look for a metadata server and wait for it.
process.env["METADATA_SERVER_DETECTION"] = "none";
patch(mutant);
const { firstFailure, firstFailureOfEvents } = await import("./suite.ts");
const find = EVENTS.includes(mutant) ? firstFailureOfEvents : firstFailure;
process.stdout.write(`${JSON.stringify(await find(Number(process.argv[3])))}\n`);
