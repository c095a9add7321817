// The form in which a guard takes charge of an alarm: who, why, and whether the sound comes back after a while.

import { confirmed, followed, isOut, isTwice, isUnread, opened, problemsOf, sent } from "./taking.js";
import { clockTime, moment } from "./text.js";
import { Component, createRef, h } from "./vendor/preact.mjs";
import { ringsAgain } from "./words.js";

const REASONS = [
  "Somebody is on the way to measure",
  "Known source, such as a patient after treatment",
  "Test with a source",
  "Cause seen in the picture, no radiation",
];
const MINUTES = [0, 5, 15, 60];
const MAX_ANSWERS = 3;

/** Show who has acknowledged the alarm of a view, and the form to do so. A name and a reason are needed. */
export class Acknowledge extends Component {
  constructor(props) {
    super(props);
    this.state = { form: opened(props.view.acknowledgement), wrong: {}, isOther: false, isHeld: false };
    this.form = createRef();
    this.submit = this.submit.bind(this);
  }

  static getDerivedStateFromProps({ view }, { form, isHeld }) {
    const now = followed(form, view.acknowledgement, Date.now());
    return { form: now, isHeld: isHeld && now.news !== null };
  }

  componentDidUpdate(_, { isHeld: wasHeld }) {
    const { form, isHeld } = this.state;
    if (isHeld && !wasHeld) this.form.current.querySelector("button.main").scrollIntoView({ block: "nearest" });
    const [last] = this.props.commands;
    // What is confirmed is not sent a second time by a press too many.
    if (isOut(form) && last?.state === "done" && last.since >= form.sentAt) {
      this.field("reason").value = "";
      this.setState({ form: confirmed(form) });
    }
  }

  field(name) {
    return this.form.current.querySelector(`[name=${name}]`);
  }

  submit(event) {
    event.preventDefault();
    const { view, who, commands, isOnline, actions } = this.props;
    const { form, isOther } = this.state;
    const values = new FormData(this.form.current);
    const by = isNamed(who, isOther) ? who : values.get("by").trim();
    const asked = { by, reason: values.get("reason").trim(), minutes: Number(values.get("minutes")) };
    const wrong = problemsOf(asked);
    this.setState({ wrong });
    if (wrong.by || wrong.reason) return this.field(wrong.by ? "by" : "reason").focus();
    const now = Date.now();
    if (!isOnline || isTwice(form, now) || isWaiting(commands, view)) return undefined;
    if (isUnread(form, now)) return this.setState({ isHeld: true });
    this.setState({ form: sent(form, asked, now), isOther: false, isHeld: false });
    return actions.acknowledge(view, asked);
  }

  /** Enter leads from field to field; from the last one it sends, unless somebody else has acknowledged meanwhile. */
  onKey(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    const next = event.target.name === "by" ? this.field("reason") : null;
    const again =
      event.target.name === "reason" && this.state.form.news && this.form.current.querySelector("button.main");
    if (!next && !again) return;
    event.preventDefault();
    (next || again).focus();
  }

