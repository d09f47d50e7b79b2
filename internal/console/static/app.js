"use strict";

// Times in the viewer's zone, as precise as their writer asks for. Without a
// wish: the hour for today, the date besides for other days.
const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const formats = {
	date: new Intl.DateTimeFormat(undefined, { dateStyle: "short" }),
	dateLong: new Intl.DateTimeFormat(undefined, { dateStyle: "long" }),
	dateTimeLong: new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" }),
	time: hour,
	timeSeconds: new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }),
	seconds: new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }),
};
const distance = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const units = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

function relative(time) {
	const seconds = Math.round((time - Date.now()) / 1000);
	const [unit, length] = units.find((u) => Math.abs(seconds) >= u[1]) ?? ["second", 1];
	return distance.format(Math.trunc(seconds / length), unit);
}

function localTimes(root) {
	const today = new Date().toDateString();
	for (const element of root.querySelectorAll("time")) {
		const time = new Date(element.dateTime);
		if (isNaN(time)) continue;
		const format = element.dataset.format;
		if (format === "relative") element.textContent = relative(time);
		else element.textContent = (formats[format] ?? (time.toDateString() === today ? hour : day)).format(time);
		element.title = whole.format(time);
	}
}

let shownOn = new Date().toDateString();

setInterval(() => {
	const today = new Date().toDateString();
	if (today !== shownOn) localTimes(document); // what was today's needs its date
	shownOn = today;
	for (const element of document.querySelectorAll("time[data-format=relative]")) element.textContent = relative(new Date(element.dateTime));
}, 30_000);

function parse(html) {
	const template = document.createElement("template");
	template.innerHTML = html;
	localTimes(template.content);
	return template.content;
}

async function fetchFragment(url, options) {
	const answer = await fetch(url, options);
	const text = await answer.text();
	if (answer.ok) return parse(text);
	let detail = "";
	try {
		const problem = JSON.parse(text);
		detail = [problem.detail, ...problem.errors.map((e) => e.field + ": " + e.detail + ".")].join(" ");
	} catch { /* not from the hub */ }
	throw Object.assign(new Error(detail), { status: answer.status });
}

// A picture that cannot be loaded leaves the initials that are behind it, or its
// description; without one it leaves nothing.
document.addEventListener("error", (event) => {
	const picture = event.target;
	if (picture instanceof HTMLImageElement && (picture.alt === "" || picture.matches(".thumb"))) picture.remove();
}, true);

const log = document.getElementById("messages");
const newestItems = 500; // more than that only makes the page slow

// put adds a message to the list or replaces what the list has of it. Ids sort
// as the messages do. A thread's page begins with its root whatever comes.
function put(fragment) {
	const items = document.getElementById("items");
	for (const item of [...fragment.querySelectorAll("[data-message]")]) {
		const known = document.getElementById(item.id);
		if (known) {
			known.replaceWith(item);
			continue;
		}
		let next = null;
		for (let i = items.lastElementChild; i && i.dataset.message > item.dataset.message; i = i.previousElementSibling) next = i;
		items.insertBefore(item, next);
	}
}

// trim drops the oldest messages while the reader is at the newest.
function trim() {
	const items = document.getElementById("items");
	const older = document.getElementById("older");
	if (items.childElementCount <= newestItems || !older || log.scrollTop < -200) return;
	while (items.childElementCount > newestItems) items.firstElementChild.remove();
	const before = items.firstElementChild.dataset.message;
	for (const name of ["href", "data-fragment"]) {
		const url = new URL(older.getAttribute(name), location.href);
		url.searchParams.set("before", before);
		older.setAttribute(name, url.pathname + url.search);
	}
}

// Messages that events named and that are not fetched yet, oldest first. They
// are fetched one after the other; a crowd of them as one page.
const wanted = new Set();
let fetching = false;

async function catchUp() {
	if (fetching) return;
	fetching = true;
	const thread = log.dataset.thread;
	while (wanted.size > 0) {
		const crowd = wanted.size > 20;
		const taken = crowd ? [...wanted] : [...wanted].slice(0, 1);
		for (const id of taken) wanted.delete(id); // before the fetch: an event meanwhile asks again
		try {
			if (crowd) {
				document.getElementById("list").replaceWith(await fetchFragment(log.dataset.fragments));
				continue;
			}
			put(await fetchFragment("/fragments/messages/" + taken[0] + (thread ? "?thread=1" : "")));
			trim();
		} catch (error) {
			if (error.status !== undefined && error.status < 500) continue; // it is gone
			for (const id of taken) wanted.add(id); // offline; the stream will tell
			break;
		}
	}
	fetching = false;
}

function onMessageEvent(event) {
	log.dataset.after = event.lastEventId;
	// Anybody who may send events may send one of this name, with any data.
	const { message, channelId, messageId } = JSON.parse(event.data).data ?? {};
	if (channelId !== log.dataset.channel) return;
	const shown = document.getElementById("m-" + messageId) !== null;
	const root = message?.threadId || "";
	const created = event.type === "message.created";
	if (shown || (created && root === log.dataset.thread)) wanted.add(messageId);
	// A reply changes what the channel's page says below the root.
	if (root && document.getElementById("m-" + root)) wanted.add(root);
	catchUp();
}

// The browser renews a lost connection by itself, and says where it was. An
// answer that is no stream ends it; then we try again, a few times.
let stream, refusals = 0;

function follow() {
	const connection = document.getElementById("connection");
	stream = new EventSource("/api/events/stream?event=message.*&after=" + log.dataset.after);
	const names = ["created", "updated", "deleted", "pinned", "unpinned", "reaction.added", "reaction.removed"];
	for (const name of names) stream.addEventListener("message." + name, onMessageEvent);
	stream.onopen = () => {
		connection.textContent = "";
		refusals = 0;
		catchUp();
	};
	stream.onerror = () => {
		connection.textContent = connection.dataset.lost;
		if (stream.readyState !== EventSource.CLOSED) return;
		if (++refusals > 5) connection.textContent = connection.dataset.refused;
		else setTimeout(follow, 1000 * 2 ** refusals);
	};
}

