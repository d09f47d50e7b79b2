// Shows /openapi.json. Text is only ever set as text, never as markup.
"use strict";

const methods = ["get", "post", "put", "patch", "delete"];

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

// resolve follows a reference to a component.
function resolve(spec, schema) {
  let s = schema || {};
  for (let i = 0; s.$ref && i < 10; i++) {
    s = s.$ref.split("/").slice(1).reduce((at, key) => at && at[key], spec) || {};
  }
  return s;
}

function typeOf(spec, schema) {
  const s = resolve(spec, schema);
  const either = s.anyOf || s.oneOf;
  if (either) return either.map((one) => nameOf(one) || typeOf(spec, one)).join(" or ");
  const type = Array.isArray(s.type) ? s.type.join(" or ") : s.type || "any";
  if (s.enum) return s.enum.join(" | ");
  if (type.startsWith("array")) return "array of " + typeOf(spec, s.items);
  return s.format ? type + " (" + s.format + ")" : type;
}

// nameOf is the name of a component that is referred to.
function nameOf(schema) {
  return schema && schema.$ref ? schema.$ref.split("/").pop() : "";
}

// limitsOf says what values a schema takes, besides its type.
function limitsOf(s) {
  const words = [];
  if (s.minimum !== undefined && s.maximum !== undefined) words.push(s.minimum + " to " + s.maximum);
  else if (s.minimum !== undefined) words.push("at least " + s.minimum);
  else if (s.maximum !== undefined) words.push("at most " + s.maximum);
  if (s.maxLength !== undefined) words.push("at most " + s.maxLength + " characters");
  if (s.maxItems !== undefined) words.push("at most " + s.maxItems);
  if (s.default !== undefined) words.push("default " + JSON.stringify(s.default));
  return words.length ? " " + words.join(", ") + "." : "";
}

// rows lists the properties of an object, nested ones below their parents.
function rows(spec, schema, table, prefix, depth) {
  const s = resolve(spec, schema);
  if (s.items) return rows(spec, s.items, table, prefix + "[]", depth);
  for (const [name, property] of Object.entries(s.properties || {})) {
    const row = table.appendChild(element("tr"));
    const required = (s.required || []).includes(name) ? " *" : "";
    const path = prefix ? prefix + "." + name : name;
    const cell = row.appendChild(element("td"));
    cell.append(element("code", path + required));
    const about = (property.description || resolve(spec, property).description || "") + limitsOf(property);
    row.append(element("td", typeOf(spec, property), "quiet"), element("td", about));
    if (depth < 3) rows(spec, property, table, path, depth + 1);
  }
}

function properties(spec, schema) {
  const table = element("table");
  rows(spec, schema, table, "", 0);
  return table.rows.length ? table : element("p", typeOf(spec, schema), "quiet");
}

function parameters(spec, list) {
  const table = element("table");
  for (const p of list) {
    const row = table.appendChild(element("tr"));
    const name = element("td");
    name.append(element("code", p.name + (p.required ? " *" : "")));
    row.append(name, element("td", p.in + ", " + typeOf(spec, p.schema), "quiet"), element("td", (p.description || "") + limitsOf(p.schema || {})));
  }
  return table;
}

function content(spec, holder, body) {
  for (const [kind, media] of Object.entries(body.content || {})) {
    holder.append(element("p", kind, "quiet"));
    if (media.schema) holder.append(properties(spec, media.schema));
    const named = Object.entries(media.examples || {}).map(([name, e]) => [name, e.value]);
    if (media.example !== undefined) named.unshift(["", media.example]);
    for (const [name, value] of named) {
      holder.append(element("p", name ? "Example: " + name : "Example", "quiet"));
      holder.append(element("pre", typeof value === "string" ? value : JSON.stringify(value, null, 2)));
    }
  }
}

// fill builds the inside of an operation when it is first opened.
function fill(spec, holder, op) {
  if (op.description) holder.append(element("p", op.description));
  if (op.parameters && op.parameters.length) holder.append(element("h3", "Parameters"), parameters(spec, op.parameters));
  if (op.requestBody) {
    holder.append(element("h3", "Body"));
    content(spec, holder, op.requestBody);
  }
  for (const [status, response] of Object.entries(op.responses || {})) {
    const answer = resolve(spec, response);
    holder.append(element("h3", "Answer " + status + (answer.description ? ": " + answer.description : "")));
    const named = Object.keys(answer.headers || {});
    if (named.length) holder.append(element("p", "Headers: " + named.join(", "), "quiet"));
    if (status < 400) content(spec, holder, answer); // the others are all alike: problem+json
  }
}

function operation(spec, path, method, op) {
  const details = element("details");
  details.id = op.operationId;
  const summary = details.appendChild(element("summary"));
  summary.append(element("span", method.toUpperCase(), "method"), element("code", path), element("span", "  " + (op.summary || ""), "quiet"));
  details.dataset.text = (method + " " + path + " " + (op.summary || "")).toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) fill(spec, details.appendChild(element("div")), op);
  });
  return details;
}

function show(spec) {
  document.getElementById("about").textContent = (spec.info.description || "") + " Version " + spec.info.version + ".";
  const groups = new Map((spec.tags || []).map((tag) => [tag.name, []]));
  const about = new Map((spec.tags || []).map((tag) => [tag.name, tag.description]));
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of methods) {
      const op = item[method];
      if (!op) continue;
      const tag = (op.tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(spec, path, method, op));
    }
  }
  const main = document.getElementById("operations");
  main.replaceChildren();
  for (const [tag, operations] of groups) {
    const section = main.appendChild(element("section"));
    section.append(element("h2", tag), element("p", about.get(tag) || "", "quiet"), ...operations);
  }
  openNamed();
}

// openNamed opens the operation that the address names: /docs#publishEvent.
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(named instanceof HTMLDetailsElement)) return;
  named.open = true;
  named.scrollIntoView();
}

window.addEventListener("hashchange", openNamed);

function filter(text) {
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const details of section.querySelectorAll("details")) {
      details.hidden = !details.dataset.text.includes(text);
      any = any || !details.hidden;
    }
    section.hidden = !any;
  }
}

document.getElementById("filter").addEventListener("input", (e) => filter(e.target.value.toLowerCase()));

fetch("/openapi.json")
  .then((response) => response.json())
  .then(show)
  .catch(() => {
    document.getElementById("operations").replaceChildren(element("p", "The description could not be loaded."));
  });
