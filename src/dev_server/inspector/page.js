"use strict";
(() => {
  const MOST_SHOWN = 100;
  const LONGEST_SENT = 60000;
  const MARKS = { passed: "\u2713", failed: "\u2717", "not checked": "\u2013" };
  const CLASSES = { passed: "passed", failed: "failed", "not checked": "skipped" };
  const get = (id) => document.getElementById(id);

  // Text becomes text, never markup.
  const make = (name, options = {}, children = []) => {
    const element = document.createElement(name);
    if (options.text !== undefined) element.textContent = options.text;
    if (options.kind) element.className = options.kind;
    if (options.label) element.setAttribute("aria-label", options.label);
    element.append(...children);
    return element;
  };
  const mark = (result) =>
    make("span", { text: MARKS[result], kind: "mark " + CLASSES[result], label: result });
  const table = (rows) => {
    const body = make("tbody");
    for (const [name, ...cells] of rows) {
      const head = make("th", { text: name });
      head.scope = "row";
      body.append(make("tr", {}, [head, ...cells.map((cell) => (cell instanceof Node ? cell : make("td", { text: cell })))]));
    }
    return make("table", {}, [body]);
  };
  // Text between backticks is code. A single backtick stays as it is.
  const rich = (name, text, kind) => {
    const pieces = text.split("`");
    if (pieces.length % 2 === 0) pieces.push(pieces.splice(-2).join("`"));
    return make(name, { kind }, pieces.map((piece, place) => (place % 2 ? make("code", { text: piece }) : piece)));
  };
  const plain = (text) => text.replaceAll("`", "");
  const compared = ([sent, accepted]) => {
    const recommended = accepted.length > 1 ? "  (recommended)" : "";
    const lines = accepted.map((one, place) => (place ? "          " + one : "accepted  " + one + recommended));
    return make("pre", { text: ["got       " + sent, ...lines].join("\n") });
  };
  const part = (title, content) => [make("h3", { text: title }), content];
  const values = (rows) => table(rows.map(([name, value, words]) => [name, words ? value + " (" + words + ")" : value]));
  const checks = (rows) =>
    table(
      rows.map(([name, result, reason, both]) => [
        name,
        make("td", {}, [mark(result), both ? compared(both) : rich("span", reason, CLASSES[result])]),
      ]),
    );
  const decoded = (jwt, length) =>
    jwt
      ? [
          ...part("Header", values(jwt.header)),
          ...part("Claims", values(jwt.claims)),
          make("p", { text: "The JWT has " + length + " characters. Its signature is not shown.", kind: "quiet" }),
        ]
      : [];
  const fold = (title, content) => make("details", {}, [make("summary", {}, title), make("div", {}, content)]);

  const reasons = (all) => all.map((reason) => rich("span", reason, "reason"));
  const changes = (advice, options) => {
    const server = options.map((option) => "Or at the server: " + option);
    const items = [...advice, ...server].map((item) => rich("li", item));
    return items.length ? part("What to change", make("ul", {}, items)) : [];
  };
  const told = (request) =>
    request.method + " " + request.endpoint + (request.client ? ", client " + request.client : "") + ": " + request.status;
  const shown = (request) => {
    const title = [
      mark(request.refused ? "failed" : "passed"),
      make("span", { text: "#" + request.number + " " + request.time.slice(11, 19) + " " + told(request) }),
      ...reasons(request.reasons),
    ];
    // Open, the entry lists it as a part of its own.
    title.push(...request.advice.map((advice) => rich("span", "Change: " + advice, "reason change")));
    if (request.said) title.push(make("span", { text: "Answered: " + request.said, kind: "reason said" }));
    const content = changes(request.advice, request.options);
    if (request.checks) content.push(...part("Checks", checks(request.checks)));
    content.push(...decoded(request.decoded, request.length));
    content.push(...part("Request", table([["Time", request.time], ["Path", request.path], ...request.parameters])));
    content.push(...part("Answer", make("pre", { text: request.status + "\n" + (request.answer || "no content") })));
    return make("li", {}, [fold(title, content)]);
  };

  let last = 0;
  let paused = false;
  const poll = async () => {
    try {
      const answer = await fetch("/inspector/requests?after=" + last, { cache: "no-store" });
      if (!answer.ok) throw new Error("status " + answer.status);
      const found = await answer.json();
      if (found.last < last) get("list").replaceChildren();
      for (const request of found.requests) {
        get("list").prepend(shown(request));
        get("newest").textContent = [told(request), ...request.reasons.map(plain)].join(": ");
        get("news").textContent = "Waiting for more requests.";
      }
      while (get("list").children.length > MOST_SHOWN) get("list").lastElementChild.remove();
      if (get("news").dataset.lost) get("news").textContent = "The server answers again.";
      delete get("news").dataset.lost;
      last = found.last;
    } catch {
      if (!get("news").dataset.lost) get("news").textContent = "The server does not answer.";
      get("news").dataset.lost = "yes";
    }
  };
  const watch = async () => {
    if (!paused && !document.hidden) await poll();
    setTimeout(watch, 500);
  };

  get("pause").addEventListener("click", () => {
    paused = !paused;
    get("pause").setAttribute("aria-pressed", String(paused));
    get("news").textContent = paused ? "Paused." : "Waiting for requests.";
  });
  get("clear").addEventListener("click", () => get("list").replaceChildren());

  let kept = "";
  get("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    // The page keeps what it judges, but does not go on showing it.
    const assertion = get("assertion").value.trim() || kept;
    get("result").replaceChildren();
    if (!assertion) {
      get("verdict").textContent = "Paste an assertion first.";
      get("assertion").focus();
      return;
    }
    if (assertion.length > LONGEST_SENT) {
      get("verdict").textContent = "The text has " + assertion.length + " characters. No server reads an assertion of that length.";
      return;
    }
    kept = assertion;
    get("assertion").value = "";
    get("assertion").placeholder = "Judged: a text of " + assertion.length + " characters. Paste another one, or judge it again.";
    get("verdict").textContent = "Judging\u2026";
    try {
      const body = JSON.stringify({ assertion, issuer: get("issuer").value, token_endpoint: get("endpoint").value });
      const headers = { "Content-Type": "application/json" };
      const answer = await fetch("/inspector/judge", { method: "POST", headers, body, cache: "no-store" });
      const found = await answer.json();
      if (!answer.ok) throw new Error(found.error_description);
      const accepted = found.profiles.filter((profile) => profile.accepted).length;
      get("verdict").textContent = accepted + " of " + found.profiles.length + " sets of rules accept it.";
      if (found.damage) get("verdict").textContent += " The text " + found.damage + ".";
      for (const profile of found.profiles) {
        const title = [mark(profile.accepted ? "passed" : "failed"), make("span", { text: profile.title })];
        title.push(...reasons(profile.reasons));
        const content = [...changes(profile.advice, []), ...part("Checks", checks(profile.checks))];
        if (profile.answer) content.push(...part("Answer", make("pre", { text: profile.answer.join("\n") })));
        get("result").append(fold(title, content));
      }
      get("result").append(...decoded(found.decoded, found.length));
    } catch (error) {
      get("verdict").textContent = "Not judged: " + error.message;
    }
  });

  watch();
})();