addEventListener("pagehide", () => stream?.close());
addEventListener("pageshow", (event) => { if (event.persisted && log) location.reload(); }); // other pages keep their fields

// Older messages are put above the ones there are; the list stays in place,
// because its scroll position counts from below.
document.addEventListener("click", async (event) => {
	const link = event.target.closest("#older");
	if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
	event.preventDefault();
	link.setAttribute("aria-disabled", "true");
	try {
		const page = await fetchFragment(link.dataset.fragment);
		const more = page.getElementById("older");
		put(page);
		if (more) link.parentElement.replaceWith(more.parentElement);
		else link.parentElement.remove();
		log.focus({ preventScroll: true });
	} catch (error) {
		link.removeAttribute("aria-disabled");
		if (error.status === 401) document.getElementById("connection").textContent = signedOut(); // the page has what is written
		else location.href = link.href;
	}
});

const signedOut = () => document.getElementById("connection").dataset.signedOut;

// What is written stays with the tab, for each channel and thread, until it is
// sent or its writer signs out: a page that is loaded again has it, and its key, so
// that what was taken without an answer is not posted twice. The returned function
// stores what the box has now.
function keep(form) {
	const { content: box, key } = form.elements;
	const name = "draft " + log.dataset.channel + " " + log.dataset.thread;
	const store = () => {
		if (box.value) sessionStorage.setItem(name, JSON.stringify([box.value, key.value]));
		else sessionStorage.removeItem(name);
	};
	const kept = sessionStorage.getItem(name);
	if (kept && !box.value) [box.value, key.value] = JSON.parse(kept);
	box.addEventListener("input", () => {
		key.value = newKey(); // it is another message
		store();
	});
	return store;
}

function newKey() {
	return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
}

document.querySelector("form[action='/logout']")?.addEventListener("submit", () => sessionStorage.clear());

// Sending without leaving the page. The key makes a repetition harmless; the
// text stays in the box until the hub has taken it.
function compose(form) {
	const box = form.elements.content;
	const button = form.querySelector("button");
	const error = document.getElementById("error");
	const store = keep(form);
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		error.textContent = "";
		if (button.disabled || box.value.trim() === "") return;
		button.disabled = true;
		try {
			const sent = await fetchFragment(form.dataset.fragment, { method: "POST", body: new URLSearchParams(new FormData(form)) });
			box.value = "";
			form.elements.key.value = newKey();
			store();
			if (!log.dataset.after) location.href = sent.querySelector(".when").getAttribute("href"); // it is on a newer page
			else put(sent);
			log.scrollTop = 0;
		} catch (failure) {
			// Without a status the words are the browser's.
			error.textContent = failure.status === 401 ? signedOut() : (failure.status && failure.message) || form.dataset.failed;
		}
		button.disabled = false;
		box.focus();
	});
	if (matchMedia("(pointer: coarse)").matches) return; // on a touch screen Enter is a line break
	box.addEventListener("keydown", (event) => {
		if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
		event.preventDefault();
		form.requestSubmit();
	});
	document.getElementById("hint").hidden = false;
	box.setAttribute("aria-describedby", "hint");
	box.focus({ preventScroll: true });
}

// On the page of a call, a value of the body that is clicked is put as a JSON
// Pointer (RFC 6901) into the field of the mapping that was used last: alone, or
// in braces where the field holds a text.
function pick(payload, form) {
	let field = form.querySelector("input:not([type=hidden]), textarea");
	form.addEventListener("focusin", (event) => {
		if (!event.target.matches("input, textarea")) return;
		field.classList.remove("picked");
		field = event.target;
		field.classList.add("picked");
	});
	payload.classList.add("pickable");
	for (const value of payload.querySelectorAll(".value")) {
		value.tabIndex = 0;
		value.setAttribute("role", "button");
		value.title = pointerTo(value);
	}
	payload.addEventListener("keypress", (event) => { // after keydown, the field would get the rest of the key
		if (event.key === "Enter") event.target.closest(".value")?.click();
	});
	payload.addEventListener("click", (event) => {
		const value = event.target.closest(".value");
		if (!value || !getSelection().isCollapsed) return; // somebody copies
		const pointer = pointerTo(value);
		if (/^(\/[^{}]*)?$/.test(field.value.trim())) field.value = pointer;
		else field.setRangeText("{" + pointer + "}", field.selectionStart, field.selectionEnd, "end");
		field.focus({ preventScroll: true });
	});
}

function pointerTo(value) {
	let pointer = "";
	for (let item = value.closest("[data-step]"); item; item = item.parentElement.closest("[data-step]")) {
		pointer = "/" + item.dataset.step.replaceAll("~", "~0").replaceAll("/", "~1") + pointer;
	}
	return pointer;
}

const payload = document.getElementById("payload"), mapping = document.querySelector("form.mapping");
if (payload && mapping) pick(payload, mapping);

localTimes(document);
addEventListener("load", () => document.querySelector("[aria-invalid]")?.focus()); // after the address's #, to which autofocus gives way

const composer = document.getElementById("composer");
if (composer) compose(composer);
if (log?.dataset.after) follow(); // not on a page of older messages

// The channel that is open is in view in a long list of them.
const sidebar = document.getElementById("sidebar");
const showCurrent = () => sidebar.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
if (sidebar) {
	showCurrent();
	sidebar.addEventListener("toggle", showCurrent); // in a narrow window it opens later
}
