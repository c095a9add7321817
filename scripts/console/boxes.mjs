// Boxes that exist only as messages, for the check of the browser page: each says what a real one would.

const SIDE = 23; // of the square in which 500 boxes hang
const NIGHT = {
  "gate-north": ["North gate, above the left door", 53.5461, 9.9662],
  "gate-south": ["South gate, under the roof", 53.5428, 9.9651],
  "car-park": ["Car park, lamp 7", 53.5457, 9.9701],
  "hall-a": ["Hall A, east end", 53.5446, 9.9683],
  "quay-3": ["Quay 3, foot of the crane", 53.5433, 9.9712],
  "quay-4": ["Quay 4, foot of the crane", 53.5434, 9.9738],
  "hall-b": ["Hall B, gate 2", 53.5449, 9.9724],
  office: ["Office, entrance", 53.5462, 9.9731],
  tunnel: ["Tunnel, north end", 53.5438, 9.9672],
  bridge: ["Bridge, east side", 53.5448, 9.9645],
};

/** A box that publishes through an MQTT client. */
export class Box {
  constructor(client, site, device, number = 0) {
    const wave = (factor) => 0.0002 * Math.sin(factor * number);
    const grid = [53.545 + 0.0006 * Math.floor(number / SIDE) + wave(1), 9.96 + 0.001 * (number % SIDE) + wave(3)];
    const [place, latitude, longitude] = NIGHT[device] ?? [`Lamp ${number}`, ...grid];
    Object.assign(this, { client, site, device, place, boot: `boot${number}`, seq: 0 });
    this.position = { latitude, longitude };
  }

  message(fields) {
    const { site, device, boot, seq } = this;
    this.seq += 1;
    const utc = new Date().toISOString();
    return {
      schema_version: 1,
      event_id: `${boot}-${seq}`,
      boot_id: boot,
      seq,
      utc,
      historical: false,
      site,
      device,
      ...fields,
    };
  }

  publish(kind, fields) {
    const text = typeof fields === "string" ? fields : JSON.stringify(this.message(fields));
    return this.client.publishAsync(`gammabox/${this.site}/${this.device}/${kind}`, text, {
      qos: 1,
      retain: !kind.includes("/"),
    });
  }

  status(state = "online", reason = "connected") {
    return this.publish("status", { state, reason });
  }

  info(more = {}) {
    return this.publish("info", {
      software: "0.1.0",
      release: null,
      place: this.place,
      position: this.position,
      model: { name: "alexnet_edge", sha256: "5f".repeat(32), runtime: "litert" },
      camera: { kind: "MJPG", width: 1920, height: 1080, fps: 30, exposure_s: 0.033 },
      false_alarms_per_1000_h: 1,
      started_utc: new Date(Date.now() - 7.2e6).toISOString(),
      ...more,
    });
  }

  health(rate = 0.03, more = {}) {
    const interval = [0.5 * rate, 1.5 * rate];
    return this.publish("health", {
      frames: 1000,
      delivered: 1002,
      not_analysed: 2,
      fps: 29.97,
      repeated: 0,
      dropped: 0,
      damaged: 0,
      live_fraction: 0.96,
      exposure_s: 0.033,
      live_s_per_s: 0.95,
      stage_ms: { decode: 3.1 },
      hits: 421,
      unclassified: 0,
      background_hz: 0.031,
      background_interval_hz: [0.02, 0.05],
      background_learnt: true,
      condition: "clear",
      reasons: [],
      recent: [10, 60].map((window_s) => ({ window_s, rate_hz: rate, interval_hz: interval })),
      overload: null,
      nuisances: [],
      alarm_stands: false,
      temperature_c: 51.2,
      uptime_s: 7200,
      outbox: { depth: 0, dropped: 0 },
      camera: [],
      faults: [],
      ...more,
    });
  }

