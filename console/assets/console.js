"use strict";
// The pages can be read without this script. It keeps them live, holds them still, copies texts, and obeys keys.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const stored = { // a browser may refuse to store
    get(name) { try { return localStorage.getItem(name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem(name, value); } catch { /* it holds for this page only */ } },
  };

  // ---- copying: the clipboard needs HTTPS or this machine; elsewhere the text is selected
  function select(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }
  async function copy(element, button) {
    const label = button?.textContent;
    try {
      await navigator.clipboard.writeText(element.textContent);
      if (button) button.textContent = "Copied";
    } catch {
      select(element);
      if (button) button.textContent = "Selected";
    }
    if (button) setTimeout(() => { button.textContent = label; }, 2000);
  }
  function copyButtons(root) {
    for (const box of all(".copy", root)) {
      if ($("button", box)) continue;
      const button = make("button", { type: "button", textContent: "Copy" });
      button.addEventListener("click", () => copy($("code", box), button));
      box.append(button);
    }
  }
  copyButtons(document);
  const id = $("#event-id");
  if (id) {
    const button = make("button", { type: "button", className: "btn small quiet", textContent: "Copy ID" });
    button.addEventListener("click", () => copy(id, button));
    id.after(" ", button);
  }

  // ---- live
  const now = $(".asof");
  if (now) live(now);

  function live(place) {
    const status = make("span", { className: "live", role: "status", textContent: "Live" });
    const button = make("button", { type: "button", className: "btn small", textContent: "Keep still" });
    place.replaceWith(status, button);
    const list = $("#list"), fresh = $("#fresh");
    let still = false, since = "", newest = 0, seen = 0, dirty = false, asking = false, lost = 0, spoke = 0;
    const clock = () => $(".zone time")?.textContent ?? "";

    // busy: the person chooses, reads or writes something that must not change under the hand
    const busy = () => document.hidden || $(".menu:popover-open, .sheet:popover-open") || $("#list input:checked") || !getSelection().isCollapsed;

    function show() {
      status.classList.toggle("still", still || lost > 0);
      if (still) {
        const more = newest - seen;
        status.textContent = `Still since ${since}` + (more > 0 ? `, ${more.toLocaleString("en")} new` : "");
      } else {
        status.textContent = lost > 0 ? `Stands at ${since}` : "Live";
      }
      button.textContent = still ? "Go on" : "Keep still";
    }
    function toggle() {
      still = !still;
      since = clock();
      seen = newest;
      show();
      if (!still) refresh();
    }
    button.addEventListener("click", toggle);

    // swap takes over the parts of a newer page that may change, and leaves the part that has the focus.
    function swap(page) {
      for (const part of all("[data-live]")) {
        const newer = page.getElementById(part.id);
        if (!newer || part.contains(document.activeElement) || part.innerHTML === newer.innerHTML) continue;
        const open = new Map(all("details", part).map((d) => [d.firstElementChild.textContent, d.open]));
        for (const d of all("details", newer)) {
          const was = open.get(d.firstElementChild.textContent);
          if (was !== undefined) d.open = was;
        }
        part.replaceChildren(...[...newer.childNodes].map((n) => document.importNode(n, true)));
        copyButtons(part);
      }
    }
    // New rows never push: one line above the list counts them.
    function count(page) {
      if (!list || !("first" in list.dataset)) return;
      const known = Number(list.dataset.newest);
      const rows = all("#list [data-seq]", page);
      const more = rows.filter((row) => Number(row.dataset.seq) > known).length;
      if (!more || Date.now() - spoke < 10000) return;
      spoke = Date.now();
      const text = (more === rows.length ? `${more} or more` : more) + (more === 1 ? " new event." : " new events.") + " Show them";
      if (fresh.textContent !== text) fresh.replaceChildren(make("a", { href: location.href, textContent: text }));
    }
    async function refresh() {
      if (still || asking || busy()) { dirty = true; return; }
      asking = true;
      dirty = false;
      try {
        const answer = await fetch(location.href, { headers: { "Hookline-Live": "1" }, cache: "no-store" });
        if (answer.status === 401) { location.reload(); return; }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (still || busy()) { dirty = true; return; }
        swap(page);
        count(page);
      } catch { /* the stream says it, too */ } finally {
        asking = false;
      }
    }
    function hear(data) {
      clearTimeout(lost);
      const was = lost;
      lost = 0;
      newest = Number(data);
      if (was || still) show();
      refresh();
    }
    function lose() {
      if (lost) return;
      lost = setTimeout(() => { since = clock(); show(); }, 5000);
    }
    for (const event of ["visibilitychange", "selectionchange", "toggle"]) {
      document.addEventListener(event, () => { if (dirty) refresh(); }, true);
    }
    addEventListener("hookline-still", toggle);

    // One stream in a browser: the page that has the lock listens, and tells the others.
    const channel = "BroadcastChannel" in window ? new BroadcastChannel("hookline") : null;
    const listen = () => new Promise(() => {
      const stream = new EventSource("/live");
      stream.addEventListener("change", (e) => { hear(e.data); channel?.postMessage(e.data); });
      stream.addEventListener("error", () => { lose(); channel?.postMessage("lost"); });
    });
    channel?.addEventListener("message", (e) => (e.data === "lost" ? lose() : hear(e.data)));
    if (channel && navigator.locks) navigator.locks.request("hookline-live", listen);
    else listen();
  }

  // ---- keys: outside of fields; none of them acts
  let off = stored.get("hookline-keys") === "off";
  const pages = { h: "/", e: "/events", f: "/failures", u: "/unrouted", j: "/jobs", o: "/routes", w: "/who" };
  let going = 0;
  function step(by) {
    const beside = $(by > 0 ? 'main a[rel="next"]' : 'main a[rel="prev"]');
    const rows = all("#list tbody a, .groups summary");
    const at = rows.indexOf(document.activeElement?.closest("tr")?.querySelector("a") ?? document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by;
    if (rows[next]) rows[next].focus();
    else if (beside) location.assign(beside.href);
  }
  document.addEventListener("keydown", (e) => {
    const field = e.target.closest?.("input, select, textarea");
    if (e.key === "Escape" && field) { field.blur(); return; }
    if (off || e.ctrlKey || e.altKey || e.metaKey || field && field.type !== "checkbox") return;
    if (Date.now() - going < 1500 && pages[e.key]) { location.assign(pages[e.key]); e.preventDefault(); going = 0; return; }
    going = 0;
    switch (e.key) {
      case "/": $("#q")?.focus(); $("#q")?.select(); break;
      case "g": going = Date.now(); break;
      case "j": step(1); break;
      case "k": step(-1); break;
      case "x": document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]")?.click(); break;
      case "s": dispatchEvent(new Event("hookline-still")); break;
      case "c": if (id) copy(id); break;
      case "?": location.assign("/keys"); break;
      default: return;
    }
    e.preventDefault();
  });
  const keys = $("#keys-switch");
  if (keys) {
    const button = make("button", { type: "button", className: "btn" });
    const label = () => { button.textContent = off ? "Switch shortcuts on" : "Switch shortcuts off"; };
    button.addEventListener("click", () => { off = !off; stored.set("hookline-keys", off ? "off" : "on"); label(); });
    label();
    keys.append(button);
  }
})();
