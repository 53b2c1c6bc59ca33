// Search over all pages. The library and the texts come when the search is opened first, as
// scripts: a page opened from a folder may fetch nothing else.
const search = document.getElementById("search");
const words = search.querySelector("input");
const count = search.querySelector("[role=status]");
const places = search.querySelector("ol");
const AT_MOST = 30;
let index;

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

async function makeIndex() {
  await Promise.all([loadScript("minisearch.js"), loadScript("texts.js")]);
  const made = new MiniSearch({
    idField: "address",
    fields: ["page", "heading", "text"],
    storeFields: ["page", "heading", "text"],
    searchOptions: {
      prefix: true,
      fuzzy: (word) => word.length > 4 && 0.25, // letters that may be wrong, as a part of all
      combineWith: "AND",
      boost: { page: 2, heading: 3 },
    },
  });
  made.addAll(TEXTS);
  return made;
}

// The words around the first one that was found, which is marked.
function excerpt(text, found) {
  const small = text.toLowerCase();
  const starts = found.map((word) => small.indexOf(word)).filter((at) => at >= 0);
  if (!starts.length) return [text.match(/^.{0,120}(?=\s|$)/)[0]]; // it is in the heading
  const at = Math.min(...starts);
  const word = found.filter((other) => small.startsWith(other, at)).sort().at(-1); // the longest
  const mark = document.createElement("mark");
  mark.textContent = text.slice(at, at + word.length);
  const before = text.slice(0, at).match(/(?<=^|\s).{0,60}$/)?.[0];
  const after = text.slice(at + word.length).match(/^.{0,90}(?=\s|$)/)?.[0];
  return [before ?? "", mark, after ?? ""];
}

function placeOf(result) {
  const place = document.createElement("li");
  const link = document.createElement("a");
  const around = document.createElement("p");
  link.href = result.id;
  link.textContent = `${result.page}: ${result.heading}`;
  around.append(...excerpt(result.text, result.terms));
  place.append(link, around);
  return place;
}

async function showPlaces() {
  const wanted = words.value.trim();
  const results = wanted ? (await index).search(wanted) : [];
  if (wanted !== words.value.trim()) return; // typed on in the meantime
  places.replaceChildren(...results.slice(0, AT_MOST).map(placeOf));
  const shown = results.length > AT_MOST ? `, the best ${AT_MOST} are shown` : "";
  count.textContent = wanted && `Places: ${results.length}${shown}`;
}

function openSearch() {
  index ??= makeIndex();
  search.showModal();
  words.select();
}

// The arrow keys lead from the words to the places and back.
function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const stops = [words, ...places.querySelectorAll("a")];
  stops[stops.indexOf(document.activeElement) + step]?.focus();
}

words.addEventListener("input", showPlaces);
search.addEventListener("keydown", moveFocus);
search.querySelector("button").addEventListener("click", () => search.close());
search.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  places.querySelector("a")?.click();
});
places.addEventListener("click", (event) => event.target.closest("a") && search.close());
addEventListener("keydown", (event) => {
  if (event.key !== "k" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!search.open) openSearch();
});
document.getElementById("open-search").addEventListener("click", openSearch);
document.getElementById("open-search").hidden = false;
