// Broker, web server and browser for the check of the page.

import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { createServer as createSocket } from "node:net";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".txt": "text/plain",
};

/** Return the first of the programs that is there. */
export function program(...names) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Return a free port of this machine. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createSocket().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function run(command, ...words) {
  const { status, stderr } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

/**
 * Mosquitto with users and their rights, one listener for boxes and one of encrypted websockets. It can be stopped and
 * started again. Rights are lines of an acl by user, passwords as well.
 */
export class Mosquitto {
  constructor(path, folder, port, webPort, passwords, rights) {
    Object.assign(this, { path, port, config: join(folder, "mosquitto.conf") });
    const [key, certificate] = [join(folder, "server.key"), join(folder, "server.crt")];
    const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    run("openssl", "req", "-x509", ...kind, ...names, "-keyout", key, "-out", certificate);
    this.passwords = join(folder, "passwords");
    writeFileSync(this.passwords, "");
    for (const [user, password] of Object.entries(passwords)) this.setPassword(user, password);
    const acl = Object.entries(rights).map(([user, lines]) => [`user ${user}`, ...lines].join("\n"));
    writeFileSync(join(folder, "acl"), `${acl.join("\n")}\n`);
    const lines = [
      "per_listener_settings false",
      "allow_anonymous false",
      `password_file ${folder}/passwords`,
      `acl_file ${folder}/acl`,
      "max_inflight_messages 0",
      "max_queued_messages 0",
      "persistence true",
      `persistence_location ${folder}/`,
      `listener ${port} 127.0.0.1`,
      `listener ${webPort} 127.0.0.1`,
      "protocol websockets",
      `certfile ${certificate}`,
      `keyfile ${key}`,
      process.getuid() === 0 ? "user root" : "",
    ];
    writeFileSync(this.config, `${lines.join("\n")}\n`);
  }

  /** Change a password; the broker knows it after its next start. */
  setPassword(user, password) {
    run(program("mosquitto_passwd"), "-b", this.passwords, user, password);
  }

  start() {
    this.process = spawn(this.path, ["-c", this.config], { stdio: "ignore" });
    return new Promise((resolve) => setTimeout(resolve, 500));
  }

  /** Stop it as a power cut does not: what is retained is written first. */
  stop(signal = "SIGTERM") {
    return new Promise((resolve) => {
      this.process.once("exit", resolve);
      this.process.kill(signal);
    });
  }

  /** Let it say nothing any more, with all connections open. */
  freeze(isFrozen) {
    this.process.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }
}

/** Serve a folder as any web server does. */
export function serve(folder, port) {
  const server = createServer((request, response) => {
    const name = normalize(new URL(request.url, "http://here").pathname).replace(/\/$/, "/index.html");
    const path = join(folder, name);
    if (!existsSync(path)) return response.writeHead(404).end();
    response.writeHead(200, { "Content-Type": `${TYPES[extname(path)]}; charset=utf-8` }).end(readFileSync(path));
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

/** Install the packages of npm that the check needs below a folder, and return how to load them. */
export function install(folder, packages) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: packages }));
  const npm = spawnSync("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--loglevel=error"], {
    encoding: "utf8",
  });
  if (npm.status !== 0) throw new Error(`npm cannot install the packages of the check: ${npm.stderr}`);
  return join(folder, "node_modules");
}
