// A gateway for one test file: the real program, with a home and a state directory of its own, on a free port.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const BINARY = process.env.OPENCLAW_BIN;
const PATIENCE = 20_000;

/** Starts the gateway with a model of the built-in simulator, for example `simulator/echo`, and with more of
 * the configuration when it is given. */
export async function startGateway(model, configuration = {}) {
  if (!BINARY) throw new Error("set OPENCLAW_BIN to the path of the openclaw program");
  const home = await mkdtemp(join(tmpdir(), "openclaw-web-"));
  const state = join(home, "state");
  await writeFile(join(home, "openclaw.json"), JSON.stringify({ agents: { defaults: { model } }, ...configuration }));
  const environment = {
    PATH: process.env.PATH,
    HOME: home,
    OPENCLAW_STATE_DIR: state,
    OPENCLAW_CONFIG_PATH: join(home, "openclaw.json"),
    ...(process.env.LD_LIBRARY_PATH && { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH }),
  };
  const run = async (port) => {
    const process_ = spawn(BINARY, ["up", "--port", String(port), "--json"], { env: environment });
    return { process: process_, ...(await ready(process_)) };
  };
  let running = await run(0);
  const port = new URL(running.url).port;
  return {
    url: running.url,
    link: running.link,
    /** Runs another command of the program on the same installation; gives what it printed. */
    async command(...words) {
      const { stdout } = await promisify(execFile)(BINARY, [...words, "--json"], { env: environment });
      return parse(stdout);
    },
    /** Takes the power away. */
    async kill() {
      await end(running.process, "SIGKILL");
    },
    /** Starts it again where it was. */
    async restart() {
      running = await run(port);
    },
    async stop() {
      await end(running.process, "SIGTERM");
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Reads the program's JSON lines until one says that it is ready. */
async function ready(program) {
  let complaint = "";
  program.stderr.on("data", (data) => {
    complaint = `${complaint}${data}`.slice(-4_000);
  });
  const lines = createInterface({ input: program.stdout });
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${BINARY} up ${why}; it wrote:\n${complaint}`));
    const timer = setTimeout(() => fail(`was not ready after ${PATIENCE} ms`), PATIENCE);
    program.once("error", (error) => fail(error.message));
    program.once("exit", (code) => fail(`ended with ${code}`));
    lines.on("line", (line) => {
      const said = parse(line);
      if (said?.event !== "ready") return;
      clearTimeout(timer);
      resolve(said);
    });
  });
}

async function end(program, signal) {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const exited = once(program, "exit");
  program.kill(signal);
  const timer = setTimeout(() => program.kill("SIGKILL"), PATIENCE);
  await exited;
  clearTimeout(timer);
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
