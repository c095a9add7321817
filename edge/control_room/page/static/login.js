// The form in which a guard logs in. User and password are kept in memory, or in this tab where the guard wants that.

import { h } from "./vendor/preact.mjs";
import { STOP_SOUND } from "./words.js";

const KEY = "gammabox-login";
const SHUT_OUT = " No alarm can come here until you are connected again. Call the technician, send patrols.";

/** Return the login that this tab keeps, or null. */
export function keptLogin() {
  try {
    const { username, password } = JSON.parse(sessionStorage.getItem(KEY));
    return { username: String(username), password: String(password) };
  } catch {
    return null;
  }
}

/** Keep a login in this tab until it is closed, or forget it with null. */
export function keepLogin(login) {
  if (login) sessionStorage.setItem(KEY, JSON.stringify(login));
  else sessionStorage.removeItem(KEY);
}

/**
 * Show the form. `message` says why the last login failed, and `isShutOut` whether that ended a page that has watched;
 * `onQuiet` stops the sound that tells so.
 */
export function Login({ settings, message, isShutOut, onQuiet, onLogin }) {
  const submit = (event) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    const login = { username: values.get("username"), password: values.get("password") };
    onLogin(login, values.get("keep") === "on");
  };
  return h(
    "main",
    { class: "login" },
    h("h1", null, "Gammabox"),
    h("p", null, settings.site ? `Site ${settings.site}` : "All sites", h("br"), h("small", null, settings.url)),
    message && h("p", { class: "problem", role: "alert" }, message, isShutOut && h("strong", null, SHUT_OUT)),
    onQuiet && h("button", { type: "button", onClick: onQuiet }, STOP_SOUND),
    h(
      "form",
      { onSubmit: submit },
      h("label", null, "User", h("input", { name: "username", autocomplete: "username", autofocus: true })),
      h(
        "label",
        null,
        "Password",
        h("input", { name: "password", type: "password", autocomplete: "current-password" }),
      ),
      h(
        "label",
        { class: "check" },
        h("input", { name: "keep", type: "checkbox" }),
        "Stay logged in until this tab is closed",
      ),
      h("button", { class: "main", type: "submit" }, "Connect"),
    ),
    h(
      "p",
      { class: "hint" },
      "Leave both empty where the broker asks for no login. Pressing Connect also turns the sound on.",
    ),
  );
}
