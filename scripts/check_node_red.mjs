// Run the example flow in Node-RED against Mosquitto: `make check-node-red`.
//
// Needs Debian's packages mosquitto and nodejs, and npm. Node-RED is installed below build/node-red. In the flow only
// the address of the broker and the login are changed, and its last node prints to the terminal.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { ROOT, findings, require, sleep } from "./console/checking.mjs";
import { freePort, install, program } from "./console/tools.mjs";

const BUILD = join(ROOT, "build", "node-red");
const FOLDER = join(BUILD, "user");
const FLOW = join(ROOT, "docs", "integrations", "node_red", "flow.json");
const PACKAGES = { "node-red": "4.1.15", mqtt: "5.16.0" };
const PATIENCE_MS = 120_000;
const MESSAGES = `
import json, sys
sys.path.insert(0, "scripts")
from delivery_box import alarm_of
from edge.telemetry.messages import Stamp, encode

stamp = Stamp("docks", "gate-1", "boot")
alarms = [encode(alarm_of(stamp, number)).decode() for number in range(6)]
late = [text.replace('"historical":false', '"historical":true') for text in alarms]
print(json.dumps([*alarms[:3], *late[:3], alarms[1], alarms[3], late[2], alarms[5]]))
`;

function flow(port) {
  const nodes = JSON.parse(readFileSync(FLOW, "utf8"));
  for (const node of nodes) {
    if (node.type === "mqtt-broker") Object.assign(node, { broker: "127.0.0.1", port: String(port), usetls: false });
    if (node.type === "debug") Object.assign(node, { console: true, complete: "topic", targetType: "msg" });
  }
  return nodes.filter(({ type }) => type !== "tls-config"); // the file of the authority is not there
}

async function until(isDone, what) {
  const end = Date.now() + PATIENCE_MS;
  while (!isDone()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}

async function main() {
  const python = process.argv[2] ?? join(ROOT, ".venv", "bin", "python");
  const broker = program("mosquitto");
  if (!broker || !program("npm")) {
    console.error("error: mosquitto or npm not found; install: apt-get install mosquitto npm");
    process.exit(2);
  }
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const modules = install(BUILD, PACKAGES);
  const made = spawnSync(python, ["-c", MESSAGES], { cwd: ROOT, encoding: "utf8" });
  if (made.status !== 0) throw new Error(made.stderr);
  const [port, webPort] = [await freePort(), await freePort()];
  writeFileSync(join(BUILD, "mosquitto.conf"), `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  writeFileSync(join(FOLDER, "flows.json"), JSON.stringify(flow(port)));
  const settings = { uiPort: webPort, uiHost: "127.0.0.1", flowFile: "flows.json", httpAdminRoot: false };
  writeFileSync(join(FOLDER, "settings.js"), `module.exports = ${JSON.stringify(settings)};\n`);
  const mosquitto = spawn(broker, ["-c", join(BUILD, "mosquitto.conf")], { stdio: "ignore" });
  const red = spawn(process.execPath, [join(modules, "node-red", "red.js"), "--userDir", FOLDER]);
  let said = "";
  for (const stream of [red.stdout, red.stderr]) stream.on("data", (text) => (said += text));
  const { connectAsync } = createRequire(join(BUILD, "package.json"))("mqtt");
  try {
    await until(() => said.includes("Connected to broker"), `Node-RED's connection:\n${said}`);
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`);
    for (const text of JSON.parse(made.stdout)) {
      await client.publishAsync("gammabox/docks/gate-1/alarm", text, { qos: 1 });
    }
    await until(() => (said.match(/Radiation alarm over/g) ?? []).length >= 2, `two alarms that end:\n${said}`);
    await sleep(1000);
    await client.endAsync();
    const passed = [...said.matchAll(/Radiation alarm( over)?: (\S+)/g)].map(
      ([, over, box]) => `${over ?? ""} ${box}`,
    );
    const expected = [" docks/gate-1", " over docks/gate-1", " docks/gate-1", " over docks/gate-1"];
    require(passed.join() === expected.join(), "each alarm passes once, and its end once", passed.length);
    const errors = said.split("\n").filter((line) => line.includes("[error]"));
    require(!errors.length, "Node-RED names no error", errors.join("; "));
    console.log(`Node-RED ${PACKAGES["node-red"]}, Node ${process.version}`);
  } finally {
    red.kill();
    mosquitto.kill();
  }
  process.exit(findings.every(Boolean) ? 0 : 1);
}

await main();
