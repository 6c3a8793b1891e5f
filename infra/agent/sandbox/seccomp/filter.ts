import { endianness } from "node:os";
import {
  type Condition,
  ERRNO,
  MACHINES,
  type Machine,
  NEWEST_CALL,
  REFUSALS,
  type Refusal,
  X32_BIT,
} from "./refusals.ts";

/** One instruction of classic BPF: `struct sock_filter`. */
interface Instruction {
  code: number;
  /** Instructions to skip if a comparison holds, and if not; at most 255. */
  ifTrue: number;
  ifFalse: number;
  operand: number;
}

/** Codes of instructions, as `linux/bpf_common.h` composes them. */
const CODE = {
  load: 0x20,
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfAtLeast: 0x35,
  jumpIfAnyBit: 0x45,
  answer: 0x06,
} as const;

/** Answers of a filter, as `linux/seccomp.h` has them. */
const ANSWER = { allow: 0x7fff0000, kill: 0x80000000, fail: 0x00050000 } as const;

/** Where `struct seccomp_data` has what a filter looks at. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const lowOf = (argument: number): number => 16 + 8 * argument;
const highOf = (argument: number): number => lowOf(argument) + 4;

const load = (operand: number): Instruction => ({
  code: CODE.load,
  ifTrue: 0,
  ifFalse: 0,
  operand,
});
const answer = (operand: number): Instruction => ({
  code: CODE.answer,
  ifTrue: 0,
  ifFalse: 0,
  operand,
});
const fail = (errno: number): Instruction => answer(ANSWER.fail + errno);
const unless = (code: number, operand: number, skip: number): Instruction => ({
  code,
  ifTrue: 0,
  ifFalse: skip,
  operand,
});
const jumpIf = (code: number, operand: number, skip: number): Instruction => ({
  code,
  ifTrue: skip,
  ifFalse: 0,
  operand,
});

/**
 * The sandbox's filter of system calls as the kernel takes it: {@link REFUSALS} are answered with
 * their error, calls that nobody has looked at do not exist, another machine's calls end the
 * process, and all else is allowed.
 */
export function seccompFilter(machine: Machine): Buffer {
  return encode([
    load(ARCHITECTURE),
    jumpIf(CODE.jumpIfEqual, MACHINES[machine], 1),
    answer(ANSWER.kill),
    load(NUMBER),
    ...(machine === "x64" ? [unless(CODE.jumpIfAtLeast, X32_BIT, 1), fail(ERRNO.ENOSYS)] : []),
    unless(CODE.jumpIfGreater, NEWEST_CALL, 1),
    fail(ERRNO.ENOSYS),
    ...REFUSALS.flatMap((refusal) => blockOf(refusal, machine)),
    answer(ANSWER.allow),
  ]);
}

/** The filter of the machine that this runs on. @throws if nobody has listed its calls. */
export function ownSeccompFilter(): Buffer {
  const machine = process.arch;
  if (machine !== "x64" && machine !== "arm64") {
    throw new Error(`there is no filter of system calls for ${machine}`);
  }
  return seccompFilter(machine);
}

/** Answers the call, or goes on behind itself with the call's number still loaded. */
function blockOf({ numbers, errno, conditions }: Refusal, machine: Machine): Instruction[] {
  const number = numbers[machine];
  if (number === null) return [];
  const body =
    conditions === undefined
      ? [fail(errno)]
      : [...conditions.flatMap((condition) => testOf(condition, errno)), answer(ANSWER.allow)];
  return [unless(CODE.jumpIfEqual, number, body.length), ...body];
}

/** Fails the call if the condition holds, else goes on behind itself. */
function testOf(condition: Condition, errno: number): Instruction[] {
  const test = [...comparisonOf(condition), fail(errno)];
  const { when } = condition;
  if (when === undefined) return test;
  return [load(lowOf(when.argument)), unless(CODE.jumpIfEqual, when.is, test.length), ...test];
}

/** Reaches the instruction behind itself if the condition holds, else the one after that. */
function comparisonOf(condition: Condition): Instruction[] {
  const { argument } = condition;
  const low = load(lowOf(argument));
  if ("hasAnyOf" in condition) return [low, unless(CODE.jumpIfAnyBit, condition.hasAnyOf, 1)];
  if ("isAbove" in condition) {
    return [
      load(highOf(argument)),
      // Anything in the upper half is above.
      unless(CODE.jumpIfEqual, 0, 2),
      low,
      unless(CODE.jumpIfGreater, condition.isAbove, 1),
    ];
  }
  if ("isNoneOf" in condition) {
    const values = condition.isNoneOf;
    return [
      low,
      ...values.map((value, index) => jumpIf(CODE.jumpIfEqual, value, values.length - index)),
    ];
  }
  const values = condition.isOneOf;
  return [
    low,
    ...values.map((value, index) => {
      const isLast = index === values.length - 1;
      const rest = values.length - 1 - index;
      return { ...jumpIf(CODE.jumpIfEqual, value, rest), ifFalse: isLast ? 1 : 0 };
    }),
  ];
}

function encode(instructions: readonly Instruction[]): Buffer {
  if (endianness() !== "LE") throw new Error("the filter is written for little-endian machines");
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, { code, ifTrue, ifFalse, operand }] of instructions.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(ifTrue, 8 * index + 2);
    bytes.writeUInt8(ifFalse, 8 * index + 3);
    bytes.writeUInt32LE(operand, 8 * index + 4);
  }
  return bytes;
}
