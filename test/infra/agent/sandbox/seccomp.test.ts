import { seccompFilter } from "../../../../infra/agent/sandbox/seccomp/filter.ts";
import {
  ERRNO,
  MACHINES,
  type Machine,
  NEWEST_CALL,
  REFUSALS,
} from "../../../../infra/agent/sandbox/seccomp/refusals.ts";

const ALLOW = "allow";
const KILL = "kill";

/** What a program asks of the kernel: `struct seccomp_data`. */
interface Call {
  number: number;
  architecture: number;
  arguments?: readonly bigint[];
}

function dataOf({ number, architecture, arguments: given = [] }: Call): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number >>> 0, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [index, value] of given.entries()) data.writeBigUInt64LE(value, 16 + 8 * index);
  return data;
}

/** Runs the program as the kernel would; refuses what the kernel would not load. */
function answerOf(program: Buffer, call: Call): string {
  const data = dataOf(call);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at += 1) {
    const code = program.readUInt16LE(8 * at);
    const [ifTrue, ifFalse] = [program.readUInt8(8 * at + 2), program.readUInt8(8 * at + 3)];
    const operand = program.readUInt32LE(8 * at + 4);
    const jump = (holds: boolean) => {
      at += holds ? ifTrue : ifFalse;
    };
    if (code === 0x20) accumulator = data.readUInt32LE(operand);
    else if (code === 0x15) jump(accumulator === operand);
    else if (code === 0x25) jump(accumulator > operand);
    else if (code === 0x35) jump(accumulator >= operand);
    else if (code === 0x45) jump((accumulator & operand) !== 0);
    else if (code === 0x06) return nameOf(operand);
    else throw new Error(`the kernel knows no instruction ${code.toString(16)}`);
  }
  throw new Error("the program runs over its end");
}

function nameOf(answer: number): string {
  if (answer === 0x7fff0000) return ALLOW;
  if (answer === 0x80000000) return KILL;
  const error = Object.entries(ERRNO).find(([, errno]) => 0x00050000 + errno === answer);
  return error?.[0] ?? `unknown ${answer.toString(16)}`;
}

const MACHINE_NAMES = Object.keys(MACHINES) as Machine[];

const asked = (machine: Machine, number: number, ...given: bigint[]) =>
  answerOf(seccompFilter(machine), {
    number,
    architecture: MACHINES[machine],
    arguments: given,
  });

const numberOf = (name: string, machine: Machine): number =>
  REFUSALS.find((refusal) => refusal.name === name)?.numbers[machine] ?? -1;

describe.each(MACHINE_NAMES)("the filter of %s", (machine) => {
  test("answers every call of the table, and no other, with an error", () => {
    const refused = REFUSALS.filter(({ conditions }) => conditions === undefined);
    const byNumber = new Map(
      refused.map(({ numbers, errno }) => [numbers[machine], errno] as const),
    );
    const someArguments = new Set(
      REFUSALS.filter(({ conditions }) => conditions).map(({ numbers }) => numbers[machine]),
    );
    for (let number = 0; number <= NEWEST_CALL; number += 1) {
      if (someArguments.has(number)) continue;
      const errno = byNumber.get(number);
      const expected = Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? ALLOW;
      expect([number, asked(machine, number)]).toEqual([number, expected]);
    }
  });

  test("knows no call that is newer than the table, nor one without a number", () => {
    for (const number of [NEWEST_CALL + 1, 500, 1000, 0x3fffffff, 0x40000000, 0x40000065, -1]) {
      expect([number, asked(machine, number)]).toEqual([number, "ENOSYS"]);
    }
  });

  test("ends a process that speaks as another machine", () => {
    for (const architecture of [0x40000003, 0xc000003e, 0xc00000b7, 0x40000028, 0]) {
      if (architecture === MACHINES[machine]) continue;
      expect(answerOf(seccompFilter(machine), { number: 0, architecture })).toBe(KILL);
    }
  });

  test("has each call once", () => {
    const numbers = REFUSALS.map(({ numbers: of }) => of[machine]).filter((one) => one !== null);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(new Set(REFUSALS.map(({ name }) => name)).size).toBe(REFUSALS.length);
    expect(Math.max(...numbers)).toBeLessThanOrEqual(NEWEST_CALL);
  });

  test.each<[string, bigint[], string]>([
    ["ptrace", [0n], ALLOW],
    ["ptrace", [16n], "EPERM"],
    ["ptrace", [0x4206n], "EPERM"],
    ["ptrace", [0x4200n], ALLOW],
    ["ptrace", [3n], ALLOW],
    // As glibc makes a thread, and a process.
    ["clone", [0x3d0f00n], ALLOW],
    ["clone", [0x1200011n], ALLOW],
    ["clone", [0x10000000n], "EPERM"],
    ["clone", [0x40000011n], "EPERM"],
    ["clone", [0x20000n], "EPERM"],
    ["clone", [0x2000000n], "EPERM"],
    ["clone", [0xffffffff_00020000n], "EPERM"],
    ["unshare", [0x200n], ALLOW],
    ["unshare", [0x80n], "EPERM"],
    ["unshare", [0x10000000n], "EPERM"],
    ["ioctl", [0n, 0x5401n], ALLOW],
    ["ioctl", [0n, 0x5412n], "EPERM"],
    ["ioctl", [0n, 0xabcdef01_00005412n], "EPERM"],
    ["ioctl", [0n, 0x541cn], "EPERM"],
    ["personality", [0xffffffffn], ALLOW],
    ["personality", [0x40000n], ALLOW],
    ["personality", [0x400000n], "EPERM"],
    ["socket", [1n, 1n, 0n], ALLOW],
    ["socket", [2n, 1n, 6n], ALLOW],
    ["socket", [10n, 2n, 17n], ALLOW],
    ["socket", [16n, 3n, 0n], ALLOW],
    ["socket", [16n, 3n, 9n], "EAFNOSUPPORT"],
    ["socket", [17n, 3n, 0n], "EAFNOSUPPORT"],
    ["socket", [38n, 5n, 0n], "EAFNOSUPPORT"],
    ["socket", [40n, 1n, 0n], "EAFNOSUPPORT"],
    ["socket", [0xffffffff_00000028n, 1n, 0n], "EAFNOSUPPORT"],
    ["socketpair", [1n, 1n, 0n], ALLOW],
    ["socketpair", [2n, 1n, 0n], "EAFNOSUPPORT"],
    ["shmget", [0n, 56n], ALLOW],
    ["shmget", [0n, 65536n], ALLOW],
    ["shmget", [0n, 65537n], "EINVAL"],
    ["shmget", [0n, 0x1_00000000n], "EINVAL"],
  ])("answers %s%p with %s", (name, given, expected) => {
    expect(asked(machine, numberOf(name, machine), ...given)).toBe(expected);
  });
});
