// What does not fit on a slide goes on, on another one below it. It is measured, with the fonts of
// this computer, before reveal.js hides the slides; style sheet: `.measured`.
const DIVISIBLE = "div:not(.source, .still), table, tbody";

function isTooMuch(slide) {
  // The heading of a part begins a slide also where it stands in the middle of a text.
  return slide.scrollHeight > slide.clientHeight || slide.querySelector("* + h1, * + h2");
}

// Take from the end of `box` until its slide is small enough; return what was taken in a copy of
// the box, null if nothing was. A heading stays with what follows it, a table repeats its head.
function takeEnd(box, slide) {
  const children = [...box.children];
  const first = children.find((child) => !child.matches("thead, h1, h2, h3, h4")) ?? children[0];
  const taken = [];
  while (isTooMuch(slide) && box.lastElementChild !== first) {
    taken.unshift(box.lastElementChild);
    box.lastElementChild.remove();
  }
  const inner = isTooMuch(slide) && first?.matches(DIVISIBLE) ? takeEnd(first, slide) : null;
  if (inner) taken.unshift(inner);
  if (!taken.length) return null;
  const rest = box.cloneNode(false);
  if (box.tHead) rest.append(box.tHead.cloneNode(true));
  rest.append(...taken);
  return rest;
}

function divide(slide) {
  const rest = takeEnd(slide, slide);
  if (!rest) return;
  slide.after(rest);
  rest.firstElementChild.classList.remove("fragment"); // or the slide would be empty at first
  divide(rest);
}

// On a page answers are folded; in a talk they come with the next key.
function unfold(details) {
  details.querySelector("summary").remove();
  details.replaceWith(...details.childNodes);
}

function divideAll() {
  document.querySelectorAll(".slides details").forEach(unfold);
  document.body.classList.add("measured");
  document.querySelectorAll(".slides section section").forEach(divide);
  document.body.classList.remove("measured");
}

// A slide that is taller than the screen scrolls by the arrow keys before they go on.
const STEP = 120;

function scrollBefore(event) {
  const slide = Reveal.getCurrentSlide();
  const below = slide.scrollHeight - slide.clientHeight - slide.scrollTop;
  if (["ArrowDown", "PageDown", " "].includes(event.key) && below > 1) {
    slide.scrollBy(0, STEP);
    return true;
  }
  if (["ArrowUp", "PageUp"].includes(event.key) && slide.scrollTop > 0) {
    slide.scrollBy(0, -STEP);
    return true;
  }
  return false;
}

// What scrolls must also be reachable by the Tab key.
function markScrolling() {
  for (const box of Reveal.getCurrentSlide().querySelectorAll("pre, .table, math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  const slide = Reveal.getCurrentSlide();
  if (slide.scrollHeight > slide.clientHeight) slide.tabIndex = 0;
}

// reveal.js only makes the slides beside this one invisible: keep the Tab key out of their links.
function closeOthers() {
  for (const slide of document.querySelectorAll(".slides section")) {
    slide.inert = !Reveal.isOverview() && !slide.classList.contains("present");
  }
}

for (const event of ["ready", "slidechanged", "overviewshown", "overviewhidden"]) {
  Reveal.on(event, markScrolling);
  Reveal.on(event, closeOthers);
}
addEventListener("load", () => {
  divideAll();
  Reveal.initialize({
    width: 1600,
    height: 900,
    margin: 0.02,
    center: false,
    hash: true,
    slideNumber: "c/t",
    transition: "none",
    backgroundTransition: "none",
    keyboardCondition: (event) => !scrollBefore(event),
  });
});
