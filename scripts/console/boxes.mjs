// Boxes that exist only as messages, for the check of the browser page: each says what a real one would.

const PLACES = [
  "North gate, above the left door",
  "South gate",
  "Car park, lamp 7",
  "Hall A, east end",
  "Quay 3, crane foot",
];

/** A box that publishes through an MQTT client. */
export class Box {
  constructor(client, site, device, number = 0) {
    Object.assign(this, { client, site, device, number, boot: `boot${number}`, seq: 0 });
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
    const side = Math.ceil(Math.sqrt(500));
    return this.publish("info", {
      software: "0.1.0",
      release: null,
      place: PLACES[this.number % PLACES.length],
      position: {
        latitude: 53.545 + 0.0006 * Math.floor(this.number / side) + 0.0002 * Math.sin(this.number),
        longitude: 9.96 + 0.001 * (this.number % side) + 0.0003 * Math.cos(3 * this.number),
      },
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
      place: PLACES[this.number % PLACES.length],
      advice: `Send someone to ${PLACES[this.number % PLACES.length]} to measure, from a distance first`,
      acknowledged: null,
      ...more,
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

  /** Answer commands as a box does. */
  async answer() {
    await this.client.subscribeAsync(`gammabox/${this.site}/${this.device}/cmd/+`, { qos: 1 });
    this.client.on("message", async (topic, payload) => {
      const [, site, device, , verb] = topic.split("/");
      if (device !== this.device || site !== this.site) return;
      const command = JSON.parse(payload);
      const isKnown = verb === "silence" || command.arguments.alarm_id === this.id;
      const error = isKnown ? null : "no such alarm stands";
      await this.publish(`rsp/${verb}`, { transaction_id: command.transaction_id, ok: isKnown, error, result: {} });
      if (!isKnown) return;
      const { by, reason, utc } = command;
      const minutes = command.arguments.minutes;
      const until = minutes ? new Date(Date.now() + 60_000 * minutes).toISOString() : null;
      await this.alarm("updated", 38, { acknowledged: { by, reason, utc, silenced_until_utc: until } });
    });
  }
}

/** Boxes in all states, for pictures. */
export async function mixedNight(client, site) {
  const names = [
    "gate-north",
    "gate-south",
    "car-park",
    "hall-a",
    "quay-3",
    "quay-4",
    "hall-b",
    "office",
    "tunnel",
    "bridge",
  ];
  const boxes = names.map((name, index) => new Box(client, site, name, index));
  await Promise.all(boxes.map((box) => box.begin()));
  const [north, , park, , quay, , hall, office, tunnel] = boxes;
  await north.answer();
  await park.health(0.04, {
    faults: ["the camera is out of focus since 21:14", "temperature 84 °C: the processor is throttled"],
  });
  await quay.health(900, { overload: "1,200 candidates a second, 400 can be judged" });
  await hall.clear("learning", ["not calibrated: no background was measured without a source"]);
  await office.status("offline", "lost");
  await tunnel.status("offline", "stopped");
  return boxes;
}
