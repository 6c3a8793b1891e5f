import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { makeCgroup } from "../../../../infra/agent/sandbox/cgroup.ts";

const LIMITS = { memoryBytes: 1_000_000, tasks: 50 };

/** A machine's file system, as far as control groups show in it. */
function startMachine(files: Record<string, string>) {
  const top = mkdtempSync(join(tmpdir(), "cgroup-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(top, name)), { recursive: true });
    writeFileSync(join(top, name), content);
  }
  return {
    top,
    read: (name: string) => readFileSync(join(top, name), "utf8"),
    groupsIn: (folder: string) =>
      readdirSync(join(top, folder)).filter((name) => /^runyard-\d/.test(name)),
    [Symbol.dispose]: () => rmSync(top, { recursive: true, force: true }),
  };
}

const V2 = {
  "proc/self/cgroup": "0::/job\n",
  "proc/self/mountinfo": "30 1 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
  "sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n",
  "sys/fs/cgroup/job/cgroup.subtree_control": "memory pids\n",
};

test("in version 2 a group below ours bounds memory, swap and tasks, and ends as a whole", () => {
  using machine = startMachine(V2);
  const group = makeCgroup(LIMITS, machine.top);
  const [name = ""] = machine.groupsIn("sys/fs/cgroup/job");
  const read = (file: string) => machine.read(`sys/fs/cgroup/job/${name}/${file}`);
  expect(["memory.max", "memory.swap.max", "memory.oom.group", "pids.max"].map(read)).toEqual([
    "1000000",
    "0",
    "1",
    "50",
  ]);
  group?.join(4242);
  expect(read("cgroup.procs")).toBe("4242");
  expect(group?.exceeded()).toBeUndefined();
  const write = (file: string, content: string) =>
    writeFileSync(join(machine.top, "sys/fs/cgroup/job", name, file), content);
  write("pids.events", "max 3\n");
  expect(group?.exceeded()).toBe("processes");
  write("memory.events", "low 0\noom 1\noom_kill 1\n");
  expect(group?.exceeded()).toBe("memory");
});

test("in version 1 memory and tasks have a group each", () => {
  using machine = startMachine({
    "proc/self/cgroup": "9:pids:/\n4:cpu,memory:/of/the/machine\n0::/\n",
    "proc/self/mountinfo":
      "31 1 0:2 / /cg/memory rw - cgroup cgroup rw,memory\n32 1 0:3 / /cg/pids rw - cgroup cgroup rw,pids\n33 1 0:4 / /cg/unified rw - cgroup2 cgroup2 rw\n",
    "cg/memory/tasks": "",
    "cg/pids/tasks": "",
    "cg/unified/cgroup.controllers": "hugetlb\n",
  });
  const group = makeCgroup(LIMITS, machine.top);
  const [name = ""] = machine.groupsIn("cg/memory");
  expect(machine.read(`cg/memory/${name}/memory.limit_in_bytes`)).toBe("1000000");
  expect(machine.read(`cg/pids/${name}/pids.max`)).toBe("50");
  group?.join(7);
  for (const controller of ["memory", "pids"]) {
    expect(machine.read(`cg/${controller}/${name}/cgroup.procs`)).toBe("7");
  }
  writeFileSync(join(machine.top, "cg/memory", name, "memory.oom_control"), "oom_kill 2\n");
  expect(group?.exceeded()).toBe("memory");
});

test("the groups of runners that are gone are removed, others stay", () => {
  using machine = startMachine(V2);
  const job = join(machine.top, "sys/fs/cgroup/job");
  for (const name of ["runyard-999999999-1", `runyard-${process.pid}-900`, "runyard-other"]) {
    mkdirSync(join(job, name));
  }
  makeCgroup(LIMITS, machine.top);
  expect(existsSync(join(job, "runyard-999999999-1"))).toBe(false);
  expect(existsSync(join(job, `runyard-${process.pid}-900`))).toBe(true);
  expect(existsSync(join(job, "runyard-other"))).toBe(true);
});

test.each([
  ["nobody counts memory", { ...V2, "sys/fs/cgroup/cgroup.controllers": "cpu\n" }, LIMITS],
  ["nothing is said of groups", {}, LIMITS],
  ["there is no limit", V2, { ...LIMITS, memoryBytes: Number.POSITIVE_INFINITY }],
])("there is no group where %s", (_name, files, limits) => {
  using machine = startMachine(files as Record<string, string>);
  expect(makeCgroup(limits, machine.top)).toBeUndefined();
});
