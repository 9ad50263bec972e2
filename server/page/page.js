// Keeps the page of `status` up to date: fetches the same page again, and changes what differs.
// All of it is there without this. What is typed, has the focus or is selected stays as it is.
"use strict";

const period = Number(document.body.dataset.refresh);
const pause = document.getElementById("pause");
const connection = document.getElementById("connection");
let paused = false;
let timer = 0;

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.dataset.key : undefined);
const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function takeAttributes(from, to) {
    for (const { name, value } of from.attributes) {
        if (to.getAttribute(name) !== value) {
            to.setAttribute(name, value);
        }
    }
    for (const { name } of [...to.attributes]) {
        // Whether a part is unfolded is the reader's choice.
        if (!from.hasAttribute(name) && !(name === "open" && to.nodeName === "DETAILS")) {
            to.removeAttribute(name);
        }
    }
}

// Makes `to` what `from` is, with as few changes as that takes.
function morph(from, to) {
    if (from.isEqualNode(to)) {
        return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE) {
        to.nodeValue = from.nodeValue;
        return;
    }
    takeAttributes(from, to);
    const keyed = new Map([...to.children].filter(keyOf).map((child) => [keyOf(child), child]));
    let place = to.firstChild;
    for (const wanted of [...from.childNodes]) {
        const known = keyed.get(keyOf(wanted));
        if (known && known !== place) {
            to.insertBefore(known, place);
            place = known;
        }
        if (place && alike(wanted, place)) {
            morph(wanted, place);
            place = place.nextSibling;
        } else {
            to.insertBefore(document.importNode(wanted, true), place);
        }
    }
    while (place) {
        const next = place.nextSibling;
        place.remove();
        place = next;
    }
}

function show(page) {
    for (const part of page.querySelectorAll("[data-live]")) {
        const shown = document.getElementById(part.id);
        if (shown) {
            morph(part, shown);
        }
    }
    if (document.title !== page.title) {
        document.title = page.title;
    }
}

function say(text) {
    if (connection.textContent !== text) {
        connection.textContent = text;
    }
}

async function refresh() {
    try {
        const reply = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(25000) });
        if (reply.status === 503) {
            return; // others ask for explanations as well: the next time
        }
        if (!reply.ok) {
            throw new Error(reply.statusText);
        }
        const page = new DOMParser().parseFromString(await reply.text(), "text/html");
        if (!paused) {
            show(page);
        }
        say("");
    } catch (error) {
        say("The server does not answer. What is shown is of before.");
    }
}

async function goOn() {
    clearTimeout(timer);
    if (paused || document.hidden) {
        return;
    }
    await refresh();
    clearTimeout(timer);
    timer = setTimeout(goOn, period);
}

if (period > 0) {
    pause.hidden = false;
    document.addEventListener("visibilitychange", goOn);
    timer = setTimeout(goOn, period);
}
pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume updates" : "Pause updates";
    goOn();
});
