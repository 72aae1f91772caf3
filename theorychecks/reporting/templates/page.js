"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const claims = Array.from(document.querySelectorAll(".claim"));
  const texts = new Map(claims.map((claim) => [claim, claim.textContent.toLowerCase()]));
  const search = byId("search");
  const choices = { outcome: byId("outcome"), sources: byId("source"), kinds: byId("kind") };

  const placeOf = (link) => {
    try {
      return byId(decodeURIComponent(link.hash.slice(1)));
    } catch {
      return null;
    }
  };
  const followers = Array.from(document.querySelectorAll(".follows"), (item) => {
    const link = item.matches("a") ? item : item.querySelector("a");
    return [item, link ? placeOf(link) : null];
  });

  const fits = (claim, words) =>
    Object.entries(choices).every(
      ([name, choice]) => !choice.value || claim.dataset[name].split(" ").includes(choice.value)
    ) && words.every((word) => texts.get(claim).includes(word));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const claim of claims) {
      claim.hidden = !fits(claim, words);
      shown += claim.hidden ? 0 : 1;
    }
    for (const [item, claim] of followers) item.hidden = Boolean(claim && claim.hidden);
    for (const group of document.querySelectorAll(".group"))
      group.hidden = !group.querySelector(".claim:not([hidden]), .follows:not([hidden])");
    byId("count").textContent =
      shown === claims.length ? `${shown} claims` : `${shown} of ${claims.length} claims`;
  };

  const clear = () => {
    search.value = "";
    for (const choice of Object.values(choices)) choice.value = "";
    filter();
  };

  const showTarget = () => {
    const place = placeOf(location);
    const claim = place && place.closest(".claim");
    if (!claim) return;
    if (claim.hidden) clear();
    place.scrollIntoView();
  };

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(plain).text());
  };

  const BATCH = 12;
  const showCards = (details, pieces) => {
    const cards = document.createElement("div");
    const button = document.createElement("button");
    cards.className = "cards";
    button.type = "button";
    let shown = 0;
    const next = () => {
      const from = cards.children.length;
      cards.insertAdjacentHTML("beforeend", pieces.slice(shown, shown + BATCH).join(""));
      shown = Math.min(shown + BATCH, pieces.length);
      button.hidden = shown === pieces.length;
      button.textContent = `Show ${Math.min(BATCH, pieces.length - shown)} more of ${pieces.length}`;
      if (from && cards.children[from]) {
        cards.children[from].tabIndex = -1;
        cards.children[from].focus({ preventScroll: true });
      }
    };
    button.addEventListener("click", next);
    next();
    details.append(cards, button);
  };

  const open = async (details) => {
    if (!details.open || !details.dataset.packed || typeof DecompressionStream === "undefined") return;
    const text = details.dataset.packed;
    delete details.dataset.packed;
    const pieces = await unpack(text);
    if (pieces.length) showCards(details, pieces);
    const list = details.querySelector("pre");
    if (list) list.hidden = pieces.length === Number(details.dataset.count);
  };

  for (const details of document.querySelectorAll("details.more"))
    details.addEventListener("toggle", () => open(details));
  search.addEventListener("input", filter);
  for (const choice of Object.values(choices)) choice.addEventListener("change", filter);
  byId("clear").addEventListener("click", clear);
  window.addEventListener("hashchange", showTarget);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
  });
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("tools").hidden = false;
  filter();
  showTarget();
})();