  alarm(state = "raised", rate = 38, more = {}) {
    const raised = new Date(Date.now() - 42_000).toISOString();
    this.id = `${this.device}-${this.boot}-1`;
    return this.publish("alarm", {
      state,
      alarm: {
        id: this.id,
        raised_utc: raised,
        onset_utc: raised,
        significance_sigma: 7.5,
        hits: 61,
        live_s: 1.6,
        rate_hz: rate,
        rate_interval_hz: [0.7 * rate, 1.4 * rate],
        background_hz: 0.031,
        background_interval_hz: [0.02, 0.05],
        false_alarms_per_1000_h: 1,
        recent: [10, 60].map((window_s) => ({ window_s, rate_hz: rate, interval_hz: [0.7 * rate, 1.4 * rate] })),
        maximum_hz: 1.2 * rate,
        duration_s: 42,
        lower_limit: false,
        overload: null,
        evidence: [],
        doubts: [],
        weakened_by: ["only 62 % of the picture was live"],
      },
      reasons: [],
      place: this.place,
      advice: `Send someone to ${this.place} to measure, from a distance first`,
      acknowledged: null,
      ...more,
    });
  }

  /** A crop around a hit, as a box sends it where that is set. */
  evidence(png) {
    this.crops = (this.crops ?? 0) + 1;
    const place = {
      hit: `${this.boot}-hit-${this.crops}`,
      frame: 100 * this.crops,
      x: 141,
      y: 20,
      left: 117,
      top: 0,
    };
    return this.publish(`evidence/${place.hit}`, { ...place, width: 48, height: 48, blurred: true, png });
  }

  /** The alarm was silenced, and its time of silence is over. */
  endSilence() {
    const ago = (minutes) => new Date(Date.now() - 60_000 * minutes).toISOString();
    return this.alarm("updated", 38, {
      acknowledged: { by: "J. Okafor", reason: null, utc: ago(2), silenced_until_utc: ago(1) },
    });
  }

  clear(state = "cleared", reasons = []) {
    return this.publish("alarm", {
      state,
      alarm: null,
      reasons,
      place: null,
      advice: "Nothing has to be done",
      acknowledged: null,
    });
  }

  /** Come up and be calm. */
  async begin() {
    await Promise.all([this.status(), this.info(), this.health(), this.clear()]);
  }

  /** Somebody takes charge of the alarm; who had before stays readable. */
  async take(by, reason, minutes = 0) {
    const utc = new Date().toISOString();
    const until = minutes ? new Date(Date.now() + 60_000 * minutes).toISOString() : null;
    const { taken } = this;
    const earlier = taken ? [...taken.earlier, { by: taken.by, utc: taken.utc, reason: taken.reason }] : [];
    this.taken = { by, reason, utc, silenced_until_utc: until, earlier };
    await this.alarm("updated", 38, { acknowledged: this.taken });
  }

  /** Answer commands as a box does, and count them. */
  async answer() {
    this.commands = 0;
    await this.client.subscribeAsync(`gammabox/${this.site}/${this.device}/cmd/+`, { qos: 1 });
    this.client.on("message", async (topic, payload) => {
      const [, site, device, , verb] = topic.split("/");
      if (device !== this.device || site !== this.site || this.isDeaf) return;
      this.commands += 1;
      const command = JSON.parse(payload);
      const isKnown = verb === "silence" || command.arguments.alarm_id === this.id;
      const error = isKnown ? null : "no alarm stands";
      await this.publish(`rsp/${verb}`, { transaction_id: command.transaction_id, ok: isKnown, error, result: {} });
      // A slow network may bring the alarm after the answer.
      await new Promise((done) => setTimeout(done, 500));
      if (isKnown) await this.take(command.by, command.reason, command.arguments.minutes);
    });
  }
}

/** Boxes in all states, for pictures. */
export async function mixedNight(client, site) {
  const boxes = Object.keys(NIGHT).map((name, index) => new Box(client, site, name, index));
  await Promise.all(boxes.map((box) => box.begin()));
  const [north, south, park, , quay, , hall, office, tunnel] = boxes;
  await Promise.all([north.answer(), south.answer()]);
  await park.health(0.04, {
    faults: ["the camera is out of focus since 21:14", "temperature 84 °C: the processor is throttled"],
  });
  await quay.health(900, { overload: "1,200 candidates a second, 400 can be judged" });
  await hall.clear("learning", ["not calibrated: no background was measured without a source"]);
  await office.status("offline", "lost");
  await tunnel.status("offline", "stopped");
  return boxes;
}