  render({ view, who, commands, isOnline }, { form, wrong, isOther, isHeld }) {
    const given = form.read;
    const busy = isWaiting(commands, view);
    const verb = view.acknowledgement ? "Acknowledge again" : "Acknowledge";
    return h(
      "form",
      {
        ref: this.form,
        class: "acknowledge",
        noValidate: true,
        onSubmit: this.submit,
        onKeyDown: (event) => this.onKey(event),
      },
      h("h3", null, "Acknowledge"),
      given && h("p", { class: "given" }, said(given), view.silence_over ? "" : until(given)),
      given && h("p", { class: "hint" }, "What you write is added to it."),
      view.silence_over && h("p", { class: "again" }, h("strong", null, ringsAgain(view.acknowledgement))),
      h(Earlier, { given }),
      isNamed(who, isOther)
        ? h(
            "p",
            { key: "who", class: "who" },
            "You are ",
            h("strong", null, who),
            ". ",
            h("button", { type: "button", onClick: () => this.another() }, "Not you?"),
          )
        : field("by", "Your name", wrong.by, { maxlength: 100, autocomplete: "off", enterkeyhint: "next" }),
      // Just above the field that is written in, as it has to be seen there.
      h("div", { key: "news", role: "alert" }, form.news && news(form.news, isHeld)),
      field("reason", "What you do about it", wrong.reason, {
        maxlength: 300,
        list: "reasons-known",
        autocomplete: "off",
      }),
      h(
        "datalist",
        { id: "reasons-known" },
        REASONS.map((reason) => h("option", { key: reason, value: reason })),
      ),
      silences(view),
      h(
        "button",
        // Another button stands here once somebody else has acknowledged, so that no press meets it by chance.
        { key: form.news ? "again" : "first", class: "main", disabled: !isOnline, "aria-disabled": String(busy) },
        busy ? "Asking the box …" : isNamed(who, isOther) ? `${verb} as ${who}` : verb,
      ),
      h("p", { class: "hint" }, isOnline ? "All control rooms are told." : "No connection: nothing can be sent."),
    );
  }

  another() {
    this.setState({ isOther: true }, () => this.field("by").focus());
  }
}

/** Show who had acknowledged an alarm before. */
export function Earlier({ given }) {
  if (!given?.earlier.length) return null;
  return h(
    "ul",
    { class: "earlier" },
    given.earlier.toReversed().map((one) => h("li", { key: `${one.utc} ${one.by}` }, `Before: ${said(one)}`)),
  );
}

/** Return who has acknowledged an alarm, when and why. */
export function said({ by, utc, reason }) {
  return `${by} acknowledged it ${moment(utc)}${reason ? `: ${reason}` : ", without a reason"}`;
}

/** Show what became of the last commands to a box, also when its alarm is over. */
export function Answers({ commands }) {
  return h(
    "div",
    { class: "answers", role: "status" },
    commands
      .slice(0, MAX_ANSWERS)
      .map(({ id, state, since, text }) => h("p", { key: id, class: state }, `${clockTime(since)} ${text}`)),
  );
}

function isNamed(who, isOther) {
  return who !== "" && !isOther;
}

function isWaiting(commands, view) {
  return commands.some(({ state, alarmId }) => state === "waiting" && alarmId === (view.alarm?.id ?? null));
}

function field(name, label, wrong, more) {
  const told = wrong ? { "aria-invalid": "true", "aria-describedby": `wrong-${name}` } : {};
  return h(
    "div",
    { key: name },
    h("label", null, label, h("input", { name, ...more, ...told })),
    wrong && h("p", { id: `wrong-${name}`, class: "wrong", role: "alert" }, wrong),
  );
}

function silences({ acknowledgement, silence_over: isOver }) {
  const known = isOver ? null : (acknowledgement?.silenced_until_utc ?? null);
  const first = known === null ? "until the alarm is over" : `until ${clockTime(known)}, as now`;
  return h(
    "fieldset",
    null,
    h("legend", null, "Silence for everybody:"),
    MINUTES.map((minutes) =>
      h(
        "label",
        { key: minutes },
        h("input", { type: "radio", name: "minutes", value: String(minutes), defaultChecked: minutes === 0 }),
        minutes ? `${minutes} min` : first,
      ),
    ),
  );
}

function news(given, isHeld) {
  const { by, utc, reason } = given;
  const text = `${by} has acknowledged it meanwhile, at ${clockTime(utc)}${reason ? `: ${reason}` : ""}`;
  return h(
    "p",
    { class: "news" },
    h("strong", null, `${isHeld ? "Not sent. " : ""}${text}${until(given)}.`),
    " Leave it so, or press Acknowledge again to add yours.",
  );
}

function until(given) {
  return given.silenced_until_utc === null ? "" : `; silent until ${clockTime(given.silenced_until_utc)}`;
}
